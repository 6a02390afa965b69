// `rustlog profile`: lists, shows, chooses, creates and deletes profiles of brokers.
// Leaves to others: the file (profile-file.ts, profile-edit.ts), and where a profile counts (connection.ts).
import { Option } from "@commander-js/extra-typings";
import { newCommand, usageError } from "./command.js";
import { addConnectionOptions, connectionOptions, PROFILE_VARIABLE } from "./connection.js";
import { CliError } from "./exit.js";
import { nameInFile } from "./option-value.js";
import { jsonOption } from "./options.js";
import { writeJson, writeText } from "./output.js";
import { withCurrent, withoutProfile, withProfile, writeProfileFile } from "./profile-edit.js";
import { type Profile, profileNamed, profilesOf, readProfiles } from "./profile-file.js";
import { writeNotes } from "./quiet.js";
import { formatTable } from "./table.js";
import { TomlFile } from "./toml-file.js";

const EXAMPLES = `
  rustlog profile create prod --broker broker.example:9092
  rustlog profile list
  rustlog topics list --profile prod
  rustlog profile use prod
  rustlog profile show`;

export function profileCommand() {
  const description = "Name brokers, and choose the one that commands connect to";
  return newCommand("profile", description, EXAMPLES)
    .addCommand(list())
    .addCommand(show())
    .addCommand(use())
    .addCommand(create())
    .addCommand(remove());
}

function read() {
  return readProfiles(connectionOptions());
}

/** The profile that a command without --profile and --broker uses. */
function currentOf(current: string | undefined): string | undefined {
  return process.env[PROFILE_VARIABLE] ?? current;
}

function jsonOf(name: string, profile: Profile, current: string | undefined): object {
  return { name, current: name === currentOf(current), settings: Object.fromEntries(profile) };
}

function list() {
  return newCommand("list", "List the profiles", "rustlog profile list")
    .addOption(jsonOption())
    .action(async ({ json }) => {
      const { byName, current } = read();
      const profiles = [...byName].sort(([a], [b]) => (a < b ? -1 : 1));
      if (json) {
        return await writeJson(profiles.map(([name, profile]) => jsonOf(name, profile, current)));
      }
      const rows = profiles.map(([name, profile]) => [
        ...[name, String(profile.get("broker") ?? "-")],
        name === currentOf(current) ? "yes" : "-",
      ]);
      await writeText(formatTable(["PROFILE", "BROKER", "CURRENT"], rows));
    });
}

function show() {
  return newCommand("show", "Show a profile", "rustlog profile show prod")
    .argument("[name]", "name of the profile (default: the current one)")
    .addOption(jsonOption())
    .action(async (argument, { json }) => {
      const profiles = read();
      const name = argument ?? currentOf(profiles.current);
      if (name === undefined) {
        throw new CliError("no profile is current", { help: "`rustlog profile use` chooses one." });
      }
      const profile = profileNamed(profiles, name);
      if (json) return await writeJson(jsonOf(name, profile, profiles.current));
      const isCurrent = name === currentOf(profiles.current);
      const rows = [["profile", `${name}${isCurrent ? " (current)" : ""}`], ...profile].map(
        ([setting, value]) => [String(setting), String(value)],
      );
      await writeText(formatTable(["SETTING", "VALUE"], [...rows, ["file", profiles.file.path]]));
    });
}

function use() {
  const command = newCommand(
    "use",
    "Choose the profile of commands without --profile and --broker",
    "rustlog profile use prod",
  )
    .argument("[name]", "name of the profile")
    .option("--none", "use no profile, but RUSTLOG_BROKER or the default");
  return command.action(async (name, { none = false }) => {
    if ((name === undefined) === !none) usageError(command, "pass either a name or --none");
    const profiles = read();
    if (name !== undefined) profileNamed(profiles, name);
    writeProfileFile(profiles.file.path, withCurrent(profiles.file, name));
    await writeNotes(name === undefined ? "No profile is current" : `Using profile '${name}'`);
  });
}

function create() {
  const command = addConnectionOptions(
    newCommand(
      "create",
      "Create a profile with the options given",
      "rustlog profile create prod --broker broker.example:9092 --use",
    ).argument("<name>", "name of the profile: letters, digits, - and _"),
  ).addOption(new Option("--use", "use it from now on"));
  return command.action(async (name, options) => {
    if (!/^[\w-]+$/.test(name)) usageError(command, "a name has letters, digits, - and _ only");
    const given = command.options.filter(
      (option) =>
        connectionOptions().some(({ long }) => long === option.long) &&
        command.getOptionValueSource(option.attributeName()) === "cli",
    );
    const settings = given.map((option) => [
      ...[nameInFile(option), command.getOptionValue(option.attributeName())],
    ]);
    if (settings.length === 0) usageError(command, "--broker is missing");
    const { file, byName } = read();
    if (byName.has(name)) {
      throw new CliError(`profile '${name}' exists in ${file.path}`, {
        help: "Delete it first, or change it in an editor.",
      });
    }
    let text = withProfile(file, name, Object.fromEntries(settings));
    if (options.use) text = withCurrent(new TomlFile(file.path, text), name);
    writeProfileFile(file.path, text);
    await writeNotes(`Created profile '${name}' in ${file.path}`);
  });
}

function remove() {
  return newCommand("delete", "Delete a profile", "rustlog profile delete prod")
    .argument("<name>", "name of the profile")
    .action(async (name) => {
      const profiles = read();
      profileNamed(profiles, name);
      const { file, current } = profiles;
      const text = current === name ? withCurrent(file, undefined) : file.text;
      const rest = withoutProfile(new TomlFile(file.path, text), name);
      profilesOf(new TomlFile(file.path, rest), connectionOptions());
      writeProfileFile(file.path, rest);
      await writeNotes(`Deleted profile '${name}'`);
    });
}
