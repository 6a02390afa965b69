// Retention and damage: no unverified byte deletes a record, and none keeps a segment for ever.
import { expect, test } from "bun:test";
import { batchBytes, FIELD } from "../../src/record/batch.js";
import type { Log } from "../../src/log/log.js";
import {
  appendAll,
  batchOf,
  DIRECTORY,
  diskWithDirectory,
  openLog,
  settle,
} from "../support/log-fixture.js";
import type { SimulatedDisk } from "../support/simulated-disk.js";

const OLD = 1;
const YOUNG = 900;
/** The clock of the log stands at 1,000. */
const SETTINGS = { retentionMs: 500 };

const name = (offset: number, kind: string): string =>
  `${DIRECTORY}/${String(offset).padStart(20, "0")}.${kind}`;

/** A segment for each list of times, with a batch for each time; and an empty active one. */
async function segmentsOf(...segments: readonly (readonly number[])[]): Promise<SimulatedDisk> {
  const disk = await diskWithDirectory();
  const log = await openLog(disk);
  for (const times of segments) {
    for (const time of times) await appendAll(log, [batchOf(["x".repeat(500)], time)]);
    await log.roll();
  }
  log.close();
  return disk;
}

const sizeOf = (disk: SimulatedDisk): number => batchBytes(disk.readFile(name(0, "log"))!, 0);

const retain = (log: Log): Promise<number> => log.applyRetention(log.pushedEnd);

test("a segment with young records is kept even if two damaged headers hide them", async () => {
  const times = [OLD, ...Array.from({ length: 11 }, () => YOUNG)];
  for (const missing of [["timeindex"], ["index", "timeindex"]]) {
    const disk = await segmentsOf(times);
    const size = sizeOf(disk);
    for (const i of [1, 2]) disk.flipBit(name(0, "log"), 8 * (i * size + FIELD.magic));
    for (const kind of missing) disk.overwrite(name(0, kind), undefined);
    const log = await openLog(disk, SETTINGS);
    expect(await retain(log)).toBe(0);
    expect(log.logStartOffset).toBe(0);
    expect(log.segments.read(3, 1, log.pushedEnd).nextOffset).toBe(4);
  }
});

test("a damaged timestamp neither keeps nor deletes a segment", async () => {
  for (const [intact, deleted] of [
    [OLD, 1],
    [YOUNG, 0],
  ] as const) {
    const disk = await segmentsOf([intact, OLD, intact], [YOUNG]);
    // 1 ms becomes 50 days.
    disk.flipBit(name(0, "log"), 8 * (sizeOf(disk) + FIELD.maxTimestamp + 3));
    const log = await openLog(disk, SETTINGS);
    expect(await retain(log)).toBe(deleted);
  }
});

test("a valid time index is not overwritten because of a damaged log", async () => {
  const disk = await segmentsOf(Array.from({ length: 12 }, (_, i) => YOUNG + i));
  const size = sizeOf(disk);
  const good = disk.readFile(name(0, "timeindex"));
  for (const i of [2, 11]) {
    for (let bit = 0; bit < 64; bit++) {
      const at = 8 * (i * size + FIELD.maxTimestamp) + bit;
      disk.flipBit(name(0, "log"), at);
      const log = await openLog(disk, SETTINGS);
      log.findTimestamp(YOUNG + 8, log.pushedEnd);
      log.findTimestamp(YOUNG + 11, log.pushedEnd);
      await retain(log);
      await settle();
      expect(disk.readFile(name(0, "timeindex"))).toEqual(good!);
      log.close();
      disk.flipBit(name(0, "log"), at);
    }
  }
});

test("a damaged header from the future does not keep a segment", async () => {
  for (const kept of ["index", "timeindex"]) {
    const disk = await segmentsOf([OLD, OLD, OLD], [OLD], [YOUNG]);
    disk.flipBit(name(0, "log"), 8 * (sizeOf(disk) + FIELD.maxTimestamp + 3));
    if (kept === "index") disk.overwrite(name(0, "timeindex"), undefined);
    const log = await openLog(disk, SETTINGS);
    expect(await retain(log)).toBe(2);
    expect(log.logStartOffset).toBe(4);
  }
});

test("a segment with nothing but damage is deleted with the next one", async () => {
  for (const [second, deleted] of [
    [OLD, 2],
    [YOUNG, 0],
  ] as const) {
    const disk = await segmentsOf([OLD, OLD], [second], [YOUNG]);
    for (const i of [0, 1]) disk.flipBit(name(0, "log"), 8 * (i * sizeOf(disk) + 100));
    const log = await openLog(disk, SETTINGS);
    expect(await retain(log)).toBe(deleted);
  }
});

test("a large segment is checked once, in many turns", async () => {
  const disk = await diskWithDirectory();
  const filling = await openLog(disk);
  await appendAll(
    filling,
    Array.from({ length: 8 }, (_, i) => batchOf(["x".repeat(1_000_000)], i < 7 ? OLD : YOUNG)),
  );
  await filling.roll();
  filling.close();
  // Only the batch that keeps the segment is damaged, so that all the others are looked at.
  disk.flipBit(name(0, "log"), 8 * (7 * sizeOf(disk) + 100));
  await appendAll(await openLog(disk), [batchOf(["y"], YOUNG)]);
  const log = await openLog(disk, { retentionMs: 200_000 });
  const turnsOf = async (): Promise<number> => {
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    expect(await retain(log)).toBe(0);
    isDone = true;
    return turns;
  };
  expect(await turnsOf()).toBeGreaterThan(5);
  expect(await turnsOf()).toBeLessThan(2);
});
