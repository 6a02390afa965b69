// How many bytes a record can take in a batch, known before it is encoded.
// Leaves to others: the encoding itself (record/encoder), and what is done with a record that is too large.

import { type ProducerHeader, recordBytesMax } from "../record/encoder.ts";

/** Length, attributes, timestamp and offset deltas, lengths of key and value, header count: all at most. */
const FIELDS_BYTES_MAX = 5 + 1 + 10 + 5 + 5 + 5 + 5;

/** Two lengths of a header, at most. */
const HEADER_FIELDS_BYTES_MAX = 5 + 5;

/** UTF-8 bytes per UTF-16 unit, at most. */
const UTF8_BYTES_PER_UNIT_MAX = 3;

type Bytes = Uint8Array | string | null;

/** An upper bound of a record's encoded size in bytes, without looking into its strings, or what is one. */
export function recordBytesBound(
  key: Bytes,
  value: Bytes,
  headers: readonly ProducerHeader[] | undefined,
): number {
  const units = (key === null ? 0 : key.length) + (value === null ? 0 : value.length);
  const bytes = FIELDS_BYTES_MAX + UTF8_BYTES_PER_UNIT_MAX * units;
  return headers === undefined ? bytes : bytes + headersBytesBound(headers);
}

/** As `recordBytesBound`, with the UTF-8 length of strings measured: exact but for a few length bytes. */
export function recordBytesMeasured(
  key: Bytes,
  value: Bytes,
  headers: readonly ProducerHeader[] | undefined,
): number {
  return recordBytesMax(lengthOf(key), lengthOf(value), headers);
}

function headersBytesBound(headers: readonly ProducerHeader[]): number {
  let bytes = 0;
  for (const { name, nameBytes, value } of headers) {
    const units = (nameBytes ?? name).length + (value === null ? 0 : value.length);
    bytes += HEADER_FIELDS_BYTES_MAX + units * UTF8_BYTES_PER_UNIT_MAX;
  }
  return bytes;
}

function lengthOf(bytes: Bytes): number {
  if (bytes === null) return 0;
  return typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.length;
}
