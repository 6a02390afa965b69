// Partitions by key. Leaves to others: the hash (murmur2.test.ts).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { partitionForKey } from "../../src/record/key-partition.js";

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
