// A record as one line of JSON: what `consume --json` prints and `produce --json` accepts, byte for byte. `produce` ignores
// "topic" and "offset": the topic is on the command line and the broker assigns the offset.
// Leaves to others: the format (record/json-record.ts), splitting lines (line-reader.ts), sending and fetching (client/).
import { isUtf8 } from "node:buffer";
import type { RecordHeader } from "../record/encoder.js";
import { formatJsonRecord } from "../record/json-record.js";
import { CliError } from "./exit.js";
import type { RecordPrinter } from "./format.js";

interface ParsedRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
  readonly partition: number | undefined;
  readonly timestamp: number | undefined;
}

export function jsonPrinter(delimiter: number): RecordPrinter {
  return (records, output) => {
    output.text(formatJsonRecord(records.record()));
    output.byte(delimiter);
  };
}

// Keep a byte order mark: it is part of the bytes.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

const FIELDS = new Set([
  ...["topic", "partition", "offset", "timestamp", "headers"],
  ...["key", "keyEncoding", "value", "valueEncoding"],
]);

const HEADER_FIELDS = new Set(["name", "nameEncoding", "value", "valueEncoding"]);

/** Parses a line from formatJsonRecord or written by hand. Throws a CliError that names the field. */
export function parseJsonRecord(line: Uint8Array): ParsedRecord {
  const object = parseObject(line);
  refuseUnknown(object, FIELDS, "");
  if (object.value === undefined)
    throw invalid("field 'value' is missing (use null for a tombstone)");
  return {
    key: parseBytes(object, "key"),
    value: parseBytes(object, "value"),
    headers: parseHeaders(object.headers),
    partition: parseNatural(object, "partition"),
    timestamp: parseTimestamp(object.timestamp),
  };
}

function parseObject(line: Uint8Array): Record<string, unknown> {
  if (!isUtf8(line)) throw invalid("the line is not UTF-8");
  let parsed: unknown;
  try {
    parsed = JSON.parse(decoder.decode(line));
  } catch (error) {
    throw invalid(`the line is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  return asObject(parsed, "the line");
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw invalid(`${what} is not a JSON object`);
}

function parseBytes(object: Record<string, unknown>, name: string): Uint8Array | null {
  const text = object[name] ?? null;
  const encoding = object[`${name}Encoding`];
  if (encoding !== undefined && encoding !== "base64" && encoding !== "utf8") {
    throw invalid(`'${name}Encoding' must be "utf8" or "base64"`);
  }
  if (text === null) return null;
  if (typeof text !== "string") throw invalid(`'${name}' must be a string or null`);
  if (encoding === "base64") return parseBase64(text, name);
  // An unpaired surrogate has no UTF-8 form; encoding would silently replace it.
  if (!text.isWellFormed()) throw invalid(`'${name}' has an unpaired surrogate`);
  return encoder.encode(text);
}

function parseBase64(text: string, name: string): Uint8Array {
  const bytes = Buffer.from(text, "base64");
  // The decoder ignores invalid characters, so accept only text that encodes back to itself.
  if (bytes.toString("base64") !== text) throw invalid(`'${name}' is not base64`);
  return bytes;
}

function parseHeaders(headers: unknown): readonly RecordHeader[] {
  if (headers === undefined || headers === null) return [];
  if (!Array.isArray(headers)) {
    // An object {"name":"value"} is accepted too: it is easier to write by hand.
    return Object.entries(asObject(headers, "'headers'")).map(([name, value]) => ({
      name: checkHeaderName(name),
      value: parseBytes({ [name]: value }, name),
    }));
  }
  return headers.map((item: unknown) => {
    const header = asObject(item, "an item of 'headers'");
    refuseUnknown(header, HEADER_FIELDS, " of a header");
    return { ...parseName(header), value: parseBytes(header, "value") };
  });
}

function parseName(header: Record<string, unknown>): Pick<RecordHeader, "name" | "nameBytes"> {
  const { name, nameEncoding } = header;
  if (typeof name !== "string") throw invalid("a header has no 'name'");
  if (nameEncoding === undefined) return { name: checkHeaderName(name) };
  const nameBytes = parseBytes(header, "name") ?? undefined;
  return nameBytes === undefined ? { name } : { name: decoder.decode(nameBytes), nameBytes };
}

function checkHeaderName(name: string): string {
  if (name.isWellFormed()) return name;
  throw invalid("a header name has an unpaired surrogate");
}

function refuseUnknown(object: Record<string, unknown>, known: Set<string>, where: string): void {
  for (const name of Object.keys(object)) {
    if (!known.has(name)) throw invalid(`unknown field '${name}'${where}`);
  }
}

function parseNatural(object: Record<string, unknown>, name: string): number | undefined {
  const value = object[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid(`'${name}' must be a whole number of 0 or more`);
}

/** Negative timestamps are before 1970; Kafka's clients write -1 for none. */
function parseTimestamp(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw invalid("'timestamp' must be a whole number of milliseconds");
}

function invalid(message: string): CliError {
  return new CliError(message, {
    help: 'A record looks like {"key":"k","value":"v","headers":[{"name":"n","value":"v"}]}, as `rustlog consume --json` prints it.',
  });
}
