// Records the steps of one lookup as plain numbers.
// Leaves to others: the lookup itself (log/), and explaining it (explain-lookup.ts).
import type { LookupTrace } from "../log/segment/lookup-trace.js";
import type { IndexView } from "../log/index/segment-index.js";

/** Batches listed one by one; more are only counted. */
const LISTED_MAX = 1000;

/** One comparison of a binary search: the index of the compared item, and its value. */
export interface Comparison {
  readonly number: number;
  /** An offset, or a timestamp in milliseconds; null for a segment without records. */
  readonly value: number | null;
}

export interface PassedBatch {
  readonly position: number;
  readonly bytes: number;
  /** Offset of its last record or, in a search by time, its largest timestamp. */
  readonly value: number;
}

export class LookupSteps implements LookupTrace {
  readonly segments: Comparison[] = [];
  /** Number of the segment that was searched last. */
  segment = 0;
  index: IndexView | undefined;
  entries: Comparison[] = [];
  /** The entry that the scan started from; -1 for none. */
  entry = -1;
  passed: PassedBatch[] = [];
  passedCount = 0;
  /** End of the last skipped batch. */
  passedEnd: number | undefined;

  comparedSegment(number: number, value: number): void {
    this.segments.push({ number, value: Number.isFinite(value) ? value : null });
  }

  enteredSegment(number: number): void {
    this.segment = number;
  }

  search(index: IndexView): void {
    this.index = index;
    this.entries = [];
    this.entry = -1;
    this.passed = [];
    this.passedCount = 0;
    this.passedEnd = undefined;
  }

  comparedEntry(number: number, value: number): void {
    this.entries.push({ number, value });
  }

  found(entry: number): void {
    this.entry = entry;
  }

  passedBatch(position: number, bytes: number, value: number): void {
    if (this.passedCount++ < LISTED_MAX) this.passed.push({ position, bytes, value });
    this.passedEnd = position + bytes;
  }
}
