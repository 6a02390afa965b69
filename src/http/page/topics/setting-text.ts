// Values of settings as people read and write them: 7 days, 64 KiB, no limit.
// Leaves to others: reading what they write (topics/setting-units.ts, in the broker).
import { formatCount } from "../parts/format.js";

/** Kafka's largest number, which stands for no limit. */
const UNLIMITED = "9223372036854775807";

/** Settings with a value that stands for no limit. */
const MAY_BE_NONE = /^retention\.|^message\.timestamp\..*\.max\.ms$|^max\.compaction\.lag\.ms$/;

const TIMES = [
  ["d", "day", 86_400_000],
  ["h", "hour", 3_600_000],
  ["m", "minute", 60_000],
  ["s", "second", 1000],
] as const;

const SIZES = [
  ["TiB", 2 ** 40],
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
] as const;

/** A value in words: `7 days`, `64 KiB`, `no limit`, `delete`. */
export function settingText(name: string, value: string): string {
  if (value === "") return "none";
  if (isNoLimit(name, value)) return "no limit";
  const number = wholeNumber(value);
  if (number === undefined) return value;
  if (name.endsWith(".ms")) return durationText(number);
  if (name.endsWith(".bytes")) return sizeText(number);
  return value;
}

/** A value as it may be written in a field: `7d`, `64KiB`, `none`. */
export function settingInput(name: string, value: string): string {
  if (isNoLimit(name, value)) return "none";
  const number = wholeNumber(value);
  if (number === undefined || number === 0) return value;
  if (name.endsWith(".ms")) {
    const time = TIMES.find(([, , ms]) => number % ms === 0);
    return time === undefined ? `${value}ms` : `${number / time[2]}${time[0]}`;
  }
  if (!name.endsWith(".bytes")) return value;
  const size = SIZES.find(([, bytes]) => number % bytes === 0);
  return size === undefined ? value : `${number / size[1]}${size[0]}`;
}

/** What may be written for a setting. */
export function settingHint(name: string, type: string): string {
  const none = MAY_BE_NONE.test(name) ? "; none for no limit" : "";
  if (name.endsWith(".ms")) return `a time, such as 500ms, 90s, 12h or 7d${none}`;
  if (name.endsWith(".bytes")) return `a size, such as 4096, 64KiB or 1GiB${none}`;
  if (type === "double") return "a number, such as 0.5";
  return type === "list" ? "values with commas between them" : "a whole number";
}

/** What a setting means, without how its value is written elsewhere: the page shows and takes units, and none. */
export function settingMeaning(documentation: string): string {
  return documentation.replace(
    /, in (?:milliseconds|bytes)(?:; (?:-1|negative) for [a-z ]+)?\./,
    ".",
  );
}

/** Milliseconds in their largest whole unit: `90 minutes`. */
export function durationText(ms: number): string {
  const time = TIMES.find(([, , unit]) => ms !== 0 && ms % unit === 0);
  if (time === undefined) return `${formatCount(ms)} ms`;
  const [, word, unit] = time;
  const count = ms / unit;
  return `${formatCount(count)} ${word}${count === 1 ? "" : "s"}`;
}

/** Bytes in their largest whole unit: `64 KiB`, `1,000,000 bytes`. */
function sizeText(bytes: number): string {
  const size = SIZES.find(([, unit]) => bytes !== 0 && bytes % unit === 0);
  if (size === undefined) return `${formatCount(bytes)} ${bytes === 1 ? "byte" : "bytes"}`;
  return `${formatCount(bytes / size[1])} ${size[0]}`;
}

function isNoLimit(name: string, value: string): boolean {
  return value === UNLIMITED || (name.startsWith("retention.") && value.startsWith("-"));
}

function wholeNumber(text: string): number | undefined {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : undefined;
  return number !== undefined && Number.isSafeInteger(number) ? number : undefined;
}

/** How long a topic keeps records: `7 days, 1 GiB`. */
export function retentionText(topic: {
  readonly cleanup: string;
  readonly retentionMs: number;
  readonly retentionBytes: number;
}): string {
  const { cleanup, retentionMs, retentionBytes } = topic;
  if (!cleanup.includes("delete")) return "no limit";
  const limits = [
    ...(isLimit(retentionMs) ? [durationText(retentionMs)] : []),
    ...(isLimit(retentionBytes) ? [`${sizeText(retentionBytes)} per partition`] : []),
  ];
  return limits.length === 0 ? "no limit" : limits.join(", ");
}

/** The broker's own numbers stop at the largest safe integer. */
function isLimit(value: number): boolean {
  return value >= 0 && value < Number.MAX_SAFE_INTEGER;
}
