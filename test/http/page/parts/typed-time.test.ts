// Times as people type them. Leaves to others: what the broker reads (test/offset-place.test.ts).
import { expect, test } from "bun:test";
import { shownTime, typedPlace, typedTime } from "../../../../src/http/page/parts/typed-time.js";

/** Half past noon, local time. */
const NOW = new Date(2026, 10, 26, 12, 30);

test.each([
  ["09:15", new Date(2026, 10, 26, 9, 15)],
  ["14:00:30", new Date(2026, 10, 25, 14, 0, 30)],
  ["today 14:00", new Date(2026, 10, 26, 14)],
  ["yesterday 18:00", new Date(2026, 10, 25, 18)],
  ["Yesterday", new Date(2026, 10, 25)],
  ["2026-11-25", new Date(2026, 10, 25)],
  ["@2026-11-25 08:00", new Date(2026, 10, 25, 8)],
  [" 2026-11-25T08:00:01.5 ", new Date(2026, 10, 25, 8, 0, 1, 500)],
])("%j is a moment of this time zone", (typed, moment) => {
  expect(typedTime(typed, NOW)).toEqual(moment);
  expect(typedPlace(typed, NOW)).toBe(`@${moment.toISOString()}`);
});

test.each(["25:00", "12:60", "yesterday noon", "2026-13-01", "-1h", "latest", "1764000000000", ""])(
  "%j is none",
  (typed) => {
    expect(typedTime(typed, NOW)).toBeUndefined();
  },
);

test.each([
  ["-1h", "@-1h"],
  ["-100", "-100"],
  ["1200", "1200"],
  ["latest", "latest"],
  ["@1764000000000", "@1764000000000"],
  ["2026-11-25T08:00:00Z", "@2026-11-25T08:00:00Z"],
  ["noon", "noon"],
])("the place %j is %j for the broker", (typed, place) => {
  expect(typedPlace(typed, NOW)).toBe(place);
});

test("a field shows the moment of an address as it can be typed again", () => {
  for (const typed of ["2026-11-25 14:00", "2026-11-25 14:00:30", "2026-11-25 14:00:30.250"]) {
    expect(shownTime(typedPlace(typed, NOW))).toBe(typed);
  }
  for (const text of ["@-1h", "1200", "", "2026-11-25T08:00:00+02:00"])
    expect(shownTime(text)).toBe(text);
});
