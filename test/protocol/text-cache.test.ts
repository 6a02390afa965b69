// The texts of bytes that occur again and again.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { TextCache } from "../../src/protocol/text-cache.js";

const utf8 = new TextDecoder();

test("any bytes give the text that decoding them gives, the first time and later", () => {
  const cache = new TextCache((bytes) => utf8.decode(bytes));
  const texts = fc.array(fc.string({ unit: "grapheme", maxLength: 300 }), { maxLength: 20 });
  fc.assert(
    fc.property(texts, fc.nat(9), (some, before) => {
      for (const text of [...some, ...some]) {
        const bytes = Buffer.concat([Buffer.alloc(before, 7), Buffer.from(text), Buffer.of(7)]);
        expect(cache.get(bytes, before, bytes.length - 1)).toBe(text);
      }
    }),
  );
});

test("what is remembered is not decoded again, and does not change with the input", () => {
  let decoded = 0;
  const cache = new TextCache((bytes) => {
    decoded++;
    return utf8.decode(bytes);
  });
  const bytes = Buffer.from("orders");
  expect(cache.get(bytes, 0, 6)).toBe("orders");
  bytes.fill(0x61);
  expect(cache.get(Buffer.from("orders"), 0, 6)).toBe("orders");
  expect(decoded).toBe(1);
  expect(cache.get(bytes, 0, 6)).toBe("aaaaaa");
});

test("an error of the decoder passes through, each time", () => {
  const strict = new TextDecoder("utf-8", { fatal: true });
  const cache = new TextCache((bytes) => strict.decode(bytes));
  for (let i = 0; i < 2; i++) expect(() => cache.get(Uint8Array.of(0xff), 0, 1)).toThrow();
});
