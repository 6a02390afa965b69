// The texts of bytes that occur again and again.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { TextCache } from "../../src/protocol/text-cache.js";

const utf8 = new TextDecoder();
const decode = (bytes: Uint8Array, start: number, end: number): string =>
  utf8.decode(bytes.subarray(start, end));

test("any bytes give the text that decoding them gives, the first time and later", () => {
  const cache = new TextCache(decode);
  const texts = fc.array(fc.string({ unit: "grapheme", maxLength: 300 }), { maxLength: 20 });
  fc.assert(
    fc.property(texts, fc.nat(9), (some, before) => {
      for (const text of [...some, ...some, ...some]) {
        const bytes = Buffer.concat([Buffer.alloc(before, 7), Buffer.from(text), Buffer.of(7)]);
        expect(cache.get(bytes, before, bytes.length - 1)).toBe(text);
      }
    }),
  );
});

test("what came twice is not decoded again, and does not change with the input", () => {
  let decoded = 0;
  const cache = new TextCache((...args) => {
    decoded++;
    return decode(...args);
  });
  const bytes = Buffer.from("orders");
  for (let i = 0; i < 2; i++) expect(cache.get(bytes, 0, 6)).toBe("orders");
  bytes.fill(0x61);
  expect(cache.get(Buffer.from("orders"), 0, 6)).toBe("orders");
  expect(decoded).toBe(2);
  expect(cache.get(bytes, 0, 6)).toBe("aaaaaa");
});

test("what comes in every request stays remembered among ten thousand ids that come in turns", () => {
  const decoded: string[] = [];
  const cache = new TextCache((...args) => {
    const text = decode(...args);
    decoded.push(text);
    return text;
  });
  const get = (text: string): string => cache.get(Buffer.from(text), 0, text.length);
  for (let i = 0; i < 20_000; i++) {
    expect(get("orders")).toBe("orders");
    get(`member-${i % 10_000}`);
  }
  expect(decoded.filter((text) => text === "orders").length).toBe(2);
});

test("an error of the decoder passes through, each time", () => {
  const strict = new TextDecoder("utf-8", { fatal: true });
  const cache = new TextCache((bytes, start, end) => strict.decode(bytes.subarray(start, end)));
  for (let i = 0; i < 2; i++) expect(() => cache.get(Uint8Array.of(0xff), 0, 1)).toThrow();
});
