// Parses and formats sizes in bytes: 4096, 64KiB, 1m, 1.5GB.
// Leaves to others: the units (topics/setting-units.ts), and the range an option allows.
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { tryParseSize } from "../topics/setting-units.js";

/** Bytes of a size. Throws InvalidArgumentError. */
export function parseSize(text: string): number {
  const bytes = tryParseSize(text);
  if (bytes !== undefined) return bytes;
  throw new InvalidArgumentError("Expected a size, such as 4096, 64KiB, 1m or 10MB.");
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
