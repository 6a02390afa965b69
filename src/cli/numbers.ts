// Parses numbers and lists in options.
// Leaves to others: sizes (size.ts), durations (duration.ts) and offsets (offset-range.ts).
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { OFFSET_MAX } from "../limits.js";

/** Returns a parser of whole numbers from `min` to `max`; commander adds the option's name to the error. */
export function wholeNumber(min: number, max: number = OFFSET_MAX): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    const range = max === OFFSET_MAX ? `${min} or more` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`Expected a whole number, ${range}.`);
  };
}

/** Parses `N` or `N,N,...` and adds them to the numbers from earlier uses of the option. */
export function partitionList(text: string, previous?: readonly number[]): readonly number[] {
  const parse = wholeNumber(0, 2 ** 32 - 1);
  const partitions = new Set(previous);
  for (const item of text.split(",")) {
    try {
      partitions.add(parse(item.trim()));
    } catch {
      throw new InvalidArgumentError("Expected one or more partitions, such as 0 or 0,2,5.");
    }
  }
  return [...partitions].sort((a, b) => a - b);
}

/** Parses NAME=VALUE and appends it to the pairs from earlier uses of the option. */
export function nameValueList(
  text: string,
  previous: readonly (readonly [string, string])[] = [],
): readonly (readonly [string, string])[] {
  const at = text.indexOf("=");
  if (at <= 0) throw new InvalidArgumentError("Expected NAME=VALUE.");
  return [...previous, [text.slice(0, at), text.slice(at + 1)]];
}
