// Parses topic settings with units: durations and sizes. The broker takes whole numbers.
// Leaves to others: the units (topics/setting-units.ts).
import { inUnits } from "../topics/setting-units.js";
import { nameValueList } from "./numbers.js";

type Setting = readonly [name: string, value: string];

/** Parses NAME=VALUE and appends it to the settings from earlier uses of the option. */
export function settingList(text: string, previous: readonly Setting[] = []): readonly Setting[] {
  const settings = nameValueList(text, previous);
  const [name, value] = settings.at(-1)!;
  return [...settings.slice(0, -1), [name, inUnits(name, value)]];
}
