// Walks the records of batches without allocating: one cursor moves from record to record. It trusts no bytes: it checks
// the CRC of each batch that it enters (unless told not to), and each length before it uses it. (Record layout: encoder.ts.)
// Leaves to others: where the bytes come from.
//
// Invariant after next() returned true: the reader's position ≤ recordsEnd ≤ buffer.length, and key, value
// and headers lie inside the record that ends at that position.
import { RustLogError } from "../errors.js";
import { DECOMPRESSED_BYTES_MAX, OFFSET_MAX } from "../limits.js";
import {
  BATCH_HEADER_BYTES,
  baseOffset,
  baseTimestamp,
  type Codec,
  codecOf,
  hasLogAppendTime,
  lastOffsetDelta,
  maxTimestamp,
  nextOffset,
  recordCount,
} from "./batch.js";
import { BatchRun, type BatchRunOptions } from "./batch-run.js";
import { decompress } from "./compression.js";
import type { RecordHeader } from "./encoder.js";
import { corrupt, passHeaders, readHeaders } from "./headers.js";
import { VarintReader } from "./varint.js";
import { NO_BYTES } from "./bytes.js";

interface CursorOptions extends BatchRunOptions {
  /** Skip records below this offset: a fetch returns whole batches. */
  readonly fromOffset?: number;
  /** Largest size that a batch may decompress to, in bytes (DECOMPRESSED_BYTES_MAX). */
  readonly decompressedBytesMax?: number;
}

/** A range of records that could not be read. */
export interface DamagedRange {
  /** Base offset of their batch, as far as it is known. */
  readonly batch: number;
  /** Offset of the first of them. */
  readonly from: number;
  /** Base offset of the next valid batch; undefined if the bytes hold none. */
  readonly to: number | undefined;
}

/**
 * A position in a run of batches. The fields describe the record that `next` moved to, until the next call of `next` or
 * `reset`. Views stay valid as long as the bytes do.
 */
export class RecordCursor {
  /** Offset of the record. */
  offset = -1;
  /** Timestamp of the record, in milliseconds. */
  timestamp = -1;
  /** The bytes that the positions below point into: those given to `reset`, or a decompressed batch. */
  buffer: Uint8Array = NO_BYTES;
  /** Where the key starts in `buffer`; -1 when it is null. */
  keyStart = -1;
  /** Where the key ends in `buffer`; -1 when it is null. */
  keyEnd = -1;
  /** Where the value starts in `buffer`; -1 when it is null. */
  valueStart = -1;
  /** Where the value ends in `buffer`; -1 when it is null. */
  valueEnd = -1;
  /** Number of headers of the record. */
  headerCount = 0;
  /** Where the record starts in `buffer`, with its length. */
  start = -1;

  #headersStart = 0;
  // Where the next record starts in `buffer`, and where the records of its batch end.
  readonly #reader = new VarintReader();
  #recordsEnd = 0;
  // The current batch: how many records are left, the deltas that the next one may have, and the base of all deltas.
  #recordsLeft = 0;
  #deltaMin = 0;
  #deltaMax = 0;
  #baseOffset = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;
  #logAppendTime = false;
  // The batches in the bytes given to reset.
  readonly #run = new BatchRun();
  #fromOffset = 0;
  #decompressedBytesMax = DECOMPRESSED_BYTES_MAX;
  #failure: RustLogError | undefined;
  // A Buffer over `buffer`, created when a text is requested.
  #text: Buffer | undefined;

  /** Starts over before the first record of the batches in `bytes[start, end)`. */
  reset(bytes: Uint8Array, start = 0, end = bytes.length, options: CursorOptions = {}): this {
    if (start < 0 || start > end || end > bytes.length) {
      throw new Error(`bytes ${start} to ${end} are not within ${bytes.length}`);
    }
    this.#run.reset(bytes, start, end, options);
    this.#fromOffset = options.fromOffset ?? 0;
    this.#decompressedBytesMax = options.decompressedBytesMax ?? DECOMPRESSED_BYTES_MAX;
    this.#failure = undefined;
    this.#recordsLeft = 0;
    this.#show(NO_BYTES);
    return this;
  }

  /**
   * Moves to the next record, also into the next batch; returns false after the last one. Throws CORRUPT_MESSAGE for
   * invalid bytes, MESSAGE_TOO_LARGE for a batch that decompresses to more than `decompressedBytesMax`, and
   * UNSUPPORTED_COMPRESSION for lz4 data that needs a dictionary. It throws again on each further call, until `reset` or `skipDamaged`.
   */
  next(): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      do {
        if (this.#recordsLeft === 0 && !this.#enterBatch()) return false;
        this.start = this.#reader.position;
        if (!this.#readPlainRecord()) this.#readRecord();
      } while (this.offset < this.#fromOffset);
      return true;
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Which records could not be read. Call it after `next` has thrown. */
  damaged(): DamagedRange {
    const isOpen = this.#recordsLeft > 0;
    const batch = isOpen ? this.#baseOffset : this.#run.plausibleBaseOffset;
    const resumeAt = this.#run.afterDamage(this.#fromOffset, isOpen);
    return {
      batch,
      from: Math.max(batch + (isOpen ? this.#deltaMin : 0), this.#fromOffset),
      to: resumeAt === undefined ? undefined : baseOffset(this.#run.bytes, resumeAt),
    };
  }

  /** Skips the unreadable records, so that `next` continues with the next valid batch. Call it after `next` has thrown. */
  skipDamaged(): void {
    this.#run.skipTo(this.#run.afterDamage(this.#fromOffset, this.#recordsLeft > 0));
    this.#failure = undefined;
    this.#recordsLeft = 0;
  }

  /** Where the record ends in `buffer`. */
  get end(): number {
    return this.#reader.position;
  }

  /** The key, as a view. */
  key(): Uint8Array | null {
    return this.keyStart < 0 ? null : this.buffer.subarray(this.keyStart, this.keyEnd);
  }

  /** The value, as a view. */
  value(): Uint8Array | null {
    return this.valueStart < 0 ? null : this.buffer.subarray(this.valueStart, this.valueEnd);
  }

  /** The key as text; invalid UTF-8 becomes U+FFFD. */
  keyText(): string | null {
    return this.keyStart < 0 ? null : this.#textOf(this.keyStart, this.keyEnd);
  }

  /** The value as text; invalid UTF-8 becomes U+FFFD. */
  valueText(): string | null {
    return this.valueStart < 0 ? null : this.#textOf(this.valueStart, this.valueEnd);
  }

  /** The headers, or the first `most` of them, with names as text and values as views. */
  headers(most = Number.POSITIVE_INFINITY): RecordHeader[] {
    const headerCount = Math.min(this.headerCount, most);
    const textOf = (start: number, end: number): string => this.#textOf(start, end);
    return readHeaders(this.buffer, this.#headersStart, headerCount, textOf);
  }

  /** Checks the next batch and moves before its first record. Skips batches below `fromOffset`. */
  #enterBatch(): boolean {
    const run = this.#run;
    while (run.enter()) {
      const { bytes, at } = run;
      if (nextOffset(bytes, at) > this.#fromOffset && recordCount(bytes, at) > 0) {
        this.#openRecords(at + BATCH_HEADER_BYTES, run.next, codecOf(bytes, at) ?? "none");
        this.#baseOffset = baseOffset(bytes, at);
        this.#baseTimestamp = baseTimestamp(bytes, at);
        this.#maxTimestamp = maxTimestamp(bytes, at);
        this.#logAppendTime = hasLogAppendTime(bytes, at);
        this.#recordsLeft = recordCount(bytes, at);
        this.#deltaMin = 0;
        this.#deltaMax = lastOffsetDelta(bytes, at);
        run.opened();
        return true;
      }
      run.opened();
    }
    this.#show(NO_BYTES);
    return false;
  }

  #openRecords(start: number, end: number, codec: Codec): void {
    if (codec === "none") {
      this.#show(this.#run.bytes);
      this.#reader.position = start;
      this.#recordsEnd = end;
      return;
    }
    const records = this.#run.bytes.subarray(start, end);
    this.#show(decompress(codec, records, this.#decompressedBytesMax));
    this.#reader.position = 0;
    this.#recordsEnd = this.buffer.length;
  }

  /** Replaces `buffer`, and clears the current record. */
  #show(buffer: Uint8Array): void {
    if (this.buffer !== buffer) this.#text = undefined;
    this.buffer = buffer;
    this.#reader.bytes = buffer;
    this.offset = -1;
    this.timestamp = -1;
    this.keyStart = this.keyEnd = this.valueStart = this.valueEnd = -1;
    this.headerCount = 0;
  }

  /**
   * Reads a common record (numbers of at most two bytes, a value, no headers) in local variables, which is a third
   * faster. Returns false, without a change, for any other record, which `#readRecord` reads or refuses.
   */
  #readPlainRecord(): boolean {
    const { bytes, position } = this.#reader;
    let at = position;
    let length = bytes[at++]!;
    if (length >= 0x80) length = (length & 0x7f) | (bytes[at++]! << 7);
    const end = at + (length >>> 1);
    at++;
    let delta = bytes[at++]!;
    if (delta >= 0x80) delta = (delta & 0x7f) | (bytes[at++]! << 7);
    let offset = bytes[at++]!;
    if (offset >= 0x80) offset = (offset & 0x7f) | (bytes[at++]! << 7);
    let key = bytes[at++]!;
    if (key >= 0x80) key = (key & 0x7f) | (bytes[at++]! << 7);
    const keyStart = at;
    at += key >>> 1;
    let value = bytes[at++]!;
    if (value >= 0x80) value = (value & 0x7f) | (bytes[at++]! << 7);
    const valueStart = at;
    at += value >>> 1;
    // A third byte sets a bit above bit 13. An odd number is negative; a key length of -1 means null.
    if ((length | delta | offset | key | value) > 0x3fff) return false;
    if (((length | offset | value) & 1) !== 0 || ((key & 1) !== 0 && key !== 1)) return false;
    const offsetDelta = offset >>> 1;
    if (offsetDelta < this.#deltaMin || offsetDelta > this.#deltaMax) return false;
    if (bytes[at] !== 0 || at + 1 !== end) return false;
    if (end > this.#recordsEnd || (this.#recordsLeft === 1 && end !== this.#recordsEnd))
      return false;
    const timestamp = this.#baseTimestamp + ((delta >>> 1) ^ -(delta & 1));
    if (timestamp > OFFSET_MAX || timestamp < -OFFSET_MAX) return false;
    this.keyStart = key === 1 ? -1 : keyStart;
    this.keyEnd = key === 1 ? -1 : keyStart + (key >>> 1);
    this.valueStart = valueStart;
    this.valueEnd = at;
    this.headerCount = 0;
    this.#headersStart = this.#reader.position = end;
    this.#showRecord(timestamp, offsetDelta);
    return true;
  }

  #showRecord(timestamp: number, offsetDelta: number): void {
    this.timestamp = this.#logAppendTime ? this.#maxTimestamp : timestamp;
    this.offset = this.#baseOffset + offsetDelta;
    this.#deltaMin = offsetDelta + 1;
    this.#recordsLeft--;
  }

  /**
   * Reads the record at the position. One comparison at the end detects a length that leads out of the record, because
   * the reader never passes the end of the buffer and the position only grows.
   */
  #readRecord(): void {
    const reader = this.#reader;
    const length = reader.readVarint();
    const end = reader.position + length;
    if (length < 0 || end > this.#recordsEnd) throw corrupt("its length is impossible");
    reader.position++; // The attributes: Kafka defines none.
    const timestampDelta = reader.readVarlong();
    const offsetDelta = reader.readVarint();
    if (offsetDelta < this.#deltaMin || offsetDelta > this.#deltaMax) {
      throw corrupt(
        `its offset delta is ${offsetDelta}, not one from ${this.#deltaMin} to ${this.#deltaMax}`,
      );
    }

    const keyBytes = reader.readVarint();
    if (keyBytes < -1) throw corrupt("its key has a negative length");
    this.keyStart = keyBytes < 0 ? -1 : reader.position;
    if (keyBytes > 0) reader.position += keyBytes;
    this.keyEnd = keyBytes < 0 ? -1 : reader.position;

    const valueBytes = reader.readVarint();
    if (valueBytes < -1) throw corrupt("its value has a negative length");
    this.valueStart = valueBytes < 0 ? -1 : reader.position;
    if (valueBytes > 0) reader.position += valueBytes;
    this.valueEnd = valueBytes < 0 ? -1 : reader.position;

    this.headerCount = reader.readVarint();
    this.#headersStart = reader.position;
    if (this.headerCount !== 0) passHeaders(reader, this.headerCount, end);
    if (reader.position !== end) throw corrupt("its fields do not add up to its length");
    if (this.#recordsLeft === 1 && end !== this.#recordsEnd) {
      throw corrupt("the bytes after it are not a record");
    }

    const timestamp = this.#baseTimestamp + timestampDelta;
    if (timestamp > OFFSET_MAX || timestamp < -OFFSET_MAX) {
      throw corrupt("its timestamp is impossible");
    }
    this.#showRecord(timestamp, offsetDelta);
  }

  /** Adds the place to an error, and keeps it: `next` throws it until `reset`. */
  #fail(error: unknown): unknown {
    if (!(error instanceof RustLogError)) return error;
    const place =
      this.#recordsLeft > 0
        ? `record at offset ${this.#baseOffset + this.#deltaMin}`
        : `batch at byte ${this.#run.at}`;
    this.#failure = new RustLogError(error.code, `${place}: ${error.message}`, { cause: error });
    this.#show(NO_BYTES);
    return this.#failure;
  }

  #textOf(start: number, end: number): string {
    const { buffer } = this;
    this.#text ??= Buffer.from(buffer.buffer, buffer.byteOffset, buffer.length);
    return this.#text.toString("utf8", start, end);
  }
}
