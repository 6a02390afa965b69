// Committed offsets: durable when they are acknowledged, all of a commit or nothing, and compaction that
// nobody sees.
import { describe, expect, spyOn, test } from "bun:test";
import { OFFSETS_TOPIC } from "../../src/topics/internal-topics.js";
import { OffsetStore, type OffsetStoreContext } from "../../src/groups/offsets/offset-store.js";
import { encodeGroupKey } from "../../src/groups/group-record.js";
import { encodeOffsetKey } from "../../src/groups/offsets/offset-record.js";
import { batchBytes, recordCount } from "../../src/record/batch.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { CompactionSlices } from "../../src/log/compaction/compaction-thread.js";
import { readAll } from "../../src/log/segment/log-slice.js";
import { DataDirectory } from "../../src/topics/data-directory.js";
import type { TopicRegistry } from "../../src/topics/topic-registry.js";
import { batchOf, codeOf, ENDLESS, settle } from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import { SimulatedDisk } from "../support/simulated-disk.js";

interface Opened {
  readonly disk: SimulatedDisk;
  readonly directory: DataDirectory;
  readonly store: OffsetStore;
  readonly lines: string[];
}

type Options = Partial<Pick<OffsetStoreContext, "mode">> & {
  readonly flush?: "always" | "never";
};

const newDisk = (seed = 1): SimulatedDisk => new SimulatedDisk(new Random(seed));

async function reopened(
  disk: SimulatedDisk,
  flush: "always" | "never" = "always",
  report: (line: string) => void = () => {},
): Promise<DataDirectory> {
  return await DataDirectory.open("data", {
    disk,
    flush: { kind: flush },
    logDefaults: ENDLESS,
    autoCreateTopics: false,
    defaultPartitions: 1,
    now: () => 1_000,
    report,
    onFatal: () => {},
  });
}

function storeOf(
  registry: TopicRegistry,
  { mode = "durable" }: Options = {},
  report: (line: string) => void = () => {},
): Promise<OffsetStore> {
  return OffsetStore.open({ registry, mode, now: () => 5_000, report });
}

/** Opens a directory that has the topics `orders` and `kept`, and the offsets in it. */
async function open(disk: SimulatedDisk, options: Options = {}): Promise<Opened> {
  const lines: string[] = [];
  const report = (line: string): void => void lines.push(line);
  const directory = await reopened(disk, options.flush, report);
  for (const topic of ["kept", "orders"]) {
    if (directory.registry.find(topic) === undefined) await fill(directory.registry, topic, 200);
  }
  const store = await storeOf(directory.registry, options, report);
  return { disk, directory, store, lines };
}

/** Creates a topic with so many records, flushed: commits past the end of a log don't survive a start. */
async function fill(registry: TopicRegistry, name: string, records: number): Promise<void> {
  const { online } = await registry.create(name, 1, {});
  await online[0]?.append(batchOf(Array.from({ length: records }, () => "")));
  await online[0]?.sync();
}

/** Opens the offsets as if their log was long. */
function openShort(registry: TopicRegistry, lines: string[] = []): Promise<OffsetStore> {
  const report = (line: string): void => void lines.push(line);
  return OffsetStore.open({
    ...{ registry, mode: "durable", now: () => 5_000, report, growthBytes: 1 },
  });
}

/** Compacts the offsets topic, as the broker does now and then. */
async function compact({ registry }: DataDirectory, disk: SimulatedDisk): Promise<void> {
  const partition = registry.partition(OFFSETS_TOPIC, 0);
  await partition.roll();
  const runner = new CompactionSlices(disk);
  await partition.compaction.compact((job, isStopped) => runner.run(job, isStopped), {
    ...{ minLagMs: 0, deleteRetentionMs: 0, mapBytes: 64 * 1024 },
  });
}

const commit = (
  store: OffsetStore,
  offset: number,
  partition = 0,
  group = "billing",
): Promise<void> => store.commit(group, [{ topic: "orders", partition, offset }]);

const committed = (store: OffsetStore, partition = 0, group = "billing"): number | undefined =>
  store.fetch(group, "orders", partition)?.offset;

const groupsOf = (store: OffsetStore) => store.page(undefined, Infinity);

const rowsOf = (store: OffsetStore, group: string) =>
  store.rows(undefined, Infinity).filter((row) => row.group === group);

describe("committing", () => {
  test("acknowledged commits survive a crash, with their timestamps", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { disk, store } = await open(newDisk(seed));
      await commit(store, 7);
      await commit(store, 9, 1);
      disk.restart();
      const again = await open(disk);
      expect(again.store.fetch("billing", "orders", 0)).toEqual({
        offset: 7,
        commitTimestamp: 5_000,
        topicId: again.directory.registry.find("orders")!.id,
      });
      expect(committed(again.store, 1)).toBe(9);
      expect(groupsOf(again.store)).toEqual([{ group: "billing", partitions: 2 }]);
    }
  });

  test("a commit cannot be seen before it is durable", async () => {
    const { store } = await open(newDisk());
    await commit(store, 1);
    const second = commit(store, 2);
    expect(committed(store)).toBe(1);
    await second;
    expect(committed(store)).toBe(2);
  });

  test("the offset may go back: the last commit counts", async () => {
    const { disk, store } = await open(newDisk());
    for (const offset of [5, 9, 3]) await commit(store, offset);
    disk.restart();
    expect(committed((await open(disk)).store)).toBe(3);
  });

  test("the last of the very first, concurrent commits counts, before and after a restart", async () => {
    const { disk, store } = await open(newDisk());
    await Promise.all([1, 2, 3, 4, 5].map((offset) => commit(store, offset)));
    expect(committed(store)).toBe(5);
    disk.restart();
    expect(committed((await open(disk)).store)).toBe(5);
  });

  test("beyond the memory for them, only those that there are can be committed, without more text", async () => {
    const opened = await open(newDisk());
    const { registry } = opened.directory;
    const store = await OffsetStore.open({
      ...{ registry, mode: "durable", now: () => 5_000, report: () => {}, memoryBytesMax: 12_000 },
    });
    const commitWith = (group: string, length: number) =>
      codeOf(() =>
        store.commit(group, [
          {
            ...{ topic: "orders", partition: 0, offset: 1 },
            details: { leaderEpoch: 0, metadata: "x".repeat(length), isAhead: false },
          },
        ]),
      );
    expect(await commitWith("a", 4_096)).toBeUndefined();
    expect(await commitWith("b", 4_096)).toBe("INVALID_COMMIT_OFFSET_SIZE");
    expect(await commitWith("b", 100)).toBeUndefined();
    expect(await commitWith("b", 4_096)).toBe("INVALID_COMMIT_OFFSET_SIZE");
    expect(await commitWith("a", 4_096)).toBeUndefined();
    await store.deleteGroup("a");
    expect(await commitWith("b", 4_096)).toBeUndefined();
  });

  test("an empty commit writes nothing", async () => {
    const { directory, store } = await open(newDisk());
    await store.commit("billing", []);
    expect(directory.registry.find(OFFSETS_TOPIC)).toBeUndefined();
  });

  test("the topic is internal, has one partition, and is never cleaned by age or size", async () => {
    const { directory, store } = await open(newDisk());
    await commit(store, 1);
    const topic = directory.registry.find(OFFSETS_TOPIC);
    expect(topic).toMatchObject({
      internal: true,
      logSettings: { current: { compacts: true, deletes: false } },
    });
    expect(topic?.partitions.length).toBe(1);
  });

  test.each(["x".repeat(250), "é".repeat(125)])("group %j is refused", async (group) => {
    const { store } = await open(newDisk());
    expect(await codeOf(() => commit(store, 1, 0, group))).toBe("INVALID_GROUP");
    expect(groupsOf(store)).toEqual([]);
  });

  test("group names of 0 and of 249 bytes are accepted", async () => {
    const { disk, store } = await open(newDisk());
    const groups = ["", "x", `x${"é".repeat(124)}`];
    for (const group of groups) await commit(store, 1, 0, group);
    disk.restart();
    const again = await open(disk);
    for (const group of groups) expect(committed(again.store, 0, group)).toBe(1);
    expect(groupsOf(again.store).map(({ group }) => group)).toEqual(groups);
  });

  test("a full disk is an error and changes nothing; commits succeed again with space", async () => {
    const { disk, store } = await open(newDisk());
    await commit(store, 1);
    disk.setCapacity(disk.usedBytes + 30);
    expect(await codeOf(() => commit(store, 2))).toBe("DISK_FULL");
    expect(committed(store)).toBe(1);
    disk.setCapacity(Number.POSITIVE_INFINITY);
    await commit(store, 3);
    disk.restart();
    expect(committed((await open(disk)).store)).toBe(3);
  });

  test("a full disk at the first commit is an error, and later commits succeed", async () => {
    const { disk, store } = await open(newDisk());
    disk.setCapacity(disk.usedBytes);
    expect(await codeOf(() => commit(store, 2))).toBe("DISK_FULL");
    disk.setCapacity(Number.POSITIVE_INFINITY);
    await commit(store, 3);
    expect(committed(store)).toBe(3);
  });

  test("memory mode writes nothing and forgets at a restart", async () => {
    const { disk, directory, store } = await open(newDisk(), { mode: "memory" });
    await commit(store, 4);
    expect(committed(store)).toBe(4);
    expect(directory.registry.find(OFFSETS_TOPIC)).toBeUndefined();
    expect(await store.deleteGroup("billing")).toBeUndefined();
    await commit(store, 5);
    disk.restart();
    expect(committed((await open(disk, { mode: "memory" })).store)).toBeUndefined();
  });
});

test("a crash at any operation of a large commit, torn at random, leaves all of it or nothing", async () => {
  const many = Array.from({ length: 40 }, (_, partition) => ({
    topic: "orders",
    partition,
    offset: 100 + partition,
  }));
  let seen = { before: 0, after: 0 };
  for (let seed = 1; seed <= 12; seed++) {
    for (let operation = 0, done = false; !done; operation++) {
      const { disk, store } = await open(newDisk(1_000 * seed + operation));
      await store.commit(
        "billing",
        many.map((entry) => ({ ...entry, offset: 1 })),
      );
      disk.crashAfter(operation);
      try {
        await store.commit("billing", many);
        done = !disk.crashed;
      } catch (error) {
        if (!disk.crashed) throw error;
      }
      await settle();
      disk.restart();
      const { store: again } = await open(disk);
      const offsets = rowsOf(again, "billing").map((row) => row.offset);
      const after = offsets?.[0] !== 1;
      expect(offsets).toEqual(many.map((entry) => (after ? entry.offset : 1)));
      if (done) expect(after).toBe(true);
      seen = { before: seen.before + (after ? 0 : 1), after: seen.after + (after ? 1 : 0) };
    }
  }
  expect(Math.min(seen.before, seen.after)).toBeGreaterThan(5);
});

describe("compaction", () => {
  test("is that of any topic: the topic has Kafka's policy, and small segments", async () => {
    const { directory, store } = await open(newDisk());
    await commit(store, 1);
    expect(directory.registry.find(OFFSETS_TOPIC)?.settings).toEqual({
      "cleanup.policy": "compact",
      "delete.retention.ms": "60000",
      "min.cleanable.dirty.ratio": "0.5",
      "min.compaction.lag.ms": "0",
      "segment.bytes": "16777216",
    });
  });

  test("is given to the topic of an older release, even if there is no space for that at first", async () => {
    const { disk, directory, store } = await open(newDisk());
    await commit(store, 1);
    const { registry } = directory;
    const old = { "retention.ms": "-1", "retention.bytes": "-1" };
    await registry.alterSettings(OFFSETS_TOPIC, old);
    disk.restart();
    disk.setCapacity(0);
    const full = await open(disk);
    expect(full.lines.at(-1)).toContain(
      "__consumer_offsets is not compacted until the next start: ",
    );
    expect(committed(full.store)).toBe(1);
    disk.restart();
    disk.setCapacity(Number.POSITIVE_INFINITY);
    const again = await open(disk);
    const { settings } = again.directory.registry.find(OFFSETS_TOPIC)!;
    expect(settings).toMatchObject({ ...old, "cleanup.policy": "compact" });
    expect(again.lines).toEqual([]);
    await commit(again.store, 2);
  });

  test("keeps the log short and every committed offset", async () => {
    const { disk, directory, store } = await open(newDisk());
    for (let offset = 0; offset < 200; offset++) await commit(store, offset, offset % 3);
    await commit(store, 7, 0, "gone");
    await store.deleteGroup("gone");
    const partition = directory.registry.partition(OFFSETS_TOPIC, 0);
    const before = partition.bytes;
    for (let i = 0; i < 2; i++) {
      await commit(store, 9, 0, "other");
      await compact(directory, disk);
    }
    expect(partition.bytes).toBeLessThan(before / 20);
    expect(rowsOf(store, "billing").map((row) => row.offset)).toEqual([198, 199, 197]);
    const rows = store.rows(undefined, Infinity);
    disk.restart();
    const again = await open(disk);
    expect(again.store.rows(undefined, Infinity)).toEqual(rows);
  });

  test("is asked for each time the log has grown by so much, also after it was compacted", async () => {
    const disk = newDisk();
    const { directory } = await open(disk);
    const grownAt: number[] = [];
    const log = () => directory.registry.partition(OFFSETS_TOPIC, 0).bytes;
    const store = await OffsetStore.open({
      ...{ registry: directory.registry, mode: "durable", now: () => 5_000, report: () => {} },
      ...{ growthBytes: 1_000, onGrown: () => grownAt.push(log()) },
    });
    for (let offset = 0; offset < 20; offset++) await commit(store, offset);
    await compact(directory, disk);
    const compacted = log();
    for (let offset = 0; offset < 20; offset++) await commit(store, offset);
    expect(grownAt).toHaveLength(4);
    const [first = 0, second = 0, third = 0, fourth = 0] = grownAt;
    for (const growth of [first, second - first, third - compacted, fourth - third]) {
      expect(growth).toBeWithin(1_000, 1_400);
    }
  });

  test("keeps commits and deletions made during it", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new Random(seed);
      const { disk, directory, store } = await open(newDisk(seed));
      disk.slowPushes = 0.2;
      await commit(store, 0);
      const commits: Promise<unknown>[] = [];
      let compacting: Promise<unknown> = Promise.resolve();
      for (let offset = 0; offset < 60; offset++) {
        const group = random.pick(["a", "b"]);
        if (random.chance(0.1)) commits.push(store.deleteGroup(group).catch(() => {}));
        else commits.push(commit(store, offset, random.below(4), group));
        if (random.chance(0.2)) compacting = compacting.then(() => compact(directory, disk));
        if (random.chance(0.3)) await settle();
      }
      await Promise.all([...commits, compacting]);
      const rows = store.rows(undefined, Infinity);
      disk.restart();
      const again = await open(disk);
      expect(again.store.rows(undefined, Infinity)).toEqual(rows);
    }
  });

  test("loses no commit and restores no deleted one if it crashes at any operation", async () => {
    let compacted = 0;
    let done = false;
    for (let operation = 0; !done; operation += 3) {
      const { disk, store, directory } = await open(newDisk(operation));
      await commit(store, 1, 0, "gone");
      await store.deleteGroup("gone");
      for (let partition = 0; partition < 4; partition++) await commit(store, 0, partition);
      await compact(directory, disk);
      for (let partition = 0; partition < 4; partition++) {
        await commit(store, partition, partition);
      }
      disk.crashAfter(operation);
      let acknowledged = 3;
      try {
        const compacting = compact(directory, disk).then(() => compacted++);
        compacting.catch(() => {});
        for (let offset = 4; offset < 8; offset++) {
          await commit(store, offset, 3);
          acknowledged = offset;
        }
        await compacting;
        done = !disk.crashed;
      } catch (error) {
        if (!disk.crashed) throw error;
      }
      await settle();
      disk.restart();
      const again = await open(disk);
      expect([0, 1, 2].map((partition) => committed(again.store, partition))).toEqual([0, 1, 2]);
      expect([acknowledged, acknowledged + 1]).toContain(committed(again.store, 3)!);
      expect(rowsOf(again.store, "gone")).toEqual([]);
    }
    expect(compacted).toBeGreaterThan(0);
  });
});

describe("deleting", () => {
  test("a group is gone, also after a restart, and the others stay", async () => {
    const { disk, store } = await open(newDisk());
    await commit(store, 1, 0, "a");
    await commit(store, 2, 1, "a");
    await commit(store, 3, 0, "b");
    await store.deleteGroup("a");
    expect(groupsOf(store)).toEqual([{ group: "b", partitions: 1 }]);
    expect(await codeOf(() => store.deleteGroup("a"))).toBe("GROUP_NOT_FOUND");
    disk.restart();
    const again = await open(disk);
    expect(groupsOf(again.store)).toEqual([{ group: "b", partitions: 1 }]);
    expect(rowsOf(again.store, "a")).toEqual([]);
    await commit(again.store, 9, 0, "a");
    expect(committed(again.store, 0, "a")).toBe(9);
  });

  test("of many rows is written in batches, and rows not yet deleted survive a crash", async () => {
    const { disk, directory, store } = await open(newDisk());
    await directory.registry.create("wide", 1200, {});
    const wide = Array.from({ length: 1200 }, (_, partition) => ({
      topic: "wide",
      partition,
      offset: 0,
    }));
    await store.commit("a", wide);
    await commit(store, 1, 0, "b");
    const log = directory.registry.partition(OFFSETS_TOPIC, 0);
    const before = log.logEndOffset;
    await store.deleteGroup("a");
    expect(groupsOf(store)).toEqual([{ group: "b", partitions: 1 }]);
    expect(log.logEndOffset).toBe(before + 1200);
    const bytes = readAll(log.read(before, 10_000_000));
    const records: number[] = [];
    for (let at = 0; at < bytes.length; at += batchBytes(bytes, at)) {
      records.push(recordCount(bytes, at));
    }
    expect(records).toEqual([500, 500, 200]);
    disk.restart();
    expect(groupsOf((await open(disk)).store)).toEqual([{ group: "b", partitions: 1 }]);
  });

  test("a topic removes the offsets of all groups at once, and from the log afterwards", async () => {
    const { disk, directory, store } = await open(newDisk());
    await store.commit("a", [
      { topic: "orders", partition: 0, offset: 1 },
      { topic: "kept", partition: 0, offset: 2 },
    ]);
    await commit(store, 3, 0, "b");
    const log = directory.registry.partition(OFFSETS_TOPIC, 0);
    const before = log.logEndOffset;
    const deletion = directory.registry.delete("orders");
    expect(groupsOf(store)).toEqual([{ group: "a", partitions: 1 }]);
    await deletion;
    const topicId = directory.registry.find("kept")!.id;
    const expected = [
      { group: "a", topic: "kept", partition: 0, offset: 2, commitTimestamp: 5_000, topicId },
    ];
    expect(rowsOf(store, "a")).toEqual(expected);
    while (store.groupCount > 1) await settle();
    expect(log.logEndOffset).toBe(before + 2);
    disk.restart();
    const again = await open(disk);
    expect(rowsOf(again.store, "a")).toEqual(expected);
    expect(rowsOf(again.store, "b")).toEqual([]);
    await settle();
    expect(again.directory.registry.partition(OFFSETS_TOPIC, 0).logEndOffset).toBe(before + 2);
  });

  test("what a topic leaves in the log without space, or in a crash, is deleted after the next start", async () => {
    const { disk, directory, store } = await open(newDisk());
    for (let i = 0; i < 600; i++) await commit(store, 1, 0, `g${i}`);
    const end = directory.registry.partition(OFFSETS_TOPIC, 0).logEndOffset;
    disk.setCapacity(0);
    await directory.registry.delete("orders");
    while (store.groupCount > 0) await settle();
    disk.setCapacity(Number.POSITIVE_INFINITY);
    // As if the topic was created again meanwhile, and a group has committed for it.
    await fill(directory.registry, "orders", 10);
    await commit(store, 5, 0, "g7");
    disk.restart();
    const again = await open(disk);
    expect(groupsOf(again.store)).toEqual([{ group: "g7", partitions: 1 }]);
    while (again.store.groupCount > 1) await settle();
    const log = again.directory.registry.partition(OFFSETS_TOPIC, 0);
    expect(log.logEndOffset).toBe(end + 1 + 599);
    await compact(again.directory, disk);
    await commit(again.store, 6, 0, "g7");
    await compact(again.directory, disk);
    expect(log.bytes).toBeLessThan(500);
    disk.restart();
    const { store: last } = await open(disk);
    expect(last.rows(undefined, Infinity).map(({ group, offset }) => [group, offset])).toEqual([
      ["g7", 6],
    ]);
  });

  test("a commit in progress when its topic is deleted does not outlive it", async () => {
    for (let earlier = 0; earlier < 6; earlier++) {
      const { disk, directory, store } = await open(newDisk(earlier));
      for (let i = 0; i < earlier; i++) await commit(store, i);
      const late = codeOf(() => commit(store, 99));
      await directory.registry.delete("orders");
      expect([undefined, "UNKNOWN_TOPIC_ID"]).toContain(await late);
      await settle();
      expect(committed(store)).toBeUndefined();
      disk.restart();
      expect(committed((await open(disk)).store)).toBeUndefined();
    }
  });
});

describe("a topic with the name of a deleted one", () => {
  test("gets none of its commits, even without space to delete them", async () => {
    const { disk, directory, store, lines } = await open(newDisk());
    const { registry } = directory;
    await commit(store, 7);
    disk.setCapacity(0);
    await registry.delete("orders");
    expect(groupsOf(store)).toEqual([]);
    disk.setCapacity(Number.POSITIVE_INFINITY);
    await fill(registry, "orders", 10);
    expect(committed(store)).toBeUndefined();
    disk.restart();
    expect(committed((await open(disk)).store)).toBeUndefined();
    expect(lines).toEqual([]);
  });

  test("gets none if the process ended in between", async () => {
    const { disk, store } = await open(newDisk());
    await commit(store, 7);
    await store.commit("a", [{ topic: "kept", partition: 0, offset: 2 }]);
    disk.restart();
    await (await reopened(disk)).registry.delete("orders");
    disk.restart();
    const { registry } = await reopened(disk);
    const between = await storeOf(registry);
    expect(groupsOf(between)).toEqual([{ group: "a", partitions: 1 }]);
    await fill(registry, "orders", 10);
    disk.restart();
    const again = await open(disk);
    expect(committed(again.store)).toBeUndefined();
    expect(groupsOf(again.store)).toEqual([{ group: "a", partitions: 1 }]);
  });

  test("keeps its own commits, however soon it is created", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { disk, directory, store } = await open(newDisk(seed));
      await commit(store, 7);
      const deletion = directory.registry.delete("orders");
      await fill(directory.registry, "orders", 10);
      await commit(store, 3);
      await deletion;
      expect(committed(store)).toBe(3);
      disk.restart();
      expect(committed((await open(disk)).store)).toBe(3);
    }
  });

  test("gets none if nothing is flushed", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { disk, directory, store } = await open(newDisk(seed), { flush: "never" });
      await commit(store, 7);
      await directory.registry.partition(OFFSETS_TOPIC, 0).sync();
      await directory.registry.delete("orders");
      await fill(directory.registry, "orders", 10);
      disk.restart();
      expect(committed((await open(disk)).store)).toBeUndefined();
    }
  });

  test("gets none after a crash at any operation of deleting, recreating and committing", async () => {
    const seen = { old: 0, none: 0, new: 0 };
    for (let operation = 0, done = false; !done; operation++) {
      const { disk, directory, store } = await open(newDisk(operation));
      await commit(store, 7);
      await commit(store, 150);
      const old = directory.registry.find("orders")?.id;
      disk.crashAfter(operation);
      try {
        await directory.registry.delete("orders");
        await fill(directory.registry, "orders", 200);
        await commit(store, 3);
        done = !disk.crashed;
      } catch (error) {
        if (!disk.crashed) throw error;
      }
      await settle();
      disk.restart();
      const again = await open(disk);
      const now = again.directory.registry.find("orders")?.id;
      const offset = committed(again.store);
      if (now === old) {
        expect(offset).toBe(150);
        seen.old++;
      } else {
        expect([undefined, 3]).toContain(offset);
        if (done) expect(offset).toBe(3);
        if (offset === undefined) seen.none++;
        else seen.new++;
      }
    }
    expect(Math.min(seen.old, seen.none, seen.new)).toBeGreaterThan(0);
  });
});

describe("commits of an older release, which have no topic id", () => {
  /** Writes a commit as that release did, and the topic's file, too. */
  async function legacy(disk: SimulatedDisk): Promise<void> {
    const { directory, store } = await open(disk);
    await commit(store, 1);
    const encoder = new BatchEncoder();
    const key = encodeOffsetKey({ group: "billing", topic: "orders", partition: 0 });
    encoder.append(1, key, Uint8Array.fromHex("00030000000000000009ffffffff00000000000000001388"));
    await directory.registry.partition(OFFSETS_TOPIC, 0).append(encoder.finish());
    const file = '{"version":1,"name":"orders","partitions":1,"settings":{}}';
    disk.restart();
    disk.overwrite("data/topics/orders/topic.json", new TextEncoder().encode(file));
  }

  test("belong to the topic that has the name at the start", async () => {
    const disk = newDisk();
    await legacy(disk);
    const { store } = await open(disk);
    expect(store.fetch("billing", "orders", 0)).toMatchObject({
      offset: 9,
      commitTimestamp: 5_000,
    });
    disk.restart();
    expect(committed((await open(disk)).store)).toBe(9);
  });

  test("never belong to one created after that", async () => {
    const disk = newDisk();
    await legacy(disk);
    const { directory } = await open(disk);
    await directory.registry.delete("orders");
    await fill(directory.registry, "orders", 10);
    disk.restart();
    expect(committed((await open(disk)).store)).toBeUndefined();
  });
});

test("a commit past the end of a log that lost records is permanently set back to that end", async () => {
  let lost = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const { disk, directory, store } = await open(newDisk(seed), { flush: "never" });
    const orders = directory.registry.partition("orders", 0);
    await orders.append(batchOf(["not", "flushed"]));
    await commit(store, 202);
    await commit(store, 150, 0, "behind");
    await directory.registry.partition(OFFSETS_TOPIC, 0).sync();
    disk.restart();
    const again = await open(disk, { flush: "never" });
    const partition = again.directory.registry.partition("orders", 0);
    const end = partition.logEndOffset;
    expect(committed(again.store)).toBe(end);
    expect(committed(again.store, 0, "behind")).toBe(150);
    const said = `'billing' had committed offset 202 of orders-0, whose log ends at ${end}`;
    expect(again.lines.filter((line) => line.includes(said))).toHaveLength(end < 202 ? 1 : 0);
    if (end < 202) lost++;
    // The offsets that were lost are others' now: the group must not pass over them.
    await partition.append(batchOf(Array.from({ length: 10 }, () => "")));
    await partition.sync();
    disk.restart();
    expect(committed((await open(disk)).store)).toBe(end);
  }
  expect(lost).toBeGreaterThan(3);
});

test("a commit that was beyond its log when it was made stays, with its details", async () => {
  const { disk, directory, store } = await open(newDisk());
  const details = { leaderEpoch: 3, metadata: "by hand", isAhead: true };
  await store.commit("ahead", [{ topic: "orders", partition: 0, offset: 5_000, details }]);
  await store.commit("odd", [{ topic: "orders", partition: 0, offset: -5 }]);
  await compact(directory, disk);
  disk.restart();
  const again = await open(disk);
  expect(again.store.fetch("ahead", "orders", 0)).toMatchObject({ offset: 5_000, details });
  expect(committed(again.store, 0, "odd")).toBe(-5);
  expect(again.lines.filter((line) => line.includes("continues"))).toEqual([]);
});

describe("damage in the topic", () => {
  const invalid = async (directory: DataDirectory, key: string, value: Uint8Array | string) => {
    const encoder = new BatchEncoder();
    const keyBytes = key === "" ? encodeOffsetKey(BILLING) : key;
    encoder.append(1, encodeOffsetKey({ ...BILLING, group: "same batch" }), VALUE_5);
    encoder.append(1, keyBytes, value);
    encoder.append(1, encodeOffsetKey({ ...BILLING, group: "same batch, after" }), VALUE_5);
    return (await directory.registry.partition(OFFSETS_TOPIC, 0).append(encoder.finish())) + 1;
  };
  const BILLING = { group: "billing", topic: "orders", partition: 0 };
  const VALUE_5 = Uint8Array.fromHex("00030000000000000005ffffffff00000000000000001388");

  test.each([
    ["a key that can't be read", "not a key", "x"],
    ["a value that can't be read", "", "x"],
    ["value version 5", "", Uint8Array.fromHex("0005000000000000000500000000010000000000001388")],
    [
      "an offset too large",
      "",
      Uint8Array.fromHex("00037fffffffffffffffffffffff00000000000000001388"),
    ],
  ])("%s costs only that record, and is reported", async (_, key, value) => {
    const { disk, directory, store } = await open(newDisk());
    await commit(store, 1);
    const partition = directory.registry.partition(OFFSETS_TOPIC, 0);
    // A record without a key is nobody's.
    await partition.append(batchOf(["no key"]));
    const broken = await invalid(directory, key, value);
    await commit(store, 2, 0, "after it");
    disk.restart();
    disk.overwrite(
      "data/topics/orders/topic.json",
      new TextEncoder().encode('{"version":1,"name":"orders","partitions":1,"settings":{}}'),
    );
    // Only those without a topic id count for a topic without one.
    const again = await open(disk);
    expect(committed(again.store, 0, "same batch")).toBe(5);
    expect(committed(again.store, 0, "same batch, after")).toBe(5);
    expect(again.lines.filter((line) => line.includes(OFFSETS_TOPIC))).toEqual([
      expect.stringMatching(
        new RegExp(`^${OFFSETS_TOPIC}-0: record ${broken} was skipped, all others are kept: `),
      ),
    ]);
  });

  test("many invalid records are counted, not all reported", async () => {
    const { disk, directory, store } = await open(newDisk());
    await commit(store, 1);
    const encoder = new BatchEncoder();
    for (let i = 0; i < 100; i++) encoder.append(1, `not a key ${i}`, "x");
    await directory.registry.partition(OFFSETS_TOPIC, 0).append(encoder.finish());
    disk.restart();
    const { lines } = await open(disk);
    expect(lines.filter((line) => line.includes("was skipped"))).toHaveLength(10);
    expect(lines.filter((line) => line.includes("90 more records are invalid"))).toHaveLength(1);
  });

  test("nothing is acknowledged after damage: later commits survive a kill", async () => {
    const { disk, directory, store } = await open(newDisk());
    for (let i = 0; i < 20; i++) await commit(store, i, 0, `group ${i % 10}`);
    await directory.closeCleanly();
    const log = `data/topics/${OFFSETS_TOPIC}/0/00000000000000000000.log`;
    disk.flipBit(log, 8 * Math.floor((10.5 * disk.fileSize(log)!) / 20));
    const second = await open(disk);
    expect(committed(second.store, 0, "group 0")).toBe(0);
    await commit(second.store, 40, 0, "group 0");
    await second.directory.closeCleanly();
    await open(disk);
    disk.restartProcess();
    for (const restart of ["restartProcess", "restart"] as const) {
      const third = await open(disk);
      expect(committed(third.store, 0, "group 0")).toBe(40);
      for (let i = 1; i < 10; i++) expect(committed(third.store, 0, `group ${i}`)).toBe(10 + i);
      disk[restart]();
    }
  });

  test("a flipped bit in a batch costs the commits of that batch, and its position is reported", async () => {
    const { disk, directory, store } = await open(newDisk());
    const groups = Array.from({ length: 12 }, (_, i) => `group ${10 + i}`);
    for (const [i, group] of groups.entries()) await commit(store, i, 0, group);
    const log = `data/topics/${OFFSETS_TOPIC}/0/00000000000000000000.log`;
    const bytes = disk.readFile(log)!.slice();
    const size = bytes.length / 12;
    const position = 10 * size;
    await directory.closeCleanly();
    bytes[position + size - 30]! ^= 1;
    disk.overwrite(log, bytes);
    const again = await open(disk);
    for (const [i, group] of groups.entries()) {
      expect(committed(again.store, 0, group)).toBe(i === 10 ? undefined : i);
    }
    const place = `segment 00000000000000000000.log, position ${position}`;
    expect(again.lines.filter((line) => line.includes("lost"))).toEqual([
      expect.stringContaining(
        `${OFFSETS_TOPIC}-0: the commits in record 10 are lost, all others are kept: ${place}`,
      ),
    ]);
  });

  test("a long log with a damaged batch, which is not compacted, is replaced by what is left of it", async () => {
    const { disk, directory, store } = await open(newDisk());
    for (let i = 0; i < 20; i++) await commit(store, i, 0, `group ${i % 10}`);
    const key = encodeGroupKey("g", 999);
    await store.writeGroupRecords([[key, Uint8Array.of(0, 99)]]);
    await directory.closeCleanly();
    const log = `data/topics/${OFFSETS_TOPIC}/0/00000000000000000000.log`;
    disk.flipBit(log, 8 * Math.floor((10.5 * disk.fileSize(log)!) / 20));
    const damaged = await open(disk);
    const rows = damaged.store.rows(undefined, Infinity);
    const lines: string[] = [];
    for (let operation = 0, done = false; !done; operation++) {
      disk.restart();
      const { registry } = await reopened(disk);
      disk.crashAfter(operation);
      await openShort(registry, lines).catch(() => {});
      done = !disk.crashed;
      disk.restart();
      expect((await open(disk)).store.rows(undefined, Infinity)).toEqual(rows);
    }
    expect(lines.at(-1)).toBe(
      `${OFFSETS_TOPIC}-0: the damaged segments were replaced by what is left of them`,
    );
    disk.restart();
    const { store: replaced } = await open(disk);
    await commit(replaced, 50);
    disk.restart();
    const again = await open(disk);
    expect(again.lines.filter((line) => line.includes("lost"))).toEqual([]);
    expect(rowsOf(again.store, "group 3")).toHaveLength(1);
    expect(again.store.rows(undefined, Infinity)).toHaveLength(rows.length + 1);
    expect(again.store.groupRecords.get("g", key)).toEqual(Buffer.of(0, 99));
    await compact(again.directory, disk);
  });
});

test("a commit of many partitions encodes the names of group and topic a few times, and is read back", async () => {
  const disk = newDisk();
  const { directory, store } = await open(disk);
  await directory.registry.create("wide", 1_000, {});
  const wide = Array.from({ length: 1_000 }, (_, partition) => ({
    topic: "wide",
    partition,
    offset: 0,
  }));
  const encode = spyOn(TextEncoder.prototype, "encode");
  await store.commit("a group", [...wide, { topic: "orders", partition: 0, offset: 7 }]);
  const encoded = encode.mock.calls.filter(([text]) => text === "a group").length;
  encode.mockRestore();
  expect(encoded).toBeLessThan(10);
  const rows = (from: OffsetStore) =>
    from
      .rows(undefined, 2_000)
      .map(({ topic, partition, offset }) => `${topic}-${partition}: ${offset}`);
  const expected = [
    "orders-0: 7",
    ...wide.map(({ topic, partition }) => `${topic}-${partition}: 0`),
  ];
  expect(rows(store)).toEqual(expected);
  await directory.closeCleanly();
  expect(rows((await open(disk)).store)).toEqual(expected);
});

test("long commits that share a flush enter the table in order, each in its own turn", async () => {
  const { directory, store } = await open(newDisk());
  await directory.registry.create("wide", 1_000, {});
  await store.commit("g", [{ topic: "kept", partition: 0, offset: 1 }]);
  const wide = Array.from({ length: 1_000 }, (_, partition) => ({
    topic: "wide",
    partition,
    offset: 0,
  }));
  let turns = 0;
  const next = (): void => {
    turns++;
    turn = setImmediate(next);
  };
  let turn = setImmediate(next);
  const answered: { name: string; turn: number }[] = [];
  const sent = ["a", "b", "c"].map((name) =>
    store.commit(name, wide).then(() => void answered.push({ name, turn: turns })),
  );
  const small = store
    .commit("a", [{ topic: "orders", partition: 0, offset: 3 }])
    .then(() => void answered.push({ name: "small", turn: turns }));
  await Promise.all([...sent, small]);
  clearImmediate(turn);
  expect(answered.map(({ name }) => name)).toEqual(["a", "b", "c", "small"]);
  expect(new Set(answered.slice(0, 3).map((each) => each.turn)).size).toBe(3);
  expect(store.fetch("a", "orders", 0)?.offset).toBe(3);
});
