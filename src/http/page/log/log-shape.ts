// One partition as a line of bytes: where each segment is, and where an offset is. Pure.
// Leaves to others: drawing it (drawing.ts), and receiving changes (model.ts).
import { firstNotBefore } from "../../../binary-search.js";
import type { PartitionState, SegmentRows } from "../wire.js";

/** A span of the line, in bytes from the start of the log. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The segments of a partition, the active one last. */
export class LogShape {
  #state: PartitionState;
  /** Base offsets and starts on the line; the start after the last is the log end. */
  #bases: number[] = [];
  #starts: number[] = [0];

  constructor(state: PartitionState) {
    this.#state = state;
    this.#bases = [state.activeBase];
    this.#starts = [0, state.activeBytes];
  }

  get state(): PartitionState {
    return this.#state;
  }

  get count(): number {
    return this.#bases.length;
  }

  /** Length of the line. */
  get bytes(): number {
    return this.#starts[this.#bases.length] ?? 0;
  }

  /** Whether all segments are known. */
  get isComplete(): boolean {
    const { sealedCount, activeBase, firstBase } = this.#state;
    return (
      this.#bases.length === sealedCount + 1 &&
      this.#bases.at(-1) === activeBase &&
      this.#bases[0] === firstBase
    );
  }

  /** The base offset of the last segment known to be sealed; -1 for none. */
  get lastSealed(): number {
    return this.#bases.at(-2) ?? -1;
  }

  /** Takes a newer state. Unknown segments in it must be requested. */
  update(state: PartitionState): void {
    const isReplaced = this.#state.revision !== state.revision;
    this.#state = state;
    const dropped = this.#bases.findIndex((base) => base >= state.firstBase);
    if (dropped > 0) this.#drop(dropped);
    if (dropped < 0 || isReplaced) {
      this.#bases = [state.activeBase];
      this.#starts = [0, state.activeBytes];
    }
    if (this.#bases.at(-1) === state.activeBase) {
      this.#starts[this.#bases.length] = this.startOf(this.count - 1) + state.activeBytes;
    }
  }

  /** Takes requested segments: those after `after`. */
  add(rows: SegmentRows, after: number): void {
    const kept = this.#bases.findIndex((base) => base > after);
    if (kept >= 0) {
      this.#bases.length = kept;
      this.#starts.length = kept + 1;
    }
    for (const [i, base] of rows.bases.entries()) {
      this.#starts.push((this.#starts.at(-1) ?? 0) + (rows.bytes[i] ?? 0));
      this.#bases.push(base);
    }
    this.update(this.#state);
  }

  baseOf(i: number): number {
    return this.#bases[i] ?? this.#state.activeBase;
  }

  /** The offset after segment `i`. */
  nextOf(i: number): number {
    return i + 1 < this.count ? this.baseOf(i + 1) : this.#state.logEnd;
  }

  /** Where segment `i` starts on the line. */
  startOf(i: number): number {
    return this.#starts[i] ?? this.bytes;
  }

  spanOf(i: number): Span {
    return { from: this.startOf(i), to: this.startOf(i + 1) };
  }

  isActive(i: number): boolean {
    return i === this.count - 1 && this.#bases.at(-1) === this.#state.activeBase;
  }

  /** Index of the segment at a place on the line. */
  segmentAt(place: number): number {
    return lastAtOrBelow(this.#starts, this.count, place);
  }

  /** Index of the segment with this base offset, or undefined. */
  numberOf(base: number): number | undefined {
    const i = lastAtOrBelow(this.#bases, this.count, base);
    return this.#bases[i] === base ? i : undefined;
  }

  /** The place of a position in a segment; undefined if the segment is unknown. */
  placeOf(base: number, position: number): number | undefined {
    const i = this.numberOf(base);
    return i === undefined ? undefined : this.startOf(i) + position;
  }

  get watermarkPlace(): number {
    const { endSegment, endPosition } = this.#state;
    return this.placeOf(endSegment, endPosition) ?? this.bytes;
  }

  /**
   * The approximate place of an offset. Exact at segment bounds and the high watermark; in between, it assumes records
   * of equal size, which is good enough for a mark. (A lookup uses the index.)
   */
  placeOfOffset(offset: number): number {
    const { highWatermark, logEnd } = this.#state;
    if (offset >= logEnd) return this.bytes;
    if (offset === highWatermark) return this.watermarkPlace;
    const i = lastAtOrBelow(this.#bases, this.count, offset);
    const { from, to } = this.spanOf(i);
    const [base, next] = [this.baseOf(i), this.nextOf(i)];
    const part = next > base ? Math.max(0, offset - base) / (next - base) : 0;
    return from + (to - from) * Math.min(1, part);
  }

  /** Where the compacted part ends; undefined if the topic is not compacted. */
  get compactedPlace(): number | undefined {
    const { compactedTo } = this.#state;
    return compactedTo === null ? undefined : this.placeOfOffset(compactedTo);
  }

  #drop(count: number): void {
    const bytes = this.startOf(count);
    this.#bases.splice(0, count);
    this.#starts.splice(0, count);
    this.#starts = this.#starts.map((start) => start - bytes);
  }
}

/** Index of the last of the first `count` ascending values that is at or below `value`; 0 if there is none. */
function lastAtOrBelow(values: readonly number[], count: number, value: number): number {
  return Math.max(0, firstNotBefore(count, (i) => (values[i] ?? 0) <= value) - 1);
}
