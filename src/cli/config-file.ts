// The configuration file of the broker: options under the names of their flags.
// Leaves to others: the options (broker.ts), reading TOML (toml-file.ts) and values (option-value.ts).
import { type CommandUnknownOpts, InvalidArgumentError } from "@commander-js/extra-typings";
import { usageError } from "./command.js";
import { type AnyOption, nameInFile, optionValue } from "./option-value.js";
import { readTomlFile } from "./toml-file.js";

/** Options that are about this run of the command. */
const NOT_IN_FILE: ReadonlySet<string> = new Set(["config", "quiet", "no-color"]);

/**
 * Sets the options that neither the command line nor the environment has set. An unknown name or an invalid value is a
 * usage error with its line, also if it would not count.
 */
export function applyConfigFile(command: CommandUnknownOpts, path: string): void {
  const file = readTomlFile(path);
  const options = new Map(
    command.options
      .filter((option) => !option.hidden && !NOT_IN_FILE.has(nameInFile(option)))
      .map((option) => [nameInFile(option), option]),
  );
  for (const [name, value] of Object.entries(file.table)) {
    const option = options.get(name);
    const place = file.placeOf(name);
    if (option === undefined) {
      usageError(command, `${place}: unknown setting '${name}'${similar(name, options)}`);
    }
    const parsed = parsedAt(command, place, option, value);
    if (isSet(command, option)) continue;
    command.setOptionValueWithSource(option.attributeName(), parsed, "config");
  }
}

function parsedAt(
  command: CommandUnknownOpts,
  place: string,
  option: AnyOption,
  value: unknown,
): unknown {
  try {
    return optionValue(option, value);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    const shown = isTooLong(value) ? "the value" : `the value ${JSON.stringify(value)}`;
    return usageError(
      command,
      `${place}: ${shown} of '${nameInFile(option)}' is invalid. ${error.message}`,
    );
  }
}

function isTooLong(value: unknown): boolean {
  return typeof value === "object" || String(value).length > 80;
}

/** Whether the command line or the environment has set an option, or a switch that the action reads from the environment. */
function isSet(command: CommandUnknownOpts, option: AnyOption): boolean {
  const source = command.getOptionValueSource(option.attributeName());
  const variable = `RUSTLOG_${nameInFile(option).toUpperCase().replaceAll("-", "_")}`;
  return source === "cli" || source === "env" || process.env[variable] !== undefined;
}

/** A suggestion for a name in another style, such as data_dir, dataDir or data.dir. */
function similar(name: string, options: ReadonlyMap<string, AnyOption>): string {
  const letters = (text: string): string => text.toLowerCase().replace(/[^a-z]/g, "");
  const found = [...options.keys()].find((known) => letters(known) === letters(name));
  return found === undefined
    ? ". `rustlog broker --help` lists the names, without dashes."
    : `\n(Did you mean ${found}?)`;
}
