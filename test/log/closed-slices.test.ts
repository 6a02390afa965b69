// A slice that is still being sent when its log is closed must never give the bytes of another file: neither of
// one that has got the descriptor's number, nor of one that has got the segment's name.
import { expect, test } from "bun:test";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BatchEncoder } from "../../src/record/encoder.js";
import { Log } from "../../src/log/log.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import { ENDLESS } from "../support/log-fixture.js";
import { withTempDir } from "../support/tmp.js";

async function openLog(directory: string): Promise<Log> {
  const settings = { ...ENDLESS, segmentBytes: 2 ** 20 };
  const context = { disk: new RealDisk(), directory, name: "t-0", settings };
  const log = await Log.open({ ...context, now: Date.now, report: () => {} });
  const encoder = new BatchEncoder();
  encoder.append(1, null, "of this log");
  log.append([encoder.finish()]);
  await log.push();
  await log.sync();
  return log;
}

test("a slice of the active segment ends with the log", async () => {
  await withTempDir(async (directory) => {
    const log = await openLog(directory);
    const [slice] = log.segments.read(0, 1_000, log.pushedEnd).slices;
    expect(slice?.read(0, 1_000).length).toBe(slice?.bytes);
    log.close();
    // Takes the number of the descriptor that was closed.
    const other = new RealDisk().openAppend(join(directory, "another file"));
    expect(() => slice?.read(0, 1_000)).toThrow("is closed");
    other.close();
  });
});

test("a slice of a rolled segment does not read another file of the same name", async () => {
  await withTempDir(async (directory) => {
    const log = await openLog(directory);
    const [slice] = log.segments.read(0, 1_000, log.pushedEnd).slices;
    await log.roll();
    log.close();
    const path = join(directory, "00000000000000000000.log");
    renameSync(path, join(directory, "deleted"));
    writeFileSync(path, "x".repeat(1_000));
    expect(() => slice?.read(0, 1_000)).toThrow("is gone");
  });
});
