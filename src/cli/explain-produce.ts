// `rustlog explain produce`: sends one real record to a broker and explains each step of its way in.
// Leaves to others: sending (client/), the bytes (inspection/), the place in the files (inspection/explain-append.ts).
import { Option } from "@commander-js/extra-typings";
import type { Admin } from "../client/admin.js";
import type { PartitionDescription } from "../client/admin-types.js";
import type { Client } from "../client/client.js";
import { murmur2 } from "../record/murmur2.js";
import type { RecordMetadata } from "../client/producer.js";
import { RustLogError } from "../errors.js";
import { type BatchDescription, describeBatch } from "../inspection/batch-description.js";
import { batchFields } from "../inspection/batch-fields.js";
import { type AppendedPlace, explainAppend } from "../inspection/explain-append.js";
import { jsonFields } from "../inspection/fields.js";
import { openLogFiles } from "../inspection/log-files.js";
import { ReadOnlyDisk } from "../inspection/read-only-disk.js";
import { BATCH_HEADER_BYTES, batchBytes } from "../record/batch.js";
import { readMeta } from "../topics/meta-file.js";
import { paintForStdout } from "./colour.js";
import { newClientCommand, withClient } from "./connection.js";
import { CliError, printError } from "./exit.js";
import { costLines } from "./explain-text.js";
import { nameValueList, wholeNumber } from "./numbers.js";
import { NumberedSteps } from "./numbered-steps.js";
import { writeJson, writeText } from "./output.js";

const EXAMPLES = `
  rustlog explain produce orders "hello"
  rustlog explain produce orders "hello" -k user-1 -H source=web
  rustlog explain produce orders "hello" --data-dir ./data --json`;

interface Wanted {
  readonly topic: string;
  readonly value: string;
  readonly key: string | undefined;
  readonly partition: number | undefined;
  readonly headers: readonly (readonly [string, string])[];
  readonly dataDir: string | undefined;
}

type Choice =
  | { readonly by: "option" }
  | { readonly by: "sticky"; readonly partitions: number }
  | { readonly by: "key"; readonly murmur2: number; readonly partitions: number };

/** Everything that is known about one produced record. */
interface Production {
  readonly sent: RecordMetadata;
  readonly choice: Choice;
  /** The partition before the produce; null if the record created the topic. */
  readonly before: PartitionDescription | null;
  readonly after: PartitionDescription;
  readonly batch: BatchDescription;
  /** The batch as the broker returns it. */
  readonly bytes: Uint8Array;
  /** Undefined without --data-dir. */
  readonly place: AppendedPlace | undefined;
}

export function explainProduce() {
  return newClientCommand(
    "produce",
    "Send one real record to a broker and show its way in: bytes, batch, offset, file, index",
    EXAMPLES,
  )
    .argument("<topic>", "topic to write to")
    .argument("<value>", "value of the record")
    .option("-k, --key <key>", "key of the record")
    .option("-p, --partition <n>", "partition to write to", wholeNumber(0, 2 ** 32 - 1))
    .addOption(
      new Option("-H, --header <name=value>", "header; may be repeated").argParser(nameValueList),
    )
    .option("-d, --data-dir <path>", "the broker's data directory, if it is on this machine")
    .addOption(new Option("--json", "print the steps as a JSON object"))
    .action(async (topic, value, options) => {
      const { key, partition, header, dataDir } = options;
      const wanted = { topic, value, key, partition, headers: header ?? [], dataDir };
      await withClient(options, async (client) => {
        const production = await produceOne(client, wanted, ({ partition, offset }) =>
          printError(
            `Acknowledged 1 record to '${topic}': partition ${partition} offset ${offset}`,
          ),
        );
        if (options.json === true) await writeJson(jsonOf(production));
        else await writeText(productionText(production));
      });
    });
}

/** `onLost` is called with the record when it was written but its place can't be shown. */
async function produceOne(
  client: Client,
  wanted: Wanted,
  onLost: (sent: RecordMetadata) => void,
): Promise<Production> {
  const { topic, value, key, dataDir } = wanted;
  const admin = client.admin();
  // Check before writing anything: another directory would show another log.
  if (dataDir !== undefined) checkDirectory(dataDir, admin);
  await refuseLookup(wanted, admin);
  const partitionsBefore = await partitionsOf(admin, topic);
  const sent = await client.producer({ lingerMs: 0 }).send(topic, {
    value,
    headers: wanted.headers.map(([name, text]) => ({ name, value: Buffer.from(text) })),
    ...(key === undefined ? {} : { key }),
    ...(wanted.partition === undefined ? {} : { partition: wanted.partition }),
  });
  try {
    return await productionOf(client, wanted, sent, partitionsBefore);
  } catch (error) {
    onLost(sent);
    throw error;
  }
}

/** Collects what happened to an acknowledged record. */
async function productionOf(
  client: Client,
  wanted: Wanted,
  sent: RecordMetadata,
  partitionsBefore: readonly PartitionDescription[],
): Promise<Production> {
  const { topic, dataDir } = wanted;
  const { partition, offset } = sent;
  const partitions = await partitionsOf(client.admin(), topic);
  const after = partitions[partition];
  if (after === undefined) throw new CliError(`topic '${topic}' was deleted in the meantime`);
  const bytes = await fetchBatch(client, sent);
  let place: AppendedPlace | undefined;
  if (dataDir !== undefined) {
    using log = openLogFiles(dataDir, topic, partition);
    place = await explainAppend(log, offset);
  }
  const batch = describeBatch(bytes, 0, place?.position ?? 0);
  const choice = choiceOf(wanted, partitions.length);
  return { sent, choice, before: partitionsBefore[partition] ?? null, after, batch, bytes, place };
}

function checkDirectory(dataDir: string, admin: Admin): void {
  const { logDirectoryId } = admin.brokerInfo();
  if (readMeta(new ReadOnlyDisk(), dataDir)?.id === logDirectoryId) return;
  throw new CliError(`${dataDir} is not the data directory of this broker (id ${logDirectoryId})`, {
    help: "Nothing was sent. Omit --data-dir, or pass the directory that the broker was started with.",
  });
}

/** `explain produce 0 5` is ambiguous: a produce to topic `0`, or a lookup in a topic called `produce`. */
async function refuseLookup({ topic, value }: Wanted, admin: Admin): Promise<void> {
  if (!/^\d+$/.test(topic) || !/^(?:\d+|earliest|latest|@.+)$/.test(value)) return;
  if ((await partitionsOf(admin, "produce")).length === 0) return;
  throw new CliError(
    "a topic named 'produce' exists, so this could be a lookup in it; nothing was sent",
    {
      help: `Run \`rustlog explain lookup produce ${topic} ${value}\` for the lookup, or \`rustlog produce\` to write.`,
    },
  );
}

/** The topic's partitions; empty if the topic does not exist. */
async function partitionsOf(admin: Admin, topic: string): Promise<readonly PartitionDescription[]> {
  try {
    return (await admin.describeTopic(topic)).partitions;
  } catch (error) {
    if (error instanceof RustLogError && error.code === "UNKNOWN_TOPIC_OR_PARTITION") return [];
    throw error;
  }
}

async function fetchBatch(
  client: Client,
  { topic, partition, offset }: RecordMetadata,
): Promise<Uint8Array> {
  const consumer = client.consumer({
    topic,
    partitions: [partition],
    offset,
    end: offset + 1,
    maxBytes: 1,
  });
  const records = await consumer.nextBatch();
  if (records === null || !records.next()) throw new CliError("the record could not be read back");
  // The batch is not compressed, so the cursor's buffer is the fetched bytes.
  const { buffer } = records.cursor;
  const bytes = buffer.slice(0, batchBytes(buffer, 0));
  await consumer.close();
  return bytes;
}

function choiceOf({ key, partition }: Wanted, partitions: number): Choice {
  if (partition !== undefined) return { by: "option" };
  if (key === undefined) return { by: "sticky", partitions };
  return { by: "key", murmur2: murmur2(Buffer.from(key)), partitions };
}

function jsonOf({ sent, choice, before, after, batch, bytes, place }: Production): unknown {
  const fields = [...jsonFields(batchFields(bytes, 0, bytes.length, batch.position))];
  return {
    ...sent,
    protocol: "native",
    choice,
    before,
    after,
    batch,
    fields,
    place: place ?? null,
  };
}

function productionText(production: Production): string {
  const { sent, before, after, batch, bytes, place } = production;
  const { topic, partition, offset } = sent;
  const steps = new NumberedSteps(paintForStdout());
  steps.heading(`How one record gets into ${topic}`);
  const fields = [...batchFields(bytes, 0, bytes.length, batch.position)];
  const headerEnd = batch.position + BATCH_HEADER_BYTES;
  const where = place === undefined ? "the batch" : "the file";
  const isHeader = (item: (typeof fields)[number]): boolean =>
    item.kind === "field" && item.position < headerEnd;
  steps.step(`The record, encoded: ${bytes.length - BATCH_HEADER_BYTES} bytes`);
  steps.line(`positions are hexadecimal, relative to ${where}`);
  steps.dump(fields.filter((item) => item.kind === "field" && !isHeader(item)));
  choiceStep(steps, production);
  steps.step(
    `The batch: a header of ${BATCH_HEADER_BYTES} bytes before it, ${bytes.length} in all`,
  );
  steps.dump(fields.filter(isHeader));
  steps.step(`The broker checks length, fields and CRC, and assigns offset ${offset}`);
  steps.line("The connection's first payload byte was not 0, so it speaks the native protocol.");
  steps.line(
    "Kafka's begins with 0; a batch in a Kafka client's Produce goes the same way from here.",
  );
  steps.line(
    `It writes the offset into the first 8 bytes, which the CRC does not cover. No other byte changes.`,
  );
  const ends = before === null ? "a new partition" : `the log end was ${before.logEndOffset}`;
  steps.line(`before: ${ends}; now it is ${after.logEndOffset}`);
  if (place !== undefined) placeStep(steps, place);
  steps.step(`Acknowledged: partition ${partition}, offset ${offset}`);
  steps.line("What that guarantees depends on the broker's --flush, which clients can't see:");
  steps.line("always: the batch is covered by an fdatasync. interval, never: the kernel has it.");
  const from = before === null ? "" : `from ${before.highWatermark} `;
  steps.line(
    `The high watermark moved ${from}to ${after.highWatermark}: consumers can read everything below it.`,
  );
  if (place !== undefined) costLines(steps, place.lookup, "What it costs to find it again");
  return steps.text;
}

function choiceStep(steps: NumberedSteps, { choice, sent }: Production): void {
  const { partition } = sent;
  if (choice.by === "option") {
    steps.step(`The partition: ${partition}, as requested`);
    return;
  }
  const { partitions } = choice;
  const of = partitions === 1 ? "the only one" : `of 0 to ${partitions - 1}`;
  steps.step(`The partition: ${partition}, ${of}`);
  if (choice.by === "sticky") {
    steps.line(
      "no key: a producer starts with a random partition and stays there until its batch is full",
    );
    return;
  }
  const hash = choice.murmur2 >>> 0;
  const positive = choice.murmur2 & 0x7fffffff;
  steps.line(
    `murmur2 of the key is 0x${hash.toString(16).padStart(8, "0")}; without the sign bit: ${positive}`,
  );
  steps.line(
    `${positive} modulo ${partitions} is ${positive % partitions}: the same for every record with this key`,
  );
}

function placeStep(steps: NumberedSteps, { segment, position, bytes, entry }: AppendedPlace): void {
  steps.step(`The file: ${segment.file}, ${segment.kind}`);
  const begins = position === 0 ? ": the first batch of the segment" : "";
  steps.line(`position ${position} to ${position + bytes}${begins}`);
  const { isWritten, bytesSinceEntry, intervalBytes } = entry;
  const rule = isWritten ? "more" : "no more";
  steps.line(
    `${bytesSinceEntry} bytes since the batch of the last index entry (or the segment start):`,
  );
  steps.result(
    `${isWritten ? "an" : "no"} index entry, because that is ${rule} than ${intervalBytes} bytes`,
  );
}
