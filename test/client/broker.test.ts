// The client against the real broker: records are returned unchanged, also across a restart.
import { describe, expect, test } from "bun:test";
import { Broker, type Client, connect } from "../../src/index.js";
import { startBroker } from "../support/broker.js";
import { codeOf, numbers, produce, setUp } from "../support/client-setup.js";
import { tempDir } from "../support/tmp.js";

async function valuesOf(client: Client, topic: string): Promise<string[]> {
  const values: string[] = [];
  const consumer = client.consumer({ topic, follow: false });
  for await (const { value } of consumer) values.push(`${Buffer.from(value ?? [])}`);
  await consumer.close();
  return values;
}

describe("producing and consuming", () => {
  test("returns 20,000 keyed records of 4 partitions, each key in order, across rolls", async () => {
    await using t = await setUp({ segmentBytes: 64 * 1024 });
    await t.admin.createTopic("t", { partitions: 4 });
    const producer = t.client.producer({ batchBytes: 4096, bufferBytesMax: 256 * 1024 });
    for (let i = 0; i < 20_000; i++) {
      await producer.enqueue("t", { key: `key ${i % 97}`, value: `${i}` });
    }
    await producer.flush();
    const { acknowledgedRecords, partitions } = producer.stats;
    expect(acknowledgedRecords).toBe(20_000);
    expect(partitions.map(({ records, lastOffset }) => lastOffset + 1 - records)).toEqual([
      0, 0, 0, 0,
    ]);

    const lastOf = new Map<string, number>();
    const partitionOf = new Map<string, number>();
    let count = 0;
    const consumer = t.client.consumer({ topic: "t", follow: false, maxBytes: 50_000 });
    for (let batch = await consumer.nextBatch(); batch; batch = await consumer.nextBatch()) {
      while (batch.next()) {
        const key = `${Buffer.from(batch.cursor.key()!)}`;
        const value = Number(batch.cursor.valueText());
        expect(value).toBe((lastOf.get(key) ?? Number(key.slice(4)) - 97) + 97);
        expect(partitionOf.get(key) ?? batch.partition).toBe(batch.partition);
        lastOf.set(key, value);
        partitionOf.set(key, batch.partition);
        count += 1;
      }
    }
    expect(count).toBe(20_000);
    expect(new Set(partitionOf.values()).size).toBe(4);
  });

  test("with LogAppendTime, records have the broker's time; out of range, the error names the setting", async () => {
    await using t = await setUp();
    await t.admin.createTopic("t", { settings: { "message.timestamp.type": "LogAppendTime" } });
    const producer = t.client.producer();
    const before = Date.now();
    const sent = await producer.send("t", { value: "v", timestamp: 5 });
    expect(sent.timestamp).toBeWithin(before, Date.now() + 1);
    for await (const { timestamp } of t.client.consumer({ topic: "t", follow: false })) {
      expect(timestamp).toBe(sent.timestamp);
    }
    const late = producer.send("plain", { value: "v", timestamp: before + 10_000_000 });
    await expect(late).rejects.toThrow(
      /^1 record for topic 'plain', .* ahead of the broker's clock, .* message\.timestamp\.after\.max\.ms allows 3600000 ms$/,
    );
  });

  test("records of any size up to the limit, with null, empty and binary data", async () => {
    await using t = await setUp({ maxBatchBytes: 300_000 });
    const sizes = [0, 1, 63, 64, 8191, 8192, 70_000, 299_000];
    const producer = t.client.producer({ batchBytes: 10_000 });
    for (const size of sizes) producer.enqueue("t", { value: Buffer.alloc(size, size & 255) });
    producer.enqueue("t", { key: "", value: null });
    expect(await codeOf(producer.send("t", { value: new Uint8Array(300_000) }))).toBe(
      "MESSAGE_TOO_LARGE",
    );
    await producer.flush();
    const consumer = t.client.consumer({ topic: "t", follow: false, maxBytes: 1000 });
    const seen: (number | null)[] = [];
    for await (const { value, key } of consumer) {
      seen.push(value === null ? null : value.length);
      if (value === null) expect(key).toEqual(new Uint8Array(0));
      else expect(value.every((byte) => byte === (value.length & 255))).toBe(true);
    }
    expect(seen).toEqual([...sizes, null]);
  });

  test("a consumer that follows receives records as they arrive", async () => {
    await using t = await setUp();
    await t.admin.createTopic("t", { partitions: 2 });
    const consumer = t.client.consumer({ topic: "t" });
    const producer = t.client.producer({ lingerMs: 0 });
    const iterator = consumer[Symbol.asyncIterator]();
    for (const [i, partition] of [0, 1, 1, 0].entries()) {
      const next = iterator.next();
      await producer.send("t", { value: `${i}`, partition });
      expect((await next).value).toMatchObject({ partition, value: Buffer.from(`${i}`) });
    }
    const last = iterator.next();
    await consumer.close();
    expect(await last).toEqual({ done: true, value: undefined });
  });

  test("continues across a restart of the broker, in order", async () => {
    using dir = tempDir();
    const options = { dataDir: dir.path, log: () => {}, stopGraceMs: 50 };
    let broker = await Broker.start({ ...options, port: 0 });
    const client = await connect({ broker: broker.address, retryBackoffMs: 5 });
    const producer = client.producer({ batchBytes: 2048 });
    const values = numbers(3000);
    const consumer = client.consumer({ topic: "t", end: 3000, maxWaitMs: 100 });
    for (const [i, value] of values.entries()) {
      await producer.enqueue("t", { value });
      if (i % 1000 !== 500) continue;
      await producer.flush();
      const { port } = broker;
      await broker.stop();
      broker = await Broker.start({ ...options, port });
    }
    await producer.flush();
    const seen: string[] = [];
    for await (const { value } of consumer) {
      seen.push(`${Buffer.from(value!)}`);
      if (seen.length !== 1500) continue;
      const { port } = broker;
      await broker.stop();
      broker = await Broker.start({ ...options, port });
    }
    expect(seen).toEqual(values);
    await client.close();
    await broker.stop();
  });
});

describe("topics that do not exist", () => {
  test("are created by the first record, with the broker's default partitions, and keys placed as in Kafka", async () => {
    await using t = await setUp({ defaultPartitions: 10 });
    const producer = t.client.producer();
    const sent = await producer.send("t", { key: "abc", value: "x" });
    expect(sent).toMatchObject({ partition: 479470107 % 10, offset: 0 });
    expect((await t.admin.describeTopic("t")).partitions).toHaveLength(10);
  });

  test("are created once by concurrent producers", async () => {
    await using t = await setUp({ defaultPartitions: 3 });
    const sent = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        t.client.producer().send("t", { value: `${i}`, partition: 1 }),
      ),
    );
    expect(sent.map(({ offset }) => offset).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("are not created for a partition that would not exist", async () => {
    await using t = await setUp({ defaultPartitions: 2 });
    const producer = t.client.producer();
    const sending = producer.send("t", { value: "x", partition: 99 });
    expect(await codeOf(sending)).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    expect(await t.admin.listTopics()).toEqual([]);
    expect(await producer.send("t", { value: "x", partition: 1 })).toMatchObject({ offset: 0 });
    expect((await t.admin.describeTopic("t")).partitions).toHaveLength(2);
  });

  test("are an error if the broker creates no topics", async () => {
    await using t = await setUp({ autoCreateTopics: false });
    const sending = t.client.producer().send("t", { value: "x" });
    expect(await codeOf(sending)).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    expect(await t.admin.listTopics()).toEqual([]);
  });

  test("are an error for a consumer, and are not created", async () => {
    await using t = await setUp();
    expect(await codeOf(t.client.consumer({ topic: "t" }).nextBatch())).toBe(
      "UNKNOWN_TOPIC_OR_PARTITION",
    );
    expect(await t.admin.listTopics()).toEqual([]);
  });

  test("with an invalid name are INVALID_TOPIC", async () => {
    await using t = await setUp();
    for (const topic of ["..", "a/b", "x".repeat(250)]) {
      const sending = t.client.producer().send(topic, { value: "x" });
      expect(await codeOf(sending)).toBe("INVALID_TOPIC");
    }
    expect(await t.admin.listTopics()).toEqual([]);
  });
});

test("values are unchanged after a clean stop", async () => {
  using dir = tempDir();
  const values = numbers(500);
  for (const round of [0, 1]) {
    await using t = await startBroker({ dataDir: dir.path });
    await using client = await connect({ broker: t.broker.address });
    if (round === 0) await produce(client, "t", values);
    expect(await valuesOf(client, "t")).toEqual(values);
  }
});
