// The lag over time, and the rates. Leaves to others: the sentences about them (diagnosis.test.ts).
import { expect, test } from "bun:test";
import type { GroupDetail, LagHistory } from "../../../../src/http/page/groups/group-wire.js";
import { LagSeries, sumOf } from "../../../../src/http/page/groups/lag-series.js";

const MINUTE = 60_000;

/** The present of one partition. */
function detail(nowMs: number, end: number, committed: number): GroupDetail {
  const lag = end - Math.max(0, committed);
  const partition = { topic: "t", partition: 0, end, committed, lag };
  return { nowMs, lag, partitions: [partition] } as unknown as GroupDetail;
}

function history(committed: readonly (number | null)[], ends: readonly number[]): LagHistory {
  const times = ends.map((_, i) => i * MINUTE);
  const lags = committed.map((each, i) => (each === null ? null : ends[i]! - each));
  return {
    times,
    lags,
    gap: null,
    partitions: [{ topic: "t", partition: 0, ends, committed, lags }],
  };
}

test("the hour goes on with what the page sees, at first every few seconds and then thinned", () => {
  const series = new LagSeries();
  series.load(history([null, 5, 10], [10, 20, 30]));
  for (let second = 121; second <= 180; second++)
    series.add(detail(second * 1000, 30 + second, 10));
  const points = series.points("t:0");
  expect(points.slice(0, 3)).toEqual([
    { ms: 0, value: null },
    { ms: MINUTE, value: 15 },
    { ms: 2 * MINUTE, value: 20 },
  ]);
  expect(points.at(-1)).toEqual({ ms: 180_000, value: 200 });
  expect(points.length).toBeLessThan(10);
  expect(series.points()).toEqual(points);
  series.add(detail(61.5 * MINUTE, 500, 10));
  expect(series.points()[0]).toEqual({ ms: 2 * MINUTE, value: 20 });
});

test("a history that arrives late does not replace what the page has seen since", () => {
  const series = new LagSeries();
  series.add(detail(2 * MINUTE + 1, 40, 10));
  series.load(history([0, 5, 10], [10, 20, 30]));
  expect(series.points().map(({ value }) => value)).toEqual([10, 15, 20, 30]);
});

test("rates are those of about a minute, of the history if there is nothing newer", () => {
  const series = new LagSeries();
  expect(series.rate("t:0")).toBeUndefined();
  series.add(detail(1000, 10, 10));
  series.add(detail(3000, 12, 10));
  expect(series.rate("t:0")).toBeUndefined();
  series.load(history([0, 0, 600], [0, 100, 1300]));
  expect(series.rate("t:0")).toEqual({ in: 20, out: 10 });
  series.add(detail(2 * MINUTE + 2000, 1300, 1220));
  expect(series.rate("t:0")?.out).toBeCloseTo(1220 / 62);
});

test("a reset, a first commit, and what is not known are no rates of reading", () => {
  const reset = new LagSeries();
  reset.load(history([900, 900, 100, 220], [1000, 1000, 1000, 1000]));
  expect(reset.rate("t:0")).toEqual({ in: 0, out: 2 });
  const first = new LagSeries();
  first.load(history([-1, 500], [1000, 1000]));
  expect(first.rate("t:0")).toEqual({ in: 0, out: null });
  const unknown = new LagSeries();
  unknown.load(history([null, 500], [1000, 1060]));
  expect(unknown.rate("t:0")).toEqual({ in: 1, out: null });
});

test("it is known whether a partition has been behind since a time, without interruption", () => {
  const series = new LagSeries();
  expect(series.isBehindSince("t:0", MINUTE)).toBe(false);
  series.load(history([0, null, 10, 10], [5, 5, 12, 14]));
  expect(series.isBehindSince("t:0", 2 * MINUTE)).toBe(true);
  expect(series.isBehindSince("t:0", 2 * MINUTE - 1)).toBe(false);
  series.add(detail(4 * MINUTE, 20, 20));
  expect(series.isBehindSince("t:0", 4 * MINUTE)).toBe(false);
});

test("a partition that is not always listed has gaps, and is known since the last one", () => {
  const series = new LagSeries();
  const listed = [true, true, false, true, true];
  for (const [i, isListed] of listed.entries()) {
    const present = detail((i + 1) * MINUTE, 10 * (i + 1), 5);
    series.add(isListed ? present : { ...present, partitions: [] });
  }
  expect(series.points("t:0").map(({ value }) => value)).toEqual([5, 15, null, 35, 45]);
  expect(series.isBehindSince("t:0", 4 * MINUTE)).toBe(true);
  expect(series.isBehindSince("t:0", 4 * MINUTE - 1)).toBe(false);
  expect(series.age("t:0")).toEqual({ ms: MINUTE, isMore: true });
  expect(series.rate("t:0")).toEqual({ in: 10 / 60, out: 0 });
  // An hour later it is forgotten, and a history from before does not bring it back.
  series.add({ ...detail(70 * MINUTE, 0, 0), partitions: [] });
  expect(series.points("t:0")).toEqual([{ ms: 70 * MINUTE, value: null }]);
  series.load(history([5], [70]));
  expect(series.points("t:0").map(({ value }) => value)).toEqual([65, null]);
});

test("it is known since when the generation is another, if the page has seen that", () => {
  const series = new LagSeries();
  series.add({ ...detail(MINUTE, 0, 0), generation: 4 });
  expect(series.generationSince).toBeUndefined();
  series.add({ ...detail(2 * MINUTE, 0, 0), generation: 5 });
  series.add({ ...detail(3 * MINUTE, 0, 0), generation: 5 });
  expect(series.generationSince).toBe(2 * MINUTE);
});

test("the oldest unread record is as old as the end of the log that was there when it was written", () => {
  const series = new LagSeries();
  expect(series.age("t:0")).toBeUndefined();
  series.load(history([0, 10, 20], [10, 25, 40]));
  // It was written in the second minute.
  expect(series.age("t:0")).toEqual({ ms: MINUTE, isMore: false });
  series.add(detail(2 * MINUTE + 5000, 40, 25));
  expect(series.age("t:0")).toEqual({ ms: 5000, isMore: false });
  series.add(detail(2 * MINUTE + 9000, 40, 5));
  expect(series.age("t:0")).toEqual({ ms: 2 * MINUTE + 9000, isMore: true });
  // Where nothing was committed, all of the log is unread.
  series.add(detail(2 * MINUTE + 10_000, 40, -1));
  expect(series.age("t:0")).toEqual({ ms: 2 * MINUTE + 10_000, isMore: true });
  series.add(detail(2 * MINUTE + 11_000, 40, 40));
  expect(series.age("t:0")).toBeUndefined();
});

test("sums are not known where a part is not", () => {
  expect(sumOf([undefined])).toBeUndefined();
  expect(sumOf([{ in: 1, out: 2 }, undefined, { in: 3, out: 4 }])).toEqual({ in: 4, out: 6 });
  expect(
    sumOf([
      { in: 1, out: null },
      { in: 3, out: 4 },
    ]),
  ).toEqual({ in: 4, out: null });
});
