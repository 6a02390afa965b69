// Where to read from and to, as written on the command line: START[:END].
// Leaves to others: turning earliest, latest, -N and a time into an offset (client/offset-spec.ts).
//
//   range = place [":" place] | ":" place
//   place = "earliest" | "latest" | N | "-" N | "@" time      (beginning, start: earliest; end: latest)
//   time  = milliseconds since 1970 | ISO 8601 date and time | "-" duration (so long ago)
//
// A time of day holds colons itself: a text that is one place as a whole is never split.
import { InvalidArgumentError } from "@commander-js/extra-typings";
import type { OffsetSpec } from "../client/offset-spec.ts";
import { OFFSET_MAX } from "../limits.ts";
import { tryParseDuration } from "./duration.ts";

/** What to read: from `start`, up to but without `end`. */
export interface OffsetRangeSpec {
  readonly start: OffsetSpec;
  /** undefined: no end was asked for. */
  readonly end: OffsetSpec | undefined;
}

/** The names of Kafka, kcat and rpk for the two ends. */
const NAMED_PLACES: Readonly<Record<string, "earliest" | "latest">> = {
  earliest: "earliest",
  beginning: "earliest",
  start: "earliest",
  latest: "latest",
  end: "latest",
};

/** A time of day without a date: its colons would be taken for that of a range. */
const TIME_OF_DAY = /^@\d{1,2}:\d\d(?::\d\d)?$/;

const EXPECTED =
  "An offset is expected: earliest, latest, N, -N (from the end) or @TIME (milliseconds, ISO 8601, or ago: @-10m)";

/** Parses START, START:END or :END; throws InvalidArgumentError. */
export function parseOffsetRange(text: string, nowMs: number = Date.now()): OffsetRangeSpec {
  const whole = tryParseOffset(text, nowMs);
  if (whole !== undefined) return { start: whole, end: undefined };
  for (let at = text.indexOf(":"); at !== -1; at = text.indexOf(":", at + 1)) {
    const start = at === 0 ? "earliest" : tryParseOffset(text.slice(0, at), nowMs);
    const end = tryParseOffset(text.slice(at + 1), nowMs);
    if (start === undefined || end === undefined) continue;
    if (TIME_OF_DAY.test(text)) throw new InvalidArgumentError(`${EXPECTED}; a time needs a date.`);
    if (isImpossible(start, end)) {
      throw new InvalidArgumentError("The range is empty: END lies before START.");
    }
    return { start, end };
  }
  throw new InvalidArgumentError(`${EXPECTED}; or a range START:END, END not included.`);
}

/** Whether no record can lie between two places, whatever a partition holds. */
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

/** Parses one place; throws InvalidArgumentError. */
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

const ISO_8601 =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?)?$/;

/** Milliseconds since 1970 of a time, or undefined if `text` is none. Without a zone it is local time. */
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
  // A date alone would be taken for UTC, a date with a time for local: the same rule for both.
  const ms = Date.parse(`${match[1]}T${match[2] ?? "00:00"}${zone}`);
  return Number.isNaN(ms) || ms < 0 ? undefined : ms;
}

/** Date.parse takes 30 February for 2 March; a typing mistake should not become another day. */
function isDate(text: string): boolean {
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}
