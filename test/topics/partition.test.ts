// When an append is acknowledged and readable, with flushes that a test delays, fails or runs out of space.
import { describe, expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import type { AppendFile } from "../../src/log/disk/disk.js";
import { Log } from "../../src/log/log.js";
import type { LogSettings } from "../../src/log/log-context.js";
import type { FlushPolicy } from "../../src/topics/flush-policy.js";
import { INDEX_INTERVAL_BYTES } from "../../src/limits.js";
import { Partition } from "../../src/topics/partition.js";
import {
  batchOf,
  codeOf,
  contextOf,
  DIRECTORY,
  diskWithDirectory,
  makeDurableDirectory,
  recordsFrom,
  settle,
} from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import { SimulatedDisk, systemError } from "../support/simulated-disk.js";
import { SyncGate } from "../support/sync-gate.js";
import { until } from "../support/until.js";

const ALWAYS: FlushPolicy = { kind: "always" };
const NEVER: FlushPolicy = { kind: "never" };

interface Opened {
  readonly disk: SimulatedDisk;
  readonly gate: SyncGate;
  readonly partition: Partition;
  readonly fatal: Error[];
}

async function open(
  flush: FlushPolicy = ALWAYS,
  settings: Partial<LogSettings> = {},
  onDisk?: SimulatedDisk,
): Promise<Opened> {
  const disk = onDisk ?? (await diskWithDirectory());
  const gate = new SyncGate(disk);
  const fatal: Error[] = [];
  const log = await Log.open(contextOf(disk, settings));
  const partition = new Partition({
    topic: "orders",
    index: 0,
    log,
    flush,
    onFatal: (error) => fatal.push(error),
  });
  gate.begun = 0;
  return { disk, gate, partition, fatal };
}

/** A disk for a process that may open this many more files. */
class FewFilesDisk extends SimulatedDisk {
  filesLeft = Number.POSITIVE_INFINITY;
  refused = 0;

  override openAppend(path: string): AppendFile {
    this.#take(path);
    return super.openAppend(path);
  }

  override async syncDirectory(path: string): Promise<void> {
    this.#take(path);
    await super.syncDirectory(path);
  }

  #take(path: string): void {
    if (this.filesLeft-- > 0) return;
    this.refused++;
    throw systemError("EMFILE", `open ${path}`);
  }
}

function values(partition: Partition): string[] {
  const read = (offset: number, bytesMax: number) => partition.read(offset, bytesMax);
  return recordsFrom(read, partition.logStartOffset, partition.highWatermark).map((r) => r.value);
}

/** The values that a fresh start finds on the disk. Delayed flushes are too late. */
async function valuesAfterRestart(
  { disk, gate }: Opened,
  how: "machine" | "process" = "machine",
): Promise<string[]> {
  if (how === "machine") disk.restart();
  else disk.restartProcess();
  gate.open();
  const { partition } = await open(ALWAYS, {}, disk);
  return values(partition);
}

/** The outcomes of promises, in the order they settle. */
function outcomesOf(appends: readonly Promise<number>[]): (number | string)[] {
  const outcomes: (number | string)[] = [];
  for (const append of appends) {
    append.then(
      (offset) => outcomes.push(offset),
      (error: unknown) => outcomes.push(error instanceof RustLogError ? error.code : String(error)),
    );
  }
  return outcomes;
}

describe("policy always", () => {
  test("concurrent appends share one flush, and appends during it share the next", async () => {
    const { partition, gate } = await open();
    gate.close();
    const first = Array.from({ length: 100 }, (_, i) => partition.append(batchOf([`${i}`])));
    await settle();
    expect(gate.begun).toBe(1);
    const second = Array.from({ length: 100 }, (_, i) => partition.append(batchOf([`${100 + i}`])));
    await settle();
    expect(gate.begun).toBe(1);
    gate.open();
    expect(await Promise.all([...first, ...second])).toEqual(
      Array.from({ length: 200 }, (_, i) => i),
    );
    expect(gate.begun).toBe(2);
  });

  test("appends during a flush are written, but neither readable nor acknowledged", async () => {
    const { partition, disk, gate } = await open();
    const path = `${DIRECTORY}/00000000000000000000.log`;
    gate.close();
    void partition.append(batchOf(["first"]));
    await settle();
    const bytes = disk.fileSize(path) ?? 0;
    const later = outcomesOf([partition.append(batchOf(["second"]))]);
    await settle();
    expect(disk.fileSize(path)).toBeGreaterThan(bytes);
    expect([partition.logEndOffset, partition.highWatermark, later]).toEqual([2, 0, []]);
  });

  test("an append is acknowledged after the flush that covers it, not after an earlier one", async () => {
    const { partition, gate } = await open();
    gate.close();
    const outcomes = outcomesOf([partition.append(batchOf(["first"]))]);
    await settle();
    const later = outcomesOf([partition.append(batchOf(["second"]))]);
    await settle();
    expect([outcomes, later]).toEqual([[], []]);
    gate.releaseOne();
    await settle();
    expect([outcomes, later]).toEqual([[0], []]);
    expect(gate.held).toBe(1);
    gate.releaseOne();
    await settle();
    expect([outcomes, later]).toEqual([[0], [1]]);
  });

  test("acknowledged batches survive the loss of everything unflushed", async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const opened = await open(ALWAYS, {}, await diskWithDirectory(seed));
      const { partition, gate } = opened;
      await partition.append(batchOf(["acknowledged"]));
      gate.close();
      partition.append(batchOf(["not yet"])).catch(() => {});
      await settle();
      const found = await valuesAfterRestart(opened);
      expect(found[0]).toBe("acknowledged");
      expect(["not yet", undefined]).toContain(found[1]);
    }
  });

  test("an append is acknowledged before entries of indexes are written, some at a time", async () => {
    const { partition, disk } = await open();
    const entries = () => disk.list(DIRECTORY).filter((name) => name.endsWith("index"));
    const large = batchOf(["x".repeat(INDEX_INTERVAL_BYTES)]);
    for (let i = 0; i < 20 && entries().length === 0; i++) {
      const whenAcknowledged = await new Promise<string[]>((resolve, reject) => {
        partition.appendFor({ appended: () => resolve(entries()), refused: reject }, [
          large.slice(),
        ]);
      });
      expect(whenAcknowledged).toEqual([]);
      await settle();
    }
    expect(entries().length).toBe(2);
  });

  test("the high watermark, and what can be read and found, moves with the flush", async () => {
    const { partition, gate } = await open();
    await partition.append(batchOf(["a", "b"], 100));
    gate.close();
    const append = partition.append(batchOf(["c"], 200));
    expect(partition.highWatermark).toBe(2);
    await settle();
    expect(partition.highWatermark).toBe(2);
    expect(partition.logEndOffset).toBe(3);
    expect(values(partition)).toEqual(["a", "b"]);
    expect(partition.read(2, 1_000)).toEqual({ slices: [], bytes: 0, nextOffset: 2 });
    expect(partition.offsetForTimestamp(150)).toEqual({ offset: 2, timestamp: -1 });
    gate.open();
    await append;
    expect(partition.highWatermark).toBe(3);
    expect(values(partition)).toEqual(["a", "b", "c"]);
    expect(partition.offsetForTimestamp(150)).toEqual({ offset: 2, timestamp: 200 });
  });

  test("a listener that waits for bytes is called after a batch in several chunks", async () => {
    const { partition } = await open();
    const batch = batchOf(["a".repeat(1_000)]);
    let called = 0;
    partition.whenMoreReadable(0, batch.length, () => called++);
    await partition.append(batch.subarray(0, 100), batch.subarray(100, 500), batch.subarray(500));
    expect(called).toBe(1);
  });

  test("a listener that waits for bytes is called once, when they are there", async () => {
    const { partition } = await open();
    const bytes = batchOf(["a"]).length;
    const seen: [string, number][] = [];
    const wait = (name: string, offset: number, more: number) =>
      partition.whenMoreReadable(offset, more, () => seen.push([name, partition.highWatermark]));
    await partition.append(batchOf(["0"]));
    wait("two more", 0, 2 * bytes);
    wait("a byte more", 0, 1);
    wait("at the end", 1, 2 * bytes + 1);
    wait("past the end", 3, 1);
    for (let i = 0; i < 1_000; i++) wait("never", 0, 1_000_000);
    const leave = wait("left", 1, 1);
    leave();
    for (let i = 0; i < 6; i++) await partition.append(batchOf([`${i}`]));
    expect(seen).toEqual([
      ["a byte more", 2],
      // There may be something now; the listener has to check.
      ["past the end", 3],
      ["two more", 3],
      ["at the end", 4],
    ]);
    await partition.closeCleanly();
    expect(seen.filter(([name]) => name === "never")).toHaveLength(1_000);
  });
});

describe("reading", () => {
  test("below the log start is an error that names the range; past the log end returns nothing", async () => {
    const { partition } = await open(ALWAYS, { segmentBytes: 100 });
    for (const value of ["a", "b", "c"]) await partition.append(batchOf([value]));
    await partition.deleteBefore(2);
    expect(partition.logStartOffset).toBe(2);
    for (const offset of [0, 1]) {
      expect(await codeOf(() => partition.read(offset, 1_000))).toBe("OFFSET_OUT_OF_RANGE");
    }
    expect(() => partition.read(1, 1_000)).toThrow(
      "orders-0: offset 1 is below the log start; valid offsets are 2 to 3",
    );
    for (const offset of [3, 4, Number.MAX_SAFE_INTEGER]) {
      expect(partition.read(offset, 1_000)).toEqual({ slices: [], bytes: 0, nextOffset: 3 });
    }
  });

  test("describe returns offsets and sizes", async () => {
    const { partition } = await open(ALWAYS, { segmentBytes: 100 });
    for (const value of ["a", "b", "c"]) await partition.append(batchOf([value]));
    expect(partition.describe()).toEqual({
      partition: 0,
      logStartOffset: 0,
      highWatermark: 3,
      logEndOffset: 3,
      segments: 3,
      bytes: batchOf(["a"]).length * 3,
    });
    expect(partition.name).toBe("orders-0");
  });
});

describe("a full disk", () => {
  test("at any byte fails the append, keeps memory and disk equal, and writing resumes with space", async () => {
    for (const slowPushes of [0, 1]) {
      const size = batchOf(["x".repeat(100), "y"]).length;
      for (let room = 0; room < 2 * size; room++) {
        const opened = await open();
        const { partition, disk, fatal } = opened;
        disk.slowPushes = slowPushes;
        await partition.append(batchOf(["before"]));
        const { bytes } = partition;
        disk.setCapacity(disk.usedBytes + room);
        const appends = [1, 2].map(() => partition.append(batchOf(["x".repeat(100), "y"])));
        const outcomes = await Promise.allSettled(appends);
        for (const outcome of outcomes) {
          expect(outcome.status === "rejected" && outcome.reason.code).toBe("DISK_FULL");
        }
        expect([partition.highWatermark, partition.logEndOffset, partition.bytes]).toEqual([
          1,
          1,
          bytes,
        ]);
        expect(disk.fileSize(`${DIRECTORY}/00000000000000000000.log`)).toBe(bytes);
        expect(values(partition)).toEqual(["before"]);
        disk.setCapacity(Number.POSITIVE_INFINITY);
        expect(await partition.append(batchOf(["after", "it"]))).toBe(1);
        expect(await partition.append(batchOf(["more"]))).toBe(3);
        const all = ["before", "after", "it", "more"];
        expect(values(partition)).toEqual(all);
        expect(fatal).toEqual([]);
        expect(await valuesAfterRestart(opened, room % 2 === 0 ? "machine" : "process")).toEqual(
          all,
        );
      }
    }
  });

  test("at any byte of a roll rejects the waiting appends, and the roll succeeds later", async () => {
    for (let room = 0; room < 400; room += 7) {
      const opened = await open(ALWAYS, { segmentBytes: 1_000 });
      const { partition, disk, fatal } = opened;
      await partition.append(batchOf(["x".repeat(850)]));
      disk.setCapacity(disk.usedBytes + room);
      const outcomes = outcomesOf(
        [1, 2, 3].map((i) => partition.append(batchOf([`${i}`.padEnd(300)]))),
      );
      await until(() => outcomes.length === 3);
      // Rolled or not: rejected records are absent, and acknowledged ones are there.
      const acknowledged = outcomes.filter((outcome) => typeof outcome === "number");
      for (const outcome of outcomes)
        if (typeof outcome === "string") expect(outcome).toBe("DISK_FULL");
      expect(partition.logEndOffset).toBe(1 + acknowledged.length);
      disk.setCapacity(Number.POSITIVE_INFINITY);
      expect(await partition.append(batchOf(["after".padEnd(300)]))).toBe(1 + acknowledged.length);
      const found = values(partition);
      expect(fatal).toEqual([]);
      expect(await valuesAfterRestart(opened)).toEqual(found);
    }
  });

  test("too many open files at a roll reject the waiting appends temporarily", async () => {
    const disk = new FewFilesDisk(new Random(1));
    await makeDurableDirectory(disk);
    const opened = await open(ALWAYS, { segmentBytes: 1_000 }, disk);
    const { partition, fatal } = opened;
    await partition.append(batchOf(["before".padEnd(850)]));
    // One more each time: for an index, for the snapshot, for the next segment, for the directory.
    for (let files = 0; partition.describe().segments === 1; files++) {
      disk.filesLeft = files;
      const outcomes = outcomesOf(
        [1, 2].map((i) => partition.append(batchOf([`${i}`.padEnd(300)]))),
      );
      await until(() => outcomes.length === 2);
      if (partition.describe().segments > 1) break;
      expect(outcomes).toEqual(["BROKER_OVERLOADED", "BROKER_OVERLOADED"]);
      expect(partition.logEndOffset).toBe(1);
    }
    expect(disk.refused).toBeGreaterThan(1);
    disk.filesLeft = Number.POSITIVE_INFINITY;
    await partition.append(batchOf(["after"]));
    const found = values(partition);
    expect(found).toHaveLength(4);
    expect(fatal).toEqual([]);
    expect(await valuesAfterRestart(opened)).toEqual(found);
  });

  test("appends after a slow push that fails are not lost", async () => {
    const { partition, disk } = await open();
    disk.slowPushes = 1;
    disk.setCapacity(disk.usedBytes + 50);
    const first = partition.append(batchOf(["lost"]));
    await Promise.resolve();
    await Promise.resolve();
    const second = partition.append(batchOf(["kept"]));
    expect(await codeOf(() => first)).toBe("DISK_FULL");
    disk.setCapacity(Number.POSITIVE_INFINITY);
    const kept = await codeOf(() => second);
    if (kept === undefined) expect(values(partition)).toEqual(["kept"]);
    else expect(kept).toBe("DISK_FULL");
  });
});

describe("a failed flush", () => {
  test("is fatal: nothing it covered is acknowledged, and nothing more is served", async () => {
    const { partition, disk, gate, fatal } = await open();
    await partition.append(batchOf(["before"]));
    const closed: boolean[] = [];
    partition.whenMoreReadable(0, 1_000_000, () => closed.push(partition.closed));
    gate.close();
    disk.failSyncs(1);
    const during = outcomesOf([partition.append(batchOf(["a"]))]);
    await settle();
    const behind = outcomesOf([partition.append(batchOf(["b"]))]);
    gate.open();
    await settle();
    expect([during, behind]).toEqual([["STORAGE_ERROR"], ["STORAGE_ERROR"]]);
    expect(partition.closed).toBe(true);
    expect(closed).toEqual([true]);
    expect(fatal.map((error) => error.message)).toEqual([
      "orders-0: the disk failed: EIO: simulated, fdatasync " +
        `${DIRECTORY}/00000000000000000000.log`,
    ]);
    expect(await codeOf(() => partition.append(batchOf(["c"])))).toBe("STORAGE_ERROR");
    expect(await codeOf(() => partition.read(0, 100))).toBe("STORAGE_ERROR");
    expect(await codeOf(() => partition.offsetForTimestamp(0))).toBe("STORAGE_ERROR");
    expect(await codeOf(() => partition.roll())).toBe("STORAGE_ERROR");
    expect(await codeOf(() => partition.sync())).toBe("STORAGE_ERROR");
    expect(await partition.closeCleanly()).toBeUndefined();
  });

  test("keeps a waiting roll from sealing the segment", async () => {
    const { partition, disk, gate } = await open();
    gate.close();
    disk.failSyncs(1);
    const appended = outcomesOf([partition.append(batchOf(["a"]))]);
    await settle();
    const rolled = codeOf(() => partition.roll());
    await settle();
    gate.open();
    expect(await rolled).toBe("STORAGE_ERROR");
    expect(appended).toEqual(["STORAGE_ERROR"]);
    expect(disk.list(DIRECTORY).filter((name) => name.endsWith(".log")).length).toBe(1);
    expect(partition.describe().segments).toBe(1);
  });

  test.each(["sync", "append"] as const)(
    "is reported to one of two concurrent flushes: a %s after it vouches for nothing",
    async (behind) => {
      const { partition, disk, gate, fatal } = await open();
      await partition.append(batchOf(["before"]));
      gate.close();
      disk.failSyncs(1);
      const appended = outcomesOf([partition.append(batchOf(["a"]))]);
      await settle();
      const outcome =
        behind === "sync"
          ? codeOf(() => partition.sync())
          : codeOf(() => partition.append(batchOf(["b"])));
      await settle();
      expect(gate.begun).toBe(2);
      gate.open();
      expect(await outcome).toBe("STORAGE_ERROR");
      expect(appended).toEqual(["STORAGE_ERROR"]);
      expect(fatal.length).toBe(1);
    },
  );

  test("in the background keeps a waiting roll from sealing the segment", async () => {
    const { partition, disk, gate } = await open({ kind: "interval", ms: 1 });
    gate.close();
    disk.failSyncs(1);
    await partition.append(batchOf(["a"]));
    await until(() => gate.held === 1);
    const rolled = codeOf(() => partition.roll());
    await settle();
    gate.open();
    expect(await rolled).toBe("STORAGE_ERROR");
    expect(disk.list(DIRECTORY).filter((name) => name.endsWith(".log")).length).toBe(1);
  });

  test.each(["EIO", "ENOSPC"])("at a roll is fatal too, even with %s", async (code) => {
    const { partition, disk, fatal } = await open(NEVER, { segmentBytes: 200 });
    await partition.append(batchOf(["x".repeat(100)]));
    disk.failSyncs(1, code);
    expect(await codeOf(() => partition.append(batchOf(["y".repeat(100)])))).toBe("STORAGE_ERROR");
    expect(fatal.length).toBe(1);
    expect(partition.closed).toBe(true);
  });

  test("on request is fatal too", async () => {
    for (const action of ["sync", "roll"] as const) {
      const { partition, disk, fatal } = await open(NEVER);
      await partition.append(batchOf(["a"]));
      disk.failSyncs(1);
      expect(await codeOf(() => partition[action]())).toBe("STORAGE_ERROR");
      expect([fatal.length, partition.closed]).toEqual([1, true]);
    }
  });

  test("at a clean stop is fatal too, and leaves no note", async () => {
    const { partition, disk, fatal } = await open(NEVER);
    await partition.append(batchOf(["a"]));
    disk.failSyncs(1);
    expect(await partition.closeCleanly()).toBeUndefined();
    expect(fatal.length).toBe(1);
  });

  test("a batch that can be neither written nor truncated is fatal", async () => {
    const { partition, disk, fatal } = await open();
    await partition.append(batchOf(["a"]));
    disk.setCapacity(disk.usedBytes + 10);
    disk.failTruncates(1);
    expect(await codeOf(() => partition.append(batchOf(["b"])))).toBe("STORAGE_ERROR");
    expect(fatal[0]?.message).toContain("could not truncate the log after a failed write");
    expect(partition.closed).toBe(true);
  });
});

describe("rolling", () => {
  test("appends during a roll keep their order, whatever their sizes", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed);
      const disk = await diskWithDirectory(seed);
      disk.slowPushes = 0.3;
      const opened = await open(random.pick([ALWAYS, NEVER]), { segmentBytes: 1_024 }, disk);
      const { partition, fatal } = opened;
      const sent: string[] = [];
      const appends: Promise<number>[] = [];
      for (let i = 0; i < 60; i++) {
        const value = `${i}`.padEnd(random.below(700), "x");
        sent.push(value);
        appends.push(partition.append(batchOf([value])));
        if (random.chance(0.1)) partition.roll().catch(() => {});
        if (random.chance(0.3)) await settle();
      }
      expect(await Promise.all(appends)).toEqual(sent.map((_, i) => i));
      expect(values(partition)).toEqual(sent);
      await partition.sync();
      expect(partition.describe().segments).toBeGreaterThan(3);
      expect(fatal).toEqual([]);
      expect(await valuesAfterRestart(opened)).toEqual(sent);
    }
  });

  test("a requested roll flushes first, and appends in the meantime are kept", async () => {
    const opened = await open();
    const { partition, gate } = opened;
    await partition.append(batchOf(["a"]));
    gate.close();
    const rolled = partition.roll();
    await settle();
    const append = partition.append(batchOf(["b"]));
    await settle();
    expect(partition.highWatermark).toBe(1);
    gate.open();
    await rolled;
    expect(await append).toBe(1);
    expect(partition.describe().segments).toBe(2);
    expect(values(partition)).toEqual(["a", "b"]);
    expect(await valuesAfterRestart(opened)).toEqual(["a", "b"]);
  });
});

describe("policies that acknowledge early", () => {
  test("never: acknowledged without a flush, and kept by the kernel when the process dies", async () => {
    const opened = await open(NEVER);
    const { partition, gate } = opened;
    gate.close();
    for (const value of ["a", "b"]) await partition.append(batchOf([value]));
    expect(gate.begun).toBe(0);
    expect(partition.highWatermark).toBe(2);
    expect(await valuesAfterRestart(opened, "process")).toEqual(["a", "b"]);
  });

  test("never: flushed at a roll and at a clean stop", async () => {
    const a = batchOf(["a".repeat(40)]);
    const opened = await open(NEVER, { segmentBytes: 2 * a.length + 1 });
    const { partition, gate } = opened;
    await partition.append(a);
    expect(gate.begun).toBe(0);
    await partition.roll();
    await partition.append(batchOf(["b".repeat(40)]));
    expect(gate.begun).toBe(1);
    expect((await partition.closeCleanly())?.nextOffset).toBe(2);
    expect(gate.begun).toBe(2);
    expect(await valuesAfterRestart(opened)).toEqual(["a".repeat(40), "b".repeat(40)]);
  });

  test("never: flushed ahead of a roll, an eighth of a segment at a time from its middle on", async () => {
    const batch = batchOf(["a".repeat(40)]);
    const opened = await open(NEVER, { segmentBytes: 32 * batch.length });
    const { partition, gate } = opened;
    const flushesAt: number[] = [];
    for (let i = 1; i <= 32; i++) {
      const { begun } = gate;
      await partition.append(batchOf(["a".repeat(40)]));
      await settle();
      if (gate.begun > begun) flushesAt.push(i);
    }
    expect(flushesAt).toEqual([16, 20, 24, 28, 32]);
    expect((await valuesAfterRestart(opened)).length).toBe(32);
  });

  test("never: one flush ahead at a time, and a roll waits for it", async () => {
    const batch = batchOf(["a".repeat(40)]);
    const opened = await open(NEVER, { segmentBytes: 8 * batch.length });
    const { partition, gate } = opened;
    gate.close();
    for (let i = 0; i < 8; i++) await partition.append(batchOf(["a".repeat(40)]));
    const rolls = partition.append(batchOf(["b".repeat(40)]));
    await settle();
    expect([gate.begun, partition.describe().segments]).toEqual([1, 1]);
    gate.open();
    expect(await rolls).toBe(8);
    expect([gate.begun, partition.describe().segments]).toEqual([2, 2]);
    expect((await valuesAfterRestart(opened)).length).toBeGreaterThanOrEqual(8);
  });

  test("interval: acknowledged immediately, flushed soon, once for all appends", async () => {
    const { partition, gate } = await open({ kind: "interval", ms: 1 });
    gate.close();
    for (let i = 0; i < 10; i++) await partition.append(batchOf([`${i}`]));
    expect(partition.highWatermark).toBe(10);
    await until(() => gate.begun > 0);
    // One at a time: nothing more was appended, so nothing more is flushed.
    expect(gate.begun).toBe(1);
    gate.open();
    await partition.append(batchOf(["more"]));
    await until(() => gate.begun === 2);
    await partition.closeCleanly();
  });

  test("interval: a roll and a close during a flush disturb neither", async () => {
    const opened = await open({ kind: "interval", ms: 1 }, { segmentBytes: 250 });
    const { partition, gate, fatal } = opened;
    gate.close();
    await partition.append(batchOf(["a".repeat(100)]));
    await until(() => gate.held === 1);
    const appended = partition.append(batchOf(["b".repeat(100)]));
    await settle();
    // The roll waits for it: of two concurrent flushes the second might not learn that the disk failed.
    expect(gate.begun).toBe(1);
    gate.open();
    await appended;
    gate.close();
    await partition.append(batchOf(["c"]));
    await until(() => gate.held === 1);
    const closed = partition.closeCleanly();
    gate.open();
    expect((await closed)?.nextOffset).toBe(3);
    expect(fatal).toEqual([]);
    expect((await valuesAfterRestart(opened)).length).toBe(3);
  });

  test("interval: a failed background flush is fatal", async () => {
    const { partition, disk, fatal } = await open({ kind: "interval", ms: 1 });
    disk.failSyncs(1);
    await partition.append(batchOf(["a"]));
    await until(() => partition.closed);
    expect(fatal.length).toBe(1);
    expect(await codeOf(() => partition.append(batchOf(["b"])))).toBe("STORAGE_ERROR");
  });
});

describe("closing", () => {
  test("cleanly: appends in flight are acknowledged, later ones are rejected", async () => {
    const opened = await open();
    const { partition, gate } = opened;
    const told: boolean[] = [];
    partition.whenMoreReadable(0, 1, () => told.push(partition.closed));
    gate.close();
    const outcomes = outcomesOf(["a", "b"].map((value) => partition.append(batchOf([value]))));
    const closing = partition.closeCleanly();
    expect(told).toEqual([true]);
    expect(await codeOf(() => partition.append(batchOf(["c"])))).toBe("BROKER_STOPPING");
    for (const action of [
      () => partition.read(0, 1),
      () => partition.roll(),
      () => partition.sync(),
      () => partition.deleteBefore(1),
    ]) {
      expect(await codeOf(action)).toBe("BROKER_STOPPING");
    }
    gate.open();
    expect((await closing)?.nextOffset).toBe(2);
    expect(outcomes).toEqual([0, 1]);
    expect(await partition.closeCleanly()).toBeUndefined();
    expect(await partition.applyRetention()).toBe(0);
    expect(await valuesAfterRestart(opened)).toEqual(["a", "b"]);
  });

  test("cleanly, during a roll: the roll finishes first", async () => {
    const opened = await open();
    const { partition, gate } = opened;
    await partition.append(batchOf(["a"]));
    gate.close();
    const rolling = partition.roll();
    await settle();
    const closing = partition.closeCleanly();
    gate.open();
    await rolling;
    expect(await closing).toMatchObject({ baseOffset: 1, bytes: 0, nextOffset: 1 });
    expect(await valuesAfterRestart(opened)).toEqual(["a"]);
  });

  test("for deletion: appends without a started flush are rejected, with the reason", async () => {
    const { partition, gate } = await open(ALWAYS, { segmentBytes: 300 });
    gate.close();
    const flushing = outcomesOf([partition.append(batchOf(["a"]))]);
    await settle();
    const waiting = [
      partition.append(batchOf(["b"])),
      partition.append(batchOf(["c".repeat(300)])),
      partition.roll().then(() => 0),
    ];
    const refused = outcomesOf(waiting);
    const closing = partition.closeForDeletion();
    await settle();
    expect(refused).toEqual(Array(3).fill("UNKNOWN_TOPIC_OR_PARTITION"));
    gate.open();
    await closing;
    expect(flushing).toEqual([0]);
    expect(() => partition.read(0, 1)).toThrow("topic 'orders' was deleted");
    expect(await codeOf(() => partition.append(batchOf(["d"])))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  });

  test("for deletion, while retention works in the directory being removed", async () => {
    const { partition, disk } = await open(ALWAYS, { segmentBytes: 100, retentionBytes: 0 });
    for (let i = 0; i < 5; i++) await partition.append(batchOf([`${i}`]));
    const retention = partition.applyRetention();
    const closing = partition.closeForDeletion();
    await disk.removeDirectory(DIRECTORY);
    await closing;
    expect(await codeOf(() => retention)).toBeUndefined();
  });
});

describe("idempotent producers", () => {
  const sequence = (baseSequence: number, producerEpoch = 0) => ({
    producerId: 7,
    producerEpoch,
    baseSequence,
  });

  test("a retry gets the original offset, also while the first flush is in progress", async () => {
    const opened = await open();
    const { partition, gate } = opened;
    const batch = () => batchOf(["a", "b"], 1_000, sequence(0));
    expect(await partition.append(batch())).toBe(0);
    expect(await partition.append(batch())).toBe(0);
    gate.close();
    const next = () => partition.append(batchOf(["c"], 1_000, sequence(2)));
    const outcomes = outcomesOf([next(), next()]);
    await settle();
    outcomes.push(...outcomesOf([next()]));
    expect(outcomes).toEqual([]);
    gate.open();
    expect(await next()).toBe(2);
    expect(values(partition)).toEqual(["a", "b", "c"]);
    expect(await valuesAfterRestart(opened)).toEqual(["a", "b", "c"]);
  });

  test("a batch that could not be written is new when retried", async () => {
    const { partition, disk } = await open();
    expect(await partition.append(batchOf(["a"], 1_000, sequence(0)))).toBe(0);
    disk.setCapacity(disk.usedBytes + 20);
    expect(await codeOf(() => partition.append(batchOf(["b"], 1_000, sequence(1))))).toBe(
      "DISK_FULL",
    );
    disk.setCapacity(Number.POSITIVE_INFINITY);
    expect(await partition.append(batchOf(["b"], 1_000, sequence(1)))).toBe(1);
    expect(values(partition)).toEqual(["a", "b"]);
  });

  test("batches after one that could not be written are rejected until it is retried", async () => {
    const { partition, disk } = await open();
    await partition.append(batchOf(["a"], 1_000, sequence(0)));
    disk.setCapacity(disk.usedBytes + 20);
    // The first three share one push; the fourth arrives after that has failed.
    const send = (i: number) => partition.append(batchOf([`${i}`], 1_000, sequence(i)));
    const group = [1, 2, 3].map(async (i) => await codeOf(() => send(i)));
    expect(await Promise.all(group)).toEqual(["DISK_FULL", "DISK_FULL", "DISK_FULL"]);
    expect(await codeOf(() => send(4))).toBe("OUT_OF_ORDER_SEQUENCE");
    disk.setCapacity(Number.POSITIVE_INFINITY);
    for (const i of [1, 2, 3, 4]) expect(await send(i)).toBe(i);
    expect(values(partition)).toEqual(["a", "1", "2", "3", "4"]);
  });

  test("a gap and an older epoch are rejected, and nothing is written", async () => {
    const { partition } = await open();
    await partition.append(batchOf(["a"], 1_000, sequence(0, 1)));
    expect(await codeOf(() => partition.append(batchOf(["c"], 1_000, sequence(2, 1))))).toBe(
      "OUT_OF_ORDER_SEQUENCE",
    );
    expect(await codeOf(() => partition.append(batchOf(["b"], 1_000, sequence(0, 0))))).toBe(
      "INVALID_PRODUCER_EPOCH",
    );
    expect(values(partition)).toEqual(["a"]);
  });

  test("producers are remembered over rolls, restarts and a lost snapshot", async () => {
    for (const loseSnapshot of [false, true]) {
      const { partition, disk } = await open(ALWAYS, { segmentBytes: 100 });
      for (let i = 0; i < 5; i++) await partition.append(batchOf([`${i}`], 1_000, sequence(i)));
      disk.restart();
      for (const name of disk.list(DIRECTORY)) {
        if (loseSnapshot && name.endsWith(".snapshot"))
          disk.overwrite(`${DIRECTORY}/${name}`, undefined);
      }
      const again = await open(ALWAYS, { segmentBytes: 100 }, disk);
      // Everything that a client may have in flight may be retried.
      for (let i = 0; i < 5; i++) {
        expect(await again.partition.append(batchOf([`${i}`], 1_000, sequence(i)))).toBe(i);
      }
      expect(await again.partition.append(batchOf(["5"], 1_000, sequence(5)))).toBe(5);
      expect(await codeOf(() => again.partition.append(batchOf(["9"], 1_000, sequence(9))))).toBe(
        "OUT_OF_ORDER_SEQUENCE",
      );
    }
  });
});
