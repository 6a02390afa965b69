import { describe, expect, test } from "bun:test";
import { Broker } from "../../src/broker/broker.js";
import { connect } from "../../src/client/client.js";
import { cuttingProxy } from "../support/cutting-proxy.js";
import { Random } from "../support/random.js";
import { withTempDir } from "../support/tmp.js";

const RECORDS = 3_000;
const PARTITIONS = 3;

async function recordsOf(address: string, topic: string): Promise<string[][]> {
  const client = await connect({ broker: address });
  const found: string[][] = Array.from({ length: PARTITIONS }, () => []);
  for await (const record of client.consumer({ topic, offset: "earliest", follow: false })) {
    found[record.partition]?.push(Buffer.from(record.value ?? []).toString());
  }
  await client.close();
  return found;
}

describe("a producer whose connections are cut between write and acknowledgement", () => {
  test.each([1, 2, 3])(
    "writes every record once and in order, over restarts too (seed %d)",
    async (seed) => {
      await withTempDir(async (dataDir) => {
        const quiet = { port: 0, log: () => {} };
        let broker = await Broker.start({ dataDir, segmentBytes: 20_000, ...quiet });
        const setUp = await connect({ broker: broker.address });
        await setUp.admin().createTopic("t", { partitions: PARTITIONS });
        await setUp.close();

        using proxy = cuttingProxy(broker.port, 0.3, new Random(seed));
        const client = await connect({
          broker: proxy.address,
          retries: 1_000,
          retryBackoffMs: 1,
        });
        const producer = client.producer({ batchBytes: 400, lingerMs: 0 });
        const sent: string[][] = Array.from({ length: PARTITIONS }, () => []);
        for (let i = 0; i < RECORDS; i++) {
          const partition = i % PARTITIONS;
          sent[partition]?.push(`record ${i}`);
          await producer.enqueue("t", { value: `record ${i}`, partition });
          // Occasionally yield to the loop, so that batches are sent while others are in flight.
          if (i % 100 === 99) await Bun.sleep(0);
          if (i % 1_000 === 500) {
            const { port } = broker;
            await broker.stop();
            broker = await Broker.start({ dataDir, segmentBytes: 20_000, ...quiet, port });
          }
        }
        await producer.close();
        await client.close();
        expect(proxy.cuts).toBeGreaterThan(10);
        expect(await recordsOf(broker.address, "t")).toEqual(sent);

        await broker.stop();
        broker = await Broker.start({ dataDir, ...quiet });
        expect(await recordsOf(broker.address, "t")).toEqual(sent);
        await broker.stop();
      });
    },
  );
});
