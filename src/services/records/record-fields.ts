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

/** Digits of a whole number that is shown exactly, and from how many on it is not one in JavaScript. */
const EXACT_DIGITS_MAX = 40;
const LONG_NUMBER = /\d{16}/;

/** What TypeScript does not know of JSON yet. */
interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}

const exactJson = JSON as unknown as ExactJson;

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
      const { kind, content } = json[part];
      return kind === "json" ? fieldValue(path.find(content, ELEMENTS_MAX + 1)) : { kind };
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
}

function parsed(bytes: Uint8Array | null): Parsed {
  if (bytes === null || bytes.length === 0) return { kind: "none" };
  if (bytes.length > SEARCHED_JSON_BYTES_MAX) return { kind: "large" };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  try {
    const isExact = !LONG_NUMBER.test(text);
    return {
      kind: "json",
      content: isExact ? JSON.parse(text) : exactJson.parse(text, exactNumber),
    };
  } catch {
    return { kind: "none" };
  }
}

/** Whole numbers as they are written: a rounded id is another id. */
function exactNumber(_: string, value: unknown, { source = "" }: { readonly source?: string }) {
  const isLong = source.length <= EXACT_DIGITS_MAX && /^-?\d{16,}$/.test(source);
  return typeof value === "number" && isLong ? BigInt(source) : value;
}

function fieldValue(found: readonly unknown[]): FieldValue {
  const [first, ...others] = found;
  if (found.length === 0) return { kind: "missing" };
  if (others.length === 0) return cut(kindOf(first), textOf(first));
  const shown = found.slice(0, ELEMENTS_MAX).map(textOf).join(", ");
  return cut("json", found.length > ELEMENTS_MAX ? `${shown}, …` : shown);
}

function cut(kind: "string" | "number" | "boolean" | "null" | "json", text: string): FieldValue {
  if (text.length <= FIELD_LENGTH_MAX) return { kind, text };
  return { kind, text: text.slice(0, FIELD_LENGTH_MAX).toWellFormed(), isCut: true };
}

function kindOf(value: unknown) {
  if (value === null) return "null";
  if (typeof value === "bigint") return "number";
  const kind = typeof value;
  return kind === "string" || kind === "number" || kind === "boolean" ? kind : "json";
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "bigint") return String(value);
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === "bigint" ? exactJson.rawJSON(String(each)) : each,
  );
}
