// Checks the places in a partition that a program names: earliest, latest, a number, from the end, a time.
// Leaves to others: what they mean (offset-place.ts in src/), requesting the range of a partition (admin, consumer) and the
// offset for a time (time-lookup).
import { RustLogError } from "../errors.js";
import { OFFSET_MAX } from "../limits.js";
import { offsetAt, type OffsetRange, type OffsetSpec } from "../offset-place.js";
import { wrongType } from "./argument-check.js";

export type { OffsetSpec };

/**
 * The offset that `spec` stands for in a partition with this range. A number is returned unchanged, even outside of the
 * range. Throws INVALID_REQUEST for an invalid spec.
 */
export function resolveOffset(
  spec: OffsetSpec,
  range: OffsetRange,
  offsetForTimestamp: (ms: number) => Promise<number>,
): number | Promise<number> {
  checkOffsetSpec("an offset", spec);
  return offsetAt(spec, range, offsetForTimestamp);
}

/** Throws INVALID_REQUEST, naming `what`, for an invalid spec. */
export function checkOffsetSpec(what: string, spec: unknown): void {
  if (typeof spec === "number") checkNatural(spec, what);
  else if (typeof spec === "object" && spec !== null && "fromEnd" in spec) {
    checkNatural(spec.fromEnd, `fromEnd in ${what}`);
  } else if (typeof spec === "object" && spec !== null && "timestamp" in spec) {
    checkNatural(spec.timestamp, `timestamp in ${what}`);
  } else if (spec !== "earliest" && spec !== "latest") {
    const forms = '"earliest", "latest", a number, { fromEnd } or { timestamp }';
    throw wrongType("INVALID_REQUEST", what, forms, spec);
  }
}

function checkNatural(value: unknown, what: string): void {
  if (typeof value !== "number") throw wrongType("INVALID_REQUEST", what, "a number", value);
  if (Number.isInteger(value) && value >= 0 && value <= OFFSET_MAX) return;
  throw new RustLogError(
    "INVALID_REQUEST",
    `${what} is a whole number from 0 to ${OFFSET_MAX}, not ${value}`,
  );
}
