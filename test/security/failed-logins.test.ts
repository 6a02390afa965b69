import { expect, test } from "bun:test";
import { FailedLogins } from "../../src/security/failed-logins.js";

test("each failure from an address doubles the delay, until the address has been silent", () => {
  const failed = new FailedLogins();
  const delays = Array.from({ length: 8 }, (_, i) => failed.delayMs("a", i));
  expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 3_200, 3_200]);
  expect(failed.delayMs("b", 8)).toBe(100);
  expect(failed.delayMs("a", 7 + 60_000)).toBe(100);
});

test("of many addresses the one that has not failed for longest is forgotten", () => {
  const failed = new FailedLogins();
  failed.delayMs("a", 0);
  failed.delayMs("b", 0);
  failed.delayMs("a", 0);
  for (let i = 0; i < 9_999; i++) failed.delayMs(`other ${i}`, 0);
  expect(failed.delayMs("a", 0)).toBe(400);
  expect(failed.delayMs("b", 0)).toBe(100);
});
