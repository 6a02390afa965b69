// Checks a numeric option. Leaves to others: the options (client, producer, consumer).

import { RustLogError } from "../errors.js";
import { kindOf } from "./argument-check.js";

/** Returns the value of option `name`. Throws INVALID_CONFIG unless it is from `min` to `max`, both included. */
export function inRange(
  name: string,
  value: number,
  min: number,
  max = Number.POSITIVE_INFINITY,
): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  const range = max === Number.POSITIVE_INFINITY ? `${min} or more` : `from ${min} to ${max}`;
  throw new RustLogError(
    "INVALID_CONFIG",
    `${name} is ${range}, not ${typeof value === "number" ? value : kindOf(value)}`,
  );
}
