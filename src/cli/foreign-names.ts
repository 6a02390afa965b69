// Names that people know from Kafka's tools, rpk, nats and kcat: those that mean the same are accepted, and others get a
// hint. Leaves to others: parsing (program.ts), and how a usage error is printed (command.ts).
import { type CommandUnknownOpts, Option } from "@commander-js/extra-typings";

type AnyOption = CommandUnknownOpts["options"][number];

/** By command without "rustlog". None of a command that destroys data may be a likely typo of another command. */
const COMMAND_ALIASES: Readonly<Record<string, readonly string[]>> = {
  produce: ["pub"],
  topics: ["topic", "stream", "streams"],
  "topics list": ["ls"],
  "topics describe": ["info", "show"],
  "topics create": ["add"],
  "topics alter": ["alter-config", "edit"],
  "topics trim": ["trim-prefix", "purge"],
  "topics delete": ["rm", "remove"],
  ping: ["rtt"],
  profile: ["profiles", "context"],
  "profile list": ["ls"],
  "profile show": ["info", "print"],
  "profile use": ["select"],
  "profile create": ["add", "save"],
  "profile delete": ["rm", "remove"],
  groups: ["group", "consumer-groups"],
  "groups list": ["ls"],
  "groups describe": ["info", "show"],
  "groups delete": ["rm", "remove"],
  "groups delete-offsets": ["offset-delete"],
};

/** By command, or "" for all: our option, and other names of it. */
const FLAG_ALIASES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "": {
    "--broker": ["--bootstrap-server", "--bootstrap-servers", "--brokers", "--broker-list"],
  },
  consume: { "--max-records": ["--max-messages", "--num", "--count"] },
  ping: { "--count": ["-c"] },
  "topics list": { "--internal": ["-i"] },
  "topics create": { "--partitions": ["-p"], "--config": ["-c", "--topic-config"] },
  "topics alter": {
    "--config": ["-c", "--set", "--add-config", "--topic-config"],
    "--delete-config": ["--delete"],
  },
  "topics trim": { "--before": ["-o", "--offset", "--seq"] },
  "topics delete": { "--yes": ["-f", "--force"] },
  "groups seek": { "--to": ["--to-offset"] },
};

const NO_TOPIC_FLAG = "Topics are arguments, without a flag.";
const ONE_COPY = "Leave it out: there is one copy of each record.";
const FORMAT = "See --format, such as '%k: %s\\n'.";
const NO_PROPERTIES = "Connection options are flags and variables: see --help.";
const NOT_ASKED = "Leave it out: nobody is asked. See --dry-run.";
const ENDS = "Leave it out: consume ends at the current end, unless with --follow.";

/** By command, or "" for all: what to use instead of an option of another tool. */
const FLAG_HINTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "": {
    "--topic": NO_TOPIC_FLAG,
    "--topics": NO_TOPIC_FLAG,
    "-t": NO_TOPIC_FLAG,
    "--group": "The group is an argument, without a flag.",
    "--server": "Did you mean --broker?",
    "--zookeeper": "Did you mean --broker?",
    "--command-config": NO_PROPERTIES,
    "-X": NO_PROPERTIES,
    "--replication-factor": ONE_COPY,
    "--replicas": ONE_COPY,
    "-r": ONE_COPY,
    "--create": "Did you mean create, without dashes?",
    "--list": "Did you mean list, without dashes?",
    "--describe": "Did you mean describe, without dashes?",
    "--alter": "Did you mean alter, without dashes?",
    "--reset-offsets": "Did you mean seek?",
    "--offsets": "`groups describe` shows them.",
  },
  consume: {
    "--from-beginning": "Leave it out: consume starts at the earliest record.",
    "--property": FORMAT,
    "--formatter-property": FORMAT,
    "--timeout-ms": ENDS,
    "-e": ENDS,
    "--exit": ENDS,
    "-J": "Did you mean --json?",
    "-C": "Leave it out.",
    "-c": "Did you mean -n?",
    "-G": "Did you mean --group with --balance?",
    "--include": "Did you mean --topic-regex?",
    "--whitelist": "Did you mean --topic-regex?",
    "--regex": "Did you mean --topic-regex?",
    "-r": "Did you mean --topic-regex?",
  },
  produce: {
    "--property": "Did you mean -K SEPARATOR, which splits lines into key and value?",
    "--reader-property": "Did you mean -K SEPARATOR, which splits lines into key and value?",
    "-P": "Leave it out.",
    "-l": "Did you mean --file?",
    "-D": "Did you mean --null-delimited?",
    "--compression-codec": "Did you mean --compression?",
    "--compression-type": "Did you mean --compression?",
  },
  "topics trim": {
    "--no-confirm": NOT_ASKED,
    "-f": NOT_ASKED,
    "--force": NOT_ASKED,
    "--keep": "Did you mean --before -N?",
    "--offset-json-file": "Did you mean --before OFFSET?",
  },
  "groups seek": {
    "--to-earliest": "Did you mean --to earliest?",
    "--to-latest": "Did you mean --to latest?",
    "--to-datetime": "Did you mean --to @TIME?",
    "--to-current": "Leave the group as it is.",
    "--shift-by": "Use --to with an offset that `groups describe` shows.",
    "--execute": "Leave it out: the group is moved unless with --dry-run.",
  },
};

/** Names of commands in other tools that don't mean quite the same. None may lead to a command that destroys data. */
export const COMMAND_HINTS: Readonly<Record<string, string>> = {
  reset: "seek",
  rewind: "seek",
  move: "seek",
  "reset-offsets": "seek",
  "add-partitions": "alter",
  new: "create",
  check: "verify",
  read: "consume",
  sub: "consume",
  "console-consumer": "consume",
  "console-producer": "produce",
  configs: "topics",
  write: "produce",
  start: "broker",
  server: "broker",
};

/** The command in the words of the command line, without "rustlog". */
function pathOf(command: CommandUnknownOpts): string {
  const names: string[] = [];
  for (let at = command; at.parent !== null; at = at.parent) names.unshift(at.name());
  return names.join(" ");
}

/** Our name of a command of the top level. */
export function canonicalName(name: string): string {
  const found = Object.entries(COMMAND_ALIASES).find(
    ([path, aliases]) => !path.includes(" ") && aliases.includes(name),
  );
  return found?.[0] ?? name;
}

/**
 * The words of the command line in our terms: `topic produce` and `topic consume` of rpk lose `topic`, because they are
 * commands of the top level here, and `ls` alone lists the topics.
 */
export function canonicalWords(args: readonly string[]): readonly string[] {
  const [first = "", second = ""] = args;
  if (first === "ls") return ["topics", ...args];
  const isMoved = canonicalName(first) === "topics" && ["produce", "consume"].includes(second);
  return isMoved ? args.slice(1) : args;
}

/** Lets a command of the top level and its subcommands accept other names. */
export function acceptForeignNames(command: CommandUnknownOpts): void {
  const path = pathOf(command);
  command.aliases(COMMAND_ALIASES[path] ?? []);
  for (const table of [FLAG_ALIASES[""], FLAG_ALIASES[path]]) {
    for (const [long, names] of Object.entries(table ?? {})) {
      const option = command.options.find((it) => it.long === long);
      if (option === undefined) continue;
      for (const name of names) command.addOption(aliasOf(option, name, command));
    }
  }
  for (const subcommand of command.commands) acceptForeignNames(subcommand);
}

/** An option that is not in the help and sets another one. */
function aliasOf(option: AnyOption, name: string, command: CommandUnknownOpts): AnyOption {
  const attribute = option.attributeName();
  const set = (value: unknown): void => {
    command.setOptionValueWithSource(attribute, value, "cli");
  };
  const value = /<.*>$/.exec(option.flags)?.[0];
  const alias: AnyOption = new Option(value === undefined ? name : `${name} ${value}`).hideHelp();
  if (value === undefined) {
    command.on(`option:${alias.name()}`, () => set(true));
    return alias;
  }
  return alias.argParser((text: string) => {
    const isFirst = command.getOptionValueSource(attribute) !== "cli";
    const previous = isFirst ? undefined : command.getOptionValue(attribute);
    set(option.parseArg === undefined ? text : option.parseArg(text, previous));
  });
}

/** What to use instead of an unknown option. */
export function hintForFlag(command: CommandUnknownOpts, flag: string): string | undefined {
  const name = flag.split("=")[0]!;
  for (const table of [FLAG_HINTS[pathOf(command)], FLAG_HINTS[""]]) {
    if (table !== undefined && Object.hasOwn(table, name)) return table[name];
  }
  return undefined;
}
