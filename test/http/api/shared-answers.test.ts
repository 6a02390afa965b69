// Answers for all who ask while they are made. Leaves to others: who asks (problems.test.ts, monitoring.test.ts).
import { expect, test } from "bun:test";
import { SharedAnswers } from "../../../src/http/api/shared-answers.js";

test("an answer under way is for all who ask the same, and the next one is made anew", async () => {
  const answers = new SharedAnswers<number>();
  const { promise: ready, resolve: finish } = Promise.withResolvers<void>();
  let made = 0;
  const work = async (): Promise<number> => {
    const number = ++made;
    await ready;
    return number;
  };
  const asked = [answers.get("a", work), answers.get("b", work), answers.get("a", work)];
  finish();
  expect(await Promise.all(asked)).toEqual([1, 2, 1]);
  expect(await answers.get("a", work)).toBe(3);
});

test("an error is for all, too, and is not kept", async () => {
  const answers = new SharedAnswers<number>();
  const fail = (): Promise<number> => Promise.reject(new Error("no"));
  const asked = [answers.get("a", fail), answers.get("a", fail)];
  for (const each of asked) await expect(each).rejects.toThrow("no");
  expect(await answers.get("a", async () => 1)).toBe(1);
});
