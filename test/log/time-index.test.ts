import { expect, test } from "bun:test";
import fc from "fast-check";
import { TIME_ENTRY_BYTES, TimeIndex, timeIndexFault } from "../../src/log/index/time-index.js";

interface Entry {
  readonly timestamp: number;
  readonly offset: number;
}

/** Entries in the order of a log: offsets ascend, timestamps do what they like. */
const appended = fc
  .array(fc.tuple(fc.integer({ min: -5, max: 1_000 }), fc.integer({ min: 0, max: 9 })), {
    maxLength: 200,
  })
  .map((steps) => {
    let offset = 0;
    return steps.map(([timestamp, by]): Entry => {
      offset += by;
      return { timestamp, offset };
    });
  });

function indexOf(entries: readonly Entry[]): TimeIndex {
  const index = new TimeIndex();
  for (const { timestamp, offset } of entries) index.appendIfLater(timestamp, offset);
  return index;
}

/** The entries that say something new, by a rule too simple to be wrong. */
function kept(entries: readonly Entry[]): Entry[] {
  const result: Entry[] = [];
  for (const entry of entries) {
    if (result.every((other) => entry.timestamp > other.timestamp && entry.offset > other.offset)) {
      result.push(entry);
    }
  }
  return result;
}

function entriesOf(index: TimeIndex): Entry[] {
  return Array.from({ length: index.count }, (_, i) => ({
    timestamp: index.timestamp(i),
    offset: index.relativeOffset(i),
  }));
}

test("the file is Kafka's: timestamp in 64 bits, relative offset in 32, big-endian", () => {
  const index = indexOf([
    { timestamp: -1, offset: 1 },
    { timestamp: 0x18bcfe56800, offset: 0xfedcba98 },
  ]);
  expect(index.bytesFrom(0).toHex()).toBe(
    "ffffffffffffffff" + "00000001" + "0000018bcfe56800" + "fedcba98",
  );
  expect(index.bytesFrom(1).toHex()).toBe("0000018bcfe56800" + "fedcba98");
  expect(TIME_ENTRY_BYTES).toBe(12);
});

test("entries are running maxima, whatever order timestamps come in", () => {
  fc.assert(
    fc.property(appended, (entries) => {
      const index = indexOf(entries);
      expect(entriesOf(index)).toEqual(kept(entries));
      expect(timeIndexFault(index.bytesFrom(0))).toBeUndefined();
    }),
  );
});

test("lookupBelow finds the same entry as a linear search", () => {
  fc.assert(
    fc.property(appended, fc.integer({ min: -10, max: 1_010 }), (entries, timestamp) => {
      const expected = kept(entries).findLastIndex((entry) => entry.timestamp < timestamp);
      expect(indexOf(entries).lookupBelow(timestamp)).toBe(expected);
    }),
  );
});

test("written entries are read back", () => {
  fc.assert(
    fc.property(appended, (entries) => {
      const bytes = indexOf(entries).bytesFrom(0).slice();
      expect(entriesOf(new TimeIndex(bytes))).toEqual(kept(entries));
    }),
  );
});

test("truncate keeps the first entries, and appends continue", () => {
  fc.assert(
    fc.property(appended, fc.nat(200), (entries, count) => {
      const index = indexOf(entries);
      index.truncate(count);
      const left = kept(entries).slice(0, count);
      expect(entriesOf(index)).toEqual(left);
      index.appendIfLater(5_000, 3_000);
      expect(entriesOf(index)).toEqual([...left, { timestamp: 5_000, offset: 3_000 }]);
    }),
  );
});

test.each([
  ["an odd length", "000000000000000100000001" + "00", "multiple of 12"],
  [
    "timestamps that stand still",
    "000000000000000100000001" + "000000000000000100000002",
    "byte 12 does not ascend",
  ],
  [
    "timestamps that go back",
    "000000000000000200000001" + "000000000000000100000002",
    "byte 12 does not ascend",
  ],
  [
    "offsets that stand still",
    "000000000000000100000001" + "000000000000000200000001",
    "byte 12 does not ascend",
  ],
  [
    "a timestamp that no number can hold",
    "7fffffffffffffff00000001",
    "byte 0 has an impossible timestamp",
  ],
  ["the same below zero", "800000000000000000000001", "byte 0 has an impossible timestamp"],
])("%s is a fault", (_name, hex, fault) => {
  expect(timeIndexFault(Uint8Array.fromHex(hex))).toContain(fault);
});

test("garbage is a fault or an index, never an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const fault = timeIndexFault(bytes);
      if (fault !== undefined) return;
      const index = new TimeIndex(bytes);
      expect(entriesOf(index).length).toBe(bytes.length / TIME_ENTRY_BYTES);
    }),
  );
});
