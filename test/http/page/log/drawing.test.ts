// Where things are drawn: the marks, index entries, deleted records, and the names of groups. Leaves to others: how it
// looks (log.browser.ts).
import { expect, test } from "bun:test";
import { draw } from "../../../../src/http/page/log/drawing.js";
import { LogShape } from "../../../../src/http/page/log/log-shape.js";
import { Scale } from "../../../../src/http/page/log/scale.js";
import type { Theme } from "../../../../src/http/page/parts/theme.js";
import type { PartitionState } from "../../../../src/http/page/wire.js";

/** A log of one segment with 1,000 records of one byte, drawn on as many pixels. */
const STATE: PartitionState = {
  ...{ topic: "orders", partition: 0, firstBase: 0, logStart: 0, highWatermark: 1000 },
  ...{ logEnd: 1000, endSegment: 0, endPosition: 1000, activeBase: 0, activeBytes: 1000 },
  ...{ sealedCount: 0, sealedBytes: 0, revision: 0, newestMs: null, compactedTo: null },
};

interface Drawn {
  readonly names: string[];
  /** Left edges of rectangles by the name of their colour. */
  readonly places: Map<string, number[]>;
}

function drawn(
  change: Partial<PartitionState>,
  { offsets = {}, ticks = [] }: { offsets?: Record<string, number>; ticks?: number[] } = {},
): Drawn {
  const names: string[] = [];
  const places = new Map<string, number[]>();
  let colour = "";
  const context = new Proxy({} as Parameters<typeof draw>[0], {
    get: (_, name) => {
      // A letter has 10 pixels.
      if (name === "measureText") return (text: string) => ({ width: text.length * 10 });
      if (name === "fillText") return (text: string) => void names.push(text);
      if (name === "fillRect") {
        return (x: number) => void places.set(colour, [...(places.get(colour) ?? []), x]);
      }
      return () => {};
    },
    set: (_, name, value) => {
      if (name === "fillStyle") colour = String(value);
      return true;
    },
  });
  const shape = new LogShape({ ...STATE, ...change });
  const groups = Object.entries(offsets).map(([group, offset]) => ({ group, offset }));
  const scene = {
    ...{ shape, scale: new Scale({ from: 0, to: 1000 }, 1000), groups },
    ...{ ticks: [{ base: 0, positions: ticks }], highlights: [] },
    ...{ cursor: undefined, opened: undefined },
    ...{ watermark: shape.watermarkPlace, end: shape.bytes },
  };
  const theme = new Proxy({}, { get: (_, name) => String(name) }) as Theme;
  draw(context, scene, theme);
  return { names, places };
}

const namesOf = (offsets: Record<string, number>): string[] => drawn({}, { offsets }).names;

test("a group's name is drawn where it overlaps no other name or mark", () => {
  expect(namesOf({ one: 0, two: 500, six: 990 })).toEqual(["one", "two", "six"]);
  expect(namesOf({ one: 0, two: 20, six: 500 })).toEqual(["two", "six"]);
  expect(namesOf({ one: 960, two: 980 })).toEqual([]);
});

test("the high watermark is drawn where the flushed bytes end, and the log end behind it", () => {
  const { places } = drawn({ highWatermark: 700, endPosition: 650, activeBytes: 900 });
  expect(places.get("watermark")).toEqual([649]);
  expect(places.get("end")).toEqual([899.5]);
});

test("index entries are drawn up to the log end, though newer ones are known", () => {
  const { places } = drawn({ activeBytes: 500, endPosition: 500 }, { ticks: [100, 101, 400, 600] });
  expect(places.get("tick")).toEqual([100, 400]);
});

test("deleted records in a segment are faded", () => {
  expect(drawn({ logStart: 0 }).places.get("track")).toHaveLength(1);
  expect(drawn({ logStart: 300 }).places.get("track")).toEqual([0, 0]);
});

test("the work for a drawing does not grow with its segments, and narrow ones are one bar", () => {
  const count = 10_000;
  const state = { ...STATE, sealedCount: count, sealedBytes: count * 1000, activeBase: count };
  const shape = new LogShape({ ...state, logEnd: count + 1000 });
  const bases = Array.from({ length: count }, (_, i) => i);
  // A wide segment is in the middle.
  const bytes = bases.map((base) => (base === 5000 ? 1_001_000 : 999));
  shape.add({ bases, bytes, hasMore: true }, -1);
  let looks = 0;
  const spanOf = shape.spanOf.bind(shape);
  shape.spanOf = (i) => {
    looks++;
    return spanOf(i);
  };
  const drawnBars: number[][] = [];
  const colours: string[] = [];
  const context = new Proxy({} as Parameters<typeof draw>[0], {
    get: (_, name) => {
      if (name === "measureText") return () => ({ width: 10 });
      const isBar = name === "fillRect" || name === "roundRect";
      return (x: number, _y: number, width: number) => {
        if (isBar && colours.at(-1) === "sealed")
          drawnBars.push([Math.round(x), Math.round(width)]);
      };
    },
    set: (_, name, value) => {
      if (name === "fillStyle") colours.push(String(value));
      return true;
    },
  });
  const scene = {
    ...{ shape, scale: new Scale({ from: 0, to: shape.bytes }, 1100), groups: [], ticks: [] },
    ...{ highlights: [], cursor: undefined, opened: undefined },
    ...{ watermark: shape.watermarkPlace, end: shape.bytes },
  };
  draw(context, scene, new Proxy({}, { get: (_, name) => String(name) }) as Theme);
  expect(drawnBars).toEqual([
    [0, 500],
    [500, 99],
    [600, 500],
  ]);
  expect(looks).toBeLessThan(1000);
});
