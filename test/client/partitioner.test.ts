// The rotation of partitions for records without a key.
import { describe, expect, test } from "bun:test";
import { StickyPartitioner } from "../../src/client/partitioner.js";

describe("StickyPartitioner", () => {
  test("keeps a partition until a batch is complete, then takes the next, in a circle", () => {
    const sticky = new StickyPartitioner(3, () => 0);
    expect(sticky.current).toBe(0);
    sticky.batchCompleted(2);
    expect(sticky.current).toBe(0);
    const seen = [0, 1, 2].map(() => {
      sticky.batchCompleted(sticky.current);
      return sticky.current;
    });
    expect(seen).toEqual([1, 2, 0]);
  });

  test("starts anywhere", () => {
    expect(new StickyPartitioner(4, () => 0.99).current).toBe(3);
  });
});
