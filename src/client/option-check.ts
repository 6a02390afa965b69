// The check of a number that an option gives. Leaves to others: which options there are (client, producer, consumer).

import { RustLogError } from "../errors.ts";
import { kindOf } from "./argument-check.ts";

/** The value of option `name` if it is in its range, both ends included; else throws INVALID_CONFIG. */
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
