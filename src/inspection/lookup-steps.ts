// A listener that keeps the steps of one lookup, and what they say as plain numbers.
// Leaves to others: the lookup itself (log/), and the explanation that is made of it (explain-lookup.ts).
import type { LookupTrace } from "../log/segment/lookup-trace.ts";
import type { SegmentIndex } from "../log/index/segment-index.ts";

/** Batches that are listed one by one; of the others only how many they were. */
const LISTED_MAX = 1000;

/** One comparison of a binary search: with which number of the row, and what that one has. */
export interface Comparison {
  readonly number: number;
  /** An offset, or a timestamp in milliseconds; null for the timestamp of a segment that has none. */
  readonly value: number | null;
}

/** A batch that a scan passed over. */
export interface PassedBatch {
  readonly position: number;
  readonly bytes: number;
  /** Offset of its last record; or, in a search by time, its largest timestamp. */
  readonly value: number;
}

/** The steps of one lookup, as they are told. */
export class LookupSteps implements LookupTrace {
  readonly segments: Comparison[] = [];
  /** The index that was searched; undefined while none was. */
  index: SegmentIndex | undefined;
  entries: Comparison[] = [];
  /** The entry that the scan began at; -1 for none. */
  entry = -1;
  passed: PassedBatch[] = [];
  passedCount = 0;
  /** Where the last batch that was passed ends. */
  passedEnd: number | undefined;

  comparedSegment(number: number, value: number): void {
    this.segments.push({ number, value: Number.isFinite(value) ? value : null });
  }

  search(index: SegmentIndex): void {
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
