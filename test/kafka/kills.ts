// A producer with idempotence while the broker is killed and started again: every record is written once, in order.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { BrokerProcess, quietPort } from "../support/binary.js";
import { tempDir } from "../support/tmp.js";
import { textRecord } from "./client.js";
import { connectKafkajs } from "./kafkajs.js";
import type { ClientEntry } from "./table.js";

const TOPIC = "killed";

const PARTITIONS = 3;

const RECORDS = 60_000;

/** Large enough for many requests: a kill must find some unanswered. */
const VALUE_LENGTH = 100;

const KILLS = 2;

/** How much the log must grow before the next kill. */
const BYTES_PER_KILL = (RECORDS * VALUE_LENGTH) / 10;

/** Produces with a client through `kill -9` and restart of its own broker. Throws what is wrong. */
export async function produceThroughKills(connect: ClientEntry["connect"]): Promise<void> {
  using directory = tempDir();
  const port = `${quietPort()}`;
  const start = (): Promise<BrokerProcess> => BrokerProcess.start(directory.path, "--port", port);
  let broker = await start();
  const client = await connect(broker.address);
  try {
    await client.create(TOPIC, PARTITIONS);
    let isProducing = true;
    const records = Array.from({ length: RECORDS }, (_, i) =>
      textRecord(`${i}`.padEnd(VALUE_LENGTH), { partition: i % PARTITIONS }),
    );
    const producing = client.produce(TOPIC, records, { idempotent: true }).finally(() => {
      isProducing = false;
    });
    // Handled below; without this, a failure before that ends the process.
    producing.catch(() => {});
    let kills = 0;
    for (; kills < KILLS; kills++) {
      const goal = logBytes(directory.path) + BYTES_PER_KILL;
      while (isProducing && logBytes(directory.path) < goal) await Bun.sleep(1);
      if (!isProducing) break;
      await broker.end("SIGKILL");
      broker = await start();
    }
    await producing;
    if (kills === 0) throw new Error("everything was written before the first kill");
    await check(broker.address);
  } finally {
    await client.close();
    await broker.end("SIGKILL");
  }
}

/** The bytes in the log of the topic. */
function logBytes(dataDir: string): number {
  const topic = join(dataDir, "topics", TOPIC);
  return readdirSync(topic, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".log"))
    .reduce((sum, name) => sum + statSync(join(topic, name)).size, 0);
}

/** Reads everything with another client. */
async function check(broker: string): Promise<void> {
  const reader = await connectKafkajs(broker);
  try {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const end = await reader.offset(TOPIC, partition, "latest");
      const expected = RECORDS / PARTITIONS;
      if (end !== expected)
        throw new Error(`partition ${partition} has ${end} records instead of ${expected}`);
      const records = await reader.consume(TOPIC, partition, 0, expected);
      const wrong = records.findIndex(
        ({ value }, i) => Number(value) !== i * PARTITIONS + partition,
      );
      if (wrong >= 0) {
        throw new Error(`partition ${partition} has ${records[wrong]?.value} at offset ${wrong}`);
      }
    }
  } finally {
    await reader.close();
  }
}
