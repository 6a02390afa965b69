// Items of a request a few at a time. Leaves to others: what is done with them.
import { expect, test } from "bun:test";
import { fewAtATime } from "../../src/services/few-at-a-time.js";
import { codeOf, settle } from "../support/log-fixture.js";

test("works on a few items at once, pauses between portions, and keeps the order", async () => {
  let running = 0;
  let most = 0;
  const pauses: number[] = [];
  const work = async (item: number): Promise<number> => {
    most = Math.max(most, ++running);
    await settle();
    running--;
    return 10 * item;
  };
  const pause = (items: number): void => {
    expect(running).toBe(0);
    pauses.push(items);
  };
  expect(await fewAtATime([1, 2, 3, 4, 5], 2, work, pause)).toEqual([10, 20, 30, 40, 50]);
  expect([most, pauses]).toEqual([2, [2, 2]]);
  expect(await fewAtATime([], 2, work, pause)).toEqual([]);
});

test("the first failure is the outcome, and later portions are left out", async () => {
  const begun: number[] = [];
  const work = async (item: number): Promise<void> => {
    begun.push(item);
    if (item === 2) throw new Error("no");
  };
  expect(await codeOf(() => fewAtATime([1, 2, 3], 2, work))).toBe("Error: no");
  expect(begun).toEqual([1, 2]);
});
