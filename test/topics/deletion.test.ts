// A failed deletion leaves the topic unchanged, and files that can't be removed later block nothing.
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync } from "node:fs";
import type { Disk } from "../../src/log/disk/disk.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import { type RegistryContext, TopicRegistry } from "../../src/topics/topic-registry.js";
import { batchOf, codeOf, settle } from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import { contextOf as registryContextOf, TOPICS, UNKNOWN } from "../support/registry-fixture.js";
import { SimulatedDisk, systemError } from "../support/simulated-disk.js";
import { withTempDir } from "../support/tmp.js";
import { until } from "../support/until.js";

/** A disk on which renames and removals of directories fail on demand. */
class StubbornDisk extends SimulatedDisk {
  renameFault: string | undefined;
  removalFault: string | undefined;

  constructor() {
    super(new Random(1));
    this.makeDirectory(TOPICS);
  }

  override rename(from: string, to: string): void {
    if (this.renameFault !== undefined) throw systemError(this.renameFault, `rename ${from}`);
    super.rename(from, to);
  }

  override async removeDirectory(path: string): Promise<void> {
    if (this.removalFault !== undefined) {
      throw systemError(this.removalFault, `unlink ${path}/0/file`);
    }
    await super.removeDirectory(path);
  }
}

function contextOf(disk: Disk, others: Partial<RegistryContext> = {}) {
  return registryContextOf(disk, { defaultPartitions: 1, ...others });
}

const open = (context: RegistryContext): Promise<TopicRegistry> =>
  TopicRegistry.open(context, UNKNOWN);

describe("a directory that can't be renamed", () => {
  test.each([
    ["EBUSY", "STORAGE_ERROR", "is a mount point"],
    ["EACCES", "STORAGE_ERROR", "write permission on the parent directory"],
    ["EPERM", "STORAGE_ERROR", "immutable flag"],
    ["EROFS", "STORAGE_ERROR", "make the file system writable"],
    ["ENOSPC", "DISK_FULL", "free space on the disk"],
  ])("%s: the topic is unchanged, and the error says what to do", async (fault, code, advice) => {
    const disk = new StubbornDisk();
    const registry = await open(contextOf(disk));
    await registry.create("a", 2, {});
    await registry.partition("a", 1).append(batchOf(["before"]));
    disk.renameFault = fault;
    expect(await codeOf(() => registry.delete("a"))).toBe(code);
    expect(registry.delete("a")).rejects.toThrow(
      `topic 'a' was not deleted and is still in use: ${TOPICS}/a could not be renamed: ${fault}`,
    );
    expect(registry.delete("a")).rejects.toThrow(advice);
    expect(await registry.partition("a", 1).append(batchOf(["after"]))).toBe(1);
    expect(await codeOf(() => registry.create("a", 1, {}))).toBe("TOPIC_ALREADY_EXISTS");
    disk.renameFault = undefined;
    await registry.delete("a");
    expect(registry.find("a")).toBeUndefined();
  });
});

describe("a directory that can't be removed", () => {
  test("is reported once with its path; the name is free, and other topics are created and deleted", async () => {
    const disk = new StubbornDisk();
    const context = contextOf(disk);
    const registry = await open(context);
    await registry.create("a", 1, {});
    await registry.create("b", 1, {});
    disk.removalFault = "EPERM";
    await registry.delete("a");
    await settle();
    expect(context.lines).toEqual([
      expect.stringMatching(/^data\/topics\/\+d-0, .* could not be removed: EPERM/),
    ]);
    disk.removalFault = undefined;
    await registry.create("a", 1, {});
    await registry.delete("a");
    await registry.delete("b");
    await settle();
    expect(disk.list(TOPICS)).toEqual(["+d-0"]);
    expect(context.lines.length).toBe(1);
  });

  test("does not keep a broker from starting, which tries again and reports it again", async () => {
    const disk = new StubbornDisk();
    const registry = await open(contextOf(disk));
    await registry.create("a", 1, {});
    await registry.create("b", 1, {});
    disk.removalFault = "EPERM";
    await registry.delete("a");
    await registry.closeCleanly();
    disk.restartProcess();
    const context = contextOf(disk);
    const again = await open(context);
    await settle();
    expect(again.list().map(({ name }) => name)).toEqual(["b"]);
    expect(context.lines.length).toBe(1);
    disk.removalFault = undefined;
    await again.delete("b");
    await settle();
    expect(disk.list(TOPICS)).toEqual(["+d-0"]);
    await open(contextOf(disk));
    await settle();
    expect(disk.list(TOPICS)).toEqual([]);
  });
});

test("a roll during the deletion of its topic is not a disk failure", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const disk = new SimulatedDisk(new Random(seed));
    disk.makeDirectory(TOPICS);
    const context = contextOf(disk);
    const registry = await open(context);
    await registry.create("a", 1, {});
    const partition = registry.partition("a", 0);
    await partition.append(batchOf(["v"]));
    const roll = codeOf(() => partition.roll());
    for (let turns = seed % 15; turns > 0; turns--) await Promise.resolve();
    await registry.delete("a");
    expect([undefined, "UNKNOWN_TOPIC_OR_PARTITION"]).toContain(await roll);
    expect(context.lines).toEqual([]);
  }
});

test("retention during the deletion of its topic does not touch the next topic of that name", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const disk = new SimulatedDisk(new Random(seed));
    disk.makeDirectory(TOPICS);
    const context = contextOf(disk);
    const registry = await open(context);
    await registry.create("a", 1, { "retention.bytes": "0" });
    const old = registry.partition("a", 0);
    for (let i = 0; i < 4; i++) {
      await old.append(batchOf(["v"]));
      await old.roll();
    }
    const retention = registry.applyRetention();
    for (let turns = seed % 7; turns > 0; turns--) await Promise.resolve();
    const deletion = registry.delete("a");
    const topic = await registry.create("a", 1, {});
    await topic.online[0]!.append(batchOf(["new"]));
    await Promise.all([retention, deletion]);
    await settle();
    expect(context.lines).toEqual([]);
    expect(disk.fileSize(`${TOPICS}/a/0/00000000000000000000.log`)).toBeGreaterThan(0);
  }
});

test("a topic or partition behind a symbolic link is deleted with its data", () =>
  withTempDir(async (path) => {
    const directory = `${path}/topics`;
    mkdirSync(directory);
    const context = contextOf(new RealDisk(), { directory });
    const registry = await open(context);
    for (const name of ["whole", "parts"]) {
      await registry.create(name, 2, {});
      await registry.partition(name, 1).append(batchOf(["v"]));
    }
    await registry.closeCleanly();
    const move = (from: string, to: string): void => {
      renameSync(`${directory}/${from}`, `${path}/${to}`);
      symlinkSync(`${path}/${to}`, `${directory}/${from}`);
    };
    move("whole", "volume-a");
    move("parts/1", "volume-b");
    const again = await open(contextOf(new RealDisk(), { directory }));
    expect(again.partition("whole", 1).highWatermark).toBe(1);
    await again.delete("whole");
    await again.delete("parts");
    await until(() => readdirSync(directory).length === 0);
    for (const target of ["volume-a", "volume-b"]) {
      expect(existsSync(`${path}/${target}`) ? readdirSync(`${path}/${target}`) : []).toEqual([]);
    }
  }));
