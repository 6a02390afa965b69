// Which records a search finds: by a text in the key, the value or the headers, by a key that is a number, a UUID or other bytes, by
// a header, or by a condition on a JSON value.
// Leaves to others: going through the log (partition-walk.ts), and JSON conditions (json-path.ts).
//
// A text is searched in all bytes of a batch at once, so records without it cost next to nothing.
import { RustLogError } from "../../errors.js";
import { SEARCHED_JSON_BYTES_MAX, SEARCHED_TEXT_BYTES_MAX } from "../../limits.js";
import type { RecordCursor } from "../../record/cursor.js";
import { BATCH_HEADER_BYTES } from "../../record/batch.js";
import { type ByteType, bytesOfTyped, EXPECTED } from "../../record/typed-bytes.js";
import { includesText, JsonCondition } from "./json-path.js";
import type { OpenedBatch } from "./opened-records.js";

export const SEARCH_FIELDS = ["any", "key", "value", "header", "json"] as const;

/** Where a search looks. */
type SearchField = (typeof SEARCH_FIELDS)[number];

export interface RecordSearch {
  readonly field: SearchField;
  /**
   * A text that the field contains. Of a header: its name, `name=value`, or `name contains text`. Of JSON: a condition such as
   * `$.order.id = 123`.
   */
  readonly text: string;
  readonly ignoresCase: boolean;
  /**
   * What the text is; undefined for text. A number or a UUID is all bytes of the key, hexadecimal some of them. Only for the field
   * `key`.
   */
  readonly type?: ByteType | undefined;
}

/** Headers of a record that are searched. */
const SEARCHED_HEADERS_MAX = 10_000;

/** Longest text of a search, in characters. */
const SEARCH_LENGTH_MAX = 4096;

/** Batches up to this size are looked at as a whole before their values are parsed: larger ones take too long at once. */
const WHOLE_BATCH_BYTES_MAX = 256 * 1024;

type Test = (cursor: RecordCursor) => boolean;

/** A search, prepared for many records. */
export class RecordMatch {
  /** Values that were too large to be searched. */
  unsearched = 0;
  readonly #test: Test;
  /** Bytes that each match has somewhere between the start and the end of its record; undefined if there are none. */
  readonly #needle: Buffer | undefined;
  /** Texts of a condition on JSON that each match has, unless it has an escape. */
  readonly #needed: readonly Buffer[] = [];
  readonly #escapes: RegExp = ESCAPES;
  #buffer: Uint8Array | undefined;
  #text: Buffer = NO_TEXT;
  /** Where the needle is in the buffer, at or after the last record that was asked about. */
  #hit = -1;

  /** Throws INVALID_REQUEST if the text can't be searched for. */
  constructor({ field, text, ignoresCase, type }: RecordSearch) {
    if (text === "" || text.length > SEARCH_LENGTH_MAX) {
      const message = `the text to search for has 1 to ${SEARCH_LENGTH_MAX} characters`;
      throw new RustLogError("INVALID_REQUEST", message);
    }
    if (type !== undefined) {
      const needle = Buffer.from(keyBytes(field, text, type));
      this.#needle = needle;
      this.#test = ({ keyStart, keyEnd }) =>
        keyStart >= 0 &&
        (type === "hex" || keyEnd - keyStart === needle.length) &&
        this.#has(needle, keyStart, keyEnd);
    } else if (field === "json") {
      const condition = new JsonCondition(text);
      const texts = condition.neededTexts;
      this.#needed = texts.map((each) => Buffer.from(each));
      this.#escapes = texts.every((each) => PLAIN.test(each)) ? PLAIN_ESCAPES : ESCAPES;
      this.#test = (cursor) => this.#hasJson(cursor, condition);
    } else if (field === "header") {
      const header = headerCondition(text);
      this.#needle = ignoresCase ? undefined : Buffer.from(header.name);
      this.#test = (cursor) => hasHeader(cursor, header, ignoresCase);
    } else {
      const needle = Buffer.from(text);
      this.#needle = ignoresCase ? undefined : needle;
      const lower = Buffer.from(text.toLowerCase());
      const has = (start: number, end: number): boolean =>
        ignoresCase ? this.#hasLower(lower, start, end) : this.#has(needle, start, end);
      this.#test = (cursor) => hasText(cursor, field, has);
    }
  }

  /** Whether a record of this batch may match; false is certain. */
  mayMatch({ bytes, at, end }: OpenedBatch): boolean {
    const length = Math.max(0, end - at - BATCH_HEADER_BYTES);
    const batch = Buffer.from(bytes.buffer, bytes.byteOffset + at + BATCH_HEADER_BYTES, length);
    if (this.#needle !== undefined) return batch.includes(this.#needle);
    return length > WHOLE_BATCH_BYTES_MAX || this.#mayHold(batch);
  }

  /** Whether the search finds the current record of the cursor. Ask about the records of a batch in order. */
  matches(cursor: RecordCursor): boolean {
    const { buffer } = cursor;
    if (this.#buffer !== buffer) {
      this.#buffer = buffer;
      this.#text = Buffer.from(buffer.buffer, buffer.byteOffset, buffer.length);
      this.#hit = -1;
    }
    if (this.#needle !== undefined) {
      if (this.#hit < cursor.start) {
        const found = this.#text.indexOf(this.#needle, cursor.start);
        this.#hit = found < 0 ? Number.POSITIVE_INFINITY : found;
      }
      if (this.#hit >= cursor.end) return false;
    }
    return this.#test(cursor);
  }

  /** Forgets the bytes of the last batch. */
  release(): void {
    this.#buffer = undefined;
    this.#text = NO_TEXT;
  }

  #has(needle: Buffer, start: number, end: number): boolean {
    return this.#text.subarray(start, end).includes(needle);
  }

  #hasLower(lower: Buffer, start: number, end: number): boolean {
    if (end - start > SEARCHED_TEXT_BYTES_MAX) {
      this.unsearched++;
      return false;
    }
    // Of strings, `includes` takes a second where a long text nearly occurs everywhere.
    return Buffer.from(this.#text.toString("utf8", start, end).toLowerCase()).includes(lower);
  }

  #hasJson(cursor: RecordCursor, condition: JsonCondition): boolean {
    const { valueStart, valueEnd } = cursor;
    if (valueStart < 0) return false;
    if (valueEnd - valueStart > SEARCHED_JSON_BYTES_MAX) {
      this.unsearched++;
      return false;
    }
    const bytes = this.#text.subarray(valueStart, valueEnd);
    // Parsing takes much longer than looking for the texts.
    if (!this.#mayHold(bytes)) return false;
    try {
      return condition.holds(JSON.parse(bytes.toString("utf8")));
    } catch {
      return false;
    }
  }

  /** Whether bytes may be JSON, or have JSON in them, that meets the condition. */
  #mayHold(bytes: Buffer): boolean {
    if (this.#needed.every((each) => bytes.includes(each))) return true;
    return this.#escapes.test(bytes.toString("latin1"));
  }
}

const NO_TEXT = Buffer.alloc(0);

/** The bytes of a key that a text stands for. Throws INVALID_REQUEST. */
function keyBytes(field: SearchField, text: string, type: ByteType): Uint8Array {
  if (field !== "key") {
    throw new RustLogError("INVALID_REQUEST", `only keys are searched for as ${type}`);
  }
  const bytes = bytesOfTyped(text, type);
  if (bytes !== undefined && bytes.length > 0) return bytes;
  const message = `'${text.slice(0, 100)}' is not ${type}; ${EXPECTED[type]}`;
  throw new RustLogError("INVALID_REQUEST", message);
}

/** What numbers of JSON, and texts of plain characters, may hide behind; and what other texts may. */
const PLAIN_ESCAPES = /\\u[0-9a-fA-F]{4}|\d[eE][+-]?\d/;
const ESCAPES = /\\["\\/bfnrtu]|\d[eE][+-]?\d/;

/** Characters of which JSON has no escape but by their number. */
const PLAIN = /^[^"\\/\p{Cc}]*$/u;

function hasText(
  cursor: RecordCursor,
  field: "any" | "key" | "value",
  has: (start: number, end: number) => boolean,
): boolean {
  const { keyStart, keyEnd, valueStart, valueEnd } = cursor;
  if (field !== "value" && keyStart >= 0 && has(keyStart, keyEnd)) return true;
  if (field !== "key" && valueStart >= 0 && has(valueStart, valueEnd)) return true;
  if (field !== "any" || cursor.headerCount === 0) return false;
  // The headers are the rest of the record.
  return has(Math.max(valueEnd, keyEnd, cursor.start), cursor.end);
}

interface HeaderCondition {
  readonly name: string;
  readonly operator: "exists" | "equals" | "contains";
  readonly value: string;
}

function headerCondition(text: string): HeaderCondition {
  const [, named, contained] = /^(\S+) contains (.+)$/s.exec(text) ?? [];
  if (named !== undefined && contained !== undefined) {
    return { name: named, operator: "contains", value: contained };
  }
  const at = text.indexOf("=");
  if (at < 0) return { name: text, operator: "exists", value: "" };
  return {
    name: text.slice(0, at).trimEnd(),
    operator: "equals",
    value: text.slice(at + 1).trimStart(),
  };
}

function hasHeader(
  cursor: RecordCursor,
  { name, operator, value }: HeaderCondition,
  ignoresCase: boolean,
): boolean {
  if (cursor.headerCount === 0) return false;
  const folded = (text: string): string => (ignoresCase ? text.toLowerCase() : text);
  const [wantedName, wanted] = [folded(name), folded(value)];
  return cursor.headers(SEARCHED_HEADERS_MAX).some((header) => {
    if (folded(header.name) !== wantedName) return false;
    if (operator === "exists") return true;
    if (header.value === null || header.value.length > SEARCHED_TEXT_BYTES_MAX) return false;
    const found = folded(Buffer.from(header.value).toString("utf8"));
    return operator === "equals" ? found === wanted : includesText(found, wanted);
  });
}
