// `rustlog consume`: prints a topic's records from here to there, and commits what was printed.
// Leaves to others: fetching (client/consumer.ts), how a record looks (format.ts, json-record.ts), and
// knowing what was really written (output.ts).
import { Option } from "@commander-js/extra-typings";
import type { Client } from "../client/client.ts";
import type { Consumer } from "../client/consumer.ts";
import { DamagedRecordsError } from "../client/damage.ts";
import type { OutOfRangePolicy } from "../client/fetcher.ts";
import { newCommand, usageError } from "./command.ts";
import { describeFailure, oneLine, printError } from "./exit.ts";
import { compileFormat, formatPrinter, type RecordPrinter, valuePrinter } from "./format.ts";
import { GroupCommits } from "./group-commits.ts";
import { jsonPrinter } from "./json-record.ts";
import { NEWLINE, NUL } from "./line-reader.ts";
import { partitionList, wholeNumber } from "./numbers.ts";
import { type OffsetRangeSpec, parseOffsetRange } from "./offset-range.ts";
import { brokerOption, withClient } from "./options.ts";
import { ByteOutput, STDOUT, writeDescriptor } from "./output.ts";
import { Interruption } from "./signals.ts";

const EXAMPLES = `
  rustlog consume events
  rustlog consume events --follow --offset latest
  rustlog consume events -o -10 -f '%p/%o %T %k=%s\\n'
  rustlog consume events -o @-1h:@-10m --json
  rustlog consume events --group billing -n 100`;

interface ConsumeOptions {
  readonly range: OffsetRangeSpec;
  readonly partitions: readonly number[] | undefined;
  readonly isFollowing: boolean;
  readonly recordsMax: number;
  readonly group: string | undefined;
  readonly isCommitting: boolean;
  readonly isSkipping: boolean;
  readonly onOutOfRange: OutOfRangePolicy;
  readonly printer: RecordPrinter;
}

export function consumeCommand() {
  const command = newCommand(
    "consume",
    "Print the records of a topic, from the earliest to the end of what is there now",
    EXAMPLES,
  )
    .argument("<topic>", "topic to read")
    .addOption(brokerOption())
    .addOption(
      new Option(
        "-o, --offset <start[:end]>",
        "earliest (beginning), latest (end), N, -N (from the end of each partition) or @TIME (ms, ISO 8601 or ago: @-10m); END is not included",
      )
        .default({ start: "earliest", end: undefined } as OffsetRangeSpec, "earliest")
        .argParser((text) => parseOffsetRange(text)),
    )
    .addOption(
      new Option("-p, --partition <n[,n...]>", "partitions to read (default: all)") //
        .argParser(partitionList),
    )
    .option("-F, --follow", "go on waiting for new records")
    .option("-n, --max-records <n>", "end after so many records", wholeNumber(1))
    .option(
      "-g, --group <name>",
      "start after what the group committed, and commit what is printed",
    )
    .option("--no-commit", "with --group: commit nothing")
    .option(
      "-f, --format <format>",
      "print %t topic %p partition %o offset %T timestamp %k key %s value %h headers %K %S lengths, \\n \\t \\0",
      compileFormat,
    )
    .option("--json", "print a JSON object a record")
    .addOption(
      new Option(
        "--on-out-of-range <where>",
        "where to go on when records at the position are gone, or with --follow when the topic is recreated",
      )
        .choices(["error", "earliest", "latest"] as const)
        .default("error" as const),
    )
    .option("--skip-damaged", "skip records that can't be read, and report each skip on stderr")
    .option("--null-delimited", "end records with a NUL byte instead of a newline");
  return command.action(async (topic, options) => {
    if (options.json && options.format !== undefined) {
      usageError(command, "--format and --json are two ways to print: use one of them");
    }
    if (!options.commit && options.group === undefined) {
      usageError(command, "--no-commit says nothing without --group");
    }
    const delimiter = options.nullDelimited ? NUL : NEWLINE;
    let printer = options.json ? jsonPrinter(delimiter) : valuePrinter(delimiter);
    if (options.format !== undefined) {
      // As kcat: a format says itself how a record ends.
      const end = options.nullDelimited ? [Uint8Array.of(NUL)] : [];
      printer = formatPrinter([...options.format, ...end]);
    }
    const resolved: ConsumeOptions = {
      range: options.offset,
      partitions: options.partition,
      isFollowing: options.follow === true,
      recordsMax: options.maxRecords ?? Number.POSITIVE_INFINITY,
      group: options.group,
      isCommitting: options.commit,
      isSkipping: options.skipDamaged === true,
      onOutOfRange: options.onOutOfRange,
      printer,
    };
    await withClient(options.broker, (client) => consume(client, topic, resolved));
  });
}

async function consume(client: Client, topic: string, options: ConsumeOptions): Promise<void> {
  const { range, partitions, group, isFollowing, onOutOfRange } = options;
  const interruption = new Interruption();
  const consumer = client.consumer({
    topic,
    offset: range.start,
    follow: isFollowing,
    onOutOfRange,
    onTopicChanged: ({ message }) => printError(`rustlog: ${oneLine(message)}`),
    onDamaged: options.isSkipping ? "skip" : "throw",
    onSkip: ({ message }) => printError(`rustlog: skipped: ${oneLine(message)}`),
    ...(range.end === undefined ? {} : { end: range.end }),
    ...(partitions === undefined ? {} : { partitions }),
    ...(group === undefined ? {} : { group }),
  });
  const commits =
    group === undefined || !options.isCommitting
      ? undefined
      : new GroupCommits(client.admin(), group, topic, onOutOfRange !== "error");
  // A batch is flushed before the next one is begun, so the consumer is still in the topic that it is of.
  const output = new ByteOutput(writeDescriptor(STDOUT), (partition, next) =>
    commits?.request(partition, next, consumer.topicId(partition)),
  );
  try {
    try {
      const isMarking = commits !== undefined;
      const damage = await printRecords(consumer, output, isMarking, options, interruption);
      // What else is damaged has been told; this one ends the command.
      if (damage !== undefined) throw damage;
    } finally {
      // Also when reading failed: the records before the failure are good, and are not to be lost.
      if (interruption.exitCode === undefined) await output.drain();
    }
  } finally {
    // Also when writing failed or the reader went away: what was printed was printed.
    await output.settled();
    await commits?.settled();
  }
  await consumer.close();
  // Following has no end of its own: a signal is how it is meant to end.
  if (interruption.exitCode !== undefined && !isFollowing) process.exit(interruption.exitCode);
}

/** Prints to the end; returns the last damage that it came to, of which only other partitions were read on. */
async function printRecords(
  consumer: Consumer,
  output: ByteOutput,
  isMarking: boolean,
  options: ConsumeOptions,
  interruption: Interruption,
): Promise<DamagedRecordsError | undefined> {
  const { printer, recordsMax } = options;
  const damaged = new Set<number>();
  let last: DamagedRecordsError | undefined;
  let count = 0;
  while (count < recordsMax) {
    const records = await interruption.orResult(consumer.nextBatch());
    if (records === undefined || records === null) return last;
    // It comes again when all else is read.
    if (damaged.has(records.partition)) return last;
    let marked = 0;
    try {
      while (count < recordsMax && records.next()) {
        printer(records, output);
        marked = records.cursor.offset + 1;
        if (isMarking) output.mark(records.partition, marked);
        count++;
        if (!output.isFull) continue;
        await output.flush();
        if (output.isClosed || interruption.exitCode !== undefined) return last;
      }
    } catch (error) {
      if (!(error instanceof DamagedRecordsError) || options.isFollowing) throw error;
      if (last !== undefined) printError(`rustlog: ${describeFailure(last)}`);
      last = error;
      damaged.add(records.partition);
    }
    // Past what was skipped at the end, or a group would come to it again.
    const position = options.isSkipping ? (consumer.position(records.partition) ?? 0) : 0;
    if (isMarking && position > marked) output.mark(records.partition, position);
    // A batch at a time, so that what is there is seen at once, and marks of partitions don't mix.
    await output.flush();
    if (output.isClosed || interruption.exitCode !== undefined) return last;
  }
  return last;
}
