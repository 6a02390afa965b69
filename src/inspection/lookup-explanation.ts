// The life of one lookup as numbers: what a page draws, and what a text is made of.
// Leaves to others: taking the steps (explain-lookup.ts), and showing them (cli/explain-text.ts).
import type { ErrorName } from "../errors.ts";
import type { BatchDescription } from "./batch-description.ts";
import type { LogTail } from "./log-files.ts";
import type { Comparison, PassedBatch } from "./lookup-steps.ts";

/** What is looked up: an offset, or the first record that is not older than a time in milliseconds. */
export type LookupTarget = { readonly offset: number } | { readonly timestamp: number };

export interface SegmentSummary {
  readonly number: number;
  readonly file: string;
  readonly baseOffset: number;
  readonly bytes: number;
  readonly kind: "sealed" | "active";
}

/** An entry of an offset index, or (with a timestamp) of a time index. */
export interface EntrySummary {
  readonly entry: number;
  /** Last offset of the batch that it names. */
  readonly offset: number;
  /** Where that batch starts. */
  readonly position?: number;
  readonly timestamp?: number;
}

export interface IndexOrigin {
  /**
   * `file`: the file, mapped. `rebuilt`: made anew from the log, because the file can't be used. `memory`: that of
   * the active segment, which a broker keeps in memory; its file follows it.
   */
  readonly kind: "file" | "rebuilt" | "memory";
  /** Why the file can't be used. */
  readonly reason?: string;
  /** Of the active segment: how many entries its file has; null when they are not the index's. */
  readonly fileEntries?: number | null;
}

export interface IndexStep {
  readonly origin: IndexOrigin;
  readonly entries: number;
  readonly intervalBytes: number;
  /** Of an offset index, with offsets as its entries have them: less the base offset of the segment. */
  readonly comparisons: readonly Comparison[];
  /** The last entry that is not beyond the target; null when even the first one is. */
  readonly before: EntrySummary | null;
  /** The one that follows it. */
  readonly after: EntrySummary | null;
}

/** The walk from batch header to batch header. */
export interface ScanStep {
  readonly from: number;
  /** Where the batch that was looked for begins. */
  readonly to: number;
  readonly bytes: number;
  readonly passedCount: number;
  /** The batches that were passed over; of very many, the first 1,000. */
  readonly passed: readonly PassedBatch[];
}

export interface TimeStep {
  readonly comparisons: readonly Comparison[];
  /** What was found; null when no record is that new. */
  readonly found: {
    readonly segment: SegmentSummary;
    readonly index: IndexStep;
    readonly scan: ScanStep;
    /** The first batch that has a record at or after the time. */
    readonly batch: {
      readonly position: number;
      readonly baseOffset: number;
      readonly maxTimestamp: number;
    };
    /** The first such record of it. */
    readonly offset: number;
    /** Bytes of log that would have to be walked over, from its start, without the time indexes. */
    readonly bytesWithoutIndex: number;
  } | null;
}

/** Bytes of a record: how many there are, and the first ones, as text if they are UTF-8, else as base64. */
export type DescribedBytes = {
  readonly bytes: number;
  /** Whether there are more than are shown. */
  readonly isCut?: true;
} & ({ readonly text: string } | { readonly base64: string });

export interface RecordDescription {
  readonly offset: number;
  /** Its number in the batch, from 0: how many records before it a consumer skips. */
  readonly index: number;
  readonly timestamp: number;
  readonly key: DescribedBytes | null;
  readonly value: DescribedBytes | null;
  readonly headers: readonly { readonly name: string; readonly value: DescribedBytes | null }[];
  /** Whether it has more headers than are shown. */
  readonly isCut?: boolean;
}

/** What a search costs: batch headers that are read, and bytes that they lie in. */
export interface Cost {
  readonly headers: number;
  readonly bytes: number;
}

/** One lookup. What comes after a failure, or at the end of the log, is missing. */
export interface LookupExplanation {
  readonly topic: string;
  readonly partition: number;
  readonly directory: string;
  readonly target: LookupTarget;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** All segments, unless there are more than are listed: then none. */
  readonly segments: readonly SegmentSummary[];
  /** Bytes behind the end of the log that are no batch. */
  readonly tail?: LogTail;
  /** The search by time that came first. */
  time?: TimeStep;
  /** The offset that is looked up. */
  offset?: number;
  /** `waits`: it is the next to be written, so that a consumer waits for it. */
  outcome: "found" | "waits" | "failed";
  segment?: SegmentSummary;
  segmentComparisons?: readonly Comparison[];
  index?: IndexStep;
  scan?: ScanStep;
  read?: { readonly by: "mmap" | "pread"; readonly position: number; readonly bytes: number };
  batch?: BatchDescription;
  record?: RecordDescription;
  cost?: {
    readonly comparisons: number;
    readonly withIndex: Cost;
    /** Within the segment; null when damage on the way would end the walk, or when it was too far to try out. */
    readonly withoutIndex: Cost | null;
    /** Bytes from the start of the log. */
    readonly bytesWithoutSegments: number;
  };
  /** Why it failed; of a batch that was found, why its record can't be shown. */
  failure?: { readonly code: ErrorName; readonly message: string };
}
