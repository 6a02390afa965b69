// The meaning of each way to name an offset.
import { expect, test } from "bun:test";
import { type OffsetSpec, resolveOffset } from "../../src/client/offset-spec.js";

const range = { logStartOffset: 10, highWatermark: 30 };
const byTime = async (ms: number): Promise<number> => ms + 1000;

const CASES: readonly (readonly [string, OffsetSpec, number])[] = [
  ["earliest is the log start", "earliest", 10],
  ["latest is the high watermark", "latest", 30],
  ["a number is itself, in the range or not", 7, 7],
  ["fromEnd counts back from the high watermark", { fromEnd: 5 }, 25],
  ["fromEnd 0 is the end", { fromEnd: 0 }, 30],
  ["fromEnd stops at the log start", { fromEnd: 500 }, 10],
  ["a timestamp is looked up", { timestamp: 5 }, 1005],
];

for (const [name, spec, offset] of CASES) {
  test(name, async () => {
    expect(await resolveOffset(spec, range, byTime)).toBe(offset);
  });
}

for (const spec of [-1, 1.5, Number.NaN, 2 ** 53, { fromEnd: -1 }, { timestamp: 0.5 }] as const) {
  test(`${JSON.stringify(spec)} is rejected`, () => {
    expect(() => resolveOffset(spec, range, byTime)).toThrow("a whole number from 0");
  });
}
