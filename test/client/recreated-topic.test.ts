// A producer whose topic is recreated with another number of partitions continues, loses no unsent record, and
// keeps the order of each key. Against the real broker.
import { describe, expect, test } from "bun:test";
import { partitionForKey } from "../../src/record/key-partition.js";
import type { Client } from "../../src/index.js";
import { RustLogError } from "../../src/index.js";
import { numbers, setUp } from "../support/client-setup.js";

async function recreate(client: Client, topic: string, partitions: number): Promise<void> {
  const admin = client.admin();
  await admin.deleteTopic(topic).catch(() => {});
  await admin.createTopic(topic, { partitions });
}

async function read(client: Client, topic: string) {
  const records = await Array.fromAsync(client.consumer({ topic, follow: false }));
  return records.map(({ partition, key, value }) => ({
    partition,
    key: key && Buffer.from(key).toString(),
    value: value && Buffer.from(value).toString(),
  }));
}

describe("a topic that is recreated with fewer partitions", () => {
  test.each(["none", "snappy", "zstd"] as const)(
    "fails no record of a producer (%s)",
    async (compression) => {
      await using t = await setUp();
      await recreate(t.client, "t", 3);
      const producer = t.client.producer({ compression });
      for (const i of numbers(30).keys()) await producer.send("t", { key: `k${i}`, value: "old" });
      await recreate(t.client, "t", 1);
      const headers = [{ name: "n", value: "v" }];
      const sent = await Promise.all(
        numbers(30).map((value, i) =>
          producer.send("t", { key: `k${i}`, value, headers, timestamp: 7 + i }),
        ),
      );
      expect(sent.map(({ partition }) => partition)).toEqual(Array(30).fill(0));
      expect(sent.map(({ offset }) => offset).sort((a, b) => a - b)).toEqual([...Array(30).keys()]);
      await producer.close();
      const records = await Array.fromAsync(t.client.consumer({ topic: "t", follow: false }));
      for (const [i, { offset, timestamp }] of sent.entries()) {
        const { key, headers: found } = records[offset]!;
        expect([timestamp, `${Buffer.from(key!)}`, found[0]!.name]).toEqual([7 + i, `k${i}`, "n"]);
      }
      expect(producer.stats).toMatchObject({
        records: 60,
        acknowledgedRecords: 60,
        failedRecords: 0,
      });
    },
  );

  test.each([
    [0, 300_000],
    [3, 300_000],
    [3, 1],
  ])(
    "keeps the order of each key, and flush waits for all (linger %p, age %p)",
    async (lingerMs, metadataMaxAgeMs) => {
      await using t = await setUp();
      await recreate(t.client, "t", 4);
      const producer = t.client.producer({ lingerMs, batchBytes: 300, metadataMaxAgeMs });
      await producer.enqueue("t", { value: "first", key: "k" });
      await producer.flush();
      await recreate(t.client, "t", 2);
      for (let i = 0; i < 2_000; i++) {
        const wait = producer.enqueue("t", { key: `k${i % 10}`, value: `${i}` });
        if (wait !== undefined) await wait;
        if (i % 100 === 0) await Bun.sleep(0);
      }
      await producer.flush();
      const records = await read(t.client, "t");
      expect(records).toHaveLength(2_000);
      for (let k = 0; k < 10; k++) {
        const values = records
          .filter(({ key }) => key === `k${k}`)
          .map(({ value }) => Number(value));
        expect(values).toEqual([...values].sort((a, b) => a - b));
      }
      await producer.close();
    },
  );

  test("keeps the place of a record that still lingers for a partition that is gone", async () => {
    await using t = await setUp();
    await recreate(t.client, "t", 4);
    const producer = t.client.producer({ lingerMs: 60_000, batchBytes: 300 });
    const full = "x".repeat(300);
    await producer.send("t", { value: full });
    await recreate(t.client, "t", 1);
    const [lingering, other] = [keyOfPartition(3, 4), keyOfPartition(2, 4)];
    void producer.enqueue("t", { key: lingering, value: "1" });
    // Its batch is full, so it is sent and refused immediately.
    await producer.send("t", { key: other, value: full });
    void producer.enqueue("t", { key: lingering, value: "2" });
    await producer.close();
    const records = (await read(t.client, "t")).filter(({ key }) => key === lingering);
    expect(records.map(({ value }) => value)).toEqual(["1", "2"]);
  });

  test("fails only a record for a chosen partition that is gone", async () => {
    await using t = await setUp();
    await recreate(t.client, "t", 3);
    const producer = t.client.producer({ lingerMs: 10 });
    await producer.send("t", { value: "known" });
    await recreate(t.client, "t", 1);
    const key = keyOfPartition(2, 3);
    const [chosen, keyed, also] = await Promise.allSettled([
      producer.send("t", { value: "a", partition: 2 }),
      producer.send("t", { value: "b", key }),
      producer.send("t", { value: "c", partition: 0 }),
    ]);
    expect(chosen).toMatchObject({ reason: { code: "UNKNOWN_TOPIC_OR_PARTITION" } });
    expect(keyed).toMatchObject({ value: { partition: 0 } });
    expect(also).toMatchObject({ value: { partition: 0 } });
    await producer.close();
  });

  test("that is not recreated fails the records sent to it, with the code", async () => {
    await using t = await setUp({ autoCreateTopics: false });
    await recreate(t.client, "t", 2);
    const producer = t.client.producer();
    await producer.send("t", { value: "x" });
    await t.admin.deleteTopic("t");
    const error = await producer.send("t", { value: "y" }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RustLogError);
    expect(error).toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION" });
    await recreate(t.client, "t", 1);
    expect(await producer.send("t", { value: "z" })).toMatchObject({ partition: 0, offset: 0 });
    await producer.close();
  });
});

describe("a topic that is recreated with more partitions", () => {
  test("receives records in the new ones after metadataMaxAgeMs", async () => {
    await using t = await setUp();
    await recreate(t.client, "t", 1);
    const producer = t.client.producer({ metadataMaxAgeMs: 1 });
    await producer.send("t", { value: "x" });
    await recreate(t.client, "t", 3);
    const seen = new Set<number>();
    while (seen.size < 3) seen.add((await producer.send("t", { value: "y" })).partition);
    await producer.close();
  });

  test("accepts a record for a partition that is new to the producer", async () => {
    await using t = await setUp();
    await recreate(t.client, "t", 1);
    const producer = t.client.producer();
    await producer.send("t", { value: "x" });
    await recreate(t.client, "t", 3);
    // Unknown partitions are not looked up for every record, so the first records may fail.
    let found: number | undefined;
    while (found !== 2) {
      const sent = producer.send("t", { value: "y", partition: 2 });
      found = (await sent.catch(() => undefined))?.partition;
    }
    await producer.close();
  });
});

/** A key that belongs to `partition` of `count`. */
function keyOfPartition(partition: number, count: number): string {
  for (let i = 0; ; i++) if (partitionForKey(`k${i}`, count) === partition) return `k${i}`;
}
