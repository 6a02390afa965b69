// The stored log start offset: records below it are gone for readers, before and after a restart.
// Leaves to others: retention (test/log/log.test.ts), and crashes in between (simulation.test.ts).
import { expect, test } from "bun:test";
import { LOG_START_FILE } from "../../src/log/log-start.js";
import { Log } from "../../src/log/log.js";
import {
  allRecords,
  appendAll,
  batchOf,
  codeOf,
  contextOf,
  DIRECTORY,
  diskWithDirectory,
  openLog,
} from "../support/log-fixture.js";

const PATH = `${DIRECTORY}/${LOG_START_FILE}`;

/** Offsets 0–3 at time 1,000 in a sealed segment, 4–7 at 2,000 in the active one. */
async function twoSegments() {
  const disk = await diskWithDirectory();
  const log = await openLog(disk);
  await appendAll(log, [batchOf(["a", "b"], 1_000), batchOf(["c", "d"], 1_100)]);
  await log.roll();
  await appendAll(log, [batchOf(["e", "f"], 2_000), batchOf(["g", "h"], 2_100)]);
  return { disk, log };
}

test("the log start can move into a batch and survives a restart", async () => {
  const { disk, log } = await twoSegments();
  await log.advanceLogStart(1);
  expect(log.logStartOffset).toBe(1);
  await log.advanceLogStart(0);
  expect(log.logStartOffset).toBe(1);
  log.close();
  const reopened = await openLog(disk);
  expect(reopened.logStartOffset).toBe(1);
  expect(allRecords(reopened).map(({ value }) => value)).toEqual([
    "b",
    "c",
    "d",
    "e",
    "f",
    "g",
    "h",
  ]);
});

test("the next retention run deletes segments below the log start, whatever the settings", async () => {
  const { disk, log } = await twoSegments();
  await log.advanceLogStart(5);
  expect(log.segments.count).toBe(2);
  expect(await log.applyRetention(log.pushedEnd)).toBe(1);
  expect([log.segments.count, log.logStartOffset]).toEqual([1, 5]);
  log.close();
  expect((await openLog(disk)).logStartOffset).toBe(5);
});

test("a search by time finds nothing below the log start", async () => {
  const { log } = await twoSegments();
  const find = (timestamp: number): number | undefined =>
    log.findTimestamp(timestamp, log.pushedEnd)?.offset;
  expect([0, 1_050, 1_500].map(find)).toEqual([0, 2, 4]);
  await log.advanceLogStart(3);
  expect([0, 1_050, 1_500].map(find)).toEqual([3, 3, 4]);
  await log.advanceLogStart(6);
  expect([0, 1_050, 2_050].map(find)).toEqual([6, 6, 6]);
});

test("retention writes no log start file: the log starts with the first remaining segment", async () => {
  const { disk, log } = await twoSegments();
  await log.deleteBefore(4);
  expect([log.logStartOffset, disk.has(PATH)]).toEqual([4, false]);
});

test("a log that lost its records continues at the log start", async () => {
  const { disk, log } = await twoSegments();
  await log.advanceLogStart(7);
  log.close();
  for (const file of disk.list(DIRECTORY)) {
    if (file.endsWith(".log")) disk.overwrite(`${DIRECTORY}/${file}`, undefined);
  }
  const reopened = await openLog(disk);
  expect([reopened.logStartOffset, reopened.logEndOffset]).toEqual([7, 7]);
  await appendAll(reopened, [batchOf(["new"])]);
  expect(allRecords(reopened)).toEqual([{ offset: 7, value: "new" }]);
});

test("a damaged file is rejected, so that deleted records do not reappear", async () => {
  const { disk, log } = await twoSegments();
  await log.advanceLogStart(3);
  log.close();
  const bytes = disk.readFile(PATH)!;
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    disk.flipBit(PATH, bit);
    const context = contextOf(disk);
    const code = await codeOf(async () => {
      const opened = await Log.open(context);
      // White space may change.
      expect(opened.logStartOffset).toBe(3);
      opened.close();
    });
    expect([undefined, "STORAGE_ERROR"]).toContain(code);
    disk.flipBit(PATH, bit);
  }
});
