// ByteWriter and ByteReader: the primitive types at and beyond their limits.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RustLogError } from "../../src/errors.js";
import { ByteReader } from "../../src/protocol/native/reader.js";
import { ByteWriter } from "../../src/protocol/native/writer.js";
import { thrownBy } from "./codecs.js";

const SAFE = Number.MAX_SAFE_INTEGER;

function expectInvalid(act: () => unknown, message: string | RegExp): void {
  const error = thrownBy(act);
  expect(error).toBeInstanceOf(RustLogError);
  expect(error).toMatchObject({ code: "INVALID_REQUEST" });
  expect((error as RustLogError).message).toMatch(message);
}

describe("the writer", () => {
  test.each([
    ["u8", 0, 2 ** 8 - 1],
    ["u16", 0, 2 ** 16 - 1],
    ["u32", 0, 2 ** 32 - 1],
    ["i64", -SAFE, SAFE],
  ] as const)("%s holds its ends, and nothing beyond them", (type, min, max) => {
    for (const value of [min, max]) {
      const bytes = new ByteWriter()[type](value).finish();
      expect(new ByteReader(bytes)[type]("x")).toBe(value);
    }
    const beyond = [min - 1, max + 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, -(2 ** 64)];
    for (const value of beyond) {
      expectInvalid(() => new ByteWriter()[type](value), `the number ${value}`);
    }
  });

  test("a string has 65,535 bytes at most, counted as UTF-8", () => {
    const longest = `${"é".repeat(32_767)}e`;
    const bytes = new ByteWriter().string(longest).finish();
    expect(bytes.length).toBe(2 + 65_535);
    expect(new ByteReader(bytes).string("x")).toBe(longest);
    expectInvalid(() => new ByteWriter().string(`${longest}e`), "65536 bytes");
  });

  test("half a surrogate pair is rejected, not replaced", () => {
    expectInvalid(() => new ByteWriter().string("a\ud800b"), "surrogate");
  });

  test("a length that does not fit its field is rejected", () => {
    expectInvalid(() => new ByteWriter().u32(0).patchU32(0, 2 ** 32), "4294967296");
  });

  test("a rejected value leaves no bytes", () => {
    const writer = new ByteWriter().u8(1);
    expectInvalid(() => writer.u32(-1), "-1");
    expectInvalid(() => writer.i64(0.5), "0.5");
    expect([...writer.u8(2).finish()]).toEqual([1, 2]);
  });

  test("grows to any length", () => {
    const property = fc.property(fc.array(fc.uint8Array({ maxLength: 2000 })), (parts) => {
      const writer = new ByteWriter();
      for (const part of parts) writer.raw(part);
      expect(writer.length).toBe(parts.reduce((sum, part) => sum + part.length, 0));
      expect(Buffer.compare(writer.finish(), Buffer.concat(parts))).toBe(0);
    });
    fc.assert(property);
  });
});

describe("the reader", () => {
  test("names the incomplete field, and says what is missing", () => {
    expectInvalid(() => new ByteReader(Uint8Array.of(1)).u32("partition"), /partition.*4 .*1 /);
    expectInvalid(() => new ByteReader(Uint8Array.of(0, 9, 65)).string("topic"), /topic.*9 .*1 /);
  });

  test.each([
    ["a lone continuation byte", [0x80]],
    ["a sequence that is cut off", [0xe2, 0x82]],
    ["an overlong '/'", [0xc0, 0xaf]],
    ["half a surrogate pair", [0xed, 0xa0, 0x80]],
    ["beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ])("%s is no UTF-8", (_, bytes) => {
    const payload = Uint8Array.of(0, bytes.length, ...bytes);
    expectInvalid(() => new ByteReader(payload).string("group"), /group.*UTF-8/);
  });

  test("a byte order mark is a character", () => {
    const bytes = Uint8Array.of(0, 4, 0xef, 0xbb, 0xbf, 0x61);
    expect(new ByteReader(bytes).string("x")).toBe("\ufeffa");
  });

  test.each([
    ["2^53", [0x00, 0x20, 0, 0, 0, 0, 0, 0]],
    ["-2^53", [0xff, 0xe0, 0, 0, 0, 0, 0, 0]],
    ["the largest", [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ["the smallest", [0x80, 0, 0, 0, 0, 0, 0, 0]],
  ])("an i64 of %s is refused: it would be rounded", (_, bytes) => {
    expectInvalid(() => new ByteReader(Uint8Array.from(bytes)).i64("offset"), /offset/);
  });

  test("a UUID is its 16 bytes, and no other text is written as one", () => {
    const text = "00112233-4455-4677-8899-aabbccddeeff";
    const bytes = new ByteWriter().u8(1).uuid(text).finish();
    expect(bytes.toHex()).toBe("0100112233445546778899aabbccddeeff");
    expect(new ByteReader(bytes, 1).uuid("topicId")).toBe(text);
    expectInvalid(() => new ByteReader(bytes, 2).uuid("topicId"), "topicId");
    for (const other of ["", text.toUpperCase(), `${text}0`, text.replaceAll("-", "")]) {
      expectInvalid(() => new ByteWriter().uuid(other), "is not a UUID");
    }
  });

  test("an array that can't fit the bytes is rejected before its first item is read", () => {
    let items = 0;
    const read = (reader: ByteReader): void => {
      items++;
      reader.u8("item");
    };
    for (const count of [3, 2 ** 31, 2 ** 32 - 1]) {
      const bytes = new ByteWriter().u32(count).u16(0).finish();
      expectInvalid(() => new ByteReader(bytes).array("topics", 1, read), `${count} items`);
    }
    expect(items).toBe(0);
  });

  test("stays within its bounds", () => {
    const reader = new ByteReader(Uint8Array.of(9, 1, 2, 9), 1, 3);
    expect(reader.u16("x")).toBe(0x0102);
    reader.expectEnd();
    expectInvalid(() => reader.u8("y"), "0 are left");
  });
});
