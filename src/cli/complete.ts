// `rustlog __complete`: what the last word of a command line may become. The scripts of completion.ts run it.
// Leaves to others: the commands and their options, which it reads from commander.
//
// The first line of the answer is its kind: `values`, `nospace` (values that go on), `files` or `directories`. Each other
// line is a value, for zsh and fish with a description after a tab.
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { type Client, connect } from "../client/client.js";
import { TOPIC_CONFIG_NAMES } from "../topics/topic-configs.js";
import { applyProfile, connectionOptions, loginOf, tlsOf } from "./connection.js";
import type { AnyOption } from "./option-value.js";
import { writeText } from "./output.js";
import { readProfiles } from "./profile-file.js";

/** Nobody waits longer for a list of names. */
const CONNECT_TIMEOUT_MS = 500;
const REQUEST_TIMEOUT_MS = 1_000;

type Kind = "values" | "nospace" | "files" | "directories";

interface Candidate {
  readonly value: string;
  readonly description?: string;
}

interface Answer {
  readonly kind: Kind;
  readonly candidates: readonly Candidate[];
}

const NOTHING: Answer = { kind: "values", candidates: [] };

function values(...names: readonly string[]): Answer {
  return { kind: "values", candidates: names.map((value) => ({ value })) };
}

/** The words of a command line up to the cursor, and how the shell takes its values. */
export interface CompletionRequest {
  readonly shell: string;
  /** Without the program; the last one, which may be empty, is to be completed. */
  readonly words: readonly string[];
  /** Characters that separate words for the shell, though not for us. */
  readonly wordBreaks: string;
}

/** Reads the arguments of the hidden command: `bash BREAKS LINE`, or `zsh WORD...` and `fish WORD...`. */
export function completionRequest(args: readonly string[]): CompletionRequest {
  const [shell = "", ...rest] = args;
  if (shell !== "bash") return { shell, words: rest.length === 0 ? [""] : rest, wordBreaks: "" };
  const [wordBreaks = "", line = ""] = rest;
  return { shell, words: splitLine(line).slice(1), wordBreaks };
}

/** Splits a line as a shell does, but expands nothing. A line that ends with a space has an empty last word. */
export function splitLine(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (quote !== "" && char === quote) quote = "";
    else if (char === "\\" && quote !== "'" && i + 1 < line.length)
      word = (word ?? "") + line[++i]!;
    else if (quote === "" && (char === "'" || char === '"')) {
      quote = char;
      word ??= "";
    } else if (quote === "" && (char === " " || char === "\t")) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + char;
  }
  words.push(word ?? "");
  return words;
}

/** Prints the answer. Never fails: a shell shows nothing then. */
export async function complete(
  program: CommandUnknownOpts,
  { shell, words, wordBreaks }: CompletionRequest,
): Promise<void> {
  const current = words.at(-1) ?? "";
  const { kind, candidates } = await answerFor(program, words);
  const fitting = candidates.filter(({ value }) => value.startsWith(current) && isOneLine(value));
  // Bash replaces only what follows the last separator.
  const lastBreak = Math.max(
    ...[":", "="].map((mark) => (wordBreaks.includes(mark) ? current.lastIndexOf(mark) : -1)),
  );
  const lines = fitting.map(({ value, description }) => {
    const about = shell === "bash" || description === undefined ? "" : `\t${description}`;
    return value.slice(lastBreak + 1) + about;
  });
  await writeText([kind, ...lines].map((line) => `${line}\n`).join(""));
}

function isOneLine(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a shell would take them for the ends of a value
  return !/[\u0000-\u001f\u007f]/.test(value);
}

async function answerFor(program: CommandUnknownOpts, words: readonly string[]): Promise<Answer> {
  const current = words.at(-1) ?? "";
  let command = program;
  let commandAt = 0;
  const operands: string[] = [];
  let pending: AnyOption | undefined;
  let isLiteral = false;
  for (const [i, word] of words.slice(0, -1).entries()) {
    const subcommand =
      operands.length > 0 ? undefined : command.commands.find((it) => isNamed(it, word));
    if (pending !== undefined) pending = undefined;
    else if (word === "--") isLiteral = true;
    else if (!isLiteral && word.startsWith("-")) pending = optionAwaitingValue(command, word);
    else if (subcommand !== undefined) {
      command = subcommand;
      commandAt = i + 1;
    } else operands.push(word);
  }
  // Without the flag that waits for its value.
  const end = pending === undefined ? -1 : -2;
  const typed: Typed = { command, operands, words: words.slice(commandAt, end) };
  if (pending !== undefined) return await optionValues(pending, typed);
  const assigned = /^(--[^=]+=)/.exec(current)?.[1];
  if (!isLiteral && assigned !== undefined) {
    const option = command.options.find(({ long }) => `${long}=` === assigned);
    if (option === undefined) return NOTHING;
    const { kind, candidates } = await optionValues(option, typed);
    return { kind, candidates: candidates.map((it) => ({ ...it, value: assigned + it.value })) };
  }
  if (!isLiteral && current.startsWith("-")) return flagsOf(command);
  const names = operands.length > 0 ? [] : subcommandsOf(command);
  const { kind, candidates } = await operandValues(typed);
  return { kind, candidates: [...names, ...candidates] };
}

function isNamed(command: CommandUnknownOpts, word: string): boolean {
  return command.name() === word || command.aliases().includes(word);
}

/** The option of a flag whose value is the next word. */
function optionAwaitingValue(command: CommandUnknownOpts, word: string): AnyOption | undefined {
  const option = command.options.find(({ long, short }) => word === long || word === short);
  return option?.required ? option : undefined;
}

function subcommandsOf(command: CommandUnknownOpts): Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((it) => ({ value: it.name(), description: it.description() }));
}

function flagsOf(command: CommandUnknownOpts): Answer {
  const candidates = command
    .createHelp()
    .visibleOptions(command)
    .map(({ long, short, description }) => ({ value: long ?? short ?? "", description }));
  return { kind: "values", candidates };
}

/** What was typed of a command. */
interface Typed {
  readonly command: CommandUnknownOpts;
  readonly operands: readonly string[];
  /** All complete words after its name. */
  readonly words: readonly string[];
}

const SETTINGS: Answer = {
  kind: "nospace",
  candidates: TOPIC_CONFIG_NAMES.map((name) => ({ value: `${name}=` })),
};

async function optionValues(option: AnyOption, typed: Typed): Promise<Answer> {
  if (option.argChoices !== undefined) return values(...option.argChoices);
  switch (option.long) {
    case "--group":
      return await groupNames(typed);
    case "--profile":
      return profileNames();
    case "--delete-config":
      return values(...TOPIC_CONFIG_NAMES);
    case "--offset":
    case "--to":
      return values("earliest", "latest");
    case "--before":
      return values("latest");
    case "--flush":
      return values("always", "never", "interval:");
    case "--data-dir":
      return { kind: "directories", candidates: [] };
  }
  if (/<(file|path)>/.test(option.flags)) return { kind: "files", candidates: [] };
  return option.long === "--config" ? SETTINGS : NOTHING;
}

/** Commands whose arguments are names that don't exist yet. */
const CREATING: ReadonlySet<string> = new Set(["create"]);

async function operandValues(typed: Typed): Promise<Answer> {
  const { command, operands } = typed;
  const declared = command.registeredArguments;
  const last = declared.at(-1);
  const argument = declared[operands.length] ?? (last?.variadic ? last : undefined);
  if (argument === undefined || CREATING.has(command.name())) return NOTHING;
  if (argument.argChoices !== undefined) return values(...argument.argChoices);
  const name = argument.name();
  if (name.startsWith("topic")) return await topicNames(typed);
  if (name === "group") return await groupNames(typed);
  if (command.parent?.name() === "profile") return profileNames();
  if (name === "file") return { kind: "files", candidates: [] };
  return name === "directory" ? { kind: "directories", candidates: [] } : NOTHING;
}

function profileNames(): Answer {
  return values(...readProfiles(connectionOptions()).byName.keys());
}

async function topicNames(typed: Typed): Promise<Answer> {
  const names = await fromBroker(typed, async (client) => {
    const topics = await client.admin().listTopics();
    return topics.map(({ name }) => name);
  });
  return values(...names.filter((name) => !typed.operands.includes(name)));
}

async function groupNames(typed: Typed): Promise<Answer> {
  const names = await fromBroker(typed, async (client) => {
    const groups = await client.admin().listGroups();
    return groups.map(({ group }) => group);
  });
  return values(...names);
}

/** Asks the broker that the words name. Without an answer there are no names. */
async function fromBroker(
  { command, words }: Typed,
  ask: (client: Client) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  if (command.options.every(({ long }) => long !== "--broker")) return [];
  try {
    // Usage errors in unfinished words end here, too.
    command.configureOutput({ outputError: () => {} }).parseOptions([...words]);
    takeEnvironment(command);
    await applyProfile(command);
    const sasl = await loginOf(command.opts(), false);
    const tls = tlsOf(command.opts());
    const client = await connect({
      broker: String(command.getOptionValue("broker")),
      ...(sasl && { sasl }),
      ...(tls && { tls }),
      ...{ connectTimeoutMs: CONNECT_TIMEOUT_MS, requestTimeoutMs: REQUEST_TIMEOUT_MS, retries: 0 },
    });
    return await ask(client);
  } catch {
    return [];
  }
}

/** Sets options from their variables, as commander does when it runs a command. */
function takeEnvironment(command: CommandUnknownOpts): void {
  for (const option of command.options) {
    const text = option.envVar === undefined ? undefined : process.env[option.envVar];
    const attribute = option.attributeName();
    if (text === undefined || command.getOptionValueSource(attribute) === "cli") continue;
    const value: unknown = option.parseArg === undefined ? text : option.parseArg(text, undefined);
    command.setOptionValueWithSource(attribute, value, "env");
  }
}
