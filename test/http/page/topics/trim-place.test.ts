// What a person types to trim a topic, as a place. Leaves to others: the dialog (topics.browser.ts).
import { expect, test } from "bun:test";
import { trimPlace } from "../../../../src/http/page/topics/trim-place.js";

/** Half past noon, local time. */
const NOW = new Date(2026, 10, 26, 12, 30);

test("times, offsets and numbers are places", () => {
  const yesterday = new Date(2026, 10, 25).getTime();
  expect(trimPlace("time", "yesterday", NOW)).toEqual({ place: `@${yesterday}`, ms: yesterday });
  const weekAgo = NOW.getTime() - 7 * 86_400_000;
  expect(trimPlace("time", "-7d", NOW)).toEqual({ place: `@${weekAgo}`, ms: weekAgo });
  expect(trimPlace("offset", "1,200", NOW)).toEqual({ place: "1200" });
  expect(trimPlace("keep", "100", NOW)).toEqual({ place: "-100" });
  expect(trimPlace("all", "", NOW)).toEqual({ place: "latest" });
});

test("what is not filled in is no place, and what is wrong is refused", () => {
  expect(trimPlace("time", " ", NOW)).toBeUndefined();
  expect(() => trimPlace("time", "noon", NOW)).toThrow("expected a time");
  expect(() => trimPlace("offset", "-1", NOW)).toThrow("expected a whole number");
});
