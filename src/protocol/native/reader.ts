// Reads the fields of a payload in order, and rejects incomplete ones.
// Leaves to others: the fields (schema.ts).
import { RustLogError } from "../../errors.js";
import { OFFSET_MAX } from "../../limits.js";
import { readI32, readU16, readU32, readUuid, UUID_BYTES } from "../../record/bytes.js";
import { TextCache } from "../text-cache.js";

// Keep a byte order mark: a name must not change in transit.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const texts = new TextCache((bytes, start, end) => utf8.decode(bytes.subarray(start, end)));
const uuids = new TextCache(readUuid);

/** A position in a payload. Every method throws INVALID_REQUEST, naming the field, if the field is incomplete. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  u8(field: string): number {
    return this.#bytes[this.#take(1, field)]!;
  }

  u16(field: string): number {
    return readU16(this.#bytes, this.#take(2, field));
  }

  u32(field: string): number {
    return readU32(this.#bytes, this.#take(4, field));
  }

  /** A signed 64-bit integer, which must be safe: no other offset or timestamp occurs. */
  i64(field: string): number {
    const at = this.#take(8, field);
    const value = readI32(this.#bytes, at) * 2 ** 32 + readU32(this.#bytes, at + 4);
    if (Math.abs(value) > OFFSET_MAX) throw invalid(field, `${value} is beyond 2^53 - 1`);
    return value;
  }

  uuid(field: string): string {
    const at = this.#take(UUID_BYTES, field);
    return uuids.get(this.#bytes, at, at + UUID_BYTES);
  }

  /** A string: its length in bytes as u16, then UTF-8. */
  string(field: string): string {
    const bytes = this.u16(field);
    const at = this.#take(bytes, field);
    try {
      return texts.get(this.#bytes, at, at + bytes);
    } catch {
      throw invalid(field, "it is not valid UTF-8");
    }
  }

  /** Bytes: their number as u32, then the bytes, as a view. */
  bytes(field: string): Uint8Array {
    const bytes = this.u32(field);
    const at = this.#take(bytes, field);
    return this.#bytes.subarray(at, at + bytes);
  }

  /**
   * The last field of a payload that arrived in several pieces. The reader has the first piece; the last `beyond` bytes
   * of the field are in the other pieces. Returns a view of the first piece.
   */
  lastBytes(field: string, beyond: number): Uint8Array {
    const bytes = this.u32(field);
    const left = this.#end - this.#at + beyond;
    if (bytes > left) throw invalid(field, `${bytes} bytes are needed, and ${left} are left`);
    if (bytes < left) throw invalid("body", `${left - bytes} bytes follow its last field`);
    const at = this.#take(bytes - beyond, field);
    return this.#bytes.subarray(at);
  }

  /**
   * An array: the number of items as u32, then the items. An item takes at least `itemBytesMin` bytes. More than
   * `itemsMax` items are rejected before the first one is read.
   */
  array<Item>(
    field: string,
    itemBytesMin: number,
    readItem: (reader: this) => Item,
    itemsMax = Number.POSITIVE_INFINITY,
  ): Item[] {
    const count = this.u32(field);
    if (count > itemsMax) throw invalid(field, `${count} items are over the limit of ${itemsMax}`);
    const left = this.#end - this.#at;
    if (count * itemBytesMin > left)
      throw invalid(field, `${count} items can't be in ${left} bytes`);
    const items: Item[] = [];
    for (let i = 0; i < count; i++) items.push(readItem(this));
    return items;
  }

  /** Throws if anything is left to read. */
  expectEnd(): void {
    if (this.#at === this.#end) return;
    throw invalid("body", `${this.#end - this.#at} bytes follow its last field`);
  }

  #take(bytes: number, field: string): number {
    const at = this.#at;
    if (bytes > this.#end - at) {
      throw invalid(field, `${bytes} bytes are needed, and ${this.#end - at} are left`);
    }
    this.#at = at + bytes;
    return at;
  }
}

function invalid(field: string, why: string): RustLogError {
  return new RustLogError("INVALID_REQUEST", `field '${field}': ${why}`);
}
