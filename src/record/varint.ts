// Zig-zag varints of records: 7 bits per byte, lowest first, the sign in the lowest bit.
// Leaves to others: what the numbers mean, and whether a position is still inside a record.
// Source: https://protobuf.dev/programming-guides/encoding/#signed-ints (Kafka's are the same)
//
// A varint has 32 bits and at most 5 bytes; a varlong has 64 bits and at most 10 bytes. Varlongs beyond the safe integers
// are refused, never rounded.
import { RustLogError } from "../errors.js";
import { OFFSET_MAX } from "../limits.js";

export const VARINT_BYTES_MAX = 5;

export const VARLONG_BYTES_MAX = 10;

const INT32_OVERFLOW_BYTE = 0x10;

/** Bytes that `writeVarint` takes for a 32-bit integer. */
export function varintBytes(value: number): number {
  const zigzag = (value << 1) ^ (value >> 31);
  if (zigzag >>> 7 === 0) return 1;
  if (zigzag >>> 14 === 0) return 2;
  if (zigzag >>> 21 === 0) return 3;
  return zigzag >>> 28 === 0 ? 4 : VARINT_BYTES_MAX;
}

/** Writes a 32-bit integer at byte `at`, where 5 bytes must be free, and returns the position after it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let position = at;
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  while (rest >= 0x80) {
    bytes[position++] = rest | 0x80;
    rest >>>= 7;
  }
  bytes[position++] = rest;
  return position;
}

/** Writes a safe integer at byte `at`, where 10 bytes must be free, and returns the position after it. */
export function writeVarlong(bytes: Uint8Array, at: number, value: number): number {
  // Twice a safe integer may not be safe, so magnitude and sign bit are never combined.
  const magnitude = value < 0 ? -value - 1 : value;
  const first = ((magnitude % 64) << 1) | (value < 0 ? 1 : 0);
  let position = at;
  let rest = Math.floor(magnitude / 64);
  bytes[position++] = rest > 0 ? first | 0x80 : first;
  while (rest > 0) {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes[position++] = rest > 0 ? low | 0x80 : low;
  }
  return position;
}

/** Reads varints. It stops at the end of the bytes; the caller checks any earlier end. */
export class VarintReader {
  bytes: Uint8Array = new Uint8Array(0);
  /** Where the next varint starts. */
  position = 0;

  /** Reads a 32-bit integer. Throws CORRUPT_MESSAGE if it has more bits or is incomplete. */
  readVarint(): number {
    const { bytes, position } = this;
    const first = bytes[position]!;
    if (first < 0x80) {
      this.position = position + 1;
      return (first >>> 1) ^ -(first & 1);
    }
    const second = bytes[position + 1]!;
    if (second < 0x80) {
      this.position = position + 2;
      const zigzag = (first & 0x7f) | (second << 7);
      return (zigzag >>> 1) ^ -(zigzag & 1);
    }
    return this.#readLongVarint();
  }

  /** Reads a 64-bit integer. Throws CORRUPT_MESSAGE if it is not a safe integer, has more bits or is incomplete. */
  readVarlong(): number {
    const first = this.bytes[this.position]!;
    if (first < 0x80) {
      this.position++;
      return (first >>> 1) ^ -(first & 1);
    }
    return this.#readLongVarlong();
  }

  #readLongVarint(): number {
    const { bytes, position } = this;
    let zigzag = 0;
    for (let index = 0; index < VARINT_BYTES_MAX; index++) {
      const byte = bytes[position + index];
      if (byte === undefined) throw corrupt("is cut off");
      if (index === VARINT_BYTES_MAX - 1 && byte >= INT32_OVERFLOW_BYTE) break;
      zigzag |= (byte & 0x7f) << (7 * index);
      if (byte < 0x80) {
        this.position = position + index + 1;
        return (zigzag >>> 1) ^ -(zigzag & 1);
      }
    }
    throw corrupt("has more than 32 bits");
  }

  #readLongVarlong(): number {
    const { bytes, position } = this;
    const isNegative = (bytes[position]! & 1) === 1;
    let magnitude = 0;
    let scale = 0.5; // The sign takes the lowest bit.
    for (let index = 0; index < VARLONG_BYTES_MAX; index++) {
      const byte = bytes[position + index];
      if (byte === undefined) throw corrupt("is cut off");
      magnitude += (byte & (index === 0 ? 0x7e : 0x7f)) * scale;
      scale *= 128;
      if (byte < 0x80) {
        this.position = position + index + 1;
        const value = isNegative ? -magnitude - 1 : magnitude;
        if (Math.abs(value) > OFFSET_MAX) throw corrupt("is beyond the safe integers");
        return value;
      }
    }
    throw corrupt("has more than 64 bits");
  }
}

function corrupt(why: string): RustLogError {
  return new RustLogError("CORRUPT_MESSAGE", `a number ${why}`);
}
