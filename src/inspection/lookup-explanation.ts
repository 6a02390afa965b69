// The explanation of one lookup as data, for the page and the command line.
// Leaves to others: taking the steps (explain-lookup.ts), and printing them (cli/explain-text.ts).
import type { ErrorName } from "../errors.js";
import type { DescribedBytes } from "../record/described-bytes.js";
import type { BatchDescription } from "./batch-description.js";
import type { LogTail } from "./log-files.js";
import type { Comparison, PassedBatch } from "./lookup-steps.js";

/** What to look up: an offset, or the first record at or after a time in milliseconds. */
export type LookupTarget = { readonly offset: number } | { readonly timestamp: number };

export interface SegmentSummary {
  readonly number: number;
  readonly file: string;
  readonly baseOffset: number;
  readonly bytes: number;
  readonly kind: "sealed" | "active";
}

/** An entry of an offset index or, with a timestamp, of a time index. */
export interface EntrySummary {
  readonly entry: number;
  /** Last offset of the entry's batch. */
  readonly offset: number;
  readonly position?: number;
  readonly timestamp?: number;
}

export interface IndexOrigin {
  /**
   * `file`: the mapped file. `rebuilt`: rebuilt from the log because the file is unusable. `memory`: the index of the
   * active segment, which a broker keeps in memory; its file lags behind it.
   */
  readonly kind: "file" | "rebuilt" | "memory";
  /** Why the file is unusable. */
  readonly reason?: string;
  /** For the active segment, the number of entries in its file; null if they differ from the index. */
  readonly fileEntries?: number | null;
}

export interface IndexStep {
  readonly origin: IndexOrigin;
  readonly entries: number;
  readonly intervalBytes: number;
  /** In an offset index, offsets are relative to the base offset of the segment. */
  readonly comparisons: readonly Comparison[];
  /** The last entry not beyond the target; null if even the first one is beyond it. */
  readonly before: EntrySummary | null;
  /** The entry after `before`. */
  readonly after: EntrySummary | null;
}

/** The walk over batch headers. */
export interface ScanStep {
  readonly from: number;
  /** Position of the batch that was found. */
  readonly to: number;
  readonly bytes: number;
  readonly passedCount: number;
  /** The skipped batches, at most the first 1,000. */
  readonly passed: readonly PassedBatch[];
}

export interface TimeStep {
  readonly comparisons: readonly Comparison[];
  /** What was found; null if no record is that recent. */
  readonly found: {
    readonly segment: SegmentSummary;
    readonly index: IndexStep;
    readonly scan: ScanStep;
    /** The first batch with a record at or after the time. */
    readonly batch: {
      readonly position: number;
      readonly baseOffset: number;
      readonly maxTimestamp: number;
    };
    /** The first such record in the batch. */
    readonly offset: number;
    /** Bytes of log to walk from its start without the time indexes. */
    readonly bytesWithoutIndex: number;
  } | null;
}

export interface RecordDescription {
  readonly offset: number;
  /** Index in the batch, which is how many records a consumer skips. */
  readonly index: number;
  readonly timestamp: number;
  readonly key: DescribedBytes | null;
  readonly value: DescribedBytes | null;
  readonly headers: readonly { readonly name: string; readonly value: DescribedBytes | null }[];
  /** Whether headers are omitted. */
  readonly isCut?: boolean;
}

/** What a search costs: the batch headers read, and the bytes they span. */
export interface Cost {
  readonly headers: number;
  readonly bytes: number;
}

/** One lookup. Steps after a failure, or at the end of the log, are missing. */
export interface LookupExplanation {
  readonly topic: string;
  readonly partition: number;
  readonly directory: string;
  readonly target: LookupTarget;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** All segments, or none if there are too many to list. */
  readonly segments: readonly SegmentSummary[];
  /** Bytes after the end of the log that are not a batch. */
  readonly tail?: LogTail;
  /** The preceding search by time. */
  time?: TimeStep;
  offset?: number;
  /** `waits`: there is nothing at or after the offset yet, so a consumer waits for the next record. */
  outcome: "found" | "waits" | "failed";
  segment?: SegmentSummary;
  segmentComparisons?: readonly Comparison[];
  index?: IndexStep;
  scan?: ScanStep;
  read?: { readonly by: "mmap" | "pread"; readonly position: number; readonly bytes: number };
  batch?: BatchDescription;
  /** The first record at or after the offset, which may be in a gap; missing if the batch has none. */
  record?: RecordDescription;
  /** The offset after the batch, if the batch has no such record: where a consumer continues. */
  nextOffset?: number;
  cost?: {
    readonly comparisons: number;
    readonly withIndex: Cost;
    /** Within the segment. Null if damage would stop the walk, or if it was too long to try. */
    readonly withoutIndex: Cost | null;
    /** Bytes from the start of the log. */
    readonly bytesWithoutSegments: number;
  };
  /** Why the lookup failed or, if the batch was found, why its record can't be shown. */
  failure?: { readonly code: ErrorName; readonly message: string };
}
