// The combined CRC of two runs of bytes, against the CRC computed from the bytes.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { crc32c } from "../../src/record/crc32c.js";
import { combineCrc32c } from "../../src/record/crc32c-combine.js";

const crcOf = (bytes: Uint8Array): number => crc32c(bytes, 0, bytes.length);

test("property: the CRC of two runs is combined from the CRC of each", () => {
  const bytes = fc.uint8Array({ maxLength: 2_000 });
  fc.assert(
    fc.property(bytes, bytes, (first, second) => {
      const whole = Uint8Array.from([...first, ...second]);
      const combined = combineCrc32c(crcOf(first), crcOf(second), second.length);
      expect(combined).toBe(crcOf(whole));
    }),
    { numRuns: 300 },
  );
});

test("also if the second run is longer than 16 bits can express", () => {
  const first = new TextEncoder().encode("123456789");
  const second = new Uint8Array(17_000_003).map((_, i) => i * 7);
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  expect(combineCrc32c(crcOf(first), crcOf(second), second.length)).toBe(crcOf(whole));
});

test("lengths add up: 2^33 zeroes are twice 2^32 zeroes", () => {
  const half = combineCrc32c(1, 0, 2 ** 32);
  expect(combineCrc32c(half, 0, 2 ** 32)).toBe(combineCrc32c(1, 0, 2 ** 33));
});
