// The names of directories that are to be removed. Leaves to others: removing them (deletion.test.ts).
import { expect, test } from "bun:test";
import { Removals } from "../../src/topics/removals.js";
import { Random } from "../support/random.js";
import { SimulatedDisk } from "../support/simulated-disk.js";

test("numbers only grow, so that thousands of deletions need no search for a free one", () => {
  const removals = new Removals(new SimulatedDisk(new Random(1)), "topics", () => {});
  const [first, second] = [removals.newPath(), removals.newPath()];
  removals.giveBack(first);
  expect([first, second, removals.newPath()]).toEqual([
    "topics/+d-0",
    "topics/+d-1",
    "topics/+d-2",
  ]);
});

test("a name that is taken since before the start is not used", () => {
  const removals = new Removals(new SimulatedDisk(new Random(1)), "topics", () => {});
  removals.add("topics/+d-0");
  expect(removals.newPath()).toBe("topics/+d-1");
});
