// Answers that are given again while they are fresh. Leaves to others: who asks (groups.test.ts).
import { expect, test } from "bun:test";
import { RecentAnswers } from "../../../src/http/api/recent-answers.js";

test("an answer is good for twenty times as long as it took, but not for more than 10 s", async () => {
  let nowMs = 0;
  const answers = new RecentAnswers<number>(() => nowMs);
  let made = 0;
  const ask = (key: string, tookMs: number) =>
    answers.get(key, async () => {
      nowMs += tookMs;
      return ++made;
    });
  expect(await ask("a", 100)).toBe(1);
  expect(await ask("b", 100)).toBe(2);
  nowMs += 1899;
  expect(await ask("a", 100)).toBe(1);
  nowMs += 1;
  expect(await ask("a", 100)).toBe(3);
  answers.clear();
  expect(await ask("a", 5000)).toBe(4);
  nowMs += 10_000;
  expect(await ask("a", 10)).toBe(5);
  // Too quick to be kept.
  expect(await ask("a", 10)).toBe(6);
  for (let i = 0; i < 21; i++) await ask(`other ${i}`, 20);
  expect(await ask("other 20", 20)).toBe(27);
  expect(await ask("other 0", 20)).toBe(28);
});

test("an answer during which something changed is not given again", async () => {
  let nowMs = 0;
  const answers = new RecentAnswers<string>(() => nowMs);
  const { promise: read, resolve: isRead } = Promise.withResolvers<void>();
  const slow = answers.get("groups", async () => {
    await read;
    nowMs += 100;
    return "before";
  });
  answers.clear();
  isRead();
  expect(await slow).toBe("before");
  expect(await answers.get("groups", async () => "after")).toBe("after");
});
