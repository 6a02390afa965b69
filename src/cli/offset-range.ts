// Parses where to read from and to: START[:END].
// Leaves to others: resolving earliest, latest, -N and a time to an offset (client/offset-spec.ts).
//
//   range = place [":" place] | ":" place
//   place = "earliest" | "latest" | N | "-" N | "@" time      (beginning, start: earliest; end: latest)
//   time  = milliseconds since 1970 | ISO 8601 date and time | "-" duration (so long ago)
//
// A time of day contains colons, so a text that is a valid place as a whole is never split.
import { InvalidArgumentError } from "@commander-js/extra-typings";
import type { OffsetSpec } from "../client/offset-spec.js";
import { OFFSET_MAX } from "../limits.js";
import { tryParseDuration } from "./duration.js";

/** The range to read; `end` is exclusive. */
export interface OffsetRangeSpec {
  readonly start: OffsetSpec;
  /** Undefined without an END. */
  readonly end: OffsetSpec | undefined;
}

/** The names that Kafka, kcat and rpk use for both ends. */
const NAMED_PLACES: Readonly<Record<string, "earliest" | "latest">> = {
  earliest: "earliest",
  beginning: "earliest",
  start: "earliest",
  latest: "latest",
  end: "latest",
};

/** A time of day without a date: its colons would be read as range separators. */
const TIME_OF_DAY = /^@\d{1,2}:\d\d(?::\d\d)?$/;

const EXPECTED =
  "Expected an offset: earliest, latest, N, -N (from the end) or @TIME (milliseconds, ISO 8601, or ago: @-10m)";

/** Parses START, START:END or :END. Throws InvalidArgumentError. */
export function parseOffsetRange(text: string, nowMs: number = Date.now()): OffsetRangeSpec {
  const whole = tryParseOffset(text, nowMs);
  if (whole !== undefined) return { start: whole, end: undefined };
  for (let at = text.indexOf(":"); at !== -1; at = text.indexOf(":", at + 1)) {
    const start = at === 0 ? "earliest" : tryParseOffset(text.slice(0, at), nowMs);
    const end = tryParseOffset(text.slice(at + 1), nowMs);
    if (start === undefined || end === undefined) continue;
    if (TIME_OF_DAY.test(text)) throw new InvalidArgumentError(`${EXPECTED}; a time needs a date.`);
    if (isImpossible(start, end)) {
      throw new InvalidArgumentError("The range is empty: END is before START.");
    }
    return { start, end };
  }
  throw new InvalidArgumentError(`${EXPECTED}; or a range START:END, END is exclusive.`);
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
  if (spec === undefined) throw new InvalidArgumentError(`${EXPECTED}.`);
  return spec;
}

function tryParseOffset(text: string, nowMs: number): OffsetSpec | undefined {
  const named = NAMED_PLACES[text];
  if (named !== undefined) return named;
  if (text.startsWith("@")) {
    const timestamp = tryParseTime(text.slice(1), nowMs);
    return timestamp === undefined ? undefined : { timestamp };
  }
  const match = /^(-?)(\d+)$/.exec(text);
  if (match === null) return undefined;
  const count = Number(match[2]);
  if (count > OFFSET_MAX) return undefined;
  return match[1] === "-" ? { fromEnd: count } : count;
}

/** Milliseconds since 1970 of a time, with or without the @ of a place. Throws InvalidArgumentError. */
export function parseTime(text: string): number {
  const ms = tryParseTime(text.replace(/^@/, ""), Date.now());
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError(
    "Expected milliseconds since 1970, ISO 8601, or a time ago (-10m).",
  );
}

const ISO_8601 =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?)?$/;

/** Milliseconds since 1970, or undefined if `text` is not a time. Without a zone it is local time. */
export function tryParseTime(text: string, nowMs: number): number | undefined {
  if (/^\d+$/.test(text)) {
    const ms = Number(text);
    return ms <= OFFSET_MAX ? ms : undefined;
  }
  if (text.startsWith("-")) {
    const agoMs = tryParseDuration(text.slice(1));
    return agoMs === undefined ? undefined : Math.max(0, nowMs - agoMs);
  }
  const match = ISO_8601.exec(text);
  if (match === null || !isDate(match[1]!)) return undefined;
  const zone = (match[3] ?? "").replace(/^([+-]\d\d)(\d\d)$/, "$1:$2");
  // Date.parse reads a bare date as UTC but a date with a time as local. Use local for both.
  const ms = Date.parse(`${match[1]}T${match[2] ?? "00:00"}${zone}`);
  return Number.isNaN(ms) || ms < 0 ? undefined : ms;
}

/** Rejects dates such as 30 February, which Date.parse would turn into 2 March. */
function isDate(text: string): boolean {
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}
