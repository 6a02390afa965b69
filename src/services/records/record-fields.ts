// Fields of JSON keys and values that a list shows instead of the values: what is at a path, in short.
// Leaves to others: paths (json-path.ts), and which records (partition-walk.ts).
import { RustLogError } from "../../errors.js";
import { SEARCHED_JSON_BYTES_MAX, SHOWN_FIELDS_MAX } from "../../limits.js";
import { JsonPath } from "./json-path.js";

/** What is at a path. */
export type FieldValue =
  | {
      readonly kind: "string" | "number" | "boolean" | "null" | "json";
      /** The first characters. */
      readonly text: string;
      readonly isCut?: true;
    }
  /** `missing`: nothing. `none`: the key or value is null, or not JSON. `large`: it is too long to be parsed. */
  | { readonly kind: "missing" | "none" | "large" };

/** Characters shown of a field. */
const FIELD_LENGTH_MAX = 200;

/** Elements that `[*]` shows. */
const ELEMENTS_MAX = 20;

/** Longest path, in characters. */
const PATH_LENGTH_MAX = 500;

/** JavaScript rounds whole numbers with this many digits: a rounded id is another id. */
const LONG_NUMBER = /\d{16}/;

/** Digits that are kept in JSON of up to this size. Keeping them takes ten times as long. */
const EXACT_DIGITS_MAX = 40;
const EXACT_BYTES_MAX = 8 * 1024;

/** What TypeScript does not know of JSON yet. */
interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
}

const exactJson = JSON as ExactJson;

interface Field {
  readonly isOfKey: boolean;
  readonly path: JsonPath;
}

export class RecordFields {
  readonly #fields: readonly Field[];

  /** Paths such as `$.order.id`, or `key.id` in the key. Throws INVALID_REQUEST. */
  constructor(paths: readonly string[]) {
    if (paths.length > SHOWN_FIELDS_MAX) {
      throw new RustLogError("INVALID_REQUEST", `at most ${SHOWN_FIELDS_MAX} fields are shown`);
    }
    this.#fields = paths.map(fieldOf);
  }

  /** What a record has at each path. */
  of(key: Uint8Array | null, value: Uint8Array | null): FieldValue[] {
    const json = { key: undefined, value: undefined } as Record<
      "key" | "value",
      Parsed | undefined
    >;
    return this.#fields.map(({ isOfKey, path }) => {
      const part = isOfKey ? "key" : "value";
      json[part] ??= parsed(isOfKey ? key : value);
      const { kind, content, isRounded = false } = json[part];
      if (kind !== "json") return { kind };
      return fieldValue(path.find(content, ELEMENTS_MAX + 1), isRounded);
    });
  }
}

function fieldOf(text: string): Field {
  if (text.length > PATH_LENGTH_MAX) {
    const message = `a path has at most ${PATH_LENGTH_MAX} characters`;
    throw new RustLogError("INVALID_REQUEST", message);
  }
  const isOfKey = /^key[.[]/.test(text);
  return { isOfKey, path: new JsonPath(isOfKey ? text.slice("key".length) : text) };
}

interface Parsed {
  readonly kind: "json" | "none" | "large";
  readonly content?: unknown;
  /** Whether it may have whole numbers that are rounded. */
  readonly isRounded?: boolean;
}

function parsed(bytes: Uint8Array | null): Parsed {
  if (bytes === null || bytes.length === 0) return { kind: "none" };
  if (bytes.length > SEARCHED_JSON_BYTES_MAX) return { kind: "large" };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  try {
    const isLong = LONG_NUMBER.test(text);
    if (isLong && bytes.length <= EXACT_BYTES_MAX) {
      return { kind: "json", content: exactJson.parse(text, exactNumber) };
    }
    return { kind: "json", content: JSON.parse(text), isRounded: isLong };
  } catch {
    return { kind: "none" };
  }
}

/** A whole number as it is written. */
function exactNumber(_: string, value: unknown, { source = "" }: { readonly source?: string }) {
  const isLong = source.length <= EXACT_DIGITS_MAX && /^-?\d{16,}$/.test(source);
  return typeof value === "number" && isLong ? BigInt(source) : value;
}

function fieldValue(found: readonly unknown[], isRounded: boolean): FieldValue {
  const [first, ...others] = found;
  if (found.length === 0) return { kind: "missing" };
  const text = new ShortText(isRounded);
  if (others.length === 0) {
    if (typeof first === "string") text.add(first.slice(0, FIELD_LENGTH_MAX + 1));
    else text.addJson(first);
    return text.field(kindOf(first));
  }
  for (const [i, each] of found.slice(0, ELEMENTS_MAX).entries()) {
    if (i > 0) text.add(", ");
    if (typeof each === "string") text.add(each.slice(0, FIELD_LENGTH_MAX + 1));
    else text.addJson(each);
  }
  if (found.length > ELEMENTS_MAX) text.add(", …");
  return text.field("json");
}

function kindOf(value: unknown) {
  if (value === null) return "null";
  if (typeof value === "bigint") return "number";
  const kind = typeof value;
  return kind === "string" || kind === "number" || kind === "boolean" ? kind : "json";
}

/** The beginning of a text: what comes after it takes no time. */
class ShortText {
  readonly #isRounded: boolean;
  #text = "";

  constructor(isRounded: boolean) {
    this.#isRounded = isRounded;
  }

  get #isFull(): boolean {
    return this.#text.length > FIELD_LENGTH_MAX;
  }

  field(kind: "string" | "number" | "boolean" | "null" | "json"): FieldValue {
    if (!this.#isFull) return { kind, text: this.#text };
    return { kind, text: this.#text.slice(0, FIELD_LENGTH_MAX).toWellFormed(), isCut: true };
  }

  add(text: string): void {
    if (!this.#isFull) this.#text += text;
  }

  addJson(value: unknown): void {
    if (this.#isFull) return;
    if (typeof value === "string") this.add(JSON.stringify(value.slice(0, FIELD_LENGTH_MAX + 1)));
    else if (typeof value !== "object" || value === null) {
      const isWhole = typeof value === "number" && Number.isInteger(value);
      const isRounded = this.#isRounded && isWhole && !Number.isSafeInteger(value);
      this.add(`${isRounded ? "≈ " : ""}${String(value)}`);
    } else if (Array.isArray(value)) this.#addAll("[", value, (each) => this.addJson(each), "]");
    else {
      const addEntry = (name: string): void => {
        this.addJson(name);
        this.add(":");
        this.addJson((value as Record<string, unknown>)[name]);
      };
      this.#addAll("{", Object.keys(value), addEntry, "}");
    }
  }

  #addAll<Each>(begin: string, all: readonly Each[], add: (each: Each) => void, end: string): void {
    this.add(begin);
    for (const [i, each] of all.entries()) {
      if (this.#isFull) return;
      if (i > 0) this.add(",");
      add(each);
    }
    this.add(end);
  }
}
