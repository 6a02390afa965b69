// The segments of one log, in order: finds the one that holds an offset, and reads across segments.
// Leaves to others: finding a batch inside a segment (segment-lookup.ts), and writing (log.ts).
import { RustLogError } from "../../errors.js";
import type { ActiveSegment } from "./active-segment.js";
import { Portions } from "../event-loop.js";
import type { LogPosition } from "../log-context.js";
import type { LogRead, LogSlice } from "./log-slice.js";
import type { LookupTrace } from "./lookup-trace.js";
import type { SealedSegment } from "./sealed-segment.js";
import type { Segment } from "./segment.js";
import type { TimestampMatch } from "./time-lookup.js";
import { segmentFileName } from "./segment-files.js";

/** Segments opened in one turn of the event loop. */
const SEGMENTS_OPENED_PER_TURN = 16;

/** Segments that one read may cover: each may have to be mapped, and its batches checked. */
const SEGMENTS_PER_READ_MAX = 64;

/** Whether all records of a segment are known to be before `timestamp`. */
function isBehind(segment: SealedSegment, timestamp: number): boolean {
  return segment.isReadyForTimes && segment.maxTimestamp < timestamp;
}

/** Length of the part of a segment that is before `end`. */
function limitOf(segment: Segment, end: LogPosition): number {
  return segment.baseOffset === end.segment ? end.position : segment.bytes;
}

/** Sealed segments, oldest first, followed by the active one. */
export class SegmentList {
  readonly sealed: SealedSegment[];
  active: ActiveSegment;
  readonly #name: string;

  /** `name` is the partition's name, for messages. */
  constructor(name: string, sealed: SealedSegment[], active: ActiveSegment) {
    this.#name = name;
    this.sealed = sealed;
    this.active = active;
  }

  get count(): number {
    return this.sealed.length + 1;
  }

  /** Total length of the `.log` files, in bytes. */
  get bytes(): number {
    let sum = this.active.bytes;
    for (const segment of this.sealed) sum += segment.fileBytes;
    return sum;
  }

  /** Total length of the batches before `end`, in bytes. */
  bytesBefore(end: LogPosition): number {
    let sum = end.position;
    for (const segment of this.sealed) {
      if (segment.baseOffset < end.segment) sum += segment.fileBytes;
    }
    return sum;
  }

  /** Segment number `i`, from 0; undefined past the last. */
  at(i: number): Segment | undefined {
    return i === this.sealed.length ? this.active : this.sealed[i];
  }

  /**
   * Reads whole batches before `end`, beginning with the one that holds `offset` or the next one after it: up to
   * `bytesMax` bytes, at least one batch. `offset` must not be below the log start. At or past the end, the result is
   * empty and its `nextOffset` is `end`. Throws CORRUPT_MESSAGE with the position if the log is damaged there.
   */
  read(offset: number, bytesMax: number, end: LogPosition, trace?: LookupTrace): LogRead {
    let next = offset;
    for (let i = this.#segmentOf(offset, trace); next < end.offset; i++) {
      const segment = this.at(i);
      if (segment === undefined || segment.baseOffset > end.segment) break;
      const limit = limitOf(segment, end);
      trace?.enteredSegment(i);
      const found = segment.lookup.locate(next, limit, trace);
      if (found !== undefined) return this.#readFrom(i, found.position, bytesMax, end);
      // No batch at or after `offset` is in this segment: continue in the next one, if any.
      if (this.#isEndDamaged(i)) throw this.#missing(segment, i, next, limit);
      next = Math.max(next, this.at(i + 1)?.baseOffset ?? end.offset);
    }
    return { slices: [], bytes: 0, nextOffset: next };
  }

  /** Reads from the batch at `position` of segment `first` on, and in the next ones as far as no offsets are missing. */
  #readFrom(first: number, position: number, bytesMax: number, end: LogPosition): LogRead {
    const slices: LogSlice[] = [];
    let total = 0;
    let nextOffset = end.offset;
    for (let i = first; slices.length < SEGMENTS_PER_READ_MAX; i++) {
      const segment = this.at(i);
      if (segment === undefined || segment.baseOffset > end.segment) break;
      const limit = limitOf(segment, end);
      const { lookup } = segment;
      const start = i === first ? position : 0;
      // Serve the batches before the damage. The read that begins at the damage reports it.
      if (total > 0 && (limit === 0 || lookup.isDamagedAt(start, limit))) break;
      const run = lookup.runFrom(start, bytesMax - total, limit);
      const bytes = run.position - start;
      if (total > 0 && total + bytes > bytesMax) break;
      slices.push(segment.slice(start, bytes));
      total += bytes;
      nextOffset = run.nextOffset ?? this.#offsetAfter(segment, i, end);
      if (run.position < limit || total >= bytesMax || this.#isEndDamaged(i)) break;
      if (nextOffset > (this.at(i + 1)?.baseOffset ?? end.offset)) break;
    }
    return { slices, bytes: total, nextOffset };
  }

  /** Offset where reading can continue after `read` threw CORRUPT_MESSAGE for `offset`; at most `end`. */
  offsetAfterDamage(offset: number, end: LogPosition): number {
    for (let i = this.#segmentOf(offset, undefined); ; i++) {
      const segment = this.at(i);
      if (segment === undefined || segment.baseOffset > end.segment) return end.offset;
      if (segment.baseOffset > offset) return segment.baseOffset;
      const limit = limitOf(segment, end);
      const next = segment.lookup.offsetAfterDamage(offset, limit);
      // A damaged header may claim offsets of the next segment.
      const bound = Math.min(this.at(i + 1)?.baseOffset ?? end.offset, end.offset);
      if (next !== undefined) return Math.min(next, bound);
    }
  }

  /** Segment and position of the batch that holds `offset`, for messages; undefined if damage prevents finding it. */
  placeOf(offset: number, end: LogPosition): string | undefined {
    const segment = this.at(this.#segmentOf(offset, undefined));
    if (segment === undefined || segment.baseOffset > end.segment) return undefined;
    const limit = limitOf(segment, end);
    try {
      const position = segment.lookup.locate(offset, limit)?.position ?? limit;
      return `segment ${segmentFileName(segment.baseOffset, "log")}, position ${position}`;
    } catch {
      return undefined;
    }
  }

  /**
   * Opens the segments for a search by time from offset `start` on, a few per turn of the event loop, so that the search
   * itself is fast even with many segments. Undefined if they are all open already.
   */
  prepareTimeSearch(timestamp: number, start: number): Promise<void> | undefined {
    if (timestamp < 0) return undefined;
    const first = this.sealed.find(
      (segment) => segment.endOffset > start && !isBehind(segment, timestamp),
    );
    return first?.isReadyForTimes === false ? this.#prepareTimeSearch(timestamp, start) : undefined;
  }

  async #prepareTimeSearch(timestamp: number, start: number): Promise<void> {
    const portions = new Portions(SEGMENTS_OPENED_PER_TURN);
    // Retention may remove some segments meanwhile.
    for (const segment of [...this.sealed]) {
      if (segment.endOffset <= start || isBehind(segment, timestamp)) continue;
      try {
        await segment.prepareTimes();
        if (segment.maxTimestamp >= timestamp) return;
      } catch (error) {
        // The search throws the same error, unless the segment is gone.
        if (error instanceof RustLogError) return;
        throw error;
      }
      await portions.next();
    }
  }

  /**
   * The first batch between `start` and `end` that has a record at or after `timestamp`; undefined if there is none.
   */
  findTimestamp(
    timestamp: number,
    start: number,
    end: LogPosition,
    trace?: LookupTrace,
  ): TimestampMatch | undefined {
    for (let i = Math.max(0, this.#segmentOf(start, undefined)); i < this.count; i++) {
      const segment = this.at(i);
      if (segment === undefined || segment.baseOffset > end.segment) break;
      if (segment.endOffset <= start) continue;
      trace?.comparedSegment(i, segment.maxTimestamp);
      if (segment.maxTimestamp < timestamp) continue;
      const limit = limitOf(segment, end);
      const range = { start, end: limit, endOffset: this.#offsetAfter(segment, i, end) };
      const found = segment.times.findTimestamp(timestamp, range, trace);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Largest timestamp of any record between `start` and `end`; -Infinity if there are no records. */
  newestTimestamp(start: number, end: LogPosition): number {
    let newest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < this.count; i++) {
      const segment = this.at(i);
      if (segment === undefined || segment.baseOffset > end.segment) break;
      if (segment.endOffset <= start || segment.maxTimestamp <= newest) continue;
      const range = {
        start,
        end: limitOf(segment, end),
        endOffset: this.#offsetAfter(segment, i, end),
      };
      newest = Math.max(newest, segment.times.newestTimestamp(range));
    }
    return newest;
  }

  /** Index of the segment with the largest base offset at or below `offset`. */
  #segmentOf(offset: number, trace: LookupTrace | undefined): number {
    trace?.comparedSegment(this.sealed.length, this.active.baseOffset);
    if (offset >= this.active.baseOffset) return this.sealed.length;
    let low = 0;
    let high = this.sealed.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      trace?.comparedSegment(middle, this.sealed[middle]!.baseOffset);
      if (this.sealed[middle]!.baseOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Whether segment number `i` is sealed and damaged at its end. */
  #isEndDamaged(i: number): boolean {
    return this.sealed[i]?.isEndDamaged === true;
  }

  #missing(segment: Segment, i: number, offset: number, position: number): RustLogError {
    const file = segmentFileName(segment.baseOffset, "log");
    const last = (this.at(i + 1)?.baseOffset ?? offset + 1) - 1;
    return new RustLogError(
      "CORRUPT_MESSAGE",
      `${this.#name}: segment ${file}, position ${position}: offsets ${offset} to ${last} are missing`,
    );
  }

  #offsetAfter(segment: Segment, i: number, end: LogPosition): number {
    if (segment.baseOffset === end.segment) return end.offset;
    return this.sealed[i]?.nextOffset ?? end.offset;
  }
}
