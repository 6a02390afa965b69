// Shared by the tests of record/: random records, batches of them, and corrected CRCs.
import fc from "fast-check";
import { FIELD } from "../../src/record/batch.js";
import { writeI32, writeU16, writeU32 } from "../../src/record/bytes.js";
import { crc32c } from "../../src/record/crc32c.js";
import { BatchEncoder, type EncoderOptions, type RecordHeader } from "../../src/record/encoder.js";
import type { RecordCursor } from "../../src/record/cursor.js";
import { ANY_CHARACTER } from "../support/text.js";

export interface TestRecord {
  readonly timestamp: number;
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers: readonly RecordHeader[];
}

/** A record as a cursor shows it: as bytes. */
export interface ReadRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: ANY_CHARACTER, maxLength: 100 }),
  fc.string({ maxLength: 20 }).map((s) => s.repeat(40)),
);

const data = fc.oneof(
  fc.constant(null),
  text,
  fc.uint8Array({ maxLength: 100 }),
  fc.uint8Array({ minLength: 1, maxLength: 8 }).map((b) => new Uint8Array(2000).fill(b[0]!)),
);

/** Any timestamp; two of them differ by a safe integer. */
const timestamp = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_000_100 }),
  fc.integer({ min: -1, max: 2 ** 52 }),
);

export const anyRecord: fc.Arbitrary<TestRecord> = fc.record({
  timestamp,
  key: data,
  value: data,
  headers: fc.array(
    fc.record({
      name: text,
      value: fc.option(fc.uint8Array({ maxLength: 80 })),
    }),
    { maxLength: 3 },
  ),
});

export const anyRecords = fc.array(anyRecord, { minLength: 1, maxLength: 80 });

/** A record with only the given fields. */
export function record(fields: Partial<TestRecord>): TestRecord {
  return { timestamp: 0, key: null, value: null, headers: [], ...fields };
}

/** A batch of the records, from the encoder. */
export function encodeBatch(
  records: readonly TestRecord[],
  options: EncoderOptions = {},
): Uint8Array {
  const encoder = new BatchEncoder(options);
  for (const { timestamp, key, value, headers } of records) {
    encoder.append(timestamp, key, value, headers);
  }
  return encoder.finish();
}

/** The records as a cursor must show them. */
export function expectedRecords(
  records: readonly TestRecord[],
  baseOffset: number,
): readonly ReadRecord[] {
  return records.map(({ timestamp, key, value, headers }, index) => ({
    offset: baseOffset + index,
    timestamp,
    key: toBytes(key),
    value: toBytes(value),
    headers,
  }));
}

/** The remaining records of the cursor. */
export function readAll(cursor: RecordCursor): ReadRecord[] {
  const records: ReadRecord[] = [];
  while (cursor.next()) {
    records.push({
      offset: cursor.offset,
      timestamp: cursor.timestamp,
      key: cursor.key(),
      value: cursor.value(),
      headers: cursor.headers(),
    });
  }
  return records;
}

/** A batch with these bytes as its records, and a valid header and CRC. */
export function batchOf(records: Uint8Array, recordCount: number, attributes = 0): Uint8Array {
  const batch = new Uint8Array(FIELD.records + records.length);
  batch.set(
    encodeBatch([{ timestamp: 0, key: null, value: null, headers: [] }]).subarray(0, FIELD.records),
  );
  batch.set(records, FIELD.records);
  writeI32(batch, FIELD.batchLength, batch.length - FIELD.partitionLeaderEpoch);
  writeU16(batch, FIELD.attributes, attributes);
  writeI32(batch, FIELD.lastOffsetDelta, recordCount - 1);
  writeI32(batch, FIELD.recordCount, recordCount);
  return stampCrc(batch);
}

/** Corrects the CRC of a batch, and returns the batch. */
export function stampCrc(batch: Uint8Array): Uint8Array {
  writeU32(batch, FIELD.crc, crc32c(batch, FIELD.attributes, batch.length));
  return batch;
}

/** Bytes from hexadecimal digits; spaces are ignored. */
export function hex(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replaceAll(/\s/g, ""));
}

/** The start of an lz4 frame that needs a dictionary, and so can't be decompressed. */
export const LZ4_WITH_DICTIONARY = hex("04224d18 6140 01000000 d0");

/** Why it can't be read. */
export const DICTIONARY_NEEDED = "its lz4 frame needs a dictionary";

function toBytes(data: Uint8Array | string | null): Uint8Array | null {
  return typeof data === "string" ? new TextEncoder().encode(data) : data;
}
