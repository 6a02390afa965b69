// What a log is opened with, and the places in it: shared by the files that make up a log.
// Leaves to others: everything that is done with them.
import type { Disk } from "./disk/disk.ts";

/** Settings of a log. A change takes effect at the next roll or the next clean-up. */
export interface LogSettings {
  /** Size at which the active segment is rolled, in bytes. */
  readonly segmentBytes: number;
  /** Age of its first batch at which the active segment is rolled, in milliseconds. */
  readonly segmentMs: number;
  /** Size above which the oldest sealed segments are deleted, in bytes; -1 for never. */
  readonly retentionBytes: number;
  /** Age of a sealed segment's newest record at which it is deleted, in milliseconds; -1 for never. */
  readonly retentionMs: number;
}

/** A place between two batches of the log: all before it can be read up to there. */
export interface LogPosition {
  /** Offset of the record that follows. */
  readonly offset: number;
  /** Base offset of the segment that the place is in. */
  readonly segment: number;
  /** Bytes from the start of that segment. */
  readonly position: number;
}

/** What a segment is opened with. */
export interface SegmentContext {
  readonly disk: Disk;
  readonly directory: string;
  /** For messages: `orders-3`. */
  readonly name: string;
  /** Takes a line about something that an operator should know. */
  readonly report: (line: string) => void;
}

/** What a log is opened with. */
export interface LogContext extends SegmentContext {
  readonly settings: LogSettings;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told of each flush of appended batches, of a whole segment too, how long it took, in milliseconds. */
  readonly onFlush?: ((ms: number) => void) | undefined;
}
