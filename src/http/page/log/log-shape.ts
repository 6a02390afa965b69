// One partition as a line of bytes: where each segment is, and where an offset is. The list of sealed segments is
// asked for separately, so the latest of them may still be unknown: they are a gap before the active segment, whose
// place is known at any time. Pure.
// Leaves to others: drawing it (drawing.ts), and receiving changes (model.ts).
import { firstNotBefore } from "../../../binary-search.js";
import type { PartitionState } from "../wire.js";
import type { SegmentRows } from "./log-wire.js";

/** A span of the line, in bytes from the start of the log. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The segments of a partition: the known sealed ones, perhaps a gap, and the active one. */
export class LogShape {
  #state: PartitionState;
  /**
   * Base offsets and starts of sealed segments; the start after the last is the end of the last. The last ones may be
   * newer than the state, in which one of them is still active: `#known` doesn't count these.
   */
  #bases: number[] = [];
  #starts: number[] = [0];
  #known = 0;
  #origin = 0;

  constructor(state: PartitionState) {
    this.#state = state;
  }

  get state(): PartitionState {
    return this.#state;
  }

  /** Number of known segments, plus one for a gap. */
  get count(): number {
    return this.#known + (this.#hasGap ? 2 : 1);
  }

  /** Length of the line. */
  get bytes(): number {
    return this.#activeStart + this.#state.activeBytes;
  }

  /** Bytes that were deleted from the start of the log while it was watched: places have moved by so much. */
  get origin(): number {
    return this.#origin;
  }

  /** Whether all segments are known. */
  get isComplete(): boolean {
    return !this.#hasGap;
  }

  /** The base offset of the last segment known to be sealed; -1 for none. */
  get lastSealed(): number {
    return this.#bases.at(-1) ?? -1;
  }

  /** Takes a newer state. Unknown segments in it must be requested. */
  update(state: PartitionState): void {
    const isReplaced = this.#state.revision !== state.revision;
    this.#state = state;
    const { firstBase } = state;
    const kept = firstNotBefore(this.#bases.length, (i) => (this.#bases[i] ?? 0) < firstBase);
    if (isReplaced) this.#forget(this.#bases.length);
    else if (kept > 0) {
      this.#origin += this.#starts[kept] ?? 0;
      this.#forget(kept);
    }
    // Only a list from the start of the log on has known places.
    if ((this.#bases[0] ?? firstBase) !== firstBase) this.#forget(this.#bases.length);
    this.#count();
  }

  /** Takes requested segments: those after `after`. */
  add({ bases, bytes, hasMore }: SegmentRows, after: number): void {
    const from = firstNotBefore(this.#bases.length, (i) => (this.#bases[i] ?? 0) <= after);
    this.#bases.length = from;
    this.#starts.length = from + 1;
    // The last one of all is active: it grows.
    const sealed = hasMore ? bases.length : bases.length - 1;
    for (let i = 0; i < sealed; i++) {
      this.#bases.push(bases[i] ?? 0);
      this.#starts.push((this.#starts.at(-1) ?? 0) + (bytes[i] ?? 0));
    }
    this.update(this.#state);
  }

  baseOf(i: number): number {
    return i < this.#known ? (this.#bases[i] ?? 0) : this.#state.activeBase;
  }

  /** The offset after segment `i`. */
  nextOf(i: number): number {
    return this.isActive(i) ? this.#state.logEnd : this.baseOf(i + 1);
  }

  /** Where segment `i` starts on the line. */
  startOf(i: number): number {
    return i <= this.#known && !this.isActive(i) ? (this.#starts[i] ?? 0) : this.#activeStart;
  }

  spanOf(i: number): Span {
    return {
      from: this.startOf(i),
      to: this.isActive(i) ? this.bytes : this.startOf(i + 1),
    };
  }

  isActive(i: number): boolean {
    return i >= this.count - 1;
  }

  /** Whether `i` stands for segments that are not known yet. */
  isGap(i: number): boolean {
    return i === this.#known && this.#hasGap;
  }

  /** Index of the segment at a place on the line. */
  segmentAt(place: number): number {
    if (place >= this.#activeStart) return this.count - 1;
    return lastAtOrBelow(this.#starts, this.count - 1, place);
  }

  /** Index of the segment with this base offset, or undefined. */
  numberOf(base: number): number | undefined {
    if (base === this.#state.activeBase) return this.count - 1;
    const i = lastAtOrBelow(this.#bases, this.#known, base);
    return i < this.#known && this.#bases[i] === base ? i : undefined;
  }

  /** The place of a position in a segment; undefined if the segment is unknown. */
  placeOf(base: number, position: number): number | undefined {
    const i = this.numberOf(base);
    return i === undefined ? undefined : this.startOf(i) + position;
  }

  /** Where the high watermark is. */
  get watermarkPlace(): number {
    const { endSegment, endPosition, activeBase, activeBytes } = this.#state;
    if (endSegment === activeBase) return this.#activeStart + Math.min(endPosition, activeBytes);
    const i = this.numberOf(endSegment);
    // A segment is flushed before the next one starts. So if it is gone, nothing before the active one is missing.
    if (i === undefined) return this.#activeStart;
    const { from, to } = this.spanOf(i);
    return Math.min(from + endPosition, to);
  }

  /**
   * The approximate place of an offset. Exact at segment bounds and the high watermark; in between, it assumes records
   * of equal size, which is good enough for a mark. (A lookup uses the index.)
   */
  placeOfOffset(offset: number): number {
    const { highWatermark, logEnd, activeBase, endSegment } = this.#state;
    if (offset >= logEnd) return this.bytes;
    if (offset === highWatermark) return this.watermarkPlace;
    if (offset < activeBase) return this.#placeOfSealed(offset);
    const { from, to } = this.spanOf(this.count - 1);
    if (endSegment !== activeBase) return part(offset, [activeBase, logEnd], from, to);
    return offset < highWatermark
      ? part(offset, [activeBase, highWatermark], from, this.watermarkPlace)
      : part(offset, [highWatermark, logEnd], this.watermarkPlace, to);
  }

  /** Where the records start that were not deleted. */
  get logStartPlace(): number {
    const { logStart, firstBase } = this.#state;
    return logStart <= firstBase ? 0 : this.placeOfOffset(logStart);
  }

  /** Where the compacted part ends; undefined if the topic is not compacted. */
  get compactedPlace(): number | undefined {
    const { compactedTo } = this.#state;
    return compactedTo === null ? undefined : this.placeOfOffset(compactedTo);
  }

  #placeOfSealed(offset: number): number {
    const i = lastAtOrBelow(this.#bases, this.#known, offset);
    const isLast = i >= this.#known - 1 && this.#hasGap;
    const { from, to } = isLast ? { from: this.startOf(i), to: this.#activeStart } : this.spanOf(i);
    const base = this.#known === 0 ? this.#state.firstBase : this.baseOf(i);
    return part(offset, [base, isLast ? this.#state.activeBase : this.nextOf(i)], from, to);
  }

  get #hasGap(): boolean {
    return this.#known < this.#state.sealedCount;
  }

  get #activeStart(): number {
    const known = this.#starts[this.#known] ?? 0;
    return this.#hasGap ? Math.max(known, this.#state.sealedBytes) : known;
  }

  #count(): void {
    const { activeBase } = this.#state;
    this.#known = firstNotBefore(this.#bases.length, (i) => (this.#bases[i] ?? 0) < activeBase);
  }

  /** Forgets the first `count` segments. */
  #forget(count: number): void {
    const bytes = this.#starts[count] ?? 0;
    this.#bases.splice(0, count);
    this.#starts.splice(0, count);
    if (bytes > 0) this.#starts = this.#starts.map((start) => start - bytes);
  }
}

/** Where an offset of the range `[base, next]` is between two places. */
function part(
  offset: number,
  [base, next]: readonly [number, number],
  from: number,
  to: number,
): number {
  if (next <= base) return from;
  return from + (to - from) * Math.max(0, Math.min(1, (offset - base) / (next - base)));
}

/** Index of the last of the first `count` ascending values that is at or below `value`; 0 if all are above. */
function lastAtOrBelow(values: readonly number[], count: number, value: number): number {
  return Math.max(0, firstNotBefore(count, (i) => (values[i] ?? 0) <= value) - 1);
}
