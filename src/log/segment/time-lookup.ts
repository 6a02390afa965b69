// Searches one segment by time: finds the first batch with a record at or after a timestamp, and the largest timestamp.
// Leaves to others: finding a batch by its offset (segment-lookup.ts), and the record in it (services/record-times.ts).
import type { SegmentIndex } from "../index/segment-index.js";
import type { TimeIndex } from "../index/time-index.js";
import type { LookupTrace } from "./lookup-trace.js";
import type { SegmentBatches } from "./segment-batches.js";
import type { LookupIndexes, SegmentLookup } from "./segment-lookup.js";

/** The first batch that has a record at or after the timestamp. */
export interface TimestampMatch {
  /** Base offset of that batch, or the log start offset if that is inside the batch. */
  readonly offset: number;
  /** Largest timestamp of that batch, in milliseconds. */
  readonly timestamp: number;
}

/** The range of a search by time. */
interface SearchRange {
  readonly start: number;
  /** Position where the range ends. */
  readonly end: number;
  /** Offset at `end`. */
  readonly endOffset: number;
}

/** The searches of all segments by time, sealed or active. Positions are bytes from the start of the `.log` file. */
export class TimeLookup {
  readonly #batches: SegmentBatches;
  readonly #indexes: LookupIndexes;
  readonly #offsets: SegmentLookup;

  /** `offsets` searches the same segment. */
  constructor(batches: SegmentBatches, indexes: LookupIndexes, offsets: SegmentLookup) {
    this.#batches = batches;
    this.#indexes = indexes;
    this.#offsets = offsets;
  }

  /** The first batch in the range that has a record at or after `timestamp`; undefined if there is none. */
  findTimestamp(
    timestamp: number,
    range: SearchRange,
    trace?: LookupTrace,
  ): TimestampMatch | undefined {
    const { start, end, endOffset } = range;
    const index = this.#indexes.timesIndex();
    if (index.maxTimestamp < timestamp) return undefined;
    trace?.search(index);
    const below = index.times.lookupBelow(timestamp, trace);
    const entry = this.#lastTimeBelow(index.times, below, endOffset);
    trace?.found(entry);
    let position = entry < 0 ? 0 : this.positionOfTime(index, entry, end);
    if (position === undefined) return this.findTimestamp(timestamp, range, trace);
    if (start > this.#batches.baseOffset) {
      position = Math.max(position, this.#offsets.locate(start, end)?.position ?? end);
    }
    while (position < end) {
      const size = this.#batches.sizeAt(position, end);
      const maxTimestamp = this.#batches.maxTimestamp(position);
      if (maxTimestamp >= timestamp) {
        const offset = Math.max(start, this.#offsets.offsetAt(position));
        return { offset, timestamp: maxTimestamp };
      }
      trace?.passedBatch(position, size, maxTimestamp);
      position += size;
    }
    return undefined;
  }

  /** Largest timestamp of any record in the range; -Infinity if there are no records. */
  newestTimestamp({ start, end, endOffset }: SearchRange): number {
    const { times, maxTimestamp } = this.#indexes.timesIndex();
    const entry = this.#lastTimeBelow(times, times.count - 1, endOffset);
    const offset = entry < 0 ? -1 : this.#batches.baseOffset + times.relativeOffset(entry);
    let newest = offset >= start ? times.timestamp(entry) : Number.NEGATIVE_INFINITY;
    const from = Math.max(offset, start);
    let position =
      from <= this.#batches.baseOffset ? 0 : (this.#offsets.locate(from, end)?.position ?? end);
    while (position < end && newest < maxTimestamp) {
      newest = Math.max(newest, this.#batches.maxTimestamp(position));
      position += this.#batches.sizeAt(position, end);
    }
    return newest;
  }

  /**
   * The last entry from `entry` down whose batch is below `endOffset`, or -1: the active segment has entries for batches
   * that are not readable yet.
   */
  #lastTimeBelow(times: TimeIndex, entry: number, endOffset: number): number {
    let last = entry;
    while (last >= 0 && this.#batches.baseOffset + times.relativeOffset(last) >= endOffset) last--;
    return last;
  }

  /**
   * Position of the batch that an entry of the time index names, at most `end`. Undefined if the entry is wrong, after
   * rebuilding the indexes.
   */
  positionOfTime({ times }: SegmentIndex, entry: number, end: number): number | undefined {
    const relativeOffset = times.relativeOffset(entry);
    const position =
      this.#offsets.locate(this.#batches.baseOffset + relativeOffset, end)?.position ?? end;
    const holds =
      position < end &&
      this.#batches.pointsAtBatch(position, relativeOffset) &&
      this.#batches.maxTimestamp(position) === times.timestamp(entry);
    // If the batch is damaged, the entry may be right.
    const isWrong = !holds && (position >= end || this.#batches.isIntact(position));
    const reason = "a time index entry does not match the log";
    const isRebuilt =
      isWrong && this.#indexes.repair(reason, this.#batches.corrupt(position, reason));
    return isRebuilt ? undefined : position;
  }
}
