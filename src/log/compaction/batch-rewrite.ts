// One batch without some of its records. Offsets, codec and producer fields stay; the other records are copied as bytes.
// Leaves to others: which records stay (batch-cleaner.ts).
//
// The first time that compaction meets a tombstone, it sets the delete horizon of the batch. The horizon takes the place
// of the base timestamp, as in Kafka, so the timestamp delta of each record changes.
import { OFFSET_MAX } from "../../limits.js";
import {
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  baseTimestamp,
  codecOf,
  FIELD,
  hasLogAppendTime,
  maxTimestamp,
  recordCount,
  setCodec,
} from "../../record/batch.js";
import { writeI32, writeI64, writeU32 } from "../../record/bytes.js";
import { compress } from "../../record/compression.js";
import { crc32c } from "../../record/crc32c.js";
import { clearDeleteHorizon, setDeleteHorizon } from "../../record/delete-horizon.js";
import {
  VARINT_BYTES_MAX,
  VARLONG_BYTES_MAX,
  VarintReader,
  writeVarint,
  writeVarlong,
} from "../../record/varint.js";
import { bufferOf, type SourceBatches } from "./source-batches.js";

/** Size of the buffers at first. They grow. */
const BUFFER_BYTES = 4 * 1024;

/** What is to become of a batch. */
export interface Rewrite {
  /** For each record 0 if it goes. */
  readonly marks: Uint8Array;
  /** Number of the others, at least 1. */
  readonly kept: number;
  /** Delete horizon to set; undefined for none. */
  readonly horizonMs: number | undefined;
  /** If the new batch would be larger than this and than the old one, no horizon is set. */
  readonly bytesMax: number;
}

export class BatchRewriter {
  /** The records that stay, without compression. */
  #records = bufferOf(new Uint8Array(BUFFER_BYTES));
  #filled = 0;
  /** Largest timestamp delta of these records. */
  #maxDelta = 0;
  #rebased = new Uint8Array(0);
  #batch = new Uint8Array(BUFFER_BYTES);
  readonly #varints = new VarintReader();

  /** The new batch in place of the current one, valid until the next call; a view of the current one if it is the same. */
  rewrite(source: SourceBatches, { marks, kept, horizonMs, bytesMax }: Rewrite): Uint8Array {
    const { bytes, at, size } = source;
    const whole = bytes.subarray(at, at + size);
    this.#collect(source, marks);
    const newest = hasLogAppendTime(bytes, at)
      ? maxTimestamp(bytes, at)
      : baseTimestamp(bytes, at) + this.#maxDelta;
    if (horizonMs !== undefined) {
      const batch = this.#withHorizon(whole, kept, newest, horizonMs);
      if (batch !== undefined && batch.length <= Math.max(size, bytesMax)) return batch;
      if (kept === recordCount(bytes, at)) return whole;
    }
    return this.#assemble(whole, this.#records.subarray(0, this.#filled), kept, newest);
  }

  /** A batch with the offsets and the producer of this one, and no records. Valid until the next call. */
  emptied(whole: Uint8Array): Uint8Array {
    const batch = this.#room(BATCH_HEADER_BYTES);
    batch.set(whole.subarray(0, BATCH_HEADER_BYTES));
    clearDeleteHorizon(batch, 0);
    setCodec(batch, 0, "none");
    writeI64(batch, FIELD.baseTimestamp, maxTimestamp(whole, 0));
    return stamped(batch, 0);
  }

  /** Copies the records that stay. Their structure was checked before. */
  #collect(source: SourceBatches, marks: Uint8Array): void {
    const cursor = source.open();
    cursor.next();
    const bytes = cursor.buffer;
    const buffer = bytes === source.bytes ? source.buffer : bufferOf(bytes);
    if (this.#records.length < bytes.length) this.#records = bufferOf(new Uint8Array(bytes.length));
    const records = this.#records;
    const reader = this.#varints;
    reader.bytes = bytes;
    const count = recordCount(source.bytes, source.at);
    let position = cursor.start;
    let filled = 0;
    let runStart = -1;
    let maxDelta = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      reader.position = position;
      const length = reader.readVarint();
      const end = reader.position + length;
      if (marks[i] !== 0) {
        reader.position++; // The attributes.
        const delta = reader.readVarlong();
        if (delta > maxDelta) maxDelta = delta;
        if (runStart < 0) runStart = position;
      } else if (runStart >= 0) {
        filled += buffer.copy(records, filled, runStart, position);
        runStart = -1;
      }
      position = end;
    }
    if (runStart >= 0) filled += buffer.copy(records, filled, runStart, position);
    this.#filled = filled;
    this.#maxDelta = maxDelta;
  }

  /** Undefined if a timestamp can't be relative to the horizon. */
  #withHorizon(
    whole: Uint8Array,
    count: number,
    newest: number,
    horizonMs: number,
  ): Uint8Array | undefined {
    const records = this.#rebase(count, baseTimestamp(whole, 0) - horizonMs);
    if (records === undefined) return undefined;
    const batch = this.#assemble(whole, records, count, newest);
    setDeleteHorizon(batch, 0, horizonMs);
    return stamped(batch, count);
  }

  #assemble(whole: Uint8Array, records: Uint8Array, count: number, newest: number): Uint8Array {
    const compressed = compress(codecOf(whole, 0) ?? "none", records);
    const batch = this.#room(BATCH_HEADER_BYTES + compressed.length);
    batch.set(whole.subarray(0, BATCH_HEADER_BYTES));
    batch.set(compressed, BATCH_HEADER_BYTES);
    writeI64(batch, FIELD.maxTimestamp, newest);
    return stamped(batch, count);
  }

  #room(size: number): Uint8Array {
    if (this.#batch.length < size) this.#batch = new Uint8Array(2 * size);
    return this.#batch.subarray(0, size);
  }

  /** The records with `shift` added to each timestamp delta. Undefined if one is then not a safe integer. */
  #rebase(count: number, shift: number): Uint8Array | undefined {
    const records = this.#records;
    const bytesMax = this.#filled + count * (VARINT_BYTES_MAX + VARLONG_BYTES_MAX);
    if (this.#rebased.length < bytesMax) this.#rebased = new Uint8Array(2 * bytesMax);
    const rebased = bufferOf(this.#rebased);
    const reader = this.#varints;
    reader.bytes = records;
    reader.position = 0;
    let to = 0;
    for (let i = 0; i < count; i++) {
      const length = reader.readVarint();
      const end = reader.position + length;
      const flags = records[reader.position++]!;
      const deltaStart = reader.position;
      const delta = reader.readVarlong() + shift;
      if (Math.abs(delta) > OFFSET_MAX) return undefined;
      // The length comes first and depends on the delta, so the delta is written behind the longest length, and moved.
      const from = to + VARINT_BYTES_MAX + 1;
      const deltaBytes = writeVarlong(rebased, from, delta) - from;
      const newLength = length + deltaBytes - (reader.position - deltaStart);
      to = writeVarint(rebased, to, newLength);
      rebased[to++] = flags;
      rebased.copyWithin(to, from, from + deltaBytes);
      to += deltaBytes;
      to += records.copy(rebased, to, reader.position, end);
      reader.position = end;
    }
    return this.#rebased.subarray(0, to);
  }
}

/** Sets length, record count and CRC of a batch that is otherwise complete. */
function stamped(batch: Uint8Array, count: number): Uint8Array {
  writeI32(batch, FIELD.batchLength, batch.length - BATCH_OVERHEAD_BYTES);
  writeI32(batch, FIELD.recordCount, count);
  writeU32(batch, FIELD.crc, crc32c(batch, FIELD.attributes, batch.length));
  return batch;
}
