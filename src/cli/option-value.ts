// Turns values of a TOML file into values of options, as if they had been typed after the flag.
// Leaves to others: reading the file (toml-file.ts), and which options it may set (config-file.ts, profile-file.ts).
import { type CommandUnknownOpts, InvalidArgumentError } from "@commander-js/extra-typings";

export type AnyOption = CommandUnknownOpts["options"][number];

/** The name of an option in a file: that of the flag without dashes. */
export function nameInFile(option: AnyOption): string {
  return (option.long ?? "").slice(2);
}

/** Throws InvalidArgumentError for a value of a wrong type, and what the option itself throws. */
export function optionValue(option: AnyOption, value: unknown): unknown {
  if (option.isBoolean() || option.negate) {
    if (typeof value === "boolean") return option.negate ? !value : value;
    throw new InvalidArgumentError("Expected true or false.");
  }
  if (isOptional(option) && typeof value === "boolean") {
    return value ? parsed(option, String(option.presetArg)) : option.defaultValue;
  }
  if (!Array.isArray(option.defaultValue)) return parsed(option, textOf(option, value));
  const items = Array.isArray(value) ? value : [value];
  return items.reduce<unknown>((all, item) => parsed(option, textOf(option, item), all), undefined);
}

/** Whether a flag may stand without a value. Commander takes the brackets of `<n[,n...]>` for that, too. */
function isOptional(option: AnyOption): boolean {
  return option.optional && !option.required;
}

function textOf(option: AnyOption, value: unknown): string {
  if (typeof value === "string") return value;
  // An option without a parser takes any text, so a number is a mistake.
  if (option.parseArg === undefined) throw new InvalidArgumentError("Expected a string.");
  if (typeof value === "number") return String(value);
  const types = isOptional(option) ? "a string, a number, true or false" : "a string or a number";
  throw new InvalidArgumentError(`Expected ${types}.`);
}

function parsed(option: AnyOption, text: string, previous?: unknown): unknown {
  return option.parseArg === undefined ? text : option.parseArg(text, previous);
}
