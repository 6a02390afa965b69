// One reading of the clock serves a few calls of a turn, and none of a later turn.
import { afterEach, expect, setSystemTime, test } from "bun:test";
import { CallClock } from "../../src/client/call-clock.js";

afterEach(() => {
  setSystemTime();
});

test("eight calls share a reading of the clock, the ninth takes a new one", () => {
  const clock = new CallClock();
  setSystemTime(1_000);
  const first = clock.now();
  setSystemTime(2_000);
  const times = Array.from({ length: 9 }, () => clock.now());
  expect([first, ...times]).toEqual([...Array<number>(8).fill(1_000), 2_000, 2_000]);
});

test("a later turn of the event loop takes a new one", async () => {
  const clock = new CallClock();
  setSystemTime(1_000);
  expect(clock.now()).toBe(1_000);
  await new Promise((resolve) => setImmediate(resolve));
  setSystemTime(5_000);
  expect(clock.now()).toBe(5_000);
  // The calls are counted from that reading.
  setSystemTime(6_000);
  expect(Array.from({ length: 8 }, () => clock.now())).toEqual([
    ...Array<number>(7).fill(5_000),
    6_000,
  ]);
});
