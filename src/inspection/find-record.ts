// Finds one record in a batch and decompresses only as much of the batch as it needs, within a limit.
// Leaves to others: finding the batch (explain-lookup.ts), and reading all records (record/cursor.ts).
import { RustLogError } from "../errors.js";
import {
  BATCH_HEADER_BYTES,
  baseOffset,
  baseTimestamp,
  codecOf,
  findBatchFault,
  hasLogAppendTime,
  maxTimestamp,
  recordCount,
} from "../record/batch.js";
import { decompressPrefix, type Prefix } from "../record/compression.js";
import { type DescribedBytes, describedBytes } from "../record/described-bytes.js";
import { VarintReader } from "../record/varint.js";
import { Portions } from "../log/event-loop.js";
import type { RecordDescription } from "./lookup-explanation.js";

/** Records skipped per turn of the event loop. */
const RECORDS_PER_TURN = 10_000;

/** Limits on what is read of a batch. */
export interface RecordBounds {
  /** Decompressed bytes that are searched. */
  readonly recordBytesMax: number;
  /** Bytes of a key, a value, or a header's name or value. */
  readonly fieldBytesMax: number;
  readonly headersMax: number;
}

/**
 * The first matching record of a batch, or undefined. Rejects with CORRUPT_MESSAGE if the batch is damaged,
 * with MESSAGE_TOO_LARGE if the record is beyond `recordBytesMax`, and with UNSUPPORTED_COMPRESSION.
 */
export async function findRecord(
  batch: Uint8Array,
  isWanted: (record: { readonly offset: number; readonly timestamp: number }) => boolean,
  bounds: RecordBounds,
): Promise<RecordDescription | undefined> {
  const fault = findBatchFault(batch, 0, batch.length);
  if (fault !== undefined) throw corrupt(fault.message);
  const count = recordCount(batch, 0);
  if (count === 0) return undefined;
  const records = batch.subarray(BATCH_HEADER_BYTES);
  const prefix = await decompressPrefix(
    codecOf(batch, 0) ?? "none",
    records,
    bounds.recordBytesMax,
  );
  const walk = new RecordWalk(batch, prefix, bounds);
  const portions = new Portions(RECORDS_PER_TURN);
  for (let index = 0; index < count; index++) {
    walk.enter(index);
    if (isWanted(walk)) return walk.describe(index);
    walk.leave();
    await portions.next();
  }
  return undefined;
}

/** A position in records of which only a prefix may be decompressed. */
class RecordWalk {
  offset = 0;
  timestamp = 0;
  readonly #batch: Uint8Array;
  readonly #prefix: Prefix;
  readonly #bounds: RecordBounds;
  readonly #reader = new VarintReader();
  #end = 0;

  constructor(batch: Uint8Array, prefix: Prefix, bounds: RecordBounds) {
    this.#batch = batch;
    this.#prefix = prefix;
    this.#bounds = bounds;
    this.#reader.bytes = prefix.bytes;
  }

  /** Reads everything before the key of record number `index`. */
  enter(index: number): void {
    const batch = this.#batch;
    const reader = this.#reader;
    const delta = this.#within(() => {
      const length = reader.readVarint();
      this.#end = reader.position + length;
      if (length < 0) throw corrupt(`record ${index} has a negative length`);
      reader.position++; // Attributes: Kafka defines none.
      const timestampDelta = reader.readVarlong();
      this.offset = baseOffset(batch, 0) + reader.readVarint();
      return timestampDelta;
    });
    this.timestamp = hasLogAppendTime(batch, 0)
      ? maxTimestamp(batch, 0)
      : baseTimestamp(batch, 0) + delta;
  }

  leave(): void {
    this.#reader.position = this.#end;
  }

  /** Describes the record as far as its bytes are available. */
  describe(index: number): RecordDescription {
    const { offset, timestamp } = this;
    const key = this.#within(() => this.#bytes());
    const value = this.#within(() => this.#bytes());
    const headers: RecordDescription["headers"][number][] = [];
    const isThere = this.#end <= this.#prefix.bytes.length;
    if (!isThere && this.#prefix.isWhole) throw this.#beyond();
    const count = isThere ? this.#reader.readVarint() : 0;
    for (let i = 0; i < Math.min(count, this.#bounds.headersMax); i++) {
      const name = this.#bytes();
      const text = name === null ? "" : "text" in name ? name.text : name.base64;
      headers.push({ name: text, value: this.#bytes() });
    }
    const isCut = !isThere || headers.length < count;
    return { offset, index, timestamp, key, value, headers, ...(isCut ? { isCut } : {}) };
  }

  /** Reads a length and that many bytes, and describes the first of them. */
  #bytes(): DescribedBytes | null {
    const reader = this.#reader;
    const length = reader.readVarint();
    if (length < -1 || reader.position + length > this.#end) {
      throw corrupt(`the record at offset ${this.offset} has a field that ends outside the record`);
    }
    if (length === -1) return null;
    const { position } = reader;
    reader.position += length;
    const shown = Math.min(length, this.#bounds.fieldBytesMax);
    return describedBytes(this.#prefix.bytes.subarray(position, position + shown), length);
  }

  /** Runs a read. Running past the end of a prefix is not damage. */
  #within<T>(read: () => T): T {
    const { bytes } = this.#prefix;
    try {
      const found = this.#reader.position < bytes.length ? read() : undefined;
      if (found === undefined) throw this.#beyond();
      return found;
    } catch (error) {
      const isCut = !this.#prefix.isWhole && this.#reader.position + 32 > bytes.length;
      throw isCut ? this.#beyond() : error;
    }
  }

  #beyond(): RustLogError {
    const { bytes, isWhole } = this.#prefix;
    if (isWhole) return corrupt("the batch ends before its last record");
    return new RustLogError(
      "MESSAGE_TOO_LARGE",
      `the record is not shown: it is beyond the first ${bytes.length} decompressed bytes of the batch`,
    );
  }
}

function corrupt(message: string): RustLogError {
  return new RustLogError("CORRUPT_MESSAGE", message);
}
