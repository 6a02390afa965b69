// Writes the fields of a payload in order, into a growing buffer.
// Leaves to others: the fields (schema.ts).
import { RustLogError } from "../../errors.js";
import {
  grown,
  UUID_BYTES,
  writeI64,
  writeText,
  writeU16,
  writeU32,
  writeUuid,
} from "../../record/bytes.js";
import { finishedMessage, takeScratch } from "../scratch.js";

const U8_MAX = 0xff;
const U16_MAX = 0xffff;
const U32_MAX = 0xffff_ffff;
/**
 * Appends fields. Throws INVALID_REQUEST for a number that does not fit its field: truncated, it would be another valid
 * number, such as partition 0 for partition 2^32.
 */
export class ByteWriter {
  #bytes = takeScratch();
  #end = 0;

  get length(): number {
    return this.#end;
  }

  u8(value: number): this {
    checkUnsigned(value, U8_MAX);
    const at = this.#room(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    checkUnsigned(value, U16_MAX);
    const at = this.#room(2);
    writeU16(this.#bytes, at, value);
    return this;
  }

  u32(value: number): this {
    checkUnsigned(value, U32_MAX);
    const at = this.#room(4);
    writeU32(this.#bytes, at, value);
    return this;
  }

  /** A signed 64-bit integer, which must be safe. */
  i64(value: number): this {
    if (!Number.isSafeInteger(value)) {
      throw invalid(`the number ${value}; expected a whole number of at most 2^53 - 1`);
    }
    const at = this.#room(8);
    writeI64(this.#bytes, at, value);
    return this;
  }

  /** A UUID, from its text form. Throws INVALID_REQUEST for any other text. */
  uuid(value: string): this {
    const at = this.#room(UUID_BYTES);
    writeUuid(this.#bytes, at, value);
    return this;
  }

  /** A string: its length in bytes as u16, then UTF-8. Throws INVALID_REQUEST if it is malformed or too long. */
  string(value: string): this {
    if (!value.isWellFormed()) throw invalid("a string with an unpaired surrogate");
    const bytes = Buffer.byteLength(value);
    if (bytes > U16_MAX)
      throw invalid(`a string of ${bytes} bytes; at most ${U16_MAX} are allowed`);
    this.u16(bytes);
    const at = this.#room(bytes);
    writeText(this.#bytes, at, value, bytes);
    return this;
  }

  /** Bytes: their number as u32, then the bytes. */
  bytes(value: Uint8Array): this {
    this.u32(value.length);
    return this.raw(value);
  }

  /** Bytes without their number. */
  raw(value: Uint8Array): this {
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** Discards everything written from byte `length` on. */
  truncate(length: number): void {
    this.#end = Math.min(this.#end, length);
  }

  /** An array: the number of items as u32, then the items. */
  array<Item>(items: readonly Item[], writeItem: (writer: this, item: Item) => void): this {
    this.u32(items.length);
    for (const item of items) writeItem(this, item);
    return this;
  }

  /** Overwrites the u32 at byte `at`, for a length that was not known before. */
  patchU32(at: number, value: number): void {
    checkUnsigned(value, U32_MAX);
    writeU32(this.#bytes, at, value);
  }

  /** The written bytes. Don't use the writer afterwards. */
  finish(): Uint8Array {
    return finishedMessage(this.#bytes, this.#end);
  }

  /** Makes space at the end and returns where it starts. The buffer may be another one afterwards. */
  #room(bytes: number): number {
    const at = this.#end;
    this.#end = at + bytes;
    if (this.#end > this.#bytes.length) this.#bytes = grown(this.#bytes, this.#end);
    return at;
  }
}

function checkUnsigned(value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  throw invalid(`the number ${value}; expected a whole number from 0 to ${max}`);
}

function invalid(message: string): RustLogError {
  return new RustLogError("INVALID_REQUEST", message);
}
