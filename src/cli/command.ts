// How every command is set up: usage errors, help with examples, switches from the environment.
// Leaves to others: the commands themselves (one file each), options they share (options.ts), exit codes (exit.ts).
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";

/** A command whose usage errors print its usage on stderr, and that throws instead of exiting. */
export function newCommand(name: string, description: string, examples: string): Command {
  const command = new Command(name);
  command
    .description(description)
    .exitOverride()
    .configureOutput({
      outputError: (message, write) => {
        write(message);
        write(`Usage: ${fullName(command)} ${command.usage()}\n`);
        write(`Try '${fullName(command)} --help'.\n`);
      },
    })
    .addHelpText("after", `\nExamples:\n${examples.trim().replace(/^\s*/gm, "  ")}`);
  return command;
}

/** Ends the command with a usage error. */
export function usageError(command: CommandUnknownOpts, message: string): never {
  command.error(`error: ${message}`, { exitCode: 2, code: "rustlog.usage" });
}

/** A flag's environment variable that is a switch: 1, true, yes, on, or 0, false, no, off and nothing. */
export function switchFromEnvironment(command: CommandUnknownOpts, variable: string): boolean {
  const value = (process.env[variable] ?? "").toLowerCase();
  if (["1", "true", "yes", "on"].includes(value)) return true;
  if (["", "0", "false", "no", "off"].includes(value)) return false;
  return usageError(command, `${variable} is '${value}': 1 or 0 is expected`);
}

function fullName(command: CommandUnknownOpts): string {
  const names: string[] = [];
  for (let at: CommandUnknownOpts | null = command; at !== null; at = at.parent) {
    names.unshift(at.name());
  }
  return names.join(" ");
}
