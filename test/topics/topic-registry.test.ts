// Topics exist completely or not at all, under names that can't leave their directory.
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import type { AppendFile } from "../../src/log/disk/disk.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import { firstTopicId, readTopicFile } from "../../src/topics/topic-file.js";
import { TopicRegistry } from "../../src/topics/topic-registry.js";
import { batchOf, codeOf, recordsFrom, settle } from "../support/log-fixture.js";
import {
  contextOf,
  crashEverywhere,
  DIRECTORY_ID,
  newDisk,
  open,
  TOPICS,
  UNKNOWN,
} from "../support/registry-fixture.js";
import { systemError } from "../support/simulated-disk.js";
import { withTempDir } from "../support/tmp.js";
import { until } from "../support/until.js";

describe("names", () => {
  test.each([
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "/",
    "a\\b",
    "a\0b",
    "a b",
    "a\n",
    "é",
    "日本",
    "+c-a",
    "a:b",
    "a".repeat(250),
  ])("%j is refused, and nothing is created", (name) =>
    withTempDir(async (path) => {
      const directory = `${path}/data/topics`;
      mkdirSync(directory, { recursive: true });
      const registry = await TopicRegistry.open(contextOf(new RealDisk(), { directory }), UNKNOWN);
      expect(await codeOf(() => registry.create(name, 1, {}))).toBe("INVALID_TOPIC");
      expect(await codeOf(() => registry.ensure(name))).toBe("INVALID_TOPIC");
      expect(registry.list()).toEqual([]);
      expect(readdirSync(directory)).toEqual([]);
      expect(readdirSync(`${path}/data`)).toEqual(["topics"]);
      expect(readdirSync(path)).toEqual(["data"]);
    }),
  );

  test.each(["a", "...", ".a", "A-b_c.9", "-", "__proto__", "constructor", "a".repeat(249)])(
    "%j is a valid topic, on the real disk too, and after a restart",
    (name) =>
      withTempDir(async (directory) => {
        const disk = new RealDisk();
        const registry = await TopicRegistry.open(contextOf(disk, { directory }), UNKNOWN);
        expect(registry.find(name)).toBeUndefined();
        const topic = await registry.create(name, 1, {});
        await topic.online[0]!.append(batchOf(["v"]));
        await registry.closeCleanly();
        const again = await TopicRegistry.open(contextOf(disk, { directory }), UNKNOWN);
        expect(again.find(name)?.online[0]?.highWatermark).toBe(1);
        await again.delete(name);
        await until(() => readdirSync(directory).length === 0);
      }),
  );

  test("the error says why", async () => {
    const registry = await open(await newDisk());
    expect(registry.create("a/b", 1, {})).rejects.toThrow(
      `"a/b" can't be a topic name: it has a character outside a-z A-Z 0-9 . _ -`,
    );
    expect(registry.create("x".repeat(250), 1, {})).rejects.toThrow("it has 250 characters");
  });
});

describe("creating", () => {
  test("0 partitions means the default; other numbers are checked", async () => {
    const registry = await open(await newDisk());
    expect((await registry.create("default", 0, {})).partitions.length).toBe(3);
    expect((await registry.create("five", 5, {})).partitions.length).toBe(5);
    for (const partitions of [-1, 1.5, Number.NaN, 10_001, 2 ** 32]) {
      expect(await codeOf(() => registry.create("t", partitions, {}))).toBe("INVALID_PARTITIONS");
    }
    expect(registry.list().map((topic) => topic.name)).toEqual(["default", "five"]);
  });

  test("a name that is in use, or being created, is rejected", async () => {
    const registry = await open(await newDisk());
    const first = registry.create("a", 1, {});
    expect(await codeOf(() => registry.create("a", 1, {}))).toBe("TOPIC_ALREADY_EXISTS");
    await first;
    expect(await codeOf(() => registry.create("a", 1, {}))).toBe("TOPIC_ALREADY_EXISTS");
  });

  test("ensure finds a topic, waits for its creation, or creates it", async () => {
    const registry = await open(await newDisk());
    const [one, other] = await Promise.all([registry.ensure("a"), registry.ensure("a")]);
    expect(one).toBe(other);
    expect(await registry.ensure("a")).toBe(one);
    const strict = await TopicRegistry.open(
      contextOf(await newDisk(), { autoCreateTopics: false }),
      UNKNOWN,
    );
    expect(await codeOf(() => strict.ensure("a"))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  });

  test("errors name the missing topic or partition", async () => {
    const registry = await open(await newDisk());
    await registry.create("a", 2, {});
    expect(registry.partition("a", 1).name).toBe("a-1");
    expect(() => registry.partition("b", 0)).toThrow("topic 'b' does not exist");
    expect(() => registry.partition("a", 2)).toThrow(
      "topic 'a' has no partition 2; its partitions are 0 to 1",
    );
    expect(() => registry.partition("a", -1)).toThrow("no partition -1");
    expect(await codeOf(() => registry.delete("b"))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  });

  test("settings survive a restart and are applied", async () => {
    const disk = await newDisk();
    const registry = await open(disk);
    const settings = {
      "segment.bytes": "1024",
      "retention.ms": "-1",
      "segment.ms": "60000",
      "retention.bytes": "0",
    };
    await registry.create("a", 1, settings);
    disk.restart();
    const again = await open(disk);
    expect(again.find("a")?.settings).toEqual(settings);
    for (let i = 0; i < 5; i++) await again.partition("a", 0).append(batchOf(["x".repeat(600)]));
    expect(again.partition("a", 0).describe().segments).toBe(5);
    await again.alterSettings("a", { ...settings, "cleanup.policy": "compact" });
    expect(await again.applyRetention()).toBe(0);
    await again.alterSettings("a", { ...settings, "cleanup.policy": "compact,delete" });
    expect(await again.applyRetention()).toBe(4);
  });

  test("a setting that the broker's new options prevent is kept, and reported at the start", async () => {
    const disk = await newDisk();
    const registry = await open(disk);
    await registry.create("a", 1, { "flush.messages": "1", "segment.ms": "5" });
    disk.restart();
    const context = contextOf(disk, { flush: { kind: "never" } });
    const again = await TopicRegistry.open(context, UNKNOWN);
    expect(again.find("a")?.settings).toMatchObject({ "flush.messages": "1" });
    expect(context.lines).toEqual([
      "topic 'a': flush.messages=1 has no effect: this broker flushes less often (--flush never)",
    ]);
  });

  test.each([
    [{ "segment.size": "1024" }, "Unknown topic config name: segment.size"],
    [{ toString: "1" }, "Unknown topic config name: toString"],
    [
      { "segment.bytes": "1023" },
      "Invalid value 1023 for configuration segment.bytes: Value must be at least 1024",
    ],
    [{ "compression.type": "zstd" }, "compression.type: this broker supports only producer"],
    [
      { "max.message.bytes": "20001" },
      "a request of this broker has room for a batch of 20000 bytes",
    ],
  ])("settings %j are refused", async (settings, message) => {
    const context = { ...contextOf(await newDisk()), batchBytesHighest: 20_000 };
    const registry = await TopicRegistry.open(context, UNKNOWN);
    const refusal = registry.create("a", 1, settings as unknown as Record<string, string>);
    expect(await codeOf(() => refusal)).toBe("INVALID_CONFIG");
    expect(refusal).rejects.toThrow(message);
  });

  test("on a disk that is full at any byte, creation fails, leaves nothing, and later succeeds", async () => {
    for (let room = 0; room < 150; room++) {
      const disk = await newDisk();
      const registry = await open(disk);
      disk.setCapacity(room);
      const code = await codeOf(() => registry.create("a", 2, {}));
      if (code === undefined) break;
      expect(code).toBe("DISK_FULL");
      expect(registry.find("a")).toBeUndefined();
      expect(disk.list(TOPICS)).toEqual([]);
      disk.setCapacity(Number.POSITIVE_INFINITY);
      await registry.create("a", 1, {});
      disk.restart();
      expect((await open(disk)).find("a")?.partitions.length).toBe(1);
    }
  });

  test("too many open files at any operation is a temporary error, and every descriptor is closed", () =>
    withTempDir(async (path) => {
      let left = Number.POSITIVE_INFINITY;
      class FewFilesDisk extends RealDisk {
        override openAppend(path: string): AppendFile {
          if (left-- <= 0) throw systemError("EMFILE", `open ${path}`);
          return super.openAppend(path);
        }

        override createAppend(path: string): AppendFile {
          if (left-- <= 0) throw systemError("EMFILE", `open ${path}`);
          return super.createAppend(path);
        }
      }
      const directory = `${path}/topics`;
      mkdirSync(directory);
      const registry = await TopicRegistry.open(
        contextOf(new FewFilesDisk(), { directory }),
        UNKNOWN,
      );
      const descriptors = () => readdirSync("/proc/self/fd").length;
      const before = descriptors();
      for (left = 0; left < 5; left++) {
        const allowed = left;
        expect(await codeOf(() => registry.create("a", 5, {}))).toBe("BROKER_OVERLOADED");
        await until(() => descriptors() === before);
        expect(readdirSync(directory)).toEqual([]);
        left = allowed;
      }
      left = Number.POSITIVE_INFINITY;
      expect((await registry.create("a", 5, {})).partitions.length).toBe(5);
      await registry.delete("a");
      // A sink's descriptor is closed on another thread.
      await until(() => descriptors() === before);
    }));

  test("a file in place of a topic is not overwritten", async () => {
    const disk = await newDisk();
    disk.makeDirectory(`${TOPICS}/a/mine`);
    const context = contextOf(disk);
    const registry = await TopicRegistry.open(context, UNKNOWN);
    expect(context.lines).toEqual([
      `${TOPICS}/a has no topic.json and is not a topic; ignoring it`,
    ]);
    expect(registry.create("a", 1, {})).rejects.toThrow("exists but is not a topic; move it away");
    await settle();
    expect(disk.list(`${TOPICS}/a`)).toEqual(["mine"]);
  });
});

describe("deleting", () => {
  test("removes the records: a new topic of the same name starts empty", async () => {
    const disk = await newDisk();
    const registry = await open(disk);
    await registry.create("a", 1, {});
    await registry.partition("a", 0).append(batchOf(["old"]));
    const deleted = registry.partition("a", 0);
    const deletion = registry.delete("a");
    expect(registry.find("a")).toBeUndefined();
    const created = registry.create("a", 2, {});
    await deletion;
    const topic = await created;
    expect(topic.online.map((partition) => partition.highWatermark)).toEqual([0, 0]);
    expect(await codeOf(() => deleted.append(batchOf(["late"])))).toBe(
      "UNKNOWN_TOPIC_OR_PARTITION",
    );
    expect(disk.list(TOPICS)).toEqual(["a"]);
  });

  test("a deleted topic stays deleted after an immediate crash", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const disk = await newDisk(seed);
      const registry = await open(disk);
      await registry.create("a", 2, {});
      await registry.delete("a");
      disk.restart();
      expect((await open(disk)).list()).toEqual([]);
      expect(disk.list(TOPICS)).toEqual([]);
    }
  });
});

test("a crash at any operation of a creation leaves the whole topic or nothing", () =>
  crashEverywhere(
    async (registry) => {
      await registry.create("other", 1, {});
    },
    (registry) => registry.create("a", 2, { "segment.bytes": "2048" }),
    async (registry, done) => {
      expect(registry.find("other")?.partitions.length).toBe(1);
      const topic = registry.find("a");
      if (done) expect(topic).toBeDefined();
      if (topic !== undefined) {
        expect([topic.partitions.length, topic.settings]).toEqual([2, { "segment.bytes": "2048" }]);
      } else await registry.create("a", 2, {});
      for (const partition of registry.find("a")?.online ?? []) {
        expect(await partition.append(batchOf(["v"]))).toBe(0);
      }
    },
  ));

test("a crash at any operation of a deletion leaves the whole topic with its records or nothing", () =>
  crashEverywhere(
    async (registry) => {
      await registry.create("other", 1, {});
      const topic = await registry.create("a", 2, {});
      for (const partition of topic.online) await partition.append(batchOf(["x", "y"]));
    },
    (registry) => registry.delete("a"),
    async (registry, done) => {
      expect(registry.find("other")).toBeDefined();
      const topic = registry.find("a");
      if (done) expect(topic).toBeUndefined();
      for (const partition of topic?.online ?? []) {
        const read = (offset: number, bytesMax: number) => partition.read(offset, bytesMax);
        expect(recordsFrom(read, 0, partition.highWatermark).map((r) => r.value)).toEqual([
          "x",
          "y",
        ]);
      }
      if (topic === undefined) await registry.create("a", 1, {});
    },
  ));

describe("the id of a topic", () => {
  const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

  test("is a random UUID that survives a crash and changes when the topic is recreated", async () => {
    const disk = await newDisk();
    const registry = await open(disk);
    const { id } = await registry.create("a", 1, {});
    expect(id).toMatch(UUID);
    disk.restart();
    const again = await open(disk);
    expect(again.find("a")?.id).toBe(id);
    await again.delete("a");
    const next = await again.create("a", 1, {});
    expect(next.id).toMatch(UUID);
    expect(next.id).not.toBe(id);
    disk.restart();
    expect((await open(disk)).find("a")?.id).toBe(next.id);
  });

  test("of a topic from an older release is the same at each start, saved or not", async () => {
    const disk = await newDisk();
    await (await open(disk)).create("a", 1, {});
    disk.restart();
    const file = '{"version":1,"name":"a","partitions":1,"settings":{}}';
    disk.overwrite(`${TOPICS}/a/topic.json`, new TextEncoder().encode(file));
    const capacity = disk.usedBytes;
    disk.setCapacity(capacity);
    const id = (await open(disk)).find("a")?.id;
    expect(id).toBe(firstTopicId(DIRECTORY_ID, "a"));
    disk.restart();
    disk.setCapacity(Number.POSITIVE_INFINITY);
    expect((await open(disk)).find("a")?.id).toBe(id);
    expect(readTopicFile(disk, `${TOPICS}/a`, "a", "another directory")?.id).toBe(id);
    expect(firstTopicId(DIRECTORY_ID, "b")).not.toBe(id);
    expect(firstTopicId("another directory", "a")).not.toBe(id);
  });
});

describe("a damaged directory", () => {
  const damaged = async (content: string | undefined) => {
    const disk = await newDisk();
    const registry = await open(disk);
    await registry.create("a", 2, {});
    await registry.create("other", 1, {});
    await registry.partition("a", 1).append(batchOf(["v"]));
    await registry.partition("other", 0).append(batchOf(["v"]));
    await registry.closeCleanly();
    const bytes = content === undefined ? undefined : new TextEncoder().encode(content);
    disk.overwrite(`${TOPICS}/a/topic.json`, bytes);
    return disk;
  };

  test.each([
    ["", "data/topics/a/topic.json can't be used"],
    ["{", "data/topics/a/topic.json can't be used"],
    ["null", "it is not a JSON object"],
    ['{"version":2,"name":"a","partitions":2}', "version is 2, and this release reads 1"],
    ['{"version":1,"name":"a","partitions":2,"settings":{},"crc32b":"1"}', 'field "crc32b"'],
    [
      '{"version":1,"name":"a","partitions":3,"settings":{},"crc32c":"e3069283"}',
      "it states e3069283",
    ],
    ['{"version":1,"name":"b","partitions":2}', "its name differs from its directory"],
    ['{"version":1,"name":"a","partitions":2,"id":"7"}', 'its id "7" is not a UUID'],
    ['{"version":1,"name":"a","partitions":0}', "invalid number of partitions 0"],
    ['{"version":1,"name":"a","partitions":"x"}', "invalid number of partitions x"],
    [
      '{"version":1,"name":"a","partitions":2,"settings":{"segment.bytes":"1"}}',
      "Invalid value 1 for configuration segment.bytes",
    ],
    [undefined, "data/topics/a/topic.json is missing"],
  ])("a topic.json of %j takes its topic offline, and no other", async (content, message) => {
    const disk = await damaged(content);
    const context = contextOf(disk);
    const registry = await TopicRegistry.open(context, UNKNOWN);
    expect(registry.find("a")?.offline.map(({ name }) => name)).toEqual(["a-0", "a-1"]);
    expect(await codeOf(() => registry.partition("a", 1))).toBe("STORAGE_ERROR");
    expect(() => registry.partition("a", 1)).toThrow(message);
    expect(context.lines).toEqual([
      expect.stringMatching(/^a-0 and 1 more of its partitions are offline: /),
    ]);
    expect(registry.partition("other", 0).highWatermark).toBe(1);
    expect(await codeOf(() => registry.create("a", 1, {}))).toBe("TOPIC_ALREADY_EXISTS");
    expect(disk.fileSize(`${TOPICS}/a/1/00000000000000000000.log`)).toBeGreaterThan(0);
    await registry.delete("a");
    expect((await registry.create("a", 1, {})).online.length).toBe(1);
    disk.restart();
    expect((await open(disk)).find("a")?.online.length).toBe(1);
  });

  test("a missing partition directory is recreated and reported", async () => {
    const disk = await newDisk();
    const registry = await open(disk);
    await registry.create("a", 2, {});
    await registry.closeCleanly();
    await disk.removeDirectory(`${TOPICS}/a/1`);
    const context = contextOf(disk);
    const again = await TopicRegistry.open(context, UNKNOWN);
    expect(context.lines).toEqual([`${TOPICS}/a/1 is missing: a-1 starts empty at offset 0`]);
    expect(await again.partition("a", 1).append(batchOf(["v"]))).toBe(0);
  });

  test("files among the topics are ignored, on the real disk too", () =>
    withTempDir(async (directory) => {
      writeFileSync(`${directory}/.DS_Store`, "x");
      mkdirSync(`${directory}/+mine`);
      mkdirSync(`${directory}/+c-half`);
      const context = contextOf(new RealDisk(), { directory });
      const registry = await TopicRegistry.open(context, UNKNOWN);
      expect(registry.list()).toEqual([]);
      expect(context.lines.length).toBe(2);
      expect(existsSync(`${directory}/+mine`)).toBe(true);
      await until(() => !existsSync(`${directory}/+c-half`));
    }));
});

test("a clean stop notes every partition, and one failure does not keep the others from closing", async () => {
  const disk = await newDisk();
  const fatal: Error[] = [];
  const context = contextOf(disk, { onFatal: (error) => fatal.push(error) });
  const registry = await TopicRegistry.open(context, UNKNOWN);
  await registry.create("a", 2, {});
  await registry.create("b", 1, {});
  await registry.partition("a", 1).append(batchOf(["v"]));
  disk.failSyncs(1);
  const clean = await registry.closeCleanly();
  expect(clean.size).toBe(2);
  expect(fatal.length).toBe(1);
});
