// Parses topic settings with units: durations and sizes. The broker takes whole numbers.
// Leaves to others: the settings and their ranges (topics/topic-settings.ts).
import { tryParseDuration } from "../duration.js";
import { nameValueList } from "./numbers.js";
import { tryParseSize } from "./size.js";
import { LONG_MAX } from "../topics/config-value.js";

/** What stands for no limit. */
const NO_LIMIT: readonly (readonly [setting: RegExp, value: string])[] = [
  [/^(?:log\.)?retention\./, "-1"],
  [/^(?:log\.)?message\.timestamp\..*\.max\.ms$|\bmax\.compaction\.lag\.ms$/, LONG_MAX],
];

type Setting = readonly [name: string, value: string];

/** Parses NAME=VALUE and appends it to the settings from earlier uses of the option. */
export function settingList(text: string, previous: readonly Setting[] = []): readonly Setting[] {
  const settings = nameValueList(text, previous);
  const [name, value] = settings.at(-1)!;
  return [...settings.slice(0, -1), [name, inUnits(name, value)]];
}

/** The value in milliseconds or bytes. Returns anything else unchanged, for the broker to reject. */
export function inUnits(name: string, value: string): string {
  if (/^-?\d+$/.test(value)) return value;
  if (value === "none") return NO_LIMIT.find(([pattern]) => pattern.test(name))?.[1] ?? value;
  if (name.endsWith(".ms")) return String(tryParseDuration(value.trim()) ?? value);
  if (name.endsWith(".bytes")) return String(tryParseSize(value) ?? value);
  return value;
}
