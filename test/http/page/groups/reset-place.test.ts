// What a person types for a reset, as a question to the broker. Leaves to others: the answer (test/http/api/groups.test.ts).
import { expect, test } from "bun:test";
import { placeQuery, settled } from "../../../../src/http/page/groups/reset-place.js";

/** Half past noon, local time. */
const NOW = new Date(2026, 10, 26, 12, 30);

test("a time is a moment, whatever the time zone of who follows the link", () => {
  expect(settled("time", "@yesterday 14:00", NOW)).toBe(new Date(2026, 10, 25, 14).toISOString());
});

test("what means the same everywhere, and what is no time, stays as it was typed", () => {
  for (const text of ["-1h", "1764000000000", "2026-11-25T08:00:00Z", "2026-13-01", "noon"]) {
    expect(settled("time", text, NOW)).toBe(text);
  }
  expect(settled("offset", " 12:00 ", NOW)).toBe("12:00");
});

test("each kind of place is a question", () => {
  expect(placeQuery("earliest", "7")).toEqual({ to: "earliest" });
  expect(placeQuery("time", "-1h")).toEqual({ to: "@-1h" });
  expect(placeQuery("offset", "7")).toEqual({ to: "7" });
  expect(placeQuery("end", "7")).toEqual({ to: "-7" });
  expect(placeQuery("shift", "-7")).toEqual({ shift: "-7" });
});
