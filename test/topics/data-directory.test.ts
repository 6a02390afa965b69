// A data directory: one broker at a time, a supported format, and what the last stop left.
import { expect, test } from "bun:test";
import type { Disk } from "../../src/log/disk/disk.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import { DataDirectory } from "../../src/topics/data-directory.js";
import { batchOf, codeOf, ENDLESS, recordsFrom, settle } from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import { SimulatedDisk } from "../support/simulated-disk.js";
import { withTempDir } from "../support/tmp.js";

const LOG = "data/topics/orders/0/00000000000000000000.log";

function newDisk(seed = 1): SimulatedDisk {
  return new SimulatedDisk(new Random(seed));
}

async function open(
  disk: Disk,
  path = "data",
  fatal: Error[] = [],
  lines: string[] = [],
): Promise<DataDirectory> {
  return await DataDirectory.open(path, {
    disk,
    flush: { kind: "always" },
    logDefaults: ENDLESS,
    autoCreateTopics: true,
    defaultPartitions: 1,
    now: () => 1_000,
    report: (line) => lines.push(line),
    onFatal: (error) => fatal.push(error),
  });
}

async function append(directory: DataDirectory, value: string): Promise<number> {
  const topic = await directory.registry.ensure("orders");
  return await topic.online[0]!.append(batchOf([value]));
}

function values(directory: DataDirectory): string[] {
  const partition = directory.registry.partition("orders", 0);
  const read = (offset: number, bytesMax: number) => partition.read(offset, bytesMax);
  return recordsFrom(read, 0, partition.highWatermark).map((record) => record.value);
}

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

test("a second open is rejected until the first is closed, on both disks", () =>
  withTempDir(async (path) => {
    for (const disk of [new RealDisk(), newDisk()]) {
      const first = await open(disk, `${path}/data`);
      expect(open(disk, `${path}/data`)).rejects.toThrow(`${path}/data/LOCK is held`);
      await settle();
      await append(first, "v");
      await first.closeCleanly();
      const second = await open(disk, `${path}/data`);
      expect(values(second)).toEqual(["v"]);
      second.abandon();
      await (await open(disk, `${path}/data`)).closeCleanly();
    }
  }));

test("the id is created once, and each directory has its own", async () => {
  const disk = newDisk();
  const first = await open(disk);
  expect(first.id).toMatch(/^[0-9a-f-]{36}$/);
  await first.closeCleanly();
  const again = await open(disk);
  expect(again.id).toBe(first.id);
  expect((await open(newDisk())).id).not.toBe(first.id);
});

test.each([
  ['{"formatVersion":2,"id":"x"}', "formatVersion is 2, and this release reads 1"],
  ['{"formatVersion":1}', "data/meta.json can't be used: it has no id"],
  ["", "data/meta.json can't be used: it is not JSON"],
  ["[]", "data/meta.json can't be used: it is not a JSON object"],
  ['{"formatVersion":1,"id":"x","crc32c":"00000000"}', "but it states 00000000"],
])("a meta.json of %j is refused, and the lock is free again", async (content, message) => {
  const disk = newDisk();
  await (await open(disk)).closeCleanly();
  const good = disk.readFile("data/meta.json");
  disk.overwrite("data/meta.json", text(content));
  expect(await codeOf(() => open(disk))).toBe("DATA_DIRECTORY_UNUSABLE");
  expect(open(disk)).rejects.toThrow(message);
  await settle();
  disk.overwrite("data/meta.json", good);
  await (await open(disk)).closeCleanly();
});

test("topics without a meta.json are rejected", async () => {
  const disk = newDisk();
  const first = await open(disk);
  await append(first, "v");
  await first.closeCleanly();
  disk.overwrite("data/meta.json", undefined);
  expect(open(disk)).rejects.toThrow("has topics but no meta.json");
});

test("new volumes with a lost+found are new data directories, and a start reports nothing", async () => {
  const disk = newDisk();
  disk.makeDirectory("data/lost+found");
  disk.makeDirectory("data/topics/lost+found");
  const lines: string[] = [];
  const first = await open(disk, "data", [], lines);
  await append(first, "a");
  await first.closeCleanly();
  expect(values(await open(disk, "data", [], lines))).toEqual(["a"]);
  expect(lines).toEqual([]);
});

test("a data directory without its topics, or a file, is rejected on both disks", () =>
  withTempDir(async (path) => {
    for (const disk of [new RealDisk(), newDisk()]) {
      const data = `${path}/data`;
      await (await open(disk, data)).closeCleanly();
      await disk.removeDirectory(`${data}/topics`);
      const lost = await open(disk, data).catch((error: Error) => error);
      expect(lost).toMatchObject({
        code: "DATA_DIRECTORY_UNUSABLE",
        message: `${data} has a meta.json but no topics directory; restore it, or remove meta.json to start without records`,
      });
      for (const name of ["topics", "file"]) await disk.writeFile(`${data}/${name}`, text("x"));
      for (const [directory, message] of [
        [data, `${data}/topics must be a directory but is a file`],
        [`${data}/file`, `${data}/file is a file or is below one`],
        [`${data}/file/below`, `${data}/file/below is a file or is below one`],
      ] as const) {
        const refused = await open(disk, directory).catch((error: Error) => error);
        expect(refused).toMatchObject({ code: "DATA_DIRECTORY_UNUSABLE" });
        expect(String(refused)).toContain(message);
      }
      // As the message advises.
      disk.remove(`${data}/topics`);
      disk.remove(`${data}/meta.json`);
      await (await open(disk, data)).closeCleanly();
    }
  }));

test("a start that crashes at any operation leaves a directory that starts", async () => {
  for (let operation = 0, done = false; !done; operation++) {
    const disk = newDisk(operation);
    disk.crashAfter(operation);
    try {
      const directory = await open(disk);
      await append(directory, "v");
      done = true;
    } catch (error) {
      if (!disk.crashed) throw error;
    }
    await settle();
    disk.restart();
    const directory = await open(disk);
    if (done) expect(values(directory)).toEqual(["v"]);
    await append(directory, "w");
  }
});

/** A first start, a topic creation, and rolls, killed at an operation. Returns whether it finished. */
async function killedAt(disk: SimulatedDisk, operation: number): Promise<boolean> {
  let done = false;
  disk.crashAfter(operation);
  try {
    const directory = await open(disk);
    await directory.registry.create("orders", 1, { "segment.bytes": "1024" });
    for (let i = 0; i < 3; i++) await append(directory, "x".repeat(1_100));
    done = true;
  } catch (error) {
    if (!disk.crashed) throw error;
  }
  await settle();
  // What it had not flushed is still in the cache.
  disk.restartProcess();
  return done;
}

test("a process killed at any operation leaves nothing that a start relies on but a crash removes", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    for (let operation = 0, done = false; !done; operation++) {
      const disk = newDisk(1_000 * seed + operation);
      done = await killedAt(disk, operation);
      const second = await open(disk);
      const offset = await append(second, "acknowledged");
      const before = values(second);
      disk.restart();
      const third = await open(disk);
      expect(values(third)).toEqual(before);
      expect(before[offset]).toBe("acknowledged");
    }
  }
});

test("the note of a clean stop is written, trusted once, and removed before the first write", async () => {
  const disk = newDisk();
  const first = await open(disk);
  expect(first.wasClean).toBe(false);
  await append(first, "a");
  expect(disk.readFile("data/clean-shutdown.json")).toBeUndefined();
  await first.closeCleanly();
  expect(disk.readFile("data/clean-shutdown.json")).toBeDefined();
  const second = await open(disk);
  expect(second.wasClean).toBe(true);
  expect(disk.readFile("data/clean-shutdown.json")).toBeUndefined();
  // Also after a crash: its removal was durable.
  disk.restart();
  const third = await open(disk);
  expect(third.wasClean).toBe(false);
  expect(values(third)).toEqual(["a"]);
});

test("the note is rejected if the log is longer than it says", async () => {
  const disk = newDisk();
  const first = await open(disk);
  await append(first, "a");
  await first.closeCleanly();
  const log = disk.readFile(LOG)!;
  disk.overwrite(LOG, Uint8Array.from([...log, 1, 2, 3]));
  const lines: string[] = [];
  const second = await open(disk, "data", [], lines);
  expect(lines.length).toBe(1);
  expect(lines[0]).toContain("truncated 3 bytes");
  expect(values(second)).toEqual(["a"]);
});

test.each([
  "",
  "{",
  "null",
  '{"version":2}',
  '{"version":1}',
  '{"version":1,"partitions":{"orders/0":{}}}',
  '{"version":1,"partitions":{"orders/0":{"baseOffset":"x","bytes":null}}}',
])("a note of %j is rejected", async (content) => {
  const disk = newDisk();
  const first = await open(disk);
  await append(first, "a");
  await first.closeCleanly();
  disk.overwrite("data/clean-shutdown.json", text(content));
  disk.overwrite(LOG, Uint8Array.from([...disk.readFile(LOG)!, 0]));
  const lines: string[] = [];
  const second = await open(disk, "data", [], lines);
  expect(lines[0]).toContain("ignoring data/clean-shutdown.json");
  expect(lines[1]).toContain("truncated 1 bytes");
  expect(values(second)).toEqual(["a"]);
});

test("a note with any flipped bit is rejected", async () => {
  const disk = newDisk();
  const first = await open(disk);
  for (const value of ["a", "b", "c"]) await append(first, value);
  await first.closeCleanly();
  const note = disk.readFile("data/clean-shutdown.json")!;
  for (let bit = 0; bit < note.length * 8; bit++) {
    disk.overwrite("data/clean-shutdown.json", note);
    disk.flipBit("data/clean-shutdown.json", bit);
    const lines: string[] = [];
    const second = await open(disk, "data", [], lines);
    expect(second.wasClean).toBe(false);
    expect(lines[0]).toContain("ignoring data/clean-shutdown.json");
    expect(disk.readFile("data/clean-shutdown.json")).toBeUndefined();
    expect(values(second)).toEqual(["a", "b", "c"]);
    second.abandon();
  }
});

test("a meta.json and a topic.json without checksums are accepted and get them at the start", async () => {
  const disk = newDisk();
  const first = await open(disk);
  await append(first, "a");
  await first.closeCleanly();
  const withChecksum = new Map<string, Uint8Array>();
  for (const path of ["data/meta.json", "data/topics/orders/topic.json"]) {
    const bytes = disk.readFile(path)!;
    withChecksum.set(path, bytes);
    const { crc32c: _, ...fields } = JSON.parse(new TextDecoder().decode(bytes));
    disk.overwrite(path, text(JSON.stringify(fields)));
  }
  disk.overwrite("data/clean-shutdown.json", undefined);
  // A full disk must not prevent a start.
  disk.setCapacity(disk.usedBytes);
  const lines: string[] = [];
  const full = await open(disk, "data", [], lines);
  expect(lines).toEqual([
    "no space to add a checksum to data/meta.json; the next start tries again",
    expect.stringMatching(/^data\/topics\/orders\/topic.json: no checksum could be added: ENOSPC/),
  ]);
  expect([full.id, values(full)]).toEqual([first.id, ["a"]]);
  full.abandon();
  expect(disk.list("data").filter((name) => name.endsWith(".tmp"))).toEqual([]);
  disk.setCapacity(Number.POSITIVE_INFINITY);
  const second = await open(disk);
  expect([second.id, values(second)]).toEqual([first.id, ["a"]]);
  second.abandon();
  disk.restart();
  for (const [path, bytes] of withChecksum) expect(disk.readFile(path)).toEqual(bytes);
});

/** A log of three batches with a damaged second one, left by a killed process. */
async function damagedLog(): Promise<SimulatedDisk> {
  const disk = newDisk();
  const first = await open(disk);
  for (const value of ["a", "b", "c"]) await append(first, value);
  disk.flipBit(LOG, 4 * disk.fileSize(LOG)!);
  return disk;
}

/** The lines of a start, without those about the damage. */
async function startLines(disk: SimulatedDisk): Promise<string[]> {
  const lines: string[] = [];
  (await open(disk, "data", [], lines)).abandon();
  return lines.map((line) => /is damaged|cut|last-boot.json/.exec(line)?.[0] ?? line);
}

test("damage ends the log after a stop of the machine, but not after a kill of the process", async () => {
  const killed = await damagedLog();
  killed.restartProcess();
  expect(await startLines(killed)).toEqual(["is damaged"]);
  const stopped = await damagedLog();
  stopped.restart();
  expect(await startLines(stopped)).toEqual(["cut"]);
});

test("a stop of the machine is remembered until all partitions are recovered", async () => {
  const disk = await damagedLog();
  disk.restart();
  const lines: string[] = [];
  disk.failSyncs(1);
  const failed = await open(disk, "data", [], lines);
  expect(failed.registry.offline.map((it) => it.name)).toEqual(["orders-0"]);
  failed.abandon();
  disk.failSyncs(0);
  disk.restartProcess();
  expect(await startLines(disk)).toEqual(["cut"]);
});

test.each([
  ["is missing", undefined],
  ["is damaged", '{"version":1,"bootId":"boot 7","crc32c":"00000000"}'],
  ["has no checksum", '{"version":1,"bootId":"boot 7"}'],
  ["is garbage", "{"],
])(
  "a last-boot.json that %s does not truncate the log, and is replaced",
  async (_name, content) => {
    const disk = await damagedLog();
    const good = disk.readFile("data/last-boot.json");
    disk.restartProcess();
    disk.overwrite("data/last-boot.json", content === undefined ? undefined : text(content));
    expect(await startLines(disk)).toEqual(["is damaged"]);
    expect(disk.readFile("data/last-boot.json")).toEqual(good!);
  },
);

test("a crash at any operation of a clean stop loses nothing", async () => {
  for (let operation = 0, done = false; !done; operation++) {
    const disk = newDisk(operation);
    const first = await open(disk);
    await append(first, "a");
    disk.crashAfter(operation);
    try {
      await first.closeCleanly();
      done = !disk.crashed;
    } catch (error) {
      if (!disk.crashed) throw error;
    }
    await settle();
    disk.restart();
    const second = await open(disk);
    if (done) expect(second.wasClean).toBe(true);
    expect(values(second)).toEqual(["a"]);
    expect(await append(second, "b")).toBe(1);
  }
});

test("after a failed flush the next start rewrites the log, even if nobody closed the directory", async () => {
  for (const close of [true, false]) {
    const disk = newDisk();
    const fatal: Error[] = [];
    const first = await open(disk, "data", fatal);
    await append(first, "a");
    disk.failSyncs(1);
    expect(await codeOf(() => append(first, "b"))).toBe("STORAGE_ERROR");
    expect(fatal.length).toBe(1);
    if (close) first.abandon();
    await settle();
    disk.restartProcess();
    expect(disk.readFile("data/flush-failed")).toBeDefined();
    const second = await open(disk);
    // The kernel still has it, and the start has served it, so it must be on the disk from now on.
    expect(values(second)).toEqual(["a", "b"]);
    expect(disk.readFile("data/flush-failed")).toBeUndefined();
    disk.restart();
    expect(values(await open(disk))).toEqual(["a", "b"]);
  }
});

test("a missing partition starts empty, and later appends are kept", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const disk = newDisk(seed);
    const first = await open(disk);
    await append(first, "a");
    first.abandon();
    await disk.removeDirectory("data/topics/orders/0");
    await disk.syncDirectory("data/topics/orders");
    const lines: string[] = [];
    // The first of the two may have been killed before it flushed what it created.
    if (seed % 2 === 0) disk.makeDirectory("data/topics/orders/0");
    const second = await open(disk, "data", [], lines);
    expect(lines.join().includes("data/topics/orders/0 is missing")).toBe(seed % 2 === 1);
    expect(await append(second, "b")).toBe(0);
    disk.restart();
    expect(values(await open(disk))).toEqual(["b"]);
  }
});

test("a failed flush is noted on a full disk too", async () => {
  const disk = newDisk();
  const first = await open(disk);
  await append(first, "a");
  const partition = first.registry.partition("orders", 0);
  const batch = batchOf(["b"]);
  // Room for the batch and nothing else.
  disk.setCapacity(disk.usedBytes + batch.length);
  disk.failSyncs(1);
  expect(await codeOf(() => partition.append(batch))).toBe("STORAGE_ERROR");
  disk.restartProcess();
  disk.setCapacity(Number.POSITIVE_INFINITY);
  expect(values(await open(disk))).toEqual(["a", "b"]);
  disk.restart();
  expect(values(await open(disk))).toEqual(["a", "b"]);
});

test("a broker starts on a full disk and reports that it could not note a failed flush", async () => {
  const disk = newDisk();
  const first = await open(disk);
  await append(first, "a");
  await first.closeCleanly();
  disk.remove("data/flush-failed.spare");
  disk.setCapacity(0);
  const lines: string[] = [];
  const second = await open(disk, "data", [], lines);
  expect(values(second)).toEqual(["a"]);
  expect(lines.join()).toContain("no space for data/flush-failed.spare");
});

test("after a flush failed during recovery, the next start rewrites the log", async () => {
  const disk = newDisk();
  const first = await open(disk);
  await append(first, "a");
  // Acknowledged to nobody, but written: the kernel has it when the process dies.
  const partition = first.registry.partition("orders", 0);
  disk.failSyncs(1);
  await codeOf(() => partition.append(batchOf(["b"])));
  await settle();
  disk.restartProcess();
  disk.rename("data/flush-failed", "data/flush-failed.spare");
  disk.failSyncs(1);
  // The partition is offline; the others would serve, and a clean stop changes nothing for it.
  const without = await open(disk);
  expect(without.registry.offline.map(({ offline }) => offline)).toEqual([
    expect.stringContaining("00000000000000000000.log could not be flushed: EIO"),
  ]);
  await without.closeCleanly();
  expect(disk.readFile("data/flush-failed")).toBeDefined();
  const second = await open(disk);
  expect(values(second)).toEqual(["a", "b"]);
  disk.restart();
  expect(values(await open(disk))).toEqual(["a", "b"]);
});

test("a clean stop on a full disk flushes the records, leaves nothing behind, and the next start scans", async () => {
  for (let room = 0; room < 400; room += 7) {
    const disk = newDisk();
    const lines: string[] = [];
    const first = await open(disk, "data", [], lines);
    await append(first, "a");
    disk.setCapacity(disk.usedBytes + room);
    await first.closeCleanly();
    expect(disk.list("data").filter((name) => name.endsWith(".tmp"))).toEqual([]);
    const isNoted = disk.readFile("data/clean-shutdown.json") !== undefined;
    const isSaid = lines.some((line) =>
      /^data\/clean-shutdown.json could not be written: ENOSPC.*the next start scans/.test(line),
    );
    expect(isSaid).toBe(!isNoted);
    if (room === 0) expect(isNoted).toBe(false);
    disk.restart();
    const second = await open(disk);
    expect([second.wasClean, values(second)]).toEqual([isNoted, ["a"]]);
  }
});

test("a flush that fails during the stop is noted instead of a clean stop", async () => {
  const disk = newDisk();
  const first = await open(disk);
  await append(first, "a");
  disk.failSyncs(1);
  await first.closeCleanly();
  expect(disk.readFile("data/clean-shutdown.json")).toBeUndefined();
  expect(disk.readFile("data/flush-failed")).toBeDefined();
  const second = await open(disk);
  expect([second.wasClean, values(second)]).toEqual([false, ["a"]]);
});
