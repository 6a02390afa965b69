import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RustLogError } from "../../src/errors.js";
import {
  BATCH_HEADER_BYTES,
  baseSequence,
  codecOf,
  findBatchFault,
  CODECS,
  lastOffset,
  maxTimestamp,
  producerEpoch,
  producerId,
  recordCount,
  sequenceAfter,
} from "../../src/record/batch.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { anyRecords, encodeBatch, expectedRecords, hex, readAll } from "./batches.js";

describe("BatchEncoder", () => {
  test("writes the batch of Kafka's documentation, byte by byte", () => {
    const encoder = new BatchEncoder();
    encoder.append(1_700_000_000_000, "k", "v1");
    encoder.append(1_700_000_000_005, null, "", [
      { name: "h", value: hex("ff") },
      { name: "n", value: null },
    ]);
    expect(encoder.finish().toHex()).toBe(
      hex(`
        0000000000000000 00000049 00000000 02 bbba6ec2
        0000 00000001 0000018bcfe56800 0000018bcfe56805 ffffffffffffffff ffff ffffffff 00000002
        12 00 00 00 02 6b 04 7631 00
        1a 00 0a 02 01 00 04 02 68 02 ff 02 6e 01`).toHex(),
    );
  });

  test("writes strings like their UTF-8 bytes, from a buffer of any size", () => {
    fc.assert(
      fc.property(anyRecords, fc.integer({ min: 0, max: 5000 }), (records, initialBytes) => {
        const asBytes = expectedRecords(records, 0).map((record) => record);
        expect(encodeBatch(records, { initialBytes })).toEqual(encodeBatch(asBytes));
      }),
    );
  });

  test("lengths are minimal where they grow by a byte", () => {
    for (const length of [15, 16, 17, 50, 63, 64, 8180, 8191, 8192, 1_048_575, 1_048_576]) {
      for (const unit of ["a", "é", "€", "😀"]) {
        const value = unit.repeat(Math.ceil(length / unit.length));
        const record = { timestamp: 0, key: value, value, headers: [] };
        const bytes = { ...record, key: Buffer.from(value), value: Buffer.from(value) };
        expect(encodeBatch([record, record])).toEqual(encodeBatch([bytes, bytes]));
      }
    }
  });

  test("writes half a surrogate pair as U+FFFD", () => {
    const lone = `${"x".repeat(30)}\ud83d`;
    const cursor = new RecordCursor().reset(
      encodeBatch([{ timestamp: 0, key: "\udc00", value: lone, headers: [] }]),
    );
    expect(cursor.next()).toBe(true);
    expect(cursor.keyText()).toBe("\ufffd");
    expect(cursor.valueText()).toBe(`${"x".repeat(30)}\ufffd`);
  });

  test("starts a new batch after finish, and leaves the returned one unchanged", () => {
    const encoder = new BatchEncoder();
    encoder.append(7, "first", "batch");
    const first = encoder.finish();
    const copy = first.slice();
    expect(encoder.count).toBe(0);
    expect(encoder.bytes).toBe(BATCH_HEADER_BYTES);
    encoder.append(3, null, "second");
    const second = encoder.finish();
    expect(first).toEqual(copy);
    expect(second).toEqual(
      encodeBatch([{ timestamp: 3, key: null, value: "second", headers: [] }]),
    );
  });

  test("counts records and bytes", () => {
    const encoder = new BatchEncoder();
    for (let i = 1; i <= 300; i++) {
      encoder.append(i, `key ${i}`, "x".repeat(i));
      expect(encoder.count).toBe(i);
    }
    const { bytes } = encoder;
    const batch = encoder.finish();
    expect(batch.length).toBe(bytes);
    expect(recordCount(batch, 0)).toBe(300);
    expect(lastOffset(batch, 0)).toBe(299);
    expect(maxTimestamp(batch, 0)).toBe(300);
  });

  test.each(CODECS)("states its codec: %s", (codec) => {
    const batch = encodeBatch([{ timestamp: 0, key: null, value: "v", headers: [] }], { codec });
    expect(codecOf(batch, 0)).toBe(codec);
    expect(findBatchFault(batch, 0, batch.length)).toBeUndefined();
  });

  test("compresses only the records", () => {
    const record = { timestamp: 0, key: "k", value: "v".repeat(5000), headers: [] };
    const plain = encodeBatch([record]);
    for (const codec of CODECS.slice(1)) {
      const packed = encodeBatch([record], { codec });
      expect(packed.length).toBeLessThan(plain.length / 10);
      expect(packed.subarray(23, BATCH_HEADER_BYTES)).toEqual(
        plain.subarray(23, BATCH_HEADER_BYTES),
      );
    }
  });

  test("states the sequence numbers of an idempotent producer, within 31 bits", () => {
    const encoder = new BatchEncoder();
    encoder.append(0, null, "a");
    const sequence = { producerId: 77, producerEpoch: 3, baseSequence: 2 ** 31 - 2 };
    const batch = encoder.finish(sequence);
    expect(producerId(batch, 0)).toBe(77);
    expect(producerEpoch(batch, 0)).toBe(3);
    expect(baseSequence(batch, 0)).toBe(2 ** 31 - 2);
    expect(findBatchFault(batch, 0, batch.length)).toBeUndefined();
    expect(sequenceAfter(2 ** 31 - 2, 3)).toBe(1);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 1.5, 2 ** 53])(
    "refuses timestamp %d and is as it was",
    (timestamp) => {
      const encoder = new BatchEncoder();
      expect(() => encoder.append(timestamp, null, "x")).toThrow(RustLogError);
      expect(encoder.count).toBe(0);
      encoder.append(10, null, "kept");
      expect(() => encoder.append(timestamp, null, "x")).toThrow("not a whole number");
      encoder.append(11, null, "kept too");
      const cursor = new RecordCursor().reset(encoder.finish());
      expect(readAll(cursor).map((record) => record.timestamp)).toEqual([10, 11]);
    },
  );

  test("rejects two timestamps too far apart for a delta", () => {
    const encoder = new BatchEncoder();
    encoder.append(Number.MIN_SAFE_INTEGER, null, null);
    expect(() => encoder.append(Number.MAX_SAFE_INTEGER, null, null)).toThrow(RustLogError);
  });

  test("rejects a record that no batch can hold before allocating memory", () => {
    const encoder = new BatchEncoder();
    encoder.append(1, null, "kept");
    const { bytes } = encoder;
    const header = { name: "large", value: new Uint8Array(1024 * 1024) };
    const headers = new Array<typeof header>(2048).fill(header);
    expect(() => encoder.append(1, null, null, headers)).toThrow("over 1073740800");
    expect(encoder.bytes).toBe(bytes);
    expect(encoder.count).toBe(1);
  });

  test("can't finish an empty batch", () => {
    expect(() => new BatchEncoder().finish()).toThrow("without records");
  });
});
