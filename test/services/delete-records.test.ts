// Deleting the start of a log: partition by partition, durable, and the space of whole segments is freed.
import { expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import { checkDeletions, deleteRecords } from "../../src/services/delete-records.js";
import { createTopic, deleteTopic } from "../../src/services/topics.js";
import { TopicRegistry } from "../../src/topics/topic-registry.js";
import { batchOf, codeOf, recordsFrom } from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import { contextOf, UNKNOWN } from "../support/registry-fixture.js";
import { openServices } from "../support/services.js";
import { SimulatedDisk, systemError } from "../support/simulated-disk.js";

const VALUE = "x".repeat(600);
const SETTINGS = { "segment.bytes": "1024" };

/** A topic `a` with five segments of one record in partition 0, and an empty partition 1. */
async function fiveRecords(disk: SimulatedDisk = new SimulatedDisk(new Random(1))) {
  let deletions = 0;
  const context = await openServices({}, { disk, onFilesDeleted: () => deletions++ });
  await createTopic(context, { name: "a", partitions: 2, settings: SETTINGS });
  const partition = context.registry.partition("a", 0);
  for (let i = 0; i < 5; i++) await partition.append(batchOf([VALUE]));
  const trim = async (offset: number, index = 0): Promise<number | string | undefined> => {
    const [outcome] = await deleteRecords(context, [{ topic: "a", partition: index, offset }]);
    return outcome instanceof RustLogError ? outcome.code : outcome;
  };
  return { context, disk, partition, trim, deletions: () => deletions };
}

test("offsets are those of the first record to keep, and -1 is the high watermark", async () => {
  const { partition, trim, deletions } = await fiveRecords();
  const seen = () => {
    const { logStartOffset, segments } = partition.describe();
    return [logStartOffset, segments, deletions()];
  };
  expect([await trim(0), ...seen()]).toEqual([0, 0, 5, 0]);
  expect([await trim(2), ...seen()]).toEqual([2, 2, 3, 1]);
  expect([await trim(1), ...seen()]).toEqual([2, 2, 3, 1]);
  expect([await trim(6), await trim(-2), ...seen()]).toEqual([
    ...["OFFSET_OUT_OF_RANGE", "OFFSET_OUT_OF_RANGE"],
    ...[2, 3, 1],
  ]);
  expect([await trim(-1), ...seen()]).toEqual([5, 5, 1, 2]);
  expect(partition.bytes).toBe(0);
  expect(await partition.append(batchOf([VALUE]))).toBe(5);
  expect([await trim(-1, 1), await trim(0, 1), await trim(1, 1)]).toEqual([
    ...[0, 0, "OFFSET_OUT_OF_RANGE"],
  ]);
});

test("a topic that is only compacted keeps its records", async () => {
  const { context, trim } = await fiveRecords();
  await context.registry.alterSettings("a", { "cleanup.policy": "compact" });
  expect(await trim(1)).toBe("POLICY_VIOLATION");
  await context.registry.alterSettings("a", { "cleanup.policy": "compact,delete" });
  expect(await trim(1)).toBe(1);
});

test("the error states the valid offsets", async () => {
  const { context } = await fiveRecords();
  const [outcome] = await deleteRecords(context, [{ topic: "a", partition: 0, offset: 6 }]);
  expect(String(outcome)).toContain(
    "a-0: records can't be deleted up to offset 6; expected 0 to 5",
  );
});

test("one partition's failure stops no other, and outcomes come in order", async () => {
  const { context } = await fiveRecords();
  await context.registry.create("__consumer_offsets", 1, {});
  const requests = [
    { topic: "a", partition: 0, offset: 9 },
    { topic: "nope", partition: 0, offset: 0 },
    { topic: "a", partition: 0, offset: 3 },
    { topic: "a", partition: 7, offset: 0 },
    { topic: "__consumer_offsets", partition: 0, offset: -1 },
    { topic: "a", partition: 1, offset: -1 },
    { topic: "a", topicId: crypto.randomUUID(), partition: 0, offset: -1 },
  ];
  const outcomes = await deleteRecords(context, requests);
  expect(outcomes.map((it) => (it instanceof RustLogError ? it.code : it))).toEqual([
    "OFFSET_OUT_OF_RANGE",
    "UNKNOWN_TOPIC_OR_PARTITION",
    3,
    "UNKNOWN_TOPIC_OR_PARTITION",
    "INVALID_TOPIC",
    0,
    "UNKNOWN_TOPIC_ID",
  ]);
});

test("the records stay deleted after a crash", async () => {
  for (let offset = 0; offset <= 5; offset++) {
    const { disk, trim } = await fiveRecords(new SimulatedDisk(new Random(offset + 1)));
    await disk.syncDirectory("");
    await disk.syncDirectory("data");
    await trim(offset);
    disk.restart();
    const partition = (await TopicRegistry.open(contextOf(disk), UNKNOWN)).partition("a", 0);
    expect([partition.logStartOffset, partition.highWatermark]).toEqual([offset, 5]);
    const read = (from: number, bytesMax: number) => partition.read(from, bytesMax);
    expect(recordsFrom(read, offset, 5)).toHaveLength(5 - offset);
    if (offset > 0) expect(await codeOf(() => read(offset - 1, 1))).toBe("OFFSET_OUT_OF_RANGE");
  }
});

test("on a full disk nothing is deleted, and later the same request succeeds", async () => {
  const { disk, partition, trim } = await fiveRecords();
  disk.setCapacity(disk.usedBytes);
  expect(await trim(3)).toBe("DISK_FULL");
  expect(partition.describe()).toMatchObject({ logStartOffset: 0, segments: 5 });
  disk.setCapacity(Number.POSITIVE_INFINITY);
  expect(await trim(3)).toBe(3);
});

test("a segment that can't be removed is reported, and the request succeeds", async () => {
  class StickyDisk extends SimulatedDisk {
    isSticky = false;
    override remove(path: string): void {
      if (this.isSticky && path.endsWith(".log")) throw systemError("EPERM", `unlink ${path}`);
      super.remove(path);
    }
  }
  const disk = new StickyDisk(new Random(1));
  const lines: string[] = [];
  const context = await openServices({}, { disk, report: (line) => lines.push(line) });
  await createTopic(context, { name: "a", partitions: 1, settings: SETTINGS });
  const partition = context.registry.partition("a", 0);
  for (let i = 0; i < 3; i++) await partition.append(batchOf([VALUE]));
  disk.isSticky = true;
  const request = { topic: "a", partition: 0, offset: 2 };
  expect(await deleteRecords(context, [request])).toEqual([2]);
  expect(lines.join()).toContain("a-0: old segments could not be deleted: EPERM");
  disk.isSticky = false;
  expect(await context.registry.applyRetention()).toBe(2);
});

test("appends, reads, retention and the topic's deletion may run at the same time", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed);
    const { context, partition } = await fiveRecords(new SimulatedDisk(random));
    let written = 5;
    const works: Promise<unknown>[] = [];
    let start = 0;
    for (let i = 0; i < 20; i++) {
      const dice = random.next();
      if (dice < 0.4) {
        works.push(partition.append(batchOf([VALUE])).then(() => written++));
      } else if (dice < 0.7) {
        const offset = random.below(partition.highWatermark + 1);
        start = Math.max(start, offset);
        works.push(deleteRecords(context, [{ topic: "a", partition: 0, offset }]));
      } else if (dice < 0.8) works.push(context.registry.applyRetention());
      else {
        const { logStartOffset, highWatermark } = partition;
        const read = (from: number, bytesMax: number) => partition.read(from, bytesMax);
        expect(recordsFrom(read, logStartOffset, highWatermark)).toHaveLength(
          highWatermark - logStartOffset,
        );
      }
      for (let turns = random.below(20); turns > 0; turns--) await Promise.resolve();
    }
    const isDeleted = random.chance(0.5);
    if (isDeleted) works.push(deleteTopic(context, { topic: "a" }).then(() => works.length));
    const outcomes = (await Promise.allSettled(works)).flatMap((it) =>
      it.status === "rejected" ? [it.reason] : [it.value].flat(),
    );
    for (const outcome of outcomes) {
      if (typeof outcome === "number") continue;
      expect(isDeleted && outcome instanceof RustLogError && outcome.code).toBe(
        "UNKNOWN_TOPIC_OR_PARTITION",
      );
    }
    if (isDeleted) continue;
    expect([partition.highWatermark, partition.logStartOffset]).toEqual([written, start]);
    await context.registry.applyRetention();
    const first = partition.layout.segments.sealed[0];
    expect(first === undefined || first.endOffset > start).toBe(true);
  }
});

test("the check of many says what is wrong with the first wrong one, and deletes nothing", async () => {
  const { context, partition } = await fiveRecords();
  await context.registry.create("__consumer_offsets", 1, {});
  const right = { topic: "a", partition: 0, offset: 3 };
  const check = async (wrong: Partial<typeof right> & { topicId?: string }) =>
    await codeOf(async () => checkDeletions(context, [right, { ...right, ...wrong }]));
  expect([
    await check({}),
    await check({ partition: 1 }),
    await check({ partition: 1, offset: -1 }),
    await check({ partition: 2 }),
    await check({ topic: "b" }),
    await check({ topic: "__consumer_offsets", offset: 0 }),
    await check({ topicId: crypto.randomUUID(), partition: 1, offset: 0 }),
  ]).toEqual([
    "INVALID_REQUEST",
    "OFFSET_OUT_OF_RANGE",
    undefined,
    "UNKNOWN_TOPIC_OR_PARTITION",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "INVALID_TOPIC",
    "UNKNOWN_TOPIC_ID",
  ]);
  expect(partition.logStartOffset).toBe(0);
});
