import { expect, test } from "bun:test";
import { BrokerMetrics, BUCKET_SECONDS, Histogram } from "../../src/broker/metrics.js";
import { ERRORS, type ErrorName } from "../../src/errors.js";
import { API } from "../../src/protocol/native/messages.js";

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
  const metrics = new BrokerMetrics();
  const answer = (apiKey: number, error?: ErrorName) =>
    metrics.answered({ apiKey, error, beganMs: 0, hasWaited: false });
  const names = Object.keys(ERRORS) as ErrorName[];
  const expected: [string, ErrorName | undefined, number][] = [];
  let count = 0;
  for (const [api, key] of [["unknown", 0] as const, ...Object.entries(API)]) {
    for (const error of key === 0 ? names : [undefined, ...names]) {
      count++;
      for (let i = 0; i < count; i++) answer(key === 0 ? 200 : key, error);
      expected.push([api, error, count]);
    }
  }
  expect(metrics.requests().map((row) => [row.api, row.error, row.count])).toEqual(expected);
});

test("an API is listed before its first request, an error only after its first occurrence", () => {
  const metrics = new BrokerMetrics();
  expect(metrics.requests()).toEqual(
    Object.keys(API).map((api) => ({ api, error: undefined, count: 0 })),
  );
  expect(metrics.connectionErrors()).toEqual([]);
  metrics.connectionFailed("FRAME_TOO_LARGE");
  expect(metrics.connectionErrors()).toEqual([{ error: "FRAME_TOO_LARGE", count: 1 }]);
});
