// Checks a record when it is taken, before it shares a batch with others, so that a wrong type fails that record alone.
// Leaves to others: its size (dispatcher), and whether its partition exists (producer-topic, the broker).

import { RustLogError } from "../errors.js";
import type { ProducerHeader } from "../record/encoder.js";
import { checkObject, wrongType } from "./argument-check.js";

const DATA = "a string, a Uint8Array or null";
const HEADERS = "an array or a plain object";

/**
 * Throws INVALID_TOPIC or INVALID_RECORD, naming the field. Keys, values and header values are strings, Uint8Arrays
 * (Buffers) or null. For other views and buffers it is unclear which bytes are meant.
 */
export function checkRecord(
  topic: string,
  partition: number,
  key: Uint8Array | string | null,
  value: Uint8Array | string | null,
  timestamp: number,
  headers: readonly ProducerHeader[] | undefined,
): void {
  if (typeof topic !== "string") throw wrongType("INVALID_TOPIC", "topic", "a string", topic);
  if (!isData(key)) throw invalid(topic, "key", DATA, key);
  if (!isData(value)) throw invalid(topic, "value", DATA, value);
  if (!Number.isSafeInteger(timestamp)) throw invalidTime(topic, timestamp);
  if (typeof partition !== "number") throw invalid(topic, "partition", "a number", partition);
  if (headers !== undefined) checkHeaders(topic, headers);
}

function checkHeaders(topic: string, headers: readonly ProducerHeader[]): void {
  if (!Array.isArray(headers)) throw invalid(topic, "headers", HEADERS, headers);
  for (const [index, header] of headers.entries()) {
    const what = `header ${index}`;
    checkObject("INVALID_RECORD", `${what} of the record for topic '${topic}'`, header);
    const { name, nameBytes, value } = header;
    if (typeof name !== "string") throw invalid(topic, `name of ${what}`, "a string", name);
    if (nameBytes !== undefined && !(nameBytes instanceof Uint8Array)) {
      throw invalid(topic, `nameBytes of ${what} ('${name}')`, "a Uint8Array", nameBytes);
    }
    if (!isData(value)) throw invalid(topic, `value of ${what} ('${name}')`, DATA, value);
  }
}

function isData(value: unknown): boolean {
  return typeof value === "string" || value === null || value instanceof Uint8Array;
}

function invalid(topic: string, field: string, expected: string, value: unknown): RustLogError {
  const what = `${field} of the record for topic '${topic}'`;
  return wrongType("INVALID_RECORD", what, expected, value);
}

function invalidTime(topic: string, value: unknown): RustLogError {
  const expected = "a whole number of milliseconds";
  if (typeof value !== "number") return invalid(topic, "timestamp", expected, value);
  const message = `timestamp of the record for topic '${topic}' must be ${expected}, not ${value}`;
  return new RustLogError("INVALID_RECORD", message, { help: "Nothing was sent." });
}
