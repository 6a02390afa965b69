// Damaged and misplaced segment files: nothing wrong is served as right, and damage stays where it is.
import { describe, expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import { baseOffset, batchBytes, lastOffset, stampBaseOffset } from "../../src/record/batch.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { Log } from "../../src/log/log.js";
import { readAll } from "../../src/log/segment/log-slice.js";
import {
  allRecords,
  appendAll,
  batchOf,
  codeOf,
  contextOf,
  DIRECTORY,
  diskWithDirectory,
  openLog,
  type ReadRecord,
  recordsIn,
  settle,
} from "../support/log-fixture.js";
import type { SimulatedDisk } from "../support/simulated-disk.js";

const name = (offset: number, kind = "log"): string =>
  `${DIRECTORY}/${String(offset).padStart(20, "0")}.${kind}`;

/** Three segments of four batches of two records each, the last one active. */
async function threeSegments(valueBytes = 10): Promise<SimulatedDisk> {
  const disk = await diskWithDirectory();
  const log = await openLog(disk);
  for (let i = 0; i < 12; i++) {
    if (i % 4 === 0) await log.roll();
    await appendAll(log, [batchOf([`a${i}`.padEnd(valueBytes, "x"), `b${i}`], 1_000 + i)]);
  }
  log.close();
  return disk;
}

/** What a consumer gets that starts at each batch and reads one of them: records, or the code of an error. */
function readEach(log: Log): (ReadRecord[] | string)[] {
  return Array.from({ length: 12 }, (_, i) => {
    try {
      return recordsIn(readAll(log.segments.read(2 * i, 1, log.pushedEnd)), 2 * i);
    } catch (error) {
      if (error instanceof RustLogError) return `${error.code}: ${error.message}`;
      throw error;
    }
  });
}

/** What a consumer gets that reads on from the start, and after an error goes on at the next batch. */
function readThrough(log: Log, bytesMax: number): Map<number, string> {
  const found = new Map<number, string>();
  for (let offset = 0; offset < 24;) {
    try {
      const read = log.segments.read(offset, bytesMax, log.pushedEnd);
      for (const record of recordsIn(readAll(read), offset)) found.set(record.offset, record.value);
      if (read.nextOffset <= offset) throw new Error(`a read at ${offset} does not go on`);
      offset = read.nextOffset;
    } catch (error) {
      if (!(error instanceof RustLogError)) throw error;
      expect(error.code).toBe("CORRUPT_MESSAGE");
      expect(error.message).toMatch(/^orders-0: segment \d{20}\.log, position \d+: /);
      offset = 2 * Math.floor(offset / 2) + 2;
    }
  }
  return found;
}

const EPOCH = { start: 12, end: 16 };

describe.each([
  ["small batches, no index entries", 10],
  ["batches of 2 KB, with index entries", 2_000],
])("every flipped bit of a sealed segment: %s", (_name, valueBytes) => {
  test("is detected, never served, and affects no other batch", async () => {
    const disk = await threeSegments(valueBytes);
    const healthy = await openLog(disk);
    const right = readEach(healthy);
    const all = readThrough(healthy, 1_000_000);
    expect(all.size).toBe(24);
    healthy.close();
    const path = name(8);
    const bytes = disk.readFile(path)!;
    // All bits of the headers and of what follows them, a sample of the long values.
    const starts = [0];
    while (starts.at(-1)! < bytes.length)
      starts.push(starts.at(-1)! + batchBytes(bytes, starts.at(-1)!));
    expect(starts.length).toBe(5);
    for (let at = 0; at < bytes.length; at++) {
      const batch = starts.findLastIndex((start) => start <= at);
      const inBatch = at - starts[batch]!;
      if (inBatch > 90 && at % 97 !== 0) continue;
      for (let bit = 0; bit < 8; bit++) {
        disk.flipBit(path, at * 8 + bit);
        const log = await openLog(disk);
        const found = readEach(log);
        const through = readThrough(log, 1_000_000);
        const place = `byte ${inBatch} of batch ${batch}, bit ${bit}`;
        const harmless = inBatch >= EPOCH.start && inBatch < EPOCH.end;
        const lost = harmless ? undefined : 4 + batch;
        const withCodes = found.map((it) => (typeof it === "string" ? it.slice(0, 15) : it));
        expect({ place, found: withCodes }).toEqual({
          place,
          found: right.map((it, i) => (i === lost ? "CORRUPT_MESSAGE" : it)),
        });
        expect({ place, through }).toEqual({
          place,
          through: new Map([...all].filter(([offset]) => offset >>> 1 !== lost)),
        });
        log.close();
        disk.flipBit(path, at * 8 + bit);
      }
    }
  }, 60_000);
});

test("batches in the value of a damaged batch are not served, whichever bit of its header is wrong", async () => {
  const disk = await diskWithDirectory();
  const log = await openLog(disk);
  const copies = ["p", "q", "r"].map((value, i) => {
    const batch = batchOf([value, value]);
    stampBaseOffset(batch, 0, 10 + 2 * i);
    return batch;
  });
  const encoder = new BatchEncoder();
  encoder.append(1_000, null, Buffer.concat([...copies, new Uint8Array(40), ...copies]));
  await appendAll(log, [batchOf(["a"]), encoder.finish(), batchOf(["b"]), batchOf(["c"])]);
  const position = batchBytes(disk.readFile(name(0))!, 0);
  await log.roll();
  log.close();
  for (const withIndex of [true, false]) {
    for (let bit = 0; bit < 61 * 8; bit++) {
      if (bit >= 8 * EPOCH.start && bit < 8 * EPOCH.end) continue;
      for (const kind of ["index", "timeindex"]) {
        if (!withIndex) disk.overwrite(name(0, kind), undefined);
      }
      disk.flipBit(name(0), 8 * position + bit);
      const damaged = await openLog(disk);
      const found = [0, 1, 2, 3].map((offset) => {
        try {
          return recordsIn(readAll(damaged.segments.read(offset, 1, damaged.pushedEnd)), offset)[0]
            ?.value;
        } catch (error) {
          return error instanceof RustLogError ? error.code : error;
        }
      });
      expect({ bit, found }).toEqual({ bit, found: ["a", "CORRUPT_MESSAGE", "b", "c"] });
      damaged.close();
      await settle();
      disk.flipBit(name(0), 8 * position + bit);
    }
  }
});

test("a flipped bit in the log and no indexes: the same, with indexes rebuilt from the damaged log", async () => {
  const disk = await threeSegments();
  const healthy = await openLog(disk);
  const right = readEach(healthy);
  healthy.close();
  const path = name(8);
  const bytes = disk.readFile(path)!;
  for (let bit = 0; bit < bytes.length * 8; bit += 3) {
    disk.flipBit(path, bit);
    for (const kind of ["index", "timeindex"]) disk.overwrite(name(8, kind), undefined);
    const log = await openLog(disk);
    const found = readEach(log);
    // What is readable is right, and a time is found or not, but no lookup fails because of the damage.
    for (const [i, records] of found.entries()) {
      if (typeof records === "string") expect(records).toStartWith("CORRUPT_MESSAGE");
      else expect(records).toEqual(right[i] as ReadRecord[]);
    }
    expect(found.filter((records) => typeof records === "string").length).toBeLessThanOrEqual(4);
    expect(log.findTimestamp(1_011, log.pushedEnd)?.offset).toBeOneOf([22, 8, 10, 12, 14]);
    log.close();
    disk.flipBit(path, bit);
  }
});

test("batches before damage are served, and the error names its position and the next readable offset", async () => {
  const disk = await threeSegments();
  const bytes = disk.readFile(name(8))!;
  const second = batchBytes(bytes, 0);
  disk.flipBit(name(8), (second + 65) * 8);
  const log = await openLog(disk);
  const before = log.segments.read(0, 1_000_000, log.pushedEnd);
  expect(before.nextOffset).toBe(10);
  expect(() => log.segments.read(10, 1_000_000, log.pushedEnd)).toThrow(
    new RegExp(
      `^orders-0: segment 00000000000000000008.log, position ${second}: its CRC-32C is .*; the records after it begin at offset 12$`,
    ),
  );
  expect(log.segments.read(12, 1_000_000, log.pushedEnd).nextOffset).toBe(24);
});

test("the lost end of a truncated sealed segment is missing and reported", async () => {
  const disk = await threeSegments();
  const bytes = disk.readFile(name(8))!;
  disk.overwrite(name(8), bytes.slice(0, bytes.length - 10));
  const context = contextOf(disk);
  const log = await Log.open(context);
  expect(log.segments.read(0, 1_000_000, log.pushedEnd).nextOffset).toBe(14);
  expect(() => log.segments.read(14, 1_000_000, log.pushedEnd)).toThrow(
    "offsets 14 to 15 are missing",
  );
  expect(log.segments.read(16, 1_000_000, log.pushedEnd).nextOffset).toBe(24);
  expect(context.lines.some((line) => line.includes("are not a batch and are not served"))).toBe(
    true,
  );
});

test("garbage after the last batch of a sealed segment is not served and hides nothing", async () => {
  const disk = await threeSegments();
  disk.overwrite(
    name(8),
    Uint8Array.from([...disk.readFile(name(8))!, ...new Uint8Array(100).fill(7)]),
  );
  const log = await openLog(disk);
  expect(allRecords(log).length).toBe(24);
});

describe("missing, surplus and foreign files", () => {
  test("a segment of length 0 in the middle: its offsets are missing", async () => {
    const disk = await threeSegments();
    disk.overwrite(name(8), new Uint8Array(0));
    const log = await openLog(disk);
    expect(log.segments.read(0, 1_000_000, log.pushedEnd).nextOffset).toBe(8);
    for (const offset of [8, 11, 15]) {
      expect(() => log.segments.read(offset, 1_000_000, log.pushedEnd)).toThrow("are missing");
    }
    expect(log.segments.read(16, 1_000_000, log.pushedEnd).nextOffset).toBe(24);
    expect(log.findTimestamp(1_010, log.pushedEnd)?.offset).toBe(20);
  });

  test("a missing segment in the middle is a gap, as after compaction", async () => {
    const disk = await threeSegments();
    disk.overwrite(name(8), undefined);
    const log = await openLog(disk);
    const offsets = allRecords(log).map(({ offset }) => offset);
    expect(offsets).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);
    expect(log.segments.read(16, 1_000_000, log.pushedEnd).nextOffset).toBe(24);
  });

  test("the first segment missing: the log starts later", async () => {
    const disk = await threeSegments();
    disk.overwrite(name(0), undefined);
    const log = await openLog(disk);
    expect(log.logStartOffset).toBe(8);
    expect(allRecords(log)[0]).toMatchObject({ offset: 8 });
  });

  test("the last segment missing: appends continue in the one before it", async () => {
    const disk = await threeSegments();
    disk.overwrite(name(16), undefined);
    const log = await openLog(disk);
    expect(log.logEndOffset).toBe(16);
    await appendAll(log, [batchOf(["new"])]);
    expect(allRecords(log).at(-1)).toEqual({ offset: 16, value: "new" });
  });

  test("each batch of a segment copied from another log is rejected", async () => {
    const disk = await threeSegments();
    disk.overwrite(name(8), disk.readFile(name(0))!);
    const log = await openLog(disk);
    for (const offset of [8, 10, 12, 14]) {
      expect(await codeOf(() => log.segments.read(offset, 1_000_000, log.pushedEnd))).toBe(
        "CORRUPT_MESSAGE",
      );
    }
    expect(log.segments.read(0, 1_000_000, log.pushedEnd).nextOffset).toBe(8);
    expect(log.segments.read(16, 1_000_000, log.pushedEnd).nextOffset).toBe(24);
  });

  test("a segment that begins inside another one: nothing is served twice or out of order", async () => {
    const disk = await threeSegments();
    const bytes = disk.readFile(name(0))!;
    const half = batchBytes(bytes, 0) * 2;
    expect(baseOffset(bytes, half)).toBe(4);
    disk.overwrite(name(4), bytes.slice(half));
    const log = await openLog(disk);
    for (const bytesMax of [1, 150, 1_000_000]) {
      const offsets: number[] = [];
      for (let offset = 0; offset < 24;) {
        const read = log.segments.read(offset, bytesMax, log.pushedEnd);
        for (const record of recordsIn(readAll(read), offset)) offsets.push(record.offset);
        offset = read.nextOffset;
      }
      expect(offsets).toEqual(Array.from({ length: 24 }, (_, i) => i));
    }
  });

  test("both sides of a gap between the batches of a segment are served", async () => {
    const disk = await threeSegments();
    const bytes = disk.readFile(name(8))!;
    const size = batchBytes(bytes, 0);
    disk.overwrite(name(8), Uint8Array.from([...bytes.slice(0, size), ...bytes.slice(2 * size)]));
    const log = await openLog(disk);
    expect(log.segments.read(8, 1, log.pushedEnd).nextOffset).toBe(10);
    const after = readAll(log.segments.read(10, 1_000_000, log.pushedEnd));
    expect([baseOffset(after, 0), lastOffset(after, 0)]).toEqual([12, 13]);
  });

  test("foreign files are left alone and reported; leftovers of a crash are removed", async () => {
    const disk = await threeSegments();
    for (const file of [
      "README",
      "42.log",
      "00000000000000000099.logs",
      "00000000000000000000.index.tmp",
    ]) {
      disk.overwrite(`${DIRECTORY}/${file}`, new Uint8Array(3));
    }
    const context = contextOf(disk);
    const log = await Log.open(context);
    expect(allRecords(log).length).toBe(24);
    expect(context.lines.filter((line) => line.includes("; ignored")).toSorted()).toEqual([
      "orders-0: 00000000000000000099.logs is not a log file; ignored",
      "orders-0: 42.log is not a log file; ignored",
      "orders-0: README is not a log file; ignored",
    ]);
    const left = disk.list(DIRECTORY);
    expect(left).toContain("README");
    expect(left.some((file) => file.endsWith(".tmp"))).toBe(false);
  });
});
