// `rustlog man`: the manual page, made of what --help says about each command.
// Leaves to others: the commands (program.ts loads all of them for this one).
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { VERSION } from "../broker/version.js";
import { examplesOf, newCommand } from "./command.js";
import { EXIT } from "./exit.js";
import { writeText } from "./output.js";
import { isSwitch } from "./switches.js";

const EXAMPLES = `
  rustlog man | man -l -
  rustlog man > ~/.local/share/man/man1/rustlog.1`;

export function manCommand() {
  const description = "Print the manual page of all commands, in roff";
  const command = newCommand("man", description, EXAMPLES);
  return command.action(async () => {
    const program = command.parent;
    if (program === null) throw new Error("this command has no program to describe");
    await writeText(manualOf(program));
  });
}

/** The page in the macros of man(7). */
function manualOf(program: CommandUnknownOpts): string {
  const name = program.name();
  return [
    `.TH ${name.toUpperCase()} 1 ${dateOfPage()} "${name} ${VERSION}" "User Commands"`,
    // Names of variables and flags are not to be hyphenated, or stretched.
    ".nh",
    ".ad l",
    ".SH NAME",
    `${name} \\- ${roff(program.description())}`,
    ".SH SYNOPSIS",
    `.B ${name}`,
    "[\\fIoptions\\fR] \\fIcommand\\fR [\\fIarguments\\fR]",
    ".SH DESCRIPTION",
    "A broker keeps topics, which have partitions, which have records in the order in which they were written. Clients",
    "append records, and read them by offset. The program is the broker, its clients, and tools for its files.",
    ".PP",
    ...examples(program),
    ".SH COMMANDS",
    ...commandsUnder(program).flatMap(section),
    ".SH GLOBAL OPTIONS",
    "Every command has these, and",
    ".BR \\-\\-help .",
    ...options(program, (long) => isSwitch(long)),
    ".SH EXIT STATUS",
    ...item(String(EXIT.ok), "success"),
    ...item(String(EXIT.failed), "failure; one line on stderr says why, and what to do"),
    ...item(String(EXIT.usage), "usage error"),
    ...item(
      `${EXIT.hungUp}, ${EXIT.interrupted}, ${EXIT.terminated}`,
      "interrupted by SIGHUP, SIGINT or SIGTERM",
    ),
    ".SH ENVIRONMENT",
    ...item("RUSTLOG_BROKER", "address of the broker, without --broker and --profile"),
    ...item("RUSTLOG_PROFILE", "profile of the broker, without --profile"),
    ...item("RUSTLOG_*", "options of the broker: RUSTLOG_DATA_DIR for --data-dir, and so on"),
    ...item("RUSTLOG_DEBUG", "1 shows a stack trace with an error"),
    ...item("NO_COLOR", "no colours, as with --no-color"),
    ".SH FILES",
    ...item("$XDG_CONFIG_HOME/rustlog/config.toml", "profiles; by default in ~/.config"),
    ...item("./data", "data of the broker, unless --data-dir says otherwise"),
    ...item(
      "RUSTLOG_CONFIG",
      "names the configuration file of the broker; by default there is none",
    ),
    "",
  ].join("\n");
}

/** Day of the page: today, or that of a reproducible build. */
function dateOfPage(): string {
  const epoch = process.env.SOURCE_DATE_EPOCH;
  const date =
    epoch !== undefined && /^\d{1,11}$/.test(epoch) ? new Date(Number(epoch) * 1000) : new Date();
  return date.toISOString().slice(0, 10);
}

/** The commands that do something, with those of a group after it. */
function commandsUnder(command: CommandUnknownOpts): CommandUnknownOpts[] {
  return command.commands.flatMap((it) => [it, ...commandsUnder(it)]);
}

function section(command: CommandUnknownOpts): string[] {
  const aliases = command.aliases().map((alias) => `\\fB${roff(alias)}\\fR`);
  const help = command.createHelp();
  const lines = [
    `.SS ${roff(help.commandUsage(command))}`,
    sentence(command.description()),
    ...(aliases.length === 0 ? [] : [".PP", `Other names: ${aliases.join(", ")}.`]),
    ...help
      .visibleArguments(command)
      .flatMap((argument) => item(argument.name(), help.argumentDescription(argument), "I")),
  ];
  // A group has no options of its own, but --help.
  if (command.commands.length === 0) {
    lines.push(...options(command, (long) => !isSwitch(long) && long !== "--help"));
  }
  return [...lines, ".PP", ...examples(command)];
}

function options(
  command: CommandUnknownOpts,
  isWanted: (long: string | undefined) => boolean,
): string[] {
  const help = command.createHelp();
  return help
    .visibleOptions(command)
    .filter(({ long }) => isWanted(long))
    .flatMap((option) => item(help.optionTerm(option), help.optionDescription(option)));
}

/** A term, in bold or italics, and below it what it means. */
function item(term: string, meaning: string, font: "B" | "I" = "B"): string[] {
  return [".TP", `\\f${font}${roff(term)}\\fR`, roff(meaning)];
}

function examples(command: CommandUnknownOpts): string[] {
  const lines = examplesOf(command);
  if (lines.length === 0) return [];
  const noun = lines.length === 1 ? "Example:" : "Examples:";
  return [noun, ".RS 4", ".nf", ...lines.map(roff), ".fi", ".RE"];
}

function sentence(text: string): string {
  return `${roff(text)}.`;
}

/** Text of which nothing means anything to roff. A dash stays one, to be copied. */
function roff(text: string): string {
  const escaped = text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replace(
      /[^\n -~]/gu,
      (char) => `\\[u${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`,
    );
  return escaped.startsWith(".") ? `\\&${escaped}` : escaped;
}
