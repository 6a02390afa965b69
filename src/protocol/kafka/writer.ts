// Writes the fields of a Kafka message in order, into a growing buffer. In flexible versions lengths are variable and
// one larger, and 0 is null.
// Leaves to others: which fields there are (schema.ts).
import { STRING_BYTES_MAX } from "./reader.js";
import {
  bytesOf,
  grown,
  type Pieces,
  UUID_BYTES,
  writeI32,
  writeI64,
  writeText,
  writeU16,
  writeUuid,
} from "../../record/bytes.js";
import { finishedMessage, takeScratch } from "../scratch.js";

/** Space after a cut, for a portion of a long message. */
const NEXT_BYTES = 80 * 1024;

/** Bytes of a UTF-16 unit in UTF-8, at most. */
const UTF8_BYTES_MAX = 3;

export class KafkaWriter {
  /** Set for a version with compact lengths and tagged fields. */
  isFlexible: boolean;
  /** The first error code that is not 0, of all written so far. */
  errorCode = 0;
  #bytes = takeScratch();
  #end = 0;
  /** What was written before the last cut, and its length. */
  readonly #pieces: Uint8Array[] = [];
  #cutBytes = 0;

  constructor(isFlexible: boolean) {
    this.isFlexible = isFlexible;
  }

  get length(): number {
    return this.#cutBytes + this.#end;
  }

  /** Bytes written since the last cut. */
  get pieceBytes(): number {
    return this.#end;
  }

  int8(value: number): void {
    const at = this.#room(1);
    this.#bytes[at] = value;
  }

  int16(value: number): void {
    const at = this.#room(2);
    writeU16(this.#bytes, at, value);
  }

  int32(value: number): void {
    const at = this.#room(4);
    writeI32(this.#bytes, at, value);
  }

  int64(value: number): void {
    const at = this.#room(8);
    writeI64(this.#bytes, at, value);
  }

  float64(value: number): void {
    const at = this.#room(8);
    new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, 8).setFloat64(0, value);
  }

  uuid(value: string): void {
    const at = this.#room(UUID_BYTES);
    writeUuid(this.#bytes, at, value);
  }

  /** An unsigned integer below 2^32 in groups of seven bits, the lowest first. */
  uvarint(value: number): void {
    let left = value;
    while (left >= 0x80) {
      this.int8((left & 0x7f) | 0x80);
      left = Math.floor(left / 0x80);
    }
    this.int8(left);
  }

  /** Only the text of an error can be too long, because it quotes a client: it is cut. */
  string(value: string | null): void {
    let text = value;
    let length = text === null ? -1 : Buffer.byteLength(text);
    if (text !== null && length > STRING_BYTES_MAX) {
      text = text.slice(0, STRING_BYTES_MAX / UTF8_BYTES_MAX);
      length = Buffer.byteLength(text);
    }
    if (this.isFlexible) this.uvarint(length + 1);
    else this.int16(length);
    if (text === null) return;
    const at = this.#room(length);
    writeText(this.#bytes, at, text, length);
  }

  bytes(value: Uint8Array | null): void {
    this.bytesLength(value === null ? -1 : value.length);
    if (value !== null) this.raw(value);
  }

  records(value: Pieces | null): void {
    this.bytesLength(value === null ? -1 : bytesOf(value));
    for (const piece of value ?? []) this.raw(piece);
  }

  /** The length of bytes that follow separately; -1 for null. */
  bytesLength(length: number): void {
    if (this.isFlexible) this.uvarint(length + 1);
    else this.int32(length);
  }

  /** The number of items in an array; -1 for null. */
  count(items: number): void {
    if (this.isFlexible) this.uvarint(items + 1);
    else this.int32(items);
  }

  /** Bytes without their number. */
  raw(value: Uint8Array): void {
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
  }

  /** What `write` writes, after its length. */
  sized(write: (writer: KafkaWriter) => void): void {
    const inner = new KafkaWriter(this.isFlexible);
    write(inner);
    this.uvarint(inner.length);
    this.raw(inner.finish());
  }

  /** Overwrites the int32 at byte `at` of the first piece, for a length that was not known before. */
  patchInt32(at: number, value: number): void {
    writeI32(this.#pieces[0] ?? this.#bytes, at, value);
  }

  /** Ends a piece, so that a long message is never copied into a larger buffer. */
  cut(): void {
    this.#pieces.push(this.finish());
    this.#cutBytes += this.#end;
    this.#bytes = Buffer.allocUnsafe(NEXT_BYTES);
    this.#end = 0;
  }

  /** The written bytes, which were not cut. Don't use the writer afterwards. */
  finish(): Uint8Array {
    return finishedMessage(this.#bytes, this.#end);
  }

  /** The written bytes. Don't use the writer afterwards. */
  finishInPieces(): Pieces {
    const [first, ...others] = [...this.#pieces, this.finish()];
    return [first!, ...others];
  }

  /** Makes space at the end and returns where it starts. The buffer may be another one afterwards. */
  #room(bytes: number): number {
    const at = this.#end;
    this.#end = at + bytes;
    if (this.#end > this.#bytes.length) this.#bytes = grown(this.#bytes, this.#end);
    return at;
  }
}
