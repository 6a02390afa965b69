// The consumer's promises, against a scripted broker: every record once, in order; ends; closing.
import { describe, expect, test } from "bun:test";
import { BatchEncoder } from "../../src/record/encoder.js";
import { batchOf } from "../support/broker.js";
import { errorOf, fill, offsetsOf, range, setUp, TOPIC } from "../support/consumer-setup.js";
import { until } from "../support/until.js";

describe("reading", () => {
  test("returns every record once, in order, from portions as small as batches", async () => {
    await using t = await setUp();
    fill(t.broker, 0, ...Array<number>(50).fill(7));
    expect(await offsetsOf(t.consumer({ maxBytes: 1 }))).toEqual(range(0, 350));
    expect(await offsetsOf(t.consumer())).toEqual(range(0, 350));
  });

  test("accepts sizes larger than a response can be", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 5, 5);
    const maxBytes = 2 ** 40;
    expect(await offsetsOf(t.consumer({ maxBytes, bufferBytesMax: 2 ** 50 }))).toEqual(
      range(0, 10),
    );
    expect(await offsetsOf(t.consumer({ minBytes: 2 ** 40, maxWaitMs: 1 }))).toEqual(range(0, 10));
  });

  test("skips the records before the offset in its batch", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 10, 10);
    expect(await offsetsOf(t.consumer({ offset: 13 }))).toEqual(range(13, 20));
    expect(await offsetsOf(t.consumer({ offset: { fromEnd: 12 } }))).toEqual(range(8, 20));
    expect(await offsetsOf(t.consumer({ offset: "latest" }))).toEqual([]);
  });

  test("stops before the end, in the middle of a batch or not", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 10, 10);
    expect(await offsetsOf(t.consumer({ end: 5, follow: true }))).toEqual(range(0, 5));
    expect(await offsetsOf(t.consumer({ end: 10 }))).toEqual(range(0, 10));
    expect(await offsetsOf(t.consumer({ end: 1000 }))).toEqual(range(0, 20));
    expect(await offsetsOf(t.consumer({ offset: 8, end: 3 }))).toEqual([]);
    const consumer = t.consumer({ end: 5 });
    await offsetsOf(consumer);
    expect(consumer.position(0)).toBe(5);
  });

  test("ends at the high watermark of the start, even if more is appended", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 3);
    const consumer = t.consumer();
    await consumer.start();
    t.broker.append(TOPIC, 0, batchOf("3", "4"));
    expect(await offsetsOf(consumer)).toEqual([0, 1, 2]);
  });

  test("waits for new records when it follows", async () => {
    await using t = await setUp();
    const consumer = t.consumer({ follow: true, end: 4 });
    const offsets = offsetsOf(consumer);
    await until(() => t.broker.requests.includes("Fetch"));
    t.broker.append(TOPIC, 0, batchOf("0", "1"));
    t.broker.append(TOPIC, 0, batchOf("2", "3"));
    expect(await offsets).toEqual([0, 1, 2, 3]);
  });

  test("of several partitions keeps the order of each, with its own start and end", async () => {
    await using t = await setUp({ partitions: 3 });
    for (const partition of [0, 1, 2]) fill(t.broker, partition, 5, 5);
    const consumer = t.consumer({
      partitions: [2, 0],
      offset: new Map([[2, 7]]),
      end: new Map([[0, 4]]),
    });
    const seen = new Map<number, number[]>();
    for await (const { partition, offset } of consumer) {
      seen.set(partition, [...(seen.get(partition) ?? []), offset]);
    }
    expect(seen).toEqual(
      new Map([
        [2, range(7, 10)],
        [0, range(0, 4)],
      ]),
    );
    expect(consumer.partitions).toEqual([2, 0]);
  });

  test("fetches ahead, at most one portion beside the one being read", async () => {
    await using t = await setUp();
    fill(t.broker, 0, ...Array<number>(20).fill(1));
    const consumer = t.consumer({ maxBytes: 1 });
    const fetches = (): number => t.broker.requests.filter((name) => name === "Fetch").length;
    const first = await consumer.nextBatch();
    await until(() => fetches() >= 2);
    // After another round trip, everything that the last answer triggered has arrived.
    await t.client.ping();
    await t.client.ping();
    expect(fetches()).toBe(2);
    expect(first?.next()).toBe(true);
    expect(first?.next()).toBe(false);
    await consumer.nextBatch();
    await until(() => fetches() >= 3);
  });

  test("gives keys, values, headers and timestamps, null where they are null", async () => {
    await using t = await setUp();
    const encoder = new BatchEncoder({ codec: "zstd" });
    encoder.append(5, "k", null, [{ name: "h", value: Buffer.from("v") }]);
    encoder.append(6, null, "value");
    t.broker.append(TOPIC, 0, encoder.finish());
    const records = [];
    for await (const record of t.consumer()) records.push(record);
    expect(records).toMatchObject([
      { topic: TOPIC, partition: 0, offset: 0, timestamp: 5, value: null },
      { offset: 1, timestamp: 6, key: null, headers: [] },
    ]);
    expect(Buffer.from(records[0]!.key!).toString()).toBe("k");
    expect(records[0]!.headers.map(({ name, value }) => [name, `${Buffer.from(value!)}`])).toEqual([
      ["h", "v"],
    ]);
  });
});

describe("reading by the batch", () => {
  test("a batch that was not read to its end is returned again, from where reading stopped", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 5);
    const consumer = t.consumer();
    const first = await consumer.nextBatch();
    first?.next();
    first?.next();
    expect(await consumer.nextBatch()).toBe(first);
    expect(consumer.position(0)).toBe(2);
    expect(await offsetsOf(consumer)).toEqual([2, 3, 4]);
    expect(await consumer.nextBatch()).toBeNull();
  });

  test("skipped records count as returned", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 5);
    const consumer = t.consumer({ end: 4 });
    const records = await consumer.nextBatch();
    expect(records).toMatchObject({ partition: 0, highWatermark: 5, logStartOffset: 0 });
    records?.skipRest();
    expect(consumer.position(0)).toBe(4);
    expect(await consumer.nextBatch()).toBeNull();
  });

  test("leaving a loop loses nothing", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 3, 3);
    const consumer = t.consumer({ maxBytes: 1 });
    for await (const { offset } of consumer) if (offset === 1) break;
    expect(consumer.position(0)).toBe(2);
    expect(await offsetsOf(consumer)).toEqual([2, 3, 4, 5]);
  });
});

describe("closing", () => {
  test("ends a waiting iteration immediately", async () => {
    await using t = await setUp();
    const consumer = t.consumer({ follow: true });
    const offsets = offsetsOf(consumer);
    await until(() => t.broker.requests.includes("Fetch"));
    await consumer.close();
    expect(await offsets).toEqual([]);
    expect(await consumer.nextBatch()).toBeNull();
  });

  test("ends an iteration in the middle of a batch, after the returned record", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 5);
    const consumer = t.consumer();
    const seen: number[] = [];
    for await (const { offset } of consumer) {
      seen.push(offset);
      if (offset === 1) await consumer.close();
    }
    expect(seen).toEqual([0, 1]);
  });

  test("of the client ends its consumers, also while they try to reach a lost broker", async () => {
    await using t = await setUp();
    const consumer = t.consumer({ follow: true });
    await consumer.start();
    t.broker[Symbol.dispose]();
    const pending = consumer.nextBatch();
    await t.client.close();
    expect(await pending).toBeNull();
  });
});

test("commit without a group is an error", async () => {
  await using t = await setUp();
  expect((await errorOf(t.consumer().commit())).code).toBe("INVALID_GROUP");
});

test("the error names a partition that does not exist", async () => {
  await using t = await setUp({ partitions: 2 });
  const error = await errorOf(t.consumer({ partitions: [0, 2] }).start());
  expect(error.message).toBe("topic 't' has no partition 2; its partitions are 0 to 1");
});
