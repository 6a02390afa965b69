// How long a compaction rests beside clients, and that it ends however busy they are; with a clock that is moved by hand.
// Leaves to others: the thread that rests (compaction-thread.test.ts).
import { describe, expect, test } from "bun:test";
import { ClientLoad, CompactionPace } from "../../src/log/compaction/compaction-pace.js";
import { ManualClock } from "../support/manual-clock.js";

/** Works for `workMs`, one millisecond at a time, beside clients with a load; returns the time and the rests, in ms. */
function work(workMs: number, loadAt: (ms: number) => number) {
  const clock = new ManualClock();
  const beganMs = clock.now();
  const rests: number[] = [];
  const rest = (ms: number): void => {
    rests.push(ms);
    clock.advance(ms);
  };
  const pace = new CompactionPace(rest, () => clock.now());
  for (let worked = 0; worked < workMs; worked++) {
    clock.advance(1);
    pace.keep(loadAt(clock.now() - beganMs));
  }
  return { ms: clock.now() - beganMs, rests };
}

describe("a compaction", () => {
  test("does not rest while clients do nothing", () => {
    expect(work(10_000, () => 0)).toEqual({ ms: 10_000, rests: [] });
  });

  test("works an eighth of the time beside busy clients, two milliseconds at a time", () => {
    const { ms, rests } = work(1_000, () => 1);
    expect(ms).toBe(8_000);
    expect(new Set(rests)).toEqual(new Set([14]));
  });

  test("rests in proportion to what clients do", () => {
    expect(work(1_000, () => 0.5).ms).toBe(4_500);
    expect(work(1_000, (ms) => (ms > 4_000 ? 0 : 1)).ms).toBe(4_500);
  });

  test("takes at most 255 s longer, however much work there is and however busy clients are", () => {
    for (const seconds of [1, 20, 60, 200]) {
      const { ms } = work(seconds * 1_000, () => 1);
      expect(ms - seconds * 1_000).toBeLessThanOrEqual(255_000);
    }
    const longest = work(200_000, () => 1);
    expect(longest.ms - 200_000).toBeGreaterThan(254_000);
  });

  test("rests after a slow flush too, but not for long", () => {
    const clock = new ManualClock();
    const rests: number[] = [];
    const pace = new CompactionPace(
      (ms) => rests.push(ms),
      () => clock.now(),
    );
    for (const flushMs of [1, 30, 1_000]) {
      clock.advance(flushMs);
      pace.keep(1);
    }
    // The first flush was too short; the second one began with it.
    expect(rests).toEqual([31 * 7, 500]);
  });
});

describe("the load of clients", () => {
  const loadAfter = (ms: number, more: Partial<Record<string, number>>): number => {
    const clock = new ManualClock();
    const traffic = { requestsAnswered: 0, receivedBytes: 0, sentBytes: 0 };
    const load = new ClientLoad(traffic, () => clock.now());
    Object.assign(traffic, more);
    clock.advance(ms);
    expect(load.next()).toBeGreaterThanOrEqual(0);
    const first = load.next();
    expect(first).toBe(0);
    for (const [name, count] of Object.entries(more)) {
      traffic[name as keyof typeof traffic] += count ?? 0;
    }
    clock.advance(ms);
    return load.next();
  };

  test("counts requests and bytes since the last look, per second", () => {
    expect(loadAfter(100, {})).toBe(0);
    expect(loadAfter(100, { requestsAnswered: 5 })).toBeCloseTo(0.1);
    expect(loadAfter(1_000, { requestsAnswered: 50 })).toBeCloseTo(0.1);
    expect(loadAfter(100, { receivedBytes: 500_000 })).toBeCloseTo(0.1);
    expect(loadAfter(100, { sentBytes: 500_000, requestsAnswered: 10 })).toBeCloseTo(0.3);
  });

  test("is at most 1", () => {
    expect(loadAfter(100, { requestsAnswered: 1_000 })).toBe(1);
    expect(loadAfter(0, { receivedBytes: 1e9 })).toBe(1);
  });
});
