// Work that is divided over several turns of the event loop.
import { expect, test } from "bun:test";
import { sortInPortions } from "../../src/log/event-loop.js";
import { Random } from "../support/random.js";
import { turnsOf } from "../support/turns.js";

interface Item {
  readonly key: number;
  readonly serial: number;
}

const byKey = (a: Item, b: Item): number => a.key - b.key;

test("many items are sorted in several turns, and equal ones keep their order", async () => {
  const random = new Random(7);
  for (const count of [0, 1, 999, 1_000, 1_001, 4_500]) {
    const items = Array.from({ length: count }, (_, serial) => ({
      key: random.below(300),
      serial,
    }));
    const { result, turns } = await turnsOf(sortInPortions([...items], byKey));
    expect(result).toEqual(items.toSorted(byKey));
    expect(turns).toBeGreaterThanOrEqual(2 * Math.floor(count / 1_001));
  }
});
