// What a search by time opens before it begins, so that it takes little time itself. Leaves to others: what it finds
// (log.test.ts).
import { expect, test } from "bun:test";
import { turnsOf } from "../support/turns.js";
import { appendAll, batchOf, diskWithDirectory, openLog } from "../support/log-fixture.js";

test("segments are opened a few per turn, and the search then opens none", async () => {
  const disk = await diskWithDirectory();
  const log = await openLog(disk, { segmentBytes: 100 });
  await appendAll(
    log,
    Array.from({ length: 200 }, (_, i) => batchOf(["x".repeat(60)], 1_000 + i)),
  );
  await log.closeCleanly();
  const again = await openLog(disk, { segmentBytes: 100 });
  const { segments } = again;
  expect(segments.count).toBe(200);
  let opened = 0;
  const map = disk.map.bind(disk);
  disk.map = (path) => {
    opened++;
    return map(path);
  };
  let openedThisTurn = 0;
  let openedMost = 0;
  let counting = setImmediate(function count() {
    openedMost = Math.max(openedMost, opened - openedThisTurn);
    openedThisTurn = opened;
    counting = setImmediate(count);
  });
  await segments.prepareTimeSearch(1_150, 0);
  clearImmediate(counting);
  // At most the log and two indexes of each.
  expect(openedMost).toBeLessThanOrEqual(3 * 16);
  expect(opened).toBeGreaterThan(150);
  expect(opened).toBeLessThanOrEqual(3 * 152);
  const before = opened;
  expect(segments.findTimestamp(1_150, 0, again.pushedEnd)?.timestamp).toBe(1_150);
  expect(opened).toBe(before);
  expect(segments.prepareTimeSearch(1_150, 0)).toBeUndefined();
});

test("segments before the start of a search stay closed", async () => {
  const disk = await diskWithDirectory();
  const log = await openLog(disk, { segmentBytes: 100 });
  await appendAll(
    log,
    Array.from({ length: 40 }, (_, i) => batchOf(["x".repeat(60)], i === 5 ? 9_000 : 1_000 + i)),
  );
  const { segments } = log;
  // Otherwise the preparation would end at the one segment that has such a time.
  await segments.prepareTimeSearch(1_030, 6);
  const isReady = segments.sealed.map(({ isReadyForTimes }) => isReadyForTimes);
  expect([isReady.indexOf(true), isReady.lastIndexOf(true)]).toEqual([6, 30]);
});

test("a segment whose newest record comes first is looked at in portions", async () => {
  const disk = await diskWithDirectory();
  const log = await openLog(disk);
  const times = [9_000, ...Array.from({ length: 4_500 }, (_, i) => 1_000 + i)];
  await appendAll(
    log,
    times.map((time) => batchOf(["x"], time)),
  );
  await log.roll();
  await log.closeCleanly();
  const { segments, pushedEnd } = await openLog(disk);
  const { turns } = await turnsOf(Promise.resolve(segments.prepareTimeSearch(9_500, 0)));
  expect(turns).toBeGreaterThanOrEqual(3);
  expect(segments.prepareTimeSearch(9_500, 0)).toBeUndefined();
  expect(segments.findTimestamp(9_500, 0, pushedEnd)).toBeUndefined();
  expect(segments.findTimestamp(1_100, 1, pushedEnd)?.timestamp).toBe(1_100);
});

test("a search from an offset on does not look at the segments before it", async () => {
  const log = await openLog(await diskWithDirectory(), { segmentBytes: 100 });
  await appendAll(
    log,
    Array.from({ length: 200 }, (_, i) => batchOf(["x".repeat(60)], 1_000 + i)),
  );
  const { segments } = log;
  let looked = 0;
  const at = segments.at.bind(segments);
  segments.at = (i) => {
    looked++;
    return at(i);
  };
  expect(segments.findTimestamp(1_190, 185, log.pushedEnd)?.offset).toBe(190);
  expect(looked).toBeLessThan(10);
});
