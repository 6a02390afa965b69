// The switches that every command has: `--quiet` and `--no-color`.
// Leaves to others: what quiet commands leave out (quiet.ts), and colours (colour.ts).
import { type CommandUnknownOpts, Option } from "@commander-js/extra-typings";

const GROUP = "Global options:";

let isQuiet = false;

/** Whether to show progress and print notes. */
export function isTalkative(): boolean {
  return !isQuiet;
}

/** Whether a flag is one of the switches. */
export function isSwitch(long: string | undefined): boolean {
  return long === "--quiet" || long === "--no-color";
}

/** Adds the switches to a command and its subcommands. */
export function acceptSwitches(command: CommandUnknownOpts): void {
  command
    .addOption(
      new Option("-q, --quiet", "print results, warnings and errors only").helpGroup(GROUP),
    )
    .addOption(new Option("--no-color", "never use colours (env: NO_COLOR)").helpGroup(GROUP))
    .on("option:quiet", () => {
      isQuiet = true;
    })
    .on("option:no-color", () => {
      process.env.NO_COLOR = "1";
    });
  // A switch may stand at any level, but must not be taken from the value of an option of a subcommand.
  if (command.commands.length > 0) command.enablePositionalOptions();
  for (const subcommand of command.commands) acceptSwitches(subcommand);
}
