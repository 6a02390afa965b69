// A record as the form has it: what is sent is the same record. Leaves to others: the form in a browser (records.browser.ts).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { produceOrderOf } from "../../../../src/http/api/produce-order.js";
import { bytesOf } from "../../../../src/http/page/produce/produce-words.js";
import {
  contentOf,
  copiedPlaceOf,
  copiedPlaceText,
  copyOf,
} from "../../../../src/http/page/produce/record-copy.js";
import type { ShownBytes, ShownRecord } from "../../../../src/http/page/records/record-wire.js";

const shown = (bytes: Uint8Array | string, length = bytes.length): ShownBytes => ({
  ...{ bytes: length, base64: Buffer.from(bytes).toString("base64") },
});

const record = (parts: Partial<ShownRecord>): ShownRecord =>
  ({ key: null, value: null, headers: [], headerCount: 0, ...parts }) as ShownRecord;

describe("a field", () => {
  test("has text where it keeps each character, else hexadecimal or base64", () => {
    const readingOf = (text: string | Uint8Array, hasLines = false) =>
      contentOf(Buffer.from(text), hasLines).reading;
    expect(readingOf("customer 21\té\u202e")).toBe("text");
    expect([readingOf("a\nb"), readingOf("a\nb", true)]).toEqual(["hex", "text"]);
    expect([readingOf("a\r\nb", true), readingOf("\0\0{", true)]).toEqual(["hex", "hex"]);
    expect(contentOf(Uint8Array.of(0, 255), false)).toEqual({ text: "00 ff", reading: "hex" });
    expect(contentOf(Uint8Array.of(0, 0, 0, 123), false)).toEqual({
      text: "123",
      reading: "int32",
    });
    expect(readingOf(new Uint8Array(4097))).toBe("base64");
    expect(contentOf(null, true).reading).toBe("null");
    expect(contentOf(new Uint8Array(0), true).reading).toBe("empty");
  });

  const received = (bytes: Uint8Array | null, hasLines: boolean): Buffer | null => {
    const { text, reading } = contentOf(bytes, hasLines);
    const { value } = produceOrderOf({ topic: "t", key: null, value: bytesOf(text, reading) });
    return value === null ? null : Buffer.from(value);
  };

  test("property: the broker gets the bytes that it was filled with", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.string({ unit: "binary-ascii" }).map((text) => new TextEncoder().encode(text)),
    );
    fc.assert(
      fc.property(bytes, fc.boolean(), (of, hasLines) => {
        expect(received(of, hasLines)?.equals(of)).toBe(true);
      }),
    );
    const long = new Uint8Array(5000).fill(200);
    expect(received(long, false)?.equals(long)).toBe(true);
    expect(received(null, false)).toBeNull();
  });
});

describe("a copy", () => {
  test("has the whole key, the value and all headers", () => {
    const headers = [
      { name: shown("trace"), value: shown("1") },
      { name: shown("none"), value: null },
    ];
    const of = record({ key: shown("cut", 5), value: shown("a\nb"), headers, headerCount: 2 });
    expect(copyOf("orders", of, Buffer.from("whole"))).toEqual({
      topic: "orders",
      key: { text: "whole", reading: "text" },
      value: { text: "a\nb", reading: "text" },
      headers: [
        { name: "trace", value: { text: "1", reading: "text" } },
        { name: "none", value: { text: "", reading: "null" } },
      ],
    });
  });

  test("is refused where something would be missing or different", () => {
    const refusal = (parts: Partial<ShownRecord>, key: Uint8Array | null = null): string => {
      try {
        copyOf("orders", record(parts), key);
      } catch (error) {
        return String(error);
      }
      return "";
    };
    const header = { name: shown("n"), value: null };
    expect(refusal({ value: shown("cut", 9) })).toContain("its value is too long");
    expect(refusal({ headers: [header], headerCount: 2 })).toContain("its headers are too many");
    expect(refusal({ headers: [{ ...header, value: shown("cut", 9) }], headerCount: 1 })).toContain(
      "too many or too long",
    );
    const unnamed = { name: shown(Uint8Array.of(255)), value: null };
    expect(refusal({ headers: [unnamed], headerCount: 1 })).toContain("not plain text");
    expect(refusal({}, new Uint8Array(1024 * 1024))).toContain("it is too long");
    expect(refusal({ value: shown("x") })).toBe("");
  });

  test("is of the record that an address names", () => {
    const place = { topic: "orders", partition: 1, offset: 1208 };
    expect(copiedPlaceOf(copiedPlaceText(place))).toEqual(place);
    expect(() => copiedPlaceOf("orders/1")).toThrow("TOPIC/PARTITION/OFFSET");
  });
});
