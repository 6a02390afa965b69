// A consumer with lost connections, wrong positions and invalid bytes, against a scripted broker.
import { describe, expect, test } from "bun:test";
import { DamagedRecordsError } from "../../src/client/damage.js";
import { RustLogError } from "../../src/errors.js";
import { damageMessage } from "../../src/protocol/native/fetch.js";
import { FIELD } from "../../src/record/batch.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { crc32c } from "../../src/record/crc32c.js";
import { batchOf } from "../support/broker.js";
import { errorOf, fill, offsetsOf, range, setUp, TOPIC } from "../support/consumer-setup.js";
import { until } from "../support/until.js";

const lost = new RustLogError("BROKER_STOPPING", "a moment");

describe("lost connections", () => {
  test("cause neither gaps nor duplicates", async () => {
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

  test("while a fetch waits: it continues to wait on the next connection", async () => {
    await using t = await setUp();
    const offsets = offsetsOf(t.consumer({ follow: true, end: 2 }));
    await until(() => t.broker.requests.includes("Fetch"));
    t.broker.cutAll();
    await until(() => t.broker.connections >= 2);
    t.broker.append(TOPIC, 0, batchOf("0", "1"));
    expect(await offsets).toEqual([0, 1]);
  });

  test("that stay lost end in an error, and later reads fail too", async () => {
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

  test("start at one of the ends if the policy says so", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 5, 5);
    t.broker.trim(TOPIC, 0, 5);
    expect(await offsetsOf(t.consumer({ offset: 3, onOutOfRange: "earliest" }))).toEqual(
      range(5, 10),
    );
    expect(await offsetsOf(t.consumer({ offset: 3, onOutOfRange: "latest" }))).toEqual([]);
  });

  test("with one number for several partitions are errors only if no partition reaches it", async () => {
    await using t = await setUp({ partitions: 3 });
    fill(t.broker, 0, 5, 5);
    fill(t.broker, 1, 5, 5);
    fill(t.broker, 2, 2);
    t.broker.trim(TOPIC, 1, 5);
    const read = await offsetsOf(t.consumer({ offset: 3 }));
    expect(read.sort((a, b) => a - b)).toEqual([3, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9]);
    expect((await errorOf(t.consumer({ offset: 11 }).start())).code).toBe("OFFSET_OUT_OF_RANGE");
    const alone = t.consumer({ offset: 3, partitions: [2] });
    expect((await errorOf(alone.start())).code).toBe("OFFSET_OUT_OF_RANGE");
  });

  test("while reading are a permanent error that names the range", async () => {
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

  test("while reading: earliest continues at the log start", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 5, 5, 5, 5);
    t.broker.script("Fetch", new RustLogError("OFFSET_OUT_OF_RANGE", "gone"));
    const consumer = t.consumer({ maxBytes: 1, onOutOfRange: "earliest" });
    await consumer.start();
    t.broker.trim(TOPIC, 0, 15);
    expect(await offsetsOf(consumer)).toEqual(range(15, 20));
  });

  test("past the end of a log that lost records are errors: reading does not wait", async () => {
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
  test("are CORRUPT_MESSAGE after the records before them, and the position stays there", async () => {
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

  test("are returned without CRC checks, as long as they are records", async () => {
    await using t = await setUp();
    const bad = batchOf("0", "1");
    bad[FIELD.crc]! ^= 1;
    t.broker.append(TOPIC, 0, bad);
    expect(await offsetsOf(t.consumer({ checkCrcs: false }))).toEqual([0, 1]);
    expect((await errorOf(offsetsOf(t.consumer()))).code).toBe("CORRUPT_MESSAGE");
  });

  test("of an unknown codec are CORRUPT_MESSAGE", async () => {
    await using t = await setUp();
    const batch = batchOf("0");
    batch[FIELD.attributes + 1] = 5;
    const sum = crc32c(batch, FIELD.attributes, batch.length);
    new DataView(batch.buffer, batch.byteOffset).setUint32(FIELD.crc, sum);
    t.broker.append(TOPIC, 0, batch);
    const error = await errorOf(offsetsOf(t.consumer()));
    expect(error.code).toBe("CORRUPT_MESSAGE");
    expect(error.message).toContain("codec 5");
  });

  test("are a DamagedRecordsError that states where the batch is and where reading continues", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 2);
    t.broker.append(
      TOPIC,
      0,
      poisoned((record) => (record[0] = 1)),
    );
    fill(t.broker, 0, 1);
    const error = await errorOf(offsetsOf(t.consumer()));
    expect(error).toBeInstanceOf(DamagedRecordsError);
    expect(error).toMatchObject({ topic: TOPIC, partition: 0, from: 3, to: 5 });
    expect(error.message).toContain("topic 't', partition 0: the batch at offset 2");
    expect(error.message).toContain("the records after it begin at offset 5");
    expect(error.help).toContain("--skip-damaged");
    expect(error.help).not.toContain("CRC");
  });

  test("do not affect a consumer that ends before them", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 2);
    t.broker.append(
      TOPIC,
      0,
      poisoned((record) => (record[0] = 1)),
    );
    expect(await offsetsOf(t.consumer({ end: 2 }))).toEqual([0, 1]);
  });

  test.each([
    ["a record length that is impossible", (record: Uint8Array) => (record[0] = 1)],
    ["a wrong offset delta", (record: Uint8Array) => (record[3] = 8)],
    ["a negative key length", (record: Uint8Array) => (record[4] = 5)],
    ["a value that leads out of its record", (record: Uint8Array) => (record[5] = 0x7e)],
    ["a negative number of headers", (record: Uint8Array) => (record[7] = 1)],
    ["snappy that is none", (_: Uint8Array, batch: Uint8Array) => (batch[22] = 2)],
    ["gzip that is none", (_: Uint8Array, batch: Uint8Array) => (batch[22] = 1)],
    [
      "a record count that lies",
      (_: Uint8Array, batch: Uint8Array) => batch.set([4], 60) ?? batch.set([3], 26),
    ],
  ])("of a right CRC but with %s are skipped, and each skip is reported", async (_, poison) => {
    await using t = await setUp();
    fill(t.broker, 0, 2);
    const batch = poisoned(poison);
    // The broker counts records by the header: three.
    t.broker.append(TOPIC, 0, batch);
    const after = new BatchEncoder();
    after.append(1, null, "5");
    t.broker.append(TOPIC, 0, after.finish());
    const skips: DamagedRecordsError[] = [];
    const consumer = t.consumer({ onDamaged: "skip", onSkip: (skip) => skips.push(skip) });
    const offsets: number[] = [];
    for await (const { offset } of consumer) offsets.push(offset);
    const { from, to } = skips[0]!;
    expect([...offsets, ...range(from, to)].sort((a, b) => a - b)).toEqual(
      range(0, consumer.position(0)!),
    );
    expect(skips).toHaveLength(1);
    expect(offsets.at(-1)).toBe(to);
  });

  test("in one partition do not stop reading of the others, unless the consumer follows", async () => {
    await using t = await setUp({ partitions: 3 });
    for (const partition of [0, 2]) {
      fill(t.broker, partition, 1);
      t.broker.append(
        TOPIC,
        partition,
        poisoned((record) => (record[0] = 1)),
      );
      t.broker.append(TOPIC, partition, batchOf("4"));
    }
    fill(t.broker, 1, 5, 5, 5, 5);
    const consumer = t.consumer({ maxBytes: 1 });
    const seen: string[] = [];
    const errors: RustLogError[] = [];
    for (let i = 0; i < 4; i++) {
      const rest = (async () => {
        for await (const { partition, offset } of consumer) seen.push(`${partition}/${offset}`);
      })();
      errors.push(await errorOf(rest));
    }
    // Everything before the damage of each, and all of the third; then the same errors in turn.
    const ofOthers = range(0, 20).map((offset) => `1/${offset}`);
    expect(seen.sort()).toEqual(["0/0", "0/1", "2/0", "2/1", ...ofOthers].sort());
    expect(new Set(errors).size).toBe(2);
    expect(errors[2]).toBe(errors[0]!);
    expect([consumer.position(0), consumer.position(2)]).toEqual([2, 2]);
  });

  test("that the broker can't read are skipped up to the offset that it states", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 2, 3, 2);
    const refusal = new RustLogError("CORRUPT_MESSAGE", damageMessage("t-0: bad", 5));
    t.broker.script("Fetch", "answer", refusal);
    const skips: DamagedRecordsError[] = [];
    const options = { maxBytes: 1, onSkip: (skip: DamagedRecordsError) => skips.push(skip) };
    const consumer = t.consumer({ ...options, onDamaged: "skip" });
    expect(await offsetsOf(consumer)).toEqual([0, 1, 5, 6]);
    expect(skips).toHaveLength(1);
    expect(skips[0]).toMatchObject({ topic: TOPIC, partition: 0, from: 2, to: 5 });

    t.broker.script("Fetch", "answer", refusal);
    const strict = t.consumer(options);
    expect(await errorOf(offsetsOf(strict))).toMatchObject({ from: 2, to: 5 });
    expect(strict.position(0)).toBe(2);
  });
});

/** A batch of three records, the second changed by `poison`, with a valid CRC. */
function poisoned(poison: (record: Uint8Array, batch: Uint8Array) => unknown): Uint8Array {
  const batch = batchOf("2", "3", "4");
  const recordBytes = (batch.length - FIELD.records) / 3;
  poison(batch.subarray(FIELD.records + recordBytes), batch);
  const sum = crc32c(batch, FIELD.attributes, batch.length);
  new DataView(batch.buffer, batch.byteOffset).setUint32(FIELD.crc, sum);
  return batch;
}
