// Reads one log segment: finds the batch for an offset or a timestamp, and the end of a run of batches.
// Leaves to others: the source of the bytes (sealed-segment.ts: a mapping; active-segment.ts: the file being written),
// and choosing the segment (segment-list.ts).
import { batchBytes } from "../../record/batch.js";
import type { LogSlice } from "./log-slice.js";
import type { LookupTrace } from "./lookup-trace.js";
import { SegmentHeaders } from "./segment-headers.js";
import type { SegmentIndex } from "../index/segment-index.js";

/** The first batch that has a record at or after the timestamp. */
export interface TimestampMatch {
  /** Base offset of that batch, or the log start offset if that is inside the batch. */
  readonly offset: number;
  /** Largest timestamp of that batch, in milliseconds. */
  readonly timestamp: number;
}

export interface LocatedBatch {
  readonly position: number;
  readonly baseOffset: number;
}

/** The end of a run of batches. */
export interface RunEnd {
  readonly position: number;
  /**
   * Offset after the run, by the headers, which the run's CRCs vouch for; undefined if only `offsetBefore` can tell, or
   * if the run ends where reading does.
   */
  readonly nextOffset: number | undefined;
}

/** The range of a search by time. */
export interface SearchRange {
  readonly start: number;
  /** Position where the range ends. */
  readonly end: number;
  /** Offset at `end`. */
  readonly endOffset: number;
}

export const TIME_MISMATCH = "a time index entry does not match the log";

/** Index entries checked to find the end of damage, so that one read does bounded work. */
const ENTRIES_PASSED_MAX = 1_000;

const OFFSET_MISMATCH = "an offset index entry does not match the log";

/** Operations of all segments, sealed or active. Positions are bytes from the start of the `.log` file. */
export abstract class LogSegment extends SegmentHeaders {
  /** Length of the readable part, in bytes. */
  abstract readonly bytes: number;

  /** Largest timestamp of any record, in milliseconds; -Infinity if there are no records. */
  abstract readonly maxTimestamp: number;

  /** The indexes, checked against the log as far as that is cheap. Damaged ones are rebuilt first. */
  abstract index(): SegmentIndex;

  /**
   * Called when an index entry does not match the batch at `position`. Returns true after rebuilding the indexes from
   * the log; the caller then retries. Returns false if they were rebuilt before; then the batch is damaged and the
   * entry is right. Throws CORRUPT_MESSAGE if the log must not be damaged.
   */
  protected abstract repairIndex(position: number, reason: string): boolean;

  /** A run of whole batches, from `position`. */
  abstract slice(position: number, bytes: number): LogSlice;

  /**
   * The batch that holds `offset`, or the first one after it; undefined if there is none before `end`. Throws
   * CORRUPT_MESSAGE with the place if damage hides it.
   */
  locate(offset: number, end: number, trace?: LookupTrace): LocatedBatch | undefined {
    try {
      return this.#locate(offset, end, trace);
    } catch (error) {
      // Damage before it. The next index entry leads past the damage.
      const entry = this.index().offsets.lookup(offset - this.baseOffset) + 1;
      const position = this.#positionOf(entry, end);
      if (position === undefined || this.statedBaseOffset(position) > offset) throw error;
      return { position, baseOffset: this.statedBaseOffset(position) };
    }
  }

  /**
   * Offset of the batch after the damaged batch that holds `offset`, from its header or from the next index entry;
   * undefined if the rest of this segment is unreadable.
   */
  offsetAfterDamage(offset: number, end: number): number | undefined {
    let located: LocatedBatch | undefined;
    try {
      located = this.#locate(offset, end);
    } catch {
      // Damage before it: the index leads past the damage.
    }
    if (located !== undefined && this.headerFault(located.position, end) === undefined) {
      const { position, baseOffset } = located;
      const size = batchBytes(this.headerBytes(position), this.headerAt);
      const next = this.offsetAfter(position, baseOffset);
      const isWhole = position + size < end && this.headerFault(position + size, end) === undefined;
      if (next > offset && isWhole) return next;
    }
    const { offsets } = this.index();
    const first = offsets.lookup(offset - this.baseOffset) + 1;
    const last = Math.min(first + ENTRIES_PASSED_MAX, offsets.count) - 1;
    for (let entry = first; entry <= last; entry++) {
      const behind = this.#positionOf(entry, end);
      if (behind !== undefined) return Math.max(this.statedBaseOffset(behind), offset + 1);
    }
    // Too much is damaged to find its end in one call.
    return last + 1 < offsets.count ? this.baseOffset + offsets.relativeOffset(last) : undefined;
  }

  /**
   * Position of the batch of an index entry; undefined if there is no such entry before `end` or the batch is
   * unreadable.
   */
  #positionOf(entry: number, end: number): number | undefined {
    const { offsets } = this.index();
    if (entry >= offsets.count || offsets.position(entry) >= end) return undefined;
    return this.#entryHolds(entry) ? offsets.position(entry) : undefined;
  }

  #locate(offset: number, end: number, trace?: LookupTrace): LocatedBatch | undefined {
    const index = this.index();
    const { offsets } = index;
    trace?.search(index);
    const entry = offsets.lookup(offset - this.baseOffset, trace);
    trace?.found(entry);
    if (entry < 0) return this.scan(offset, end, trace);
    const start = offsets.position(entry);
    const holds = this.#entryHolds(entry);
    if (!holds && this.repairIndex(start, OFFSET_MISMATCH)) {
      return this.#locate(offset, end, trace);
    }
    const expected = this.baseOffset + offsets.relativeOffset(entry) + 1;
    if (start >= end) return undefined;
    if (expected > offset) {
      const baseOffset = holds ? this.statedBaseOffset(start) : this.offsetAt(start);
      return { position: start, baseOffset };
    }
    const size = this.batchSizeAt(start, end);
    trace?.passedBatch(start, size, expected - 1);
    return this.#scanFrom(start + size, expected, start, offset, end, trace);
  }

  /** Like `locate`, but reads all batch headers from the first on instead of using the index. */
  scan(offset: number, end: number, trace?: LookupTrace): LocatedBatch | undefined {
    return this.#scanFrom(0, this.baseOffset, undefined, offset, end, trace);
  }

  /** Scans from `from`, where offset `expectedThere` is expected after the batch at `before`. */
  #scanFrom(
    from: number,
    expectedThere: number,
    before: number | undefined,
    offset: number,
    end: number,
    trace: LookupTrace | undefined,
  ): LocatedBatch | undefined {
    let position = from;
    let expected = expectedThere;
    let previous = before;
    while (position < end) {
      const size = this.batchSizeAt(position, end);
      const base = this.trueBaseOffset(position, expected, previous);
      const next = this.offsetAfter(position, base);
      if (next > offset) return { position, baseOffset: base };
      trace?.passedBatch(position, size, next - 1);
      previous = position;
      expected = next;
      position += size;
    }
    return undefined;
  }

  /** Offset after the batch that ends at `target`, from the batches before it and the index. */
  offsetBefore(target: number): number {
    return this.#endBefore(target).offset;
  }

  /** The same, with the position of that batch if no damage hides it. */
  #endBefore(target: number): { readonly offset: number; readonly previous: number | undefined } {
    const { offsets } = this.index();
    const entry = offsets.lookupPosition(target - 1);
    let position = 0;
    let expected = this.baseOffset;
    let previous: number | undefined;
    if (entry >= 0) {
      previous = offsets.position(entry);
      if (!this.#entryHolds(entry) && this.repairIndex(previous, OFFSET_MISMATCH)) {
        return this.#endBefore(target);
      }
      expected = this.baseOffset + offsets.relativeOffset(entry) + 1;
      position = previous + this.batchSizeAt(previous, this.fileBytes);
    }
    while (position < target) {
      if (this.headerFault(position, this.fileBytes) !== undefined) break;
      const base = this.trueBaseOffset(position, expected, previous);
      previous = position;
      expected = this.offsetAfter(position, base);
      position += this.batchSizeAt(position, this.fileBytes);
    }
    if (position === target) return { offset: expected, previous };
    // Damage before it. The first batch after damage always has an index entry.
    const known = offsets.lookupPosition(target);
    if (known < 0 || offsets.position(known) !== target || !this.#entryHolds(known)) {
      throw this.corrupt(
        position,
        this.headerFault(position, this.fileBytes) ?? "its length is wrong",
      );
    }
    return { offset: this.statedBaseOffset(target), previous: undefined };
  }

  /** True base offset of the batch at `position`, even if its header is damaged; above `offsetBefore` after a gap. */
  offsetAt(position: number): number {
    const { offset, previous } = this.#endBefore(position);
    return this.trueBaseOffset(position, offset, previous);
  }

  /** The largest end of a run of whole batches from `position` within `bytesMax`, of one batch at least. */
  boundary(position: number, bytesMax: number, end: number): RunEnd {
    if (end - position <= bytesMax) return { position: end, nextOffset: undefined };
    const limit = position + bytesMax;
    let last: number | undefined = position;
    let at = position + this.batchSizeAt(position, end);
    if (at < limit) {
      const { offsets } = this.index();
      const entry = offsets.lookupPosition(limit);
      if (entry >= 0 && offsets.position(entry) > at) {
        at = offsets.position(entry);
        if (!this.#entryHolds(entry) && this.repairIndex(at, OFFSET_MISMATCH)) {
          return this.boundary(position, bytesMax, end);
        }
        last = undefined;
      }
      // Serve the batches before the damage. The read that begins at the damage reports it.
      while (this.headerFault(at, end) === undefined) {
        const next = at + this.batchSizeAt(at, end);
        if (next > limit) break;
        last = at;
        at = next;
      }
    }
    const nextOffset =
      last === undefined ? undefined : this.statedBaseOffset(last) + this.lastDeltaAt(last) + 1;
    return { position: at, nextOffset };
  }

  /** The first batch in the range that has a record at or after `timestamp`; undefined if there is none. */
  findTimestamp(
    timestamp: number,
    range: SearchRange,
    trace?: LookupTrace,
  ): TimestampMatch | undefined {
    const { start, end, endOffset } = range;
    const index = this.index();
    if (index.maxTimestamp < timestamp) return undefined;
    trace?.search(index);
    let entry = index.times.lookupBelow(timestamp, trace);
    // The active segment has entries for batches that are not readable yet.
    while (entry >= 0 && this.baseOffset + index.times.relativeOffset(entry) >= endOffset) entry--;
    trace?.found(entry);
    let position = 0;
    if (entry >= 0) {
      const offset = this.baseOffset + index.times.relativeOffset(entry);
      position = this.locate(offset, end)?.position ?? end;
      const holds =
        position < end &&
        this.pointsAtBatch(position, index.times.relativeOffset(entry)) &&
        this.maxTimestampAt(position) === index.times.timestamp(entry);
      // If the batch is damaged, the entry may be right.
      const isWrong = !holds && (position >= end || this.isIntact(position));
      if (isWrong && this.repairIndex(position, TIME_MISMATCH)) {
        return this.findTimestamp(timestamp, range, trace);
      }
    }
    if (start > this.baseOffset) {
      position = Math.max(position, this.locate(start, end)?.position ?? end);
    }
    while (position < end) {
      const size = this.batchSizeAt(position, end);
      const found = this.maxTimestampAt(position);
      if (found >= timestamp) {
        return { offset: Math.max(start, this.offsetAt(position)), timestamp: found };
      }
      trace?.passedBatch(position, size, found);
      position += size;
    }
    return undefined;
  }

  /** Largest timestamp of any record in the range; -Infinity if there are no records. */
  newestTimestamp({ start, end, endOffset }: SearchRange): number {
    const highest = this.maxTimestamp;
    const { times } = this.index();
    // The active segment has entries for batches that are not readable yet.
    let entry = times.count - 1;
    while (entry >= 0 && this.baseOffset + times.relativeOffset(entry) >= endOffset) entry--;
    const offset = entry < 0 ? -1 : this.baseOffset + times.relativeOffset(entry);
    const isInRange = offset >= start;
    let newest = isInRange ? times.timestamp(entry) : Number.NEGATIVE_INFINITY;
    const from = Math.max(offset, start);
    let position = from <= this.baseOffset ? 0 : (this.locate(from, end)?.position ?? end);
    while (position < end && newest < highest) {
      newest = Math.max(newest, this.maxTimestampAt(position));
      position += this.batchSizeAt(position, end);
    }
    return newest;
  }

  #entryHolds(entry: number): boolean {
    const { offsets } = this.index();
    return this.pointsAtBatch(offsets.position(entry), offsets.relativeOffset(entry));
  }
}
