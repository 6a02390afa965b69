// Writes records into a batch. Each is encoded immediately, in its final form, after the space for the header.
// Leaves to others: the base offset (the broker stamps it), and when a batch is complete.
//
// record: length varint | attributes i8 | timestampDelta varlong | offsetDelta varint
//         keyLength varint | key | valueLength varint | value | headerCount varint | headers
// header: nameLength varint | name | valueLength varint | value             a length of -1 stands for null
import { RustLogError } from "../errors.js";
import { BATCH_BYTES_HIGHEST } from "../limits.js";
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  BATCH_OVERHEAD_BYTES,
  type Codec,
  CODECS,
  FIELD,
  NO_PRODUCER,
  type ProducerSequence,
  stampProducer,
} from "./batch.js";
import { writeI32, writeI64, writeU16 } from "./bytes.js";
import { compress } from "./compression.js";
import {
  varintBytes,
  VARINT_BYTES_MAX,
  VARLONG_BYTES_MAX,
  writeVarint,
  writeVarlong,
} from "./varint.js";

/** A header of a record. */
export interface RecordHeader {
  /** The name as text. Invalid UTF-8 becomes U+FFFD; the original bytes are in `nameBytes`. */
  readonly name: string;
  /** The bytes of a name that is not valid UTF-8, written instead of `name`. */
  readonly nameBytes?: Uint8Array;
  readonly value: Uint8Array | null;
}

/** A header to write; its value can be text. */
export interface ProducerHeader extends Omit<RecordHeader, "value"> {
  readonly value: Uint8Array | string | null;
}

export interface EncoderOptions {
  /** Codec of the records section ("none"). */
  readonly codec?: Codec;
  /** Initial size of the buffer in bytes; it grows as needed. */
  readonly initialBytes?: number;
}

const INITIAL_BYTES_DEFAULT = 16 * 1024;

/** Length up to which a loop copies faster than a native call, which takes about 30 ns. */
const LOOP_BYTES_MAX = 16;

const UTF8_BYTES_PER_UNIT_MAX = 3;
const NO_HEADERS: readonly ProducerHeader[] = [];

/** Largest size of length, attributes, two deltas, lengths of key and value, and number of headers. */
const FIELD_BYTES_MAX = 5 * VARINT_BYTES_MAX + 1 + VARLONG_BYTES_MAX;

/** The fastest way to write a string in Node and Bun; unlike `write`, it has no options to parse. */
interface Utf8Buffer extends Buffer {
  utf8Write(text: string, at: number): number;
}

/** Upper bound of a record's encoded size in bytes, found without looking into its strings. */
export function recordBytesBound(
  key: Uint8Array | string | null,
  value: Uint8Array | string | null,
  headers: readonly ProducerHeader[] = NO_HEADERS,
): number {
  let bytes = FIELD_BYTES_MAX + boundOf(key) + boundOf(value);
  for (const header of headers) {
    bytes +=
      2 * VARINT_BYTES_MAX + boundOf(header.nameBytes ?? header.name) + boundOf(header.value);
  }
  return bytes;
}

/** As `recordBytesBound`, with strings measured: at most a few bytes above the encoded size. */
export function recordBytesMeasured(
  key: Uint8Array | string | null,
  value: Uint8Array | string | null,
  headers: readonly ProducerHeader[] = NO_HEADERS,
): number {
  let bytes = FIELD_BYTES_MAX + sizeOf(key) + sizeOf(value);
  for (const header of headers) {
    bytes += 2 * VARINT_BYTES_MAX + sizeOf(header.nameBytes ?? header.name) + sizeOf(header.value);
  }
  return bytes;
}

/** Encodes a batch. After `finish`, it starts the next one in the same memory. */
export class BatchEncoder {
  readonly #codec: Codec;
  // Two views of the same memory: the second is for strings.
  #bytes: Uint8Array;
  #text: Utf8Buffer;
  #end = BATCH_HEADER_BYTES;
  #count = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;
  // The length precedes the record. We reserve as many bytes for it as the previous record needed.
  #lengthBytes = 1;

  constructor(options: EncoderOptions = {}) {
    this.#codec = options.codec ?? "none";
    const initialBytes = options.initialBytes ?? INITIAL_BYTES_DEFAULT;
    this.#text = allocate(Math.max(initialBytes, BATCH_HEADER_BYTES));
    this.#bytes = viewOf(this.#text);
  }

  /** Records in the batch. */
  get count(): number {
    return this.#count;
  }

  /** Current size of the batch in bytes, header included, before compression. */
  get bytes(): number {
    return this.#end;
  }

  /** Size of the buffer in bytes. */
  get capacityBytes(): number {
    return this.#bytes.length;
  }

  /**
   * Adds a record. Strings are written as UTF-8; an unpaired surrogate becomes U+FFFD. Throws INVALID_RECORD for a
   * timestamp (ms) that is not a safe integer, and MESSAGE_TOO_LARGE past BATCH_BYTES_HIGHEST; both leave the batch
   * unchanged.
   */
  append(
    timestampMs: number,
    key: Uint8Array | string | null,
    value: Uint8Array | string | null,
    headers: readonly ProducerHeader[] = NO_HEADERS,
  ): void {
    const index = this.#count;
    if (!Number.isSafeInteger(timestampMs)) throw invalidTimestamp(timestampMs);
    if (index === 0) {
      this.#baseTimestamp = timestampMs;
      this.#maxTimestamp = timestampMs;
    }
    const delta = timestampMs - this.#baseTimestamp;
    if (!Number.isSafeInteger(delta)) throw invalidTimestamp(timestampMs);

    const start = this.#end;
    if (start + recordBytesBound(key, value, headers) > this.#bytes.length)
      this.#makeRoom(key, value, headers);

    const bytes = this.#bytes;
    const bodyStart = start + this.#lengthBytes;
    let at = bodyStart;
    bytes[at++] = 0;
    if (delta >= 0 && delta < 64) bytes[at++] = delta << 1;
    else at = writeVarlong(bytes, at, delta);
    if (index < 64) bytes[at++] = index << 1;
    else at = writeVarint(bytes, at, index);
    at = typeof key === "string" ? this.#writeText(at, key) : this.#writeBytes(at, key);
    at = typeof value === "string" ? this.#writeText(at, value) : this.#writeBytes(at, value);
    if (headers.length === 0) bytes[at++] = 0;
    else at = this.#writeHeaders(at, headers);

    const length = at - bodyStart;
    const lengthBytes = varintBytes(length);
    if (lengthBytes !== this.#lengthBytes) {
      bytes.copyWithin(start + lengthBytes, bodyStart, at);
      at += lengthBytes - this.#lengthBytes;
      this.#lengthBytes = lengthBytes;
    }
    writeVarint(bytes, start, length);
    this.#end = at;
    this.#count = index + 1;
    if (timestampMs > this.#maxTimestamp) this.#maxTimestamp = timestampMs;
  }

  /** Completes the batch, with base offset 0, and returns bytes that the caller owns. The batch must have a record. */
  finish(sequence: ProducerSequence = NO_PRODUCER): Uint8Array {
    const batch = this.finishUnstamped();
    stampProducer(batch, sequence);
    return this.isInPlace(batch) ? batch.slice() : batch;
  }

  /**
   * As `finish`, but leaves the producer fields and the CRC to `stampProducer`, and does not copy an uncompressed
   * batch: it is a view, valid until the next `append`.
   */
  finishUnstamped(): Uint8Array {
    if (this.#count === 0) throw new Error("a batch without records can't be finished");
    const batch = this.#compressed();
    writeI64(batch, FIELD.baseOffset, 0);
    writeI32(batch, FIELD.batchLength, batch.length - BATCH_OVERHEAD_BYTES);
    writeI32(batch, FIELD.partitionLeaderEpoch, 0);
    batch[FIELD.magic] = BATCH_MAGIC;
    writeU16(batch, FIELD.attributes, CODECS.indexOf(this.#codec));
    writeI32(batch, FIELD.lastOffsetDelta, this.#count - 1);
    writeI64(batch, FIELD.baseTimestamp, this.#baseTimestamp);
    writeI64(batch, FIELD.maxTimestamp, this.#maxTimestamp);
    writeI32(batch, FIELD.recordCount, this.#count);
    this.#end = BATCH_HEADER_BYTES;
    this.#count = 0;
    return batch;
  }

  /** Whether a batch that `finishUnstamped` returned lies in the memory of this encoder. */
  isInPlace(batch: Uint8Array): boolean {
    return batch.buffer === this.#bytes.buffer;
  }

  #compressed(): Uint8Array {
    if (this.#codec === "none") return this.#bytes.subarray(0, this.#end);
    const records = compress(this.#codec, this.#bytes.subarray(BATCH_HEADER_BYTES, this.#end));
    const batch = new Uint8Array(BATCH_HEADER_BYTES + records.length);
    batch.set(records, BATCH_HEADER_BYTES);
    return batch;
  }

  #writeBytes(start: number, value: Uint8Array | null): number {
    const bytes = this.#bytes;
    if (value === null) {
      bytes[start] = 1;
      return start + 1;
    }
    const length = value.length;
    let at = start;
    if (length < 64) bytes[at++] = length << 1;
    else at = writeVarint(bytes, at, length);
    if (length > LOOP_BYTES_MAX) bytes.set(value, at);
    else for (let i = 0; i < length; i++) bytes[at + i] = value[i]!;
    return at + length;
  }

  #writeText(start: number, text: string): number {
    const bytes = this.#bytes;
    const units = text.length;
    if (units <= LOOP_BYTES_MAX) {
      let at = start + 1;
      for (let i = 0; i < units; i++) {
        const unit = text.charCodeAt(i);
        if (unit >= 0x80) return this.#writeTextNative(start, text);
        bytes[at++] = unit;
      }
      bytes[start] = units << 1;
      return at;
    }
    return this.#writeTextNative(start, text);
  }

  /** Reserves the length bytes that ASCII would need, and moves the text if it needs more. */
  #writeTextNative(start: number, text: string): number {
    const guess = varintBytes(text.length);
    const length = this.#text.utf8Write(text, start + guess);
    const actual = varintBytes(length);
    if (actual !== guess) {
      this.#bytes.copyWithin(start + actual, start + guess, start + guess + length);
    }
    return writeVarint(this.#bytes, start, length) + length;
  }

  #writeHeaders(start: number, headers: readonly ProducerHeader[]): number {
    let at = writeVarint(this.#bytes, start, headers.length);
    for (const { name, nameBytes, value } of headers) {
      at = nameBytes === undefined ? this.#writeText(at, name) : this.#writeBytes(at, nameBytes);
      at = typeof value === "string" ? this.#writeText(at, value) : this.#writeBytes(at, value);
    }
    return at;
  }

  /** Measures the strings, and grows the buffer if the record does not fit after all. */
  #makeRoom(
    key: Uint8Array | string | null,
    value: Uint8Array | string | null,
    headers: readonly ProducerHeader[],
  ): void {
    const needed = this.#end + recordBytesMeasured(key, value, headers);
    if (needed <= this.#bytes.length) return;
    if (needed > BATCH_BYTES_HIGHEST) {
      const message = `a batch of ${needed} bytes is over ${BATCH_BYTES_HIGHEST}, the largest that can be read back`;
      throw new RustLogError("MESSAGE_TOO_LARGE", message);
    }
    const text = allocate(Math.min(Math.max(needed, 2 * this.#bytes.length), BATCH_BYTES_HIGHEST));
    const bytes = viewOf(text);
    bytes.set(this.#bytes.subarray(0, this.#end));
    this.#text = text;
    this.#bytes = bytes;
  }
}

/** Upper bound of the size of a key or value in bytes. */
function boundOf(data: Uint8Array | string | null): number {
  if (data === null) return 0;
  return typeof data === "string" ? data.length * UTF8_BYTES_PER_UNIT_MAX : data.length;
}

/** Size of a key or value in bytes. */
function sizeOf(data: Uint8Array | string | null): number {
  return typeof data === "string" ? Buffer.byteLength(data) : boundOf(data);
}

function allocate(bytes: number): Utf8Buffer {
  return Buffer.allocUnsafeSlow(bytes) as Utf8Buffer;
}

function viewOf(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function invalidTimestamp(timestampMs: number): RustLogError {
  const message = `timestamp ${timestampMs} is not a whole number of milliseconds within the range of a batch`;
  return new RustLogError("INVALID_RECORD", message);
}
