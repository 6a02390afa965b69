// How `consume` prints a record: the value and a delimiter, or a format with kcat's placeholders.
// Leaves to others: JSON (json-record.ts), and writing the bytes (output.ts).
//
//   %t topic   %p partition   %o offset   %T timestamp (ms)   %h headers: name=value,name=value
//   %k key     %K its length  %s value    %S its length (-1 for null)   %% a percent sign
//   \n \t \r \0 \\ \xHH
import { InvalidArgumentError } from "@commander-js/extra-typings";
import type { FetchedRecords } from "../client/fetched-records.js";
import type { RecordHeader } from "../record/encoder.js";
import type { ByteOutput } from "./output.js";

export type RecordPrinter = (records: FetchedRecords, output: ByteOutput) => void;

const PLACEHOLDERS: Readonly<Record<string, RecordPrinter>> = {
  t: (records, output) => output.text(records.topic),
  p: (records, output) => output.text(String(records.partition)),
  o: (records, output) => output.text(String(records.cursor.offset)),
  T: (records, output) => output.text(String(records.cursor.timestamp)),
  k: (records, output) => printBytes(records.cursor.key(), output),
  K: (records, output) => output.text(String(records.cursor.key()?.length ?? -1)),
  s: (records, output) => printBytes(records.cursor.value(), output),
  S: (records, output) => output.text(String(records.cursor.value()?.length ?? -1)),
  h: (records, output) => printHeaders(records.cursor.headers(), output),
};

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  "0": "\0",
  "\\": "\\",
};

/** Prints values, each followed by `delimiter`. A null value prints as an empty one. */
export function valuePrinter(delimiter: number): RecordPrinter {
  return (records, output) => {
    const cursor = records.cursor;
    if (cursor.valueStart >= 0) output.copy(cursor.buffer, cursor.valueStart, cursor.valueEnd);
    output.byte(delimiter);
  };
}

/** A placeholder's printer, or literal bytes. */
type FormatPart = RecordPrinter | Uint8Array;

/** Prints records by a compiled format, without a delimiter of its own. */
export function formatPrinter(parts: readonly FormatPart[]): RecordPrinter {
  return (records, output) => {
    for (const part of parts) {
      if (typeof part === "function") part(records, output);
      else output.copy(part, 0, part.length);
    }
  };
}

/** Compiles a format. Throws InvalidArgumentError for an unknown placeholder or escape. */
export function compileFormat(format: string): readonly FormatPart[] {
  const parts: FormatPart[] = [];
  const literal: number[] = [];
  const endLiteral = (): void => {
    if (literal.length > 0) parts.push(Uint8Array.from(literal));
    literal.length = 0;
  };
  let at = 0;
  while (at < format.length) {
    const character = String.fromCodePoint(format.codePointAt(at)!);
    if (character === "%") {
      const letter = format[at + 1] ?? "";
      const placeholder = PLACEHOLDERS[letter];
      if (placeholder !== undefined) {
        endLiteral();
        parts.push(placeholder);
      } else if (letter === "%") {
        literal.push(0x25);
      } else {
        const known = Object.keys(PLACEHOLDERS).map((name) => `%${name}`);
        throw new InvalidArgumentError(
          `'%${letter}' is not a placeholder; known are ${known.join(" ")} and %%.`,
        );
      }
      at += 2;
    } else if (character === "\\") {
      at += compileEscape(format, at, literal);
    } else {
      literal.push(...new TextEncoder().encode(character));
      at += character.length;
    }
  }
  endLiteral();
  return parts;
}

/** Replaces the escapes in `text`. Throws InvalidArgumentError for an unknown one. */
export function parseEscapes(text: string): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < text.length;) {
    const character = String.fromCodePoint(text.codePointAt(at)!);
    if (character === "\\") at += compileEscape(text, at, bytes);
    else {
      bytes.push(...new TextEncoder().encode(character));
      at += character.length;
    }
  }
  return Uint8Array.from(bytes);
}

/** Appends the bytes of the escape at `at` to `literal` and returns the length of the escape. */
function compileEscape(format: string, at: number, literal: number[]): number {
  const letter = format[at + 1] ?? "";
  const hex = /^[0-9a-f]{2}/i.exec(format.slice(at + 2));
  if (letter === "x" && hex !== null) {
    literal.push(Number.parseInt(hex[0], 16));
    return 4;
  }
  const escaped = ESCAPES[letter];
  if (escaped === undefined) {
    throw new InvalidArgumentError(
      `'\\${letter}' is not an escape; known are \\n \\t \\r \\0 \\\\ and \\xHH.`,
    );
  }
  literal.push(escaped.charCodeAt(0));
  return 2;
}

function printBytes(bytes: Uint8Array | null, output: ByteOutput): void {
  if (bytes !== null) output.copy(bytes, 0, bytes.length);
}

function printHeaders(headers: readonly RecordHeader[], output: ByteOutput): void {
  for (const [index, header] of headers.entries()) {
    if (index > 0) output.text(",");
    if (header.nameBytes === undefined) output.text(header.name);
    else printBytes(header.nameBytes, output);
    output.text("=");
    // As kcat does: an empty value would look the same as null otherwise.
    if (header.value === null) output.text("NULL");
    else printBytes(header.value, output);
  }
}
