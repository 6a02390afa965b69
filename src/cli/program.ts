// The program: its subcommands, of which only the one on the command line is loaded.
// Leaves to others: what a subcommand does (one file each), running the program and reporting failures (../main.ts).
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { Command } from "@commander-js/extra-typings";
import { VERSION } from "../broker/version.js";
import { newCommand } from "./command.js";
import { acceptForeignNames, canonicalName } from "./foreign-names.js";
import { acceptSwitches } from "./switches.js";

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
    load: async () => (await import("./broker.js")).brokerCommand(),
  },
  produce: {
    summary: "Write records to a topic",
    load: async () => (await import("./produce.js")).produceCommand(),
  },
  consume: {
    summary: "Print the records of a topic",
    load: async () => (await import("./consume.js")).consumeCommand(),
  },
  topics: {
    summary: "List, create, describe, change and delete topics",
    load: async () => (await import("./topics.js")).topicsCommand(),
  },
  groups: {
    summary: "List, describe, move and delete consumer groups",
    load: async () => (await import("./groups.js")).groupsCommand(),
  },
  users: {
    summary: "Add, list and delete users, and set passwords",
    load: async () => (await import("./users.js")).usersCommand(),
  },
  acls: {
    summary: "Add, list and delete rules: who may do what",
    load: async () => (await import("./acls.js")).aclsCommand(),
  },
  quotas: {
    summary: "Set, list and delete quotas of clients",
    load: async () => (await import("./quotas.js")).quotasCommand(),
  },
  ping: {
    summary: "Measure round trips to a broker",
    load: async () => (await import("./ping.js")).pingCommand(),
  },
  profile: {
    summary: "Name brokers, and choose one",
    load: async () => (await import("./profile.js")).profileCommand(),
  },
  compact: {
    summary: "Compact a topic now: keep only the last record of each key",
    load: async () => (await import("./compact.js")).compactCommand(),
  },
  bench: {
    summary: "Measure how fast a broker accepts and delivers records",
    load: async () => (await import("./bench.js")).benchCommand(),
  },
  verify: {
    summary: "Check all files of a stopped broker, and repair what can be",
    load: async () => (await import("./verify.js")).verifyCommand(),
  },
  inspect: {
    summary: "Show what is in a log, index or snapshot file",
    load: async () => (await import("./inspect.js")).inspectCommand(),
  },
  explain: {
    summary: "Show step by step how a record is found, or gets in",
    load: async () => (await import("./explain.js")).explainCommand(),
  },
  man: {
    summary: "Print the manual page",
    load: async () => (await import("./man.js")).manCommand(),
  },
  completion: {
    summary: "Print a script that completes words in bash, zsh or fish",
    load: async () => (await import("./completion.js")).completionCommand(),
  },
};

/** The program for these arguments. Only their command is loaded; the others are just listed. */
export async function programFor(args: readonly string[]): Promise<CommandUnknownOpts> {
  const wanted = commandIn(args);
  const program = newCommand("rustlog", DESCRIPTION, EXAMPLES)
    .version(VERSION)
    // An option belongs to the command it follows, even if that command has subcommands.
    .enablePositionalOptions();
  acceptSwitches(program);
  for (const [name, { summary, load }] of Object.entries(SUBCOMMANDS)) {
    // The manual page describes all commands.
    if (name !== wanted && wanted !== "man") {
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

/** Our name of the command of the top level. */
export function commandIn(args: readonly string[]): string {
  const [first = "", second = ""] = args.filter((word) => !word.startsWith("-"));
  return canonicalName(first === "help" ? second : first);
}
