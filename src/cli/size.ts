// Parses and formats sizes in bytes: 4096, 64KiB, 1m, 1.5GB.
// Leaves to others: the range an option allows.
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { OFFSET_MAX } from "../limits.js";

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

/**
 * Parses a size such as `4096`, `64KiB`, `1m` or `10MB`. A bare letter means a power of 1024, like KiB; only KB, MB, GB
 * and TB are powers of 1000. Throws InvalidArgumentError.
 */
export function parseSize(text: string): number {
  const bytes = tryParseSize(text);
  if (bytes !== undefined) return bytes;
  throw new InvalidArgumentError("Expected a size, such as 4096, 64KiB, 1m or 10MB.");
}

/** Like parseSize, but returns undefined if `text` is not a size. */
export function tryParseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unitBytes = match === null ? undefined : BYTES_BY_UNIT[match[2]!.toLowerCase()];
  if (match !== null && unitBytes !== undefined) {
    const bytes = Number(match[1]) * unitBytes;
    if (Number.isInteger(bytes) && bytes <= OFFSET_MAX) return bytes;
  }
  return undefined;
}

/** Like parseSize; `none` and -1 mean no limit and return -1. */
export function parseSizeOrNone(text: string): number {
  return text === "none" || text === "-1" ? -1 : parseSize(text);
}

/** Returns a parser of sizes from `min` to `max`. */
export function sizeBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const bytes = parseSize(text);
    if (bytes >= min && bytes <= max) return bytes;
    throw new InvalidArgumentError(`Expected a size from ${min} to ${max} bytes.`);
  };
}

/** Formats a size with three significant digits: 512 B, 1.50 MB. */
export function formatSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toPrecision(3)} ${units[unit]!}`;
}
