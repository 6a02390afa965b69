import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RustLogError } from "../../src/errors.js";
import { CODECS, FIELD } from "../../src/record/batch.js";
import { writeI64 } from "../../src/record/bytes.js";
import { compress } from "../../src/record/compression.js";
import { RecordCursor } from "../../src/record/cursor.js";
import {
  anyRecord,
  batchOf,
  DICTIONARY_NEEDED,
  encodeBatch,
  hex,
  LZ4_WITH_DICTIONARY,
  readAll,
  record,
  stampCrc,
} from "./batches.js";
import { concat } from "../support/bytes.js";

const LZ4 = 3;
const ZSTD = 4;

describe("RecordCursor on damaged bytes", () => {
  const GOOD = encodeBatch([
    record({ timestamp: 1, key: "k", value: "value", headers: [{ name: "h", value: hex("01") }] }),
    record({ timestamp: 2 ** 40, value: "x".repeat(200) }),
  ]);

  test("a batch truncated at any byte is an error, after the valid ones before it", () => {
    for (let length = 1; length < GOOD.length; length++) {
      const cursor = new RecordCursor().reset(concat([GOOD, GOOD.subarray(0, length)]));
      expect([cursor.next(), cursor.next()]).toEqual([true, true]);
      expect(() => cursor.next()).toThrow(`batch at byte ${GOOD.length}: `);
    }
  });

  test("a flipped bit in the records is an error before the first record", () => {
    for (let bit = FIELD.records * 8; bit < GOOD.length * 8; bit++) {
      const bytes = GOOD.slice();
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => new RecordCursor().reset(bytes).next()).toThrow(RustLogError);
    }
  });

  test("invalid records with a valid CRC only ever throw RustLogError", () => {
    const records = GOOD.subarray(FIELD.records);
    for (let at = 0; at < records.length; at++) {
      for (const byte of [0x00, 0x01, 0x03, 0x7f, 0x80, 0xfe, 0xff]) {
        const bytes = records.slice();
        bytes[at] = byte;
        walk(batchOf(bytes, 2));
      }
      walk(batchOf(records.slice(0, at), 2));
    }
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.integer({ min: 1, max: 50 }),
        (bytes, count) => walk(batchOf(bytes, count)),
      ),
    );
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.integer({ min: 1, max: 4 }),
        (bytes, codec) => {
          walk(batchOf(bytes, 3, codec));
          walk(batchOf(compress(CODECS[codec]!, bytes), 3, codec));
        },
      ),
    );
  });

  test("random bytes only ever throw RustLogError", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300, size: "max" }), (bytes) => walk(bytes)));
    fc.assert(
      fc.property(
        anyRecord,
        fc.nat(),
        fc.uint8Array({ minLength: 1, maxLength: 9 }),
        (any, where, noise) => {
          const bytes = encodeBatch([any, any]);
          const at = where % bytes.length;
          bytes.set(noise.subarray(0, bytes.length - at), at);
          walk(bytes);
          if (at >= FIELD.attributes) walk(stampCrc(bytes));
        },
      ),
    );
  });

  test.each([
    ["its length is impossible", "0d 00 00 00 01 01 00"],
    ["its length is impossible", "0e 00 00 00 01 01 00"],
    ["its offset delta is 1, not one from 0 to 0", "0c 00 00 02 01 01 00"],
    ["its offset delta is -1, not one from 0 to 0", "0c 00 00 01 01 01 00"],
    ["its key has a negative length", "0c 00 00 00 03 01 00"],
    ["its value has a negative length", "0c 00 00 00 01 03 00"],
    ["it has a negative number of headers", "0c 00 00 00 01 01 01"],
    ["a number is cut off", "10 00 00 00 01 01 02 02 68"],
    ["a header has no name", "10 00 00 00 01 01 02 01 01"],
    ["a header's value has a negative length", "12 00 00 00 01 01 02 02 68 03"],
    ["its headers lead out of it", "12 00 00 00 01 01 02 02 68 04"],
    ["its fields do not add up to its length", "0c 00 00 00 01 08 00 00 00 00 00"],
    ["its fields do not add up to its length", "0e 00 00 00 01 01 00 00"],
    ["a number is cut off", "14 00 00 00 01 feffffff0f 01"],
    ["the bytes after it are not a record", "0c 00 00 00 01 01 00 00"],
    ["a number is cut off", "06 00 00 80"],
    ["a number has more than 32 bits", "16 00 00 8080808080 00 01 01 00"],
    ["a number has more than 64 bits", "20 00 8080808080808080808000 00 01 01 00"],
    ["a number is beyond the safe integers", "1e 00 80808080808080808001 00 01 01 00"],
  ])("%s: %s", (message, records) => {
    const cursor = new RecordCursor().reset(batchOf(hex(records), 1));
    expect(() => cursor.next()).toThrow(`record at offset 0: ${message}`);
  });

  test("a timestamp beyond the safe integers is an error", () => {
    const bytes = encodeBatch([record({ timestamp: 0 }), record({ timestamp: 40 })]);
    writeI64(bytes, FIELD.baseTimestamp, Number.MAX_SAFE_INTEGER);
    const cursor = new RecordCursor().reset(stampCrc(bytes));
    expect(cursor.next()).toBe(true);
    expect(() => cursor.next()).toThrow("record at offset 1: its timestamp is impossible");
  });

  test("an error repeats until the cursor is reset, and shows no record", () => {
    const records = concat([hex("0c 00 00 00 01 01 00"), hex("0c 00 00 00 01 01 00")]);
    const cursor = new RecordCursor().reset(batchOf(records, 2));
    expect(cursor.next()).toBe(true);
    expect(() => cursor.next()).toThrow("record at offset 1");
    expect([cursor.offset, cursor.value(), cursor.headers()]).toEqual([-1, null, []]);
    expect(() => cursor.next()).toThrow("record at offset 1");
    expect(readAll(cursor.reset(GOOD)).length).toBe(2);
  });

  test("the error names an lz4 frame that needs a dictionary", () => {
    const cursor = new RecordCursor().reset(batchOf(LZ4_WITH_DICTIONARY, 1, LZ4));
    expect(() => cursor.next()).toThrow(
      expect.objectContaining({
        code: "UNSUPPORTED_COMPRESSION",
        message: `batch at byte 0: ${DICTIONARY_NEEDED}`,
      }),
    );
  });

  test("a decompression bomb is rejected", () => {
    const part = compress("zstd", new Uint8Array(16 * 1024 * 1024));
    const parts = new Array<Uint8Array>(5).fill(part);
    const bomb = batchOf(concat(parts), 1, ZSTD);
    expect(bomb.length).toBeLessThan(100_000);
    const options = { decompressedBytesMax: 4 * 16 * 1024 * 1024 };
    expect(() => new RecordCursor().reset(bomb, 0, bomb.length, options).next()).toThrow(
      expect.objectContaining({ code: "MESSAGE_TOO_LARGE" }),
    );
  });
});

/** Reads as many records as possible; only a RustLogError may stop it. */
function walk(bytes: Uint8Array): void {
  const cursor = new RecordCursor().reset(bytes);
  try {
    while (cursor.next()) {
      expect(cursor.keyEnd).toBeLessThanOrEqual(cursor.buffer.length);
      expect(cursor.valueEnd).toBeLessThanOrEqual(cursor.buffer.length);
      for (const header of cursor.headers()) expect(typeof header.name).toBe("string");
    }
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
  }
}

describe("continuing after damage", () => {
  const batches = [0, 1, 2].map((i) => {
    const batch = encodeBatch([record({ timestamp: 1, value: `value ${i}`.padEnd(100) })]);
    writeI64(batch, FIELD.baseOffset, i);
    return batch;
  });

  test("the next valid batch is found after any flipped bit", () => {
    const [first, second, third] = batches as [Uint8Array, Uint8Array, Uint8Array];
    // The first eight bytes are the base offset, which the CRC does not cover.
    for (let bit = 8 * 8; bit < second.length * 8; bit++) {
      const damaged = second.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      const bytes = concat([first, damaged, third]);
      const cursor = new RecordCursor().reset(bytes, 0, bytes.length, { endOffset: 3 });
      expect(cursor.next()).toBe(true);
      const isEpoch = bit >> 3 >= FIELD.partitionLeaderEpoch && bit >> 3 < FIELD.magic;
      if (isEpoch) continue;
      expect(() => cursor.next()).toThrow(RustLogError);
      expect(cursor.damaged()).toMatchObject({ from: 1, to: 2 });
      cursor.skipDamaged();
      expect([cursor.next(), cursor.offset, cursor.next()]).toEqual([true, 2, false]);
    }
  });

  test("a batch whose base offset is not after the one before it is damaged", () => {
    const bytes = concat([batches[0]!, batches[0]!, batches[2]!]);
    const cursor = new RecordCursor().reset(bytes, 0, bytes.length, { endOffset: 3 });
    expect(cursor.next()).toBe(true);
    expect(() => cursor.next()).toThrow("its base offset is 0");
    expect(cursor.damaged().to).toBe(2);
  });

  test("bytes that imitate batch headers do not hide the valid batch after them", () => {
    // A header every 61 bytes that states a batch up to the end, with expected offsets.
    const count = 20_000;
    const value = Buffer.alloc(count * FIELD.records);
    for (let i = 0; i < count; i++) {
      const at = i * FIELD.records;
      value.writeBigInt64BE(2n, at);
      value.writeInt32BE(value.length - at - 12, at + FIELD.batchLength);
      value[at + FIELD.magic] = 2;
      value.writeInt32BE(1, at + FIELD.recordCount);
    }
    const damaged = encodeBatch([record({ timestamp: 1, value })]);
    writeI64(damaged, FIELD.baseOffset, 1);
    damaged[FIELD.batchLength]! = 0x7f;
    const bytes = concat([batches[0]!, damaged, batches[2]!]);
    const cursor = new RecordCursor().reset(bytes, 0, bytes.length, { endOffset: 3 });
    expect(cursor.next()).toBe(true);
    expect(() => cursor.next()).toThrow("bytes of a batch of");
    expect(cursor.damaged()).toEqual({ batch: 1, from: 1, to: 2 });
    cursor.skipDamaged();
    expect(cursor.next()).toBe(true);
    expect(cursor.offset).toBe(2);
    expect(cursor.next()).toBe(false);
  });
});
