// The file of client profiles: which brokers there are, by name, and how to reach them.
// Leaves to others: where a profile counts (connection.ts), reading TOML (toml-file.ts), and changes of it (profile-edit.ts).
import { existsSync } from "node:fs";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { CliError } from "./exit.js";
import { type AnyOption, nameInFile, optionValue } from "./option-value.js";
import { profilePath } from "./profile-path.js";
import { isTable, readTomlFile, TomlFile, type TomlTable } from "./toml-file.js";

/** Values of options, by their name in the file. */
export type Profile = ReadonlyMap<string, unknown>;

export interface Profiles {
  readonly file: TomlFile;
  /** Name of the profile that is used if nothing else is said. */
  readonly current: string | undefined;
  readonly byName: ReadonlyMap<string, Profile>;
}

/** Reads the file; one that does not exist is empty. Throws a CliError, with the line if something in it is wrong. */
export function readProfiles(options: readonly AnyOption[]): Profiles {
  const path = profilePath();
  return profilesOf(existsSync(path) ? readTomlFile(path) : new TomlFile(path, ""), options);
}

export function profilesOf(file: TomlFile, options: readonly AnyOption[]): Profiles {
  for (const name of Object.keys(file.table)) {
    if (name !== "profile" && name !== "profiles")
      refuse(file, [name], `unknown setting '${name}'`);
  }
  const { profile: current, profiles = {} } = file.table;
  if (current !== undefined && typeof current !== "string") {
    return refuse(file, ["profile"], "'profile' is not a string");
  }
  if (!isTable(profiles)) return refuse(file, ["profiles"], "'profiles' is not a table");
  const byName = new Map<string, Profile>();
  for (const [name, table] of Object.entries(profiles)) {
    if (!isTable(table)) return refuse(file, ["profiles", name], `'${name}' is not a table`);
    byName.set(name, profileOf(file, name, table, options));
  }
  if (current !== undefined && !byName.has(current)) {
    return refuse(file, ["profile"], `there is no profile '${current}'`);
  }
  return { file, current, byName };
}

function profileOf(
  file: TomlFile,
  profile: string,
  table: TomlTable,
  options: readonly AnyOption[],
): Profile {
  const values = new Map<string, unknown>();
  for (const [name, value] of Object.entries(table)) {
    const at = ["profiles", profile, name];
    const option = options.find((it) => nameInFile(it) === name);
    if (option === undefined) {
      return refuse(file, at, `unknown setting '${name}' of profile '${profile}'`);
    }
    try {
      values.set(name, optionValue(option, value));
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      return refuse(file, at, `'${name}' of profile '${profile}' is invalid. ${error.message}`);
    }
  }
  return values;
}

function refuse(file: TomlFile, at: readonly string[], reason: string): never {
  throw new CliError(`${file.placeOf(...at)}: ${reason}`);
}

/** Throws a CliError that names the profiles if there is none of this name. */
export function profileNamed({ byName, file }: Profiles, name: string): Profile {
  const profile = byName.get(name);
  if (profile !== undefined) return profile;
  const others = [...byName.keys()].map((known) => `'${known}'`).join(", ");
  throw new CliError(`there is no profile '${name}' in ${file.path}`, {
    help: others === "" ? "`rustlog profile create` adds one." : `It has ${others}.`,
  });
}
