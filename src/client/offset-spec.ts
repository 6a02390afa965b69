// Ways to name an offset (earliest, latest, a number, from the end, a time), and their resolution to a number.
// Leaves to others: requesting the range of a partition (admin, consumer) and the offset for a time (time-lookup).

import { RustLogError } from "../errors.js";
import { OFFSET_MAX } from "../limits.js";
import { wrongType } from "./argument-check.js";

/**
 * A place in a partition: the log start, the high watermark, an exact offset, `fromEnd` offsets before the high
 * watermark (not before the log start; where the log has gaps, fewer records), or the first record not older than
 * `timestamp` (milliseconds since 1970).
 */
export type OffsetSpec =
  "earliest" | "latest" | number | { readonly fromEnd: number } | { readonly timestamp: number };

/** The offsets a partition holds: from `logStartOffset` to one below `highWatermark`. */
interface OffsetRange {
  readonly logStartOffset: number;
  readonly highWatermark: number;
}

/**
 * The offset that `spec` stands for in a partition with this range. A number is returned unchanged, even outside of the
 * range. Throws INVALID_REQUEST for an invalid spec.
 */
export function resolveOffset(
  spec: OffsetSpec,
  range: OffsetRange,
  offsetForTimestamp: (ms: number) => Promise<number>,
): number | Promise<number> {
  if (spec === "earliest") return range.logStartOffset;
  if (spec === "latest") return range.highWatermark;
  if (typeof spec === "number") return checkNatural(spec, "an offset");
  if ("fromEnd" in spec) {
    const back = checkNatural(spec.fromEnd, "a count from the end");
    return Math.max(range.logStartOffset, range.highWatermark - back);
  }
  return offsetForTimestamp(checkNatural(spec.timestamp, "a timestamp in milliseconds"));
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

function checkNatural(value: unknown, what: string): number {
  if (typeof value !== "number") throw wrongType("INVALID_REQUEST", what, "a number", value);
  if (Number.isInteger(value) && value >= 0 && value <= OFFSET_MAX) return value;
  throw new RustLogError(
    "INVALID_REQUEST",
    `${what} is a whole number from 0 to ${OFFSET_MAX}, not ${value}`,
  );
}
