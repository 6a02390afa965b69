// `rustlog consume`: prints a range of a topic's records and commits what was printed.
// Leaves to others: fetching (client/consumer.ts), the format of a record (format.ts, json-record.ts), and knowing what
// was really written (output.ts).
import { Option } from "@commander-js/extra-typings";
import type { Client } from "../client/client.js";
import type { Consumer } from "../client/consumer.js";
import { DamagedRecordsError } from "../client/damage.js";
import type { OutOfRangePolicy } from "../client/consumer-plan.js";
import { newCommand, usageError } from "./command.js";
import { describeFailure, oneLine, printError } from "./exit.js";
import { compileFormat, formatPrinter, type RecordPrinter, valuePrinter } from "./format.js";
import { GroupCommits } from "./group-commits.js";
import { jsonPrinter } from "./json-record.js";
import { NEWLINE, NUL } from "./line-reader.js";
import { partitionList, wholeNumber } from "./numbers.js";
import { type OffsetRangeSpec, parseOffsetRange } from "./offset-range.js";
import { brokerOption, withClient } from "./options.js";
import { ByteOutput, STDOUT, writeDescriptor } from "./output.js";
import { Interruption } from "./signals.js";

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
    "Print the records of a topic, from the earliest to the current end",
    EXAMPLES,
  )
    .argument("<topic>", "topic to read")
    .addOption(brokerOption())
    .addOption(
      new Option(
        "-o, --offset <start[:end]>",
        "earliest (beginning), latest (end), N, -N (from the end of each partition) or @TIME (ms, ISO 8601 or ago: @-10m); END is exclusive",
      )
        .default({ start: "earliest", end: undefined } as OffsetRangeSpec, "earliest")
        .argParser((text) => parseOffsetRange(text)),
    )
    .addOption(
      new Option("-p, --partition <n[,n...]>", "partitions to read (default: all)") //
        .argParser(partitionList),
    )
    .option("-F, --follow", "keep waiting for new records")
    .option("-n, --max-records <n>", "stop after this many records", wholeNumber(1))
    .option(
      "-g, --group <name>",
      "start at the group's committed offsets and commit what is printed",
    )
    .option("--no-commit", "with --group: do not commit")
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
        .choices(["error", "earliest", "latest"] as const)
        .default("error" as const),
    )
    .option("--skip-damaged", "skip unreadable records and report each skip on stderr")
    .option("--null-delimited", "end records with a NUL byte instead of a newline");
  return command.action(async (topic, options) => {
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

/** For two readers that know nothing of each other. */
function sharedWarning(group: string, topic: string): string {
  return (
    `another client reads the same partitions of '${topic}' with group '${group}': both get every record, and each ` +
    "overwrites the other's commits. Give each its own partitions with --partition, or another --group"
  );
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
      : new GroupCommits(client.admin(), group, topic, {
          goesOn: onOutOfRange !== "error",
          onShared: () => printError(`rustlog: ${sharedWarning(group, topic)}`),
        });
  // Each batch is flushed before the next one starts, so the consumer's topic id still matches the marks.
  const output = new ByteOutput(writeDescriptor(STDOUT), (partition, next) =>
    commits?.request(partition, next, consumer.topicId(partition)),
  );
  try {
    try {
      const isMarking = commits !== undefined;
      const damage = await printRecords(consumer, output, isMarking, options, interruption);
      // Other damage was already reported; this error ends the command.
      if (damage !== undefined) throw damage;
    } finally {
      // Drain also when reading failed: the records before the failure are good.
      if (interruption.exitCode === undefined) await output.drain();
    }
  } finally {
    // Also when a write failed or the reader closed the pipe: commit what was printed.
    await output.settled();
    await commits?.settled();
  }
  await consumer.close();
  // With --follow, a signal is the normal way to end.
  if (interruption.exitCode !== undefined && !isFollowing) process.exit(interruption.exitCode);
}

/** Prints to the end. Returns the last damage found; partitions without damage were read on. */
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
    // The error repeats once all other partitions are read.
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
    // Continue after a gap or skipped records at the end, so that the group does not meet them again.
    const position = consumer.position(records.partition) ?? 0;
    if (isMarking && position > marked) output.mark(records.partition, position);
    // Flush per batch: records show up immediately, and all marks between two flushes are of one partition.
    await output.flush();
    if (output.isClosed || interruption.exitCode !== undefined) return last;
  }
  return last;
}
