// One run of compaction beside a model: the last record of each key stays, at its offset, and everything else goes.
// And what is left behind by a run that fails: nothing.
// Leaves to others: single batches (compaction-batches.test.ts), and the replacement of segments (log-compaction.test.ts).
import { describe, expect, test } from "bun:test";
import {
  baseOffset,
  batchBytes,
  lastOffset,
  newestTimestamp,
  nextOffset,
} from "../../src/record/batch.js";
import { compactSegments } from "../../src/log/compaction/compact-segments.js";
import type { CompactionResult } from "../../src/log/compaction/compaction-job.js";
import { SegmentIndex } from "../../src/log/index/segment-index.js";
import { cleanedFileName, segmentFileName } from "../../src/log/segment/segment-files.js";
import { batchOf as malformedBatch } from "../record/batches.js";
import {
  batchesOf,
  COMPACTED_DIRECTORY,
  compactFully,
  fileOf,
  jobOf,
  type KeyedLog,
  type KeyedRecord,
  logBytes,
  overwrite,
  type RandomLogOptions,
  recordsOf,
  writeRandomLog,
} from "../support/compaction-log.js";
import { Random } from "../support/random.js";
import { SimulatedDisk } from "../support/simulated-disk.js";

const MIXED = { segments: 3, batches: 6, records: 12, keys: 10, tombstones: 0.1 };

/** The last record of each key. */
function survivors(records: readonly KeyedRecord[]): KeyedRecord[] {
  const lastOf = new Map(records.map((record) => [record.key, record]));
  return records.filter((record) => record.key !== null && lastOf.get(record.key) === record);
}

function randomLog(
  seed: number,
  options: RandomLogOptions,
): { disk: SimulatedDisk; log: KeyedLog } {
  const random = new Random(seed);
  const disk = new SimulatedDisk(random);
  return { disk, log: writeRandomLog(disk, random, options) };
}

function cleanedFiles(disk: SimulatedDisk): string[] {
  return disk.list(COMPACTED_DIRECTORY).filter((name) => name.endsWith(".cleaned"));
}

describe("a run", () => {
  test("leaves the last record of each key, with every codec and any memory", async () => {
    for (let seed = 0; seed < 8; seed++) {
      const random = new Random(seed);
      const disk = new SimulatedDisk(random);
      const log = writeRandomLog(disk, random, {
        segments: 1 + random.below(5),
        batches: 8,
        records: 20,
        keys: random.pick([1, 10, 100]),
        keyless: random.pick([0, 0.1]),
        tombstones: random.pick([0, 0.3]),
      });
      const expected = survivors(log.records);
      const mapBytes = random.pick([1, 200, 2 ** 16]);
      const segmentBytes = random.pick([1, 2_000, 2 ** 20]);
      const job = jobOf(log, { mapBytes, segmentBytes });
      const { segments, runs } = await compactFully(disk, job);
      const bytes = logBytes(disk, segments);
      expect({ seed, records: recordsOf(bytes) }).toEqual({ seed, records: expected });
      batchesOf(bytes);
      if (mapBytes === 2 ** 16) expect(runs.length).toBe(1);

      const later = { ...job, segments, nowMs: job.nowMs + job.deleteRetentionMs };
      const soon = { ...later, nowMs: later.nowMs - 1, firstDirtyOffset: job.endOffset };
      const again = await compactFully(disk, soon);
      expect(recordsOf(logBytes(disk, again.segments))).toEqual(expected);
      const last = await compactFully(disk, { ...later, segments: again.segments });
      const values = expected.filter(({ value }) => value !== null);
      expect({ seed, records: recordsOf(logBytes(disk, last.segments)) }).toEqual({
        seed,
        records: values,
      });
    }
  });
});

describe("the new segments", () => {
  test("have the indexes that a broker would have written", async () => {
    for (let seed = 0; seed < 3; seed++) {
      const { disk, log } = randomLog(seed, { ...MIXED, batches: 60, keys: 400 });
      const { segments } = await compactFully(disk, jobOf(log, { segmentBytes: 30_000 }));
      for (const { baseOffset: base } of segments) {
        const bytes = fileOf(disk, segmentFileName(base, "log"));
        const index = new SegmentIndex();
        for (const at of batchesOf(bytes)) {
          const last = lastOffset(bytes, at) - base;
          index.add(last, at, batchBytes(bytes, at), newestTimestamp(bytes, at));
        }
        index.seal();
        const { offsets, times } = index;
        expect(fileOf(disk, segmentFileName(base, "index"))).toEqual(offsets.bytesFrom(0));
        expect(fileOf(disk, segmentFileName(base, "timeindex"))).toEqual(times.bytesFrom(0));
      }
    }
  });

  test("are as large as segments may be, and never larger, unless one segment alone is", async () => {
    const { disk, log } = randomLog(5, { ...MIXED, segments: 12, codecs: ["none"], keys: 60 });
    const segmentBytes = 3_000;
    const { segments } = await compactFully(disk, jobOf(log, { segmentBytes }));
    const sizes = segments.map(
      ({ baseOffset: base }) => fileOf(disk, segmentFileName(base, "log")).length,
    );
    expect(sizes.length).toBeLessThan(12);
    for (const size of sizes) expect(size).toBeLessThanOrEqual(segmentBytes);
    // In one run, a segment is merged only as a whole; later ones merge what is left.
    const again = await compactFully(disk, {
      ...jobOf(log, { segmentBytes }),
      segments,
      firstDirtyOffset: log.endOffset,
    });
    const { length } = again.segments;
    const third = await compactFully(disk, {
      ...jobOf(log, { segmentBytes }),
      segments: again.segments,
      firstDirtyOffset: log.endOffset,
    });
    expect(third.segments.length).toBe(length);
    expect(third.runs[0]?.groups).toEqual([]);
  });

  test("are only those that change", async () => {
    const { disk, log } = randomLog(6, { ...MIXED, segments: 4, tombstones: 0 });
    const { segments } = await compactFully(disk, jobOf(log, { segmentBytes: 1 }));
    const operations = disk.operations;
    const result = await compactSegments(disk, { ...jobOf(log, { segmentBytes: 1 }), segments });
    expect(result?.groups).toEqual([]);
    expect(result?.stats.bytesWritten).toBe(0);
    expect(disk.operations - operations).toBeLessThan(40);
  });
});

describe("a run that ends early leaves no file:", () => {
  test("a full disk, wherever it is full", async () => {
    const { disk, log } = randomLog(7, { ...MIXED, segments: 2 });
    const job = jobOf(log, { segmentBytes: 2_000 });
    const before = disk.usedBytes;
    let failed = 0;
    for (let room = 0; ; room += 37) {
      disk.setCapacity(before + room);
      const error = await compactSegments(disk, job).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error === undefined) break;
      failed++;
      expect(error).toMatchObject({ code: "ENOSPC" });
      expect(cleanedFiles(disk)).toEqual([]);
    }
    expect(failed).toBeGreaterThan(10);
  });

  test("a failed flush", async () => {
    const { disk, log } = randomLog(8, MIXED);
    disk.failSyncs(1);
    await expect(compactSegments(disk, jobOf(log))).rejects.toThrow("could not be flushed");
    expect(cleanedFiles(disk)).toEqual([]);
  });

  test("a stop, after any batch; and it waits for each pause", async () => {
    const { disk, log } = randomLog(9, MIXED);
    let batches = 0;
    let waited = 0;
    let bytesRead = 0;
    const pause = (bytes: number): Promise<void> | undefined => {
      bytesRead = bytes;
      batches++;
      return batches % 3 === 0 ? Promise.resolve().then(() => void waited++) : undefined;
    };
    const whole = await compactSegments(disk, jobOf(log), { pause });
    expect(whole?.groups.length).toBe(1);
    expect(waited).toBe(Math.floor(batches / 3));
    expect(bytesRead).toBe(whole!.stats.bytesRead);
    for (const name of cleanedFiles(disk)) disk.remove(`${COMPACTED_DIRECTORY}/${name}`);
    for (let stopAfter = 0; stopAfter < batches; stopAfter++) {
      let asked = 0;
      const isStopped = (): boolean => asked++ >= stopAfter;
      expect(await compactSegments(disk, jobOf(log), { isStopped })).toBeUndefined();
      expect(cleanedFiles(disk)).toEqual([]);
    }
  });

  test("records that are no records, and a missing file", async () => {
    const { disk, log } = randomLog(12, { ...MIXED, segments: 1 });
    const name = segmentFileName(log.segments[0]!.baseOffset, "log");
    const bytes = fileOf(disk, name);
    const malformed = malformedBatch(Uint8Array.of(8, 0, 0, 0, 1, 1, 1), 1);
    malformed.set(bytes.subarray(0, 8));
    overwrite(disk, name, malformed);
    await expect(compactSegments(disk, jobOf(log))).rejects.toThrow(
      `${name}, position 0: record at`,
    );
    expect(cleanedFiles(disk)).toEqual([]);
    disk.remove(`${COMPACTED_DIRECTORY}/${name}`);
    await expect(compactSegments(disk, jobOf(log))).rejects.toThrow("is missing");
    expect(cleanedFiles(disk)).toEqual([]);
  });
});

/** The newest record of each key, as text. */
const newest = (records: readonly KeyedRecord[]): string[] =>
  [...new Map(records.map((it) => [it.key, it])).values()]
    .filter(({ key }) => key !== null)
    .map(({ key, offset, value }) => `${key}@${offset}=${value}`)
    .sort();

/** The records after a run, in order, if those of the segment `damaged` are the `readable` ones. */
function recordsAfter(
  disk: SimulatedDisk,
  { segments }: KeyedLog,
  { groups }: CompactionResult,
  damaged: string,
  readable: readonly KeyedRecord[],
): KeyedRecord[] {
  const replaced = new Set(groups.flatMap((group) => group.replaced));
  const kept = segments
    .filter(({ baseOffset: base }) => !replaced.has(base))
    .flatMap(({ baseOffset: base, nextOffset: next }) => {
      const name = segmentFileName(base, "log");
      if (name !== damaged) return recordsOf(fileOf(disk, name));
      return readable.filter(({ offset }) => offset >= base && offset < next);
    });
  const written = groups.flatMap(({ base }) =>
    recordsOf(fileOf(disk, cleanedFileName(base, "log"))),
  );
  return [...kept, ...written].sort((a, b) => a.offset - b.offset);
}

describe("a damaged segment", () => {
  test("stays as it is, wherever the damage is, and no record goes for one that can't be read", async () => {
    const { disk, log } = randomLog(10, { ...MIXED, segments: 4, codecs: ["none", "zstd"] });
    const random = new Random(11);
    const names = log.segments.map(({ baseOffset: base }) => segmentFileName(base, "log"));
    // Some of the log is compacted already, also half of a segment.
    const third = fileOf(disk, names[2]!);
    const middle = baseOffset(third, batchesOf(third)[1]!);
    for (const firstDirtyOffset of [0, log.segments[2]!.baseOffset, middle]) {
      for (let i = 0; i < 60; i++) {
        const name = random.pick(names);
        const path = `${COMPACTED_DIRECTORY}/${name}`;
        const bytes = disk.readFile(path)!;
        const bit = random.below(bytes.length * 8);
        const at = batchesOf(bytes).findLast((it) => it <= bit >> 3)!;
        // The base offset and the leader epoch are not covered by the CRC.
        const field = (bit >> 3) - at;
        if (field < 8 || (field >= 12 && field < 16)) continue;
        const [from, to] = [baseOffset(bytes, at), nextOffset(bytes, at)];
        disk.flipBit(path, bit);
        const damaged = disk.readFile(path);
        const job = { ...jobOf(log), firstDirtyOffset };
        const result = await compactSegments(disk, job);
        expect(result?.stats.damage).toEqual([
          expect.stringContaining(`${path}, position ${at}: `),
        ]);
        expect(result?.cleanedTo).toBe(log.endOffset);
        expect(disk.readFile(path)).toEqual(damaged);
        // What a reader finds that skips the damaged batch.
        const readable = log.records.filter(({ offset }) => offset < from || offset >= to);
        expect(newest(recordsAfter(disk, log, result!, name, readable))).toEqual(newest(readable));
        for (const it of cleanedFiles(disk)) disk.remove(`${COMPACTED_DIRECTORY}/${it}`);
        disk.flipBit(path, bit);
      }
    }
  });

  test("may have offsets that are elsewhere, or end early", async () => {
    const { disk, log } = randomLog(12, { ...MIXED, segments: 1 });
    const name = segmentFileName(log.segments[0]!.baseOffset, "log");
    const bytes = fileOf(disk, name);
    const early = bytes.slice();
    early.fill(0, 0, 8);
    early[3] = 1;
    const cases: [Uint8Array, string][] = [
      [early, `${name}, position 0: offsets`],
      [bytes.subarray(0, bytes.length - 1), "bytes of a batch of"],
      [bytes.subarray(0, 5), "bytes are less than a batch header"],
    ];
    for (const [content, message] of cases) {
      overwrite(disk, name, content);
      const result = await compactSegments(disk, jobOf(log));
      expect(result?.stats.damage).toEqual([expect.stringContaining(message)]);
      expect([result?.groups, cleanedFiles(disk)]).toEqual([[], []]);
    }
  });
});
