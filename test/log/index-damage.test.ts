// Invariant 6: an index never changes an answer. With any index missing, short, garbage, stale or of another
// segment, reads and lookups return what they return with the right one.
import { describe, expect, test } from "bun:test";
import { Log } from "../../src/log/log.js";
import { readAll } from "../../src/log/segment/log-slice.js";
import type { CleanSegment } from "../../src/log/recovery/noted-segment.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import {
  appendAll,
  batchOf,
  contextOf,
  DIRECTORY,
  diskWithDirectory,
  openLog,
  settle,
} from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import type { SimulatedDisk } from "../support/simulated-disk.js";
import { withTempDir } from "../support/tmp.js";
import { until } from "../support/until.js";

const SEALED = `${DIRECTORY}/00000000000000000000`;
const FIRST_OF_ACTIVE = 120;

/** 60 batches of two records in a sealed segment, 40 in the active one: some eight index entries each. */
function batches(seed: number): Uint8Array[] {
  const random = new Random(seed);
  return Array.from({ length: 100 }, (_, i) => {
    // Mostly forward, with large jumps back and one far ahead.
    const timestamp =
      i === 23 || i === 83 ? 9_000 + i : 1_000 + 10 * i - (random.chance(0.2) ? 300 : 0);
    return batchOf([`a${i}`, `b${i}`.padEnd(400 + random.below(500), "x")], timestamp);
  });
}

interface Files {
  disk: SimulatedDisk;
  clean: CleanSegment;
}

async function stoppedLog(seed = 1): Promise<Files> {
  const disk = await diskWithDirectory(seed);
  const log = await openLog(disk);
  const all = batches(seed);
  await appendAll(log, all.slice(0, 60));
  await log.roll();
  expect(log.logEndOffset).toBe(FIRST_OF_ACTIVE);
  await appendAll(log, all.slice(60));
  const clean = await log.closeCleanly();
  if (clean === undefined) throw new Error("a clean stop has left no note");
  return { disk, clean };
}

/** Everything that can be asked of a log, as text. */
function answers(log: Log): string[] {
  const result: string[] = [];
  for (let offset = 0; offset <= log.logEndOffset; offset += 3) {
    for (const bytesMax of [1, 3_000, 20_000]) {
      const read = log.segments.read(offset, bytesMax, log.pushedEnd);
      result.push(`${offset} ${bytesMax}: ${read.nextOffset} ${Bun.hash(readAll(read))}`);
    }
  }
  for (let timestamp = 600; timestamp < 2_100; timestamp += 7) {
    result.push(`${timestamp}: ${JSON.stringify(log.findTimestamp(timestamp, log.pushedEnd))}`);
  }
  for (const timestamp of [9_000, 9_023, 9_024, 9_083, 9_084]) {
    result.push(`${timestamp}: ${JSON.stringify(log.findTimestamp(timestamp, log.pushedEnd))}`);
  }
  return result;
}

const right = await (async () => {
  const { disk, clean } = await stoppedLog();
  return answers(await Log.open(contextOf(disk), { clean, rewrite: false }));
})();

test("the expected answers are those of a linear search", () => {
  // 100 batches, each asked for by three sizes and found at its own timestamp: enough to see that this works.
  expect(right.length).toBeGreaterThan(300);
  const all = batches(1).map((batch) =>
    Number(new DataView(batch.buffer, batch.byteOffset).getBigInt64(35)),
  );
  for (let timestamp = 600; timestamp < 2_100; timestamp += 7) {
    const i = all.findIndex((found) => found >= timestamp);
    const found = i < 0 ? undefined : { offset: 2 * i, timestamp: all[i] };
    expect(right).toContain(`${timestamp}: ${JSON.stringify(found)}`);
  }
});

type Change = (bytes: Uint8Array, entryBytes: number, random: Random) => Uint8Array | undefined;

const changes: readonly [string, Change][] = [
  ["missing", () => undefined],
  ["empty", () => new Uint8Array(0)],
  ["of an odd length", (bytes) => bytes.slice(0, -3)],
  ["longer by garbage", (bytes, _, random) => Uint8Array.from([...bytes, ...random.bytes(5)])],
  ["without its last entry", (bytes, entry) => bytes.slice(0, -entry)],
  ["without its first entry", (bytes, entry) => bytes.slice(entry)],
  ["with its first entry alone", (bytes, entry) => bytes.slice(0, entry)],
  [
    "without one in the middle",
    (bytes, entry) => Uint8Array.from([...bytes.slice(0, 2 * entry), ...bytes.slice(3 * entry)]),
  ],
  [
    "with its entries back to front",
    (bytes, entry) => {
      const entries = Array.from({ length: bytes.length / entry }, (_, i) => [
        ...bytes.slice(i * entry, (i + 1) * entry),
      ]);
      return Uint8Array.from(entries.reverse().flat());
    },
  ],
  ["twice behind itself", (bytes) => Uint8Array.from([...bytes, ...bytes])],
  ["zeroes", (bytes) => new Uint8Array(bytes.length)],
  ["ones", (bytes) => new Uint8Array(bytes.length).fill(255)],
  ["garbage", (bytes, _, random) => random.bytes(bytes.length)],
  [
    "with an entry far behind the end",
    (bytes, entry) => Uint8Array.from([...bytes, ...new Uint8Array(entry).fill(0x7f)]),
  ],
  [
    "with an entry just behind the end",
    (bytes, entry) => {
      const more = Uint8Array.from([...bytes, ...bytes.slice(-entry)]);
      for (const at of [entry - 1, entry === 8 ? 3 : 7]) {
        const i = bytes.length + at;
        more[i] = more[i]! + 1;
      }
      return more;
    },
  ],
];

const kinds = [
  ["index", 8],
  ["timeindex", 12],
] as const;

/** Reads everything twice, as found and after a restart, when a rebuilt index may have been saved. */
async function expectSameAnswers({ disk, clean }: Files): Promise<string[]> {
  const context = contextOf(disk);
  const log = await Log.open(context, { clean, rewrite: false });
  expect(answers(log)).toEqual(right);
  await settle();
  log.close();
  const again = await openLog(disk);
  expect(answers(again)).toEqual(right);
  again.close();
  return context.lines;
}

describe.each(kinds)("a sealed segment's %s", (kind, entryBytes) => {
  test.each(changes)("%s changes no answer", async (_name, change) => {
    const files = await stoppedLog();
    const path = `${SEALED}.${kind}`;
    const bytes = files.disk.readFile(path) ?? new Uint8Array(0);
    expect(bytes.length).toBeGreaterThanOrEqual(3 * entryBytes);
    files.disk.overwrite(path, change(bytes, entryBytes, new Random(3)));
    await expectSameAnswers(files);
  });

  test("with any one bit flipped changes no answer", async () => {
    const files = await stoppedLog();
    const path = `${SEALED}.${kind}`;
    const bytes = files.disk.readFile(path) ?? new Uint8Array(0);
    for (let bit = 0; bit < bytes.length * 8; bit += 5) {
      const flipped = bytes.slice();
      flipped[bit >>> 3] = flipped[bit >>> 3]! ^ (1 << (bit & 7));
      files.disk.overwrite(path, flipped);
      const log = await Log.open(contextOf(files.disk), { clean: files.clean, rewrite: false });
      expect(answers(log)).toEqual(right);
      log.close();
    }
  });

  test("of another segment changes no answer", async () => {
    for (const seed of [2, 3, 4]) {
      const other = await stoppedLog(seed);
      const files = await stoppedLog();
      files.disk.overwrite(`${SEALED}.${kind}`, other.disk.readFile(`${SEALED}.${kind}`));
      await expectSameAnswers(files);
    }
    const files = await stoppedLog();
    const ofActive = `${DIRECTORY}/${String(FIRST_OF_ACTIVE).padStart(20, "0")}.${kind}`;
    files.disk.overwrite(`${SEALED}.${kind}`, files.disk.readFile(ofActive));
    await expectSameAnswers(files);
  });
});

describe.each(kinds)("the active segment's %s, after a clean stop", (kind, entryBytes) => {
  test.each(changes)("%s changes no answer", async (_name, change) => {
    const files = await stoppedLog();
    const path = `${DIRECTORY}/${String(FIRST_OF_ACTIVE).padStart(20, "0")}.${kind}`;
    const bytes = files.disk.readFile(path) ?? new Uint8Array(0);
    expect(bytes.length).toBeGreaterThanOrEqual(3 * entryBytes);
    files.disk.overwrite(path, change(bytes, entryBytes, new Random(3)));
    await expectSameAnswers(files);
  });
});

test("missing indexes are rebuilt, reported once, and saved", async () => {
  const files = await stoppedLog();
  for (const name of files.disk.list(DIRECTORY)) {
    if (name.includes("index")) files.disk.overwrite(`${DIRECTORY}/${name}`, undefined);
  }
  const lines = await expectSameAnswers(files);
  expect(lines.filter((line) => line.includes("rebuilding"))).toEqual([
    "orders-0: rebuilding the indexes of 00000000000000000000.index: a file is missing",
  ]);
  const { disk: whole } = await stoppedLog();
  for (const kind of ["index", "timeindex"]) {
    expect(files.disk.readFile(`${SEALED}.${kind}`)).toEqual(whole.readFile(`${SEALED}.${kind}`)!);
  }
});

test("a rebuilt index works even if it can't be saved", async () => {
  const files = await stoppedLog();
  files.disk.overwrite(`${SEALED}.index`, undefined);
  files.disk.setCapacity(files.disk.usedBytes);
  const context = contextOf(files.disk);
  const log = await Log.open(context, { clean: files.clean, rewrite: false });
  expect(answers(log)).toEqual(right);
  await settle();
  expect(context.lines.some((line) => line.includes("could not be saved"))).toBe(true);
});

test("directories in place of indexes are reported and change no answer", () =>
  withTempDir(async (directory) => {
    const disk = new RealDisk();
    const log = await Log.open(contextOf(disk, {}, { directory }));
    const all = batches(1);
    await appendAll(log, all.slice(0, 60));
    await log.roll();
    await appendAll(log, all.slice(60));
    log.close();
    const paths = disk
      .list(directory)
      .filter((name) => name.includes("index"))
      .sort()
      .map((name) => `${directory}/${name}`);
    expect(paths).toHaveLength(4);
    for (const path of paths) {
      disk.remove(path);
      disk.makeDirectory(`${path}/something`);
    }
    const context = contextOf(disk, {}, { directory });
    const again = await Log.open(context);
    expect(answers(again)).toEqual(right);
    await appendAll(again, [batchOf(["more"])]);
    // Those of the sealed segment are saved in the background, and no more once the log is closed.
    const isTold = (path: string) => context.lines.some((line) => line.startsWith(path));
    await until(() => paths.slice(0, 2).every(isTold));
    expect(await again.closeCleanly()).toBeUndefined();
    expect(paths.every(isTold)).toBe(true);
    for (const path of paths) expect(disk.list(path)).toEqual(["something"]);
  }));

test("on the real disk a mapped index is replaced by rename, never overwritten", () =>
  withTempDir(async (directory) => {
    const disk = new RealDisk();
    const context = contextOf(disk, {}, { directory });
    const log = await Log.open(context);
    const all = batches(1);
    await appendAll(log, all.slice(0, 60));
    await log.roll();
    await appendAll(log, all.slice(60));
    log.close();
    const index = `${directory}/00000000000000000000.index`;
    const bytes = disk.readFile(index) ?? new Uint8Array(0);
    for (const [, change] of changes) {
      const changed = change(bytes, 8, new Random(3));
      if (changed === undefined) disk.remove(index);
      else await disk.writeFile(index, changed);
      const again = await Log.open(contextOf(disk, {}, { directory }));
      expect(answers(again)).toEqual(right);
      again.close();
    }
  }));
