// Bytes to pixels, zooming, and gliding between sights. Leaves to others: drawing.
import { expect, test } from "bun:test";
import { countOf, formatBytes, formatTime } from "../../../../src/http/page/parts/format.js";
import { Glide } from "../../../../src/http/page/log/glide.js";
import { around, moved, roomFor, Scale, zoomed } from "../../../../src/http/page/log/scale.js";

test("places and pixels convert both ways", () => {
  const scale = new Scale({ from: 1000, to: 3000 }, 500);
  expect([scale.bytesPerPixel, scale.x(1000), scale.x(3000), scale.place(250)]).toEqual([
    4, 0, 500, 2000,
  ]);
});

test("a log has some room to grow", () => {
  for (const bytes of [0, 1, 1000, 65_536, 1e9, 1e13]) {
    expect(roomFor(bytes)).toBeGreaterThan(bytes);
    expect(roomFor(bytes)).toBeLessThan(Math.max(bytes, 256) * 1.3);
  }
});

test("zooming keeps the place under the pointer, within the log", () => {
  expect(zoomed({ from: 0, to: 8000 }, 1 / 2, 2000, 8000)).toEqual({ from: 1000, to: 5000 });
  expect(zoomed({ from: 1000, to: 5000 }, 4, 2000, 8000)).toEqual({ from: 0, to: 8000 });
  const { from, to } = zoomed({ from: 0, to: 300 }, 1 / 8, 0, 8000);
  expect([from, to]).toEqual([0, 256]);
});

test("moving stops at the ends", () => {
  expect(moved({ from: 100, to: 500 }, 0.5, 8000)).toEqual({ from: 300, to: 700 });
  expect(moved({ from: 100, to: 500 }, -1, 8000)).toEqual({ from: 0, to: 400 });
  expect(moved({ from: 7000, to: 7900 }, 1, 8000)).toEqual({ from: 7100, to: 8000 });
});

test("a span is shown with its surroundings, within the log", () => {
  expect(around({ from: 4000, to: 5000 }, 8000)).toEqual({ from: 3850, to: 5150 });
  expect(around({ from: 0, to: 8000 }, 8000)).toEqual({ from: 0, to: 8000 });
});

test("a sight glides to the next one in limited time", () => {
  const glide = new Glide();
  const first = { span: { from: 0, to: 100 }, watermark: 10, end: 20 };
  const second = { span: { from: 0, to: 200 }, watermark: 30, end: 40 };
  expect(glide.towards(first, 0)).toEqual(first);
  expect(glide.isMoving).toBe(false);
  glide.begin(1000);
  expect(glide.towards(second, 1110)).toEqual({
    span: { from: 0, to: 150 },
    watermark: 20,
    end: 30,
  });
  expect(glide.isMoving).toBe(true);
  expect(glide.towards(second, 1220)).toEqual(second);
  expect(glide.isMoving).toBe(false);
});

test("a sight stays with its bytes when others are deleted before them", () => {
  const glide = new Glide();
  const first = { span: { from: 0, to: 100 }, watermark: 40, end: 60 };
  glide.towards(first, 0);
  glide.begin(0);
  glide.shift(30);
  const moved = { span: { from: -30, to: 70 }, watermark: 10, end: 30 };
  expect(glide.towards({ span: { from: 0, to: 100 }, watermark: 10, end: 30 }, 0)).toEqual(moved);
});

test("numbers are formatted for people", () => {
  expect([0, 1023, 1024, 1536, 15_000_000, 3e15].map(formatBytes)).toEqual([
    "0 B",
    "1023 B",
    "1 KiB",
    "1.5 KiB",
    "14.3 MiB",
    "2.66 PiB",
  ]);
  expect([countOf(1, "record"), countOf(12_345, "record")]).toEqual(["1 record", "12,345 records"]);
  expect([formatTime(0), formatTime(null), formatTime(9e15)]).toEqual([
    "1970-01-01 00:00:00.000Z",
    "—",
    "9000000000000000 ms",
  ]);
});
