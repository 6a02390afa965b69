// The range that parts of a time are. Leaves to others: the counts (test/services/records/records-over-time.test.ts).
import { expect, test } from "bun:test";
import { OFFSET_MAX } from "../../../../src/limits.js";
import { placeOf } from "../../../../src/http/page/records/records-place.js";
import {
  askedTime,
  partWords,
  rangeOfParts,
  type TimeParts,
} from "../../../../src/http/page/records/time-parts.js";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const HOUR = 3_600_000;

const askedOf = (query: Readonly<Record<string, string>>) =>
  askedTime(placeOf({ view: "records", path: ["t"], query: new URLSearchParams(query) }), NOW);

test("a place asks for the time that it names, and a range ends before its end", () => {
  expect(askedOf({})).toEqual({ from: undefined, to: undefined });
  expect(askedOf({ from: "100", to: "latest" })).toEqual({ from: undefined, to: undefined });
  expect(askedOf({ from: "@-2h", to: "@2026-11-26T11:00:00Z" })).toEqual({
    from: NOW - 2 * HOUR,
    to: NOW - HOUR - 1,
  });
});

test("neighbouring parts have neither a gap nor a common millisecond, and ask for what they were", () => {
  const parts: TimeParts = { fromMs: NOW, toMs: NOW + 1_000, counts: [3, 0, 4, 1, 2, 5, 9] };
  const ranges = parts.counts.map((_, i) => rangeOfParts(parts, i, i));
  for (const [i, { to }] of ranges.entries()) {
    expect(ranges[i + 1]?.from ?? to).toBe(to);
  }
  const all = rangeOfParts(parts, 0, 6);
  expect(all).toEqual({ from: ranges[0]!.from, to: ranges[6]!.to });
  expect(askedOf(all)).toEqual({ from: NOW, to: NOW + 1_000 });
});

test("parts are said with their records and their time", () => {
  const parts: TimeParts = { fromMs: NOW, toMs: NOW + 4 * HOUR, counts: [3, 0, 1000, 1] };
  expect(partWords(parts, 0, 2, true)).toBe(
    "about 1,003 records from 2026-11-26 12:00:00 to 2026-11-26 15:00:00",
  );
  expect(partWords(parts, 3, 3, true)).toStartWith("about 1 record from ");
});

test("times that are no dates have places, too", () => {
  // Microseconds, for example.
  for (const [toMs, words] of [
    [1_800_000_000_000_000, "+059009-09-24 08:00:00"],
    [OFFSET_MAX, `${OFFSET_MAX + 1} ms`],
  ] as const) {
    const parts: TimeParts = { fromMs: 0, toMs, counts: [1, 1] };
    const second = rangeOfParts(parts, 1, 1);
    expect(askedOf(second)).toEqual({
      from: Math.floor(toMs / 2) + 1,
      to: Math.min(toMs, OFFSET_MAX - 1),
    });
    expect(partWords(parts, 1, 1, true)).toEndWith(`to ${words}`);
  }
});
