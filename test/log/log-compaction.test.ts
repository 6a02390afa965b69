// Compaction of an open log: which segments it takes, and what readers, retention and the next start find.
// Leaves to others: which records stay (compaction-run.test.ts), and crashes at random (compaction-simulation.test.ts).
import { describe, expect, test } from "bun:test";
import { compactSegments } from "../../src/log/compaction/compact-segments.js";
import type {
  CompactionOptions,
  CompactionOutcome,
  CompactionRun,
} from "../../src/log/compaction/log-compaction.js";
import { Log } from "../../src/log/log.js";
import type { LogSettings } from "../../src/log/log-context.js";
import { readAll } from "../../src/log/segment/log-slice.js";
import { type ProducerSequence, stampProducer } from "../../src/record/batch.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import {
  allRecords,
  appendAll,
  codeOf,
  contextOf,
  DIRECTORY,
  diskWithDirectory,
  openLog,
  recordsIn,
} from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import { SimulatedDisk } from "../support/simulated-disk.js";

const OPTIONS: CompactionOptions = { minLagMs: 0, deleteRetentionMs: 1_000, mapBytes: 2 ** 16 };

/** Each batch rolls. */
const SMALL: Partial<LogSettings> = { segmentBytes: 1 };

/** One record a batch: `key=value`, or `key` for a tombstone. */
function keyed(text: string, timestampMs = 1_000, producer?: ProducerSequence): Uint8Array {
  const [key, value = null] = text.split("=");
  const encoder = new BatchEncoder();
  encoder.append(timestampMs, key!, value);
  const batch = encoder.finish();
  if (producer !== undefined) stampProducer(batch, producer);
  return batch;
}

function runOn(disk: SimulatedDisk): CompactionRun {
  return (job, isStopped) => compactSegments(disk, job, { isStopped });
}

function compact(
  disk: SimulatedDisk,
  log: Log,
  options: Partial<CompactionOptions> = {},
): Promise<CompactionOutcome | undefined> {
  return log.compaction.compact(runOn(disk), { ...OPTIONS, ...options }, log.pushedEnd);
}

/** `offset:value` of all records. */
function content(log: Log): string[] {
  return allRecords(log).map(({ offset, value }) => `${offset}:${value}`);
}

function names(disk: SimulatedDisk): string[] {
  return disk.list(DIRECTORY);
}

async function logWith(
  texts: readonly string[],
  settings: Partial<LogSettings> = SMALL,
): Promise<{ disk: SimulatedDisk; log: Log }> {
  const disk = await diskWithDirectory();
  const log = await openLog(disk, settings);
  await appendAll(
    log,
    texts.map((text) => keyed(text)),
  );
  return { disk, log };
}

describe("the range", () => {
  test("is all sealed segments, and the rest keeps superseded records", async () => {
    const { disk, log } = await logWith(["a=1", "b=1", "a=2", "a=3"]);
    const outcome = await compact(disk, log);
    expect(content(log)).toEqual(["1:1", "2:2", "3:3"]);
    expect(outcome).toMatchObject({ firstDirtyOffset: 3, endOffset: 3, segmentsBefore: 3 });
    expect(await compact(disk, log)).toBeUndefined();
    await log.roll();
    expect(log.compaction.extent(log.pushedEnd)).toMatchObject({ firstDirtyOffset: 3 });
    await compact(disk, log);
    expect(content(log)).toEqual(["1:1", "3:3"]);
    expect(log.compaction.extent(log.pushedEnd).dirtyBytes).toBe(0);
  });

  test("ends at the high watermark", async () => {
    const { disk, log } = await logWith(["a=1", "a=2", "a=3", "a=4"]);
    const [, second] = log.segments.sealed;
    const end = { offset: second!.baseOffset, segment: second!.baseOffset, position: 0 };
    await log.compaction.compact(runOn(disk), OPTIONS, end);
    expect(log.compaction.firstDirtyOffset).toBe(1);
    expect(content(log)).toEqual(["0:1", "1:2", "2:3", "3:4"]);
  });

  test("ends before the first segment with a record that is too young", async () => {
    const disk = await diskWithDirectory();
    const log = await openLog(disk, SMALL);
    await appendAll(log, [
      keyed("a=1", 100),
      keyed("a=2", 200),
      keyed("a=3", 900),
      keyed("a=4", 300),
      keyed("a=5", 300),
    ]);
    // It is 1,000 now.
    expect(await log.compaction.range(log.pushedEnd, 500)).toMatchObject({
      firstDirtyOffset: 0,
      firstUncleanableOffset: 2,
    });
    expect(log.compaction.oldestDirtyTimestamp(log.pushedEnd)).toBe(100);
    await compact(disk, log, { minLagMs: 500 });
    expect(content(log)).toEqual(["1:2", "2:3", "3:4", "4:5"]);
    expect(await compact(disk, log, { minLagMs: 500 })).toBeUndefined();
  });

  test("goes on where the map of an earlier run was full", async () => {
    const { disk, log } = await logWith(
      Array.from({ length: 60 }, (_, i) => `key${i % 20}=${i}`),
      { segmentBytes: 400 },
    );
    let runs = 0;
    for (;;) {
      const outcome = await compact(disk, log, { mapBytes: 1 });
      if (outcome === undefined) break;
      runs++;
    }
    expect(runs).toBeGreaterThan(1);
    const end = log.segments.active.baseOffset;
    const values = allRecords(log).filter(({ offset }) => offset < end);
    expect(values.map(({ value }) => Number(value) % 20).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => i),
    );
  });
});

describe("afterwards", () => {
  test("a start finds the same log, and the first dirty offset", async () => {
    const { disk, log } = await logWith(["a=1", "b=1", "a=2", "b=2", "c=1"]);
    await compact(disk, log);
    const before = content(log);
    log.close();
    disk.restart();
    const again = await openLog(disk, SMALL);
    expect(content(again)).toEqual(before);
    expect(again.compaction.firstDirtyOffset).toBe(4);
    expect(again.logStartOffset).toBe(0);
    expect(names(disk).filter((name) => name.includes("cleaned"))).toEqual([]);
  });

  test("reads, searches by time and the newest timestamp pass the gaps", async () => {
    const disk = await diskWithDirectory();
    const log = await openLog(disk, SMALL);
    await appendAll(log, [
      keyed("a=1", 100),
      keyed("b=1", 900),
      keyed("b=2", 200),
      keyed("a=2", 300),
      keyed("c=1", 400),
      keyed("d=1", 50),
    ]);
    await compact(disk, log);
    expect(content(log)).toEqual(["2:2", "3:2", "4:1", "5:1"]);
    for (const offset of [0, 1, 2]) {
      const { slices, bytes, nextOffset } = log.segments.read(offset, 1, log.pushedEnd);
      expect(recordsIn(readAll({ slices, bytes, nextOffset }))[0]?.offset).toBe(2);
    }
    expect(log.findTimestamp(0, log.pushedEnd)).toEqual({ offset: 2, timestamp: 200 });
    expect(log.findTimestamp(301, log.pushedEnd)).toEqual({ offset: 4, timestamp: 400 });
    expect(log.findTimestamp(401, log.pushedEnd)).toBeUndefined();
    expect(log.newestTimestamp(log.pushedEnd)).toBe(400);
  });

  test("slices from before still give their bytes", async () => {
    const { disk, log } = await logWith(["a=1", "a=2", "a=3"]);
    const held = log.segments.read(0, 10_000, log.pushedEnd);
    const whole = readAll(held);
    await log.roll();
    await compact(disk, log);
    expect(readAll(held)).toEqual(whole);
    expect(content(log)).toEqual(["2:3"]);
  });

  test("slices from before fail if the system refuses mappings, and give no other bytes", async () => {
    const disk = await diskWithDirectory();
    disk.refusedMappings = 1;
    const log = await openLog(disk, SMALL);
    await appendAll(log, [keyed("a=1"), keyed("a=2"), keyed("a=3")]);
    const held = log.segments.read(0, 100, log.pushedEnd);
    expect(recordsIn(readAll(held)).length).toBe(1);
    await compact(disk, log);
    expect(await codeOf(() => readAll(held))).toBe("STORAGE_ERROR");
    expect(content(log)).toEqual(["1:2", "2:3"]);
  });

  test("producers are the same, also if their snapshot is lost", async () => {
    const disk = await diskWithDirectory();
    const log = await openLog(disk, SMALL);
    const producer = (id: number, baseSequence: number): ProducerSequence => ({
      producerId: id,
      producerEpoch: 2,
      baseSequence,
    });
    const batches = Array.from({ length: 9 }, (_, i) => keyed(`a=${i}`, 1_000, producer(7, i)));
    await appendAll(log, [keyed("a=x", 1_000, producer(8, 0)), ...batches]);
    await log.roll();
    await compact(disk, log);
    expect(content(log)).toEqual(["9:8"]);
    const states = [...log.producers()];
    log.close();
    for (const name of names(disk).filter((it) => it.endsWith(".snapshot"))) {
      disk.remove(`${DIRECTORY}/${name}`);
    }
    const again = await openLog(disk, SMALL);
    const sequences = (all: typeof states) =>
      all.map(([id, { epoch, batches: kept }]) => [
        id,
        epoch,
        kept.map(({ baseSequence, baseOffset, recordCount: n }) => [baseSequence, baseOffset, n]),
      ]);
    expect(sequences([...again.producers()])).toEqual(sequences(states));
  });
});

describe("beside other changes", () => {
  /** A run that does its work, and then something else. */
  function interrupted(disk: SimulatedDisk, what: () => unknown): CompactionRun {
    return async (job, isStopped) => {
      const result = await compactSegments(disk, job, { isStopped });
      await what();
      return result;
    };
  }

  test("segments that retention deletes meanwhile do not come back", async () => {
    const texts = ["a=1", "b=1", "c=1", "d=1", "c=2", "e=1"];
    const { disk, log } = await logWith(texts, { segmentBytes: 1 });
    const run = interrupted(disk, () => log.deleteBefore(2));
    await log.compaction.compact(
      (job, isStopped) => run({ ...job, segmentBytes: 1_000 }, isStopped),
      OPTIONS,
      log.pushedEnd,
    );
    expect(log.logStartOffset).toBe(2);
    expect(content(log)).toEqual(["3:1", "4:2", "5:1"]);
    log.close();
    disk.restart();
    const again = await openLog(disk, SMALL);
    expect(again.logStartOffset).toBe(2);
    expect(content(again)).toEqual(["3:1", "4:2", "5:1"]);
  });

  test("a run begins again if a segment is gone before it is read", async () => {
    const { disk, log } = await logWith(["a=1", "b=1", "b=2", "c=1"]);
    let runs = 0;
    const run: CompactionRun = async (job, isStopped) => {
      if (runs++ === 0) await log.deleteBefore(1);
      return compactSegments(disk, job, { isStopped });
    };
    await log.compaction.compact(run, OPTIONS, log.pushedEnd);
    expect(runs).toBe(2);
    expect(content(log)).toEqual(["2:2", "3:1"]);
  });

  test("a run gives up if segments go faster than it reads them", async () => {
    const { disk, log } = await logWith(["a=1", "b=1", "c=1", "d=1", "e=1", "f=1"]);
    let runs = 0;
    const run: CompactionRun = async (job, isStopped) => {
      await log.deleteBefore(++runs);
      return compactSegments(disk, job, { isStopped });
    };
    await expect(log.compaction.compact(run, OPTIONS, log.pushedEnd)).rejects.toThrow(
      "segments were deleted before it was done",
    );
    expect(runs).toBe(3);
  });

  test("nothing is left if the run fails or is stopped", async () => {
    const { disk, log } = await logWith(["a=1", "a=2", "a=3"]);
    const before = names(disk);
    const failing = interrupted(disk, () => {
      throw new Error("the thread died");
    });
    expect(await codeOf(() => log.compaction.compact(failing, OPTIONS, log.pushedEnd))).toBe(
      "Error: the thread died",
    );
    expect(names(disk)).toEqual(before);
    const stopping = interrupted(disk, () => log.compaction.stop());
    expect(await codeOf(() => log.compaction.compact(stopping, OPTIONS, log.pushedEnd))).toBe(
      "STORAGE_ERROR",
    );
    expect(names(disk)).toEqual(before);
    expect(content(log)).toEqual(["0:1", "1:2", "2:3"]);
  });

  test("a second run is refused", async () => {
    const { disk, log } = await logWith(["a=1", "a=2", "a=3"]);
    const first = compact(disk, log);
    expect(await codeOf(() => compact(disk, log))).toBe("STORAGE_ERROR");
    expect(await first).toBeDefined();
  });

  test("a full disk leaves the log as it is", async () => {
    const { disk, log } = await logWith(["a=1", "b=1", "a=2", "b=2", "c=1"]);
    const before = [names(disk), content(log)];
    for (let room = 0; ; room += 20) {
      disk.setCapacity(disk.usedBytes + room);
      const code = await codeOf(() => compact(disk, log));
      if (code === undefined) break;
      expect(code).toBe("ENOSPC");
      expect([names(disk), content(log)]).toEqual(before);
    }
    expect(content(log)).toEqual(["2:2", "3:2", "4:1"]);
  });
});

describe("damage", () => {
  test("a compacted segment that has become shorter is a loss, not a gap", async () => {
    const { disk, log } = await logWith(["a=1", "b=1", "c=1", "d=1", "a=2"], { segmentBytes: 150 });
    await log.roll();
    await compact(disk, log);
    log.close();
    const file = names(disk).find((name) => name.endsWith(".log"))!;
    const bytes = disk.readFile(`${DIRECTORY}/${file}`)!;
    const last = keyed("d=1").length;
    disk.overwrite(`${DIRECTORY}/${file}`, bytes.slice(0, bytes.length - last));
    const context = contextOf(disk, SMALL);
    const again = await Log.open(context);
    expect(context.lines.join()).toContain("records are lost");
    expect(await codeOf(() => allRecords(again))).toBe("CORRUPT_MESSAGE");
  });

  test("a damaged note counts as none, unless a compaction may be half-way", async () => {
    const { disk, log } = await logWith(["a=1", "a=2", "a=3"]);
    await compact(disk, log);
    const before = content(log);
    log.close();
    const note = `${DIRECTORY}/compaction.json`;
    disk.flipBit(note, 100);
    const again = await openLog(disk, SMALL);
    expect(again.compaction.firstDirtyOffset).toBe(0);
    expect(content(again)).toEqual(before);
    again.close();
    disk.overwrite(`${DIRECTORY}/00000000000000000000.log.cleaned`, new Uint8Array(5));
    expect(await codeOf(() => openLog(disk, SMALL))).toBe("STORAGE_ERROR");
  });

  test("a segment with a damaged batch stays, and everything else is compacted", async () => {
    const { disk, log } = await logWith(["a=1", "a=2", "a=3", "a=4", "b=1"]);
    const damaged = "00000000000000000001.log";
    disk.flipBit(`${DIRECTORY}/${damaged}`, 8 * 65);
    const bytes = disk.readFile(`${DIRECTORY}/${damaged}`);
    const outcome = await compact(disk, log);
    expect(outcome?.stats.damage).toEqual([expect.stringContaining(`${damaged}, position 0: `)]);
    expect(log.compaction.firstDirtyOffset).toBe(4);
    expect(disk.readFile(`${DIRECTORY}/${damaged}`)).toEqual(bytes);
    log.close();
    const context = contextOf(disk, SMALL);
    const again = await Log.open(context);
    expect(context.lines).toEqual([]);
    expect(await codeOf(() => allRecords(again))).toBe("CORRUPT_MESSAGE");
    const after = again.segments.read(2, 1_000, again.pushedEnd);
    expect(recordsIn(readAll(after)).map(({ offset }) => offset)).toEqual([3, 4]);
  });
});

/** Compacts a log with a crash at `step`; returns whether there was none. */
async function crashAt(step: number, disk: SimulatedDisk): Promise<boolean> {
  disk.makeDirectory(DIRECTORY);
  for (const path of ["", "data", "data/topics", "data/topics/orders"]) {
    await disk.syncDirectory(path);
  }
  const log = await openLog(disk, SMALL);
  await appendAll(
    log,
    ["a=1", "b=1", "a=2", "b=2", "c=1", "a=3"].map((text) => keyed(text)),
  );
  disk.crashAfter(step);
  const isDone = (await codeOf(() => compact(disk, log))) === undefined;
  disk.crashAfter(0);
  return isDone;
}

/** A start is tried with a crash at every so many steps. */
const STRIDE = 17;

test.each([
  ["the machine stops", (disk: SimulatedDisk) => disk.restart()],
  // Then the decision may be there, and not durable.
  ["the process is killed", (disk: SimulatedDisk) => disk.restartProcess()],
])(
  "at any step of a compaction and of the next start leaves the old or the new records: %s",
  async (_what, restart) => {
    for (let step = 0, isDone = false; !isDone; step++) {
      // Other steps of the start with each step, so that all of them have their turn.
      for (let startStep = step % STRIDE, isStarted = false; !isStarted; startStep += STRIDE) {
        const disk = new SimulatedDisk(new Random(100 * step + startStep));
        isDone = await crashAt(step, disk);
        restart(disk);
        disk.crashAfter(startStep);
        isStarted = (await codeOf(() => openLog(disk, SMALL))) === undefined;
        disk.crashAfter(0);
        disk.restart();
        const log = await openLog(disk, SMALL);
        const isCompacted = log.compaction.firstDirtyOffset > 0;
        const all = ["0:1", "1:1", "2:2", "3:2", "4:1", "5:3"];
        const expected = isCompacted ? all.slice(2) : all;
        expect({ step, startStep, content: content(log) }).toEqual({
          step,
          startStep,
          content: expected,
        });
        if (isDone) expect(isCompacted).toBe(true);
        expect(names(disk).filter((name) => name.includes("cleaned"))).toEqual([]);
      }
    }
  },
);
