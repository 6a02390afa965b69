// Bytes of a record for people: text if they are UTF-8, else base64, and only the first of them.
// Leaves to others: finding the bytes (cursor.ts), and making text safe to show (printable.ts).
import { isUtf8 } from "node:buffer";

/** Bytes of a record: the length, and the first bytes as text if they are UTF-8, else as base64. */
export type DescribedBytes = {
  readonly bytes: number;
  /** Whether bytes are omitted. */
  readonly isCut?: true;
} & ({ readonly text: string } | { readonly base64: string });

/** Bytes as text if they are UTF-8, else as base64. `bytes` may be a prefix of `length` bytes. */
export function describedBytes(bytes: Uint8Array, length: number): DescribedBytes {
  const cut = bytes.length < length ? { isCut: true as const } : {};
  const text = bytes.length < length ? wholeCharacters(bytes) : bytes;
  return isUtf8(text)
    ? { bytes: length, text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(text), ...cut }
    : { bytes: length, base64: Buffer.from(bytes).toString("base64"), ...cut };
}

/** Drops the bytes of a character that was cut off. */
function wholeCharacters(bytes: Uint8Array): Uint8Array {
  const isContinued = (at: number): boolean => ((bytes[at] ?? 0) & 0xc0) === 0x80;
  let end = bytes.length;
  while (end > 0 && bytes.length - end < 3 && isContinued(end - 1)) end--;
  return (bytes[end - 1] ?? 0) >= 0xc0 ? bytes.subarray(0, end - 1) : bytes;
}
