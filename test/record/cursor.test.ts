import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Codec, CODECS, FIELD, stampBaseOffset } from "../../src/record/batch.js";
import { writeI32, writeI64, writeU16 } from "../../src/record/bytes.js";
import { RecordCursor } from "../../src/record/cursor.js";
import {
  anyRecords,
  encodeBatch,
  expectedRecords,
  hex,
  readAll,
  record,
  stampCrc,
} from "./batches.js";
import { concat } from "../support/bytes.js";

const anyCodec = fc.constantFrom(...CODECS);

describe("RecordCursor", () => {
  test("reads what the encoder wrote, in consecutive batches", () => {
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
        const bytes = concat(parts);
        cursor.reset(bytes, start);
        expect(readAll(cursor)).toEqual(expected);
        expect(cursor.next()).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test("skips records below fromOffset", () => {
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

  test("checks headers and lengths, but not the CRC, of trusted bytes", () => {
    const bytes = numberedBatches([[3, "none"]]);
    const all = readAll(new RecordCursor().reset(bytes));
    bytes[FIELD.crc]! ^= 1;
    const trusted = () => new RecordCursor().reset(bytes, 0, bytes.length, { checkCrcs: false });
    expect(readAll(trusted())).toEqual(all);
    expect(() => new RecordCursor().reset(bytes).next()).toThrow("CRC");
    bytes[FIELD.magic] = 1;
    expect(() => trusted().next()).toThrow("magic");
  });

  test("accepts varints with unnecessary bytes", () => {
    // The lengths of a null key, an empty value and a whole record, in two and in three bytes.
    const padded = (zigzag: number, bytes: number): number[] =>
      Array.from({ length: bytes }, (_, i) => (i === 0 ? zigzag : 0) | (i < bytes - 1 ? 0x80 : 0));
    for (const size of [1, 2, 3]) {
      const body = [
        0,
        ...padded(4, size),
        ...padded(0, size),
        ...padded(1, size),
        ...padded(0, size),
        0,
      ];
      const sample = encodeBatch([record({ value: "x" })]);
      const bytes = new Uint8Array([
        ...sample.subarray(0, FIELD.records),
        ...padded(body.length * 2, size),
        ...body,
      ]);
      writeI32(bytes, FIELD.batchLength, bytes.length - 12);
      stampCrc(bytes);
      const cursor = new RecordCursor().reset(bytes);
      expect(cursor.next()).toBe(true);
      expect([cursor.key(), cursor.value()?.length, cursor.headers()]).toEqual([null, 0, []]);
      expect(cursor.next()).toBe(false);
    }
  });

  test("checks the batches that it skips", () => {
    const bytes = numberedBatches([
      [3, "none"],
      [3, "none"],
    ]);
    bytes[FIELD.records + 3]! ^= 1;
    const cursor = new RecordCursor().reset(bytes, 0, bytes.length, { fromOffset: 3 });
    expect(() => cursor.next()).toThrow("batch at byte 0: its CRC-32C is");
  });

  test("positions, views and texts are of the same bytes", () => {
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

  test("reads headers any number of times, in the middle of a batch", () => {
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

  test("views of a compressed batch stay valid in the next one", () => {
    const batch = (value: string) => encodeBatch([record({ value })], { codec: "zstd" });
    const cursor = new RecordCursor().reset(concat([batch("one"), batch("two")]));
    cursor.next();
    const first = cursor.value();
    cursor.next();
    expect(first).toEqual(Buffer.from("one").subarray());
    expect(cursor.valueText()).toBe("two");
  });

  test("all records have the batch's time if it is the append time", () => {
    const bytes = encodeBatch([record({ timestamp: 5 }), record({ timestamp: 9 })]);
    writeU16(bytes, FIELD.attributes, 0x08);
    writeI64(bytes, FIELD.maxTimestamp, 1234);
    const cursor = new RecordCursor().reset(stampCrc(bytes));
    expect(readAll(cursor).map((shown) => shown.timestamp)).toEqual([1234, 1234]);
  });

  test("no bytes have no records, and a range past the end is rejected", () => {
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

/** Batches with these numbers of records, and consecutive offsets. */
function numberedBatches(batches: readonly (readonly [number, Codec])[]): Uint8Array {
  let offset = 0;
  const parts = batches.map(([count, codec]) => {
    const records = Array.from({ length: count }, (_, i) => record({ value: `${offset + i}` }));
    const batch = encodeBatch(records, { codec });
    stampBaseOffset(batch, 0, offset);
    offset += count;
    return batch;
  });
  return concat(parts);
}
