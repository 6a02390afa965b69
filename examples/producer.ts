// Writes three records to partition 0 of the topic 'demo' and says where they went.
// Run it: bun run examples/producer.ts     (the broker: RUSTLOG_BROKER, else 127.0.0.1:9092)
import { connect } from "../src/index.js";

const TOPIC = "demo";
const PARTITION = 0;
const MESSAGES = ["hello", "from", "rustlog"];

console.log("RustLog Producer Demo");
console.log("=====================\n");

const broker = process.env.RUSTLOG_BROKER || "127.0.0.1:9092";
console.log(`Connecting to broker at ${broker}...`);
await using client = await connect({ broker }).catch(giveUp);
console.log("Connected\n");

console.log(
  `Producing ${MESSAGES.length} messages to topic '${TOPIC}', partition ${PARTITION}...\n`,
);
// Records that are sent together travel in one batch; each promise resolves when its record is safe.
const producer = client.producer();
const written = await Promise.all(
  MESSAGES.map((value) => producer.send(TOPIC, { value, partition: PARTITION })),
);

console.log("Production successful!");
console.log(`Base offset: ${written[0]?.offset}`);
console.log(`Records written: ${written.length}\n`);
for (const [i, { offset }] of written.entries()) console.log(`  Offset ${offset}: ${MESSAGES[i]}`);

console.log("\nDone");

/** Ends the program with the one line that says what is wrong. */
function giveUp(error: unknown): never {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
