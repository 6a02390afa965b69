// Committed offsets: durable when they are acknowledged, all of a commit or nothing, and compaction that
// nobody sees.
import { describe, expect, test } from "bun:test";
import {
  OFFSETS_TOPIC,
  OffsetStore,
  type OffsetStoreContext,
} from "../../src/offsets/offset-store.ts";
import { BatchEncoder } from "../../src/record/encoder.ts";
import { DataDirectory } from "../../src/topics/data-directory.ts";
import type { TopicRegistry } from "../../src/topics/topic-registry.ts";
import { batchOf, codeOf, ENDLESS, settle } from "../support/log-fixture.ts";
import { Random } from "../support/random.ts";
import { SimulatedDisk } from "../support/simulated-disk.ts";

interface Opened {
  readonly disk: SimulatedDisk;
  readonly directory: DataDirectory;
  readonly store: OffsetStore;
  readonly lines: string[];
}

type Options = Partial<Pick<OffsetStoreContext, "mode" | "compaction">> & {
  readonly flush?: "always" | "never";
};

/** Compacts nearly always: once the log has some five records for each row. */
const EAGER = { bytesMin: 600, bytesPerRow: 600 };

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
  { mode = "durable", compaction }: Options = {},
  report: (line: string) => void = () => {},
): Promise<OffsetStore> {
  const threshold = compaction && { compaction };
  return OffsetStore.open({ registry, mode, now: () => 5_000, report, ...threshold });
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

const commit = (
  store: OffsetStore,
  offset: number,
  partition = 0,
  group = "billing",
): Promise<void> => store.commit(group, [{ topic: "orders", partition, offset }]);

const committed = (store: OffsetStore, partition = 0, group = "billing"): number | undefined =>
  store.fetch(group, "orders", partition)?.offset;

describe("committing", () => {
  test("what is acknowledged is there after a crash, with its time", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { disk, store } = await open(newDisk(seed));
      await commit(store, 7);
      await commit(store, 9, 1);
      disk.restart();
      const again = await open(disk);
      expect(again.store.fetch("billing", "orders", 0)).toEqual({
        offset: 7,
        commitTimestamp: 5_000,
      });
      expect(committed(again.store, 1)).toBe(9);
      expect(again.store.groups()).toEqual([{ group: "billing", partitions: 2 }]);
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

  test("the offset may go back: what counts is the last commit", async () => {
    const { disk, store } = await open(newDisk());
    for (const offset of [5, 9, 3]) await commit(store, offset);
    disk.restart();
    expect(committed((await open(disk)).store)).toBe(3);
  });

  test("commits at once, the first ones of all, end as the last of them, before and after a restart", async () => {
    const { disk, store } = await open(newDisk());
    await Promise.all([1, 2, 3, 4, 5].map((offset) => commit(store, offset)));
    const before = committed(store);
    disk.restart();
    expect(committed((await open(disk)).store)).toBe(before!);
  });

  test("a commit of nothing writes nothing", async () => {
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
      settings: { "retention.ms": "-1", "retention.bytes": "-1" },
    });
    expect(topic?.partitions.length).toBe(1);
  });

  test.each(["", "x".repeat(250), "é".repeat(125)])("group %j is refused", async (group) => {
    const { store } = await open(newDisk());
    expect(await codeOf(() => commit(store, 1, 0, group))).toBe("INVALID_GROUP");
    expect(store.groups()).toEqual([]);
  });

  test("groups of 1 and of 249 bytes are possible", async () => {
    const { store } = await open(newDisk());
    for (const group of ["x", "é".repeat(124)]) {
      await commit(store, 1, 0, group);
      expect(committed(store, 0, group)).toBe(1);
    }
  });

  test("a full disk is an error, changes nothing, and passes", async () => {
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

  test("a full disk at the very first commit is an error, and passes", async () => {
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

test("a crash at every operation, and torn at random, of a commit of many: all of it or nothing", async () => {
  const many = Array.from({ length: 40 }, (_, partition) => ({
    topic: "orders",
    partition,
    offset: 100 + partition,
  }));
  let seen = { before: 0, after: 0 };
  for (let seed = 1; seed <= 25; seed++) {
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
      const offsets = again.describe("billing")?.map((row) => row.offset);
      const after = offsets?.[0] !== 1;
      expect(offsets).toEqual(many.map((entry) => (after ? entry.offset : 1)));
      if (done) expect(after).toBe(true);
      seen = { before: seen.before + (after ? 0 : 1), after: seen.after + (after ? 1 : 0) };
    }
  }
  expect(Math.min(seen.before, seen.after)).toBeGreaterThan(5);
});

describe("compaction", () => {
  test("keeps the log short, and every committed offset", async () => {
    const { disk, directory, store } = await open(newDisk(), { compaction: EAGER });
    for (let offset = 0; offset < 200; offset++) await commit(store, offset, offset % 3);
    await settle();
    const partition = directory.registry.partition(OFFSETS_TOPIC, 0);
    expect(partition.logStartOffset).toBeGreaterThan(100);
    expect(partition.bytes).toBeLessThan(5_000);
    const rows = store.describe("billing");
    expect(rows?.map((row) => row.offset)).toEqual([198, 199, 197]);
    disk.restart();
    const again = await open(disk, { compaction: EAGER });
    expect(again.store.describe("billing")).toEqual(rows!);
  });

  test("does not happen below its threshold", async () => {
    const { directory, store } = await open(newDisk());
    for (let offset = 0; offset < 100; offset++) await commit(store, offset);
    await settle();
    expect(directory.registry.partition(OFFSETS_TOPIC, 0).logStartOffset).toBe(0);
  });

  test("commits that come during it are kept, in their order", async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = new Random(seed);
      const { disk, store, lines } = await open(newDisk(seed), { compaction: EAGER });
      disk.slowPushes = 0.2;
      const last = new Map<number, number>();
      const commits: Promise<void>[] = [];
      for (let offset = 0; offset < 80; offset++) {
        const partition = random.below(4);
        last.set(partition, offset);
        commits.push(commit(store, offset, partition));
        if (random.chance(0.3)) await settle();
      }
      await Promise.all(commits);
      await settle();
      for (const [partition, offset] of last) expect(committed(store, partition)).toBe(offset);
      disk.restart();
      const again = await open(disk);
      for (const [partition, offset] of last)
        expect(committed(again.store, partition)).toBe(offset);
      expect(lines.filter((line) => line.includes("could not"))).toEqual([]);
    }
  });

  test("a crash at every operation of it loses no commit, and brings none back that was deleted", async () => {
    const soon = { bytesMin: 900, bytesPerRow: 1 };
    let compacted = 0;
    for (let seed = 1; seed <= 8; seed++) {
      for (let operation = 0; operation < 70; operation++) {
        const { disk, store, directory } = await open(newDisk(1_000 * seed + operation), {
          compaction: soon,
        });
        await commit(store, 1, 0, "gone");
        await store.deleteGroup("gone");
        for (let partition = 0; partition < 4; partition++)
          await commit(store, partition, partition);
        // The next commit begins the compaction, which goes on by itself.
        disk.crashAfter(operation);
        let acknowledged = 3;
        try {
          for (let offset = 4; offset < 8; offset++) {
            await commit(store, offset, 3);
            acknowledged = offset;
          }
          await settle();
          if (directory.registry.partition(OFFSETS_TOPIC, 0).logStartOffset > 0) compacted++;
        } catch (error) {
          if (!disk.crashed) throw error;
        }
        await settle();
        disk.restart();
        const again = await open(disk, { compaction: soon });
        expect([0, 1, 2].map((partition) => committed(again.store, partition))).toEqual([0, 1, 2]);
        expect([acknowledged, acknowledged + 1]).toContain(committed(again.store, 3)!);
        expect(again.store.describe("gone")).toBeUndefined();
        await commit(again.store, 50);
        expect(committed(again.store)).toBe(50);
      }
    }
    expect(compacted).toBeGreaterThan(10);
  });

  test("is durable before what it replaces is deleted, also where nothing is flushed", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { disk, directory, store } = await open(newDisk(seed), {
        compaction: { bytesMin: 900, bytesPerRow: 1 },
        flush: "never",
      });
      for (let partition = 0; partition < 4; partition++) await commit(store, 7, partition);
      while (directory.registry.partition(OFFSETS_TOPIC, 0).logStartOffset === 0) {
        await commit(store, 8, 4);
        await settle();
      }
      disk.restart();
      const again = await open(disk);
      for (let partition = 0; partition < 4; partition++) {
        expect(committed(again.store, partition)).toBe(7);
      }
    }
  });

  test("with no space for it the log stays as it is, and the next commits go on", async () => {
    const { disk, store, lines } = await open(newDisk(), { compaction: EAGER });
    for (let offset = 0; offset < 5; offset++) await commit(store, offset);
    disk.setCapacity(disk.usedBytes + 140);
    await codeOf(() => commit(store, 5));
    await settle();
    disk.setCapacity(Number.POSITIVE_INFINITY);
    for (let offset = 6; offset < 12; offset++) await commit(store, offset);
    await settle();
    expect(committed(store)).toBe(11);
    expect(lines.every((line) => line.includes(OFFSETS_TOPIC))).toBe(true);
    disk.restart();
    expect(committed((await open(disk)).store)).toBe(11);
  });

  test("a stop in the middle of it is a clean stop, and says nothing", async () => {
    const { disk, directory, store, lines } = await open(newDisk(), { compaction: EAGER });
    for (let offset = 0; offset < 7; offset++) await commit(store, offset);
    await directory.closeCleanly();
    await settle();
    expect(lines).toEqual([]);
    const again = await open(disk);
    expect(again.directory.wasClean).toBe(true);
    expect(committed(again.store)).toBe(6);
  });

  test("a failed flush in it is fatal, as any other is", async () => {
    const { disk, directory, store } = await open(newDisk(), { compaction: EAGER, flush: "never" });
    for (let offset = 0; offset < 5; offset++) await commit(store, offset);
    disk.failSyncs(1);
    for (let offset = 5; offset < 12; offset++) await commit(store, offset).catch(() => {});
    await settle();
    expect(directory.registry.partition(OFFSETS_TOPIC, 0).closed).toBe(true);
    expect(await codeOf(() => commit(store, 99))).toBe("STORAGE_ERROR");
  });
});

describe("deleting", () => {
  test("a group is gone, also after a restart, and the others stay", async () => {
    const { disk, store } = await open(newDisk());
    await commit(store, 1, 0, "a");
    await commit(store, 2, 1, "a");
    await commit(store, 3, 0, "b");
    await store.deleteGroup("a");
    expect(store.groups()).toEqual([{ group: "b", partitions: 1 }]);
    expect(await codeOf(() => store.deleteGroup("a"))).toBe("GROUP_NOT_FOUND");
    disk.restart();
    const again = await open(disk);
    expect(again.store.groups()).toEqual([{ group: "b", partitions: 1 }]);
    expect(again.store.describe("a")).toBeUndefined();
    await commit(again.store, 9, 0, "a");
    expect(committed(again.store, 0, "a")).toBe(9);
  });

  test("a topic takes the offsets of all groups along, also after a restart", async () => {
    const { disk, store } = await open(newDisk());
    await store.commit("a", [
      { topic: "orders", partition: 0, offset: 1 },
      { topic: "kept", partition: 0, offset: 2 },
    ]);
    await commit(store, 3, 0, "b");
    await store.deleteTopic("orders");
    await store.deleteTopic("never seen");
    const expected = [
      { group: "a", topic: "kept", partition: 0, offset: 2, commitTimestamp: 5_000 },
    ];
    expect(store.describe("a")).toEqual(expected);
    disk.restart();
    const again = await open(disk);
    expect(again.store.describe("a")).toEqual(expected);
    expect(again.store.describe("b")).toBeUndefined();
  });

  test("what a crash left of a topic that was deleted is forgotten, for good", async () => {
    const { disk, store } = await open(newDisk());
    await commit(store, 7);
    await store.commit("a", [{ topic: "kept", partition: 0, offset: 2 }]);
    disk.restart();
    // No store is there: as if the process had ended before the offsets could be deleted.
    await (await reopened(disk)).registry.delete("orders");
    disk.restart();
    const registry = (await reopened(disk)).registry;
    expect(registry.find("orders")).toBeUndefined();
    const between = await storeOf(registry);
    expect(between.groups()).toEqual([{ group: "a", partitions: 1 }]);
    disk.restart();
    const again = await open(disk);
    expect(committed(again.store)).toBeUndefined();
    expect(again.store.groups()).toEqual([{ group: "a", partitions: 1 }]);
  });

  test("a commit that is under way when its topic is deleted does not outlive it", async () => {
    for (const compaction of [undefined, { bytesMin: 1, bytesPerRow: 1 }]) {
      for (let earlier = 0; earlier < 6; earlier++) {
        const { disk, store } = await open(newDisk(earlier), compaction && { compaction });
        for (let i = 0; i < earlier; i++) await commit(store, i);
        // With an eager compaction the commit waits for it, and is not even begun.
        const late = commit(store, 99);
        await store.deleteTopic("orders");
        await late;
        await settle();
        expect(committed(store)).toBeUndefined();
        disk.restart();
        expect(committed((await open(disk)).store)).toBeUndefined();
      }
    }
  });
});

describe("a topic that has the name of one that was deleted", () => {
  test("gets no commit of it, also when there was no space to delete them", async () => {
    const { disk, directory, store, lines } = await open(newDisk());
    const { registry } = directory;
    await commit(store, 7);
    disk.setCapacity(0);
    await registry.delete("orders");
    expect(lines).toEqual([expect.stringMatching(/^orders: .*could not be forgotten yet/)]);
    expect(store.groups()).toEqual([]);
    // It would find them at the next start.
    expect(await codeOf(() => registry.create("orders", 1, {}))).toBe("DISK_FULL");
    disk.setCapacity(Number.POSITIVE_INFINITY);
    await fill(registry, "orders", 10);
    disk.restart();
    expect(committed((await open(disk)).store)).toBeUndefined();
  });

  test("gets none either when the process had ended, and there was no space at the next start", async () => {
    const { disk, store } = await open(newDisk());
    await commit(store, 7);
    disk.restart();
    await (await reopened(disk)).registry.delete("orders");
    disk.restart();
    disk.setCapacity(0);
    const lines: string[] = [];
    const { registry } = await reopened(disk);
    expect((await storeOf(registry, {}, (line) => lines.push(line))).groups()).toEqual([]);
    expect(lines).toEqual([expect.stringContaining("could not be forgotten")]);
    disk.setCapacity(Number.POSITIVE_INFINITY);
    await fill(registry, "orders", 10);
    disk.restart();
    expect(committed((await open(disk)).store)).toBeUndefined();
  });

  test("keeps its own commits, however soon it comes", async () => {
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

  test("gets none where nothing is flushed", async () => {
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
});

test("a commit past the end of a log that has lost records goes back to that end, for good", async () => {
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

test("a broken record in the topic costs the commits beside it, and is named", async () => {
  const { disk, directory, store } = await open(newDisk());
  await commit(store, 1);

  const partition = directory.registry.partition(OFFSETS_TOPIC, 0);
  // A record without a key is nobody's; one with a key that is none is damage.
  await partition.append(batchOf(["no key"]));
  const encoder = new BatchEncoder();
  encoder.append(1, "not a key", "x");
  const broken = await partition.append(encoder.finish());
  await commit(store, 2, 0, "after it");
  disk.restart();
  const again = await open(disk);
  expect(committed(again.store)).toBe(1);
  expect(committed(again.store, 0, "after it")).toBe(2);
  const named = again.lines.filter((line) => line.includes(`from offset ${broken} on are lost`));
  expect(named).toHaveLength(1);
});

test("when the log of committed offsets is offline, groups get its reason, and no group seems to be new", async () => {
  const disk = newDisk();
  const { directory, store } = await open(disk);
  await commit(store, 40);
  await directory.closeCleanly();
  disk.overwrite("data/topics/__consumer_offsets/topic.json", new Uint8Array(3));
  const lines: string[] = [];
  const second = await reopened(disk, undefined, (line) => lines.push(line));
  const without = await storeOf(second.registry, {}, (line) => lines.push(line));
  expect(lines).toEqual([
    expect.stringMatching(/^__consumer_offsets-0 is offline: data.*topic.json can't be used: /),
  ]);
  for (const request of [
    () => without.fetch("billing", "orders", 0),
    () => without.checkOnline(),
    () => commit(without, 41),
    () => without.deleteGroup("billing"),
  ]) {
    expect(await codeOf(async () => request())).toBe("STORAGE_ERROR");
  }
  await second.registry.delete("kept");
  await second.registry.create("kept", 1, {});
});
