// Both indexes of one segment, and the rule that decides which batches get entries.
// Leaves to others: the layouts of the two indexes, and their files (index-file.ts).
import { INDEX_INTERVAL_BYTES } from "../../limits.js";
import { OffsetIndex } from "./offset-index.js";
import { TimeIndex } from "./time-index.js";

export type OffsetIndexView = Pick<
  OffsetIndex,
  "entryBytes" | "count" | "relativeOffset" | "position" | "lookupPosition" | "bytesFrom"
>;

type TimeIndexView = Pick<
  TimeIndex,
  "entryBytes" | "count" | "timestamp" | "relativeOffset" | "bytesFrom"
>;

/** The indexes, to read and not to change. */
export interface IndexView {
  readonly offsets: OffsetIndexView;
  readonly times: TimeIndexView;
}

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

  /** Adds a batch; batches must come in log order. */
  add(lastRelativeOffset: number, position: number, batchBytes: number, timestamp: number): void {
    if (timestamp > this.#maxTimestamp) {
      this.#maxTimestamp = timestamp;
      this.#maxTimestampOffset = lastRelativeOffset;
    }
    if (this.#bytesSinceEntry > INDEX_INTERVAL_BYTES) {
      this.offsets.append(lastRelativeOffset, position);
      this.seal();
      this.#bytesSinceEntry = 0;
    }
    this.#bytesSinceEntry += batchBytes;
  }

  /** Passes damage. The batch after it always gets an entry, because no header leads to it. */
  passDamage(): void {
    this.#bytesSinceEntry = Number.POSITIVE_INFINITY;
  }

  /** Sets the number of log bytes after the last entry, once entries were loaded from a file. */
  resumeAfter(bytesSinceEntry: number): void {
    this.#bytesSinceEntry = bytesSinceEntry;
  }

  /** Adds the segment's largest timestamp as the last entry of its time index. */
  seal(): void {
    if (this.#maxTimestamp !== Number.NEGATIVE_INFINITY) {
      this.times.appendIfLater(this.#maxTimestamp, this.#maxTimestampOffset);
    }
  }

  /** Remembers the current state for `rewind`. */
  mark(): void {
    this.#mark = {
      offsetEntries: this.offsets.count,
      timeEntries: this.times.count,
      bytesSinceEntry: this.#bytesSinceEntry,
      maxTimestamp: this.#maxTimestamp,
      maxTimestampOffset: this.#maxTimestampOffset,
    };
  }

  /** Returns to the last mark, after a write of the batches added since then failed. */
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
