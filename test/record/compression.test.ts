import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RustLogError } from "../../src/errors.js";
import {
  compress,
  decompress,
  decompressPrefix,
  isWritableCodec,
} from "../../src/record/compression.js";

const COMPRESSORS = ["gzip", "zstd"] as const;

describe.each(COMPRESSORS)("%s", (codec) => {
  test("gives back what it was given, in plain byte arrays", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const decompressed = decompress(codec, compress(codec, bytes), 2000);
        expect(decompressed).toEqual(bytes);
        expect(Buffer.isBuffer(decompressed)).toBe(false);
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

  test("a prefix is all there is below the limit, and no more than the limit", async () => {
    const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >>> 7);
    const packed = compress(codec, bytes);
    for (const bytesMax of [0, 1, 65_536, 299_999, 300_000, 300_001]) {
      const prefix = await decompressPrefix(codec, packed, bytesMax);
      expect(prefix.isWhole).toBe(bytesMax >= bytes.length);
      expect(Buffer.compare(prefix.bytes, bytes.subarray(0, bytesMax))).toBe(0);
    }
  });

  test("the prefix of a bomb is as long as the limit", async () => {
    const bomb = compress(codec, new Uint8Array(64 * 1024 * 1024));
    const { bytes, isWhole } = await decompressPrefix(codec, bomb, 100_000);
    expect([bytes.length, isWhole]).toEqual([100_000, false]);
  });

  test("the prefix of garbage is CORRUPT_MESSAGE", async () => {
    const garbage = new Uint8Array(50).fill(7);
    expect(decompressPrefix(codec, garbage, 1000)).rejects.toMatchObject({
      code: "CORRUPT_MESSAGE",
    });
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

test("zstd data that needs a window of 128 MiB is refused", async () => {
  // A frame header that states the window, and no content size that could make it smaller.
  const frame = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x01, 0x00, 0x00]);
  expect(decompressPrefix("zstd", frame, 1000)).rejects.toMatchObject({ code: "CORRUPT_MESSAGE" });
});

test("the prefix of uncompressed data is a view", async () => {
  const bytes = Uint8Array.from([1, 2, 3]);
  const { bytes: prefix, isWhole } = await decompressPrefix("none", bytes, 2);
  expect([prefix.buffer, prefix.length, isWhole]).toEqual([bytes.buffer, 2, false]);
});
