// Two clients that commit for the same partition of a group: when it counts, and what is forgotten.
import { expect, test } from "bun:test";
import { RivalReaders } from "../../src/services/rival-readers.js";

class Client {
  isGone = false;
}

function setUp() {
  const clock = { ms: 0 };
  const rivals = new RivalReaders(() => clock.ms);
  return { clock, rivals, a: new Client(), b: new Client() };
}

test("another connected client that has lately committed for the partition is a rival", () => {
  const { clock, rivals, a, b } = setUp();
  expect(rivals.committed(a, "g", "t", 0)).toBe(false);
  expect(rivals.committed(a, "g", "t", 0)).toBe(false);
  expect(rivals.committed(b, "g", "t", 0)).toBe(true);
  expect(rivals.committed(a, "g", "t", 0)).toBe(true);
  clock.ms += 60_000;
  expect(rivals.committed(b, "g", "t", 0)).toBe(false);
  expect(rivals.committed(a, "g", "t", 0)).toBe(true);
});

test("one that has left, and readers of other partitions, groups or topics, are not", () => {
  const { rivals, a, b } = setUp();
  rivals.committed(a, "g", "t", 0);
  expect(rivals.committed(b, "g", "t", 1)).toBe(false);
  expect(rivals.committed(b, "h", "t", 0)).toBe(false);
  expect(rivals.committed(b, "g", "u", 0)).toBe(false);
  a.isGone = true;
  expect(rivals.committed(b, "g", "t", 0)).toBe(false);
});

test("only the newest partitions are remembered", () => {
  const { rivals, a, b } = setUp();
  rivals.committed(a, "g", "t", 0);
  for (let i = 0; i < 10_000; i++) rivals.committed(a, "g", "other", i);
  expect(rivals.committed(b, "g", "t", 0)).toBe(false);
  expect(rivals.committed(b, "g", "other", 9_999)).toBe(true);
});
