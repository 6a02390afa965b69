// Durations as people write them: 250, 250ms, 10s, 5m, 1h30m, 7d.
// Leaves to others: what is said about an invalid one (cli/duration.ts).
import { OFFSET_MAX } from "./limits.js";

/** Milliseconds of each unit, ascending. */
export const MS_BY_UNIT: Readonly<Record<string, number>> = {
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

function checked(ms: number): number | undefined {
  return ms <= OFFSET_MAX ? ms : undefined;
}
