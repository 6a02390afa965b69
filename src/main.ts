#!/usr/bin/env bun
// The executable: parses the command line and runs one subcommand, the only one whose code is loaded.
// Leaves to others: everything a subcommand does (cli/), and reporting failures (cli/exit.ts).
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { Command } from "@commander-js/extra-typings";
import { VERSION } from "./broker/version.js";
import { newCommand } from "./cli/command.js";
import { dropForeignVariables } from "./cli/environment.js";
import { EXIT, printError, reportFailure } from "./cli/exit.js";
import { acceptForeignNames, canonicalName, canonicalWords } from "./cli/foreign-names.js";
import { acceptSwitches } from "./cli/quiet.js";

const DESCRIPTION = "A Kafka-inspired, append-only log broker in one executable";

const EXAMPLES = `
  rustlog broker
  rustlog produce greetings hello
  rustlog consume greetings`;

interface Subcommand {
  readonly summary: string;
  /** Loads the code, which is what takes time. */
  load(): Promise<CommandUnknownOpts>;
}

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  broker: {
    summary: "Run a broker until it receives a signal",
    load: async () => (await import("./cli/broker.js")).brokerCommand(),
  },
  produce: {
    summary: "Write records to a topic",
    load: async () => (await import("./cli/produce.js")).produceCommand(),
  },
  consume: {
    summary: "Print the records of a topic",
    load: async () => (await import("./cli/consume.js")).consumeCommand(),
  },
  topics: {
    summary: "List, create, describe and delete topics",
    load: async () => (await import("./cli/topics.js")).topicsCommand(),
  },
  groups: {
    summary: "List, describe, move and delete consumer groups",
    load: async () => (await import("./cli/groups.js")).groupsCommand(),
  },
  ping: {
    summary: "Measure round trips to a broker",
    load: async () => (await import("./cli/ping.js")).pingCommand(),
  },
  profile: {
    summary: "Name brokers, and choose one",
    load: async () => (await import("./cli/profile.js")).profileCommand(),
  },
  compact: {
    summary: "Compact a topic now: keep only the last record of each key",
    load: async () => (await import("./cli/compact.js")).compactCommand(),
  },
  bench: {
    summary: "Measure how fast a broker accepts and delivers records",
    load: async () => (await import("./cli/bench.js")).benchCommand(),
  },
  verify: {
    summary: "Check all files of a stopped broker, and repair what can be",
    load: async () => (await import("./cli/verify.js")).verifyCommand(),
  },
  inspect: {
    summary: "Show what is in a log, index or snapshot file",
    load: async () => (await import("./cli/inspect.js")).inspectCommand(),
  },
  explain: {
    summary: "Show step by step how a record is found, or gets in",
    load: async () => (await import("./cli/explain.js")).explainCommand(),
  },
};

async function main(typed: readonly string[]): Promise<number> {
  const args = canonicalWords(typed);
  const program = newCommand("rustlog", DESCRIPTION, EXAMPLES)
    .version(VERSION)
    // An option belongs to the command it follows, even if that command has subcommands.
    .enablePositionalOptions();
  const [first = "", second = ""] = args.filter((word) => !word.startsWith("-"));
  const wanted = canonicalName(first === "help" ? second : first);
  const ignored = dropForeignVariables(process.env);
  // Only the broker has variables whose names end like those of a Kubernetes service.
  if (wanted === "broker") for (const line of ignored) printError(line);
  for (const [name, { summary, load }] of Object.entries(SUBCOMMANDS)) {
    // The other commands are only listed for `rustlog --help`.
    const isWanted = name === wanted;
    program.addCommand(isWanted ? await load() : new Command(name).description(summary));
  }
  for (const command of program.commands) acceptForeignNames(command);
  acceptSwitches(program);
  try {
    await program.parseAsync(args, { from: "user" });
    return EXIT.ok;
  } catch (error) {
    return await reportFailure(error);
  }
}

// No top-level await: `bun build --bytecode` does not support it.
void main(process.argv.slice(2)).then((code) => process.exit(code));
