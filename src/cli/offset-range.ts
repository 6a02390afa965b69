// Parses where to read from and to: START[:END].
// Leaves to others: the grammar (offset-place.ts in src/), and resolving a place to an offset (client/offset-spec.ts).
import { InvalidArgumentError } from "@commander-js/extra-typings";
import {
  EXPECTED_PLACE,
  type OffsetSpec,
  splitRange,
  tryParseOffset,
  tryParseTime,
} from "../offset-place.js";

/** The range to read; `end` is exclusive. */
export interface OffsetRangeSpec {
  readonly start: OffsetSpec;
  /** Undefined without an END. */
  readonly end: OffsetSpec | undefined;
}

/** A time of day without a date: its colons would be read as range separators. */
const TIME_OF_DAY = /^@\d{1,2}:\d\d(?::\d\d)?$/;

/** Parses START, START:END or :END. Throws InvalidArgumentError. */
export function parseOffsetRange(text: string, nowMs: number = Date.now()): OffsetRangeSpec {
  const whole = tryParseOffset(text, nowMs);
  if (whole !== undefined) return { start: whole, end: undefined };
  const [first = "", last = ""] = splitRange(text, nowMs) ?? [];
  const start = first === "" ? "earliest" : tryParseOffset(first, nowMs);
  const end = tryParseOffset(last, nowMs);
  if (start !== undefined && end !== undefined) {
    if (TIME_OF_DAY.test(text))
      throw new InvalidArgumentError(`${EXPECTED_PLACE}; a time needs a date.`);
    if (isImpossible(start, end)) {
      throw new InvalidArgumentError("The range is empty: END is before START.");
    }
    return { start, end };
  }
  throw new InvalidArgumentError(`${EXPECTED_PLACE}; or a range START:END, END is exclusive.`);
}

/** Whether the range is empty for every possible partition. */
function isImpossible(start: OffsetSpec, end: OffsetSpec): boolean {
  if (end === "earliest") return true;
  if (typeof end === "number") return typeof start === "number" && start > end;
  if (end === "latest") return false;
  if ("fromEnd" in end) {
    if (start === "latest") return true;
    return typeof start === "object" && "fromEnd" in start && start.fromEnd < end.fromEnd;
  }
  return typeof start === "object" && "timestamp" in start && start.timestamp > end.timestamp;
}

/** Parses one place. Throws InvalidArgumentError. */
export function parseOffset(text: string, nowMs: number = Date.now()): OffsetSpec {
  const spec = tryParseOffset(text, nowMs);
  if (spec === undefined) throw new InvalidArgumentError(`${EXPECTED_PLACE}.`);
  return spec;
}

/** Milliseconds since 1970 of a time, with or without the @ of a place. Throws InvalidArgumentError. */
export function parseTime(text: string): number {
  const ms = tryParseTime(text.replace(/^@/, ""), Date.now());
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError(
    "Expected milliseconds since 1970, ISO 8601, or a time ago (-10m).",
  );
}
