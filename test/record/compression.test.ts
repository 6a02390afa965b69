import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import * as lz4Library from "lz4-napi";
import * as snappyLibrary from "snappy";
import { RustLogError } from "../../src/errors.js";
import { compress, decompress, decompressPrefix } from "../../src/record/compression.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { hex } from "./batches.js";
import {
  FOREIGN_CONTENT,
  FOREIGN_DATA,
  JAVA_BATCHES,
  JAVA_RECORDS,
  javaRecord,
} from "../support/foreign-data.js";
import { concat } from "../support/bytes.js";

const COMPRESSORS = ["gzip", "snappy", "lz4", "zstd"] as const;

describe.each(COMPRESSORS)("%s", (codec) => {
  test("decompresses to the original bytes, in plain arrays", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const decompressed = decompress(codec, compress(codec, bytes), 2000);
        expect(decompressed).toEqual(bytes);
        expect(Buffer.isBuffer(decompressed)).toBe(false);
      }),
    );
  });

  test("compresses repetition", () => {
    expect(compress(codec, new Uint8Array(100_000)).length).toBeLessThan(5000);
  });

  test("adds little to incompressible data", () => {
    const noise = crypto.getRandomValues(new Uint8Array(65_536));
    expect(compress(codec, noise).length).toBeLessThan(noise.length + (noise.length >>> 7));
  });

  test("stops a decompression bomb at the limit", () => {
    const bomb = compress(codec, new Uint8Array(64 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(4 * 1024 * 1024);
    expect(codeOf(() => decompress(codec, bomb, 1024 * 1024))).toBe("MESSAGE_TOO_LARGE");
  });

  test("accepts exactly the limit, and not one byte more", () => {
    const packed = compress(codec, new Uint8Array(5000));
    expect(decompress(codec, packed, 5000).length).toBe(5000);
    expect(codeOf(() => decompress(codec, packed, 4999))).toBe("MESSAGE_TOO_LARGE");
  });

  test("a prefix is everything below the limit, and never more than the limit", async () => {
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
    const garbage = new Uint8Array(50).fill(0x87);
    expect(codeOf(() => decompress(codec, garbage, 1000))).toBe("CORRUPT_MESSAGE");
    try {
      decompress(codec, garbage, 1000);
    } catch (error) {
      expect((error as RustLogError).cause).toBeInstanceOf(Error);
    }
  });

  test("random bytes only ever throw RustLogError", () => {
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

test("codec none returns the bytes themselves, within the limit", () => {
  const bytes = new Uint8Array(10);
  expect(compress("none", bytes)).toBe(bytes);
  expect(decompress("none", bytes, 10)).toBe(bytes);
  expect(codeOf(() => decompress("none", bytes, 9))).toBe("MESSAGE_TOO_LARGE");
});

describe.each(FOREIGN_DATA)("$writer", ({ codec, data }) => {
  test("is read whole", () => {
    const content = decompress(codec, data, FOREIGN_CONTENT.length);
    expect(Buffer.compare(content, FOREIGN_CONTENT)).toBe(0);
  });

  test("is read up to a limit", async () => {
    for (const bytesMax of [1, 65_535, 65_536, 65_537, FOREIGN_CONTENT.length - 1]) {
      expect(codeOf(() => decompress(codec, data, bytesMax))).toBe("MESSAGE_TOO_LARGE");
      const { bytes, isWhole } = await decompressPrefix(codec, data, bytesMax);
      expect(isWhole).toBe(false);
      expect(Buffer.compare(bytes, FOREIGN_CONTENT.subarray(0, bytesMax))).toBe(0);
    }
  });
});

test.each(JAVA_BATCHES)("a batch of $writer is read record by record", ({ data }) => {
  const cursor = new RecordCursor().reset(data);
  for (let i = 0; i < JAVA_RECORDS; i++) {
    expect(cursor.next()).toBe(true);
    const { timestamp } = cursor;
    expect({ timestamp, key: cursor.keyText(), value: cursor.valueText() }).toEqual(javaRecord(i));
  }
  expect(cursor.next()).toBe(false);
});

test.each(["gzip", "lz4", "zstd"] as const)("several %s streams in a row are one", (codec) => {
  const parts = ["first ", "second"].map((text) => compress(codec, Buffer.from(text)));
  const content = decompress(codec, concat(parts), 100);
  expect(Buffer.from(content).toString()).toBe("first second");
});

describe("lz4", () => {
  test("a skippable frame is skipped", () => {
    const skipped = hex("5a2a4d18 03000000 010203");
    const content = decompress("lz4", concat([skipped, lz4Frame(LINE)]), 100);
    expect(Buffer.from(content).toString()).toBe("line");
  });

  test.each([
    ["no data", hex(""), "the data ends inside a frame"],
    ["a torn header", hex("04224d18 60"), "the data ends inside a frame"],
    ["a torn block", lz4Frame(LINE).subarray(0, 12), "the data ends inside a frame"],
    ["no end mark", lz4Frame(LINE).subarray(0, -4), "the data ends inside a frame"],
    ["another version", lz4Frame(LINE, "a040"), "the frame has an unknown version"],
    ["a reserved flag", lz4Frame(LINE, "6240"), "the frame has an unknown flag or block size"],
    ["a reserved size", lz4Frame(LINE, "6030"), "the frame has an unknown flag or block size"],
    ["a wrong header checksum", hex("04224d18 6040 00 00000000"), "the header checksum is wrong"],
    ["a block over the maximum", lz4Frame("01000100"), "a block of 65537 bytes is over 65536"],
    ["a wrong block checksum", lz4Frame(`${LINE}00000000`, "7040"), "the checksum of the block"],
    [
      "a wrong content size",
      lz4Frame(LINE, "6840 0500000000000000"),
      "the frame has 4 bytes, but its header says 5",
    ],
    ["an endless length", lz4Frame(`0a000000 1f61 0100 ${"ff".repeat(6)}`), "lz4 data"],
    ["a block over its maximum", lz4Frame(lz4Block(`1f61 0100 ${"ff".repeat(300)} 00 00`)), "lz4"],
    ["a reference before the start", lz4Frame(lz4Block("1061 0200 00")), "lz4 data"],
    ["a reference of zero bytes", lz4Frame(lz4Block("1061 0000 00")), "lz4 data"],
    ["a frame after no frame", concat([lz4Frame(LINE), hex("00000000")]), "no frame starts"],
  ])("%s is CORRUPT_MESSAGE", (_, data, message) => {
    expect(() => decompress("lz4", data, 2 ** 30)).toThrow(
      expect.objectContaining({
        code: "CORRUPT_MESSAGE",
        message: expect.stringContaining(message),
      }),
    );
  });

  test("a frame that needs a dictionary is UNSUPPORTED_COMPRESSION", () => {
    const frame = lz4Frame(LINE, "6140 01000000");
    expect(codeOf(() => decompress("lz4", frame, 100))).toBe("UNSUPPORTED_COMPRESSION");
  });

  test("a million tiny blocks allocate no memory for their possible sizes", () => {
    const blocks = concat(Array.from({ length: 100_000 }, () => hex("01000000 00")));
    expect(decompress("lz4", lz4Frame(blocks, "4070"), 100)).toHaveLength(0);
  });
});

describe("snappy", () => {
  const xerialHeader = hex("82534e4150505900 00000001 00000001");
  const block = hex("04 0c 6c696e65");
  const chunk = concat([hex("00000006"), block]);

  test("reads a raw block, and framed ones even with a repeated header", () => {
    const framed = concat([xerialHeader, chunk, chunk, xerialHeader, chunk]);
    expect(textOf(decompress("snappy", block, 100))).toBe("line");
    expect(textOf(decompress("snappy", framed, 100))).toBe("linelineline");
    expect(textOf(decompress("snappy", xerialHeader, 100))).toBe("");
  });

  test("is written as one raw block", () => {
    expect(compress("snappy", Buffer.from("line"))).toEqual(block);
  });

  test.each([
    ["no data", hex(""), "a block does not start with a length"],
    ["an endless length", hex("ffffffffffff"), "a block does not start with a length"],
    ["a length beyond 32 bits", hex("ffffffff7f 0061"), "can't hold"],
    ["1 GiB in 7 bytes", hex("8080808004 0061"), "can't hold 1073741824 bytes"],
    ["more than is there", hex("05 0c 6c696e65"), "snappy data"],
    ["less than is there", hex("03 0c 6c696e65"), "snappy data"],
    ["a literal without an end", hex("04 f0ff 6c696e65"), "snappy data"],
    ["a literal of 4 GiB", hex("04 fcf0ffffff 0000000000000000"), "snappy data"],
    ["a reference before the start", hex("08 0061 0e0500"), "snappy data"],
    ["a reference of zero bytes", hex("08 0061 0e0000"), "snappy data"],
    ["a torn header", xerialHeader.subarray(0, 12), "the data ends inside a header"],
    ["a torn length", concat([xerialHeader, hex("0000")]), "longer than the data"],
    ["a torn block", concat([xerialHeader, chunk.subarray(0, 8)]), "longer than the data"],
    ["a negative length", concat([xerialHeader, hex("ffffffff 00")]), "longer than the data"],
  ])("%s is CORRUPT_MESSAGE", async (_, data, message) => {
    const refusal = expect.objectContaining({
      code: "CORRUPT_MESSAGE",
      message: expect.stringContaining(message),
    });
    expect(() => decompress("snappy", data, 2 ** 31)).toThrow(refusal);
    expect(decompressPrefix("snappy", data, 2 ** 31)).rejects.toEqual(refusal);
  });

  test("decompresses no more of a block than requested", async () => {
    const noise = crypto.getRandomValues(new Uint8Array(200_000));
    const content = concat([FOREIGN_CONTENT, noise, FOREIGN_CONTENT]);
    const packed = compress("snappy", content);
    for (const bytesMax of [0, 1, 70_199, 70_201, 270_199, 270_201, 340_399, 340_400]) {
      const { bytes, isWhole } = await decompressPrefix("snappy", packed, bytesMax);
      expect([isWhole, Buffer.compare(bytes, content.subarray(0, bytesMax))]).toEqual([
        bytesMax === content.length,
        0,
      ]);
    }
  });
});

describe.each(["snappy", "lz4"] as const)("%s data with changed bytes", (codec) => {
  const libraries = {
    snappy: (data: Uint8Array) => snappyLibrary.uncompressSync(data, { asBuffer: true }) as Buffer,
    lz4: (data: Uint8Array) => lz4Library.decompressFrameSync(Buffer.from(data)),
  };

  test("is read, or refused, as by the library", () => {
    const pieces = fc.constantFrom("a", "bc", "abcabcabc", "0123456789".repeat(8));
    const content = fc.array(pieces, { minLength: 1 });
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(content, fc.array(change, { maxLength: 3 }), (parts, changes) => {
        const data = compress(codec, Buffer.from(parts.join(""))).slice();
        // Behind the lengths and the header: their limits are ours.
        const start = codec === "snappy" ? 2 : 11;
        // Before the end mark of a frame: the library takes an empty block instead of it, and we don't.
        const end = codec === "snappy" ? data.length : data.length - 4;
        for (const [at, byte] of changes) {
          if (end > start) data[start + (at % (end - start))] = byte;
        }
        expect(contentOf(() => decompress(codec, data, 2 ** 20))).toEqual(
          contentOf(() => libraries[codec](data)),
        );
      }),
      { numRuns: 500 },
    );
  });
});

/** What an attempt returns, in hexadecimal, or "refused". */
function contentOf(attempt: () => Uint8Array): string {
  try {
    return Buffer.from(attempt()).toString("hex");
  } catch {
    return "refused";
  }
}

/** A block of "line", not compressed. */
const LINE = "04000080 6c696e65";

/** A frame with a valid header checksum; `descriptor` is FLG, BD and the fields after them. */
function lz4Frame(blocks: string | Uint8Array, descriptor = "6040"): Uint8Array {
  const described = hex(descriptor);
  const checksum = (Bun.hash.xxHash32(described) >>> 8) & 0xff;
  const data = typeof blocks === "string" ? hex(blocks) : blocks;
  return concat([hex("04224d18"), described, Uint8Array.of(checksum), data, hex("00000000")]);
}

function lz4Block(data: string): string {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(hex(data).length);
  return size.toString("hex") + data;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

function codeOf(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof RustLogError) return error.code;
    throw error;
  }
  return "no error";
}

test("zstd data that needs a window of 128 MiB is rejected", async () => {
  // A frame header that states the window, but no content size that could reduce it.
  const frame = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x01, 0x00, 0x00]);
  expect(decompressPrefix("zstd", frame, 1000)).rejects.toMatchObject({ code: "CORRUPT_MESSAGE" });
});

test("the prefix of uncompressed data is a view", async () => {
  const bytes = Uint8Array.from([1, 2, 3]);
  const { bytes: prefix, isWhole } = await decompressPrefix("none", bytes, 2);
  expect([prefix.buffer, prefix.length, isWhole]).toEqual([bytes.buffer, 2, false]);
});
