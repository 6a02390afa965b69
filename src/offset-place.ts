// Places in a partition: what they mean, and how people write them on the command line and on the page.
// Leaves to others: the range of the partition, and looking up a time.
//
//   range = place [":" place] | ":" place
//   place = "earliest" | "latest" | N | "-" N | "@" time      (beginning, start: earliest; end: latest)
//   time  = milliseconds since 1970 | ISO 8601 date and time | "-" duration (so long ago)
import { tryParseDuration } from "./duration.js";
import { OFFSET_MAX } from "./limits.js";

/**
 * A place in a partition: the log start, the high watermark, an exact offset, `fromEnd` offsets before the high
 * watermark (not before the log start; where the log has gaps, fewer records), or the first record not older than
 * `timestamp` (milliseconds since 1970).
 */
export type OffsetSpec =
  "earliest" | "latest" | number | { readonly fromEnd: number } | { readonly timestamp: number };

/** The offsets a partition holds: from `logStartOffset` to one below `highWatermark`. */
export interface OffsetRange {
  readonly logStartOffset: number;
  readonly highWatermark: number;
}

/** The offset of a place in a partition with this range. A number is returned unchanged, even outside of the range. */
export function offsetAt(
  spec: OffsetSpec,
  range: OffsetRange,
  offsetForTimestamp: (ms: number) => Promise<number>,
): number | Promise<number> {
  if (spec === "earliest") return range.logStartOffset;
  if (spec === "latest") return range.highWatermark;
  if (typeof spec === "number") return spec;
  if ("fromEnd" in spec) return Math.max(range.logStartOffset, range.highWatermark - spec.fromEnd);
  return offsetForTimestamp(spec.timestamp);
}

/** The names that Kafka, kcat and rpk use for both ends. */
const NAMED_PLACES: Readonly<Record<string, "earliest" | "latest">> = {
  earliest: "earliest",
  beginning: "earliest",
  start: "earliest",
  latest: "latest",
  end: "latest",
};

/** What to write, for messages. */
export const EXPECTED_PLACE =
  "Expected an offset: earliest, latest, N, -N (from the end) or @TIME (milliseconds, ISO 8601, or ago: @-10m)";

/** The place that `text` names, or undefined. */
export function tryParseOffset(text: string, nowMs: number): OffsetSpec | undefined {
  if (Object.hasOwn(NAMED_PLACES, text)) return NAMED_PLACES[text];
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

/**
 * The texts of START and END in START:END or :END, of which START may be ""; undefined if `text` is no such range. A time of day
 * contains colons, so a text that is a place as a whole is never split.
 */
export function splitRange(text: string, nowMs: number): readonly [string, string] | undefined {
  const isPlace = (part: string): boolean => tryParseOffset(part, nowMs) !== undefined;
  if (isPlace(text)) return undefined;
  for (let at = text.indexOf(":"); at !== -1; at = text.indexOf(":", at + 1)) {
    const [start, end] = [text.slice(0, at), text.slice(at + 1)];
    if ((start === "" || isPlace(start)) && isPlace(end)) return [start, end];
  }
  return undefined;
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
