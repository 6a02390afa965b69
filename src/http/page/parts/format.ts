// Numbers for people. Leaves to others: where to show them.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const GROUPED = new Intl.NumberFormat("en-US");

export function formatCount(value: number): string {
  return GROUPED.format(value);
}

/** Bytes with a unit: `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${UNITS[unit]}`;
}

/** Milliseconds with a useful number of digits. */
export function formatMs(ms: number): string {
  return `${ms >= 10 ? ms.toFixed(0) : ms.toFixed(2)} ms`;
}

/** A time by the reader's clock with its zone, as it can be typed: `2026-07-01 14:00:00.123+02:00`; `—` for none. */
export function formatTime(ms: number | null): string {
  if (ms === null || ms < 0) return "—";
  const date = new Date(ms);
  const shifted = new Date(ms - date.getTimezoneOffset() * 60_000);
  if (Number.isNaN(shifted.getTime())) return `${ms} ms`;
  return shifted
    .toISOString()
    .replace("T", " ")
    .replace("Z", offsetOf(date) || "Z");
}

/** The zone of the reader's clock at a time: `UTC`, `UTC+02:00`. */
export function zoneText(at = new Date()): string {
  return `UTC${offsetOf(at)}`;
}

/** `+02:00`; "" for UTC. */
function offsetOf(at: Date): string {
  const minutes = -at.getTimezoneOffset();
  if (minutes === 0) return "";
  const two = (part: number): string => String(Math.floor(part)).padStart(2, "0");
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(size / 60)}:${two(size % 60)}`;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/** A time of the last day as the clock on the wall shows it: `14:05:00`. */
export function formatClock(ms: number): string {
  return CLOCK.format(ms);
}

const AGES = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
] as const;

/** How long something is ago, or takes, in its largest unit: `20 min`. */
export function formatAge(ms: number): string {
  for (const [unitMs, unit] of AGES) {
    if (ms >= 1.5 * unitMs) return `${formatCount(Math.round(ms / unitMs))} ${unit}`;
  }
  return `${Math.max(0, Math.round(ms / 1000))} s`;
}

/** How long ago a moment was, by the clock of the browser: `20 min ago`; `—` if it is not known. */
export function formatAgo(ms: number | null): string {
  return ms === null ? "—" : `${formatAge(Date.now() - ms)} ago`;
}

/** A count with its noun: `1 batch`, `2 batches`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
