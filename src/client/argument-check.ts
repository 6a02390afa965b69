// Checks the arguments of callers, for JavaScript programs that no compiler has checked.
// Leaves to others: numbers of options (option-check), records (record-check), and which names a broker accepts.

import { type ErrorName, RustLogError } from "../errors.js";

/** The kind of a value, for messages: "a number", "an array", "a Date". */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  const type = typeof value;
  if (type !== "object") return `a ${type}`;
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  if (typeof name !== "string" || name === "" || name === "Object") return "an object";
  return `${/^[AEIOU]/.test(name) && !/^U(?:in|R)/.test(name) ? "an" : "a"} ${name}`;
}

/** The error for an argument of the wrong type. */
export function wrongType(
  code: ErrorName,
  what: string,
  expected: string,
  value: unknown,
): RustLogError {
  return new RustLogError(code, `${what} must be ${expected}, not ${kindOf(value)}`, {
    help: "Convert it before the call; nothing was sent.",
  });
}

/** Throws `code` unless `value` is a string. */
export function checkString(code: ErrorName, what: string, value: unknown): void {
  if (typeof value !== "string") throw wrongType(code, what, "a string", value);
}

/** Throws `code` unless `value` is true or false. */
export function checkBoolean(code: ErrorName, what: string, value: unknown): void {
  if (typeof value !== "boolean") throw wrongType(code, what, "true or false", value);
}

/** Throws INVALID_CONFIG unless `value` is undefined or a function. */
export function checkCallback(what: string, value: unknown): void {
  if (value === undefined || typeof value === "function") return;
  throw wrongType("INVALID_CONFIG", what, "a function", value);
}

/** Throws INVALID_CONFIG unless `value` is undefined or one of `choices`. */
export function checkChoice(what: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || choices.some((choice) => choice === value)) return;
  const found = typeof value === "string" ? `'${value}'` : kindOf(value);
  const message = `${what} must be one of ${choices.join(", ")}, not ${found}`;
  throw new RustLogError("INVALID_CONFIG", message, { help: "Choose one of these." });
}

/** Throws `code` unless `value` is an object and not an array. */
export function checkObject(code: ErrorName, what: string, value: unknown): void {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  throw wrongType(code, what, "an object", value);
}

/** Throws `code` unless `value` is an array. */
export function checkArray(code: ErrorName, what: string, value: unknown): void {
  if (!Array.isArray(value)) throw wrongType(code, what, "an array", value);
}

/** Throws `code` unless `value` is a safe integer of 0 or more. */
export function checkNatural(code: ErrorName, what: string, value: unknown): void {
  if (typeof value !== "number") throw wrongType(code, what, "a whole number of 0 or more", value);
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new RustLogError(code, `${what} must be a whole number of 0 or more, not ${value}`, {
    help: "Nothing was sent.",
  });
}
