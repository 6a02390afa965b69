import { expect, test } from "bun:test";
import { LogLimit } from "../../src/net/log-limit.js";

/** A limit of 3 lines, with timers that the test lets expire. */
function limitOfThree() {
  const lines: string[] = [];
  let timers: (() => void)[] = [];
  const limit = new LogLimit((line) => lines.push(line), {
    linesPerWindow: 3,
    schedule: (call) => {
      timers.push(call);
      return () => {
        timers = timers.filter((timer) => timer !== call);
      };
    },
  });
  const expire = (): void => {
    for (const timer of [...timers]) timer();
  };
  return { limit, lines, expire, timers: () => timers.length };
}

test("the first lines of a kind are logged, the others counted and reported together", () => {
  const { limit, lines, expire, timers } = limitOfThree();
  for (let i = 1; i <= 1000; i++) limit.line("bug", `bug ${i}\n  at somewhere`);
  expect(lines).toHaveLength(3);
  expire();
  expect(lines.slice(3)).toEqual(["997 more like this in the last 10 s: bug 1000"]);
  expect(timers()).toBe(0);
  limit.line("bug", "another");
  expect(lines.at(-1)).toBe("another");
});

test("kinds do not count against each other, and a few lines have nothing reported after them", () => {
  const { limit, lines, expire } = limitOfThree();
  for (let i = 1; i <= 5; i++) limit.line("loud", `loud ${i}`);
  for (let i = 1; i <= 3; i++) limit.line("quiet", `quiet ${i}`);
  expire();
  expect(lines).toEqual([
    ...["loud 1", "loud 2", "loud 3", "quiet 1", "quiet 2", "quiet 3"],
    "2 more like this in the last 10 s: loud 5",
  ]);
});

test("counted lines are reported when the broker stops", () => {
  const { limit, lines, timers } = limitOfThree();
  for (let i = 1; i <= 4; i++) limit.line("bug", `bug ${i}`);
  limit.close();
  expect(lines.at(-1)).toBe("1 more like this in the last 10 s: bug 4");
  expect(timers()).toBe(0);
});
