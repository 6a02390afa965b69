// Batches anywhere in a `.log` file whose bytes may be damaged: whether one stands at a position, and where the
// next one is. Leaves to others: what is made of it (cut-file.ts, inspection/segment-walk.ts).
//
// Memory: one window, which grows only for a batch whose header is plausible and that fits the file.
//
// After damage it goes on where the damaged batch says that it ends, if the batch there continues its
// offsets; else at the next byte from which a batch with a matching CRC is found. A record's value may hold
// whole batches of some other log: one that has a lower offset than is due is passed over.
import { RESPONSE_BYTES_MAX } from "../limits.ts";
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  type BatchFault,
  baseOffset,
  batchBytes,
  FIELD,
  findBatchFault,
  nextOffset,
} from "../record/batch.ts";

const WINDOW_BYTES = 1024 * 1024;

/** No broker can have been given a batch that no client could fetch. */
const BATCH_BYTES_MAX = RESPONSE_BYTES_MAX;

/** A file that is read by position. */
export interface ByteSource {
  readonly size: number;
  /** Reads as much of `into` as there is from `position`; returns how many bytes there were. */
  read(into: Uint8Array, position: number): number;
}

/** The part of a `.log` file that is in memory. */
export class BatchWindow {
  /** The bytes in memory; another array after a batch that is larger than the last one. */
  bytes: Uint8Array;
  readonly #file: ByteSource;
  #start = 0;
  #end = 0;

  constructor(file: ByteSource) {
    this.#file = file;
    this.bytes = new Uint8Array(Math.min(WINDOW_BYTES, Math.max(file.size, BATCH_HEADER_BYTES)));
  }

  /** Where the byte at `position` of the file stands in `bytes`. */
  at(position: number): number {
    return position - this.#start;
  }

  /** Why no valid batch starts at `position`, or undefined; then all of it is in the window. */
  faultAt(position: number): BatchFault | undefined {
    this.#load(position, BATCH_HEADER_BYTES);
    const fault = findBatchFault(this.bytes, this.at(position), this.at(this.#end));
    const left = this.#file.size - position;
    if (fault?.kind !== "truncated" || this.#end - position < BATCH_HEADER_BYTES) return fault;
    const size = batchBytes(this.bytes, this.at(position));
    if (size > left) return { kind: "truncated", message: `${left} bytes of a batch of ${size}` };
    if (size > BATCH_BYTES_MAX) {
      return { kind: "length", message: `a batch of ${size} bytes is over ${BATCH_BYTES_MAX}` };
    }
    this.#load(position, size);
    return findBatchFault(this.bytes, this.at(position), this.at(this.#end));
  }

  /** A copy of the header at `position`; undefined when there is none that could be one. */
  headerAt(position: number): Uint8Array | undefined {
    this.#load(position, BATCH_HEADER_BYTES);
    const at = this.at(position);
    if (this.#end - position < BATCH_HEADER_BYTES) return undefined;
    if (this.bytes[at + FIELD.magic] !== BATCH_MAGIC) return undefined;
    return this.bytes.slice(at, at + BATCH_HEADER_BYTES);
  }

  /** Where the walk goes on after the damage at `position`: a batch, or the end of the file. */
  findNext(position: number, header: Uint8Array | undefined, offsetMin: number): number {
    const stated = header === undefined ? undefined : statedEnd(header);
    if (stated !== undefined && position + stated.size < this.#file.size) {
      const end = position + stated.size;
      if (this.faultAt(end) === undefined) {
        if (baseOffset(this.bytes, this.at(end)) === stated.nextOffset) return end;
      }
    }
    for (let from = position + 1; ;) {
      const found = this.#findHeader(from);
      if (found === undefined) return this.#file.size;
      const isBatch = this.faultAt(found) === undefined;
      if (isBatch && baseOffset(this.bytes, this.at(found)) >= offsetMin) return found;
      from = found + 1;
    }
  }

  /** The next position that a header may start at, by its magic and the zero that all offsets begin with. */
  #findHeader(from: number): number | undefined {
    for (let position = from; position + BATCH_HEADER_BYTES <= this.#file.size;) {
      this.#load(position, BATCH_HEADER_BYTES);
      const end = this.at(this.#end);
      const at = this.at(position);
      const magicAt = this.bytes.indexOf(BATCH_MAGIC, at + FIELD.magic);
      if (magicAt < 0 || magicAt >= end) {
        position = this.#end - FIELD.magic;
        continue;
      }
      const start = magicAt - FIELD.magic;
      position += start - at;
      if (this.bytes[start] === 0 && position + BATCH_HEADER_BYTES <= this.#file.size) {
        return position;
      }
      position++;
    }
    return undefined;
  }

  /** Makes sure that `size` bytes from `position` are in the window, or all that the file has. */
  #load(position: number, size: number): void {
    const end = Math.min(position + size, this.#file.size);
    if (position >= this.#start && end <= this.#end) return;
    if (size > this.bytes.length) this.bytes = new Uint8Array(size);
    this.#start = position;
    this.#end = position + this.#file.read(this.bytes, position);
  }
}

/** Where a header says that its batch ends, and with which offset the next one begins. */
function statedEnd(header: Uint8Array): { size: number; nextOffset: number } | undefined {
  const size = batchBytes(header, 0);
  if (size < BATCH_HEADER_BYTES) return undefined;
  try {
    return { size, nextOffset: nextOffset(header, 0) };
  } catch {
    return undefined; // An offset beyond the safe integers.
  }
}
