// Setup shared by all commands: usage errors, help with examples, switches from the environment.
// Leaves to others: the commands (one file each), shared options (options.ts), exit codes (exit.ts).
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { printable } from "../printable.js";
import { COMMAND_HINTS, hintForFlag } from "./foreign-names.js";

/** A command that prints its usage to stderr on a usage error, and throws instead of exiting. */
export function newCommand(name: string, description: string, examples: string): Command {
  const command = new Command(name);
  command
    .description(description)
    .exitOverride()
    .configureHelp({ commandUsage: (shown) => `${fullName(shown)} ${shown.usage()}` })
    .configureOutput({
      outputError: (message, write) => {
        write(`${printableUsageError(withSafeSuggestion(command, message))}\n`);
        const flag = /unknown option '([^']*)'/.exec(message)?.[1];
        const hint = flag === undefined ? undefined : hintForFlag(command, flag);
        if (hint !== undefined) write(`(${hint})\n`);
        write(`Usage: ${fullName(command)} ${command.usage()}\n`);
        write(`Try '${fullName(command)} --help'.\n`);
      },
    })
    .addHelpText("after", () => `\nExamples:\n  ${examplesOf(command).join("\n  ")}`);
  EXAMPLES_OF.set(command, examples);
  return command;
}

const EXAMPLES_OF = new WeakMap<CommandUnknownOpts, string>();

/** The examples of a command, one a line. */
export function examplesOf(command: CommandUnknownOpts): string[] {
  const lines = (EXAMPLES_OF.get(command) ?? "").trim().split("\n");
  return lines.map((line) => line.trim()).filter((line) => line !== "");
}

/** A typo plus an accepted suggestion must not delete anything. */
const NEVER_SUGGESTED = new Set(["delete", "delete-offsets", "trim"]);

/** Commander's message, with our own suggestions for an unknown command. */
function withSafeSuggestion(command: CommandUnknownOpts, message: string): string {
  const unknown = /unknown command '([^']*)'/.exec(message)?.[1];
  if (unknown === undefined) return message;
  const names = new Set(command.commands.map((subcommand) => subcommand.name()));
  const meant = Object.hasOwn(COMMAND_HINTS, unknown) ? COMMAND_HINTS[unknown] : undefined;
  const list = /\n\(Did you mean (?:one of )?(.*)\?\)/.exec(message)?.[1] ?? "";
  const similar = list.split(", ").filter((name) => names.has(name) && !NEVER_SUGGESTED.has(name));
  const suggested = meant !== undefined && names.has(meant) ? [meant] : similar;
  const text = message.replace(/\n\(Did you mean .*\?\)/, "");
  if (suggested.length === 0) return text;
  const choice = suggested.length === 1 ? suggested[0] : `one of ${suggested.join(", ")}`;
  return `${text.trimEnd()}\n(Did you mean ${choice}?)\n`;
}

/** Escapes a word from the command line in commander's message; keeps the suggestion on a line of its own. */
function printableUsageError(message: string): string {
  const [text = "", ...suggestion] = message.trimEnd().split(/\n(?=\(Did you mean [^\n]*$)/);
  return [text, ...suggestion].map(printable).join("\n");
}

export function usageError(command: CommandUnknownOpts, message: string): never {
  command.error(`error: ${message}`, { exitCode: 2, code: "rustlog.usage" });
}

/** Reads a switch from the environment: 1, true, yes, on, or 0, false, no, off, empty. */
export function switchFromEnvironment(command: CommandUnknownOpts, variable: string): boolean {
  const value = (process.env[variable] ?? "").toLowerCase();
  if (["1", "true", "yes", "on"].includes(value)) return true;
  if (["", "0", "false", "no", "off"].includes(value)) return false;
  return usageError(command, `${variable} is '${value}'; expected 1 or 0`);
}

function fullName(command: CommandUnknownOpts): string {
  const names: string[] = [];
  for (let at: CommandUnknownOpts | null = command; at !== null; at = at.parent) {
    names.unshift(at.name());
  }
  return names.join(" ");
}
