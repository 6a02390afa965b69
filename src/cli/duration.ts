// Parses durations such as 250, 250ms, 10s, 5m, 1h30m, 7d.
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { OFFSET_MAX } from "../limits.js";

const MS_BY_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds of a duration (a bare number is in milliseconds), or undefined if `text` is not one. */
export function tryParseDuration(text: string): number | undefined {
  if (/^\d+$/.test(text)) return checked(Number(text));
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) {
    ms += Number(amount) * MS_BY_UNIT[unit!]!;
  }
  return checked(Math.round(ms));
}

/** Like tryParseDuration, but throws InvalidArgumentError. */
export function parseDuration(text: string): number {
  const ms = tryParseDuration(text.trim());
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError("Expected a duration, such as 250ms, 10s, 5m, 1h30m or 7d.");
}

/** Like parseDuration; `none` and -1 mean no limit and return -1. */
export function parseDurationOrNone(text: string): number {
  return text === "none" || text === "-1" ? -1 : parseDuration(text);
}

/** Formats a duration in its largest whole unit: 90m, 1w. */
export function formatDuration(ms: number): string {
  const units = Object.entries(MS_BY_UNIT).filter(([, it]) => ms > 0 && ms % it === 0);
  const [unit, unitMs] = units.at(-1) ?? ["ms", 1];
  return `${ms / unitMs}${unit}`;
}

function checked(ms: number): number | undefined {
  return ms <= OFFSET_MAX ? ms : undefined;
}
