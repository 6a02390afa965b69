import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RustLogError } from "../../src/errors.ts";
import { compress, decompress, isWritableCodec } from "../../src/record/compression.ts";

const COMPRESSORS = ["gzip", "zstd"] as const;

describe.each(COMPRESSORS)("%s", (codec) => {
  test("gives back what it was given, in plain byte arrays", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const unfolded = decompress(codec, compress(codec, bytes), 2000);
        expect(unfolded).toEqual(bytes);
        expect(Buffer.isBuffer(unfolded)).toBe(false);
      }),
    );
  });

  test("makes repetition small", () => {
    expect(compress(codec, new Uint8Array(100_000)).length).toBeLessThan(1000);
  });

  test("stops a bomb at the limit", () => {
    const bomb = compress(codec, new Uint8Array(64 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(100_000);
    expect(codeOf(() => decompress(codec, bomb, 1024 * 1024))).toBe("MESSAGE_TOO_LARGE");
  });

  test("takes exactly the limit, and not one byte more", () => {
    const packed = compress(codec, new Uint8Array(5000));
    expect(decompress(codec, packed, 5000).length).toBe(5000);
    expect(codeOf(() => decompress(codec, packed, 4999))).toBe("MESSAGE_TOO_LARGE");
  });

  test("garbage is CORRUPT_MESSAGE and keeps its cause", () => {
    const garbage = new Uint8Array(50).fill(7);
    expect(codeOf(() => decompress(codec, garbage, 1000))).toBe("CORRUPT_MESSAGE");
    try {
      decompress(codec, garbage, 1000);
    } catch (error) {
      expect((error as RustLogError).cause).toBeInstanceOf(Error);
    }
  });

  test("random bytes never do anything but throw RustLogError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (noise, at) => {
        const packed = compress(codec, new Uint8Array(300).fill(3));
        packed.set(noise.subarray(0, packed.length - (at % packed.length)), at % packed.length);
        try {
          expect(decompress(codec, packed, 1000).length).toBeLessThanOrEqual(1000);
        } catch (error) {
          if (!(error instanceof RustLogError)) throw error;
        }
      }),
    );
  });
});

test("none is the bytes themselves, within the limit", () => {
  const bytes = new Uint8Array(10);
  expect(compress("none", bytes)).toBe(bytes);
  expect(decompress("none", bytes, 10)).toBe(bytes);
  expect(codeOf(() => decompress("none", bytes, 9))).toBe("MESSAGE_TOO_LARGE");
});

test.each(["snappy", "lz4"] as const)("%s is refused by name", (codec) => {
  expect(isWritableCodec(codec)).toBe(false);
  expect(codeOf(() => decompress(codec, new Uint8Array(10), 1000))).toBe("UNSUPPORTED_COMPRESSION");
  expect(() => decompress(codec, new Uint8Array(10), 1000)).toThrow(codec);
});

function codeOf(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof RustLogError) return error.code;
    throw error;
  }
  return "no error";
}
