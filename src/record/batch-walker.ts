// Walks the batches of a `.log` file that may be damaged: tells whether a batch starts at a position, and where the next
// one is. Recovery, `verify`, `inspect` and clients all use it, so they agree on what a batch is.
// Leaves to others: using the result (log/recovery/segment-scan.ts, inspection/segment-walk.ts, batch-run.ts).
//
// Only the end of the file limits the size of a batch, so no batch that a broker has ever accepted counts as damaged.
// Memory: one window; the CRC of a larger batch is computed piece by piece.
//
// After damage, the walk continues where the damaged batch says that it ends, if a batch with higher offsets is there, or
// else at the next byte where a batch with a matching CRC starts. A record's value may contain whole batches of another
// log, so a batch whose offset is too low is skipped.
//
// The work is linear whatever the bytes are. A CRC that does not match, and a search beyond the next batch, are wasted
// work. Once that adds up to the size of the file, a single search over the rest of the file (batch-search.ts) answers
// everything that follows.
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  type BatchFault,
  baseOffset,
  batchBytes,
  crc,
  FIELD,
  findBatchFault,
  findCrcFault,
  nextOffset,
} from "./batch.js";
import type { ReadableFile } from "./bytes.js";
import { type Crc32c, crc32c } from "./crc32c.js";
import { BatchSearch } from "./batch-search.js";

const WINDOW_BYTES = 4 * 1024 * 1024;

/** A walk over one `.log` file. */
export class BatchWalker {
  /** Contains the last requested header, or the whole batch after `load`. Each call may replace the array. */
  bytes: Uint8Array;
  readonly #file: ReadableFile;
  readonly #crc32c: Crc32c;
  #window: Uint8Array;
  /** The range of the file that `bytes` holds. */
  #start = 0;
  #end = 0;
  /** Buffer for headers outside of the window. */
  readonly #header = new Uint8Array(BATCH_HEADER_BYTES);
  /** Bytes of wasted work. */
  #wasted = 0;
  /** Set once too much work was wasted; answers all further questions. */
  #search: BatchSearch | undefined;

  constructor(file: ReadableFile, computeCrc: Crc32c = crc32c) {
    this.#file = file;
    this.#crc32c = computeCrc;
    this.#window = new Uint8Array(Math.min(WINDOW_BYTES, Math.max(file.size, BATCH_HEADER_BYTES)));
    this.bytes = this.#window;
  }

  /** Index in `bytes` of the byte at `position` of the file. */
  at(position: number): number {
    return position - this.#start;
  }

  /**
   * Why no valid batch starts at `position`. Undefined if one does; then its header is in `bytes`. Positions must ascend
   * from call to call.
   */
  faultAt(position: number): BatchFault | undefined {
    this.#search?.forget(position);
    this.#fill(position, BATCH_HEADER_BYTES);
    const at = this.at(position);
    const fault = findBatchFault(this.bytes, at, at + this.#file.size - position, false);
    if (fault !== undefined) return fault;
    const size = batchBytes(this.bytes, at);
    const computed = this.#crcOf(position, size);
    const crcFault = findCrcFault(this.bytes, this.at(position), computed);
    if (crcFault !== undefined) this.#wasted += size;
    return crcFault;
  }

  /** Loads the whole batch at `position`, which must be valid, into `bytes`. */
  load(position: number, size: number): void {
    this.#fill(position, size);
  }

  /** A copy of the header at `position`; undefined if no plausible header is there. */
  headerAt(position: number): Uint8Array | undefined {
    this.#fill(position, BATCH_HEADER_BYTES);
    const at = this.at(position);
    if (this.#end - position < BATCH_HEADER_BYTES) return undefined;
    if (this.bytes[at + FIELD.magic] !== BATCH_MAGIC) return undefined;
    return this.bytes.slice(at, at + BATCH_HEADER_BYTES);
  }

  /** Base offset in the plausible header at `position`; Infinity if there is none. */
  baseOffsetAt(position: number): number {
    return this.#peek(position) ? baseOffset(this.#header, 0) : Number.POSITIVE_INFINITY;
  }

  /** Where the walk continues after damage at `position`, whose header is `header`: at a batch, or the end of the file. */
  findNext(position: number, header: Uint8Array | undefined, offsetMin: number): number {
    const stated = header === undefined ? undefined : statedEnd(header);
    if (stated !== undefined && this.#isWhole(position + stated.size)) {
      if (baseOffset(this.#header, 0) >= stated.nextOffset) return position + stated.size;
    }
    const search = this.#search ?? new BatchSearch(this.#file, position + 1, this.#crc32c);
    let found = search.next(position + 1);
    while (
      found !== undefined &&
      !(this.#peek(found) && baseOffset(this.#header, 0) >= offsetMin)
    ) {
      found = search.next(found + 1);
    }
    if (this.#search === undefined) {
      this.#wasted += search.sweptBytes;
      if (this.#wasted > this.#file.size) this.#search = search;
    }
    return found ?? this.#file.size;
  }

  /** Whether a valid batch starts at `position`; then its header is in `#header`. */
  #isWhole(position: number): boolean {
    if (!this.#peek(position)) return false;
    const size = batchBytes(this.#header, 0);
    this.#fill(position, BATCH_HEADER_BYTES);
    const isWhole = this.#crcOf(position, size) === crc(this.#header, 0);
    // The window must be read again.
    if (!isWhole) this.#wasted += size + this.#window.length;
    return isWhole;
  }

  /** Reads the header at `position` into `#header`; returns whether it is plausible. */
  #peek(position: number): boolean {
    const left = this.#file.size - position;
    if (left < BATCH_HEADER_BYTES) return false;
    this.#file.read(this.#header, position);
    return findBatchFault(this.#header, 0, left, false) === undefined;
  }

  /** Computes the CRC of the batch at `position`. Its header is in `bytes` and stays there. */
  #crcOf(position: number, size: number): number {
    if (this.#search !== undefined) {
      const stated = crc(this.bytes, this.at(position));
      return (stated ^ this.#search.crcDifferenceAt(position)) >>> 0;
    }
    if (size <= this.#window.length) {
      this.#fill(position, size);
      const at = this.at(position);
      return this.#crc32c(this.bytes, at + FIELD.attributes, at + size);
    }
    const at = this.at(position);
    const header = this.bytes.slice(at, at + BATCH_HEADER_BYTES);
    const end = position + size;
    let computed = this.#crc32c(this.bytes, at + FIELD.attributes, this.at(this.#end));
    for (let from = this.#end; from < end; from = this.#end) {
      this.#read(from, Math.min(this.#window.length, end - from));
      if (this.#end === from) break;
      computed = this.#crc32c(this.bytes, 0, this.#end - from, computed);
    }
    this.bytes = header;
    this.#start = position;
    this.#end = position + BATCH_HEADER_BYTES;
    return computed;
  }

  /** Ensures that `bytes` holds `size` bytes from `position`, or as many as the file has. */
  #fill(position: number, size: number): void {
    const end = Math.min(position + size, this.#file.size);
    if (position >= this.#start && end <= this.#end) return;
    if (size > this.#window.length) this.#window = new Uint8Array(size);
    this.#read(position, this.#window.length);
  }

  /** Reads up to `bytesMax` bytes from `position` into the window. */
  #read(position: number, bytesMax: number): void {
    this.bytes = this.#window;
    this.#start = position;
    this.#end = position + this.#file.read(this.#window.subarray(0, bytesMax), position);
  }
}

/** The end of the batch and the offset after it, as its header states them. */
function statedEnd(header: Uint8Array): { size: number; nextOffset: number } | undefined {
  const size = batchBytes(header, 0);
  if (size < BATCH_HEADER_BYTES) return undefined;
  try {
    return { size, nextOffset: nextOffset(header, 0) };
  } catch {
    return undefined; // An offset beyond the safe integers.
  }
}
