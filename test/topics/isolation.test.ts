// A fault of one partition or topic is reported with its path, and all others keep working.
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { AppendFile } from "../../src/log/disk/disk.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import { type RegistryContext, TopicRegistry } from "../../src/topics/topic-registry.js";
import { batchOf, codeOf, ENDLESS } from "../support/log-fixture.js";
import { contextOf as registryContextOf, UNKNOWN } from "../support/registry-fixture.js";
import { systemError } from "../support/simulated-disk.js";
import { withTempDir } from "../support/tmp.js";
import { until } from "../support/until.js";

const LOG = "00000000000000000000.log";

function contextOf(directory: string, others: Partial<RegistryContext> = {}) {
  return registryContextOf(new RealDisk(), { directory, defaultPartitions: 1, ...others });
}

const open = (context: RegistryContext): Promise<TopicRegistry> =>
  TopicRegistry.open(context, UNKNOWN);

/** Topics `a` (2 partitions) and `b`, with a record in each partition; closed. */
async function fill(directory: string): Promise<void> {
  const registry = await open(contextOf(directory));
  for (const [name, partitions] of [
    ["a", 2],
    ["b", 1],
  ] as const) {
    const { online } = await registry.create(name, partitions, {});
    for (const partition of online) await partition.append(batchOf(["v"]));
  }
  await registry.closeCleanly();
}

test("a partition that can't be opened is offline with a reason; the others serve, and its topic can be deleted", () =>
  withTempDir(async (directory) => {
    await fill(directory);
    rmSync(`${directory}/a/0/${LOG}`);
    mkdirSync(`${directory}/a/0/${LOG}`);
    const context = contextOf(directory);
    const registry = await open(context);
    const reason = registry.find("a")?.offline[0]?.offline ?? "";
    expect(reason).toContain(`${directory}/a/0`);
    expect(context.lines).toEqual([
      `a-0 is offline: ${reason}; fix this and restart the broker, or delete the topic`,
    ]);
    expect(await codeOf(() => registry.partition("a", 0))).toBe("STORAGE_ERROR");
    expect(() => registry.partition("a", 0)).toThrow(`a-0 is offline: ${reason}`);
    expect(registry.findOnline("a", 0)).toBeUndefined();
    expect(await registry.partition("a", 1).append(batchOf(["w"]))).toBe(1);
    expect(await registry.partition("b", 0).append(batchOf(["w"]))).toBe(1);
    await registry.applyRetention();
    const clean = await registry.closeCleanly();
    expect([...clean.keys()].sort()).toEqual(["a/1", "b/0"]);
    const again = await open(contextOf(directory));
    await again.delete("a");
    expect((await again.create("a", 1, {})).online.length).toBe(1);
    await again.closeCleanly();
  }));

test("a partition holds one descriptor, and a second while its log is written", () =>
  withTempDir(async (directory) => {
    const registry = await open(contextOf(directory));
    await registry.create("a", 1, {});
    const held = (): string[] =>
      readdirSync("/proc/self/fd").flatMap((fd) => {
        try {
          const path = readlinkSync(`/proc/self/fd/${fd}`);
          return path.startsWith(directory) ? [path] : [];
        } catch {
          return []; // The descriptor of the listing itself.
        }
      });
    const log = `${directory}/a/0/${LOG}`;
    if (process.platform !== "linux") return;
    expect(held()).toEqual([log]);
    for (let i = 0; i < 20; i++) {
      await registry.partition("a", 0).append(batchOf(["v".repeat(5_000)], 1_000 + i));
    }
    // Both indexes have been saved by now, and their duplicate descriptors are closed on another thread.
    await until(() => held().length === 2);
    expect(held()).toEqual([log, log]);
    expect(statSync(`${directory}/a/0/${LOG.replace("log", "index")}`).size).toBeGreaterThan(0);
    await registry.closeCleanly();
  }));

test("too many open files are not the fault of one partition: the start fails", () =>
  withTempDir(async (directory) => {
    await fill(directory);
    let left = 1;
    class FewFilesDisk extends RealDisk {
      override openAppend(path: string): AppendFile {
        if (left-- <= 0) throw systemError("EMFILE", `open ${path}`);
        return super.openAppend(path);
      }
    }
    expect(open(contextOf(directory, { disk: new FewFilesDisk() }))).rejects.toThrow("EMFILE");
  }));

test("foreign entries in a partition and lost+found among the topics are ignored silently", () =>
  withTempDir(async (directory) => {
    await fill(directory);
    mkdirSync(`${directory}/lost+found`, { mode: 0o000 });
    mkdirSync(`${directory}/a/0/foo.tmp`);
    mkdirSync(`${directory}/a/0/foo`);
    writeFileSync(`${directory}/a/0/bar.tmp`, "x");
    const context = contextOf(directory);
    const registry = await open(context);
    expect(registry.offline).toEqual([]);
    expect(context.lines.length).toBe(2);
    expect(context.lines[0]).toContain("a-0: foo is not a log file");
    expect(context.lines[1]).toContain(`${directory}/a/0/foo.tmp can't be removed`);
    await registry.closeCleanly();
  }));

test("retention reports a failure in one partition once and continues in the others", () =>
  withTempDir(async (directory) => {
    const logDefaults = { ...ENDLESS, retentionBytes: 0 };
    const context = contextOf(directory, { logDefaults });
    const registry = await open(context);
    const roll = async (name: string): Promise<void> => {
      await registry.partition(name, 0).append(batchOf(["v"]));
      await registry.partition(name, 0).roll();
    };
    for (const name of ["a", "b"]) {
      await registry.create(name, 1, {});
      await roll(name);
      await roll(name);
    }
    rmSync(`${directory}/a/0/00000000000000000000.timeindex`);
    mkdirSync(`${directory}/a/0/00000000000000000000.timeindex`);
    const faults = () => [...registry.faults.list(() => false)].map(([, { kind }]) => kind);
    expect(await registry.applyRetention()).toBe(2);
    expect(faults()).toEqual(["retention"]);
    expect(registry.partition("b", 0).logStartOffset).toBe(2);
    await roll("b");
    expect(await registry.applyRetention()).toBe(1);
    expect(context.lines).toEqual([
      expect.stringMatching(/^a-0: old segments could not be deleted: .*timeindex/),
    ]);
    // Nothing of the partition has changed, and it continues once the cause is gone.
    expect(registry.partition("a", 0).logStartOffset).toBe(0);
    expect(registry.partition("a", 0).read(0, 1000).bytes).toBeGreaterThan(0);
    rmSync(`${directory}/a/0/00000000000000000000.timeindex`, { recursive: true });
    expect(await registry.applyRetention()).toBe(2);
    expect(faults()).toEqual([]);
    await registry.closeCleanly();
  }));
