// Finds valid batches among damaged bytes of a `.log` file, in one pass over the file whatever it holds.
// Leaves to others: which of them count (batch-walker.ts).
//
// A client can send a record whose value looks like a million batch headers, each of a batch that ends far after it.
// Computing a CRC for each would be quadratic. Instead, one CRC runs over the file. At the start of a candidate batch,
// the running CRC, the CRC in the header and the length give the value that the running CRC must have at the end of the
// batch (crc32c-combine.ts). When the pass gets there, one comparison decides. So each byte is checksummed once, and a
// candidate costs the same whatever its length.
//
// Memory: one block of the file, and 24 bytes for each candidate that the walk has not passed.
import { BATCH_HEADER_BYTES, BATCH_MAGIC, batchBytes, crc, FIELD, mayBeBatch } from "./batch.js";
import type { ReadableFile } from "./bytes.js";
import type { Crc32c } from "./crc32c.js";
import { combineCrc32c } from "./crc32c-combine.js";
import { CandidateBatches, NO_CANDIDATE } from "./candidate-batches.js";

/** Bytes of the file that are read and searched at a time. */
const BLOCK_BYTES = 1024 * 1024;

/** Bytes of a header that the CRC covers. */
const CHECKED_HEADER_BYTES = BATCH_HEADER_BYTES - FIELD.attributes;

/** Packs the end and the number of a candidate into one sortable number, with the number in the low bits. */
const NUMBERS = 2 ** 31;

/** A search from one position towards the end of a file. It advances only as far as it is asked. */
export class BatchSearch {
  readonly #file: ReadableFile;
  readonly #crc32c: Crc32c;
  readonly #from: number;
  readonly #bytes: Uint8Array;
  readonly #found = new CandidateBatches();
  /** Per block, the last candidate found that ends there; each candidate links to the one found before it. */
  readonly #lastEnding: Int32Array;
  /** Position that the running CRC has reached, and its value from `#from` to there. */
  #swept: number;
  #running = 0;
  /** The next position to look for a header at. */
  #scanned: number;

  constructor(file: ReadableFile, from: number, crc32c: Crc32c) {
    this.#file = file;
    this.#crc32c = crc32c;
    this.#from = from;
    this.#swept = from;
    this.#scanned = from;
    const left = Math.max(0, file.size - from);
    this.#bytes = new Uint8Array(Math.min(left, BLOCK_BYTES + BATCH_HEADER_BYTES));
    this.#lastEnding = new Int32Array(Math.ceil(left / BLOCK_BYTES)).fill(NO_CANDIDATE);
  }

  /** Bytes that the pass has covered. */
  get sweptBytes(): number {
    return this.#swept - this.#from;
  }

  /** Forgets candidates before `position`. */
  forget(position: number): void {
    this.#found.dropBefore(position);
  }

  /**
   * XOR of the stated and the computed CRC of the batch at `position`: 0 if the batch is valid. Its header must be
   * plausible, and the position not forgotten.
   */
  crcDifferenceAt(position: number): number {
    while (this.#scanned <= position) this.#sweepBlock();
    const candidate = this.#found.at(position);
    if (candidate === NO_CANDIDATE) throw new Error(`no header was found at ${position}`);
    return this.#resolve(candidate);
  }

  /** Position of the first valid batch from `position` on; undefined if there is none. Forgets candidates before it. */
  next(position: number): number | undefined {
    const found = this.#found;
    found.dropBefore(position);
    for (let candidate = found.first; ; candidate++) {
      while (candidate === found.end && this.#swept < this.#file.size) this.#sweepBlock();
      if (candidate === found.end) return undefined;
      if (found.positionOf(candidate) >= position && this.#resolve(candidate) === 0) {
        return found.positionOf(candidate);
      }
    }
  }

  #resolve(candidate: number): number {
    const end = this.#found.endOf(candidate);
    while (this.#swept < end) this.#sweepBlock();
    return this.#found.valueOf(candidate);
  }

  /** Extends the pass by a block: finds the candidates that begin in it and settles those that end in it. */
  #sweepBlock(): void {
    const blockStart = this.#swept;
    const blockEnd = Math.min(blockStart + BLOCK_BYTES, this.#file.size);
    const readFrom = Math.min(this.#scanned, blockStart);
    const wanted = Math.min(blockEnd + CHECKED_HEADER_BYTES, this.#file.size) - readFrom;
    const count = this.#file.read(this.#bytes.subarray(0, wanted), readFrom);
    // The file was truncated meanwhile.
    if (count < wanted) this.#bytes.fill(0, count, wanted);
    let beginning = this.#found.end;
    this.#findHeaders(readFrom, blockEnd);
    const ending = this.#takeEnding(beginning, blockStart, blockEnd);
    let at = blockStart - readFrom;
    const runTo = (position: number): void => {
      const to = position - readFrom;
      this.#running = this.#crc32c(this.#bytes, at, to, this.#running);
      at = to;
    };
    for (let i = 0; i < ending.length; i++) {
      const distance = Math.floor(ending[i]! / NUMBERS);
      const candidate = ending[i]! - distance * NUMBERS;
      const end = blockStart + distance;
      beginning = this.#begin(beginning, end, readFrom, runTo);
      runTo(end);
      this.#found.setValue(candidate, this.#running ^ this.#found.valueOf(candidate));
    }
    this.#begin(beginning, blockEnd, readFrom, runTo);
    runTo(blockEnd);
    this.#swept = blockEnd;
  }

  /** Adds the candidates whose checksummed bytes begin at or before `blockEnd`. */
  #findHeaders(readFrom: number, blockEnd: number): void {
    const bytes = this.#bytes;
    const { size } = this.#file;
    const last = Math.min(blockEnd - FIELD.attributes, size - BATCH_HEADER_BYTES);
    let position = this.#scanned;
    for (let at = position - readFrom; position <= last; position++, at++) {
      if (bytes[at + FIELD.magic] !== BATCH_MAGIC || bytes[at] !== 0) continue;
      if (mayBeBatch(bytes, at, size - position)) this.#found.add(position, batchBytes(bytes, at));
    }
    this.#scanned = Math.max(position, blockEnd - FIELD.attributes + 1);
  }

  /** The candidates that end in the block, as keys in that order. New candidates that end later are put aside. */
  #takeEnding(firstNew: number, blockStart: number, blockEnd: number): Float64Array {
    const found = this.#found;
    const keys: number[] = [];
    const take = (candidate: number): void => {
      keys.push((found.endOf(candidate) - blockStart) * NUMBERS + candidate);
    };
    const block = this.#blockOf(blockEnd);
    for (
      let older = this.#lastEnding[block]!;
      older !== NO_CANDIDATE;
      older = found.linkOf(older)
    ) {
      // Forgotten candidates need no answer.
      if (older >= found.first) take(older);
      else break;
    }
    for (let candidate = firstNew; candidate < found.end; candidate++) {
      const end = found.endOf(candidate);
      if (end <= blockEnd) take(candidate);
      else {
        const later = this.#blockOf(end);
        found.setLink(candidate, this.#lastEnding[later]!);
        this.#lastEnding[later] = candidate;
      }
    }
    return Float64Array.from(keys).sort();
  }

  /** Computes, for the candidates that begin up to `end`, the value that the running CRC must have at their ends. */
  #begin(first: number, end: number, readFrom: number, runTo: (position: number) => void): number {
    const found = this.#found;
    let candidate = first;
    for (; candidate < found.end; candidate++) {
      const position = found.positionOf(candidate);
      const start = position + FIELD.attributes;
      if (start > end) break;
      runTo(start);
      const stated = crc(this.#bytes, position - readFrom);
      const bytes = found.endOf(candidate) - start;
      found.setValue(candidate, combineCrc32c(this.#running, stated, bytes));
    }
    return candidate;
  }

  /** Number of the block that contains the byte before `end`. */
  #blockOf(end: number): number {
    return Math.floor((end - 1 - this.#from) / BLOCK_BYTES);
  }
}
