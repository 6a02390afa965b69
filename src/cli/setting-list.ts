// Settings of a topic as people write them: durations and sizes with units. The broker takes whole numbers.
// Leaves to others: which settings there are, and their ranges (the broker).
import { tryParseDuration } from "./duration.ts";
import { nameValueList } from "./numbers.ts";
import { tryParseSize } from "./size.ts";

type Setting = readonly [name: string, value: string];

/** A parser of NAME=VALUE that appends to what earlier uses of the same option gave. */
export function settingList(text: string, previous: readonly Setting[] = []): readonly Setting[] {
  const settings = nameValueList(text, previous);
  const [name, value] = settings.at(-1)!;
  return [...settings.slice(0, -1), [name, inUnits(name, value)]];
}

/** The value in milliseconds or bytes. What is neither a duration nor a size is left to the broker to refuse. */
function inUnits(name: string, value: string): string {
  if (/^-?\d+$/.test(value)) return value;
  const isLimit = name.startsWith("retention.");
  if (isLimit && value === "none") return "-1";
  if (name.endsWith(".ms")) return String(tryParseDuration(value.trim()) ?? value);
  if (name.endsWith(".bytes")) return String(tryParseSize(value) ?? value);
  return value;
}
