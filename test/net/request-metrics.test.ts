import { expect, test } from "bun:test";
import { BUCKET_SECONDS, Histogram } from "../../src/net/histogram.js";
import { RequestMetrics } from "../../src/net/request-metrics.js";

const APIS = [
  [0, "Send"],
  [1, "Get"],
  [94, "Ask"],
] as const;

const ERRORS = ["none", "DENIED", "BROKEN"];

function requestMetrics(): RequestMetrics {
  const keys = { produceKey: 0, fetchKey: 1 };
  return new RequestMetrics({ protocol: "toy", apis: APIS, ...keys, errors: ERRORS });
}

test("a histogram counts a duration in the first bucket whose bound it does not exceed", () => {
  const histogram = new Histogram();
  histogram.observe(0);
  for (const seconds of BUCKET_SECONDS) histogram.observe(seconds * 1000);
  histogram.observe(10_001);
  histogram.observe(1e9);
  expect([...histogram.counts]).toEqual([2, ...BUCKET_SECONDS.slice(1).map(() => 1), 2]);
  const sum = BUCKET_SECONDS.reduce((total, seconds) => total + seconds, 0);
  expect(histogram.sumSeconds).toBeCloseTo(sum + 10.001 + 1e6);
});

test("requests are counted by API and error", () => {
  const metrics = requestMetrics();
  const expected: [string, string | undefined, number][] = [];
  let count = 0;
  for (const [key, api] of [[200, "unknown"] as const, ...APIS]) {
    for (const [number, error] of ERRORS.entries()) {
      count++;
      for (let i = 0; i < count; i++) metrics.answered(key, number, 0, false);
      expected.push([api, number === 0 ? undefined : error, count]);
    }
  }
  expect(metrics.requests().map((row) => [row.api, row.error, row.count])).toEqual(expected);
  expect(metrics.answeredCount).toBe((count * (count + 1)) / 2);
});

test("an API is listed before its first request, an error only after its first occurrence", () => {
  const metrics = requestMetrics();
  const rows = APIS.map(([, api]) => ({ api, error: undefined, count: 0 }));
  expect(metrics.requests()).toEqual(rows);
  metrics.answered(94, 2, 0, false);
  expect(metrics.requests()).toEqual([...rows, { api: "Ask", error: "BROKEN", count: 1 }]);
});

test("produces and fetches are timed, and fetches that waited apart from the others", () => {
  const metrics = requestMetrics();
  metrics.answered(0, 1, performance.now() - 20, false);
  metrics.answered(1, 0, performance.now(), false);
  metrics.answered(1, 0, performance.now() - 20, true);
  metrics.answered(94, 0, 0, true);
  const { produceDuration, fetchDuration, fetchWaitDuration } = metrics;
  const counts = [produceDuration, fetchDuration, fetchWaitDuration].map((histogram) =>
    histogram.counts.reduce((sum, inBucket) => sum + inBucket, 0),
  );
  expect(counts).toEqual([1, 1, 1]);
  expect(fetchWaitDuration.sumSeconds).toBeGreaterThanOrEqual(0.02);
});
