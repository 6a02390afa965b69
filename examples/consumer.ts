// Reads partition 0 of the topic 'demo': all of it, or with a group what the group has not read yet.
// Run it: bun run examples/consumer.ts [--group NAME]     (the broker: RUSTLOG_BROKER, else 127.0.0.1:9092)
import { parseArgs } from "node:util";
import { type Client, type ConsumedRecord, connect } from "../src/index.js";

const TOPIC = "demo";
const PARTITION = 0;

const { group } = parseArgs({ options: { group: { type: "string" } } }).values;

console.log("RustLog Consumer Demo");
console.log("=====================\n");

const broker = process.env.RUSTLOG_BROKER || "127.0.0.1:9092";
console.log(`Connecting to broker at ${broker}...`);
await using client = await connect({ broker }).catch(giveUp);
console.log("Connected\n");

if (group === undefined) console.log("Offset-based consumer (no group)");
else await describeGroup(client, group);

// Not following: the consumer ends where the partition ends now. A group starts at its committed offset.
const consumer = client.consumer({
  topic: TOPIC,
  partitions: [PARTITION],
  follow: false,
  ...(group === undefined ? { offset: 0 } : { group }),
});
await consumer.start();
const start = consumer.position(PARTITION);
console.log(`Starting offset: ${start}\n`);

console.log(`Fetching from topic '${TOPIC}', partition ${PARTITION}...\n`);
const records: ConsumedRecord[] = [];
for await (const record of consumer) records.push(record);
const next = consumer.position(PARTITION);

console.log("Fetch successful!");
console.log(`Records fetched: ${records.length}`);
console.log(`Next offset: ${next}\n`);

if (records.length === 0) {
  console.log(`No records available at offset ${start}`);
} else {
  console.log("Records:");
  const utf8 = new TextDecoder();
  for (const { offset, value } of records) {
    console.log(`  Offset ${offset}: ${value === null ? "(null)" : utf8.decode(value)}`);
  }
  if (group !== undefined) {
    // Only what was printed is committed, and only now: after a crash before this it would come again.
    console.log(`\nCommitting offset ${next} for group '${group}'...`);
    await consumer.commit();
    console.log("Committed");
  }
  console.log("\nDone");
}

async function describeGroup(client: Client, name: string): Promise<void> {
  console.log(`Consumer group: ${name}`);
  const [committed] = await client
    .admin()
    .fetchOffsets(name, [{ topic: TOPIC, partition: PARTITION }]);
  if (committed?.offset === undefined) console.log("No committed offset found, starting from 0");
  else console.log(`Found committed offset: ${committed.offset}`);
}

/** Ends the program with the one line that says what is wrong. */
function giveUp(error: unknown): never {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
