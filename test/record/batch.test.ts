import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type ErrorName, RustLogError } from "../../src/errors.js";
import * as batch from "../../src/record/batch.js";
import { type Pieces, writeI32, writeI64, writeU16 } from "../../src/record/bytes.js";
import { checkProducedBatch } from "../../src/record/produced-batch.js";
import { encodeBatch, hex, record, stampCrc } from "./batches.js";
import { concat } from "../support/bytes.js";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const { FIELD, findBatchFault } = batch;

/** Written by hand from Kafka's documentation; the CRC was computed by another program. */
const BY_HAND = hex(`
  000000000000002a 00000049 00000000 02 bbba6ec2
  0000 00000001 0000018bcfe56800 0000018bcfe56805 ffffffffffffffff ffff ffffffff 00000002
  12 00 00 00 02 6b 04 7631 00
  1a 00 0a 02 01 00 04 02 68 02 ff 02 6e 01`);

describe("the header", () => {
  test("has Kafka's layout", () => {
    expect(BY_HAND.length).toBe(85);
    expect(findBatchFault(BY_HAND, 0, BY_HAND.length)).toBeUndefined();
    expect(headerOf(BY_HAND, 0)).toEqual({
      baseOffset: 42,
      batchBytes: 85,
      magic: 2,
      crc: 0xbbba6ec2,
      attributes: 0,
      codec: "none",
      lastOffsetDelta: 1,
      lastOffset: 43,
      nextOffset: 44,
      baseTimestamp: 1_700_000_000_000,
      maxTimestamp: 1_700_000_000_005,
      producerId: -1,
      producerEpoch: -1,
      baseSequence: -1,
      recordCount: 2,
    });
  });

  test("is read at its position", () => {
    const bytes = concat([new Uint8Array(13).fill(0xee), BY_HAND, new Uint8Array(5)]);
    expect(headerOf(bytes, 13)).toEqual(headerOf(BY_HAND, 0));
    expect(findBatchFault(bytes, 13, 13 + BY_HAND.length)).toBeUndefined();
    expect(findBatchFault(bytes, 13, bytes.length)).toBeUndefined();
  });

  test("accepts any base offset without a change of the CRC", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const bytes = BY_HAND.slice();
        const offset = Math.max(Math.abs(value) - 10, 0);
        batch.stampBaseOffset(bytes, 0, offset);
        expect(batch.baseOffset(bytes, 0)).toBe(offset);
        expect(findBatchFault(bytes, 0, bytes.length)).toBeUndefined();
      }),
    );
  });
});

describe("findBatchFault", () => {
  test("finds any flipped bit that the CRC or a check covers", () => {
    for (let bit = 0; bit < BY_HAND.length * 8; bit++) {
      const at = bit >> 3;
      const bytes = BY_HAND.slice();
      bytes[at]! ^= 1 << (bit & 7);
      const isCovered =
        at >= FIELD.batchLength && (at < FIELD.partitionLeaderEpoch || at >= FIELD.magic);
      const fault = findBatchFault(bytes, 0, bytes.length);
      if (isCovered) expect({ bit, found: fault !== undefined }).toEqual({ bit, found: true });
      // A broker sets these two after the CRC was computed; an impossible offset is found nevertheless.
      else expect([undefined, "offset"]).toContain(fault?.kind);
    }
  });

  test("every proper prefix is truncated", () => {
    for (let end = 0; end < BY_HAND.length; end++) {
      expect(findBatchFault(BY_HAND, 0, end)?.kind).toBe("truncated");
      expect(findBatchFault(BY_HAND.slice(0, end), 0, end)?.kind).toBe("truncated");
    }
  });

  test.each([
    ["length", "below a header", (b: Uint8Array) => writeI32(b, FIELD.batchLength, 48)],
    ["length", "negative", (b: Uint8Array) => writeI32(b, FIELD.batchLength, -1)],
    ["length", "the least", (b: Uint8Array) => writeI32(b, FIELD.batchLength, -(2 ** 31))],
    ["truncated", "the largest", (b: Uint8Array) => writeI32(b, FIELD.batchLength, 2 ** 31 - 1)],
    ["crc", "one short", (b: Uint8Array) => writeI32(b, FIELD.batchLength, 72)],
    ["magic", "of the old format", (b: Uint8Array) => b.fill(1, FIELD.magic, FIELD.magic + 1)],
    ["count", "a negative count", (b: Uint8Array) => countOf(b, -5)],
    ["count", "too many", (b: Uint8Array) => writeI32(b, FIELD.recordCount, 3)],
    ["count", "no offsets", (b: Uint8Array) => writeI32(b, FIELD.lastOffsetDelta, -1)],
    ["codec", "5", (b: Uint8Array) => writeU16(b, FIELD.attributes, 5)],
    ["codec", "7", (b: Uint8Array) => writeU16(b, FIELD.attributes, 7)],
    ["offset", "negative", (b: Uint8Array) => writeI64(b, FIELD.baseOffset, -1)],
    ["offset", "too large", (b: Uint8Array) => b.fill(0x7f, 0, 8)],
    ["offset", "too large with its delta", (b: Uint8Array) => writeI64(b, 0, 2 ** 53 - 2)],
    ["time", "too large", (b: Uint8Array) => b.fill(0x7f, FIELD.maxTimestamp, FIELD.producerId)],
    ["time", "too small", (b: Uint8Array) => b.fill(0x80, FIELD.baseTimestamp, FIELD.maxTimestamp)],
    ["crc", "of other bytes", (b: Uint8Array) => b.fill(0, FIELD.crc, FIELD.attributes)],
  ] as const)("names the field: %s (%s)", (kind, _, damage) => {
    const bytes = BY_HAND.slice();
    damage(bytes);
    if (kind !== "crc") stampCrc(bytes);
    expect(findBatchFault(bytes, 0, bytes.length)?.kind).toBe(kind);
  });

  test("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200, size: "max" }), fc.nat(200), (bytes, at) => {
        findBatchFault(bytes, Math.min(at, bytes.length), bytes.length);
      }),
    );
    fc.assert(
      fc.property(
        fc.nat(BY_HAND.length - 1),
        fc.uint8Array({ minLength: 1, maxLength: 12 }),
        (at, noise) => {
          const bytes = BY_HAND.slice();
          bytes.set(noise.subarray(0, bytes.length - at), at);
          findBatchFault(bytes, 0, bytes.length);
        },
      ),
    );
  });
});

describe("checkProducedBatch", () => {
  test("accepts a batch of exactly the limit", () => {
    expect(() => checkProducedBatch([BY_HAND], 85)).not.toThrow();
    expect(codeOf(BY_HAND, 84)).toBe("MESSAGE_TOO_LARGE");
  });

  test.each(batch.CODECS)("accepts what the encoder writes with %s", (codec) => {
    const record = { timestamp: 5, key: "k", value: "v", headers: [] };
    expect(() => checkProducedBatch([encodeBatch([record], { codec })], 1000)).not.toThrow();
  });

  test("accepts codecs that only clients can read", () => {
    const bytes = BY_HAND.slice();
    writeU16(bytes, FIELD.attributes, 3);
    expect(() => checkProducedBatch([stampCrc(bytes)], 1000)).not.toThrow();
  });

  test.each<readonly [ErrorName, string, (bytes: Uint8Array) => Uint8Array]>([
    ["CORRUPT_MESSAGE", "nothing", () => new Uint8Array(0)],
    ["CORRUPT_MESSAGE", "half a batch", (b) => b.slice(0, 40)],
    ["CORRUPT_MESSAGE", "two batches", (b) => concat([b, b])],
    ["CORRUPT_MESSAGE", "a byte too many", (b) => concat([b, new Uint8Array(1)])],
    ["CORRUPT_MESSAGE", "a wrong CRC", (b) => b.fill(0, FIELD.crc, FIELD.attributes)],
    ["INVALID_RECORD", "a wrong magic", (b) => b.fill(0, FIELD.magic, FIELD.magic + 1)],
    ["INVALID_RECORD", "an empty batch", (b) => stampCrc(countOf(b, 0))],
    [
      "INVALID_RECORD",
      "a count that lies",
      (b) => stampCrc(writeAndReturn(b, FIELD.recordCount, 9)),
    ],
    ["INVALID_RECORD", "an unknown codec", (b) => stampCrc(withAttributes(b, 6))],
    ["INVALID_RECORD", "a transaction", (b) => stampCrc(withAttributes(b, 0x10))],
    ["INVALID_RECORD", "a control batch", (b) => stampCrc(withAttributes(b, 0x20))],
    ["INVALID_RECORD", "log append time", (b) => stampCrc(withAttributes(b, 0x08))],
    ["INVALID_RECORD", "a producer id of 2^53", (b) => ofProducer(b, 2 ** 53, 0, 0)],
    ["INVALID_RECORD", "a producer id of -2^53", (b) => ofProducer(b, -(2 ** 53), 0, 0)],
    ["INVALID_RECORD", "a producer with a negative epoch", (b) => ofProducer(b, 0, -1, 0)],
    ["INVALID_RECORD", "a producer with a negative sequence", (b) => ofProducer(b, 0, 0, -1)],
  ])("throws %s for %s", (code, _, damage) => {
    expect(codeOf(damage(BY_HAND.slice()), 1000)).toBe(code);
  });
});

function ofProducer(bytes: Uint8Array, id: number, epoch: number, sequence: number): Uint8Array {
  writeI64(bytes, FIELD.producerId, id);
  writeU16(bytes, FIELD.producerEpoch, epoch);
  writeI32(bytes, FIELD.baseSequence, sequence);
  return stampCrc(bytes);
}

function headerOf(bytes: Uint8Array, at: number): Record<string, number | string | undefined> {
  return {
    baseOffset: batch.baseOffset(bytes, at),
    batchBytes: batch.batchBytes(bytes, at),
    magic: batch.magic(bytes, at),
    crc: batch.crc(bytes, at),
    attributes: batch.attributes(bytes, at),
    codec: batch.codecOf(bytes, at),
    lastOffsetDelta: batch.lastOffsetDelta(bytes, at),
    lastOffset: batch.lastOffset(bytes, at),
    nextOffset: batch.nextOffset(bytes, at),
    baseTimestamp: batch.baseTimestamp(bytes, at),
    maxTimestamp: batch.maxTimestamp(bytes, at),
    producerId: batch.producerId(bytes, at),
    producerEpoch: batch.producerEpoch(bytes, at),
    baseSequence: batch.baseSequence(bytes, at),
    recordCount: batch.recordCount(bytes, at),
  };
}

function countOf(bytes: Uint8Array, count: number): Uint8Array {
  writeI32(bytes, FIELD.lastOffsetDelta, count - 1);
  return writeAndReturn(bytes, FIELD.recordCount, count);
}

function writeAndReturn(bytes: Uint8Array, at: number, value: number): Uint8Array {
  writeI32(bytes, at, value);
  return bytes;
}

function withAttributes(bytes: Uint8Array, attributes: number): Uint8Array {
  writeU16(bytes, FIELD.attributes, attributes);
  return bytes;
}

function codeOf(bytes: Uint8Array, bytesMax: number): ErrorName | undefined {
  try {
    checkProducedBatch([bytes], bytesMax);
  } catch (error) {
    if (error instanceof RustLogError) return error.code;
    throw error;
  }
  return undefined;
}

describe("a batch in pieces", () => {
  /** The outcome of a check: "valid" or the error. */
  function outcomeOf(batch: Pieces, bytesMax: number): string {
    try {
      checkProducedBatch(batch, bytesMax);
      return "valid";
    } catch (error) {
      return error instanceof RustLogError ? `${error.code} ${error.message}` : String(error);
    }
  }

  test("property: has the same outcome as in one piece: valid, damaged, truncated, or with extra bytes", () => {
    const cuts = fc.uniqueArray(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 });
    const damage = fc.constantFrom("none", "flip", "cut", "more");
    fc.assert(
      fc.property(
        fc.string({ maxLength: 2_000 }),
        cuts,
        damage,
        fc.nat(),
        (value, at, how, bit) => {
          let bytes = encodeBatch([
            record({ value: utf8(value) }),
            record({ value: utf8("x".repeat(700)) }),
          ]);
          if (how === "flip") bytes[(bit >>> 3) % bytes.length]! ^= 1 << (bit & 7);
          else if (how === "cut")
            bytes = bytes.slice(0, Math.max(100, bytes.length - (bit % 50) - 1));
          else if (how === "more") bytes = concat([bytes, new Uint8Array(1 + (bit % 50))]);
          // The first piece has the header.
          const ends = at.map((share) => 61 + Math.floor(share * (bytes.length - 61)));
          ends.sort((a, b) => a - b);
          const pieces = [0, ...ends].map((start, i) => bytes.subarray(start, ends[i]));
          const [first, ...rest] = pieces;
          for (const bytesMax of [10_000, bytes.length, bytes.length - 1]) {
            expect(outcomeOf([first!, ...rest], bytesMax)).toBe(outcomeOf([bytes], bytesMax));
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
