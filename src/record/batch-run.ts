// A run of batches in memory, walked from header to header. Checks each batch and finds the next one after damage.
// Leaves to others: the records inside (cursor.ts), and what makes a batch valid (batch.ts).
import {
  BATCH_HEADER_BYTES,
  baseOffset,
  batchBytes,
  findBatchFault,
  isSafeI64,
  nextOffset,
} from "./batch.js";
import { OFFSET_MAX } from "../limits.js";
import { BatchWalker } from "./batch-walker.js";
import { corrupt } from "./headers.js";
import { NO_BYTES } from "./bytes.js";

export interface BatchRunOptions {
  /** Whether to check the CRCs of the batches (true). Set to false for bytes whose CRCs were checked before. */
  readonly checkCrcs?: boolean;
  /** Offset after the last record of the bytes. If given, the batches must ascend and end at or before it. */
  readonly endOffset?: number;
}

/** A position in a run of batches: the batch that was entered last. */
export class BatchRun {
  bytes: Uint8Array = NO_BYTES;
  at = 0;
  /** End of the current batch, once it is known to be valid. */
  next = 0;
  #end = 0;
  #checkCrcs = true;
  #endOffset: number | undefined;
  /** Offset after the last record of the last valid batch. */
  #previousEnd = 0;
  /** Created at the first damage and kept, because its work is linear only over all damage together. */
  #walker: BatchWalker | undefined;
  /** The last damaged batch, and the batch found after it. */
  #searchedFrom = -1;
  #found: number | undefined;

  /** Starts over before the first batch in `bytes[start, end)`. */
  reset(bytes: Uint8Array, start: number, end: number, options: BatchRunOptions): void {
    this.bytes = bytes;
    this.at = start;
    this.next = start;
    this.#end = end;
    this.#checkCrcs = options.checkCrcs ?? true;
    this.#endOffset = options.endOffset;
    this.#previousEnd = 0;
    this.#walker = undefined;
    this.#searchedFrom = -1;
  }

  /** Moves to the next batch; returns false after the last one. Throws CORRUPT_MESSAGE at damage, and does not move past it. */
  enter(): boolean {
    if (this.next >= this.#end) return false;
    const { bytes, next: at } = this;
    this.at = at;
    const fault = findBatchFault(bytes, at, this.#end, this.#checkCrcs);
    if (fault !== undefined) throw corrupt(fault.message);
    if (this.#endOffset !== undefined) this.#checkOffsets(this.#endOffset);
    this.next = at + batchBytes(bytes, at);
    return true;
  }

  /** Marks the current batch as readable. */
  opened(): void {
    this.#previousEnd = nextOffset(this.bytes, this.at);
  }

  /** Base offset of the current batch. If the batch is damaged, its stated offset counts only if it is plausible. */
  get plausibleBaseOffset(): number {
    const { bytes, at } = this;
    const isThere = this.#end - at >= BATCH_HEADER_BYTES && isSafeI64(bytes, at);
    const stated = isThere ? baseOffset(bytes, at) : -1;
    const isPossible = stated >= this.#previousEnd && stated < (this.#endOffset ?? OFFSET_MAX);
    return isPossible ? stated : this.#previousEnd;
  }

  /** Position of the next valid batch after the current, damaged one; undefined if there is none. */
  afterDamage(fromOffset: number, isOpen: boolean): number | undefined {
    if (this.#searchedFrom !== this.at) {
      this.#searchedFrom = this.at;
      // A batch covers at least one offset.
      this.#found = this.#search(Math.max(this.#previousEnd, fromOffset) + (isOpen ? 0 : 1));
    }
    return this.#found;
  }

  #search(baseOffsetMin: number): number | undefined {
    const { bytes, at } = this;
    if (this.#end - at < BATCH_HEADER_BYTES) return undefined;
    // The usual case: a length that leads to the end is right, so no search is needed.
    if (at + batchBytes(bytes, at) === this.#end) return undefined;
    const source = bytes.subarray(0, this.#end);
    this.#walker ??= new BatchWalker({
      size: source.length,
      read: (into, position) => {
        const part = source.subarray(position, position + into.length);
        into.set(part);
        return part.length;
      },
    });
    const endOffset = this.#endOffset ?? OFFSET_MAX;
    let header: Uint8Array | undefined = bytes.subarray(at, at + BATCH_HEADER_BYTES);
    for (let from = at; ;) {
      const found = this.#walker.findNext(from, header, baseOffsetMin);
      if (found === this.#end) return undefined;
      const isDue = baseOffset(bytes, found) >= baseOffsetMin;
      if (isDue && nextOffset(bytes, found) <= endOffset) return found;
      from = found;
      header = undefined;
    }
  }

  /** Continues at `position`, or at the end. */
  skipTo(position: number | undefined): void {
    this.next = position ?? this.#end;
  }

  /** The CRC does not cover the base offset, so a wrong one shows only by comparison with its neighbours. */
  #checkOffsets(endOffset: number): void {
    const base = baseOffset(this.bytes, this.at);
    if (base < this.#previousEnd) {
      throw corrupt(
        `its base offset is ${base}, but the batch before it ends at ${this.#previousEnd}`,
      );
    }
    const next = nextOffset(this.bytes, this.at);
    if (next <= endOffset) return;
    throw corrupt(`it ends at offset ${next}, but the records end at ${endOffset}`);
  }
}
