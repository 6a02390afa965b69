// The consumer's promises, against a scripted broker: no gap, no repetition, an end, errors that say why.
import { describe, expect, test } from "bun:test";
import { connect } from "../../src/client/client.ts";
import type { Consumer, ConsumerOptions } from "../../src/client/consumer.ts";
import { RustLogError } from "../../src/errors.ts";
import { FIELD } from "../../src/record/batch.ts";
import { crc32c } from "../../src/record/crc32c.ts";
import { BatchEncoder } from "../../src/record/encoder.ts";
import { batchOf } from "../support/broker.ts";
import { FakeBroker, type FakeBrokerOptions } from "../support/fake-broker.ts";

const TOPIC = "t";
const lost = new RustLogError("BROKER_STOPPING", "a moment");

async function setUp(options: FakeBrokerOptions = {}) {
  const broker = new FakeBroker(options);
  const client = await connect({ broker: broker.address, retryBackoffMs: 1 });
  const consumer = (more: Partial<ConsumerOptions> = {}): Consumer =>
    client.consumer({ topic: TOPIC, follow: false, maxWaitMs: 10_000, ...more });
  const dispose = async (): Promise<void> => {
    await client.close();
    broker[Symbol.dispose]();
  };
  return { broker, client, consumer, [Symbol.asyncDispose]: dispose };
}

/** Fills a partition with batches of so many records; values are the offsets. */
function fill(broker: FakeBroker, partition: number, ...sizes: number[]): void {
  let offset = 0;
  for (const size of sizes) {
    const values = Array.from({ length: size }, (_, i) => `${offset + i}`);
    broker.append(TOPIC, partition, batchOf(...values));
    offset += size;
  }
}

async function offsetsOf(consumer: Consumer): Promise<number[]> {
  const offsets: number[] = [];
  for await (const { offset, value } of consumer) {
    if (value !== null && Buffer.from(value).toString() !== `${offset}`) {
      throw new Error(`offset ${offset} has the value of another`);
    }
    offsets.push(offset);
  }
  return offsets;
}

async function errorOf(promise: Promise<unknown>): Promise<RustLogError> {
  const error = await promise.then(
    () => "no error",
    (error: unknown) => error,
  );
  if (!(error instanceof RustLogError)) throw new Error(`expected a RustLogError, got ${error}`);
  return error;
}

const range = (start: number, end: number): number[] =>
  Array.from({ length: end - start }, (_, i) => start + i);

describe("reading", () => {
  test("hands out every record once, in order, from portions as small as batches", async () => {
    await using t = await setUp();
    fill(t.broker, 0, ...Array<number>(50).fill(7));
    expect(await offsetsOf(t.consumer({ maxBytes: 1 }))).toEqual(range(0, 350));
    expect(await offsetsOf(t.consumer())).toEqual(range(0, 350));
  });

  test("skips what is before the offset in its batch", async () => {
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

  test("ends at the high watermark of the start, whatever comes meanwhile", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 3);
    const consumer = t.consumer();
    await consumer.start();
    t.broker.append(TOPIC, 0, batchOf("3", "4"));
    expect(await offsetsOf(consumer)).toEqual([0, 1, 2]);
  });

  test("waits for what is to come when it follows", async () => {
    await using t = await setUp();
    const consumer = t.consumer({ follow: true, end: 4 });
    const offsets = offsetsOf(consumer);
    while (!t.broker.requests.includes("Fetch")) await Bun.sleep(1);
    t.broker.append(TOPIC, 0, batchOf("0", "1"));
    t.broker.append(TOPIC, 0, batchOf("2", "3"));
    expect(await offsets).toEqual([0, 1, 2, 3]);
  });

  test("of several partitions keeps the order of each, and starts and ends where each is told", async () => {
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

  test("fetches ahead, but no more than one portion beside the one being read", async () => {
    await using t = await setUp();
    fill(t.broker, 0, ...Array<number>(20).fill(1));
    const consumer = t.consumer({ maxBytes: 1 });
    const fetches = (): number => t.broker.requests.filter((name) => name === "Fetch").length;
    const first = await consumer.nextBatch();
    while (fetches() < 2) await Bun.sleep(1);
    // A round trip behind the last answer: whatever it was going to trigger is there.
    await t.client.ping();
    await t.client.ping();
    expect(fetches()).toBe(2);
    expect(first?.next()).toBe(true);
    expect(first?.next()).toBe(false);
    await consumer.nextBatch();
    while (fetches() < 3) await Bun.sleep(1);
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

describe("handing out by the batch", () => {
  test("a batch that was not walked to its end comes again, where the walk stopped", async () => {
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

  test("what is passed over counts as handed out", async () => {
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

describe("lost connections", () => {
  test("leave neither gaps nor repetitions", async () => {
    await using t = await setUp({ partitions: 2 });
    fill(t.broker, 0, ...Array<number>(20).fill(3));
    fill(t.broker, 1, ...Array<number>(20).fill(2));
    t.broker.script("Fetch", "answer", "cutBefore", "answer", "answer", lost, "cutAfter", lost);
    const seen = [[], []] as number[][];
    for await (const { partition, offset } of t.consumer({ maxBytes: 1 })) {
      seen[partition]!.push(offset);
    }
    expect(seen).toEqual([range(0, 60), range(0, 40)]);
    expect(t.broker.connections).toBeGreaterThan(1);
  });

  test("while a fetch waits: it waits on over the next connection", async () => {
    await using t = await setUp();
    const offsets = offsetsOf(t.consumer({ follow: true, end: 2 }));
    while (!t.broker.requests.includes("Fetch")) await Bun.sleep(1);
    t.broker.cutAll();
    while (t.broker.connections < 2) await Bun.sleep(1);
    t.broker.append(TOPIC, 0, batchOf("0", "1"));
    expect(await offsets).toEqual([0, 1]);
  });

  test("that stay lost end in an error, and again for whoever asks again", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 1);
    const consumer = t.consumer({ follow: true, retryTimeoutMs: 30 });
    const first = await consumer.nextBatch();
    first?.skipRest();
    t.broker[Symbol.dispose]();
    expect((await errorOf(consumer.nextBatch())).code).toBe("CONNECTION_LOST");
    expect((await errorOf(consumer.nextBatch())).code).toBe("CONNECTION_LOST");
  });
});

describe("offsets out of range", () => {
  test("at the start are an error that names the range", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 5, 5);
    t.broker.trim(TOPIC, 0, 5);
    for (const offset of [3, 11]) {
      const error = await errorOf(t.consumer({ offset }).start());
      expect(error.code).toBe("OFFSET_OUT_OF_RANGE");
      expect(error.message).toContain(`offset ${offset} is not in 5 to 10`);
    }
    expect(await offsetsOf(t.consumer({ offset: 10 }))).toEqual([]);
  });

  test("or start at one of the ends, as told", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 5, 5);
    t.broker.trim(TOPIC, 0, 5);
    expect(await offsetsOf(t.consumer({ offset: 3, onOutOfRange: "earliest" }))).toEqual(
      range(5, 10),
    );
    expect(await offsetsOf(t.consumer({ offset: 3, onOutOfRange: "latest" }))).toEqual([]);
  });

  test("while reading are an error that names the range, for good", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 5, 5, 5, 5);
    const consumer = t.consumer({ maxBytes: 1 });
    await consumer.start();
    t.broker.trim(TOPIC, 0, 15);
    const error = await errorOf(offsetsOf(consumer));
    expect(error.code).toBe("OFFSET_OUT_OF_RANGE");
    expect(error.message).toContain("15 to 20");
    expect(await errorOf(consumer.nextBatch())).toBe(error);
  });

  test("while reading: earliest goes on at the log start", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 5, 5, 5, 5);
    t.broker.script("Fetch", new RustLogError("OFFSET_OUT_OF_RANGE", "gone"));
    const consumer = t.consumer({ maxBytes: 1, onOutOfRange: "earliest" });
    await consumer.start();
    t.broker.trim(TOPIC, 0, 15);
    expect(await offsetsOf(consumer)).toEqual(range(15, 20));
  });

  test("past the end, after the log has become shorter, are not taken for waiting", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 5);
    const consumer = t.consumer({ follow: true, offset: 5, maxWaitMs: 1 });
    await consumer.start();
    t.broker.truncate(TOPIC, 0);
    const error = await errorOf(consumer.nextBatch());
    expect(error.message).toContain("offset 5 is not in 0 to 0");
  });
});

describe("bad bytes", () => {
  test("are CORRUPT_MESSAGE; what came before them is handed out, and the position stays there", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 2);
    const bad = batchOf("2", "3");
    bad[bad.length - 2]! ^= 1;
    t.broker.append(TOPIC, 0, bad);
    const consumer = t.consumer();
    expect((await errorOf(offsetsOf(consumer))).code).toBe("CORRUPT_MESSAGE");
    expect(consumer.position(0)).toBe(2);
    expect((await errorOf(offsetsOf(consumer))).code).toBe("CORRUPT_MESSAGE");
  });

  test("of a codec that we don't have are UNSUPPORTED_COMPRESSION", async () => {
    await using t = await setUp();
    const batch = batchOf("0");
    batch[FIELD.attributes + 1] = 3;
    const sum = crc32c(batch, FIELD.attributes, batch.length);
    new DataView(batch.buffer, batch.byteOffset).setUint32(FIELD.crc, sum);
    t.broker.append(TOPIC, 0, batch);
    const error = await errorOf(offsetsOf(t.consumer()));
    expect(error.code).toBe("UNSUPPORTED_COMPRESSION");
    expect(error.message).toContain("lz4");
  });
});

describe("closing", () => {
  test("ends an iteration that waits, at once", async () => {
    await using t = await setUp();
    const consumer = t.consumer({ follow: true });
    const offsets = offsetsOf(consumer);
    while (!t.broker.requests.includes("Fetch")) await Bun.sleep(1);
    await consumer.close();
    expect(await offsets).toEqual([]);
    expect(await consumer.nextBatch()).toBeNull();
  });

  test("ends an iteration in the middle of a batch, after the record that it gave", async () => {
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

  test("of the client ends its consumers, also while they look for a broker that is gone", async () => {
    await using t = await setUp();
    const consumer = t.consumer({ follow: true });
    await consumer.start();
    t.broker[Symbol.dispose]();
    const pending = consumer.nextBatch();
    await t.client.close();
    expect(await pending).toBeNull();
  });
});

test("without a group there is nothing to commit for", async () => {
  await using t = await setUp();
  expect((await errorOf(t.consumer().commit())).code).toBe("INVALID_GROUP");
});

test("a partition that the topic does not have is named", async () => {
  await using t = await setUp({ partitions: 2 });
  const error = await errorOf(t.consumer({ partitions: [0, 2] }).start());
  expect(error.message).toBe("topic 't' has no partition 2: it has 0 to 1");
});
