// Durations on the command line, such as 250, 250ms, 10s, 5m, 1h30m, 7d.
// Leaves to others: the grammar (duration.ts in src/).
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { MS_BY_UNIT, tryParseDuration } from "../duration.js";

/** Milliseconds of a duration. Throws InvalidArgumentError. */
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
