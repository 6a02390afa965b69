// A path in a JSON value, and a condition on what is there.
// Leaves to others: the values (record-match.ts, record-fields.ts).
//
//   condition = path [operator operand]              without an operator: something is there
//   path      = ["$"] step*                          the first step may lack its dot: `order.id`
//   step      = "." name | "[" index "]" | "[" string "]" | "[*]" | ".*"
//   operator  = "=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "contains"
//   operand   = JSON string | any other text, which is compared with numbers, booleans and null, too
import { RustLogError } from "../../errors.js";

type Step =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "each" };

const OPERATORS = ["==", "=", "!=", "<=", ">=", "<", ">", "contains"] as const;

type Operator = (typeof OPERATORS)[number];

interface Operand {
  readonly text: string;
  /** Its number, if it is one and was not quoted. */
  readonly number: number | undefined;
  readonly isQuoted: boolean;
}

/** Texts up to this length are looked for by the engine, which compares all of it at each place. */
const SHORT_LENGTH_MAX = 16;

/** Steps of a path: each may visit all elements of an array. */
const STEPS_MAX = 32;

const NAME = /^\.?([^\s.[\]=!<>"'$*]+)/;
const INDEX = /^\[(\d{1,9})\]/;
const QUOTED_NAME = /^\[("(?:[^"\\]|\\.)*"|'[^']*')\]/;
const EACH = /^(?:\[\*\]|\.\*)/;

/** A path alone. */
export class JsonPath {
  readonly #steps: readonly Step[];

  /** Throws INVALID_REQUEST, saying where the text is wrong. */
  constructor(text: string) {
    const parser = new ConditionParser(text.trim(), "path");
    this.#steps = parser.steps();
    parser.end();
  }

  /** The first `most` of what is there: more than one only at `[*]`. */
  find(value: unknown, most: number): unknown[] {
    const found: unknown[] = [];
    visit(value, this.#steps, 0, (each) => found.push(each) >= most);
    return found;
  }
}

/** Visits what is at a path, until `isEnough`; returns whether it was. */
function visit(
  value: unknown,
  steps: readonly Step[],
  from: number,
  isEnough: (value: unknown) => boolean,
): boolean {
  let found = value;
  for (let i = from; i < steps.length; i++) {
    if (typeof found !== "object" || found === null) return false;
    const step = steps[i]!;
    if (step.kind === "each") {
      const all: readonly unknown[] = Array.isArray(found) ? found : Object.values(found);
      for (const each of all) if (visit(each, steps, i + 1, isEnough)) return true;
      return false;
    }
    if (step.kind === "index") {
      if (!Array.isArray(found) || step.index >= found.length) return false;
      found = found[step.index] as unknown;
    } else {
      if (!Object.hasOwn(found, step.name)) return false;
      found = (found as Record<string, unknown>)[step.name];
    }
  }
  return isEnough(found);
}

export class JsonCondition {
  readonly #steps: readonly Step[];
  readonly #operator: Operator | undefined;
  readonly #operand: Operand;

  /** Throws INVALID_REQUEST, saying where the text is wrong. */
  constructor(text: string) {
    const parser = new ConditionParser(text.trim(), "condition");
    this.#steps = parser.steps();
    const { operator, operand } = parser.comparison();
    this.#operator = operator;
    this.#operand = operand;
  }

  /**
   * Texts that are all in every JSON document that meets the condition, unless the document has escapes or numbers with an
   * exponent.
   */
  get neededTexts(): readonly string[] {
    const name = this.#steps.findLast((step) => step.kind === "name")?.name;
    const { text, number } = this.#operand;
    const isLiteral = ["=", "==", "contains"].includes(this.#operator ?? "");
    // 1.50 is 1.5, but a whole number has one way to be written, perhaps with .0 after it.
    const isSure = number === undefined || this.#operator === "contains" || /^-?\d+$/.test(text);
    return [...(name === undefined ? [] : [name]), ...(isLiteral && isSure ? [text] : [])];
  }

  /** Whether the value meets the condition; at `[*]`, whether one of the elements does. */
  holds(value: unknown): boolean {
    return visit(value, this.#steps, 0, (found) => this.#compare(found));
  }

  #compare(value: unknown): boolean {
    const operand = this.#operand;
    switch (this.#operator) {
      case undefined:
        return true;
      case "=":
      case "==":
        return isEqual(value, operand);
      case "!=":
        return !isEqual(value, operand);
      case "contains":
        return contains(value, operand);
      default:
        return isOrdered(this.#operator, value, operand);
    }
  }
}

function isEqual(value: unknown, { text, number, isQuoted }: Operand): boolean {
  if (typeof value === "string") return value === text;
  if (isQuoted) return false;
  if (typeof value === "number") return value === number;
  return (typeof value === "boolean" || value === null) && String(value) === text;
}

function contains(value: unknown, operand: Operand): boolean {
  if (typeof value === "string") return includesText(value, operand.text);
  if (typeof value === "number") return String(value).includes(operand.text);
  if (Array.isArray(value)) return value.some((each) => isEqual(each, operand));
  return typeof value === "object" && value !== null && Object.hasOwn(value, operand.text);
}

/** Whether a text contains another, in a time that does not depend on how often it nearly does. */
export function includesText(text: string, part: string): boolean {
  return part.length <= SHORT_LENGTH_MAX ? text.includes(part) : Buffer.from(text).includes(part);
}

/** Numbers by their size, texts by their characters, so that times in ISO 8601 are in order. */
function isOrdered(
  operator: "<" | "<=" | ">" | ">=",
  value: unknown,
  { text, number }: Operand,
): boolean {
  if (typeof value === "number" && number !== undefined) return inOrder(operator, value - number);
  if (typeof value !== "string") return false;
  return inOrder(operator, value < text ? -1 : value > text ? 1 : 0);
}

function inOrder(operator: "<" | "<=" | ">" | ">=", difference: number): boolean {
  if (difference === 0) return operator.length === 2;
  return difference < 0 === operator.startsWith("<");
}

class ConditionParser {
  readonly #text: string;
  readonly #what: "condition" | "path";
  #at = 0;

  constructor(text: string, what: "condition" | "path") {
    this.#text = text;
    this.#what = what;
  }

  steps(): Step[] {
    if (this.#text.startsWith("$")) this.#at++;
    const steps: Step[] = [];
    for (let step = this.#step(); step !== undefined; step = this.#step()) {
      if (steps.length === STEPS_MAX) throw this.#fault(`a path has at most ${STEPS_MAX} steps`);
      steps.push(step);
    }
    if (this.#at === 0) throw this.#fault("expected a path such as $.order.id");
    return steps;
  }

  end(): void {
    if (this.#at < this.#text.length) throw this.#fault("expected the end");
  }

  comparison(): { readonly operator: Operator | undefined; readonly operand: Operand } {
    const rest = this.#text.slice(this.#at).trimStart();
    if (rest === "") return { operator: undefined, operand: operandOf("") };
    const operator = OPERATORS.find((each) => rest.startsWith(each));
    if (operator === undefined) {
      throw this.#fault(`expected one of ${OPERATORS.join(" ")}, or the end`);
    }
    const text = rest.slice(operator.length).trim();
    if (text === "") throw this.#fault(`expected something to compare with after ${operator}`);
    return { operator, operand: operandOf(text) };
  }

  #step(): Step | undefined {
    if (this.#take(EACH) !== undefined) return { kind: "each" };
    const index = this.#take(INDEX);
    if (index !== undefined) return { kind: "index", index: Number(index) };
    const quoted = this.#take(QUOTED_NAME);
    if (quoted !== undefined) return { kind: "name", name: this.#unquoted(quoted) };
    // Only the first name may lack its dot; "contains" after a space is no name.
    const hasDot = this.#text[this.#at] === ".";
    const name = hasDot || this.#at === 0 ? this.#take(NAME) : undefined;
    if (name !== undefined) return { kind: "name", name };
    if (hasDot) throw this.#fault("expected a name after the dot");
    return undefined;
  }

  #take(pattern: RegExp): string | undefined {
    const found = pattern.exec(this.#text.slice(this.#at));
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found[1] ?? "";
  }

  #unquoted(text: string): string {
    if (text.startsWith("'")) return text.slice(1, -1);
    const name = parsedString(text);
    if (name === undefined) throw this.#fault(`${text} is not a JSON string`);
    return name;
  }

  #fault(why: string): RustLogError {
    const message = `in the JSON ${this.#what}, at character ${this.#at + 1}: ${why}`;
    return new RustLogError("INVALID_REQUEST", message);
  }
}

function operandOf(text: string): Operand {
  const quoted = text.startsWith('"') ? parsedString(text) : undefined;
  if (quoted !== undefined) return { text: quoted, number: undefined, isQuoted: true };
  const isNumber = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text);
  return { text, number: isNumber ? Number(text) : undefined, isQuoted: false };
}

function parsedString(text: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "string" ? parsed : undefined;
  } catch {
    return undefined;
  }
}
