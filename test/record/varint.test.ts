import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RustLogError } from "../../src/errors.js";
import { varintBytes, VarintReader, writeVarint, writeVarlong } from "../../src/record/varint.js";
import { hex } from "./batches.js";

const VECTORS: readonly (readonly [number, string])[] = [
  [0, "00"],
  [-1, "01"],
  [1, "02"],
  [63, "7e"],
  [-64, "7f"],
  [64, "8001"],
  [-65, "8101"],
  [8191, "fe7f"],
  [8192, "808001"],
  [1_048_575, "feff7f"],
  [1_048_576, "80808001"],
  [134_217_727, "feffff7f"],
  [134_217_728, "8080808001"],
  [2 ** 31 - 1, "feffffff0f"],
  [-(2 ** 31), "ffffffff0f"],
];

const LONG_VECTORS: readonly (readonly [number, string])[] = [
  [2 ** 31, "8080808010"],
  [-(2 ** 31) - 1, "8180808010"],
  [1_700_000_000_000, "80a0abfef962"],
  [Number.MAX_SAFE_INTEGER, "feffffffffffff1f"],
  [Number.MIN_SAFE_INTEGER, "fdffffffffffff1f"],
];

describe("varint", () => {
  test.each(VECTORS)("%d is %s", (value, expected) => {
    expect(written(writeVarint, value)).toBe(expected);
    expect(written(writeVarlong, value)).toBe(expected);
    expect(varintBytes(value)).toBe(expected.length / 2);
    expect(read(hex(expected))).toEqual({ value, position: expected.length / 2 });
    expect(readLong(hex(expected))).toEqual({ value, position: expected.length / 2 });
  });

  test("any 32-bit integer is decoded unchanged", () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(5), (value, at) => {
        const bytes = new Uint8Array(16);
        const end = writeVarint(bytes, at, value);
        expect(end - at).toBe(varintBytes(value));
        expect(read(bytes, at)).toEqual({ value, position: end });
      }),
    );
  });

  test("is truncated at the end of the bytes, at any length", () => {
    for (const [, text] of VECTORS) {
      for (let length = 0; length < text.length / 2; length++) {
        const bytes = hex(text).subarray(0, length);
        expect(() => read(bytes)).toThrow("a number is cut off");
        expect(() => readLong(bytes)).toThrow("a number is cut off");
      }
    }
  });

  test.each(["8080808010", "ffffffff1f", "808080808001", "ffffffffffffffffff01"])(
    "%s has too many bits",
    (text) => {
      expect(() => read(hex(text))).toThrow("more than 32 bits");
    },
  );

  test("may be longer than necessary, up to five bytes", () => {
    expect(read(hex("8200"))).toEqual({ value: 1, position: 2 });
    expect(read(hex("8280808000"))).toEqual({ value: 1, position: 5 });
  });
});

describe("varlong", () => {
  test.each(LONG_VECTORS)("%d is %s", (value, expected) => {
    expect(written(writeVarlong, value)).toBe(expected);
    expect(readLong(hex(expected))).toEqual({ value, position: expected.length / 2 });
  });

  test("any safe integer is decoded unchanged, and encoded as with BigInt arithmetic", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const text = written(writeVarlong, value);
        expect(text).toBe(reference(BigInt(value)));
        expect(readLong(hex(text))).toEqual({ value, position: text.length / 2 });
      }),
    );
  });

  test("64-bit integers are accepted if and only if they are safe", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const bytes = hex(reference(value));
        if (Number.isSafeInteger(Number(value))) expect(readLong(bytes).value).toBe(Number(value));
        else expect(() => readLong(bytes)).toThrow("beyond the safe integers");
      }),
    );
    for (const value of [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)]) {
      expect(() => readLong(hex(reference(value)))).toThrow("beyond the safe integers");
    }
  });

  test("has at most ten bytes", () => {
    expect(readLong(hex("82808080808080808000"))).toEqual({ value: 1, position: 10 });
    expect(() => readLong(hex("8280808080808080808000"))).toThrow("more than 64 bits");
  });
});

test("random bytes give a number or a RustLogError, and are never read past the end", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      for (const attempt of [read, readLong]) {
        try {
          const { value, position } = attempt(bytes);
          expect(Number.isSafeInteger(value)).toBe(true);
          expect(position).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          if (!(error instanceof RustLogError)) throw error;
        }
      }
    }),
  );
});

function written(write: typeof writeVarint, value: number): string {
  const bytes = new Uint8Array(16);
  return bytes.subarray(0, write(bytes, 0, value)).toHex();
}

function read(bytes: Uint8Array, at = 0): { value: number; position: number } {
  const reader = readerOf(bytes, at);
  return { value: reader.readVarint(), position: reader.position };
}

function readLong(bytes: Uint8Array): { value: number; position: number } {
  const reader = readerOf(bytes, 0);
  return { value: reader.readVarlong(), position: reader.position };
}

function readerOf(bytes: Uint8Array, at: number): VarintReader {
  const reader = new VarintReader();
  reader.bytes = bytes;
  reader.position = at;
  return reader;
}

function reference(value: bigint): string {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes).toHex();
}
