// How a lookup explains itself, compared with what the broker's code reads and the content of the files.
// Leaves to others: its text, and the command (test/cli/explain.test.ts).
import { expect, test } from "bun:test";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { explainLookup } from "../../src/inspection/explain-lookup.js";
import { openLogFiles } from "../../src/inspection/log-files.js";
import type { LookupExplanation, LookupTarget } from "../../src/inspection/lookup-explanation.js";
import { baseOffset, lastOffset, maxTimestamp } from "../../src/record/batch.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { readAll } from "../../src/log/segment/log-slice.js";
import { FileReader } from "../../src/inspection/file-reader.js";
import { walkSegment } from "../../src/inspection/segment-walk.js";
import { Random } from "../support/random.js";
import { tempDir } from "../support/tmp.js";
import {
  edit,
  END_OFFSET,
  fileOf,
  filesIn,
  makeSample,
  openDirectory,
  sampleBatch,
  SEGMENTS,
  START_MS,
} from "./sample.js";

/** Explains a lookup in the files of a directory. */
async function explain(path: string, target: LookupTarget): Promise<LookupExplanation> {
  using log = openLogFiles(path, "orders", 0);
  // The explanation must survive JSON, because the page receives it that way.
  const explanation = await explainLookup(log, target);
  expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation);
  return explanation;
}

/** The bytes of all files of a directory. */
function contentOf(path: string): ReadonlyMap<string, string> {
  return new Map(
    filesIn(path).map((file) => [file, Bun.hash(readFileSync(join(path, file))).toString()]),
  );
}

/** Position, size, offsets and largest timestamp of each batch in a log file, by an independent walk. */
function batchesOf(path: string, file: string) {
  using reader = new FileReader(join(path, file));
  const batches = [];
  for (const part of walkSegment(reader)) {
    if (part.kind === "damage") continue;
    const { position, size, bytes, at } = part;
    const [first, last] = [baseOffset(bytes, at), lastOffset(bytes, at)];
    batches.push({ position, size, first, last, maxTimestamp: maxTimestamp(bytes, at) });
  }
  return batches;
}

test("every offset of the sample has its segment, batch and record, by mmap and pread", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  const before = contentOf(directory.path);
  const values = [];
  for (let offset = 0; offset < END_OFFSET; offset++) {
    const { segment, batch, record, read, scan, outcome } = await explain(directory.path, {
      offset,
    });
    expect(outcome).toBe("found");
    const base = SEGMENTS.findLast((each) => each <= offset) ?? 0;
    expect(segment?.baseOffset).toBe(base);
    expect(segment?.kind).toBe(base === 10 ? "active" : "sealed");
    expect(read?.by).toBe(base === 10 ? "pread" : "mmap");
    const expected = batchesOf(directory.path, fileOf(base)).find(({ last }) => last >= offset);
    expect([batch?.position, batch?.bytes, batch?.baseOffset]).toEqual([
      expected?.position,
      expected?.size,
      expected?.first,
    ]);
    expect(scan?.to).toBe(expected?.position);
    expect(record?.index).toBe(offset - (expected?.first ?? 0));
    values.push(
      record?.value !== null && record?.value && "text" in record.value
        ? record.value.text[0]
        : "?",
    );
  }
  expect(values.join("")).toBe("abcd!efg!hijk");
  expect(contentOf(directory.path)).toEqual(before);
});

test("around an index entry: the last offset of its batch needs no scan, the next offset one", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  // In segment 4, the second batch (offsets 5 to 7) has the first entry.
  const entry = {
    entry: 0,
    offset: 7,
    position: batchesOf(directory.path, fileOf(4))[1]?.position,
  };
  const at = (offset: number) => explain(directory.path, { offset });
  for (const offset of [4, 5, 6]) {
    const { index, scan, cost } = await at(offset);
    expect(index?.before).toBeNull();
    expect(index?.after).toMatchObject(entry);
    expect(scan?.passedCount).toBe(offset === 4 ? 0 : 1);
    expect(cost?.withIndex).toEqual(cost?.withoutIndex ?? { headers: 0, bytes: 0 });
  }
  const exact = await at(7);
  expect(exact.index?.before).toMatchObject(entry);
  expect(exact.scan).toMatchObject({ from: entry.position, to: entry.position, passedCount: 0 });
  const next = await at(8);
  expect(next.index?.before).toMatchObject(entry);
  expect(next.scan?.passed).toMatchObject([{ position: entry.position, value: 7 }]);
  expect(next.cost?.withoutIndex?.headers).toBe(3);
  expect(next.cost?.withIndex.headers).toBe(2);
});

test("the log end waits; offsets beyond it or below the log start are out of range", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  const end = await explain(directory.path, { offset: END_OFFSET });
  expect(end.outcome).toBe("waits");
  expect(end.batch).toBeUndefined();
  const past = await explain(directory.path, { offset: END_OFFSET + 1 });
  expect(past.failure?.code).toBe("OFFSET_OUT_OF_RANGE");
  for (const kind of ["log", "index", "timeindex"] as const) {
    rmSync(join(directory.path, fileOf(0, kind)));
  }
  const gone = await explain(directory.path, { offset: 3 });
  expect(gone.failure?.message).toBe(
    "orders-0: offset 3 is below the log start; valid offsets are 4 to 13",
  );
  expect((await explain(directory.path, { offset: 4 })).outcome).toBe("found");
});

test("an empty active segment", async () => {
  using directory = tempDir();
  const data = await openDirectory(directory.path);
  const partition = (await data.registry.create("orders", 1, {})).online[0];
  await partition?.append(sampleBatch(["a", "b"], START_MS));
  expect((await explain(directory.path, { offset: 1 })).read?.by).toBe("pread");
  await partition?.roll();
  expect((await explain(directory.path, { offset: 1 })).read?.by).toBe("mmap");
  const end = await explain(directory.path, { offset: 2 });
  expect([end.outcome, end.segments.length, end.segments[1]?.bytes]).toEqual(["waits", 2, 0]);
  const late = await explain(directory.path, { timestamp: START_MS + 2 });
  expect([late.outcome, late.offset, late.time?.found]).toEqual(["waits", 2, null]);
  await data.closeCleanly();
});

test("a log without records", async () => {
  using directory = tempDir();
  const data = await openDirectory(directory.path);
  await data.registry.create("orders", 1, {});
  expect((await explain(directory.path, { offset: 0 })).outcome).toBe("waits");
  expect((await explain(directory.path, { timestamp: 0 })).outcome).toBe("waits");
  await data.closeCleanly();
});

test.each([
  ["missing", (path: string) => rmSync(path), "a file is missing"],
  ["torn", (path: string) => writeFileSync(path, "garbage"), "7 bytes is not a multiple of 8"],
  [
    "zeroed",
    (path: string) => edit(path, (bytes) => bytes.fill(0)),
    "entry at byte 8 does not ascend",
  ],
])("an index file that is %s is rejected with the reason", async (_, damage, reason) => {
  using directory = tempDir();
  await makeSample(directory.path);
  const good = await explain(directory.path, { offset: 9 });
  expect(good.index?.origin).toEqual({ kind: "file" });
  damage(join(directory.path, fileOf(4, "index")));
  const before = contentOf(directory.path);
  const { index, scan, record } = await explain(directory.path, { offset: 9 });
  expect(index).toEqual({ ...good.index!, origin: { kind: "rebuilt", reason } });
  expect([scan, record]).toEqual([good.scan, good.record]);
  // Not even in the background.
  await Bun.sleep(0);
  expect(contentOf(directory.path)).toEqual(before);
});

test("an index entry that names another batch restarts the search", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  const good = await explain(directory.path, { offset: 8 });
  edit(join(directory.path, fileOf(4, "index")), (bytes) => bytes.writeUInt32BE(2, 0));
  const { index, scan, record } = await explain(directory.path, { offset: 8 });
  const reason = "an offset index entry does not match the log";
  expect(index).toEqual({ ...good.index!, origin: { kind: "rebuilt", reason } });
  expect([scan, record]).toEqual([good.scan, good.record]);
});

test("the file of the active index has a number of entries, or differs", async () => {
  using directory = tempDir();
  await makeSample(directory.path, false);
  const data = await openDirectory(directory.path);
  const partition = data.registry.partition("orders", 0);
  for (let i = 0; i < 4; i++) await partition.append(sampleBatch(["x".repeat(5000)], START_MS));
  const live = await explain(directory.path, { offset: 16 });
  // Without a flush nothing has been saved.
  expect(live.index).toMatchObject({ entries: 3, origin: { kind: "memory", fileEntries: 0 } });
  await data.closeCleanly();
  const clean = await explain(directory.path, { offset: 16 });
  expect(clean.index).toMatchObject({ entries: 3, origin: { kind: "memory", fileEntries: 3 } });
  edit(join(directory.path, fileOf(10, "index")), (bytes) => bytes.fill(7));
  const garbage = await explain(directory.path, { offset: 16 });
  expect(garbage.index).toEqual({ ...clean.index!, origin: { kind: "memory", fileEntries: null } });
  expect(garbage.record).toEqual(clean.record!);
});

test("a damaged batch ends the steps with the cause", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  edit(join(directory.path, fileOf(4)), (bytes) => (bytes[100]! ^= 1));
  const damaged = await explain(directory.path, { offset: 4 });
  expect(damaged.outcome).toBe("failed");
  expect(damaged.failure?.code).toBe("CORRUPT_MESSAGE");
  expect(damaged.failure?.message).toContain("position 0: ");
  expect([damaged.segment?.baseOffset, damaged.scan?.to, damaged.batch]).toEqual([4, 0, undefined]);
  expect((await explain(directory.path, { offset: 5 })).outcome).toBe("found");
});

test("batches after damage in the active segment are found, and nothing is changed", async () => {
  using directory = tempDir();
  await makeSample(directory.path, false);
  edit(join(directory.path, fileOf(10)), (bytes) => (bytes[70]! ^= 1));
  const before = contentOf(directory.path);
  const behind = await explain(directory.path, { offset: 12 });
  expect(behind.outcome).toBe("found");
  expect(behind.tail).toBeUndefined();
  expect(contentOf(directory.path)).toEqual(before);
});

test("a torn tail is neither served nor truncated; damage is reported", async () => {
  using directory = tempDir();
  await makeSample(directory.path, false);
  const log = join(directory.path, fileOf(10));
  const [, last] = batchesOf(directory.path, fileOf(10));
  edit(log, (bytes) => bytes.subarray(0, -3));
  const size = statSync(log).size;
  const torn = await explain(directory.path, { offset: 12 });
  expect(torn.outcome).toBe("waits");
  expect(torn.tail).toMatchObject({ position: last?.position, isPartial: true });
  expect(statSync(log).size).toBe(size);
  edit(log, (bytes) => {
    bytes[(last?.position ?? 0) - 1]! ^= 1;
  });
  const damaged = await explain(directory.path, { offset: 12 });
  expect(damaged.tail).toMatchObject({ position: 0, isPartial: false });
  expect(damaged.failure?.code).toBe("CORRUPT_MESSAGE");
});

test.each([
  [START_MS - 1, 0],
  [START_MS, 0],
  [START_MS + 1, 1],
  [START_MS + 2, 2],
  [START_MS + 11, 3],
  [START_MS + 20, 4],
  // The batch of offset 8 has an earlier time than those before it.
  [START_MS + 6, 2],
  [START_MS + 21, 5],
  [START_MS + 32, 7],
  [START_MS + 33, 9],
  [START_MS + 51, 11],
  [START_MS + 60, 12],
  [START_MS + 61, undefined],
])("the time %i is at offset %p", async (timestamp, offset) => {
  using directory = tempDir();
  await makeSample(directory.path);
  const explanation = await explain(directory.path, { timestamp });
  expect(explanation.time?.found?.offset).toBe(offset);
  expect(explanation.offset).toBe(offset ?? END_OFFSET);
  expect(explanation.record?.offset).toBe(offset);
});

test("of equal timestamps, the first record is found", async () => {
  using directory = tempDir();
  const data = await openDirectory(directory.path);
  const partition = (await data.registry.create("orders", 1, {})).online[0];
  for (let i = 0; i < 12; i++) {
    const time = START_MS + 10 * Math.floor(i / 4);
    await partition?.append(sampleBatch(["x".repeat(3000)], time));
    if (i === 5) await partition?.roll();
  }
  for (const step of [0, 1, 2]) {
    const { time, offset } = await explain(directory.path, { timestamp: START_MS + 10 * step });
    expect(offset).toBe(4 * step);
    const { scan, batch } = time!.found!;
    expect(scan.to).toBe(batch.position);
    expect(scan.bytes).toBe(scan.passed.reduce((sum, { bytes }) => sum + bytes, 0));
  }
  await data.closeCleanly();
});

test.each([1, 2, 3, 4, 5, 6])(
  "a random log, seed %i: what is told is what is read",
  async (seed) => {
    const random = new Random(seed);
    using directory = tempDir();
    const data = await openDirectory(directory.path);
    const partition = (await data.registry.create("orders", 1, {})).online[0]!;
    const times: number[] = [];
    for (let i = 0; i < 120; i++) {
      const values = Array.from({ length: 1 + random.below(8) }, () =>
        "v".repeat(random.below(900)),
      );
      const time = START_MS + random.below(500);
      times.push(...values.map((_, at) => time + at));
      await partition.append(
        sampleBatch(values, time, random.pick(["none", "none", "gzip", "snappy", "lz4", "zstd"])),
      );
      if (random.chance(0.05)) await partition.roll();
    }
    if (seed % 2 === 0) await data.closeCleanly();
    using log = openLogFiles(directory.path, "orders", 0);
    const cursor = new RecordCursor();
    for (let i = 0; i < 60; i++) {
      const offset = random.below(times.length);
      const told = await explainLookup(log, { offset });
      const { batch, record, scan, index, cost, segment } = told;
      const batches = batchesOf(directory.path, fileOf(segment?.baseOffset ?? 0));
      const at = batches.findIndex(({ last }) => last >= offset);
      expect(batch).toMatchObject({
        position: batches[at]?.position,
        baseOffset: batches[at]?.first,
      });
      const from = index?.before?.position ?? 0;
      const between = batches
        .filter(({ position }) => position >= from)
        .slice(0, scan?.passedCount);
      expect(scan?.bytes).toBe(between.reduce((sum, { size }) => sum + size, 0));
      expect(scan?.to).toBe((between.at(-1)?.position ?? from) + (between.at(-1)?.size ?? 0));
      expect(scan?.passed).toEqual(
        between.map(({ position, size, last }) => ({ position, bytes: size, value: last })),
      );
      expect(cost?.withoutIndex).toEqual({ headers: at + 1, bytes: batches[at]?.position ?? -1 });
      const { before, after } = index!;
      expect(before === null || before.offset <= offset).toBe(true);
      expect(after === null || after.offset > offset).toBe(true);
      cursor.reset(readAll(log.segments.read(offset, 1, log.end)), 0, undefined, {
        fromOffset: offset,
      });
      expect(cursor.next()).toBe(true);
      expect(record).toMatchObject({ offset: cursor.offset, timestamp: cursor.timestamp });
      expect(record?.value).toEqual({
        bytes: cursor.valueText()!.length,
        text: cursor.valueText()!,
      });

      const timestamp = START_MS + random.below(520);
      const first = times.findIndex((time) => time >= timestamp);
      const byTime = await explainLookup(log, { timestamp });
      expect([byTime.outcome, byTime.offset]).toEqual(
        first < 0 ? ["waits", times.length] : ["found", first],
      );
    }
    if (seed % 2 !== 0) await data.closeCleanly();
  },
);
