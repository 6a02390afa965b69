// Which records a search finds: those that meet all its conditions. A condition is a text in the key, the value or the headers,
// a key that is a number, a UUID or other bytes, a header, a comparison in a JSON value, or that the value or the key is null; or
// that one of these does not hold.
// Leaves to others: going through the log (partition-walk.ts), JSON (json-path.ts), and what a record is read as
// (record-reading.ts).
//
// A text is searched in all bytes of a batch at once, so records without it cost next to nothing: the other conditions only see
// what has it.
import { RustLogError } from "../../errors.js";
import {
  SEARCH_CONDITIONS_MAX,
  SEARCHED_JSON_BYTES_MAX,
  SEARCHED_TEXT_BYTES_MAX,
} from "../../limits.js";
import type { RecordCursor } from "../../record/cursor.js";
import { BATCH_HEADER_BYTES } from "../../record/batch.js";
import { type ByteType, bytesOfTyped, EXPECTED } from "../../record/typed-bytes.js";
import { includesText, JsonCondition } from "./json-path.js";
import type { OpenedBatch } from "./opened-records.js";
import { RecordReading } from "./record-reading.js";

export const SEARCH_FIELDS = [
  ...(["any", "key", "value", "header", "json"] as const),
  ...(["tombstone", "keyless"] as const),
] as const;

/** Where a condition looks; a tombstone has no value. */
type SearchField = (typeof SEARCH_FIELDS)[number];

export interface RecordCondition {
  readonly field: SearchField;
  /**
   * A text that the field contains. Of a header: its name, `name=value`, or `name contains text`. Of JSON: a condition such as
   * `$.order.id = 123`. Of a tombstone and a record without a key: not used.
   */
  readonly text: string;
  readonly ignoresCase: boolean;
  /**
   * What the text is; undefined for text. A number or a UUID is all bytes of the key, hexadecimal some of them. Only for the field
   * `key`.
   */
  readonly type?: ByteType | undefined;
  /** Whether it holds for the records for which it would not otherwise. */
  readonly isNegated?: boolean;
}

/** Conditions that all hold; at least one. */
export type RecordSearch = readonly RecordCondition[];

/** Headers of a record that are searched. */
const SEARCHED_HEADERS_MAX = 10_000;

/** Longest text of a condition, in characters. */
const SEARCH_LENGTH_MAX = 4096;

/** Batches up to this size are looked at as a whole before their values are parsed: larger ones take too long at once. */
const WHOLE_BATCH_BYTES_MAX = 256 * 1024;

/** Whether a field has what a condition says; undefined where that takes too much to find out. */
type Answer = boolean | undefined;

interface Condition {
  readonly isNegated: boolean;
  /** Bytes that each record has that meets the condition; undefined if there are none. */
  readonly needle: Buffer | undefined;
  /** Whether bytes may be, or contain, a record that meets the condition; undefined where no look at bytes tells. */
  readonly mayHold: ((bytes: Buffer) => boolean) | undefined;
  readonly test: (cursor: RecordCursor, reading: RecordReading) => Answer;
}

/** A search, prepared for many records. */
export class RecordMatch {
  /** Records that were too large to be searched. */
  unsearched = 0;
  /** In the order in which they are asked. */
  readonly #conditions: readonly Condition[];
  /** What whole batches are searched for. */
  readonly #needle: Buffer | undefined;
  readonly #mayHold: ((bytes: Buffer) => boolean) | undefined;
  readonly #reading = new RecordReading();
  /** Where the needle is in the buffer, at or after the last record that was asked about. */
  #hit = -1;

  /** Throws INVALID_REQUEST if a condition can't be searched for. */
  constructor(search: RecordSearch) {
    if (search.length === 0 || search.length > SEARCH_CONDITIONS_MAX) {
      throw new RustLogError(
        "INVALID_REQUEST",
        `a search has 1 to ${SEARCH_CONDITIONS_MAX} conditions`,
      );
    }
    this.#conditions = search.map(conditionOf).sort((a, b) => costOf(a) - costOf(b));
    const positive = this.#conditions.filter(({ isNegated }) => !isNegated);
    this.#needle = positive[0]?.needle;
    this.#mayHold = positive.find(({ mayHold }) => mayHold !== undefined)?.mayHold;
  }

  /** Whether a record of this batch may match; false is certain. */
  mayMatch({ bytes, at, end }: OpenedBatch): boolean {
    const length = Math.max(0, end - at - BATCH_HEADER_BYTES);
    const batch = Buffer.from(bytes.buffer, bytes.byteOffset + at + BATCH_HEADER_BYTES, length);
    if (this.#needle !== undefined) return batch.includes(this.#needle);
    if (this.#mayHold === undefined || length > WHOLE_BATCH_BYTES_MAX) return true;
    return this.#mayHold(batch);
  }

  /** Whether the search finds the current record of the cursor. Ask about the records of a batch in order. */
  matches(cursor: RecordCursor): boolean {
    const reading = this.#reading;
    if (reading.begin(cursor)) this.#hit = -1;
    if (this.#needle !== undefined) {
      if (this.#hit < cursor.start) {
        const found = reading.text.indexOf(this.#needle, cursor.start);
        this.#hit = found < 0 ? Number.POSITIVE_INFINITY : found;
      }
      if (this.#hit >= cursor.end) return false;
    }
    let isKnown = true;
    for (const { test, isNegated } of this.#conditions) {
      const answer = test(cursor, reading);
      if (answer === isNegated) return false;
      if (answer === undefined) isKnown = false;
    }
    if (!isKnown) this.unsearched++;
    return isKnown;
  }

  /** Forgets the bytes of the last batch. */
  release(): void {
    this.#reading.release();
  }
}

/** A text that records must have is found in no time, and JSON takes longest. */
function costOf({ isNegated, needle, mayHold }: Condition): number {
  if (mayHold !== undefined) return isNegated ? 4 : 3;
  return isNegated ? 2 : needle === undefined ? 1 : 0;
}

/** Throws INVALID_REQUEST. */
function conditionOf(condition: RecordCondition): Condition {
  const { field, text, ignoresCase, type, isNegated = false } = condition;
  if (field === "tombstone") return { ...NULL_CONDITION, isNegated, test: isTombstone };
  if (field === "keyless") return { ...NULL_CONDITION, isNegated, test: isKeyless };
  if (text === "" || text.length > SEARCH_LENGTH_MAX) {
    const message = `the text to search for has 1 to ${SEARCH_LENGTH_MAX} characters`;
    throw new RustLogError("INVALID_REQUEST", message);
  }
  if (type !== undefined)
    return { isNegated, ...typedCondition(keyBytes(field, text, type), type) };
  if (field === "json") return { isNegated, ...jsonCondition(text) };
  if (field === "header") {
    const header = headerCondition(text);
    const needle = ignoresCase ? undefined : Buffer.from(header.name);
    const test: Condition["test"] = (cursor) => hasHeader(cursor, header, ignoresCase);
    return { isNegated, needle, mayHold: undefined, test };
  }
  const needle = Buffer.from(text);
  const lower = Buffer.from(text.toLowerCase());
  return {
    isNegated,
    needle: ignoresCase ? undefined : needle,
    mayHold: undefined,
    test: (cursor, reading) =>
      hasText(cursor, field, (start, end) =>
        ignoresCase ? reading.hasLower(lower, start, end) : reading.has(needle, start, end),
      ),
  };
}

const NULL_CONDITION = { needle: undefined, mayHold: undefined };

function isTombstone({ valueStart }: RecordCursor): boolean {
  return valueStart < 0;
}

function isKeyless({ keyStart }: RecordCursor): boolean {
  return keyStart < 0;
}

function jsonCondition(text: string): Omit<Condition, "isNegated"> {
  const condition = new JsonCondition(text);
  const texts = condition.neededTexts;
  // Texts that each match has, unless it has an escape.
  const needed = texts.map((each) => Buffer.from(each));
  const escapes = texts.every((each) => PLAIN.test(each)) ? PLAIN_ESCAPES : ESCAPES;
  const mayHold = (bytes: Buffer): boolean =>
    needed.every((each) => bytes.includes(each)) || escapes.test(bytes.toString("latin1"));
  return {
    needle: undefined,
    mayHold,
    test: (_, reading) => {
      const bytes = reading.valueBytes;
      if (bytes === undefined) return false;
      if (bytes.length > SEARCHED_JSON_BYTES_MAX) return undefined;
      // Parsing takes much longer than looking for the texts.
      if (!mayHold(bytes)) return false;
      const json = reading.json();
      return typeof json === "object" && condition.holds(json.value);
    },
  };
}

function typedCondition(bytes: Uint8Array, type: ByteType): Omit<Condition, "isNegated"> {
  const needle = Buffer.from(bytes);
  return {
    ...{ needle, mayHold: undefined },
    test: ({ keyStart, keyEnd }, reading) =>
      keyStart >= 0 &&
      (type === "hex" || keyEnd - keyStart === needle.length) &&
      reading.has(needle, keyStart, keyEnd),
  };
}

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
  has: (start: number, end: number) => Answer,
): Answer {
  const { keyStart, keyEnd, valueStart, valueEnd } = cursor;
  let isKnown = true;
  const isIn = (start: number, end: number): boolean => {
    const answer = has(start, end);
    if (answer === undefined) isKnown = false;
    return answer === true;
  };
  if (field !== "value" && keyStart >= 0 && isIn(keyStart, keyEnd)) return true;
  if (field !== "key" && valueStart >= 0 && isIn(valueStart, valueEnd)) return true;
  if (field === "any" && cursor.headerCount > 0) {
    // The headers are the rest of the record.
    if (isIn(Math.max(valueEnd, keyEnd, cursor.start), cursor.end)) return true;
  }
  return isKnown ? false : undefined;
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
): Answer {
  if (cursor.headerCount === 0) return false;
  const folded = (text: string): string => (ignoresCase ? text.toLowerCase() : text);
  const [wantedName, wanted] = [folded(name), folded(value)];
  let isKnown = cursor.headerCount <= SEARCHED_HEADERS_MAX;
  const isFound = cursor.headers(SEARCHED_HEADERS_MAX).some((header) => {
    if (folded(header.name) !== wantedName) return false;
    if (operator === "exists") return true;
    if (header.value === null) return false;
    if (header.value.length > SEARCHED_TEXT_BYTES_MAX) {
      isKnown = false;
      return false;
    }
    const found = folded(Buffer.from(header.value).toString("utf8"));
    return operator === "equals" ? found === wanted : includesText(found, wanted);
  });
  return isFound || (isKnown ? false : undefined);
}
