// Partitions of topics as a set. Leaves to others: who is assigned what (assignors.test.ts).
import { expect, test } from "bun:test";
import { assignmentOf, listOf, union } from "../../src/groups/consumer/assignment.js";

test("a list that repeats topics and partitions has each once, in order", () => {
  const list = [
    { topicId: "b", partitions: [3, 1, 3] },
    { topicId: "a", partitions: [0] },
    { topicId: "c", partitions: [] },
    { topicId: "b", partitions: [2, 1] },
  ];
  const assignment = assignmentOf(list);
  expect(listOf(assignment)).toEqual([
    { topicId: "b", partitions: [1, 2, 3] },
    { topicId: "a", partitions: [0] },
  ]);
  expect(listOf(union(assignment, assignmentOf([{ topicId: "b", partitions: [0, 2] }])))).toEqual([
    { topicId: "b", partitions: [0, 1, 2, 3] },
    { topicId: "a", partitions: [0] },
  ]);
});

test("a topic may be named as often as a request allows", () => {
  // This took more than a minute when every entry was sorted in.
  const list = Array.from({ length: 50_000 }, (_, i) => ({
    topicId: "t",
    partitions: [49_999 - i],
  }));
  expect(assignmentOf(list).get("t")).toEqual(Array.from({ length: 50_000 }, (_, i) => i));
});
