import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RustLogError } from "../../src/errors.ts";
import { DECOMPRESSED_BYTES_MAX } from "../../src/limits.ts";
import { FIELD, stampBaseOffset } from "../../src/record/batch.ts";
import { writeI64, writeU16 } from "../../src/record/bytes.ts";
import { compress } from "../../src/record/compression.ts";
import { RecordCursor } from "../../src/record/cursor.ts";
import {
  anyRecord,
  anyRecords,
  batchOf,
  concat,
  encodeBatch,
  expectedRecords,
  hex,
  readAll,
  stampCrc,
  type TestRecord,
} from "./batches.ts";

const GZIP = 1;
const ZSTD = 4;
const anyCodec = fc.constantFrom("none" as const, "gzip" as const, "zstd" as const);

describe("RecordCursor", () => {
  test("shows what the encoder was given, in batches back to back", () => {
    const cursor = new RecordCursor();
    const batches = fc.array(fc.tuple(anyRecords, anyCodec), { maxLength: 4 });
    fc.assert(
      fc.property(batches, fc.nat(2 ** 40), fc.nat(9), (batches, firstOffset, start) => {
        let offset = firstOffset;
        const parts: Uint8Array[] = [new Uint8Array(start).fill(0xaa)];
        const expected = batches.flatMap(([records, codec]) => {
          const batch = encodeBatch(records, { codec });
          stampBaseOffset(batch, 0, offset);
          parts.push(batch);
          const shown = expectedRecords(records, offset);
          offset += records.length;
          return shown;
        });
        const bytes = concat(...parts);
        cursor.reset(bytes, start);
        expect(readAll(cursor)).toEqual(expected);
        expect(cursor.next()).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test("passes over records below fromOffset", () => {
    const batches = fc.array(fc.tuple(fc.integer({ min: 1, max: 20 }), anyCodec), { maxLength: 5 });
    fc.assert(
      fc.property(batches, fc.nat(110), (batches, fromOffset) => {
        const bytes = numberedBatches(batches);
        const cursor = new RecordCursor().reset(bytes, 0, bytes.length, { fromOffset });
        const all = readAll(new RecordCursor().reset(bytes)).map((record) => record.offset);
        expect(readAll(cursor).map((record) => record.offset)).toEqual(
          all.filter((offset) => offset >= fromOffset),
        );
      }),
    );
  });

  test("checks the batches that it passes over", () => {
    const bytes = numberedBatches([
      [3, "none"],
      [3, "none"],
    ]);
    bytes[FIELD.records + 3]! ^= 1;
    const cursor = new RecordCursor().reset(bytes, 0, bytes.length, { fromOffset: 3 });
    expect(() => cursor.next()).toThrow("batch at byte 0: its CRC-32C is");
  });

  test("has positions, views and texts of the same bytes", () => {
    const bytes = encodeBatch([
      record({ key: "ключ", value: "\ufeffmit BOM" }),
      record({ key: null, value: null }),
      record({ key: "", value: new Uint8Array([0xff]) }),
    ]);
    const cursor = new RecordCursor().reset(bytes);
    expect(cursor.next()).toBe(true);
    expect(cursor.buffer).toBe(bytes);
    expect(cursor.buffer.subarray(cursor.keyStart, cursor.keyEnd)).toEqual(cursor.key()!);
    expect(cursor.buffer.subarray(cursor.valueStart, cursor.valueEnd)).toEqual(cursor.value()!);
    expect(cursor.value()!.buffer).toBe(bytes.buffer);
    expect([cursor.keyText(), cursor.valueText()]).toEqual(["ключ", "\ufeffmit BOM"]);
    expect(cursor.next()).toBe(true);
    expect([cursor.keyStart, cursor.keyEnd, cursor.valueStart, cursor.valueEnd]).toEqual([
      -1, -1, -1, -1,
    ]);
    expect([cursor.key(), cursor.keyText(), cursor.value(), cursor.valueText()]).toEqual([
      null,
      null,
      null,
      null,
    ]);
    expect(cursor.next()).toBe(true);
    expect(cursor.key()).toEqual(new Uint8Array(0));
    expect([cursor.keyText(), cursor.valueText()]).toEqual(["", "\ufffd"]);
    expect(cursor.next()).toBe(false);
    expect([cursor.offset, cursor.key(), cursor.value(), cursor.headers()]).toEqual([
      -1,
      null,
      null,
      [],
    ]);
  });

  test("reads headers as often as asked, in the middle of a batch", () => {
    const headers = [
      { name: "trace-id", value: hex("00ff") },
      { name: "", value: null },
      { name: "größe", value: new Uint8Array(0) },
    ];
    const cursor = new RecordCursor().reset(
      encodeBatch([record({ headers }), record({ value: "next" })]),
    );
    cursor.next();
    expect(cursor.headerCount).toBe(3);
    expect(cursor.headers()).toEqual(headers);
    expect(cursor.headers()).toEqual(headers);
    expect(cursor.next()).toBe(true);
    expect(cursor.valueText()).toBe("next");
    expect(cursor.headers()).toEqual([]);
  });

  test("keeps views of a compressed batch when it goes on to the next", () => {
    const batch = (value: string) => encodeBatch([record({ value })], { codec: "zstd" });
    const cursor = new RecordCursor().reset(concat(batch("one"), batch("two")));
    cursor.next();
    const first = cursor.value();
    cursor.next();
    expect(first).toEqual(Buffer.from("one").subarray());
    expect(cursor.valueText()).toBe("two");
  });

  test("gives all records the batch's time if that is when it was appended", () => {
    const bytes = encodeBatch([record({ timestamp: 5 }), record({ timestamp: 9 })]);
    writeU16(bytes, FIELD.attributes, 0x08);
    writeI64(bytes, FIELD.maxTimestamp, 1234);
    const cursor = new RecordCursor().reset(stampCrc(bytes));
    expect(readAll(cursor).map((shown) => shown.timestamp)).toEqual([1234, 1234]);
  });

  test("shows nothing of no bytes, and refuses a range that is not there", () => {
    expect(new RecordCursor().next()).toBe(false);
    expect(new RecordCursor().reset(new Uint8Array(0)).next()).toBe(false);
    for (const [start, end] of [
      [-1, 5],
      [3, 2],
      [0, 6],
    ] as const) {
      expect(() => new RecordCursor().reset(new Uint8Array(5), start, end)).toThrow("not within 5");
    }
  });
});

describe("damage", () => {
  const GOOD = encodeBatch([
    record({ timestamp: 1, key: "k", value: "value", headers: [{ name: "h", value: hex("01") }] }),
    record({ timestamp: 2 ** 40, value: "x".repeat(200) }),
  ]);

  test("a batch that is cut off at any byte is an error, after the whole ones before it", () => {
    for (let length = 1; length < GOOD.length; length++) {
      const cursor = new RecordCursor().reset(concat(GOOD, GOOD.subarray(0, length)));
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

  test("records that lie under a right CRC never do anything but throw RustLogError", () => {
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
        fc.constantFrom(GZIP, ZSTD),
        (bytes, codec) => {
          walk(batchOf(bytes, 3, codec));
          walk(batchOf(compress(codec === GZIP ? "gzip" : "zstd", bytes), 3, codec));
        },
      ),
    );
  });

  test("random bytes never do anything but throw RustLogError", () => {
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
    ["its offset delta is not its index", "0c 00 00 02 01 01 00"],
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
    ["bytes follow it that are no record", "0c 00 00 00 01 01 00 00"],
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

  test("an error is said again until the cursor is reset, and shows no record", () => {
    const records = concat(hex("0c 00 00 00 01 01 00"), hex("0c 00 00 00 01 01 00"));
    const cursor = new RecordCursor().reset(batchOf(records, 2));
    expect(cursor.next()).toBe(true);
    expect(() => cursor.next()).toThrow("record at offset 1");
    expect([cursor.offset, cursor.value(), cursor.headers()]).toEqual([-1, null, []]);
    expect(() => cursor.next()).toThrow("record at offset 1");
    expect(readAll(cursor.reset(GOOD)).length).toBe(2);
  });

  test.each([
    ["snappy", 2],
    ["lz4", 3],
  ])("a batch in %s is named as such", (name, codec) => {
    const cursor = new RecordCursor().reset(batchOf(hex("0c 00 00 00 01 01 00"), 1, codec));
    expect(() => cursor.next()).toThrow(
      expect.objectContaining({
        code: "UNSUPPORTED_COMPRESSION",
        message: `batch at byte 0: ${name} can't be decompressed here`,
      }),
    );
  });

  test("a decompression bomb is refused", () => {
    const part = compress("zstd", new Uint8Array(16 * 1024 * 1024));
    const parts = new Array<Uint8Array>(DECOMPRESSED_BYTES_MAX / (16 * 1024 * 1024) + 1).fill(part);
    const bomb = batchOf(concat(...parts), 1, ZSTD);
    expect(bomb.length).toBeLessThan(100_000);
    expect(() => new RecordCursor().reset(bomb).next()).toThrow(
      expect.objectContaining({ code: "MESSAGE_TOO_LARGE" }),
    );
  });
});

function record(fields: Partial<TestRecord>): TestRecord {
  return { timestamp: 0, key: null, value: null, headers: [], ...fields };
}

/** Batches of so many records each, with offsets that go on from batch to batch. */
function numberedBatches(
  batches: readonly (readonly [number, "none" | "gzip" | "zstd"])[],
): Uint8Array {
  let offset = 0;
  const parts = batches.map(([count, codec]) => {
    const records = Array.from({ length: count }, (_, i) => record({ value: `${offset + i}` }));
    const batch = encodeBatch(records, { codec });
    stampBaseOffset(batch, 0, offset);
    offset += count;
    return batch;
  });
  return concat(...parts);
}

/** Goes through bytes as far as possible; whatever stops it must be a RustLogError. */
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
