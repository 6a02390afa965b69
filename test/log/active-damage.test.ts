// Damage in an active segment that a clean stop has noted, so that no start scans it: the reads find it.
import { expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import { batchBytes } from "../../src/record/batch.js";
import { Log } from "../../src/log/log.js";
import { readAll } from "../../src/log/segment/log-slice.js";
import { Partition } from "../../src/topics/partition.js";
import {
  appendAll,
  batchOf,
  contextOf,
  DIRECTORY,
  diskWithDirectory,
  openLog,
  recordsIn,
  settle,
} from "../support/log-fixture.js";
import type { SimulatedDisk } from "../support/simulated-disk.js";

const LOG = `${DIRECTORY}/00000000000000000000.log`;
const COUNT = 8;

/** A partition whose segment was damaged after a clean stop. */
async function opened(disk: SimulatedDisk, clean: Awaited<ReturnType<Log["closeCleanly"]>>) {
  const context = contextOf(disk);
  const log = await Log.open(context, { clean, rewrite: false });
  const partition = new Partition({
    topic: "orders",
    index: 0,
    log,
    flush: { kind: "always" },
    onFatal: () => {},
  });
  return { partition, lines: context.lines };
}

/** The values that can be read, and the offsets of those that can't. */
function readEach(partition: Partition) {
  const values: string[] = [];
  const lost: number[] = [];
  for (let offset = 0; offset < partition.highWatermark; offset++) {
    try {
      values.push(recordsIn(readAll(partition.read(offset, 1)), offset)[0]!.value);
    } catch (error) {
      if (!(error instanceof RustLogError && error.code === "CORRUPT_MESSAGE")) throw error;
      lost.push(offset);
    }
  }
  return { values, lost };
}

async function stopped() {
  const disk = await diskWithDirectory();
  const log = await openLog(disk);
  const values = Array.from({ length: COUNT }, (_, i) => `value ${i}`);
  await appendAll(
    log,
    values.map((value) => batchOf([value])),
  );
  const clean = await log.closeCleanly();
  return { disk, clean, values, size: batchBytes(disk.readFile(LOG)!, 0) };
}

test("a read finds it, whichever bit is flipped, and nothing is appended after it", async () => {
  const { disk, clean, values, size } = await stopped();
  const files = new Map(
    disk.list(DIRECTORY).map((name) => [name, disk.readFile(`${DIRECTORY}/${name}`)!]),
  );
  for (let bit = 3 * size * 8; bit < 4 * size * 8; bit++) {
    const inBatch = (bit >>> 3) - 3 * size;
    if (inBatch >= 12 && inBatch < 16) continue;
    for (const name of disk.list(DIRECTORY))
      disk.overwrite(`${DIRECTORY}/${name}`, files.get(name));
    for (const [name, bytes] of files) disk.overwrite(`${DIRECTORY}/${name}`, bytes);
    disk.flipBit(LOG, bit);
    const damaged = disk.readFile(LOG)!;
    const { partition, lines } = await opened(disk, clean);
    const place = `bit ${bit & 7} of byte ${inBatch}`;
    const first = readEach(partition);
    expect({ place, isFound: first.lost.includes(3) }).toEqual({ place, isFound: true });
    for (const value of first.values) expect(values).toContain(value);
    // Sealed by now.
    await partition.append(batchOf(["after"]));
    const rest = [...values.toSpliced(3, 1), "after"];
    expect({ place, ...readEach(partition) }).toEqual({ place, values: rest, lost: [3] });
    expect(lines[0]).toContain("00000000000000000000.log is damaged");
    expect(disk.readFile(LOG)).toEqual(damaged);
    // And so it is after a kill.
    disk.restartProcess();
    const again = await opened(disk, undefined);
    expect({ place, ...readEach(again.partition) }).toEqual({ place, values: rest, lost: [3] });
    disk.restartProcess();
  }
});

test("the read itself begins the new segment; a clean stop before that leaves no note", async () => {
  const { disk, clean, size } = await stopped();
  disk.flipBit(LOG, 8 * (5 * size - 1));
  const { partition } = await opened(disk, clean);
  expect(readEach(partition).lost).toEqual([4]);
  await settle();
  await settle();
  expect(partition.describe().segments).toBe(2);
  const context = contextOf(disk);
  disk.restartProcess();
  disk.overwrite(`${DIRECTORY}/00000000000000000008.log`, undefined);
  const log = await Log.open(context, { clean, rewrite: false });
  expect(() => log.segments.read(4, 1, log.pushedEnd)).toThrow("CRC-32C");
  expect(await log.closeCleanly()).toBeUndefined();
});

test("damage that no start has checked and no read has found is not truncated after a kill", async () => {
  const { disk, clean, values, size } = await stopped();
  disk.flipBit(LOG, 8 * (3 * size - 1));
  const { partition } = await opened(disk, clean);
  await partition.append(batchOf(["after"]));
  disk.restartProcess();
  const again = await opened(disk, undefined);
  const rest = [...values.toSpliced(2, 1), "after"];
  expect(readEach(again.partition)).toEqual({ values: rest, lost: [2] });
});
