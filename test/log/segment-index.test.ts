import { expect, test } from "bun:test";
import fc from "fast-check";
import { INDEX_INTERVAL_BYTES } from "../../src/limits.js";
import { SegmentIndex } from "../../src/log/index/segment-index.js";

interface Batch {
  readonly records: number;
  readonly bytes: number;
  readonly timestamp: number;
}

const batches = fc.array(
  fc.record({
    records: fc.integer({ min: 1, max: 5 }),
    bytes: fc.integer({ min: 61, max: 6_000 }),
    timestamp: fc.integer({ min: 0, max: 500 }),
  }),
  { maxLength: 60 },
);

/** Adds batches from a place on; returns the place after them. */
function addAll(
  index: SegmentIndex,
  added: readonly Batch[],
  from = { offset: 0, position: 0 },
): { offset: number; position: number } {
  let { offset, position } = from;
  for (const batch of added) {
    offset += batch.records;
    index.add(offset - 1, position, batch.bytes, batch.timestamp);
    position += batch.bytes;
  }
  return { offset, position };
}

function contentOf(index: SegmentIndex): unknown {
  return {
    offsets: index.offsets.bytesFrom(0).toHex(),
    times: index.times.bytesFrom(0).toHex(),
    maxTimestamp: index.maxTimestamp,
  };
}

test("the first batch more than an interval after the last entry gets an entry", () => {
  fc.assert(
    fc.property(batches, (added) => {
      const index = new SegmentIndex();
      addAll(index, added);
      const expected: { offset: number; position: number }[] = [];
      let offset = 0;
      let position = 0;
      let covered = 0;
      for (const batch of added) {
        offset += batch.records;
        if (position - covered > INDEX_INTERVAL_BYTES) {
          expected.push({ offset: offset - 1, position });
          covered = position;
        }
        position += batch.bytes;
      }
      const { offsets } = index;
      const found = expected.map((_, i) => ({
        offset: offsets.relativeOffset(i),
        position: offsets.position(i),
      }));
      expect(found).toEqual(expected);
      expect(offsets.count).toBe(expected.length);
    }),
  );
});

test("after sealing, the last time entry is the largest timestamp and the first batch that has it", () => {
  fc.assert(
    fc.property(batches, (added) => {
      const index = new SegmentIndex();
      addAll(index, added);
      index.seal();
      if (added.length === 0) {
        expect(index.times.count).toBe(0);
        expect(index.maxTimestamp).toBe(Number.NEGATIVE_INFINITY);
        return;
      }
      const largest = Math.max(...added.map((batch) => batch.timestamp));
      const holder = added.findIndex((batch) => batch.timestamp === largest);
      const last = added.slice(0, holder + 1).reduce((sum, batch) => sum + batch.records, -1);
      expect(index.times.timestamp(index.times.count - 1)).toBe(largest);
      expect(index.times.relativeOffset(index.times.count - 1)).toBe(last);
      expect(index.maxTimestamp).toBe(largest);
    }),
  );
});

test("rewind returns to the mark, as if later batches had never been added", () => {
  fc.assert(
    fc.property(batches, batches, batches, (kept, lost, after) => {
      const straight = new SegmentIndex();
      addAll(straight, after, addAll(straight, kept));
      const rewound = new SegmentIndex();
      const place = addAll(rewound, kept);
      rewound.mark();
      addAll(rewound, lost, place);
      rewound.rewind();
      rewound.rewind();
      addAll(rewound, after, place);
      expect(contentOf(rewound)).toEqual(contentOf(straight));
    }),
  );
});

test("a rewind without a mark throws", () => {
  expect(() => new SegmentIndex().rewind()).toThrow("without a mark");
});
