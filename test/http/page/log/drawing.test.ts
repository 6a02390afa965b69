// Where the names of groups are drawn. Leaves to others: how it looks (../page.browser.test.ts).
import { expect, test } from "bun:test";
import { draw } from "../../../../src/http/page/log/drawing.js";
import { LogShape } from "../../../../src/http/page/log/log-shape.js";
import { Scale } from "../../../../src/http/page/log/scale.js";
import type { Theme } from "../../../../src/http/page/parts/theme.js";

/** The names drawn for groups at these offsets of 1,000, on 1,000 pixels; a letter has 10 pixels. */
function namesOf(offsets: Readonly<Record<string, number>>): string[] {
  const written: string[] = [];
  const context = new Proxy({} as Parameters<typeof draw>[0], {
    get: (_, name) => {
      if (name === "measureText") return (text: string) => ({ width: text.length * 10 });
      if (name === "fillText") return (text: string) => void written.push(text);
      return () => {};
    },
    set: () => true,
  });
  const shape = new LogShape({
    ...{
      topic: "orders",
      partition: 0,
      firstBase: 0,
      logStart: 0,
      highWatermark: 1000,
      logEnd: 1000,
    },
    ...{ endSegment: 0, endPosition: 1000, activeBase: 0, activeBytes: 1000 },
    ...{ sealedCount: 0, sealedBytes: 0, revision: 0, compactedTo: null },
  });
  const groups = Object.entries(offsets).map(([group, offset]) => ({ group, offset }));
  const scene = {
    ...{ shape, scale: new Scale({ from: 0, to: 1000 }, 1000), ticks: [], groups },
    ...{ highlights: [], cursor: undefined, opened: undefined, watermark: 1000, end: 1000 },
  };
  draw(context, scene, {} as Theme);
  return written;
}

test("a group's name is drawn where it overlaps no other name or mark", () => {
  expect(namesOf({ one: 0, two: 500, six: 990 })).toEqual(["one", "two", "six"]);
  expect(namesOf({ one: 0, two: 20, six: 500 })).toEqual(["two", "six"]);
  expect(namesOf({ one: 960, two: 980 })).toEqual([]);
});
