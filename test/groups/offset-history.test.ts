// What a group had committed at a time, as the log of commits tells: before and after compaction, deletion and damage.
// Leaves to others: the lag (test/services/group-history.test.ts).
import { expect, test } from "bun:test";
import { keptMs, NO_OFFSET, UNKNOWN_OFFSET } from "../../src/groups/offsets/offset-history.js";
import { OffsetStore } from "../../src/groups/offsets/offset-store.js";
import { CompactionSlices } from "../../src/log/compaction/compaction-thread.js";
import { OFFSETS_TOPIC } from "../../src/topics/internal-topics.js";
import type { Partition } from "../../src/topics/partition.js";
import type { TopicRegistry } from "../../src/topics/topic-registry.js";
import { batchOf, codeOf } from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import { openServices } from "../support/services.js";
import { SimulatedDisk } from "../support/simulated-disk.js";

const TIMES = [50, 100, 150, 250, 350, 450];

async function setUp() {
  const disk = new SimulatedDisk(new Random(1));
  const { registry } = await openServices({}, { disk });
  for (const topic of ["t", "u"]) {
    const { online } = await registry.create(topic, 2, {});
    for (const partition of online) await partition.append(batchOf(Array(20).fill("")));
  }
  let now = 0;
  const store = await OffsetStore.open({ registry, mode: "durable", now: () => now, report() {} });
  const at = async (ms: number, offset: number, partition = 0, topic = "t", group = "g") => {
    now = ms;
    await store.commit(group, [{ topic, partition, offset }]);
  };
  const of = async (partition = 0, times = TIMES, topic = "t") => {
    const { signal } = new AbortController();
    return (await store.history({ group: "g", times, signal }))?.of(topic, partition);
  };
  return { disk, registry, store, at, of, setNow: (ms: number) => (now = ms) };
}

async function compact(registry: TopicRegistry, disk: SimulatedDisk): Promise<void> {
  const partition = registry.partition(OFFSETS_TOPIC, 0);
  await partition.roll();
  const runner = new CompactionSlices(disk);
  await partition.compaction.compact((job, isStopped) => runner.run(job, isStopped), {
    ...{ minLagMs: 0, deleteRetentionMs: 0, mapBytes: 64 * 1024 },
  });
}

test("at each time it is the last commit before, and none before the first", async () => {
  const { at, of, store, setNow } = await setUp();
  await at(100, 5);
  await at(120, 6, 0, "t", "ga");
  await at(120, 7, 0, "u");
  await at(200, 8);
  await at(200, 1, 1);
  setNow(300);
  await store.deleteOffsets("g", [{ topic: "t", partition: 1 }]);
  expect(await of()).toEqual([NO_OFFSET, 5, 5, 8, 8, 8]);
  expect(await of(1)).toEqual([NO_OFFSET, NO_OFFSET, NO_OFFSET, 1, NO_OFFSET, NO_OFFSET]);
  expect(await of(0, TIMES, "u")).toEqual([NO_OFFSET, NO_OFFSET, 7, 7, 7, 7]);
});

test("where the log was compacted, it is known from the last commit on that was left", async () => {
  const { at, of, registry, disk } = await setUp();
  await at(60, 2, 1);
  await at(100, 5);
  await at(140, 6);
  await compact(registry, disk);
  await at(300, 8);
  expect(await of()).toEqual([UNKNOWN_OFFSET, UNKNOWN_OFFSET, 6, 6, 8, 8]);
  expect(await of(1)).toEqual([UNKNOWN_OFFSET, 2, 2, 2, 2, 2]);
  // It never committed there, but that is only certain from the first commit on that is not compacted.
  expect(await of(0, TIMES, "u")).toEqual([
    UNKNOWN_OFFSET,
    UNKNOWN_OFFSET,
    UNKNOWN_OFFSET,
    UNKNOWN_OFFSET,
    NO_OFFSET,
    NO_OFFSET,
  ]);
});

test("an hour of the log is not compacted, or 16 MiB of it", () => {
  const of = (...minutes: readonly number[]) => {
    const sealed = minutes.map((minute) => ({ bytes: 2 ** 24, maxTimestamp: minute * 60_000 }));
    const partition = { layout: { segments: { sealed } } } as unknown as Partition;
    return keptMs(partition, 100 * 60_000) / 60_000;
  };
  expect(of()).toBe(60);
  expect(of(95)).toBe(60);
  expect(of(50, 70, 95)).toBe(30);
  expect(of(10, 20, 95)).toBe(60);
  // It would be less than five minutes; a clock that went back.
  expect(of(96, 98)).toBe(0);
  expect(of(120, 121)).toBe(0);
});

test("commits for a topic that was deleted since, and created again, do not count", async () => {
  const { at, of, registry } = await setUp();
  await at(100, 5);
  await registry.delete("t");
  await registry.create("t", 2, {});
  await at(300, 0);
  expect(await of()).toEqual([NO_OFFSET, NO_OFFSET, NO_OFFSET, NO_OFFSET, 0, 0]);
});

test("what is before damage is not known", async () => {
  const { at, of, disk, registry } = await setUp();
  await at(100, 5);
  await registry.partition(OFFSETS_TOPIC, 0).roll();
  await at(200, 8);
  const path = "data/topics/__consumer_offsets/0/00000000000000000000.log";
  disk.flipBit(path, 70 * 8);
  expect(await of()).toEqual([UNKNOWN_OFFSET, UNKNOWN_OFFSET, UNKNOWN_OFFSET, 8, 8, 8]);
});

test("a log in memory has no history, and reading ends with the request", async () => {
  const { registry, store, at } = await setUp();
  const signal = AbortSignal.abort();
  await at(100, 5);
  const read = () => store.history({ group: "g", times: TIMES, signal });
  expect(await codeOf(read)).toBe("INVALID_REQUEST");
  const memory = await OffsetStore.open({ registry, mode: "memory", now: () => 0, report() {} });
  expect(await memory.history({ group: "g", times: TIMES, signal })).toBeUndefined();
});
