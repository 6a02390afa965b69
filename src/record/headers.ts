// The headers of one record: checked when a cursor moves to the record, decoded on request.
// Leaves to others: the rest of the record (cursor.ts). (Layout: encoder.ts.)
import { isUtf8 } from "node:buffer";
import { RustLogError } from "../errors.js";
import type { RecordHeader } from "./encoder.js";
import { VarintReader } from "./varint.js";

/** Checks `count` headers up to the end of the record, so that `readHeaders` can rely on them. */
export function passHeaders(reader: VarintReader, count: number, end: number): void {
  if (count < 0) throw corrupt("it has a negative number of headers");
  for (let i = 0; i < count; i++) {
    const nameBytes = reader.readVarint();
    if (nameBytes < 0) throw corrupt("a header has no name");
    reader.position += nameBytes;
    const valueBytes = reader.readVarint();
    if (valueBytes < -1) throw corrupt("a header's value has a negative length");
    if (valueBytes > 0) reader.position += valueBytes;
    if (reader.position > end) throw corrupt("its headers lead out of it");
  }
}

/** Decodes the `count` headers at byte `start`: names with `textOf`, values as views. */
export function readHeaders(
  bytes: Uint8Array,
  start: number,
  count: number,
  textOf: (start: number, end: number) => string,
): RecordHeader[] {
  const headers: RecordHeader[] = [];
  const reader = new VarintReader();
  reader.bytes = bytes;
  reader.position = start;
  for (let i = 0; i < count; i++) {
    const nameEnd = reader.readVarint() + reader.position;
    const name = textOf(reader.position, nameEnd);
    const nameBytes = bytesIfNotText(bytes, reader.position, nameEnd, name);
    reader.position = nameEnd;
    const valueBytes = reader.readVarint();
    const valueStart = reader.position;
    reader.position += Math.max(valueBytes, 0);
    const value = valueBytes < 0 ? null : bytes.subarray(valueStart, reader.position);
    headers.push(nameBytes === undefined ? { name, value } : { name, nameBytes, value });
  }
  return headers;
}

/** The bytes of a name that is not valid UTF-8; otherwise undefined. */
function bytesIfNotText(
  bytes: Uint8Array,
  start: number,
  end: number,
  text: string,
): Uint8Array | undefined {
  if (!text.includes("\ufffd")) return undefined;
  const nameBytes = bytes.subarray(start, end);
  return isUtf8(nameBytes) ? undefined : nameBytes;
}

export function corrupt(why: string): RustLogError {
  return new RustLogError("CORRUPT_MESSAGE", why);
}
