// Creates, fills, reads and deletes topics, a few at a time, beside a good client.
// Leaves to others: what may remain afterwards.
import { readdirSync } from "node:fs";
import { connect } from "../../src/client/client.js";
import type { BrokerProcess } from "../support/binary.js";
import { goodClient } from "./good-client.js";

/** What the operating system counts for a broker. */
export interface Holdings {
  readonly descriptors: number;
  /** Mappings of segments. */
  readonly mappings: number;
  /** Names in the data directory. */
  readonly directories: readonly string[];
}

const AT_ONCE = 5;

/** Descriptors and mappings that the log of committed offsets may need in addition by then. */
export const SPARE = 10;

/** On a busy machine the broker collects garbage less often. */
const SETTLE_MS_MAX = 50_000;

/** Creates and deletes `count` topics; returns what the broker held before and afterwards. */
export async function churnTopics(
  broker: BrokerProcess,
  count: number,
  progress: (done: number) => void = () => {},
): Promise<{ readonly before: Holdings; readonly after: Holdings }> {
  const good = await goodClient(broker.address);
  // The first commit creates the internal topic of committed offsets.
  await good.progress(5);
  await good.stop();
  const before = holdings(broker);
  const beside = await goodClient(broker.address, "beside");
  let next = 0;
  const worker = async (): Promise<void> => {
    await using client = await connect({ broker: broker.address });
    const admin = client.admin();
    while (next < count) {
      const number = next++;
      const topic = `t${number}`;
      await admin.createTopic(topic, { partitions: 2 });
      const producer = client.producer({ lingerMs: 0, batchBytes: 500 });
      const sends = Array.from({ length: 30 }, (_, i) =>
        producer.send(topic, { value: `${i}`.padEnd(300, "x"), partition: i % 2 }),
      );
      await Promise.all(sends);
      await producer.close();
      const consumer = client.consumer({ topic, group: `of-${topic}`, follow: false });
      let read = 0;
      for await (const { value } of consumer) read += value === null ? 0 : 1;
      if (read !== 30) throw new Error(`${topic}: ${read} of 30 records could be read`);
      await consumer.commit();
      await consumer.close();
      await admin.deleteTopic(topic);
      if (number % 100 === 99) progress(number + 1);
    }
  };
  await Promise.race([Promise.all(Array.from({ length: AT_ONCE }, worker)), beside.failed]);
  await beside.progress(1);
  await beside.stop();
  await using client = await connect({ broker: broker.address });
  await client.admin().deleteTopic("beside");
  return { before, after: await settledHoldings(broker, before) };
}

/** Waits a limited time for deleted files to be released. */
async function settledHoldings(broker: BrokerProcess, before: Holdings): Promise<Holdings> {
  const endMs = performance.now() + SETTLE_MS_MAX;
  const isSettled = (): boolean =>
    broker.descriptors <= before.descriptors + SPARE && broker.mappings <= before.mappings + SPARE;
  while (performance.now() < endMs && !isSettled()) await Bun.sleep(50);
  return holdings(broker);
}

function holdings(broker: BrokerProcess): Holdings {
  const { descriptors, dataDir } = broker;
  const directories = readdirSync(dataDir).sort();
  return { descriptors, mappings: broker.mappings, directories };
}
