// A partition as a line of bytes: where its segments are, and how they change. Leaves to others: drawing.
import { describe, expect, test } from "bun:test";
import { LogShape } from "../../../../src/http/page/log/log-shape.js";
import { segmentWords } from "../../../../src/http/page/log/row-words.js";
import type { PartitionState } from "../../../../src/http/page/wire.js";

/** Sealed segments 0, 10 and 25 with 100, 150 and 200 bytes, and an active one from 45 on, with 60. */
const STATE: PartitionState = {
  ...{ topic: "orders", partition: 0, firstBase: 0, logStart: 0, highWatermark: 50, logEnd: 51 },
  ...{ endSegment: 45, endPosition: 50, activeBase: 45, activeBytes: 60 },
  ...{ sealedCount: 3, sealedBytes: 450, revision: 0, newestMs: null, compactedTo: null },
};
const ROWS = { bases: [0, 10, 25, 45], bytes: [100, 150, 200, 60], hasMore: false };

function shapeOf(): LogShape {
  const shape = new LogShape(STATE);
  shape.add(ROWS, -1);
  return shape;
}

describe("a log", () => {
  test("knows the place of its active segment from the start, and the others once they arrive", () => {
    const shape = new LogShape(STATE);
    expect([shape.isComplete, shape.count, shape.bytes, shape.lastSealed]).toEqual([
      false,
      2,
      510,
      -1,
    ]);
    expect([shape.isGap(0), shape.spanOf(0)]).toEqual([true, { from: 0, to: 450 }]);
    expect([shape.isActive(1), shape.spanOf(1)]).toEqual([true, { from: 450, to: 510 }]);
    expect(shape.watermarkPlace).toBe(500);
    expect(segmentWords(shape, 0)).toBe("3 segments, not listed yet, 450 B");
    expect(segmentWords(shape, 1)).toBe("segment 4 of 4, active, offsets 45 – 50, 60 B");
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
    // Between the high watermark and the end, whatever the sizes before it are.
    shape.update({ ...STATE, highWatermark: 46, endPosition: 50, logEnd: 56 });
    expect([46, 51].map((offset) => shape.placeOfOffset(offset))).toEqual([500, 505]);
  });

  test("knows the high watermark at the end of a sealed segment, even of an unknown one", () => {
    const rolled = {
      ...{ ...STATE, sealedCount: 4, sealedBytes: 510, activeBase: 51, activeBytes: 30 },
      ...{ logEnd: 60, highWatermark: 51, endSegment: 45, endPosition: 60 },
    };
    const shape = shapeOf();
    shape.update(rolled);
    expect([shape.isComplete, shape.watermarkPlace, shape.bytes]).toEqual([false, 510, 540]);
    shape.add({ bases: [45, 51], bytes: [60, 30], hasMore: false }, 25);
    expect([shape.isComplete, shape.watermarkPlace]).toEqual([true, 510]);
    // Compaction has made the segment smaller.
    shape.update({ ...rolled, revision: 1, sealedBytes: 200 });
    shape.add({ bases: [0, 45, 51], bytes: [180, 20, 30], hasMore: false }, -1);
    expect(shape.watermarkPlace).toBe(200);
  });

  test("knows where its records start in a segment that still has deleted ones", () => {
    const shape = shapeOf();
    expect(shape.logStartPlace).toBe(0);
    shape.update({ ...STATE, logStart: 5 });
    expect(shape.logStartPlace).toBe(50);
    shape.update({ ...STATE, logStart: 50 });
    expect(shape.logStartPlace).toBe(500);
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
    expect([shape.isComplete, shape.lastSealed, shape.watermarkPlace]).toEqual([false, -1, 140]);
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
    expect([shape.isComplete, shape.lastSealed, shape.bytes]).toEqual([false, 25, 580]);
    shape.add({ bases: [45, 60], bytes: [120, 10], hasMore: false }, 25);
    expect([shape.isComplete, shape.count, shape.bytes]).toEqual([true, 5, 580]);
  });

  test("takes a list of segments that is newer than its state", () => {
    const shape = new LogShape(STATE);
    shape.add(
      { bases: [...ROWS.bases, 60, 70], bytes: [100, 150, 200, 90, 80, 1], hasMore: false },
      -1,
    );
    expect([shape.isComplete, shape.count, shape.bytes, shape.lastSealed]).toEqual([
      true,
      4,
      510,
      60,
    ]);
    shape.update({ ...STATE, sealedCount: 4, sealedBytes: 540, activeBase: 60, activeBytes: 75 });
    expect([shape.isComplete, shape.count, shape.bytes]).toEqual([true, 5, 615]);
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
    expect(shape.origin).toBe(250);
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
