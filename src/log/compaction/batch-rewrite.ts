// One batch without the records that compaction drops. Offsets, codec and producer fields stay; records are copied as bytes.
// Leaves to others: which records stay (compact-segments.ts).
//
// A batch whose records all stay is not changed, with one exception: the first time that compaction meets a tombstone, it
// sets the delete horizon of the batch. The horizon takes the place of the base timestamp, as in Kafka, so the timestamp
// delta of each record changes.
import { OFFSET_MAX } from "../../limits.js";
import {
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  baseTimestamp,
  codecOf,
  FIELD,
  hasLogAppendTime,
  maxTimestamp,
  setCodec,
} from "../../record/batch.js";
import { grown, NO_BYTES, writeI32, writeI64, writeU32 } from "../../record/bytes.js";
import { compress } from "../../record/compression.js";
import { crc32c } from "../../record/crc32c.js";
import type { RecordCursor } from "../../record/cursor.js";
import {
  clearDeleteHorizon,
  deleteHorizon,
  setDeleteHorizon,
} from "../../record/delete-horizon.js";
import {
  varintBytes,
  VARINT_BYTES_MAX,
  VARLONG_BYTES_MAX,
  VarintReader,
  writeVarint,
  writeVarlong,
} from "../../record/varint.js";

const BUFFER_BYTES = 64 * 1024;

/** What to do with the records of one batch. */
export interface BatchRules {
  /** Whether the record that the cursor shows stays. */
  keeps(cursor: RecordCursor): boolean;
  /** Delete horizon for a batch with tombstones that has none; undefined to set none. */
  readonly horizonMs: number | undefined;
  /** Whether the batch is kept without records. */
  readonly keepsEmpty: boolean;
  /** Largest size that the new batch may have if it is only to get a delete horizon. */
  readonly bytesMax: number;
}

export class BatchRewriter {
  /** Records of the last batch, before and after. */
  recordsRead = 0;
  recordsKept = 0;
  #records: Uint8Array = new Uint8Array(BUFFER_BYTES);
  #batch: Uint8Array = new Uint8Array(BUFFER_BYTES);
  readonly #varints = new VarintReader();

  /**
   * The batch of `size` bytes at `at` with the records that stay: a view of the same bytes if none goes, undefined if the
   * whole batch goes, or else a new batch that is valid until the next call. `cursor` is before its first record.
   */
  rewrite(
    bytes: Uint8Array,
    at: number,
    size: number,
    cursor: RecordCursor,
    rules: BatchRules,
  ): Uint8Array | undefined {
    const whole = bytes.subarray(at, at + size);
    let read = 0;
    let kept = 0;
    let filled = 0;
    let runStart = -1;
    let runEnd = -1;
    let hasTombstones = false;
    let newest = Number.NEGATIVE_INFINITY;
    let buffer: Uint8Array = NO_BYTES;
    while (cursor.next()) {
      read++;
      // The cursor forgets it after the last record.
      buffer = cursor.buffer;
      if (!rules.keeps(cursor)) {
        filled = this.#copyRun(buffer, runStart, runEnd, filled);
        runStart = runEnd = -1;
        continue;
      }
      kept++;
      if (cursor.valueStart < 0) hasTombstones = true;
      if (cursor.timestamp > newest) newest = cursor.timestamp;
      if (runStart < 0) runStart = cursor.start;
      runEnd = cursor.end;
    }
    this.recordsRead = read;
    this.recordsKept = kept;
    if (kept === 0) {
      if (!rules.keepsEmpty) return undefined;
      return read === 0 ? whole : this.emptied(whole);
    }
    const setsHorizon = hasTombstones && deleteHorizon(bytes, at) === undefined;
    const horizon = setsHorizon ? rules.horizonMs : undefined;
    if (kept === read && horizon === undefined) return whole;
    filled = this.#copyRun(buffer, runStart, runEnd, filled);
    if (hasLogAppendTime(bytes, at)) newest = maxTimestamp(bytes, at);
    if (horizon !== undefined) {
      const withHorizon = this.#assemble(whole, filled, kept, newest, horizon);
      if (withHorizon !== undefined && withHorizon.length <= Math.max(size, rules.bytesMax)) {
        return withHorizon;
      }
      if (kept === read) return whole;
    }
    return this.#assemble(whole, filled, kept, newest, undefined);
  }

  /** Appends `buffer[start, end)` to the records; returns their new size. */
  #copyRun(buffer: Uint8Array, start: number, end: number, filled: number): number {
    if (start < 0) return filled;
    const size = filled + end - start;
    while (this.#records.length < size) this.#records = grown(this.#records, size);
    this.#records.set(buffer.subarray(start, end), filled);
    return size;
  }

  /** A batch of the first `filled` bytes of the records. Undefined if no timestamp delta can express the horizon. */
  #assemble(
    whole: Uint8Array,
    filled: number,
    count: number,
    newest: number,
    horizon: number | undefined,
  ): Uint8Array | undefined {
    let records: Uint8Array = this.#records.subarray(0, filled);
    if (horizon !== undefined) {
      const rebased = this.#rebased(records, count, baseTimestamp(whole, 0) - horizon);
      if (rebased === undefined) return undefined;
      records = rebased;
    }
    const compressed = compress(codecOf(whole, 0) ?? "none", records);
    const batch = this.#room(BATCH_HEADER_BYTES + compressed.length);
    batch.set(whole.subarray(0, BATCH_HEADER_BYTES));
    batch.set(compressed, BATCH_HEADER_BYTES);
    writeI64(batch, FIELD.maxTimestamp, newest);
    if (horizon !== undefined) setDeleteHorizon(batch, 0, horizon);
    return stamped(batch, count);
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

  #room(size: number): Uint8Array {
    while (this.#batch.length < size) this.#batch = grown(this.#batch, size);
    return this.#batch.subarray(0, size);
  }

  /** The records with `shift` added to each timestamp delta. Undefined if one is then not a safe integer. */
  #rebased(records: Uint8Array, count: number, shift: number): Uint8Array | undefined {
    const rebased = new Uint8Array(records.length + count * (VARINT_BYTES_MAX + VARLONG_BYTES_MAX));
    const reader = this.#varints;
    reader.bytes = records;
    reader.position = 0;
    let to = 0;
    for (let i = 0; i < count; i++) {
      const length = reader.readVarint();
      const end = reader.position + length;
      const attributesByte = records[reader.position++]!;
      const deltaStart = reader.position;
      const delta = reader.readVarlong() + shift;
      if (Math.abs(delta) > OFFSET_MAX) return undefined;
      // The length comes first, so write the delta where it can't be overwritten, and then move it.
      const deltaBytes = writeVarlong(rebased, to + VARINT_BYTES_MAX + 1, delta) - to - 6;
      const newLength = length + deltaBytes - (reader.position - deltaStart);
      const lengthBytes = varintBytes(newLength);
      const from = to + VARINT_BYTES_MAX + 1;
      rebased.copyWithin(to + lengthBytes + 1, from, from + deltaBytes);
      writeVarint(rebased, to, newLength);
      rebased[to + lengthBytes] = attributesByte;
      to += lengthBytes + 1 + deltaBytes;
      rebased.set(records.subarray(reader.position, end), to);
      to += end - reader.position;
      reader.position = end;
    }
    return rebased.subarray(0, to);
  }
}

/** Sets length, record count and CRC of a batch that is otherwise complete. */
function stamped(batch: Uint8Array, count: number): Uint8Array {
  writeI32(batch, FIELD.batchLength, batch.length - BATCH_OVERHEAD_BYTES);
  writeI32(batch, FIELD.recordCount, count);
  writeU32(batch, FIELD.crc, crc32c(batch, FIELD.attributes, batch.length));
  return batch;
}
