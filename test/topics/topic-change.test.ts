// A change of a topic is durable before it is visible, and complete or not made at all.
import { describe, expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import { readTopicFile } from "../../src/topics/topic-file.js";
import { TopicRegistry } from "../../src/topics/topic-registry.js";
import { batchOf, codeOf } from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import {
  contextOf,
  crashEverywhere,
  DIRECTORY_ID,
  newDisk,
  open,
  TOPICS,
  UNKNOWN,
} from "../support/registry-fixture.js";
import { SimulatedDisk, systemError } from "../support/simulated-disk.js";

describe("altering settings", () => {
  test("a function makes the new settings from those that earlier changes left", async () => {
    const registry = await open(await newDisk());
    await registry.create("a", 1, { "segment.ms": "5" });
    const add = (name: string, value: string) =>
      registry.alterSettings("a", (own) => ({ ...own, [name]: value }));
    await Promise.all([add("retention.ms", " 6"), add("retention.bytes", "7")]);
    const expected = { "segment.ms": "5", "retention.ms": "6", "retention.bytes": "7" };
    expect(registry.find("a")?.settings).toEqual(expected);
  });

  test("replaces the topic's own settings, in open logs and after a crash", async () => {
    const disk = await newDisk();
    const registry = await open(disk);
    const created = await registry.create("a", 2, { "segment.bytes": "1024" });
    const altered = await registry.alterSettings("a", { "retention.bytes": "0" });
    expect(altered).toEqual({ ...created, settings: { "retention.bytes": "0" } });
    expect(registry.find("a")).toBe(altered);
    for (const { index } of altered.online) {
      const append = () => registry.partition("a", index).append(batchOf(["x".repeat(600)]));
      for (let i = 0; i < 3; i++) await append();
      expect(registry.partition("a", index).describe().segments).toBe(1);
    }
    await registry.alterSettings("a", { "segment.bytes": "1024", "retention.bytes": "0" });
    for (const { index } of altered.online) {
      const append = () => registry.partition("a", index).append(batchOf(["x".repeat(600)]));
      for (let i = 0; i < 3; i++) await append();
      expect(registry.partition("a", index).describe().segments).toBe(4);
    }
    expect(await registry.applyRetention()).toBe(6);
    disk.restart();
    expect((await open(disk)).find("a")?.settings).toEqual({
      "segment.bytes": "1024",
      "retention.bytes": "0",
    });
  });

  test("a time takes effect in a log that is already old enough", async () => {
    const disk = await newDisk();
    let now = 1_000;
    const registry = await TopicRegistry.open(contextOf(disk, { now: () => now }), UNKNOWN);
    await registry.create("a", 1, {});
    await registry.partition("a", 0).append(batchOf(["v"], now));
    now += 100;
    expect(await registry.applyRetention()).toBe(0);
    await registry.alterSettings("a", { "retention.ms": "50" });
    expect(await registry.applyRetention()).toBe(1);
    await registry.partition("a", 0).append(batchOf(["v"], now));
    await registry.alterSettings("a", { "segment.ms": "50" });
    now += 100;
    await registry.partition("a", 0).append(batchOf(["v"], now));
    expect(registry.partition("a", 0).describe().segments).toBe(2);
  });

  test("is refused for an unknown topic, an invalid setting, and a damaged topic", async () => {
    const disk = await newDisk();
    const registry = await open(disk);
    expect(await codeOf(() => registry.alterSettings("a", {}))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    const topic = await registry.create("a", 1, { "segment.ms": "5" });
    expect(await codeOf(() => registry.alterSettings("a", { "segment.ms": "0" }))).toBe(
      "INVALID_CONFIG",
    );
    expect(registry.find("a")).toBe(topic);
    await registry.closeCleanly();
    disk.overwrite(`${TOPICS}/a/topic.json`, new TextEncoder().encode("{"));
    const damaged = await open(disk);
    expect(await codeOf(() => damaged.alterSettings("a", {}))).toBe("STORAGE_ERROR");
    expect(disk.readFile(`${TOPICS}/a/topic.json`)?.length).toBe(1);
  });

  test("a disk that is full at any byte leaves the old settings, in memory and on disk", async () => {
    for (let room = 0, done = false; !done; room++) {
      const disk = await newDisk();
      const registry = await open(disk);
      const topic = await registry.create("a", 1, { "segment.ms": "5" });
      disk.setCapacity(disk.usedBytes + room);
      const code = await codeOf(() => registry.alterSettings("a", { "segment.ms": "6" }));
      if (code !== undefined) {
        expect(code).toBe("DISK_FULL");
        expect(registry.find("a")).toBe(topic);
        expect(topic.logSettings.current.segmentMs).toBe(5);
      }
      done = code === undefined;
      disk.restart();
      const stored = (await open(disk)).find("a")?.settings;
      expect(stored).toEqual({ "segment.ms": done ? "6" : "5" });
      expect(room).toBeLessThan(500);
    }
  });

  test("if the directory can't be flushed, the old file is restored", async () => {
    let failures = 0;
    class FailingDisk extends SimulatedDisk {
      override async syncDirectory(path: string): Promise<void> {
        if (path !== `${TOPICS}/a` || failures === 0) return await super.syncDirectory(path);
        failures--;
        throw systemError("EIO", `fsync ${path}`);
      }
    }
    const disk = new FailingDisk(new Random(1));
    disk.makeDirectory(TOPICS);
    const context = contextOf(disk);
    const registry = await TopicRegistry.open(context, UNKNOWN);
    await registry.create("a", 1, { "segment.ms": "5" });
    const stored = () => readTopicFile(disk, `${TOPICS}/a`, "a", DIRECTORY_ID)?.settings;
    failures = 1;
    expect(registry.alterSettings("a", {})).rejects.toThrow(
      "topic 'a' was not changed: EIO: simulated, fsync data/topics/a",
    );
    await registry.alterSettings("a", { "segment.ms": "5" });
    expect([registry.find("a")?.settings, stored()]).toEqual([
      { "segment.ms": "5" },
      { "segment.ms": "5" },
    ]);
    expect(context.lines).toEqual([]);
    failures = 2;
    expect(await codeOf(() => registry.alterSettings("a", {}))).toBe("STORAGE_ERROR");
    expect(registry.find("a")?.settings).toEqual({ "segment.ms": "5" });
    expect(context.lines.join()).toContain("the next start may find either content");
  });

  test("a crash at any operation leaves the old or the new settings", () =>
    crashEverywhere(
      async (registry) => {
        await registry.create("a", 2, { "segment.ms": "5" });
        await registry.partition("a", 1).append(batchOf(["v"]));
      },
      (registry) => registry.alterSettings("a", { "segment.ms": "6" }),
      async (registry, done) => {
        const { settings, online } = registry.find("a")!;
        expect(online[1]?.highWatermark).toBe(1);
        if (done) expect(settings).toEqual({ "segment.ms": "6" });
        else expect(["5", "6"]).toContain(settings["segment.ms"]!);
        await registry.alterSettings("a", {});
      },
    ));
});

describe("adding partitions", () => {
  test("the new ones are empty and usable immediately, and the others are unchanged", async () => {
    const disk = await newDisk();
    const registry = await open(disk);
    const before = await registry.create("a", 2, { "segment.bytes": "1024" });
    await registry.partition("a", 1).append(batchOf(["v"]));
    const waiting = registry.partition("a", 1);
    let woken = 0;
    waiting.whenMoreReadable(1, 1, () => woken++);
    const after = await registry.addPartitions("a", 5);
    expect([woken, registry.partitionCount]).toEqual([0, 5]);
    expect(after.partitions.slice(0, 2)).toEqual([...before.partitions]);
    expect(after.online.map((it) => [it.index, it.highWatermark])).toEqual(
      [0, 1, 0, 0, 0].map((end, i) => [i, end]),
    );
    expect([after.id, after.settings]).toEqual([before.id, before.settings]);
    expect(registry.find("a")).toBe(after);
    await waiting.append(batchOf(["v"]));
    expect(woken).toBe(1);
    for (let i = 0; i < 3; i++) {
      await registry.partition("a", 4).append(batchOf(["x".repeat(600)]));
    }
    expect(registry.partition("a", 4).describe().segments).toBe(3);
    await registry.alterSettings("a", {});
    disk.restart();
    const again = await open(disk);
    expect(again.find("a")?.online.map((it) => it.highWatermark)).toEqual([0, 2, 0, 0, 3]);
    await again.delete("a");
    expect(again.partitionCount).toBe(0);
  });

  test("is refused for fewer, the same, too many, and unknown or damaged topics", async () => {
    const disk = await newDisk();
    const registry = await open(disk);
    expect(await codeOf(() => registry.addPartitions("a", 2))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    await registry.create("a", 3, {});
    for (const total of [-1, 0, 2, 3, 3.5, Number.NaN, 10_001]) {
      expect(await codeOf(() => registry.addPartitions("a", total))).toBe("INVALID_PARTITIONS");
    }
    expect(registry.addPartitions("a", 2)).rejects.toThrow(
      "topic 'a' can't have 2 partitions, because it has 3; expected 4 to 10000",
    );
    await registry.closeCleanly();
    expect(await codeOf(() => registry.addPartitions("a", 4))).toBe("BROKER_STOPPING");
    disk.overwrite(`${TOPICS}/a/topic.json`, undefined);
    const damaged = await open(disk);
    expect(await codeOf(() => damaged.addPartitions("a", 4))).toBe("STORAGE_ERROR");
  });

  test("counts towards the limit on partitions, and a refused addition does not", async () => {
    const admit = (partitions: number): void => {
      if (partitions > 4) throw new RustLogError("POLICY_VIOLATION", "no more than 4");
    };
    const registry = await TopicRegistry.open(contextOf(await newDisk(), { admit }), UNKNOWN);
    await registry.create("a", 1, {});
    await registry.create("b", 1, {});
    expect(await codeOf(() => registry.addPartitions("a", 4))).toBe("POLICY_VIOLATION");
    const both = await Promise.all([
      codeOf(() => registry.addPartitions("a", 3)),
      codeOf(() => registry.addPartitions("b", 2)),
    ]);
    expect(both).toEqual([undefined, "POLICY_VIOLATION"]);
    expect(registry.partitionCount).toBe(4);
  });

  test("a disk that is full at any byte leaves the topic as it was", async () => {
    for (let room = 0, done = false; !done; room++) {
      const disk = await newDisk();
      const registry = await open(disk);
      const topic = await registry.create("a", 1, {});
      const files = disk.list(`${TOPICS}/a`);
      disk.setCapacity(disk.usedBytes + room);
      const code = await codeOf(() => registry.addPartitions("a", 3));
      done = code === undefined;
      if (!done) {
        expect(code).toBe("DISK_FULL");
        expect([registry.find("a"), registry.partitionCount]).toEqual([topic, 1]);
        expect(disk.list(`${TOPICS}/a`)).toEqual(files);
        disk.setCapacity(Number.POSITIVE_INFINITY);
        await registry.addPartitions("a", 2);
      }
      disk.restart();
      expect((await open(disk)).find("a")?.partitions.length).toBe(done ? 3 : 2);
      expect(room).toBeLessThan(500);
    }
  });

  test("a crash at any operation leaves the old or the new number, and nothing else", () =>
    crashEverywhere(
      async (registry) => {
        await registry.create("a", 1, { "segment.bytes": "2048" });
        await registry.partition("a", 0).append(batchOf(["v"]));
      },
      (registry) => registry.addPartitions("a", 3),
      async (registry, done, lines, disk) => {
        expect(lines).toEqual([]);
        const { settings, online, partitions } = registry.find("a")!;
        expect(settings).toEqual({ "segment.bytes": "2048" });
        expect(partitions.length === 3 || (!done && partitions.length === 1)).toBe(true);
        expect(online.map((it) => it.highWatermark)).toEqual(
          online.map(({ index }) => (index === 0 ? 1 : 0)),
        );
        const numbers = disk.list(`${TOPICS}/a`).filter((name) => /^\d+$/.test(name));
        expect(numbers).toEqual(online.map((it) => String(it.index)));
        await registry.addPartitions("a", 4);
        for (let i = 1; i < 4; i++) {
          expect(await registry.partition("a", i).append(batchOf(["v"]))).toBe(0);
        }
      },
    ));

  test("a directory with records that topic.json does not count is reported and kept", async () => {
    const disk = await newDisk();
    const registry = await open(disk);
    await registry.create("a", 2, {});
    await registry.partition("a", 1).append(batchOf(["v"]));
    await registry.closeCleanly();
    const file = '{"version":1,"name":"a","partitions":1,"settings":{}}';
    disk.overwrite(`${TOPICS}/a/topic.json`, new TextEncoder().encode(file));
    const context = contextOf(disk);
    const again = await TopicRegistry.open(context, UNKNOWN);
    expect(context.lines).toEqual([
      "data/topics/a/1 is not served: topic.json states 1 partitions",
    ]);
    expect(again.addPartitions("a", 2)).rejects.toThrow(
      "topic 'a' was not changed: data/topics/a/1 holds files of an unknown partition; move it away",
    );
    await again.closeCleanly();
    expect(disk.list(`${TOPICS}/a/1`)).toContain("00000000000000000000.log");
  });
});

describe("changes of one topic", () => {
  test("are made one after another, in order", async () => {
    const disk = await newDisk();
    const registry = await open(disk);
    const creation = registry.create("a", 1, {});
    const changes = ["6", "7", "8"].map((ms) => registry.alterSettings("a", { "segment.ms": ms }));
    const created = await creation;
    const altered = await Promise.all(changes);
    expect(altered.map((it) => it.settings["segment.ms"])).toEqual(["6", "7", "8"]);
    expect(registry.find("a")).toBe(altered[2]);
    expect(altered[2]?.id).toBe(created.id);
    disk.restart();
    expect((await open(disk)).find("a")?.settings).toEqual({ "segment.ms": "8" });
  });

  test("a topic deleted during a change is gone, and one recreated is not changed", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const disk = await newDisk(seed);
      const registry = await open(disk);
      await registry.create("a", 1, {});
      const first = registry.alterSettings("a", { "segment.ms": "6" });
      const deletion = registry.delete("a");
      const second = codeOf(() => registry.alterSettings("a", { "segment.ms": "7" }));
      expect((await first).settings).toEqual({ "segment.ms": "6" });
      await deletion;
      expect(await second).toBe("UNKNOWN_TOPIC_OR_PARTITION");
      await registry.create("a", 1, { "segment.ms": "9" });
      expect(registry.find("a")?.settings).toEqual({ "segment.ms": "9" });
      disk.restart();
      expect((await open(disk)).find("a")?.settings).toEqual({ "segment.ms": "9" });
    }
  });

  test("a stop waits for the change under way", async () => {
    const disk = await newDisk();
    const registry = await open(disk);
    await registry.create("a", 1, {});
    const change = registry.alterSettings("a", { "segment.ms": "6" });
    await registry.closeCleanly();
    expect(readTopicFile(disk, `${TOPICS}/a`, "a", DIRECTORY_ID)?.settings).toEqual({
      "segment.ms": "6",
    });
    await change;
  });
});
