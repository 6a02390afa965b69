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
import { acceptSwitches } from "./cli/switches.js";

const DESCRIPTION = "A Kafka-inspired, append-only log broker in one executable";

/** The hidden command of shell completion. */
const COMPLETE = "__complete";

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
    summary: "List, create, describe, change and delete topics",
    load: async () => (await import("./cli/topics.js")).topicsCommand(),
  },
  groups: {
    summary: "List, describe, move and delete consumer groups",
    load: async () => (await import("./cli/groups.js")).groupsCommand(),
  },
  users: {
    summary: "Add, list and delete users, and set passwords",
    load: async () => (await import("./cli/users.js")).usersCommand(),
  },
  acls: {
    summary: "Add, list and delete rules: who may do what",
    load: async () => (await import("./cli/acls.js")).aclsCommand(),
  },
  quotas: {
    summary: "Set, list and delete quotas of clients",
    load: async () => (await import("./cli/quotas.js")).quotasCommand(),
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
  man: {
    summary: "Print the manual page",
    load: async () => (await import("./cli/man.js")).manCommand(),
  },
  completion: {
    summary: "Print a script that completes words in bash, zsh or fish",
    load: async () => (await import("./cli/completion.js")).completionCommand(),
  },
};

/** The program. Only the commands that `isWanted` accepts are loaded; the others are just listed. */
async function programWith(isWanted: (name: string) => boolean): Promise<CommandUnknownOpts> {
  const program = newCommand("rustlog", DESCRIPTION, EXAMPLES)
    .version(VERSION)
    // An option belongs to the command it follows, even if that command has subcommands.
    .enablePositionalOptions();
  acceptSwitches(program);
  for (const [name, { summary, load }] of Object.entries(SUBCOMMANDS)) {
    if (!isWanted(name)) {
      program.addCommand(new Command(name).description(summary));
      continue;
    }
    const command = await load();
    program.addCommand(command);
    acceptForeignNames(command);
    acceptSwitches(command);
  }
  return program;
}

async function main(typed: readonly string[]): Promise<number> {
  if (typed[0] === COMPLETE) return await completeWords(typed.slice(1));
  const args = canonicalWords(typed);
  const wanted = commandIn(args);
  const ignored = dropForeignVariables(process.env);
  // Only the broker has variables whose names end like those of a Kubernetes service.
  if (wanted === "broker") for (const line of ignored) printError(line);
  // The manual page describes all commands.
  const program = await programWith((name) => name === wanted || wanted === "man");
  try {
    await program.parseAsync([...args], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    return await reportFailure(error);
  }
}

/** Our name of the command of the top level. */
function commandIn(args: readonly string[]): string {
  const [first = "", second = ""] = args.filter((word) => !word.startsWith("-"));
  return canonicalName(first === "help" ? second : first);
}

/** The hidden command `__complete` answers the script of a shell, which shows no errors. */
async function completeWords(args: readonly string[]): Promise<number> {
  const { complete, completionRequest } = await import("./cli/complete.js");
  dropForeignVariables(process.env);
  const request = completionRequest(args);
  const words = canonicalWords(request.words);
  const wanted = commandIn(words.slice(0, -1));
  const program = await programWith((name) => name === wanted);
  await complete(program, { ...request, words });
  return EXIT.ok;
}

// No top-level await: `bun build --bytecode` does not support it.
void main(process.argv.slice(2)).then((code) => process.exit(code));
