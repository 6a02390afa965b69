// What can be entered for a lookup. Leaves to others: the form (page.browser.ts).
import { expect, test } from "bun:test";
import { parseTarget } from "../../../../src/http/page/log/target.js";

test.each([
  ["42", { offset: 42 }],
  [" 1,234,567 ", { offset: 1_234_567 }],
  ["2026-07-01", { timestamp: new Date(2026, 6, 1).getTime() }],
  ["2026-07-01 12:30", { timestamp: new Date(2026, 6, 1, 12, 30).getTime() }],
  ["@-90s", { timestamp: Date.UTC(2026, 6, 1) - 90_000 }],
  ["2026-07-01T12:30:05.5Z", { timestamp: Date.UTC(2026, 6, 1, 12, 30, 5, 500) }],
  ["2026-07-01T12:30+02:00", { timestamp: Date.UTC(2026, 6, 1, 10, 30) }],
])("%j is understood", (text, target) => {
  expect(parseTarget(text, new Date(Date.UTC(2026, 6, 1)))).toEqual(target);
});

test.each(["", "-1", "1e3", "soon", "99999999999999999999", "2026-13-01"])("%j is not", (text) => {
  expect(() => parseTarget(text)).toThrow("an offset such as 42");
});
