// Writes the fields of a payload in order, into a buffer that grows.
// Leaves to others: which fields there are (produce.ts, fetch.ts, …).
import { RustLogError } from "../errors.ts";
import { writeI64, writeU16, writeU32 } from "../record/bytes.ts";

const U16_MAX = 0xffff;
const FIRST_BYTES = 256;

/** Writes at the end of what it has written. */
export class ByteWriter {
  #bytes: Buffer<ArrayBuffer> = Buffer.allocUnsafe(FIRST_BYTES);
  #end = 0;

  /** Number of bytes written. */
  get length(): number {
    return this.#end;
  }

  /** An unsigned 8-bit integer. */
  u8(value: number): this {
    const at = this.#room(1);
    this.#bytes[at] = value;
    return this;
  }

  /** An unsigned 16-bit integer. */
  u16(value: number): this {
    const at = this.#room(2);
    writeU16(this.#bytes, at, value);
    return this;
  }

  /** An unsigned 32-bit integer. */
  u32(value: number): this {
    const at = this.#room(4);
    writeU32(this.#bytes, at, value);
    return this;
  }

  /** A signed 64-bit integer, which must be a safe one. */
  i64(value: number): this {
    const at = this.#room(8);
    writeI64(this.#bytes, at, value);
    return this;
  }

  /** A string: its length in bytes as u16, then UTF-8. Throws INVALID_REQUEST above 65,535 bytes. */
  string(value: string): this {
    const bytes = Buffer.byteLength(value);
    if (bytes > U16_MAX) {
      throw new RustLogError(
        "INVALID_REQUEST",
        `a string of ${bytes} bytes: ${U16_MAX} are possible`,
      );
    }
    this.u16(bytes);
    const at = this.#room(bytes);
    this.#bytes.write(value, at, bytes, "utf8");
    return this;
  }

  /** Bytes: their number as u32, then they themselves. */
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

  /** An array: the number of items as u32, then each. */
  array<Item>(items: readonly Item[], writeItem: (writer: this, item: Item) => void): this {
    this.u32(items.length);
    for (const item of items) writeItem(this, item);
    return this;
  }

  /** Overwrites the u32 at byte `at`: for a length that was not known before. */
  patchU32(at: number, value: number): void {
    writeU32(this.#bytes, at, value);
  }

  /** What was written. The writer must not be used again. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }

  /** Makes room at the end and returns where it starts; the buffer may be another one afterwards. */
  #room(bytes: number): number {
    const at = this.#end;
    this.#end = at + bytes;
    if (this.#end > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#end, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    return at;
  }
}
