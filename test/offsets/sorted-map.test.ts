// The sorted map against a Map that is sorted when it is read, with more keys than a chunk holds.
import { describe, expect, test } from "bun:test";
import { SortedMap } from "../../src/offsets/sorted-map.ts";
import { Random } from "../support/random.ts";

const ORDERS: readonly (readonly [string, (i: number, random: Random) => number])[] = [
  ["ascending", (i) => i],
  ["descending", (i) => 5000 - i],
  ["random", (_, random) => random.below(4000)],
];

describe.each(ORDERS)("keys in %s order", (_, keyAt) => {
  test("are found, listed in order from any place, and deleted", () => {
    const random = new Random(3);
    const map = new SortedMap<number>();
    const model = new Map<string, number>();
    for (let i = 0; i < 5000; i++) {
      const key = String(keyAt(i, random));
      map.set(key, i);
      model.set(key, i);
    }
    for (let round = 0; round < 2; round++) {
      const sorted = [...model].toSorted(([a], [b]) => (a < b ? -1 : 1));
      expect(map.size).toBe(sorted.length);
      expect([...map.after()]).toEqual(sorted);
      for (const after of ["", "1", "2500", "25005", "4999", "9"]) {
        expect([...map.after(after)]).toEqual(sorted.filter(([key]) => key > after));
      }
      for (const [key, value] of sorted) expect(map.get(key)).toBe(value);
      expect(map.get("none")).toBeUndefined();
      for (const [key] of sorted) {
        if (random.chance(0.7)) continue;
        map.delete(key);
        map.delete(`${key}x`);
        model.delete(key);
      }
    }
    for (const key of model.keys()) map.delete(key);
    expect([map.size, [...map.after()]]).toEqual([0, []]);
  });
});
