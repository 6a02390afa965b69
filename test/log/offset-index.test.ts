import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  OFFSET_ENTRY_BYTES,
  OffsetIndex,
  offsetIndexFault,
} from "../../src/log/index/offset-index.js";

interface Entry {
  readonly offset: number;
  readonly position: number;
}

/** Entries that ascend in both, from the steps between them. */
const ascending = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 9_000 })), {
    maxLength: 200,
  })
  .map((steps) => {
    let offset = -1;
    let position = -1;
    return steps.map(([byOffset, byPosition]): Entry => {
      offset += byOffset;
      position += byPosition;
      return { offset, position };
    });
  });

function indexOf(entries: readonly Entry[]): OffsetIndex {
  const index = new OffsetIndex();
  for (const { offset, position } of entries) index.append(offset, position);
  return index;
}

test("the file is Kafka's: relative offset and position, 32 bits each, big-endian", () => {
  const index = indexOf([
    { offset: 1, position: 0x0203 },
    { offset: 0xfedcba98, position: 0x89abcdef },
  ]);
  expect(index.bytesFrom(0).toHex()).toBe("0000000100000203" + "fedcba9889abcdef");
  expect(index.bytesFrom(1).toHex()).toBe("fedcba9889abcdef");
  expect(index.bytesFrom(2).length).toBe(0);
  expect(OFFSET_ENTRY_BYTES).toBe(8);
});

test("lookups find the same entry as a linear search", () => {
  fc.assert(
    fc.property(ascending, fc.nat(10_000), fc.nat(2_000_000), (entries, offset, position) => {
      const index = indexOf(entries);
      expect(index.lookup(offset)).toBe(entries.findLastIndex((entry) => entry.offset <= offset));
      expect(index.lookupPosition(position)).toBe(
        entries.findLastIndex((entry) => entry.position <= position),
      );
      for (const entry of entries) {
        expect(index.lookup(entry.offset)).toBe(entries.indexOf(entry));
        expect(index.lookupPosition(entry.position)).toBe(entries.indexOf(entry));
      }
    }),
  );
});

test("written entries are read back", () => {
  fc.assert(
    fc.property(ascending, (entries) => {
      const bytes = indexOf(entries).bytesFrom(0).slice();
      const index = new OffsetIndex(bytes);
      expect(index.count).toBe(entries.length);
      const found = entries.map((_, i): Entry => ({
        offset: index.relativeOffset(i),
        position: index.position(i),
      }));
      expect(found).toEqual(entries);
    }),
  );
});

test("truncate keeps the first entries, and appends continue", () => {
  fc.assert(
    fc.property(ascending, fc.nat(200), (entries, count) => {
      const index = indexOf(entries);
      index.truncate(count);
      const left = entries.slice(0, count);
      expect(index.bytesFrom(0)).toEqual(indexOf(left).bytesFrom(0));
      index.append(1_000_000, 3_000_000);
      expect(index.lookup(2_000_000)).toBe(left.length);
    }),
  );
});

test("a valid index has no fault", () => {
  fc.assert(
    fc.property(ascending, (entries) => {
      const last = entries.at(-1)?.position ?? -1;
      const bytes = indexOf(entries).bytesFrom(0);
      expect(offsetIndexFault(bytes, last + 1)).toBeUndefined();
      if (entries.length > 0) expect(offsetIndexFault(bytes, last)).toContain("past the end");
    }),
  );
});

test.each([
  ["an odd length", "0000000100000000" + "00", "multiple of 8"],
  ["offsets that stand still", "0000000100000000" + "0000000100000009", "byte 8 does not ascend"],
  ["offsets that go back", "0000000200000000" + "0000000100000009", "byte 8 does not ascend"],
  ["positions that stand still", "0000000100000005" + "0000000200000005", "byte 8 does not ascend"],
  ["positions that go back", "0000000100000005" + "0000000200000004", "byte 8 does not ascend"],
  ["a position at the end of the log", "0000000100000064", "byte 0 points past the end"],
])("%s is a fault", (_name, hex, fault) => {
  expect(offsetIndexFault(Uint8Array.fromHex(hex), 100)).toContain(fault);
});
