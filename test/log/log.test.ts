// The log against models that are too simple to be wrong: an array of batches, a linear search.
import { describe, expect, test } from "bun:test";
import { FIELD, findBatchFault, stampBaseOffset } from "../../src/record/batch.js";
import { writeI32 } from "../../src/record/bytes.js";
import { Log } from "../../src/log/log.js";
import type { LogPosition, LogSettings } from "../../src/log/log-context.js";
import { type LogRead, readAll } from "../../src/log/segment/log-slice.js";
import {
  allRecords,
  appendAll,
  batchOf,
  codeOf,
  contextOf,
  DIRECTORY,
  diskWithDirectory,
  openLog,
  recordsIn,
  settle,
} from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import type { SimulatedDisk } from "../support/simulated-disk.js";

/** A batch as the model keeps it. */
interface ModelBatch {
  readonly baseOffset: number;
  readonly values: readonly string[];
  readonly bytes: number;
  readonly timestamp: number;
}

class Model {
  readonly batches: ModelBatch[] = [];

  get end(): number {
    const last = this.batches.at(-1);
    return last === undefined ? 0 : last.baseOffset + last.values.length;
  }

  add(values: readonly string[], bytes: number, timestamp: number): void {
    this.batches.push({ baseOffset: this.end, values, bytes, timestamp });
  }

  /** What a read must return: whole batches from the one that holds the offset, one at least. */
  read(
    offset: number,
    bytesMax: number,
  ): { batches: ModelBatch[]; bytes: number; nextOffset: number } {
    const first = this.batches.findIndex((b) => b.baseOffset + b.values.length > offset);
    const batches: ModelBatch[] = [];
    let bytes = 0;
    for (const batch of first < 0 ? [] : this.batches.slice(first)) {
      if (batches.length > 0 && bytes + batch.bytes > bytesMax) break;
      batches.push(batch);
      bytes += batch.bytes;
    }
    const last = batches.at(-1);
    const nextOffset = last === undefined ? offset : last.baseOffset + last.values.length;
    return { batches, bytes, nextOffset };
  }

  findTimestamp(timestamp: number, start = 0): { offset: number; timestamp: number } | undefined {
    const found = this.batches.find(
      ({ baseOffset, values, ...batch }) =>
        baseOffset + values.length > start && batch.timestamp >= timestamp,
    );
    return found && { offset: Math.max(start, found.baseOffset), timestamp: found.timestamp };
  }
}

function expectRead(read: LogRead, model: Model, offset: number, bytesMax: number): void {
  const expected = model.read(offset, bytesMax);
  expect({ bytes: read.bytes, nextOffset: read.nextOffset }).toEqual({
    bytes: expected.bytes,
    nextOffset: expected.nextOffset,
  });
  const values = expected.batches.flatMap(({ baseOffset, values }) =>
    values.map((value, i) => ({ offset: baseOffset + i, value })),
  );
  expect(recordsIn(readAll(read))).toEqual(values);
}

async function randomOperations(seed: number): Promise<void> {
  const random = new Random(seed);
  const settings = { segmentBytes: 1_024 + random.below(20_000) };
  const disk = await diskWithDirectory(seed);
  disk.slowPushes = 0.1;
  const model = new Model();
  let log = await openLog(disk, settings);
  let number = 0;
  const append = async (): Promise<void> => {
    const values = Array.from({ length: 1 + random.below(4) }, () =>
      `${number++}:`.padEnd(random.below(random.chance(0.1) ? 9_000 : 200), "x"),
    );
    const timestamp = 1_000 + random.below(400);
    const batch = batchOf(values, timestamp);
    if (log.mustRoll({ bytes: batch.length, records: 1 })) {
      await log.push();
      await log.roll();
    }
    expect(log.append([batch])).toBe(model.end);
    model.add(values, batch.length, timestamp);
  };
  for (let i = 0; i < 60; i++) {
    const dice = random.next();
    if (dice < 0.5) {
      for (let n = random.below(5); n >= 0; n--) await append();
      await log.push();
    } else if (dice < 0.55) await log.roll();
    else if (dice < 0.6) {
      await log.sync();
      log.close();
      log = await openLog(disk, settings);
    } else if (dice < 0.65) {
      const clean = await log.closeCleanly();
      expect(clean?.nextOffset).toBe(model.end);
      log = await openLog(disk, settings, { clean, rewrite: random.chance(0.2) });
    } else if (dice < 0.9) {
      const offset = random.below(model.end + 1);
      const bytesMax = random.pick([0, 1, 61, random.below(500), random.below(20_000), 2 ** 31]);
      expectRead(log.segments.read(offset, bytesMax, log.pushedEnd), model, offset, bytesMax);
    } else {
      const timestamp = 990 + random.below(420);
      const start = random.below(model.end + 2);
      expect(log.findTimestamp(timestamp, log.pushedEnd, start)).toEqual(
        model.findTimestamp(timestamp, start),
      );
    }
    expect(log.logEndOffset).toBe(model.end);
    expect(log.segments.bytes).toBe(model.batches.reduce((sum, batch) => sum + batch.bytes, 0));
  }
  const all = model.batches.flatMap((batch) => batch.values);
  expect(allRecords(log, 1 + random.below(5_000)).map((record) => record.value)).toEqual(all);
  log.close();
  await settle();
}

test("random operations match an array of batches", async () => {
  for (let seed = 1; seed <= 50; seed++) {
    try {
      await randomOperations(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    }
  }
});

/** A log of 40 batches of 100-odd bytes in segments of some five, and its model. */
async function manySegments(): Promise<{ log: Log; model: Model; disk: SimulatedDisk }> {
  const disk = await diskWithDirectory();
  const log = await openLog(disk, { segmentBytes: 700 });
  const model = new Model();
  for (let i = 0; i < 40; i++) {
    const values = [`a${i}`, `b${i}`.padEnd(20 + (i % 7) * 5, ".")];
    const batch = batchOf(values, 1_000 + i);
    model.add(values, batch.length, 1_000 + i);
    await appendAll(log, [batch]);
  }
  expect(log.segments.count).toBeGreaterThan(5);
  return { log, model, disk };
}

test("every offset with every size around the boundaries of batches and segments", async () => {
  const { log, model } = await manySegments();
  for (let offset = 0; offset <= model.end; offset++) {
    let bytes = 0;
    for (const batch of model.read(offset, Number.MAX_SAFE_INTEGER).batches) {
      bytes += batch.bytes;
      for (const bytesMax of [bytes - 1, bytes, bytes + 1]) {
        const read = log.segments.read(offset, bytesMax, log.pushedEnd);
        const expected = model.read(offset, bytesMax);
        expect([read.bytes, read.nextOffset]).toEqual([expected.bytes, expected.nextOffset]);
      }
    }
    expectRead(log.segments.read(offset, 0, log.pushedEnd), model, offset, 0);
    expectRead(log.segments.read(offset, 2 ** 40, log.pushedEnd), model, offset, 2 ** 40);
  }
});

test("nothing is read at or after the given end, wherever it lies", async () => {
  const disk = await diskWithDirectory();
  const log = await openLog(disk, { segmentBytes: 500 });
  const ends: LogPosition[] = [];
  for (let i = 0; i < 20; i++) {
    ends.push(log.pushedEnd);
    await appendAll(log, [batchOf([`a${i}`, `b${i}`], i)]);
  }
  for (const [i, end] of ends.entries()) {
    const read = log.segments.read(0, 2 ** 40, end);
    expect(recordsIn(readAll(read)).length).toBe(2 * i);
    expect(read.nextOffset).toBe(2 * i);
    // The last timestamp that is below the end, and the first that is not.
    if (i > 0)
      expect(log.findTimestamp(i - 1, end)).toEqual({ offset: 2 * i - 2, timestamp: i - 1 });
    expect(log.findTimestamp(i, end)).toBeUndefined();
  }
});

test("a slice can be read in parts of any size, also if its segment is sealed meanwhile", async () => {
  const disk = await diskWithDirectory();
  const log = await openLog(disk);
  await appendAll(log, [batchOf(["one", "two"]), batchOf(["x".repeat(5_000)])]);
  const read = log.segments.read(0, 2 ** 40, log.pushedEnd);
  const slice = read.slices[0]!;
  const whole = slice.read(0, slice.bytes).slice();
  expect(whole.length).toBe(read.bytes);
  for (const size of [1, 7, 4_096, 1_000_000]) {
    const parts: number[] = [];
    for (let from = 0; from < slice.bytes;) {
      const part = slice.read(from, size);
      expect(part.length).toBeGreaterThan(0);
      expect(part.length).toBeLessThanOrEqual(size);
      parts.push(...part);
      from += part.length;
    }
    expect(Uint8Array.from(parts)).toEqual(whole);
  }
  await log.roll();
  expect(slice.read(0, slice.bytes)).toEqual(whole);
  expect(slice.read(10, 5)).toEqual(whole.subarray(10, 15));
});

test("a slice of a segment deleted meanwhile continues from its mapping, and throws without one", async () => {
  const disk = await diskWithDirectory();
  disk.refusedMappings = 1;
  const log = await openLog(disk);
  await appendAll(log, [batchOf(["one"])]);
  const ofActive = log.segments.read(0, 1_000, log.pushedEnd).slices[0]!;
  await log.roll();
  await appendAll(log, [batchOf(["two"])]);
  await log.deleteBefore(1);
  expect(await codeOf(() => ofActive.read(0, 10))).toBe("STORAGE_ERROR");
  disk.refusedMappings = 0;
  const ofNextActive = log.segments.read(1, 1_000, log.pushedEnd).slices[0]!;
  await log.roll();
  const ofSealed = log.segments.read(1, 1_000, log.pushedEnd).slices[0]!;
  await appendAll(log, [batchOf(["three"])]);
  await log.deleteBefore(2);
  for (const slice of [ofNextActive, ofSealed]) {
    expect(recordsIn(slice.read(0, 1_000))).toEqual([{ offset: 1, value: "two" }]);
  }
});

test("an appended batch that is not pushed is not found by offset or timestamp", async () => {
  const disk = await diskWithDirectory();
  const log = await openLog(disk);
  // Long enough that the indexes have entries for what is not pushed.
  const batches = Array.from({ length: 30 }, (_, i) =>
    batchOf(["x".repeat(1_000)], 1_000 + 10 * i),
  );
  await appendAll(log, batches.slice(0, 4));
  for (const batch of batches.slice(4)) log.append([batch]);
  expect(log.findTimestamp(1_025, log.pushedEnd)).toEqual({ offset: 3, timestamp: 1_030 });
  expect(log.findTimestamp(1_245, log.pushedEnd)).toBeUndefined();
  expect(log.segments.read(0, 2 ** 40, log.pushedEnd).nextOffset).toBe(4);
  await log.push();
  expect(log.findTimestamp(1_245, log.pushedEnd)).toEqual({ offset: 25, timestamp: 1_250 });
});

test("only the base offset and the leader epoch of a batch change, and its CRC still matches", async () => {
  const log = await openLog(await diskWithDirectory());
  const sent = [0, -1, 7].map((epoch) => {
    const batch = batchOf(["v"]);
    writeI32(batch, FIELD.partitionLeaderEpoch, epoch);
    return batch;
  });
  const expected = sent.map((batch, i) => {
    const stored = batch.slice();
    stampBaseOffset(stored, 0, i);
    return stored.fill(0, FIELD.partitionLeaderEpoch, FIELD.magic);
  });
  // The header may be a piece of its own.
  for (const [i, batch] of sent.entries()) {
    log.append(i === 1 ? [batch.subarray(0, 61), batch.subarray(61)] : [batch]);
  }
  await log.push();
  const bytes = readAll(log.segments.read(0, 10_000, log.pushedEnd));
  expect(Buffer.from(bytes).equals(Buffer.concat(expected))).toBe(true);
  for (let at = 0; at < bytes.length; at += expected[0]!.length) {
    expect(findBatchFault(bytes, at, at + expected[0]!.length)).toBeUndefined();
  }
});

describe("rolling", () => {
  const opened = async (settings: Partial<LogSettings>) => {
    const clock = { now: 1_000_000 };
    const disk = await diskWithDirectory();
    const context = contextOf(disk, settings, { now: () => clock.now });
    return { clock, disk, context, log: await Log.open(context) };
  };

  test("by size: a batch that fits exactly stays, one more byte rolls", async () => {
    const batch = batchOf(["x".repeat(50)]);
    const { log } = await opened({ segmentBytes: 2 * batch.length });
    expect(log.mustRoll({ bytes: 2 ** 30, records: 1 })).toBe(false);
    await appendAll(log, [batch]);
    expect(log.mustRoll({ bytes: batch.length, records: 1 })).toBe(false);
    expect(log.mustRoll({ bytes: batch.length + 1, records: 1 })).toBe(true);
    await appendAll(log, [batch, batch]);
    expect(log.segments.count).toBe(2);
  });

  test("by age of the first batch, counted from its append", async () => {
    const { log, clock } = await opened({ segmentMs: 1_000 });
    clock.now += 5_000;
    expect(log.mustRoll({ bytes: 10, records: 1 })).toBe(false);
    await appendAll(log, [batchOf(["a"], clock.now)]);
    clock.now += 999;
    expect(log.mustRoll({ bytes: 10, records: 1 })).toBe(false);
    clock.now += 1;
    expect(log.mustRoll({ bytes: 10, records: 1 })).toBe(true);
    await log.roll();
    expect(log.mustRoll({ bytes: 10, records: 1 })).toBe(false);
  });

  test("age survives a restart, and a clock that goes back does not count", async () => {
    const { log, clock, context } = await opened({ segmentMs: 1_000 });
    await appendAll(log, [batchOf(["a"], clock.now)]);
    clock.now += 600;
    log.close();
    const again = await Log.open(context);
    clock.now += 399;
    expect(again.mustRoll({ bytes: 10, records: 1 })).toBe(false);
    clock.now += 1;
    expect(again.mustRoll({ bytes: 10, records: 1 })).toBe(true);
    clock.now -= 500_000;
    expect(again.mustRoll({ bytes: 10, records: 1 })).toBe(false);
  });

  test("by offsets: the last is at most 2^31 - 1 after the first, an empty segment takes any batch", async () => {
    const { log } = await opened({});
    expect(log.mustRoll({ bytes: 100, records: 2 ** 31 - 1 })).toBe(false);
    await appendAll(log, [batchOf(["a", "b"])]);
    expect(log.mustRoll({ bytes: 100, records: 2 ** 31 - 2 })).toBe(false);
    expect(log.mustRoll({ bytes: 100, records: 2 ** 31 - 1 })).toBe(true);
  });

  test("an empty segment is not rolled", async () => {
    const { log } = await opened({});
    await log.roll();
    await log.roll();
    expect(log.segments.count).toBe(1);
  });

  test("the files are those of the segments, and one producer snapshot", async () => {
    const { log, disk } = await opened({});
    await appendAll(log, [batchOf(["a", "b"])]);
    await log.roll();
    await appendAll(log, [batchOf(["c"])]);
    await log.roll();
    expect(disk.list(DIRECTORY).filter((name) => !name.includes("index"))).toEqual([
      "00000000000000000000.log",
      "00000000000000000002.log",
      "00000000000000000003.log",
      "00000000000000000003.snapshot",
    ]);
  });
});

test("the size of a log is known from its start: describing it does not access the disk", async () => {
  const disk = await diskWithDirectory();
  const log = await openLog(disk);
  for (let i = 0; i < 5; i++) {
    await appendAll(log, [batchOf(["v"])]);
    await log.roll();
  }
  const { bytes } = log.segments;
  await log.closeCleanly();
  const again = await openLog(disk);
  const { operations } = disk;
  expect([again.segments.bytes, again.segments.count]).toEqual([bytes, 6]);
  expect(disk.operations).toBe(operations);
});

describe("retention", () => {
  const tenSegments = async (settings: Partial<LogSettings>, now = 10_000) => {
    const disk = await diskWithDirectory();
    const log = await Log.open(contextOf(disk, settings, { now: () => now }));
    for (let i = 0; i < 10; i++) {
      await appendAll(log, [batchOf([`v${i}`], 1_000 * i)]);
      if (i < 9) await log.roll();
    }
    return { disk, log, batchBytes: log.segments.bytes / 10 };
  };

  test("by bytes: never less remains than retention keeps", async () => {
    const { batchBytes } = await tenSegments({});
    for (const [keep, segments] of [
      [0, 1],
      [1, 1],
      [batchBytes, 1],
      [batchBytes + 1, 2],
      [batchBytes * 5, 5],
      [batchBytes * 5 - 1, 5],
      [batchBytes * 50, 10],
    ] as const) {
      const { log, disk } = await tenSegments({ retentionBytes: keep });
      expect(await log.applyRetention(log.pushedEnd)).toBe(10 - segments);
      expect(log.segments.count).toBe(segments);
      expect(log.logStartOffset).toBe(10 - segments);
      expect(allRecords(log).map((record) => record.offset)[0]).toBe(10 - segments);
      const logs = disk.list(DIRECTORY).filter((name) => name.endsWith(".log"));
      expect(logs.length).toBe(segments);
      expect(disk.list(DIRECTORY).filter((name) => name.endsWith("index")).length).toBeLessThan(
        2 * segments + 1,
      );
    }
  });

  test("by bytes: bytes after the end do not count, because they may be rolled back", async () => {
    const disk = await diskWithDirectory();
    const log = await Log.open(contextOf(disk, { retentionBytes: 1 }));
    await appendAll(log, [batchOf(["first"])]);
    const inFirst = log.pushedEnd;
    await appendAll(log, [batchOf(["second"])]);
    await log.roll();
    const sealed = log.pushedEnd;
    await appendAll(log, [batchOf(["third"])]);
    expect(await log.applyRetention(inFirst)).toBe(0);
    expect(await log.applyRetention(sealed)).toBe(0);
    expect(await log.applyRetention(log.pushedEnd)).toBe(1);
    expect(log.logStartOffset).toBe(2);
  });

  test("by time: a segment is deleted once its newest record is older", async () => {
    const { log } = await tenSegments({ retentionMs: 6_000 });
    // Now is 10,000: records of 0, 1,000, 2,000 and 3,000 are too old, one of 4,000 is not yet.
    expect(await log.applyRetention(log.pushedEnd)).toBe(4);
    expect(log.logStartOffset).toBe(4);
    expect(await log.applyRetention(log.pushedEnd)).toBe(0);
  });

  test("a record from the future keeps the segments after it", async () => {
    const disk = await diskWithDirectory();
    const log = await Log.open(contextOf(disk, { retentionMs: 10 }, { now: () => 5_000 }));
    for (const timestamp of [1, 9_999_999, 1, 1]) {
      await appendAll(log, [batchOf(["v"], timestamp)]);
      await log.roll();
    }
    expect(await log.applyRetention(log.pushedEnd)).toBe(1);
    expect(log.logStartOffset).toBe(1);
  });

  test("a timestamp that is no time, or that the topic does not allow, leaves it to the file's age", async () => {
    const disk = await diskWithDirectory();
    const clock = { ms: 5_000 };
    const settings = { retentionMs: 1_000, timestampAfterMaxMs: 100 };
    const open = () => Log.open(contextOf(disk, settings, { now: () => clock.ms }));
    let log = await open();
    for (const timestamp of [-1, 9_999_999, -60_000]) {
      disk.nowMs = clock.ms;
      await appendAll(log, [batchOf(["v"], timestamp)]);
      // Also while it is written, and after a restart.
      clock.ms += 1_000;
      expect(log.isActiveUnneeded).toBe(false);
      log.close();
      log = await open();
      expect(log.isActiveUnneeded).toBe(false);
      clock.ms += 1;
      expect(log.isActiveUnneeded).toBe(true);
      await log.roll();
      clock.ms -= 1;
      expect(await log.applyRetention(log.pushedEnd)).toBe(0);
      clock.ms += 1;
      expect(await log.applyRetention(log.pushedEnd)).toBe(1);
    }
  });

  test("without limits nothing is deleted", async () => {
    const { log } = await tenSegments({});
    expect(await log.applyRetention(log.pushedEnd)).toBe(0);
  });

  test("the log start survives a restart", async () => {
    const { log, disk } = await tenSegments({ retentionBytes: 0 });
    await log.applyRetention(log.pushedEnd);
    log.close();
    const again = await openLog(disk);
    expect([again.logStartOffset, again.logEndOffset]).toEqual([9, 10]);
    expect(allRecords(again)).toEqual([{ offset: 9, value: "v9" }]);
  });

  test("deleteBefore deletes segments that are wholly below an offset", async () => {
    const { log } = await tenSegments({});
    await log.deleteBefore(4);
    expect(log.logStartOffset).toBe(4);
    await log.deleteBefore(1_000);
    expect(log.logStartOffset).toBe(9);
  });
});

test("with jumping timestamps a lookup matches a linear search", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = new Random(seed);
    const disk = await diskWithDirectory(seed);
    const log = await openLog(disk, { segmentBytes: 30_000 });
    const model = new Model();
    let clock = 1_000_000;
    for (let i = 0; i < 100; i++) {
      // Backwards and far forwards, at times.
      clock += random.chance(0.05) ? -50_000 : random.chance(0.03) ? 80_000 : random.below(100);
      const values = ["v".repeat(1 + random.below(2_000))];
      const batch = batchOf(values, clock);
      model.add(values, batch.length, clock);
      await appendAll(log, [batch]);
    }
    for (const { timestamp } of model.batches) {
      for (const asked of [timestamp - 1, timestamp, timestamp + 1]) {
        expect(log.findTimestamp(asked, log.pushedEnd)).toEqual(model.findTimestamp(asked));
      }
    }
    log.close();
    const again = await openLog(disk, { segmentBytes: 30_000 });
    for (const { timestamp } of model.batches) {
      const start = random.below(model.end);
      expect(again.findTimestamp(timestamp, again.pushedEnd, start)).toEqual(
        model.findTimestamp(timestamp, start),
      );
    }
  }
});

test("a failed push rolls back everything since the last one", async () => {
  const disk = await diskWithDirectory();
  const log = await openLog(disk);
  await appendAll(log, [batchOf(["a", "b"])]);
  const { bytes } = log.segments;
  for (const room of [0, 1, 60, 100]) {
    disk.setCapacity(disk.usedBytes + room);
    for (let i = 0; i < 3; i++) expect(log.append([batchOf(["x", "y"])])).toBe(2 + 2 * i);
    expect(await codeOf(() => log.push())).toBe("ENOSPC");
    expect([
      log.logEndOffset,
      log.segments.bytes,
      disk.fileSize(`${DIRECTORY}/00000000000000000000.log`),
    ]).toEqual([2, bytes, bytes]);
    expect(log.pushedEnd.offset).toBe(2);
  }
  disk.setCapacity(Number.POSITIVE_INFINITY);
  expect(log.append([batchOf(["c"])])).toBe(2);
  await log.push();
  expect(allRecords(log).map((record) => record.value)).toEqual(["a", "b", "c"]);
});

test("one read opens a limited number of segments, and the next one continues after them", async () => {
  const disk = await diskWithDirectory();
  const log = await openLog(disk);
  for (let i = 0; i < 100; i++) {
    await appendAll(log, [batchOf([`${i}`])]);
    await log.roll();
  }
  const values: string[] = [];
  const sizes: number[] = [];
  for (let offset = 0; offset < 100;) {
    const read = log.segments.read(offset, 1_000_000, log.pushedEnd);
    sizes.push(read.slices.length);
    values.push(...recordsIn(readAll(read)).map(({ value }) => value));
    offset = read.nextOffset;
  }
  expect(sizes).toEqual([64, 36]);
  expect(values).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
});
