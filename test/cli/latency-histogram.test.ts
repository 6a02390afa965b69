// The histogram of latencies compared with a sorted list, which is too simple to be wrong.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { TimeQueue } from "../../src/cli/bench-produce.js";
import { LatencyHistogram } from "../../src/cli/latency-histogram.js";

const durations = fc.array(fc.double({ min: 0, max: 1_000_000, noNaN: true }), {
  minLength: 1,
  maxLength: 300,
});

function histogramOf(values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.add(value);
  return histogram;
}

describe("a histogram", () => {
  test("property: percentiles are accurate to a microsecond or 1 %", () => {
    fc.assert(
      fc.property(durations, fc.double({ min: 0.1, max: 100, noNaN: true }), (values, percent) => {
        const sorted = [...values].sort((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length)) - 1]!;
        const found = histogramOf(values).percentile(percent);
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(Math.max(0.001, exact * 0.01));
      }),
    );
  });

  test("property: count, maximum and mean are exact, and the ranges cover everything", () => {
    fc.assert(
      fc.property(durations, durations, (values, more) => {
        const histogram = histogramOf(values);
        histogram.addAll(histogramOf(more));
        const all = [...values, ...more];
        expect(histogram.count).toBe(all.length);
        expect(histogram.maxMs).toBe(Math.max(...all));
        const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
        expect(Math.abs(histogram.meanMs - mean)).toBeLessThanOrEqual(1e-9 * Math.max(1, mean));
        const ranges = histogram.ranges();
        expect(ranges.reduce((sum, { count }) => sum + count, 0)).toBe(all.length);
        for (const [i, range] of ranges.entries()) {
          const { fromMs, toMs, count } = range;
          if (i > 0) expect(fromMs).toBe(ranges[i - 1]!.toMs);
          // Values are rounded to the microsecond.
          const inside = all.filter((value) => {
            const rounded = Math.round(value * 1000) / 1000;
            return rounded >= fromMs && rounded < toMs;
          });
          expect(count).toBe(inside.length);
        }
        expect([ranges[0]?.count, ranges.at(-1)?.count]).not.toContain(0);
      }),
    );
  });

  test("an empty histogram reports 0, and one with too long values reports the longest", () => {
    const empty = new LatencyHistogram();
    expect([empty.percentile(50), empty.maxMs, empty.meanMs, empty.ranges()]).toEqual([
      0,
      0,
      0,
      [],
    ]);
    const long = histogramOf([1e12]);
    expect([long.maxMs, long.count]).toEqual([1e12, 1]);
    expect(long.percentile(50)).toBeGreaterThan(2_000_000);
  });
});

test("property: a queue of times returns them in order, however they are taken", () => {
  const step = fc.record({
    timeMs: fc.integer({ min: 0, max: 3 }),
    pushed: fc.nat(50),
    taken: fc.nat(60),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const queue = new TimeQueue();
      const model: number[] = [];
      for (const { timeMs, pushed, taken } of steps) {
        for (let i = 0; i < pushed; i++) {
          queue.add(timeMs);
          model.push(timeMs);
        }
        const expected = model.splice(0, taken);
        const found: number[] = [];
        queue.take(expected.length, (time, count) => {
          // Don't report a time for zero records: it would count as the longest of all.
          expect(count).toBeGreaterThan(0);
          for (let i = 0; i < count; i++) found.push(time);
        });
        expect(found).toEqual(expected);
      }
    }),
  );
});
