// Something else in the place of a file of ours: nothing hangs, nothing is overwritten, and the path is named.
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { Log } from "../../src/log/log.js";
import type { LogSettings } from "../../src/log/log-context.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import { DataDirectory } from "../../src/topics/data-directory.js";
import { Partition } from "../../src/topics/partition.js";
import {
  allRecords,
  batchOf,
  codeOf,
  contextOf,
  ENDLESS,
  recordsFrom,
} from "../support/log-fixture.js";
import { withTempDir } from "../support/tmp.js";
import { until } from "../support/until.js";

const SMALL: Partial<LogSettings> = { segmentBytes: 1024 };

function makeFifo(path: string): void {
  rmSync(path, { force: true });
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
}

const name = (offset: number, kind: string): string =>
  `${String(offset).padStart(20, "0")}.${kind}`;

/** A partition on the real disk, whose every batch rolls. */
async function openPartition(directory: string) {
  const context = contextOf(new RealDisk(), SMALL, { directory });
  const fatal: Error[] = [];
  const log = await Log.open(context);
  const partition = new Partition({
    topic: "orders",
    index: 0,
    log,
    flush: { kind: "always" },
    onFatal: (error) => fatal.push(error),
  });
  const values = () =>
    recordsFrom((offset, max) => partition.read(offset, max), 0, partition.highWatermark).map(
      ({ value }) => value.slice(0, 1),
    );
  return { partition, fatal, lines: context.lines, values };
}

const big = (letter: string): Uint8Array => batchOf([letter.repeat(1_100)]);

describe("a roll", () => {
  test("continues after an old snapshot can't be removed, and reports it once", () =>
    withTempDir(async (directory) => {
      const { partition, fatal, lines, values } = await openPartition(directory);
      await partition.append(big("a"));
      await partition.append(big("b"));
      rmSync(`${directory}/${name(1, "snapshot")}`);
      mkdirSync(`${directory}/${name(1, "snapshot")}/below`, { recursive: true });
      for (const letter of ["c", "d", "e"]) await partition.append(big(letter));
      expect([values(), fatal, partition.closed]).toEqual([["a", "b", "c", "d", "e"], [], false]);
      expect(lines).toEqual([
        expect.stringContaining(`${directory}/${name(1, "snapshot")} can't be removed`),
      ]);
      await partition.closeCleanly();
      // At a start it is of no interest.
      const again = await openPartition(directory);
      await again.partition.append(big("f"));
      expect([again.values().at(-1), again.fatal]).toEqual(["f", []]);
      await again.partition.closeCleanly();
    }));

  test("continues without a snapshot if its name is taken", () =>
    withTempDir(async (directory) => {
      const { partition, fatal, lines, values } = await openPartition(directory);
      await partition.append(big("a"));
      mkdirSync(`${directory}/${name(1, "snapshot")}/below`, { recursive: true });
      await partition.append(big("b"));
      expect([values(), fatal]).toEqual([["a", "b"], []]);
      expect(lines[0]).toContain(`${directory}/${name(1, "snapshot")} can't be written`);
      await partition.closeCleanly();
      expect(readdirSync(directory).filter((file) => file.endsWith(".tmp"))).toEqual([]);
    }));

  test("fails if the next file exists, which stays unchanged; the next append retries", () =>
    withTempDir(async (directory) => {
      const { partition, fatal, values } = await openPartition(directory);
      await partition.append(big("a"));
      const inTheWay = `${directory}/${name(1, "log")}`;
      writeFileSync(inTheWay, "records");
      const refused = partition.append(big("b"));
      expect(refused).rejects.toThrow(`${inTheWay} is there already, with 7 bytes: move it away`);
      expect(await codeOf(() => refused)).toBe("STORAGE_ERROR");
      expect(readFileSync(inTheWay, "utf8")).toBe("records");
      expect([values(), fatal, partition.closed]).toEqual([["a"], [], false]);
      rmSync(inTheWay);
      expect(await partition.append(big("b"))).toBe(1);
      expect(values()).toEqual(["a", "b"]);
      await partition.closeCleanly();
    }));
});

describe("a FIFO in place of", () => {
  const settled = async (directory: string): Promise<void> => {
    const { partition } = await openPartition(directory);
    for (const letter of ["a", "b", "c"]) await partition.append(big(letter));
    await partition.closeCleanly();
  };

  test("the active log fails the opening, with its path", () =>
    withTempDir(async (directory) => {
      await settled(directory);
      makeFifo(`${directory}/${name(2, "log")}`);
      const context = contextOf(new RealDisk(), SMALL, { directory });
      expect(Log.open(context)).rejects.toThrow(
        `${directory}/${name(2, "log")} is a FIFO, not a file`,
      );
    }));

  test("a sealed log costs only its own records, and is reported", () =>
    withTempDir(async (directory) => {
      await settled(directory);
      makeFifo(`${directory}/${name(1, "log")}`);
      const context = contextOf(new RealDisk(), SMALL, { directory });
      const log = await Log.open(context);
      expect(() => log.segments.read(1, 1, log.pushedEnd)).toThrow("offsets 1 to 1 are missing");
      expect(log.segments.read(0, 1, log.pushedEnd).nextOffset).toBe(1);
      expect(log.segments.read(2, 1, log.pushedEnd).nextOffset).toBe(3);
      expect(context.lines.join()).toContain(`${directory}/${name(1, "log")} is a FIFO`);
      log.close();
    }));

  test.each([
    ["index", 1],
    ["timeindex", 1],
    ["index", 2],
    ["timeindex", 2],
    ["snapshot", 2],
    ["snapshot", 3],
  ])("the .%s of segment %d costs nothing", (kind, offset) =>
    withTempDir(async (directory) => {
      await settled(directory);
      makeFifo(`${directory}/${name(offset, kind)}`);
      const log = await Log.open(contextOf(new RealDisk(), SMALL, { directory }));
      expect(allRecords(log).map(({ value }) => value[0])).toEqual(["a", "b", "c"]);
      expect(log.findTimestamp(1_000, log.pushedEnd)?.offset).toBe(0);
      await log.closeCleanly();
    }),
  );

  test("a file of the data directory never hangs the start, and is reported", () =>
    withTempDir(async (root) => {
      const lines: string[] = [];
      const open = () =>
        DataDirectory.open(`${root}/data`, {
          disk: new RealDisk(),
          flush: { kind: "always" },
          logDefaults: ENDLESS,
          autoCreateTopics: true,
          defaultPartitions: 1,
          now: () => 1_000,
          report: (line) => lines.push(line),
          onFatal: () => {},
        });
      const first = await open();
      await first.registry.create("orders", 1, {});
      await first.closeCleanly();
      // The note of the last stop is ignored then, and whatever is in its place is removed.
      makeFifo(`${root}/data/clean-shutdown.json`);
      const second = await open();
      expect(second.wasClean).toBe(false);
      expect(lines.join()).toContain(`${root}/data/clean-shutdown.json is a FIFO`);
      await second.closeCleanly();
      for (const file of ["LOCK", "meta.json"]) {
        const path = `${root}/data/${file}`;
        const content = readFileSync(path);
        makeFifo(path);
        await expect(open()).rejects.toThrow(`${path} is a FIFO, not a file`);
        rmSync(path);
        writeFileSync(path, content);
      }
      await (await open()).closeCleanly();
    }));
});

test("a directory in place of an index costs nothing and leaves no temporary file", () =>
  withTempDir(async (directory) => {
    const { partition } = await openPartition(directory);
    for (const letter of ["a", "b", "c"]) await partition.append(big(letter));
    await partition.closeCleanly();
    const inTheWay = `${directory}/${name(0, "timeindex")}`;
    rmSync(inTheWay);
    mkdirSync(inTheWay);
    const context = contextOf(new RealDisk(), SMALL, { directory });
    const log = await Log.open(context);
    expect(log.findTimestamp(1_000, log.pushedEnd)?.offset).toBe(0);
    await until(() => context.lines.some((line) => line.includes("could not be saved")));
    expect(readdirSync(directory).filter((file) => file.endsWith(".tmp"))).toEqual([]);
    log.close();
  }));

describe("a symbolic link to itself in place of", () => {
  const makeLoop = (path: string): void => {
    rmSync(path, { force: true });
    symlinkSync(path, path);
  };

  test.each([
    ["index", 1],
    ["timeindex", 1],
    ["index", 2],
    ["timeindex", 2],
    ["snapshot", 2],
    ["snapshot", 3],
    ["snapshot", 9],
  ])("the .%s of offset %d costs nothing", (kind, offset) =>
    withTempDir(async (directory) => {
      const { partition } = await openPartition(directory);
      for (const letter of ["a", "b", "c"]) await partition.append(big(letter));
      await partition.closeCleanly();
      makeLoop(`${directory}/${name(offset, kind)}`);
      const log = await Log.open(contextOf(new RealDisk(), SMALL, { directory }));
      expect(allRecords(log).map(({ value }) => value[0])).toEqual(["a", "b", "c"]);
      expect(log.findTimestamp(1_000, log.pushedEnd)?.offset).toBe(0);
      await log.closeCleanly();
    }),
  );

  test("a sealed log costs only its own records, and is reported", () =>
    withTempDir(async (directory) => {
      const { partition } = await openPartition(directory);
      for (const letter of ["a", "b", "c"]) await partition.append(big(letter));
      await partition.closeCleanly();
      makeLoop(`${directory}/${name(1, "log")}`);
      const context = contextOf(new RealDisk(), SMALL, { directory });
      const log = await Log.open(context);
      expect(() => log.segments.read(1, 1, log.pushedEnd)).toThrow("offsets 1 to 1 are missing");
      expect(log.segments.read(2, 1, log.pushedEnd).nextOffset).toBe(3);
      expect(context.lines.join()).toContain("ELOOP");
      log.close();
    }));
});

test("something else in place of flush-failed.spare does not fail the start, and is reported", () =>
  withTempDir(async (root) => {
    const lines: string[] = [];
    mkdirSync(`${root}/data/flush-failed.spare`, { recursive: true });
    const directory = await DataDirectory.open(`${root}/data`, {
      disk: new RealDisk(),
      flush: { kind: "always" },
      logDefaults: ENDLESS,
      autoCreateTopics: true,
      defaultPartitions: 1,
      now: () => 1_000,
      report: (line) => lines.push(line),
      onFatal: () => {},
    });
    expect(lines.join()).toContain(`${root}/data/flush-failed.spare can't be used`);
    await directory.closeCleanly();
  }));

test("leftovers of a crash that can't be removed are reported and left alone", () =>
  withTempDir(async (directory) => {
    mkdirSync(`${directory}/foo.tmp`);
    const context = contextOf(new RealDisk(), SMALL, { directory });
    const log = await Log.open(context);
    expect(context.lines[0]).toContain(`orders-0: ${directory}/foo.tmp can't be removed`);
    log.close();
  }));
