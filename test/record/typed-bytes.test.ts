// Numbers, UUIDs and hexadecimal as text.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { bytesOfTyped, fixedTypeOf, typedText } from "../../src/record/typed-bytes.js";

const hexOf = (text: string, type: "int32" | "int64" | "uuid" | "hex"): string | undefined => {
  const bytes = bytesOfTyped(text, type);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString("hex");
};

describe("a text", () => {
  test("stands for big-endian bytes in two's complement", () => {
    expect(hexOf("123", "int32")).toBe("0000007b");
    expect(hexOf(" -1 ", "int32")).toBe("ffffffff");
    expect(hexOf("+123456", "int64")).toBe("000000000001e240");
    expect(hexOf("-9223372036854775808", "int64")).toBe("8000000000000000");
    const uuid = "123E4567-e89b-12d3-a456-426614174000";
    expect(hexOf(uuid, "uuid")).toBe("123e4567e89b12d3a456426614174000");
    expect(hexOf(uuid.replaceAll("-", ""), "uuid")).toBe("123e4567e89b12d3a456426614174000");
    expect(hexOf("00 fF\n7b", "hex")).toBe("00ff7b");
  });

  test("stands for nothing if it is not of its type", () => {
    for (const text of ["", "1.5", "0x7b", "1e3", "2147483648", "-2147483649", "١"]) {
      expect(hexOf(text, "int32")).toBeUndefined();
    }
    expect(hexOf("9223372036854775808", "int64")).toBeUndefined();
    expect(hexOf("9".repeat(5000), "int64")).toBeUndefined();
    for (const text of ["", "123e4567", "123e4567-e89b-12d3-a456-42661417400g"]) {
      expect(hexOf(text, "uuid")).toBeUndefined();
    }
    expect([hexOf("0", "hex"), hexOf("0g", "hex")]).toEqual([undefined, undefined]);
  });
});

test("property: bytes of a type are the same after they were text", () => {
  const lengths = fc.constantFrom(4, 8, 16);
  fc.assert(
    fc.property(
      lengths.chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
      (bytes) => {
        const type = fixedTypeOf(bytes.length) ?? "int32";
        expect(bytesOfTyped(typedText(bytes, type) ?? "", type)).toEqual(bytes);
      },
    ),
  );
  expect(typedText(new Uint8Array(5), "int32")).toBeUndefined();
  expect(fixedTypeOf(5)).toBeUndefined();
});

test("property: numbers are as DataView has them", () => {
  const range = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
  fc.assert(
    fc.property(fc.bigInt(range), (number) => {
      const view = new DataView(new ArrayBuffer(8));
      view.setBigInt64(0, number);
      expect(bytesOfTyped(String(number), "int64")).toEqual(new Uint8Array(view.buffer));
    }),
  );
});
