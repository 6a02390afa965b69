// The cleaner: which log comes next, what it does after failures, and compaction on demand.
// Leaves to others: what a compacted log contains (log/compaction-run.test.ts, log/log-compaction.test.ts).
import { expect, test } from "bun:test";
import { BatchEncoder } from "../../src/record/encoder.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { readAll } from "../../src/log/segment/log-slice.js";
import {
  type CompactionRunner,
  CompactionSlices,
} from "../../src/log/compaction/compaction-thread.js";
import type { CompactionOutcome } from "../../src/log/compaction/log-compaction.js";
import { LogCleaner } from "../../src/topics/log-cleaner.js";
import type { Partition } from "../../src/topics/partition.js";
import { TopicRegistry } from "../../src/topics/topic-registry.js";
import { contextOf, newDisk, TOPICS, UNKNOWN } from "../support/registry-fixture.js";

const COMPACT = { "cleanup.policy": "compact", "segment.bytes": "1024" };

interface Options {
  readonly mapBytes?: number;
  /** How long logs are kept as they are. */
  readonly keptMs?: number;
  /** Wraps the runs. */
  readonly around?: (run: CompactionRunner["run"]) => CompactionRunner["run"];
}

async function setUp({ mapBytes = 2 ** 16, around = (run) => run, keptMs = 0 }: Options = {}) {
  const disk = await newDisk();
  const clock = { now: 1_000_000 };
  const context = contextOf(disk, { now: () => clock.now });
  const registry = await TopicRegistry.open(context, UNKNOWN);
  const slices = new CompactionSlices(disk);
  const compacted: string[] = [];
  const outcomes: CompactionOutcome[] = [];
  const run = around((job, isStopped, onProgress) => slices.run(job, isStopped, onProgress));
  const seen = { rests: 0, failures: 0 };
  const cleaner = new LogCleaner({
    ...{ registry, mapBytes, checkMs: 1_000_000, now: () => clock.now, report: context.report },
    keptMs: () => keptMs,
    runner: {
      run: (job, isStopped, onProgress) => {
        compacted.push(job.name);
        return run(job, isStopped, onProgress);
      },
      rest: async () => {
        seen.rests++;
      },
    },
    observer: {
      compacted: (outcome) => outcomes.push(outcome),
      compactionFailed: () => seen.failures++,
    },
  });
  const topic = async (name: string, settings: Record<string, string> = {}): Promise<Partition> => {
    await registry.create(name, 1, { ...COMPACT, ...settings });
    return registry.partition(name, 0);
  };
  /** Writes a segment for each key, with one record. The last one is active. */
  const write = async (partition: Partition, ...keys: string[]): Promise<void> => {
    for (const key of keys) {
      const encoder = new BatchEncoder();
      encoder.append(clock.now, key, "v".repeat(600));
      await partition.append(encoder.finish());
    }
  };
  const { lines } = context;
  return { disk, clock, registry, cleaner, compacted, outcomes, seen, topic, write, lines };
}

function faultsOf({ faults }: TopicRegistry): string[] {
  return faults
    .list(() => false)
    .map(([, { kind }]) => kind)
    .toArray();
}

function keysOf(partition: Partition): string[] {
  const keys: string[] = [];
  for (let at = partition.logStartOffset; at < partition.highWatermark;) {
    const read = partition.read(at, 1_000_000);
    const cursor = new RecordCursor().reset(readAll(read), undefined, undefined, {
      fromOffset: at,
    });
    while (cursor.next()) keys.push(`${cursor.keyText()}@${cursor.offset}`);
    at = read.nextOffset;
  }
  return keys;
}

test("logs that are dirty enough are compacted, the dirtiest first", async () => {
  const { cleaner, compacted, topic, write, registry } = await setUp();
  const [half, all] = [await topic("half"), await topic("all")];
  await topic("empty");
  const plain = await topic("plain", { "cleanup.policy": "delete" });
  await write(half, "a", "a", "a");
  await cleaner.cleanDue();
  expect(compacted.splice(0)).toEqual(["half-0"]);
  expect(keysOf(half)).toEqual(["a@1", "a@2"]);

  // Half of its bytes are dirty, which is not more than half.
  await write(half, "a");
  await write(all, "a", "a", "a");
  await write(plain, "a", "a", "a");
  await cleaner.cleanDue();
  expect(compacted.splice(0)).toEqual(["all-0"]);

  await write(half, "a");
  await write(all, ..."aaaaa");
  await cleaner.cleanDue();
  expect(compacted.splice(0)).toEqual(["all-0", "half-0"]);
  expect(keysOf(half)).toEqual(["a@3", "a@4"]);
  expect(keysOf(plain).length).toBe(3);

  await registry.alterSettings("plain", { ...COMPACT, "min.cleanable.dirty.ratio": "0.99" });
  await cleaner.cleanDue();
  expect(compacted.splice(0)).toEqual(["plain-0"]);
});

test("young records wait, and old ones are compacted however few they are", async () => {
  const { cleaner, compacted, clock, topic, write } = await setUp();
  const lag = await topic("lag", { "min.compaction.lag.ms": "1000" });
  const forced = await topic("forced", {
    ...{ "max.compaction.lag.ms": "5000", "min.cleanable.dirty.ratio": "1" },
  });
  await write(lag, "a", "a", "a");
  await write(forced, "b", "b");
  await cleaner.cleanDue();
  expect(compacted.splice(0)).toEqual([]);
  clock.now += 1_001;
  await cleaner.cleanDue();
  expect(compacted.splice(0)).toEqual(["lag-0"]);
  clock.now += 4_000;
  // The active segment has old records too, so it is sealed.
  await cleaner.cleanDue();
  expect(compacted.splice(0)).toEqual(["forced-0"]);
  expect(keysOf(forced)).toEqual(["b@1"]);
});

test("records that are kept for longer wait too, unless somebody asks for a compaction", async () => {
  const { cleaner, compacted, clock, topic, write } = await setUp({ keptMs: 1_000 });
  const kept = await topic("kept");
  await write(kept, "a", "a", "a");
  await cleaner.cleanDue();
  expect(compacted).toEqual([]);
  await cleaner.compactNow(kept);
  expect(keysOf(kept)).toEqual(["a@2"]);
  await write(kept, "a", "a", "a");
  clock.now += 1_001;
  await cleaner.cleanDue();
  expect(keysOf(kept)).toEqual(["a@4", "a@5"]);
});

test("a failure is reported once, tried again with growing pauses, and stops no other log", async () => {
  let fault: Error | undefined = new Error("the disk is odd");
  const { cleaner, compacted, clock, registry, topic, write, lines, seen } = await setUp({
    around: (run) => (job, isStopped) =>
      fault !== undefined && job.name === "bad-0" ? Promise.reject(fault) : run(job, isStopped),
  });
  const [bad, good] = [await topic("bad"), await topic("good")];
  await write(bad, "a", "a", "a");
  await write(good, "a", "a");
  await cleaner.cleanDue();
  expect(compacted.splice(0).sort()).toEqual(["bad-0", "good-0"]);
  expect(lines.splice(0)).toEqual([
    "bad-0: could not be compacted: the disk is odd; tried again later",
  ]);
  expect(faultsOf(registry)).toEqual(["compaction"]);
  for (const pauseMs of [30_000, 60_000]) {
    clock.now += pauseMs - 1;
    await cleaner.cleanDue();
    expect(compacted.splice(0)).toEqual([]);
    clock.now += 1;
    await cleaner.cleanDue();
    expect(compacted.splice(0)).toEqual(["bad-0"]);
  }
  expect([lines.splice(0), seen.failures]).toEqual([[], 3]);
  fault = undefined;
  await cleaner.compactNow(bad);
  expect(faultsOf(registry)).toEqual([]);
  expect(keysOf(bad)).toEqual(["a@2"]);
  fault = new Error("again");
  await write(bad, "a", "a", "a");
  await cleaner.cleanDue();
  expect(lines).toEqual(["bad-0: could not be compacted: again; tried again later"]);
});

test("damage is reported once, and keeps no other segment from being compacted", async () => {
  const { cleaner, disk, registry, topic, write, lines, seen } = await setUp();
  const partition = await topic("t");
  await write(partition, "a", "a", "a", "b");
  const damaged = `${TOPICS}/t/0/00000000000000000001.log`;
  disk.flipBit(damaged, 8 * 65);
  for (const key of ["c", "d"]) {
    await cleaner.compactNow(partition);
    await write(partition, key);
  }
  expect(lines).toEqual([expect.stringContaining(`t-0: ${damaged}, position 0: `)]);
  expect(faultsOf(registry)).toEqual(["uncompacted"]);
  expect(seen.failures).toBe(0);
  expect(disk.fileSize(`${TOPICS}/t/0/00000000000000000000.log`)).toBeLessThan(100);
});

test("on demand everything is compacted, in several runs if the map is too small", async () => {
  const { cleaner, outcomes, seen, topic, write } = await setUp({ mapBytes: 60 });
  const partition = await topic("t", { "min.cleanable.dirty.ratio": "1" });
  await write(partition, ..."abcabcabc");
  const progress: number[][] = [];
  const saved = await cleaner.compactNow(partition, (done, total) => progress.push([done, total]));
  expect(outcomes.length).toBeGreaterThan(1);
  expect(keysOf(partition)).toEqual(["a@6", "b@7", "c@8"]);
  expect(saved).toMatchObject({ recordsBefore: 9, recordsAfter: 3 });
  expect(saved.bytesAfter / saved.bytesBefore).toBeCloseTo(1 / 3);
  expect(progress.every(([done = 0, total = 0]) => done <= total)).toBe(true);
  expect(seen.rests).toBe(1);
  expect(await cleaner.compactNow(partition)).toEqual({
    ...{ recordsBefore: 0, recordsAfter: 0, bytesBefore: 0, bytesAfter: 0 },
  });
});

test("with compact,delete retention deletes what compaction keeps", async () => {
  const { cleaner, registry, topic, write } = await setUp();
  const partition = await topic("t", {
    ...{ "cleanup.policy": "compact,delete", "retention.bytes": "1400" },
  });
  await write(partition, ..."abcdabcd");
  await cleaner.compactNow(partition);
  expect(keysOf(partition)).toEqual(["a@4", "b@5", "c@6", "d@7"]);
  await write(partition, ..."xyz");
  await registry.applyRetention();
  expect(keysOf(partition)).toEqual(["x@8", "y@9", "z@10"]);
});

test("a stop ends a run, and a deleted topic fails it without a report", async () => {
  const next = Promise.withResolvers<string>();
  let began = Promise.withResolvers<string>();
  const { cleaner, registry, topic, write, lines, seen } = await setUp({
    around: () => async (job, isStopped) => {
      began.resolve(job.name);
      began = next;
      while (!isStopped()) await new Promise((resolve) => setImmediate(resolve));
      return undefined;
    },
  });
  const [first, second] = [await topic("first"), await topic("second")];
  await write(first, "a", "a", "a");
  await write(second, "a", "a");
  const [firstBegan, secondBegan] = [began.promise, next.promise];
  const pass = cleaner.cleanDue();
  expect(await firstBegan).toBe("first-0");
  await registry.delete("first");
  expect(await secondBegan).toBe("second-0");
  const waiting = cleaner.compactNow(second).catch((error: unknown) => error);
  await cleaner.stop();
  await pass;
  expect(await waiting).toMatchObject({ code: "BROKER_STOPPING" });
  const late = await cleaner.compactNow(second).catch((error: unknown) => error);
  expect(late).toMatchObject({ code: "BROKER_STOPPING" });
  expect([lines, seen.failures]).toEqual([[], 0]);
});
