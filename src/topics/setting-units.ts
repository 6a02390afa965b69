// Sizes as people write them, and settings with sizes and durations: 7d, 1h30m, 1GiB.
// Leaves to others: durations (duration.ts), the settings and their ranges (topic-configs.ts).
import { tryParseDuration } from "../duration.js";
import { OFFSET_MAX } from "../limits.js";
import { LONG_MAX } from "./config-value.js";

const BYTES_BY_UNIT: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
};

/** What stands for no limit. */
const NO_LIMIT: readonly (readonly [setting: RegExp, value: string])[] = [
  [/^(?:log\.)?retention\./, "-1"],
  [/^(?:log\.)?message\.timestamp\..*\.max\.ms$|\bmax\.compaction\.lag\.ms$/, LONG_MAX],
];

/**
 * The value of a setting in milliseconds or bytes. Returns anything else unchanged, for the check of the setting to
 * reject.
 */
export function inUnits(name: string, value: string): string {
  if (/^-?\d+$/.test(value)) return value;
  if (value === "none") return NO_LIMIT.find(([pattern]) => pattern.test(name))?.[1] ?? value;
  if (name.endsWith(".ms")) return String(tryParseDuration(value.trim()) ?? value);
  if (name.endsWith(".bytes")) return String(tryParseSize(value) ?? value);
  return value;
}

/**
 * Bytes of a size such as `4096`, `64KiB`, `1m` or `10MB`, or undefined if `text` is not one. A bare letter means a power
 * of 1024, like KiB; only KB, MB, GB and TB are powers of 1000.
 */
export function tryParseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unitBytes = match === null ? undefined : BYTES_BY_UNIT[match[2]!.toLowerCase()];
  if (match !== null && unitBytes !== undefined) {
    const bytes = Number(match[1]) * unitBytes;
    if (Number.isInteger(bytes) && bytes <= OFFSET_MAX) return bytes;
  }
  return undefined;
}
