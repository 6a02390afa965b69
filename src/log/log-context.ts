// Settings, context and positions of a log: types that the files of this folder share.
import type { Disk } from "./disk/disk.js";

/** Settings of a log. A change takes effect at the next roll or retention run. */
export interface LogSettings {
  /** Size at which the active segment is rolled, in bytes. */
  readonly segmentBytes: number;
  /** Age of its first batch, in milliseconds, at which the active segment is rolled. */
  readonly segmentMs: number;
  /** Size above which the oldest sealed segments are deleted, in bytes; -1 for never. */
  readonly retentionBytes: number;
  /** Age of a sealed segment's newest record at which it is deleted, in milliseconds; -1 for never. */
  readonly retentionMs: number;
}

/** A boundary between two batches of the log. */
export interface LogPosition {
  readonly offset: number;
  /** Base offset of the segment. */
  readonly segment: number;
  /** Bytes from the start of that segment. */
  readonly position: number;
}

export interface SegmentContext {
  readonly disk: Disk;
  readonly directory: string;
  /** For messages: `orders-3`. */
  readonly name: string;
  readonly report: (line: string) => void;
}

export interface LogContext extends SegmentContext {
  readonly settings: LogSettings;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Called after each flush of appended batches or of a whole segment, with its duration in milliseconds. */
  readonly onFlush?: ((ms: number) => void) | undefined;
}
