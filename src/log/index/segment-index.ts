// Both indexes of one segment, and the rule by which entries are made as batches are appended.
// Leaves to others: the layouts of the two indexes, and the files they are kept in (index-file.ts).
import { INDEX_INTERVAL_BYTES } from "../../limits.ts";
import { OffsetIndex } from "./offset-index.ts";
import { TimeIndex } from "./time-index.ts";

interface Mark {
  offsetEntries: number;
  timeEntries: number;
  bytesSinceEntry: number;
  maxTimestamp: number;
  maxTimestampOffset: number;
}

/** The indexes of the segment that is being written or rebuilt. */
export class SegmentIndex {
  readonly offsets: OffsetIndex;
  readonly times: TimeIndex;
  #bytesSinceEntry = 0;
  #maxTimestamp = Number.NEGATIVE_INFINITY;
  #maxTimestampOffset = 0;
  #mark: Mark | undefined;

  constructor(offsets: OffsetIndex = new OffsetIndex(), times: TimeIndex = new TimeIndex()) {
    this.offsets = offsets;
    this.times = times;
    if (times.count > 0) {
      this.#maxTimestamp = times.timestamp(times.count - 1);
      this.#maxTimestampOffset = times.relativeOffset(times.count - 1);
    }
  }

  /** Largest timestamp of the segment so far, in milliseconds; -Infinity when it is empty. */
  get maxTimestamp(): number {
    return this.#maxTimestamp;
  }

  /** Takes note of a batch, in the order of the log. */
  add(lastRelativeOffset: number, position: number, batchBytes: number, timestamp: number): void {
    this.noteTimestamp(timestamp, lastRelativeOffset);
    if (this.#bytesSinceEntry > INDEX_INTERVAL_BYTES) {
      this.offsets.append(lastRelativeOffset, position);
      this.seal();
      this.#bytesSinceEntry = 0;
    }
    this.#bytesSinceEntry += batchBytes;
  }

  /**
   * Takes note of the first batch behind damage, in the order of the log. It always gets an entry, because no header leads
   * there.
   */
  addBehindDamage(
    lastRelativeOffset: number,
    position: number,
    batchBytes: number,
    timestamp: number,
  ): void {
    this.#bytesSinceEntry = Number.POSITIVE_INFINITY;
    this.add(lastRelativeOffset, position, batchBytes, timestamp);
  }

  /** Takes note of a batch that the entries cover already, or that came after the last of them. */
  noteTimestamp(timestamp: number, lastRelativeOffset: number): void {
    if (timestamp <= this.#maxTimestamp) return;
    this.#maxTimestamp = timestamp;
    this.#maxTimestampOffset = lastRelativeOffset;
  }

  /** Sets how many bytes of log follow the last entry, after entries were loaded from a file. */
  resumeAfter(bytesSinceEntry: number): void {
    this.#bytesSinceEntry = bytesSinceEntry;
  }

  /** Adds the entry that makes the segment's largest timestamp the last one of its time index. */
  seal(): void {
    if (this.#maxTimestamp !== Number.NEGATIVE_INFINITY) {
      this.times.appendIfLater(this.#maxTimestamp, this.#maxTimestampOffset);
    }
  }

  /** Remembers the present state, which `rewind` returns to. */
  mark(): void {
    this.#mark = {
      offsetEntries: this.offsets.count,
      timeEntries: this.times.count,
      bytesSinceEntry: this.#bytesSinceEntry,
      maxTimestamp: this.#maxTimestamp,
      maxTimestampOffset: this.#maxTimestampOffset,
    };
  }

  /** Returns to the last mark, after batches added since could not be written. */
  rewind(): void {
    const mark = this.#mark;
    if (mark === undefined) throw new Error("rewind without a mark");
    this.offsets.truncate(mark.offsetEntries);
    this.times.truncate(mark.timeEntries);
    this.#bytesSinceEntry = mark.bytesSinceEntry;
    this.#maxTimestamp = mark.maxTimestamp;
    this.#maxTimestampOffset = mark.maxTimestampOffset;
  }
}
