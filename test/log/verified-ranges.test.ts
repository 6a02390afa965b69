import { expect, test } from "bun:test";
import fc from "fast-check";
import { VerifiedRanges } from "../../src/log/segment/verified-ranges.js";

test("verified ranges are the added ones, in any order and overlap", () => {
  const range = fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 12 }));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 30 }), (added) => {
      const ranges = new VerifiedRanges();
      const model = new Set<number>();
      for (const [start, length] of added) {
        ranges.add(start, start + length);
        for (let at = start; at < start + length; at++) model.add(at);
      }
      for (let position = 0; position < 80; position++) {
        let expected = position;
        while (model.has(expected)) expected++;
        expect(ranges.verifiedFrom(position)).toBe(expected);
      }
    }),
  );
});

test("with too many ranges some are forgotten, never invented", () => {
  const ranges = new VerifiedRanges();
  for (let i = 0; i < 1_000; i++) ranges.add(i * 10, i * 10 + 5);
  let remembered = 0;
  for (let i = 0; i < 1_000; i++) {
    expect(ranges.verifiedFrom(i * 10 + 6)).toBe(i * 10 + 6);
    if (ranges.verifiedFrom(i * 10) === i * 10 + 5) remembered++;
  }
  expect(remembered).toBe(256);
});
