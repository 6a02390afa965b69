// Murmur2 against the values in Kafka's own tests (org.apache.kafka.common.utils.UtilsTest).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { murmur2 } from "../../src/record/murmur2.js";

const KNOWN: readonly (readonly [string, number])[] = [
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
];

describe("murmur2", () => {
  for (const [text, hash] of KNOWN) {
    test(`of "${text}" is Kafka's ${hash}`, () => {
      expect(murmur2(Buffer.from(text))).toBe(hash);
    });
  }

  test("is a signed 32-bit integer for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(murmur2(bytes)).toBe(murmur2(bytes) | 0);
      }),
    );
  });

  test("of a part of an array equals that of a copy", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (bytes, behind) => {
        const longer = new Uint8Array([...bytes, ...behind]);
        expect(murmur2(longer, bytes.length)).toBe(murmur2(bytes));
      }),
    );
  });
});
