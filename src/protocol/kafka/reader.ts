// Reads the fields of a Kafka message in order. In flexible versions lengths are variable and one larger, and 0 is null.
// Leaves to others: which fields there are (schema.ts).
import { RustLogError } from "../../errors.js";
import { REQUEST_ITEMS_MAX } from "../../limits.js";
import {
  bytesOf,
  joined,
  type Pieces,
  readI16,
  readI32,
  readU32,
  readUuid,
  UUID_BYTES,
} from "../../record/bytes.js";
import { TextCache } from "../text-cache.js";

// Invalid UTF-8 becomes replacement characters, as in Kafka; no name with those is valid.
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

const texts = new TextCache((bytes, start, end) => utf8.decode(bytes.subarray(start, end)));
const uuids = new TextCache(readUuid);

const TWO_TO_32 = 2 ** 32;

/** Longest string. Flexible versions could have longer ones, but neither Kafka nor its clients read them. */
export const STRING_BYTES_MAX = 32_767;

/** Bytes of a record batch before its records. */
const BATCH_HEADER_BYTES = 61;

/**
 * A position in a message, which may be in several pieces. Every method throws INVALID_REQUEST if the message ends too
 * early or a length is invalid.
 */
export class KafkaReader {
  /** The current piece. */
  #bytes: Uint8Array;
  #at: number;
  /** The pieces after it, from `#next` on, and their length. */
  readonly #pieces: readonly Uint8Array[];
  #next = 1;
  #beyond: number;
  /** Set for a version with compact lengths and tagged fields. */
  isFlexible: boolean;
  /** Most items in all arrays together. */
  itemsMax = REQUEST_ITEMS_MAX;
  #items = 0;

  constructor(pieces: Pieces, isFlexible: boolean, start = 0) {
    this.#pieces = pieces;
    this.#bytes = pieces[0];
    this.#beyond = pieces.length === 1 ? 0 : bytesOf(pieces) - pieces[0].length;
    this.#at = start;
    this.isFlexible = isFlexible;
  }

  /** Bytes that have not been read. */
  get left(): number {
    return this.#bytes.length - this.#at + this.#beyond;
  }

  /** Items of all arrays read so far, which says how much memory the values take. */
  get items(): number {
    return this.#items;
  }

  // `#take` may replace `#bytes`, so it comes first.

  int8(): number {
    const at = this.#take(1);
    return (this.#bytes[at]! << 24) >> 24;
  }

  int16(): number {
    const at = this.#take(2);
    return readI16(this.#bytes, at);
  }

  int32(): number {
    const at = this.#take(4);
    return readI32(this.#bytes, at);
  }

  /** Rounded beyond the safe integers, which no valid field is. */
  int64(): number {
    const at = this.#take(8);
    return readI32(this.#bytes, at) * TWO_TO_32 + readU32(this.#bytes, at + 4);
  }

  float64(): number {
    const at = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, 8).getFloat64(0);
  }

  uuid(): string {
    const at = this.#take(UUID_BYTES);
    return uuids.get(this.#bytes, at, at + UUID_BYTES);
  }

  /** An unsigned integer in groups of seven bits, the lowest first; at most 2^32 - 1. */
  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const at = this.#take(1);
      const byte = this.#bytes[at]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80 && value < TWO_TO_32) return value;
    }
    throw invalid("a variable length is too long");
  }

  string(isNullable: boolean): string | null {
    const length = this.isFlexible ? this.uvarint() - 1 : this.int16();
    if (length < 0) return this.#null(isNullable, length);
    if (length > STRING_BYTES_MAX) throw invalid(`a string has ${length} bytes`);
    const at = this.#take(length);
    return texts.get(this.#bytes, at, at + length);
  }

  /** Bytes, as a view. */
  bytes(isNullable: boolean): Uint8Array | null {
    const length = this.isFlexible ? this.uvarint() - 1 : this.int32();
    if (length < 0) return this.#null(isNullable, length);
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** Batches, as views of the pieces. The header of the first batch is in one piece. */
  records(isNullable: boolean): Pieces | null {
    const length = this.isFlexible ? this.uvarint() - 1 : this.int32();
    if (length < 0) return this.#null(isNullable, length);
    this.checkLength(length);
    const available = this.#bytes.length - this.#at;
    if (length > available && available < BATCH_HEADER_BYTES) this.#join(length);
    const first = this.#view(length);
    if (first.length === length) return [first];
    const pieces: [Uint8Array, ...Uint8Array[]] = [first];
    for (let left = length - first.length; left > 0;) {
      this.#nextPiece();
      const piece = this.#view(left);
      pieces.push(piece);
      left -= piece.length;
    }
    return pieces;
  }

  /** The number of items in an array, of which each takes at least `bytesMin` bytes; -1 for null. */
  count(isNullable: boolean, bytesMin: number, name: string): number {
    const count = this.isFlexible ? this.uvarint() - 1 : this.int32();
    if (count < 0) {
      this.#null(isNullable, count);
      return -1;
    }
    if (count * bytesMin > this.left) {
      throw invalid(`${count} items of '${name}' can't be in ${this.left} bytes`);
    }
    this.#items += count;
    if (this.#items > this.itemsMax) {
      throw invalid(`it has ${this.#items} items; at most ${this.itemsMax} are allowed`);
    }
    return count;
  }

  /** Skips tagged fields, all of which are unknown. */
  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint();
      this.#take(this.uvarint());
    }
  }

  checkLength(length: number): number {
    if (length > this.left) throw invalid(`${length} bytes are needed, and ${this.left} are left`);
    return length;
  }

  /** Continues where `left` bytes are left, which must not be behind the position. */
  skipTo(left: number): void {
    if (left > this.left) throw invalid("a tagged field is longer than its length says");
    this.#take(this.left - left);
  }

  /** Makes the next `length` bytes one piece, and returns where they start in it. */
  #take(length: number): number {
    if (length > this.#bytes.length - this.#at) this.#join(this.checkLength(length));
    const at = this.#at;
    this.#at += length;
    return at;
  }

  /** Copies what is left of this piece, and the pieces that are needed, into one. Chunks rarely end inside a field. */
  #join(length: number): void {
    const parts: [Uint8Array, ...Uint8Array[]] = [this.#bytes.subarray(this.#at)];
    for (let bytes = parts[0].length; bytes < length;) {
      const piece = this.#pieces[this.#next++]!;
      parts.push(piece);
      bytes += piece.length;
      this.#beyond -= piece.length;
    }
    this.#bytes = joined(parts);
    this.#at = 0;
  }

  #nextPiece(): void {
    this.#bytes = this.#pieces[this.#next++]!;
    this.#beyond -= this.#bytes.length;
    this.#at = 0;
  }

  /** A view of at most `length` bytes, as far as this piece goes. */
  #view(length: number): Uint8Array {
    const view = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += view.length;
    return view;
  }

  #null(isNullable: boolean, length: number): null {
    if (length === -1 && isNullable) return null;
    throw invalid(length === -1 ? "a field is null that can't be" : `a length is ${length}`);
  }
}

function invalid(why: string): RustLogError {
  return new RustLogError("INVALID_REQUEST", `the request is malformed: ${why}`);
}
