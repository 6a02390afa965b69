// The parts of a time that the records over time are counted in: which time a place of the records view is about, and the place
// of some parts. Pure.
// Leaves to others: drawing them (time-bars.ts), and counting (services/records/records-over-time.ts).
import { OFFSET_MAX } from "../../../limits.js";
import { tryParseTime } from "../../../offset-place.js";
import { countOf } from "../parts/format.js";
import { timeText } from "./record-text.js";
import type { RecordsPlace } from "./records-place.js";

/** Records in each part of a time; `fromMs` to `toMs`, both included, in milliseconds since 1970. */
export interface TimeParts {
  readonly fromMs: number;
  readonly toMs: number;
  readonly counts: readonly number[];
}

/** What to ask for: undefined for the time of the oldest record, and of the newest one. */
export interface AskedTime {
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/** The time that a place names. An offset names none. */
export function askedTime({ from, to }: RecordsPlace, nowMs: number): AskedTime {
  const timeOf = (text: string): number | undefined =>
    text.startsWith("@") ? tryParseTime(text.slice(1), nowMs) : undefined;
  const end = timeOf(to);
  // A range ends before it.
  return { from: timeOf(from), to: end === undefined ? undefined : Math.max(0, end - 1) };
}

/** The first millisecond of part `i`, or with the number of parts the one after the last part. */
function startOf({ fromMs, toMs, counts }: TimeParts, i: number): number {
  if (i === 0) return fromMs;
  return Math.floor(fromMs + (i * Math.max(1, toMs - fromMs)) / counts.length) + 1;
}

/** The range of the records view that parts `first` to `last` are. */
export function rangeOfParts(
  parts: TimeParts,
  first: number,
  last: number,
): { readonly from: string; readonly to: string } {
  const at = (i: number): string => placeAt(startOf(parts, i));
  return { from: at(first), to: at(last + 1) };
}

/** A time as the broker reads it. Records may have times that it does not read as dates. */
function placeAt(ms: number): string {
  return `@${ms < YEAR_10000_MS ? new Date(ms).toISOString() : Math.min(ms, OFFSET_MAX)}`;
}

const YEAR_10000_MS = Date.UTC(10_000);

/** What parts `first` to `last` have, in words. */
export function partWords(parts: TimeParts, first: number, last: number, isUtc: boolean): string {
  const count = parts.counts.slice(first, last + 1).reduce((sum, each) => sum + each, 0);
  // To the second.
  const at = (i: number): string => timeText(startOf(parts, i), isUtc).replace(/\.\d{3}$/, "");
  return `about ${countOf(count, "record")} from ${at(first)} to ${at(last + 1)}`;
}
