// The topics of a client's requests, as they are kept for the page.
// Leaves to others: who notes them (http/api/client-work.test.ts).
import { expect, test } from "bun:test";
import { RecentTopics } from "../../src/net/client.js";

test("the topics since a time begin with the last one, and each is there once", () => {
  const topics = new RecentTopics();
  expect(topics.since(0)).toEqual([]);
  topics.note("a", 0, 10);
  topics.note("b", 2, 20);
  topics.note("a", 0, 30);
  topics.note("a", 1, 40);
  expect([topics.since(0), topics.since(21), topics.more]).toEqual([["a", "b"], ["a"], 1]);
  expect(topics.since(41)).toEqual([]);
});

test("of many topics only some are kept, and none that is no name", () => {
  const topics = new RecentTopics();
  for (let i = 0; i < 1_000; i++) topics.note(`t${i}`, 0, i);
  expect(topics.since(0)).toHaveLength(16);
  expect(topics.since(0)[0]).toBe("t999");
  topics.note("x".repeat(250), 0, 1_000);
  expect(topics.since(0)).toEqual([]);
});
