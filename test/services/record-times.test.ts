// Finding a record by its timestamp, against a search through all records.
import { describe, expect, test } from "bun:test";
import type { ServiceContext } from "../../src/services/context.js";
import {
  firstRecordFrom,
  newestRecord,
  offsetFrom,
  type RecordTime,
  SearchBudget,
} from "../../src/services/record-times.js";
import { type Codec, CODECS, FIELD } from "../../src/record/batch.js";
import { writeI64 } from "../../src/record/bytes.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { batchOf as damagedBatchOf, LZ4_WITH_DICTIONARY, stampCrc } from "../record/batches.js";
import { Random } from "../support/random.js";
import { openServices } from "../support/services.js";

const HERE = { topic: "t", partition: 0 };

async function contextWith(batches: readonly Uint8Array[], settings = {}): Promise<ServiceContext> {
  const context = await openServices();
  await context.registry.create("t", 1, settings);
  for (const batch of batches) await partitionOf(context).append(batch);
  return context;
}

function partitionOf(context: ServiceContext) {
  return context.registry.partition("t", 0);
}

/** A batch of records with these timestamps. */
function batchOf(timestamps: readonly number[], codec: Codec = "none"): Uint8Array {
  const encoder = new BatchEncoder({ codec });
  for (const timestamp of timestamps) encoder.append(timestamp, null, `at ${timestamp}`);
  return encoder.finish();
}

/** The same, with a header that states another largest timestamp. */
function lyingBatch(timestamps: readonly number[], maxTimestamp: number): Uint8Array {
  const batch = batchOf(timestamps);
  writeI64(batch, FIELD.maxTimestamp, maxTimestamp);
  return stampCrc(batch);
}

test("any timestamp leads to the first record at or after it, whatever the codec", async () => {
  const random = new Random(5);
  const records: RecordTime[] = [];
  const batches = Array.from({ length: 60 }, (_, i) => {
    const timestamps = Array.from(
      { length: 1 + random.below(8) },
      () => 1_000 + 10 * i + random.below(60),
    );
    for (const timestamp of timestamps) records.push({ offset: records.length, timestamp });
    return batchOf(timestamps, random.pick(CODECS));
  });
  // Segments of some batches each.
  const context = await contextWith(batches, { "segment.bytes": "1024" });
  for (let timestamp = 990; timestamp < 1_700; timestamp += 7) {
    const expected = records.find((record) => record.timestamp >= timestamp);
    expect(await firstRecordFrom(context, HERE, timestamp)).toEqual(expected);
  }
  const newest = Math.max(...records.map(({ timestamp }) => timestamp));
  expect(await newestRecord(context, HERE)).toEqual(records.find((r) => r.timestamp === newest));
});

test("an empty partition has no record at any time", async () => {
  const context = await contextWith([]);
  expect(await firstRecordFrom(context, HERE, 0)).toBeUndefined();
  expect(await newestRecord(context, HERE)).toBeUndefined();
});

describe("records below the log start", () => {
  test("are not found, even in a batch that reaches beyond it", async () => {
    const context = await contextWith([batchOf([5_000, 1_000, 2_000]), batchOf([3_000, 4_000])]);
    await partitionOf(context).advanceLogStart(1);
    expect(await firstRecordFrom(context, HERE, 0)).toEqual({ offset: 1, timestamp: 1_000 });
    expect(await firstRecordFrom(context, HERE, 4_000)).toEqual({ offset: 4, timestamp: 4_000 });
    expect(await firstRecordFrom(context, HERE, 4_001)).toBeUndefined();
  });

  test("don't count for the newest record once their batch is below it", async () => {
    const context = await contextWith([
      batchOf([5_000]),
      batchOf([3_000, 4_000]),
      batchOf([2_000]),
    ]);
    expect(await newestRecord(context, HERE)).toEqual({ offset: 0, timestamp: 5_000 });
    await partitionOf(context).advanceLogStart(1);
    expect(await newestRecord(context, HERE)).toEqual({ offset: 2, timestamp: 4_000 });
  });
});

test("records that are not acknowledged yet are not found", async () => {
  const context = await contextWith([batchOf([1_000])]);
  const appended = partitionOf(context).append(batchOf([2_000]));
  expect(await newestRecord(context, HERE)).toEqual({ offset: 0, timestamp: 1_000 });
  await appended;
  expect(await newestRecord(context, HERE)).toEqual({ offset: 1, timestamp: 2_000 });
});

describe("a batch whose header is wrong", () => {
  test("is passed over", async () => {
    const context = await contextWith([lyingBatch([1_000], 9_000), batchOf([2_000])]);
    expect(await firstRecordFrom(context, HERE, 1_500)).toEqual({ offset: 1, timestamp: 2_000 });
    expect(await newestRecord(context, HERE)).toBeUndefined();
  });

  test("is one of a hundred at most", async () => {
    const lies = Array.from({ length: 101 }, () => lyingBatch([1_000], 9_000));
    const context = await contextWith([...lies, batchOf([2_000])]);
    await expect(firstRecordFrom(context, HERE, 1_500)).rejects.toMatchObject({
      code: "CORRUPT_MESSAGE",
      message: expect.stringContaining("t-0: 100 batches before offset 100"),
    });
  });
});

describe("a batch that can't be opened", () => {
  test("is named if it decompresses to too much", async () => {
    const bomb = new BatchEncoder({ codec: "zstd" });
    bomb.append(1_000, null, new Uint8Array(65 * 1024 * 1024));
    const context = await contextWith([bomb.finish()]);
    await expect(firstRecordFrom(context, HERE, 1_000)).rejects.toMatchObject({
      code: "MESSAGE_TOO_LARGE",
      message: expect.stringContaining("t-0: the batch that ends at offset 0: the zstd data"),
    });
  });

  test("is named if its records are damaged or can't be decompressed here", async () => {
    const invalid = damagedBatchOf(Uint8Array.of(1, 2, 3), 1);
    await expect(firstRecordFrom(await contextWith([invalid]), HERE, 0)).rejects.toMatchObject({
      code: "CORRUPT_MESSAGE",
    });
    const foreign = damagedBatchOf(LZ4_WITH_DICTIONARY, 1, CODECS.indexOf("lz4"));
    await expect(firstRecordFrom(await contextWith([foreign]), HERE, 0)).rejects.toMatchObject({
      code: "UNSUPPORTED_COMPRESSION",
    });
  });
});

test("once a budget is used up, the start of the batch is the answer, and it is not opened", async () => {
  const lying = lyingBatch([1_000, 1_001], 2_000);
  const context = await contextWith([batchOf([1, 2]), batchOf([10, 11]), lying]);
  const budget = new SearchBudget(1, Number.POSITIVE_INFINITY);
  expect(await offsetFrom(context, HERE, 2, budget)).toEqual({ offset: 1, isExact: true });
  expect(await offsetFrom(context, HERE, 2, budget)).toEqual({ offset: 0, isExact: false });
  expect(await offsetFrom(context, HERE, 11, budget)).toEqual({ offset: 2, isExact: false });
  // Opened, it would turn out to have no such record.
  expect(await offsetFrom(context, HERE, 1_500, budget)).toEqual({ offset: 4, isExact: false });
  expect(await offsetFrom(context, HERE, 3_000, budget)).toBeUndefined();
  const noTime = new SearchBudget(Number.POSITIVE_INFINITY, -1);
  expect(await offsetFrom(context, HERE, 2, noTime)).toEqual({ offset: 0, isExact: false });
});

test("a topic that is deleted or recreated meanwhile is told by name", async () => {
  const context = await contextWith([batchOf([1_000])]);
  const topicId = context.registry.find("t")?.id;
  const running = firstRecordFrom(context, { ...HERE, topicId }, 0);
  await context.registry.delete("t");
  await expect(running).rejects.toMatchObject({ code: "UNKNOWN_TOPIC_ID" });
});
