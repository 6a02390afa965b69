// `rustlog produce`: writes records from arguments, a file or stdin to a topic, and reports what was acknowledged.
// Leaves to others: splitting input (line-reader.ts), parsing a record (record-input.ts), sending (client/).
import { closeSync, openSync } from "node:fs";
import { Option } from "@commander-js/extra-typings";
import type { Client } from "../client/client.js";
import { RustLogError } from "../errors.js";
import type { Codec } from "../record/batch.js";
import { usageError } from "./command.js";
import { newClientCommand, withClient } from "./connection.js";
import { parseEscapes } from "./format.js";
import { parseTime } from "./offset-range.js";
import { CliError, printError } from "./exit.js";
import { printNote } from "./quiet.js";
import { LineReader, NEWLINE, NUL, readDescriptor } from "./line-reader.js";
import { nameValueList, wholeNumber } from "./numbers.js";
import { batchBytesOption, compressionOption, lingerOption } from "./options.js";
import { formatSummary, ProgressLine } from "./progress.js";
import { atRecord, RecordInput, type RecordInputOptions } from "./record-input.js";
import { Interruption, GRACE_MS } from "./signals.js";

const STDIN = 0;

const EXAMPLES = `
  rustlog produce events "hello" "world"
  rustlog produce events --file access.log --compression zstd
  printf 'user-1:login\\nuser-2:logout\\n' | rustlog produce events -K :
  rustlog consume events --json | rustlog produce copy --json`;

/** Allowance for everything in a line of JSON besides key, value and headers. */
const JSON_OVERHEAD_BYTES = 64 * 1024;

interface ProduceOptions extends RecordInputOptions {
  readonly file: string | undefined;
  readonly nullDelimited: boolean;
  readonly compression: Codec;
  readonly batchBytes: number | undefined;
  readonly linger: number | undefined;
  /** Milliseconds since the epoch; the present time without it. */
  readonly timestamp: number | undefined;
}

export function produceCommand() {
  const command = newClientCommand(
    "produce",
    "Write records to a topic: from arguments, or one per line from stdin or a file",
    EXAMPLES,
  )
    .argument("<topic>", "topic to write to")
    .argument("[value...]", "values to write (default: read lines from stdin)")
    .option("-k, --key <key>", "key of every record")
    .addOption(
      new Option(
        "-K, --key-separator <text>",
        "separator between key and value in a line; \\t and other escapes as in `consume -f`",
      ).argParser(parseEscapes),
    )
    .option(
      "--allow-missing-key",
      "with -K: accept lines without a separator as values without a key",
    )
    .addOption(
      new Option("-H, --header <name=value>", "header of every record; may be repeated").argParser(
        nameValueList,
      ),
    )
    .option("-p, --partition <n>", "partition to write to", wholeNumber(0, 2 ** 32 - 1))
    .addOption(
      new Option(
        "--timestamp <time>",
        "time of the records: milliseconds since 1970, ISO 8601, or ago (-10m); with --json, of those without one (default: now)",
      ).argParser(parseTime),
    )
    .addOption(compressionOption())
    .option("-Z, --tombstone", "write null for an empty value")
    .option("--json", "read JSON lines, as printed by `rustlog consume --json`")
    .option("--file <path>", "read records from a file instead of stdin")
    .option("--null-delimited", "end records with a NUL byte instead of a newline")
    .addOption(batchBytesOption())
    .addOption(lingerOption());
  return command.action(async (topic, values, options) => {
    if (options.key !== undefined && options.keySeparator !== undefined) {
      usageError(command, "-k and -K can't be combined: one key for all records, or one for each");
    }
    if (options.keySeparator?.length === 0) usageError(command, "the key separator is empty");
    if (options.allowMissingKey && options.keySeparator === undefined) {
      usageError(command, "--allow-missing-key requires -K");
    }
    if (options.json && (options.key ?? options.keySeparator ?? options.header) !== undefined) {
      usageError(
        command,
        "--json can't be combined with options for keys and headers: they are in the JSON",
      );
    }
    if (options.file !== undefined && values.length > 0) {
      usageError(command, "pass values as arguments or with --file, not both");
    }
    if (options.nullDelimited && values.length > 0) {
      usageError(
        command,
        "--null-delimited applies to a file or stdin, not to values in arguments",
      );
    }
    const resolved: ProduceOptions = {
      key: options.key,
      keySeparator: options.keySeparator,
      allowsMissingKey: options.allowMissingKey === true,
      headers: options.header ?? [],
      partition: options.partition,
      timestamp: options.timestamp,
      isTombstone: options.tombstone === true,
      isJson: options.json === true,
      file: options.file,
      nullDelimited: options.nullDelimited === true,
      compression: options.compression,
      batchBytes: options.batchBytes,
      linger: options.linger,
    };
    await withClient(options, (client) => produce(client, topic, values, resolved));
  });
}

async function produce(
  client: Client,
  topic: string,
  values: readonly string[],
  options: ProduceOptions,
): Promise<void> {
  const interruption = new Interruption();
  const producer = client.producer({
    compression: options.compression,
    ...(options.batchBytes === undefined ? {} : { batchBytes: options.batchBytes }),
    ...(options.linger === undefined ? {} : { lingerMs: options.linger }),
  });
  const input = new RecordInput(producer, topic, options);
  // Don't draw a progress line over what the user types.
  const isTyped = values.length === 0 && options.file === undefined && process.stdin.isTTY === true;
  const progress = new ProgressLine(
    () => ({ records: producer.stats.acknowledgedRecords, bytes: input.bytes }),
    process.stderr.isTTY === true && !isTyped,
  );
  let failure: unknown;
  try {
    const now = () => options.timestamp ?? Date.now();
    if (values.length > 0) await takeValues(values, input, now, interruption);
    else await takeLines(client, options, input, now, interruption);
  } catch (error) {
    failure = error;
  }
  // Flush after a failure or signal too, so that the summary is complete.
  try {
    const isGivenUp = interruption.requested().then(() => Bun.sleep(GRACE_MS));
    await Promise.race([producer.flush(), isGivenUp]);
  } catch (error) {
    failure ??= error;
  }
  progress.stop();
  const isComplete = failure === undefined && interruption.exitCode === undefined;
  const { seconds } = progress;
  // If no record was sent, or none was acknowledged for this same reason, the error says it all.
  const { records, acknowledgedRecords } = producer.stats;
  const isDelivery = failure instanceof RustLogError && acknowledgedRecords === 0;
  if (failure === undefined || !(records === 0 || isDelivery)) {
    const summary = formatSummary(topic, producer.stats, {
      ...{ bytes: input.bytes, seconds, isComplete },
    });
    // After a failure it says what was written nevertheless.
    if (isComplete) printNote(summary);
    else printError(summary);
  }
  if (failure !== undefined) throw failure;
  if (interruption.exitCode === undefined) return;
  printError("rustlog: interrupted; the rest of the input was not sent");
  process.exit(interruption.exitCode);
}

async function takeValues(
  values: readonly string[],
  input: RecordInput,
  now: () => number,
  interruption: Interruption,
): Promise<void> {
  for (const [index, value] of values.entries()) {
    const wait = takeNumbered(input, Buffer.from(value), now(), `value ${index + 1}`);
    if (wait !== undefined) await interruption.orResult(wait);
    if (interruption.exitCode !== undefined) return;
  }
}

async function takeLines(
  client: Client,
  options: ProduceOptions,
  input: RecordInput,
  now: () => number,
  interruption: Interruption,
): Promise<void> {
  const { maxBatchBytes } = client.admin().brokerInfo();
  const descriptor = options.file === undefined ? STDIN : openInput(options.file);
  if (process.stdin.isTTY && descriptor === STDIN) {
    printNote("Reading records from the terminal, one a line; Ctrl-D ends.");
  }
  const reader = new LineReader(readDescriptor(descriptor), {
    delimiter: options.nullDelimited ? NUL : NEWLINE,
    // An escaped byte takes up to six characters in JSON; the producer checks the size of the record itself. Text from
    // Windows may start with a byte order mark; input with NULs is binary and left as it is.
    skipsMark: options.isJson || !options.nullDelimited,
    recordBytesMax: options.isJson ? 6 * maxBatchBytes + JSON_OVERHEAD_BYTES : maxBatchBytes,
  });
  while (await interruption.orResult(reader.fill())) {
    // One timestamp for all records of a read.
    const nowMs = now();
    while (reader.next()) {
      const wait = takeNumbered(input, reader.record(), nowMs, reader.place);
      if (wait === undefined) continue;
      await interruption.orResult(wait);
      if (interruption.exitCode !== undefined) return;
    }
  }
  if (descriptor !== STDIN) closeSync(descriptor);
}

function takeNumbered(
  input: RecordInput,
  record: Uint8Array,
  nowMs: number,
  where: string,
): void | Promise<void> {
  try {
    return input.take(record, nowMs);
  } catch (error) {
    throw atRecord(where, error);
  }
}

function openInput(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError(`cannot open ${path}: ${why}`, { cause: error });
  }
}
