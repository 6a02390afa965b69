// Shares the topic 'demo', and all topics whose names begin with 'demo-', with the other processes that run this program.
// Run it in two terminals: bun run examples/balanced.ts     (the broker: RUSTLOG_BROKER, else 127.0.0.1:9092)
// Then stop one of them with Ctrl-C: the other one goes on where it was.
import { connect, type TopicPartition } from "../src/index.js";

const textOf = (partitions: readonly TopicPartition[]): string =>
  partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(", ");

await using client = await connect();
const consumer = client.consumer({
  balance: true,
  group: "balanced-demo",
  topics: ["demo", /^demo-/],
  onAssigned: (partitions) => console.log(`Assigned: ${textOf(partitions)}`),
  // By now every earlier record is processed. It is committed next, and then another process reads on.
  onRevoked: (partitions, reason) => console.log(`Revoked (${reason}): ${textOf(partitions)}`),
});
process.once("SIGINT", () => void consumer.close());

const utf8 = new TextDecoder();
let uncommitted = 0;
for await (const { topic, partition, offset, value } of consumer) {
  console.log(`${topic}-${partition} ${offset}: ${value === null ? "(null)" : utf8.decode(value)}`);
  // After a crash, the records since the last commit come again, so there should not be too many of them.
  if (++uncommitted < 1000) continue;
  await consumer.commit();
  uncommitted = 0;
}
