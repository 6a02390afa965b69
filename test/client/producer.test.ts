// The producer's promises, against a scripted broker: order, no loss without an error, retries, bounds.
import { describe, expect, test } from "bun:test";
import { type Client, connect } from "../../src/client/client.js";
import type { ProducerOptions } from "../../src/client/producer.js";
import { RustLogError } from "../../src/errors.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { FakeBroker, type FakeBrokerOptions } from "../support/fake-broker.js";
import { until } from "../support/until.js";

const FOREVER = new Promise<void>(() => {});

async function setUp(options: ProducerOptions = {}, brokerOptions: FakeBrokerOptions = {}) {
  const broker = new FakeBroker(brokerOptions);
  const client: Client = await connect({ broker: broker.address, retryBackoffMs: 1 });
  const producer = client.producer({ lingerMs: 0, ...options });
  const dispose = async (): Promise<void> => {
    await producer.close().catch(() => {});
    await client.close().catch(() => {});
    broker[Symbol.dispose]();
  };
  return { broker, client, producer, [Symbol.asyncDispose]: dispose };
}

function valuesIn(broker: FakeBroker, topic: string, partition = 0): string[] {
  const values: string[] = [];
  for (const batch of broker.batches(topic, partition)) {
    const cursor = new RecordCursor().reset(batch);
    while (cursor.next()) values.push(cursor.valueText() ?? "null");
  }
  return values;
}

async function errorOf(promise: Promise<unknown>): Promise<RustLogError> {
  const error = await promise.then(
    () => "no error",
    (error: unknown) => error,
  );
  if (!(error instanceof RustLogError)) throw new Error(`expected a RustLogError, got ${error}`);
  return error;
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `v${i}`);

describe("acknowledgements", () => {
  test("state topic, partition, offset and timestamp of each record", async () => {
    await using t = await setUp();
    const sent = ["a", "b", "c"].map((value, i) =>
      t.producer.send("t", { value, timestamp: 100 + i }),
    );
    expect(await Promise.all(sent)).toEqual(
      [0, 1, 2].map((i) => ({ topic: "t", partition: 0, offset: i, timestamp: 100 + i })),
    );
    expect(await t.producer.send("t", { value: "d", timestamp: 1 })).toMatchObject({ offset: 3 });
  });

  test("are counted", async () => {
    await using t = await setUp({}, { partitions: 2 });
    for (const partition of [0, 1, 1]) t.producer.enqueue("t", { value: "x", partition });
    await t.producer.flush();
    await t.producer.send("t", { value: "y", partition: 1 });
    expect(t.producer.stats).toMatchObject({
      records: 4,
      acknowledgedRecords: 4,
      failedRecords: 0,
      batches: 3,
      partitions: [
        { topic: "t", partition: 0, records: 1, firstOffset: 0, lastOffset: 0 },
        { topic: "t", partition: 1, records: 3, firstOffset: 0, lastOffset: 2 },
      ],
    });
  });
});

describe("order", () => {
  test("is kept while connections are cut and errors are answered", async () => {
    await using t = await setUp({ batchBytes: 200 });
    const full = new RustLogError("DISK_FULL", "no space");
    t.broker.script("Produce", "answer", "cutBefore", full, "answer", full, "cutBefore", full);
    const values = numbers(200);
    for (const value of values) await t.producer.enqueue("t", { value });
    await t.producer.flush();
    expect(valuesIn(t.broker, "t")).toEqual(values);
    expect(t.broker.connections).toBeGreaterThan(1);
  });

  test("a batch whose response was lost is retried before any later one", async () => {
    await using t = await setUp({ batchBytes: 200 });
    t.broker.script("Produce", "answer", "cutAfter", "answer", "cutAfter");
    const values = numbers(100);
    for (const value of values) await t.producer.enqueue("t", { value });
    await t.producer.flush();
    expect(valuesIn(t.broker, "t")).toEqual(values);
    expect(t.broker.connections).toBeGreaterThan(1);
  });

  test("of records added before the partitions are known is that of the calls", async () => {
    await using t = await setUp();
    const held = Promise.withResolvers<void>();
    t.broker.script("DescribeTopic", held.promise);
    const bytes = Buffer.from("mine");
    const first = t.producer.enqueue("t", { value: bytes });
    expect(first).toBeInstanceOf(Promise);
    bytes.fill(0);
    t.producer.enqueueRaw("t", 0, null, "second");
    const third = t.producer.send("t", { value: "third" });
    held.resolve();
    expect(await third).toMatchObject({ offset: 2 });
    expect(valuesIn(t.broker, "t")).toEqual(["mine", "second", "third"]);
  });
});

describe("partitions", () => {
  test("records with one key go to the same partition as in Kafka", async () => {
    await using t = await setUp({}, { partitions: 10 });
    const { partition } = await t.producer.send("t", { key: "abc", value: "x" });
    expect(partition).toBe(479470107 % 10);
    const again = await t.producer.send("t", { key: Buffer.from("abc"), value: "y" });
    expect(again.partition).toBe(partition);
  });

  test("records without a key change partitions after each batch", async () => {
    await using t = await setUp({}, { partitions: 3 });
    const rounds: number[][] = [];
    for (let round = 0; round < 3; round++) {
      const sent = await Promise.all(["a", "b"].map((value) => t.producer.send("t", { value })));
      rounds.push(sent.map(({ partition }) => partition));
    }
    for (const [first, second] of rounds) expect(first).toBe(second);
    expect(rounds.map(([first]) => first).sort()).toEqual([0, 1, 2]);
  });

  test("a missing one rejects only its own record", async () => {
    await using t = await setUp({}, { partitions: 2 });
    const [bad, good] = await Promise.allSettled([
      t.producer.send("t", { value: "x", partition: 2 }),
      t.producer.send("t", { value: "y", partition: 1 }),
    ]);
    expect(bad).toMatchObject({ reason: { code: "UNKNOWN_TOPIC_OR_PARTITION" } });
    expect(good).toMatchObject({ value: { partition: 1, offset: 0 } });
    expect(t.broker.requests).not.toContain("DescribeTopic");
    // Once the partitions are known, it is not even sent.
    await t.producer.send("t", { value: "z" });
    const error = await errorOf(t.producer.send("t", { value: "x", partition: 2 }));
    expect(error.message).toBe("topic 't' has partitions 0 to 1, not 2");
  });

  test.each([-2, 0.5, 10_000, Number.NaN])(
    "%p is none, and nothing is asked",
    async (partition) => {
      await using t = await setUp();
      const error = await errorOf(t.producer.send("t", { value: "x", partition }));
      expect(error.message).toBe(`invalid partition ${partition}; expected 0 to 9999`);
      expect(t.broker.requests).not.toContain("Produce");
    },
  );

  test("a record that names one does not overtake those that wait for the number of partitions", async () => {
    await using t = await setUp({}, { partitions: 1 });
    const sent = await Promise.all([
      t.producer.send("t", { value: "first" }),
      t.producer.send("t", { value: "second", partition: 0 }),
    ]);
    expect(sent.map(({ offset }) => offset)).toEqual([0, 1]);
  });
});

describe("errors", () => {
  test("that are final reject the records of the batch, and no others", async () => {
    await using t = await setUp();
    await t.producer.send("t", { value: "before" });
    t.broker.script("Produce", new RustLogError("INVALID_RECORD", "bad"));
    const [a, b] = ["a", "b"].map((value) => t.producer.send("t", { value }));
    const error = await errorOf(a!);
    expect(error.code).toBe("INVALID_RECORD");
    expect(error.message).toBe("2 records for topic 't', partition 0, were not acknowledged: bad");
    expect(await errorOf(b!)).toBe(error);
    expect(await t.producer.send("t", { value: "after" })).toMatchObject({ offset: 1 });
    expect(t.producer.stats).toMatchObject({ acknowledgedRecords: 2, failedRecords: 2 });
  });

  test("of enqueued records are thrown by enqueue until flush has thrown them, once", async () => {
    await using t = await setUp();
    t.broker.script("Produce", new RustLogError("INVALID_RECORD", "bad"));
    await t.producer.enqueue("t", { value: "lost" });
    await until(() => t.producer.stats.failedRecords > 0);
    expect(() => t.producer.enqueue("t", { value: "x" })).toThrow("bad");
    expect((await errorOf(t.producer.flush())).code).toBe("INVALID_RECORD");
    await t.producer.flush();
    t.producer.enqueue("t", { value: "fine" });
    await t.producer.flush();
    expect(valuesIn(t.broker, "t")).toEqual(["fine"]);
  });

  test("that are retriable end the delivery after its timeout, with their own code", async () => {
    await using t = await setUp({ deliveryTimeoutMs: 30 });
    t.broker.script("Produce", ...Array(1000).fill(new RustLogError("DISK_FULL", "no space")));
    const error = await errorOf(t.producer.send("t", { value: "x" }));
    expect(error.code).toBe("DISK_FULL");
    expect(error.message).toContain("within 30 ms: no space");
  });

  test("a broker that never returns is CONNECTION_LOST; nobody waits forever", async () => {
    await using t = await setUp({ deliveryTimeoutMs: 30 });
    await t.producer.send("t", { value: "x" });
    t.broker[Symbol.dispose]();
    const error = await errorOf(t.producer.send("t", { value: "y" }));
    expect(error.code).toBe("CONNECTION_LOST");
  });

  test("a broker that never answers is TIMED_OUT", async () => {
    await using t = await setUp({ deliveryTimeoutMs: 20 });
    await t.producer.send("t", { value: "x" });
    t.broker.script("Produce", ...Array<Promise<void>>(100).fill(FOREVER));
    expect((await errorOf(t.producer.send("t", { value: "y" }))).code).toBe("TIMED_OUT");
    // The connection is fine: its other users continue.
    await t.client.ping();
    expect(t.broker.connections).toBe(1);
  });

  test("a topic that can't be created rejects the records waiting for it; the next record tries again", async () => {
    await using t = await setUp();
    t.broker.script("DescribeTopic", new RustLogError("INVALID_TOPIC", "bad name"));
    const error = await errorOf(t.producer.send("t", { value: "x" }));
    expect(error.code).toBe("INVALID_TOPIC");
    expect(await t.producer.send("t", { value: "y" })).toMatchObject({ offset: 0 });
  });
});

describe("bounds", () => {
  test("a record over the broker's limit is rejected alone", async () => {
    await using t = await setUp({ batchBytes: 1e9 }, { maxBatchBytes: 2000 });
    const [a, big, b] = await Promise.allSettled([
      t.producer.send("t", { value: "a" }),
      t.producer.send("t", { value: "é".repeat(1000) }),
      t.producer.send("t", { value: "b" }),
    ]);
    expect(big).toMatchObject({ reason: { code: "MESSAGE_TOO_LARGE" } });
    expect([a, b]).toMatchObject([{ value: { offset: 0 } }, { value: { offset: 1 } }]);
    expect(() => t.producer.enqueue("t", { value: new Uint8Array(2000) })).toThrow("larger than");
    for (let i = 0; i < 100; i++) t.producer.enqueue("t", { value: "x".repeat(100) });
    await t.producer.flush();
    for (const batch of t.broker.batches("t")) expect(batch.length).toBeLessThanOrEqual(2000);
  });

  test("the limit is the broker's current one, also after a restart with another", async () => {
    await using t = await setUp({}, { maxBatchBytes: 64 * 1024 });
    await t.producer.send("t", { value: "x" });
    const port = Number(t.broker.address.split(":")[1]);
    t.broker[Symbol.dispose]();
    using again = new FakeBroker({ port, maxBatchBytes: 2_000 });
    await t.producer.send("t", { value: "y" });
    for (const i of numbers(50).keys()) void t.producer.enqueue("t", { value: `${i}`.padEnd(300) });
    await t.producer.flush();
    const sizes = again.batches("t").map(({ length }) => length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2_000);
    expect(() => t.producer.enqueue("t", { value: new Uint8Array(2_000) })).toThrow("larger than");
  });

  test("a full buffer makes callers wait until batches are acknowledged", async () => {
    await using t = await setUp({ bufferBytesMax: 1000, batchBytes: 200 });
    await t.producer.send("t", { value: "x" });
    const held = Promise.withResolvers<void>();
    t.broker.script("Produce", held.promise);
    let count = 1;
    let wait = t.producer.enqueue("t", { value: "y".repeat(90) });
    for (; wait === undefined; count++) {
      wait = t.producer.enqueue("t", { value: "y".repeat(90) });
    }
    expect(count).toBeGreaterThan(5);
    expect(count).toBeLessThan(15);
    held.resolve();
    await wait;
    await t.producer.flush();
    expect(valuesIn(t.broker, "t")).toHaveLength(count + 1);
  });

  test("invalid options are rejected", async () => {
    await using t = await setUp();
    expect(() => t.client.producer({ lingerMs: -1 })).toThrow(
      "lingerMs is from 0 to 86400000, not -1",
    );
    // A timer of more than 2^31 - 1 ms fires immediately, so an endless wait would be no wait.
    expect(() => t.client.producer({ lingerMs: Number.POSITIVE_INFINITY })).toThrow("lingerMs");
    expect(() => t.client.consumer({ topic: "t", maxWaitMs: 2 ** 31 })).toThrow("maxWaitMs");
    expect(() => t.client.consumer({ topic: "t", retryTimeoutMs: -1 })).toThrow("retryTimeoutMs");
    expect(() => t.client.producer({ bufferBytesMax: 0 })).toThrow("bufferBytesMax");
  });
});

describe("closing", () => {
  test("sends lingering records, and accepts no more", async () => {
    await using t = await setUp({ lingerMs: 1e6 });
    await t.producer.enqueue("t", { value: "x" });
    await t.producer.close();
    expect(valuesIn(t.broker, "t")).toEqual(["x"]);
    expect(() => t.producer.enqueue("t", { value: "y" })).toThrow("closed");
  });

  test("of the client flushes its producers, and reports what could not be delivered", async () => {
    await using t = await setUp({ lingerMs: 1e6 });
    await t.producer.enqueue("t", { value: "x" });
    t.broker.script("Produce", new RustLogError("INVALID_RECORD", "bad"));
    expect((await errorOf(t.client.close())).code).toBe("INVALID_RECORD");
  });
});

for (const compression of ["gzip", "snappy", "lz4", "zstd"] as const) {
  test(`${compression} batches are smaller and hold the same records`, async () => {
    await using t = await setUp({ compression });
    const values = Array(100).fill("all alike all alike all alike");
    await Promise.all(values.map((value) => t.producer.send("t", { value })));
    expect(valuesIn(t.broker, "t")).toEqual(values);
    expect(t.producer.stats.bytes).toBeLessThan(1000);
  });
}
