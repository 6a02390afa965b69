#!/usr/bin/env bun
// The executable: parses the command line and runs one subcommand.
// Leaves to others: the subcommands (cli/program.ts), everything that they do (cli/), and reporting failures (cli/exit.ts).
import { dropForeignVariables } from "./cli/environment.js";
import { EXIT, printError, reportFailure } from "./cli/exit.js";
import { canonicalWords } from "./cli/foreign-names.js";
import { commandIn, programFor } from "./cli/program.js";

/** The hidden command of shell completion. */
const COMPLETE = "__complete";

async function main(typed: readonly string[]): Promise<number> {
  if (typed[0] === COMPLETE) return await completeWords(typed.slice(1));
  const args = canonicalWords(typed);
  const ignored = dropForeignVariables(process.env);
  // Only the broker has variables whose names end like those of a Kubernetes service.
  if (commandIn(args) === "broker") for (const line of ignored) printError(line);
  const program = await programFor(args);
  try {
    await program.parseAsync([...args], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    return await reportFailure(error);
  }
}

/** The hidden command `__complete` answers the script of a shell, which shows no errors. */
async function completeWords(args: readonly string[]): Promise<number> {
  const { complete, completionRequest } = await import("./cli/complete.js");
  dropForeignVariables(process.env);
  const request = completionRequest(args);
  const words = canonicalWords(request.words);
  const program = await programFor(words.slice(0, -1));
  await complete(program, { ...request, words });
  return EXIT.ok;
}

// No top-level await: `bun build --bytecode` does not support it.
void main(process.argv.slice(2)).then((code) => process.exit(code));
