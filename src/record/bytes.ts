// Big-endian integers and UUIDs in byte arrays: the lowest layer, for every format on disk and on the wire.
// Leaves to others: bounds. Callers check lengths before they read; hot paths can't afford to check twice.
import { RustLogError } from "../errors.js";
import { OFFSET_MAX } from "../limits.js";

const TWO_TO_32 = 2 ** 32;

const DASH = 0x2d;
const DIGIT_ZERO = 0x30;
const LETTER_A = 0x61;

const utf8 = new TextEncoder();

/** An empty array, shared. */
export const NO_BYTES = new Uint8Array(0);

export const UUID_BYTES = 16;

/** The UUID that stands for no UUID. */
export const ZERO_UUID = "00000000-0000-0000-0000-000000000000";

const UUID_TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A copy of twice the length, or of `bytesMin`. */
export function grown(bytes: Uint8Array, bytesMin: number): Uint8Array {
  const larger = new Uint8Array(Math.max(bytesMin, bytes.length * 2));
  larger.set(bytes);
  return larger;
}

/** A payload or a batch. A large one arrives from the socket in several pieces; the first holds the whole header. */
export type Pieces = readonly [Uint8Array, ...Uint8Array[]];

/** A file that is read by position. */
export interface ReadableFile {
  readonly size: number;
  /** Fills `into` from `position`, as far as the file goes; returns the number of bytes read. */
  read(into: Uint8Array, position: number): number;
}

export function bytesOf(pieces: Pieces): number {
  let bytes = pieces[0].length;
  for (let i = 1; i < pieces.length; i++) bytes += pieces[i]!.length;
  return bytes;
}

/** Returns the only piece as it is, and a copy of several as one. */
export function joined(pieces: Pieces): Uint8Array {
  if (pieces.length === 1) return pieces[0];
  const whole = Buffer.allocUnsafeSlow(bytesOf(pieces));
  let filled = 0;
  for (const piece of pieces) {
    whole.set(piece, filled);
    filled += piece.length;
  }
  return whole;
}

export function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function readI16(bytes: Uint8Array, at: number): number {
  return (readU16(bytes, at) << 16) >> 16;
}

export function readU32(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at) >>> 0;
}

export function readI32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/**
 * The signed 64-bit integer at byte `at`. Throws CORRUPT_MESSAGE if it is not a safe integer: valid offsets and
 * timestamps are never that large, and rounding would hide the damage.
 */
export function readI64(bytes: Uint8Array, at: number): number {
  const value = readI32(bytes, at) * TWO_TO_32 + readU32(bytes, at + 4);
  if (value > OFFSET_MAX || value < -OFFSET_MAX) {
    throw new RustLogError("CORRUPT_MESSAGE", `${value} at byte ${at} is beyond the safe integers`);
  }
  return value;
}

/** Writes the low 16 bits of an integer at byte `at`. */
export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** Writes a signed 32-bit integer at byte `at`. */
export function writeI32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Writes an unsigned 32-bit integer at byte `at`. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  writeI32(bytes, at, value);
}

/** Writes a safe integer as a signed 64-bit integer at byte `at`. */
export function writeI64(bytes: Uint8Array, at: number, value: number): void {
  writeI32(bytes, at, Math.floor(value / TWO_TO_32));
  writeI32(bytes, at + 4, value % TWO_TO_32);
}

/** Whether a text is a UUID as this program writes it: lower case, with dashes. */
export function isUuid(text: string): boolean {
  return UUID_TEXT.test(text);
}

/** The UUID at byte `at`, in its text form. */
export function readUuid(bytes: Uint8Array, at: number): string {
  const hex = bytes.subarray(at, at + UUID_BYTES).toHex();
  return (
    `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-` +
    hex.slice(20)
  );
}

/** Writes a UUID, given as text, at byte `at`. Throws INVALID_REQUEST for any other text. */
export function writeUuid(bytes: Uint8Array, at: number, text: string): void {
  if (!isUuid(text)) throw new RustLogError("INVALID_REQUEST", `'${text}' is not a UUID`);
  let to = at;
  for (let i = 0; i < text.length; i += 2) {
    if (text.charCodeAt(i) === DASH) i++;
    bytes[to++] = (nibble(text.charCodeAt(i)) << 4) | nibble(text.charCodeAt(i + 1));
  }
}

/** The value of a hexadecimal digit, given by its character code. */
function nibble(code: number): number {
  return code < LETTER_A ? code - DIGIT_ZERO : code - LETTER_A + 10;
}

/** Writes text of `length` bytes at byte `at`. */
export function writeText(bytes: Uint8Array, at: number, text: string, length: number): void {
  if (text.length !== length) bytes.set(utf8.encode(text), at);
  // Only ASCII has as many bytes as characters. For names this is faster than an encoder.
  else for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i);
}
