// Parsers of the plain numbers and lists that options take.
// Leaves to others: sizes (size.ts), durations (duration.ts) and offsets (offset-range.ts).
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { OFFSET_MAX } from "../limits.ts";

/** A parser of whole numbers from `min` to `max`; commander words the error around its message. */
export function wholeNumber(min: number, max: number = OFFSET_MAX): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    const range = max === OFFSET_MAX ? `${min} or more` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`A whole number is expected, ${range}.`);
  };
}

/** A parser of `N` or `N,N,...` that adds to what an earlier use of the same option gave. */
export function partitionList(text: string, previous?: readonly number[]): readonly number[] {
  const parse = wholeNumber(0, 2 ** 32 - 1);
  const partitions = new Set(previous);
  for (const item of text.split(",")) {
    try {
      partitions.add(parse(item.trim()));
    } catch {
      throw new InvalidArgumentError("A partition or a list of them is expected: 0 or 0,2,5.");
    }
  }
  return [...partitions].sort((a, b) => a - b);
}

/** A parser of NAME=VALUE that appends to what earlier uses of the same option gave. */
export function nameValueList(
  text: string,
  previous: readonly (readonly [string, string])[] = [],
): readonly (readonly [string, string])[] {
  const at = text.indexOf("=");
  if (at <= 0) throw new InvalidArgumentError("NAME=VALUE is expected.");
  return [...previous, [text.slice(0, at), text.slice(at + 1)]];
}
