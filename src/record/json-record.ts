// A record as one line of JSON, as `consume --json` and the downloads of the page write it.
// Leaves to others: parsing such a line (cli/json-record.ts).
//
//   {"topic":"t","partition":0,"offset":7,"timestamp":1700000000000,"key":"k","value":"v",
//    "headers":[{"name":"n","value":"v"}]}
// A key, value, header name or header value is text or null (a name is never null). Bytes that are not UTF-8 are
// base64, marked by a second field: "keyEncoding":"base64", "valueEncoding", "nameEncoding".
import { isUtf8 } from "node:buffer";
import { printableJson } from "../printable.js";
import type { RecordHeader } from "./encoder.js";

/** A record and its place. */
export interface WholeRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

// Keep a byte order mark: it is part of the bytes.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export function formatJsonRecord(record: WholeRecord): string {
  return printableJson({
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: record.timestamp,
    ...bytesField("key", record.key),
    ...bytesField("value", record.value),
    headers: record.headers.map(headerFields),
  });
}

/** Bytes that are formatted at once: 64 KiB take up to a millisecond. */
const PIECE_BYTES = 63 * 1024;

/** The same line in pieces, between which others may have their turn: a record may have many megabytes. */
export function* formatJsonPieces(record: WholeRecord): Generator<string, void> {
  const { key, value, headers, ...place } = record;
  const isShort = lengthOf(key) + lengthOf(value) <= PIECE_BYTES && headers.length === 0;
  if (isShort) {
    yield formatJsonRecord(record);
    return;
  }
  const { topic, partition, offset, timestamp } = place;
  yield printableJson({ topic, partition, offset, timestamp }).slice(0, -1);
  yield* fieldPieces(",", "key", key);
  yield* fieldPieces(",", "value", value);
  yield ',"headers":[';
  for (const [i, header] of headers.entries()) {
    if (i > 0) yield ",";
    const { name, nameBytes, value: content } = header;
    if (name.length + lengthOf(content) <= PIECE_BYTES / 3) {
      yield printableJson(headerFields(header));
      continue;
    }
    yield "{";
    yield* fieldPieces("", "name", nameBytes ?? Buffer.from(name));
    yield* fieldPieces(",", "value", content);
    yield "}";
  }
  yield "]}";
}

function lengthOf(bytes: Uint8Array | null): number {
  return bytes?.length ?? 0;
}

function* fieldPieces(
  separator: string,
  name: string,
  bytes: Uint8Array | null,
): Generator<string, void> {
  if (bytes === null || bytes.length <= PIECE_BYTES) {
    yield separator + printableJson(bytesField(name, bytes)).slice(1, -1);
    return;
  }
  yield `${separator}"${name}":"`;
  const isText = isUtf8(bytes);
  // A decoder of its own keeps the first bytes of a character that the next piece has the rest of.
  const pieces = new TextDecoder("utf-8", { ignoreBOM: true });
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    yield isText
      ? printableJson(pieces.decode(piece, { stream: true })).slice(1, -1)
      : Buffer.from(piece).toString("base64");
  }
  yield isText ? '"' : `","${name}Encoding":"base64"`;
}

export function headerFields({ name, nameBytes, value }: RecordHeader): Record<string, unknown> {
  const nameFields = nameBytes === undefined ? { name } : bytesField("name", nameBytes);
  return { ...nameFields, ...bytesField("value", value) };
}

/** Bytes as JSON fields: text if they are UTF-8, else base64 plus an encoding field. */
export function bytesField(name: string, bytes: Uint8Array | null): Record<string, string | null> {
  if (bytes === null) return { [name]: null };
  if (isUtf8(bytes)) return { [name]: decoder.decode(bytes) };
  return { [name]: Buffer.from(bytes).toString("base64"), [`${name}Encoding`]: "base64" };
}
