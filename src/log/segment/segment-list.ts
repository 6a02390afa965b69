// The segments of one log, in order: which one holds an offset, and reads that go across them.
// Leaves to others: finding a batch inside a segment (segment.ts), and writing (log.ts).
import { RustLogError } from "../../errors.ts";
import type { ActiveSegment } from "./active-segment.ts";
import { Portions } from "../event-loop.ts";
import type { LogPosition } from "../log-context.ts";
import type { LogRead, LogSlice } from "./log-slice.ts";
import type { LookupTrace } from "./lookup-trace.ts";
import type { SealedSegment } from "./sealed-segment.ts";
import type { LogSegment, TimestampMatch } from "./segment.ts";
import { segmentFileName } from "./segment-files.ts";

/** Segments whose indexes are opened in one turn of the event loop. */
const SEGMENTS_OPENED_PER_TURN = 16;

/** Segments that one read returns batches of: each may have to be mapped, and its batches checked. */
const SEGMENTS_PER_READ_MAX = 64;

/** Whether a segment is known to have no record at or after a time. */
function isBehind(segment: SealedSegment, timestamp: number): boolean {
  return segment.isReadyForTimes && segment.maxTimestamp < timestamp;
}

/** Sealed segments, the oldest first, and the active one behind them. */
export class SegmentList {
  readonly sealed: SealedSegment[];
  active: ActiveSegment;
  readonly #name: string;

  /** `name` is the partition's, for messages. */
  constructor(name: string, sealed: SealedSegment[], active: ActiveSegment) {
    this.#name = name;
    this.sealed = sealed;
    this.active = active;
  }

  get count(): number {
    return this.sealed.length + 1;
  }

  /** Length of all `.log` files, in bytes. */
  get bytes(): number {
    let sum = this.active.bytes;
    for (const segment of this.sealed) sum += segment.fileBytes;
    return sum;
  }

  /** Length of the batches before `end`, in bytes. */
  bytesBefore(end: LogPosition): number {
    let sum = end.position;
    for (const segment of this.sealed) {
      if (segment.baseOffset < end.segment) sum += segment.fileBytes;
    }
    return sum;
  }

  /** Segment number `i`, from 0; undefined past the last. */
  at(i: number): LogSegment | undefined {
    return i === this.sealed.length ? this.active : this.sealed[i];
  }

  /**
   * Whole batches from the one that holds `offset`, or from the first one after it, up to `bytesMax` bytes but one batch
   * at least, all before `end`. `offset` must be at or above the log start; at or past the end there is nothing.
   * `nextOffset` follows the last batch; without one it is `end`. Throws CORRUPT_MESSAGE, naming the place, when the log
   * is damaged there.
   */
  read(offset: number, bytesMax: number, end: LogPosition, trace?: LookupTrace): LogRead {
    const slices: LogSlice[] = [];
    let total = 0;
    let next = offset;
    for (let i = this.#segmentOf(offset, trace); next < end.offset; i++) {
      const segment = this.at(i);
      if (segment === undefined || segment.baseOffset > end.segment) break;
      const limit = segment.baseOffset === end.segment ? end.position : segment.bytes;
      if (total === 0) trace?.enteredSegment(i);
      const found = total === 0 ? segment.locate(next, limit, trace) : undefined;
      if (found === undefined && (total === 0 || limit === 0)) {
        // Nothing from there on is in this segment: what comes next is in a later one, or the log ends.
        if (total > 0) break;
        if (this.#isEndDamaged(i)) throw this.#missing(segment, i, next, limit);
        next = Math.max(next, this.at(i + 1)?.baseOffset ?? end.offset);
        continue;
      }
      const start = found?.position ?? 0;
      // Damage further on is met by the read that begins there; what is before it can be served.
      if (total > 0 && segment.isDamagedAt(start, limit)) break;
      const base = found?.baseOffset ?? segment.offsetAt(start);
      const { position: stop, nextOffset } = segment.boundary(start, base, bytesMax - total, limit);
      if (total > 0 && total + stop - start > bytesMax) break;
      slices.push(segment.slice(start, stop - start));
      total += stop - start;
      if (stop < limit) {
        next = nextOffset ?? segment.offsetBefore(stop);
        break;
      }
      next = this.#offsetAfter(segment, i, end);
      if (slices.length === SEGMENTS_PER_READ_MAX) break;
      if (total >= bytesMax || this.#isEndDamaged(i)) break;
      if (next > (this.at(i + 1)?.baseOffset ?? end.offset)) break;
    }
    return { slices, bytes: total, nextOffset: next };
  }

  /** Where reading can go on after `read` threw CORRUPT_MESSAGE for `offset`; `end` at the latest. */
  offsetAfterDamage(offset: number, end: LogPosition): number {
    for (let i = this.#segmentOf(offset, undefined); ; i++) {
      const segment = this.at(i);
      if (segment === undefined || segment.baseOffset > end.segment) return end.offset;
      if (segment.baseOffset > offset) return segment.baseOffset;
      const limit = segment.baseOffset === end.segment ? end.position : segment.bytes;
      const next = segment.offsetAfterDamage(offset, limit);
      // A damaged header may state more records than there is room for before the next segment.
      const bound = Math.min(this.at(i + 1)?.baseOffset ?? end.offset, end.offset);
      if (next !== undefined) return Math.min(next, bound);
    }
  }

  /** Segment and position of the batch that holds `offset`, for messages; undefined if damage hides it. */
  placeOf(offset: number, end: LogPosition): string | undefined {
    const segment = this.at(this.#segmentOf(offset, undefined));
    if (segment === undefined || segment.baseOffset > end.segment) return undefined;
    const limit = segment.baseOffset === end.segment ? end.position : segment.bytes;
    try {
      const position = segment.locate(offset, limit)?.position ?? limit;
      return `segment ${segmentFileName(segment.baseOffset, "log")}, position ${position}`;
    } catch {
      return undefined;
    }
  }

  /**
   * Opens what a search by time looks at, a few segments in a turn of the event loop: the search itself then takes
   * little time, however many segments there are. Undefined when everything is open already.
   */
  prepareTimeSearch(timestamp: number): Promise<void> | undefined {
    if (timestamp < 0) return undefined;
    const first = this.sealed.find((segment) => !isBehind(segment, timestamp));
    return first?.isReadyForTimes === false ? this.#prepareTimeSearch(timestamp) : undefined;
  }

  async #prepareTimeSearch(timestamp: number): Promise<void> {
    const portions = new Portions(SEGMENTS_OPENED_PER_TURN);
    // Retention may remove some of them meanwhile.
    for (const segment of [...this.sealed]) {
      if (isBehind(segment, timestamp)) continue;
      try {
        if (segment.maxTimestamp >= timestamp) return;
      } catch (error) {
        // The search meets the same error, unless the segment is gone.
        if (error instanceof RustLogError) return;
        throw error;
      }
      await portions.next();
    }
  }

  /**
   * The first batch before `end`, and with an offset at or above `start`, that has a record at or after `timestamp`, or
   * undefined.
   */
  findTimestamp(
    timestamp: number,
    start: number,
    end: LogPosition,
    trace?: LookupTrace,
  ): TimestampMatch | undefined {
    for (let i = 0; i < this.count; i++) {
      const segment = this.at(i);
      if (segment === undefined || segment.baseOffset > end.segment) break;
      const limit = segment.baseOffset === end.segment ? end.position : segment.bytes;
      if (segment.endOffset <= start) continue;
      const range = { start, end: limit, endOffset: this.#offsetAfter(segment, i, end) };
      trace?.comparedSegment(i, segment.maxTimestamp);
      const found = segment.findTimestamp(timestamp, range, trace);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Number of the segment with the largest base offset at or below `offset`. */
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

  /** Whether segment number `i` is sealed, and batches at its end are damaged. */
  #isEndDamaged(i: number): boolean {
    return this.sealed[i]?.isEndDamaged === true;
  }

  #missing(segment: LogSegment, i: number, offset: number, position: number): RustLogError {
    const file = segmentFileName(segment.baseOffset, "log");
    const last = (this.at(i + 1)?.baseOffset ?? offset + 1) - 1;
    return new RustLogError(
      "CORRUPT_MESSAGE",
      `${this.#name}: segment ${file}, position ${position}: offsets ${offset} to ${last} are missing`,
    );
  }

  #offsetAfter(segment: LogSegment, i: number, end: LogPosition): number {
    if (segment.baseOffset === end.segment) return end.offset;
    return this.sealed[i]?.nextOffset ?? end.offset;
  }
}
