// Runs what ends while the command line is parsed, help and usage errors, in this process: the same program without the
// 30 ms of processor time of a process. Leaves to others: commands that do something (rustlog.ts).
import { CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { reportFailure } from "../../src/cli/exit.js";
import { canonicalWords } from "../../src/cli/foreign-names.js";
import { programFor } from "../../src/cli/program.js";
import type { RunResult } from "./rustlog.js";

/** The width of help where stdout is not a terminal. */
const COLUMNS = 80;

// As for processes: the settings of whoever runs the tests do not count.
for (const name of Object.keys(process.env)) {
  if (name.startsWith("RUSTLOG_")) delete process.env[name];
}

/** Runs `rustlog ARGS` up to its help or its usage error. Throws if it neither prints help nor is wrong. */
export async function runHere(args: readonly string[]): Promise<Omit<RunResult, "bytes">> {
  let [stdout, stderr] = ["", ""];
  const words = canonicalWords(args);
  const program = await programFor(words);
  forEachCommand(program, (command) => {
    command.configureOutput({
      writeOut: (text) => (stdout += text),
      writeErr: (text) => (stderr += text),
      getOutHelpWidth: () => COLUMNS,
    });
  });
  const error: unknown = await program.parseAsync([...words], { from: "user" }).catch((it) => it);
  if (!(error instanceof CommanderError)) {
    throw new Error(`rustlog ${args.join(" ")} is not a usage error`, { cause: error });
  }
  return { stdout, stderr, exitCode: await reportFailure(error) };
}

function forEachCommand(
  command: CommandUnknownOpts,
  visit: (command: CommandUnknownOpts) => void,
): void {
  visit(command);
  for (const subcommand of command.commands) forEachCommand(subcommand, visit);
}
