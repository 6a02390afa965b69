// A partition as a line of bytes: where its segments are, and how they change. Leaves to others: drawing.
import { describe, expect, test } from "bun:test";
import { LogShape } from "../../../../src/http/page/log/log-shape.js";
import { segmentWords } from "../../../../src/http/page/log/row-words.js";
import type { PartitionState } from "../../../../src/http/page/wire.js";

/** Sealed segments 0, 10 and 25 with 100, 150 and 200 bytes, and an active one from 45 on, with 60. */
const STATE: PartitionState = {
  ...{ topic: "orders", partition: 0, firstBase: 0, logStart: 0, highWatermark: 50, logEnd: 51 },
  ...{ endSegment: 45, endPosition: 50, activeBase: 45, activeBytes: 60 },
  ...{ sealedCount: 3, sealedBytes: 450, revision: 0, compactedTo: null },
};
const ROWS = { bases: [0, 10, 25, 45], bytes: [100, 150, 200, 60], hasMore: false };

function shapeOf(): LogShape {
  const shape = new LogShape(STATE);
  shape.add(ROWS, -1);
  return shape;
}

describe("a log", () => {
  test("knows its active segment from the start, and the others once they arrive", () => {
    const shape = new LogShape(STATE);
    expect([shape.isComplete, shape.count, shape.bytes, shape.lastSealed]).toEqual([
      false,
      1,
      60,
      -1,
    ]);
    shape.add(ROWS, -1);
    expect([shape.isComplete, shape.count, shape.bytes, shape.lastSealed]).toEqual([
      true,
      4,
      510,
      25,
    ]);
  });

  test("finds segments by place and by offset", () => {
    const shape = shapeOf();
    expect([0, 99, 100, 449, 450, 9999].map((place) => shape.segmentAt(place))).toEqual([
      0, 0, 1, 2, 3, 3,
    ]);
    expect([shape.numberOf(25), shape.numberOf(26)]).toEqual([2, undefined]);
    expect(shape.placeOf(25, 30)).toBe(280);
    expect([shape.nextOf(0), shape.nextOf(3)]).toEqual([10, 51]);
    expect([shape.isActive(2), shape.isActive(3)]).toEqual([false, true]);
  });

  test("knows the places of the high watermark and of offsets between known places", () => {
    const shape = shapeOf();
    expect(shape.watermarkPlace).toBe(500);
    expect([0, 5, 10, 45, 50, 51, 99].map((offset) => shape.placeOfOffset(offset))).toEqual([
      0, 50, 100, 450, 500, 510, 510,
    ]);
  });

  test("knows how far it is compacted, and forgets segments that compaction has replaced", () => {
    const shape = shapeOf();
    expect(shape.compactedPlace).toBeUndefined();
    expect(segmentWords(shape, 0)).toBe("segment 1 of 4, sealed, offsets 0 – 9, 100 B");
    shape.update({ ...STATE, compactedTo: 25 });
    expect([shape.compactedPlace, shape.isComplete]).toEqual([250, true]);
    const words = [0, 2, 3].map((i) => segmentWords(shape, i).split(", ").slice(1, 3));
    expect(words).toEqual([
      ["sealed", "compacted"],
      ["sealed", "not compacted yet"],
      ["active", "offsets 45 – 50"],
    ]);
    shape.update({ ...STATE, compactedTo: 45, revision: 1, sealedBytes: 90 });
    expect([shape.isComplete, shape.count, shape.lastSealed]).toEqual([false, 1, -1]);
    shape.add({ ...ROWS, bytes: [20, 30, 40, 60] }, -1);
    expect([shape.isComplete, shape.compactedPlace]).toEqual([true, 90]);
  });

  test("grows", () => {
    const shape = shapeOf();
    shape.update({ ...STATE, activeBytes: 90, logEnd: 54 });
    expect([shape.bytes, shape.isComplete]).toEqual([540, true]);
  });

  test("asks for segments sealed by a roll, and then has them", () => {
    const shape = shapeOf();
    shape.update({
      ...STATE,
      sealedCount: 4,
      activeBase: 60,
      activeBytes: 10,
      logEnd: 62,
      sealedBytes: 570,
    });
    expect([shape.isComplete, shape.lastSealed]).toEqual([false, 25]);
    shape.add({ bases: [45, 60], bytes: [120, 10], hasMore: false }, 25);
    expect([shape.isComplete, shape.count, shape.bytes]).toEqual([true, 5, 580]);
  });

  test("drops segments deleted by retention, even all at once", () => {
    const shape = shapeOf();
    shape.update({ ...STATE, firstBase: 25, sealedCount: 1, sealedBytes: 200 });
    expect([shape.isComplete, shape.count, shape.bytes, shape.baseOf(0)]).toEqual([
      true,
      2,
      260,
      25,
    ]);
    shape.update({
      ...STATE,
      firstBase: 99,
      activeBase: 99,
      activeBytes: 7,
      sealedCount: 0,
      sealedBytes: 0,
    });
    expect([shape.isComplete, shape.count, shape.bytes]).toEqual([true, 1, 7]);
  });
});
