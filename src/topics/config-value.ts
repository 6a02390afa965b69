// Types and ranges of Kafka's configs: a value as text, checked and in the one form in which it is stored and shown.
// Messages are Kafka's, because scripts and people look for them.
// Leaves to others: which configs there are (topic-configs.ts).
import { RustLogError } from "../errors.js";
import { SETTING_LENGTH_MAX } from "../limits.js";

export type ConfigType = "boolean" | "string" | "int" | "short" | "long" | "double" | "list";

/** What values a config may have. */
export interface ConfigRule {
  readonly type: ConfigType;
  /** Smallest and largest number. */
  readonly min?: number;
  readonly max?: number;
  /** The possible strings, or elements of a list. */
  readonly oneOf?: readonly string[];
  /** Why a value of the right type is invalid all the same; undefined if it is valid. */
  readonly fault?: (value: string, name: string) => string | undefined;
}

/** Largest 64-bit integer, which Kafka uses for "no limit". */
export const LONG_MAX = "9223372036854775807";

const BITS: Readonly<Partial<Record<ConfigType, number>>> = { short: 16, int: 32, long: 64 };

/** Longest part of a client's text that is repeated in a message, in characters. */
const SHOWN_LENGTH_MAX = 100;

/** Checks a value and returns its one form: `7` for ` +007`, `a,b` for `a, b`. Throws INVALID_CONFIG. */
export function canonicalValue(name: string, rule: ConfigRule, text: string): string {
  if (text.length > SETTING_LENGTH_MAX) {
    throw invalidValue(name, text, `Value must have at most ${SETTING_LENGTH_MAX} characters`);
  }
  const value = text.trim();
  switch (rule.type) {
    case "boolean":
      return booleanOf(name, value);
    case "string":
      return stringOf(name, rule, value);
    case "list":
      return listOf(name, rule, value);
    case "double":
      return doubleOf(name, rule, value);
    default:
      return integerOf(name, rule, value);
  }
}

/** The elements of a list; none for the empty text. */
export function elementsOf(list: string): string[] {
  return list.trim() === "" ? [] : list.split(",").map((element) => element.trim());
}

/** The error for a value that a config can't have. */
export function invalidValue(name: string, value: string, why: string): RustLogError {
  const message = `Invalid value ${shortened(value)} for configuration ${name}: ${why}`;
  return new RustLogError("INVALID_CONFIG", message);
}

/** A client's text for a message. */
export function shortened(text: string): string {
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
}

function booleanOf(name: string, text: string): string {
  const value = text.toLowerCase();
  if (value === "true" || value === "false") return value;
  throw invalidValue(name, text, "Expected value to be either true or false");
}

function stringOf(name: string, { oneOf }: ConfigRule, value: string): string {
  if (oneOf === undefined || oneOf.includes(value)) return value;
  throw invalidValue(name, value, `String must be one of: ${oneOf.join(", ")}`);
}

function listOf(name: string, { oneOf, fault }: ConfigRule, text: string): string {
  const elements = [...new Set(elementsOf(text))];
  if (elements.includes("")) {
    const message = `Configuration '${name}' values must not be empty.`;
    throw new RustLogError("INVALID_CONFIG", message);
  }
  const wrong = elements.find((element) => oneOf !== undefined && !oneOf.includes(element));
  if (wrong !== undefined) {
    throw invalidValue(name, wrong, `String must be one of: ${oneOf?.join(", ")}`);
  }
  const value = elements.join(",");
  const why = fault?.(value, name);
  if (why !== undefined) throw invalidValue(name, `[${elements.join(", ")}]`, why);
  return value;
}

function integerOf(name: string, rule: ConfigRule, text: string): string {
  // More digits than any type has: a long text would take long to convert.
  const number = /^[+-]?\d{1,40}$/.test(text) ? BigInt(text.replace("+", "")) : undefined;
  if (number === undefined || BigInt.asIntN(BITS[rule.type] ?? 64, number) !== number) {
    throw invalidValue(name, text, `Not a number of type ${rule.type.toUpperCase()}`);
  }
  const value = String(number);
  const why = rangeFault(rule, number) ?? rule.fault?.(value, name);
  if (why !== undefined) throw invalidValue(name, value, why);
  return value;
}

function doubleOf(name: string, rule: ConfigRule, text: string): string {
  const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(number)) throw invalidValue(name, text, "Not a number of type DOUBLE");
  const value = Number.isInteger(number) ? `${number}.0` : String(number);
  const why = rangeFault(rule, number);
  if (why !== undefined) throw invalidValue(name, value, why);
  return value;
}

function rangeFault({ min, max }: ConfigRule, value: number | bigint): string | undefined {
  if (min !== undefined && value < min) return `Value must be at least ${min}`;
  if (max !== undefined && value > max) return `Value must be no more than ${max}`;
  return undefined;
}
