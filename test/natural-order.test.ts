// The natural order of names. Leaves to others: the lists that are sorted by it.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { compareNaturally } from "../src/natural-order.js";

const SIGN = Math.sign;

test("numbers are compared by value, letters without case", () => {
  const names = ["b", "Orders", "orders-10", "orders-2", "orders-02", "orders-2-x", "a", "orders"];
  expect(names.sort(compareNaturally)).toEqual([
    ...["a", "b", "Orders", "orders", "orders-02", "orders-2", "orders-2-x", "orders-10"],
  ]);
});

test("property: it is an order in which only equal names are equal", () => {
  const name = fc.string({ unit: fc.constantFrom("a", "A", "b", "0", "1", "9", "-") });
  const property = fc.property(name, name, name, (a, b, c) => {
    expect(compareNaturally(a, b) === 0).toBe(a === b);
    expect(SIGN(compareNaturally(a, b)) + SIGN(compareNaturally(b, a))).toBe(0);
    if (compareNaturally(a, b) <= 0 && compareNaturally(b, c) <= 0)
      expect(compareNaturally(a, c)).toBeLessThanOrEqual(0);
  });
  fc.assert(property, { numRuns: 2000 });
});
