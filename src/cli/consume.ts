// `rustlog consume`: prints a range of the records of topics, or its share of a group's, and commits what was printed.
// Leaves to others: the consumers (consume-reading.ts), which records to print (record-filter.ts) and how (format.ts,
// json-record.ts), and knowing what was really written (output.ts).
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { Client } from "../client/client.js";
import { DamagedRecordsError } from "../client/damage.js";
import { SESSION_TIMEOUT_MS_MAX, SESSION_TIMEOUT_MS_MIN } from "../limits.js";
import { usageError } from "./command.js";
import { newClientCommand, withClient } from "./connection.js";
import {
  type BalancedReadingOptions,
  type Reading,
  readBalanced,
  readTopics,
  type TopicReadingOptions,
} from "./consume-reading.js";
import { parseDuration } from "./duration.js";
import { describeFailure, printError } from "./exit.js";
import { compileFormat, formatPrinter, type RecordPrinter, valuePrinter } from "./format.js";
import { jsonPrinter } from "./json-record.js";
import { NEWLINE, NUL } from "./line-reader.js";
import { refuseMembers } from "./live-members.js";
import { partitionList, wholeNumber } from "./numbers.js";
import { type OffsetRangeSpec, parseOffsetRange } from "./offset-range.js";
import { ByteOutput, STDOUT, writeDescriptor } from "./output.js";
import {
  parseHeaderCondition,
  parseRegex,
  type RecordFilter,
  recordFilter,
} from "./record-filter.js";
import { Interruption } from "./signals.js";

const EXAMPLES = `
  rustlog consume events
  rustlog consume events --follow --offset latest
  rustlog consume events -o -10 -f '%p/%o %T %k=%s\\n'
  rustlog consume events -o @-1h:@-10m --json
  rustlog consume events --group billing -n 100
  rustlog consume events audit --topic-regex ^logs- --follow -f '%t %s\\n'
  rustlog consume events --grep '(?i)error' --where-header source=web
  rustlog consume events orders --group billing --balance`;

/** The session timeout of a balanced consumer, in milliseconds: its partitions go to others so long after a kill. */
const SESSION_TIMEOUT_MS_DEFAULT = 10_000;

/** What to do if the group has members, which alone may commit. */
const WITH_MEMBERS =
  "Join them with --balance, read without committing (--no-commit), or use another --group.";

/** What --on-out-of-range accepts. */
const OUT_OF_RANGE = ["fail", "earliest", "latest"] as const;

interface PrintOptions {
  readonly filter: RecordFilter | undefined;
  readonly isFollowing: boolean;
  readonly recordsMax: number;
  readonly printer: RecordPrinter;
}

/** The consumer to read from; `settled` waits until everything that was read is printed. */
type StartReading = (client: Client, settled: () => Promise<void>) => Reading;

export function consumeCommand() {
  const command = newClientCommand(
    "consume",
    "Print the records of topics, from the earliest to the current end",
    EXAMPLES,
  )
    .argument("[topic...]", "topics to read")
    .addOption(
      new Option(
        "-o, --offset <start[:end]>",
        "earliest (beginning), latest (end), N, -N (from the end of each partition) or @TIME (ms, ISO 8601 or ago: @-10m); END is exclusive",
      )
        .default({ start: "earliest", end: undefined } as OffsetRangeSpec, "earliest")
        .argParser((text) => parseOffsetRange(text)),
    )
    .addOption(
      new Option("-p, --partition <n[,n...]>", "partitions to read of each topic (default: all)") //
        .argParser(partitionList),
    )
    .option("-F, --follow", "keep waiting for new records")
    .option("-n, --max-records <n>", "stop after this many records", wholeNumber(1))
    .option(
      "-g, --group <name>",
      "start at the group's committed offsets and commit what is printed",
    )
    .option(
      "--no-commit",
      "with --group: do not commit; with --balance, who gets a partition next begins at its committed offset",
    )
    .option(
      "--balance",
      "with --group: share the partitions of the topics with the group's other balanced consumers, and follow",
    )
    .addOption(
      new Option(
        "--topic-regex <regex>",
        "also topics with a match in their name, such as ^logs-; with --follow or --balance later ones, too",
      ).argParser(parseRegex),
    )
    .addOption(
      new Option(
        "--grep <regex>",
        "print only records with a match in their value, such as (?i)error. This and the next two filter what was read: other records count as read and are committed, --max-records counts matches",
      ).argParser(parseRegex),
    )
    .addOption(
      new Option("--grep-key <regex>", "print only records with a match in their key") //
        .argParser(parseRegex),
    )
    .addOption(
      new Option(
        "--where-header <name=value>",
        "print only records that have this header; repeat it to require several",
      ).argParser(parseHeaderCondition),
    )
    .addOption(
      new Option(
        "--session-timeout <duration>",
        "with --balance: time after which others take over from a killed consumer (default: 10s)",
      ).argParser(sessionTimeout),
    )
    .option(
      "--instance-id <name>",
      "with --balance: be a static member, whose partitions are kept for it while it restarts, until its session timeout",
    )
    .option(
      "-f, --format <format>",
      "print %t topic %p partition %o offset %T timestamp %k key %s value %h headers %K %S lengths, \\n \\t \\0",
      compileFormat,
    )
    .option("--json", "print one JSON object per record")
    .addOption(
      new Option(
        "--on-out-of-range <where>",
        "where to continue when the position is out of range, or with --follow when the topic is recreated",
      )
        .choices(OUT_OF_RANGE)
        .default("fail" as const)
        .argParser(outOfRange),
    )
    .option("--skip-damaged", "skip unreadable records and report each skip on stderr")
    .option("--null-delimited", "end records with a NUL byte instead of a newline");
  return command.action(async (topics, options) => {
    if (options.json && options.format !== undefined) {
      usageError(command, "--format and --json can't be combined");
    }
    if (!options.commit && options.group === undefined) {
      usageError(command, "--no-commit requires --group");
    }
    const delimiter = options.nullDelimited ? NUL : NEWLINE;
    let printer = options.json ? jsonPrinter(delimiter) : valuePrinter(delimiter);
    if (options.format !== undefined) {
      // As in kcat, a format contains its own record delimiter.
      const end = options.nullDelimited ? [Uint8Array.of(NUL)] : [];
      printer = formatPrinter([...options.format, ...end]);
    }
    const fault = balanceFault(topics, options);
    if (fault !== undefined) usageError(command, fault);
    const recordsMax = options.maxRecords ?? Number.POSITIVE_INFINITY;
    const printing = { filter: recordFilter(options), recordsMax, printer };
    const { topicRegex, onOutOfRange } = options;
    const shared = {
      topics: topicRegex === undefined ? topics : [...topics, topicRegex],
      isSkipping: options.skipDamaged === true,
      onOutOfRange: onOutOfRange === "fail" ? "error" : onOutOfRange,
      isCommitting: options.commit,
    } as const;
    if (options.balance) {
      const { group = "" } = options;
      const balanced: BalancedReadingOptions = {
        ...shared,
        offset: sharedStart(options.offset) ?? "earliest",
        group,
        sessionTimeoutMs: options.sessionTimeout ?? SESSION_TIMEOUT_MS_DEFAULT,
        instanceId: options.instanceId,
      };
      const start: StartReading = (client, settled) => readBalanced(client, balanced, settled);
      await withClient(options, (client) =>
        consume(client, start, { ...printing, isFollowing: true }),
      );
      return;
    }
    const isFollowing = options.follow === true;
    const plain: TopicReadingOptions = {
      ...shared,
      range: options.offset,
      partitions: options.partition,
      isFollowing,
      group: options.group,
    };
    await withClient(options, async (client) => {
      const { group, commit } = options;
      if (group !== undefined && commit) await refuseMembers(client.admin(), group, WITH_MEMBERS);
      await consume(client, () => readTopics(client, plain), { ...printing, isFollowing });
    });
  });
}

/** `error` is an older name of `fail`. */
function outOfRange(text: string): (typeof OUT_OF_RANGE)[number] {
  const found = OUT_OF_RANGE.find((choice) => choice === (text === "error" ? "fail" : text));
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`Allowed choices are ${OUT_OF_RANGE.join(", ")}.`);
}

function sessionTimeout(text: string): number {
  const ms = parseDuration(text);
  if (ms >= SESSION_TIMEOUT_MS_MIN && ms <= SESSION_TIMEOUT_MS_MAX) return ms;
  throw new InvalidArgumentError("Expected a duration from 6s to 30m.");
}

/** What is wrong with the options for sharing, or that no topics are named. */
function balanceFault(
  topics: readonly string[],
  options: {
    readonly balance?: true | undefined;
    readonly topicRegex?: RegExp | undefined;
    readonly sessionTimeout?: number | undefined;
    readonly instanceId?: string | undefined;
    readonly group?: string | undefined;
    readonly partition?: readonly number[] | undefined;
    readonly offset: OffsetRangeSpec;
  },
): string | undefined {
  if (topics.length === 0 && options.topicRegex === undefined) {
    return "missing required argument 'topic'";
  }
  if (!options.balance) {
    if (options.sessionTimeout !== undefined) return "--session-timeout requires --balance";
    if (options.instanceId !== undefined) return "--instance-id requires --balance";
    return undefined;
  }
  if (options.group === undefined) return "--balance requires --group";
  if (options.partition !== undefined) {
    return "--balance and --partition can't be combined: the group chooses the partitions";
  }
  if (options.offset.end !== undefined || sharedStart(options.offset) === undefined) {
    return "with --balance, --offset is earliest, latest or @TIME, without an end";
  }
  return undefined;
}

/** Where to start in any partition of any topic; undefined for offsets that mean something else in each. */
function sharedStart({ start }: OffsetRangeSpec): BalancedReadingOptions["offset"] | undefined {
  if (start === "earliest" || start === "latest") return start;
  return typeof start === "object" && "timestamp" in start ? start : undefined;
}

async function consume(client: Client, start: StartReading, options: PrintOptions): Promise<void> {
  const interruption = new Interruption();
  const output: ByteOutput = new ByteOutput(writeDescriptor(STDOUT), (from, next) =>
    reading.printed(from, next),
  );
  const reading = start(client, () => output.settled());
  try {
    try {
      try {
        const damage = await printRecords(reading, output, options, interruption);
        // Other damage was already reported; this error ends the command.
        if (damage !== undefined) throw damage;
      } finally {
        // Drain also when reading failed: the records before the failure are good.
        if (interruption.exitCode === undefined) await output.drain();
      }
    } finally {
      // Also when a write failed or the reader closed the pipe: commit what was printed.
      await output.settled();
      await reading.committed();
    }
  } catch (error) {
    // The others of the group need not wait for the session timeout. The first error says more.
    await reading.close().catch(() => {});
    throw error;
  }
  await reading.close();
  // With --follow, a signal is the normal way to end.
  if (interruption.exitCode !== undefined && !options.isFollowing) {
    process.exit(interruption.exitCode);
  }
}

/** Prints to the end. Returns the last damage found; partitions without damage were read on. */
async function printRecords(
  reading: Reading,
  output: ByteOutput,
  options: PrintOptions,
  interruption: Interruption,
): Promise<DamagedRecordsError | undefined> {
  const { filter, printer, recordsMax } = options;
  const isMarking = reading.isCommitting;
  const damaged = new Set<string>();
  let last: DamagedRecordsError | undefined;
  let count = 0;
  while (count < recordsMax) {
    const records = await interruption.orResult(reading.nextBatch());
    if (records === undefined || records === null) return last;
    const place = `${records.topic} ${records.partition}`;
    // The error repeats once all other partitions are read.
    if (damaged.has(place)) return last;
    let marked = 0;
    try {
      while (count < recordsMax && records.next()) {
        if (filter !== undefined && !filter(records)) continue;
        printer(records, output);
        marked = records.cursor.offset + 1;
        if (isMarking) output.mark(records, marked);
        count++;
        if (!output.isFull) continue;
        await output.flush();
        if (output.isClosed || interruption.exitCode !== undefined) return last;
      }
    } catch (error) {
      if (!(error instanceof DamagedRecordsError) || options.isFollowing) throw error;
      if (last !== undefined) printError(`rustlog: ${describeFailure(last)}`);
      last = error;
      damaged.add(place);
    }
    // Continue after a gap, or records that were not printed, at the end, so that the group does not meet them again.
    const position = reading.position(records) ?? 0;
    if (isMarking && position > marked) output.mark(records, position);
    // Flush per batch: records show up immediately, and all marks between two flushes are of one partition.
    await output.flush();
    if (output.isClosed || interruption.exitCode !== undefined) return last;
  }
  return last;
}
