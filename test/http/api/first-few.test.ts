// The first few of many, compared with sorting all of them.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { FirstFew } from "../../../src/http/api/first-few.js";

test("are those that a stable sort would put first", () => {
  const things = fc.array(fc.record({ rank: fc.nat(9), name: fc.string() }), { maxLength: 60 });
  fc.assert(
    fc.property(things, fc.integer({ min: 1, max: 12 }), (all, count) => {
      const compare = (a: { rank: number }, b: { rank: number }) => a.rank - b.rank;
      const first = new FirstFew(count, compare);
      for (const thing of all) first.add(thing);
      expect(first.take()).toEqual(all.toSorted(compare).slice(0, count));
    }),
  );
});
