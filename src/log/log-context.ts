// Settings, context and positions of a log: types that the files of this folder share.
import { OFFSET_MAX } from "../limits.js";
import type { Disk } from "./disk/disk.js";

/** Whose clock the timestamps of a log come from: the producers', or the broker's. */
export type TimestampType = "CreateTime" | "LogAppendTime";

/** Settings of a log. A change takes effect with the next batch, or at the next roll or retention run. */
export interface LogSettings {
  /** Size at which the active segment is rolled, in bytes. */
  readonly segmentBytes: number;
  /** Age of its first batch, in milliseconds, at which the active segment is rolled. */
  readonly segmentMs: number;
  /** Size above which the oldest sealed segments are deleted, in bytes; -1 for never. */
  readonly retentionBytes: number;
  /** Age of a sealed segment's newest record at which it is deleted, in milliseconds; -1 for never. */
  readonly retentionMs: number;
  /** Whether these two apply (`cleanup.policy` has `delete`). */
  readonly deletes: boolean;
  /** Whether records that have a later one with the same key are removed (`cleanup.policy` has `compact`). */
  readonly compacts: boolean;
  /** Share of the bytes that is not compacted yet, above which it is. */
  readonly minDirtyRatio: number;
  /** Age of a segment's newest record before which it is not compacted, in milliseconds. */
  readonly minCompactionLagMs: number;
  /** Age of a record at which it is compacted at the latest, in milliseconds. */
  readonly maxCompactionLagMs: number;
  /** How long a tombstone is kept after its first compaction, in milliseconds. */
  readonly deleteRetentionMs: number;
  readonly timestampType: TimestampType;
  /** How far a producer's timestamp may be behind and ahead of the broker's clock, in milliseconds; OFFSET_MAX for any. */
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
}

/** Settings that take the timestamps of producers as they are. */
export const ANY_TIMESTAMPS = {
  timestampType: "CreateTime",
  timestampBeforeMaxMs: OFFSET_MAX,
  timestampAfterMaxMs: OFFSET_MAX,
} as const satisfies Partial<LogSettings>;

/** How old records are removed. */
type CleanupSettings = Pick<
  LogSettings,
  | "deletes"
  | "compacts"
  | "minDirtyRatio"
  | "minCompactionLagMs"
  | "maxCompactionLagMs"
  | "deleteRetentionMs"
>;

/** The same of a topic that sets nothing; Kafka's defaults. */
export const CLEANUP_DEFAULTS: CleanupSettings = {
  deletes: true,
  compacts: false,
  minDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  deleteRetentionMs: 86_400_000,
};

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

/** What recovery has found at a start, for people to know of. */
export type LogFault =
  | {
      readonly kind: "damage";
      /** The first offset that can't be read. */
      readonly offset: number;
      readonly reason: string;
    }
  | {
      /** The end of the log was truncated; `untruncated`: there is no space to keep what must be truncated. */
      readonly kind: "truncated" | "untruncated";
      readonly bytes: number;
      /** Offset of the next record. */
      readonly offset: number;
      readonly reason: string;
      /** The name of the file with the bytes, beside the log; undefined if they are all zero, or not truncated yet. */
      readonly file: string | undefined;
    }
  /** A file beside the log has what an earlier start truncated. */
  | { readonly kind: "kept"; readonly file: string };

export interface LogContext extends SegmentContext {
  readonly settings: LogSettings;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Called after each flush of appended batches or of a whole segment, with its duration in milliseconds. */
  readonly onFlush?: ((ms: number) => void) | undefined;
  readonly onFault?: ((fault: LogFault) => void) | undefined;
}
