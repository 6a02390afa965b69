// Partitions by key, and the rotation of partitions for records without a key.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { partitionForKey, StickyPartitioner } from "../../src/client/partitioner.js";

describe("partitionForKey", () => {
  test("masks the sign as Kafka does, so that negative hashes have a partition", () => {
    // murmur2("21") is -973932308: (hash & 0x7fffffff) % 10.
    expect(partitionForKey("21", 10)).toBe((-973932308 & 0x7fffffff) % 10);
    expect(partitionForKey("abc", 10)).toBe(479470107 % 10);
  });

  test("is the same for a text and its UTF-8 bytes, and is an existing partition", () => {
    const keys = fc.oneof(
      fc.string(),
      fc.string({ unit: "grapheme" }),
      fc.string({ minLength: 300 }),
    );
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 10_000 }), (key, partitions) => {
        const partition = partitionForKey(key, partitions);
        expect(partition).toBe(partitionForKey(new TextEncoder().encode(key), partitions));
        expect(partition).toBeGreaterThanOrEqual(0);
        expect(partition).toBeLessThan(partitions);
      }),
    );
  });
});

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
