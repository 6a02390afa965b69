// The header of a record batch, Kafka's format v2 (magic 2), and the checks that make a batch safe to keep.
// Leaves to others: the records inside (encoder.ts, cursor.ts), which the broker never reads.
// Source: https://kafka.apache.org/documentation/#recordbatch
//
//  0 baseOffset i64 | 8 batchLength i32 | 12 partitionLeaderEpoch i32 | 16 magic i8 | 17 crc u32
// 21 attributes i16 | 23 lastOffsetDelta i32 | 27 baseTimestamp i64 | 35 maxTimestamp i64
// 43 producerId i64 | 51 producerEpoch i16 | 53 baseSequence i32 | 57 recordCount i32 | 61 records…
//
// `batchLength` counts the bytes after itself; the CRC covers byte 21 to the end, so that the broker can
// stamp the base offset without touching it.
//
// A batch covers the offsets from `baseOffset` to `baseOffset + lastOffsetDelta`. Compaction may have removed some of
// its records, or all of them, so `recordCount` may be less than that. A producer's batch is complete (produced-batch.ts).
import { OFFSET_MAX } from "../limits.js";
import {
  readI16,
  readI32,
  readI64,
  readU16,
  readU32,
  writeI32,
  writeI64,
  writeU16,
  writeU32,
} from "./bytes.js";
import { crc32c } from "./crc32c.js";

/** Bytes that `batchLength` does not count: the base offset and the length itself. */
export const BATCH_OVERHEAD_BYTES = 12;

export const BATCH_HEADER_BYTES = 61;

export const BATCH_MAGIC = 2;

/** Where each field of the header starts. */
export const FIELD = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  records: 61,
} as const;

/** How the records of a batch are compressed. */
export type Codec = "none" | "gzip" | "snappy" | "lz4" | "zstd";

/** Codecs by their number in the attributes. */
export const CODECS: readonly Codec[] = ["none", "gzip", "snappy", "lz4", "zstd"];

const CODEC_MASK = 0x07;
export const LOG_APPEND_TIME_BIT = 0x08;

export const TRANSACTIONAL_BIT = 0x10;
export const CONTROL_BIT = 0x20;

// Accessors. `at` is the position of the batch in `bytes`, which must contain the whole header.

export function baseOffset(bytes: Uint8Array, at: number): number {
  return readI64(bytes, at + FIELD.baseOffset);
}

/** Size of the whole batch in bytes, from its length field. */
export function batchBytes(bytes: Uint8Array, at: number): number {
  return BATCH_OVERHEAD_BYTES + readI32(bytes, at + FIELD.batchLength);
}

/** Version of the format; only 2 is supported. */
export function magic(bytes: Uint8Array, at: number): number {
  return bytes[at + FIELD.magic]!;
}

export function crc(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + FIELD.crc);
}

export function attributes(bytes: Uint8Array, at: number): number {
  return readU16(bytes, at + FIELD.attributes);
}

/** The codec; undefined for an unknown number. */
export function codecOf(bytes: Uint8Array, at: number): Codec | undefined {
  return CODECS[attributes(bytes, at) & CODEC_MASK];
}

/** Changes the codec in the attributes, which the CRC covers. */
export function setCodec(bytes: Uint8Array, at: number, codec: Codec): void {
  const others = attributes(bytes, at) & ~CODEC_MASK;
  writeU16(bytes, at + FIELD.attributes, others | CODECS.indexOf(codec));
}

/** Whether all records have the batch's largest timestamp instead of their own (LogAppendTime). */
export function hasLogAppendTime(bytes: Uint8Array, at: number): boolean {
  return (attributes(bytes, at) & LOG_APPEND_TIME_BIT) !== 0;
}

/** Last offset that the batch covers, relative to its base offset. */
export function lastOffsetDelta(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at + FIELD.lastOffsetDelta);
}

/** Last offset that the batch covers. */
export function lastOffset(bytes: Uint8Array, at: number): number {
  return baseOffset(bytes, at) + lastOffsetDelta(bytes, at);
}

/** Offset after the last one that the batch covers. */
export function nextOffset(bytes: Uint8Array, at: number): number {
  return lastOffset(bytes, at) + 1;
}

/** Timestamp of the first record, in milliseconds; the timestamps of all records are relative to it. */
export function baseTimestamp(bytes: Uint8Array, at: number): number {
  return readI64(bytes, at + FIELD.baseTimestamp);
}

/** Largest timestamp of any record, in milliseconds. */
export function maxTimestamp(bytes: Uint8Array, at: number): number {
  return readI64(bytes, at + FIELD.maxTimestamp);
}

/** The same for lookups by time, but -Infinity for a batch without records. */
export function newestTimestamp(bytes: Uint8Array, at: number): number {
  return recordCount(bytes, at) === 0 ? Number.NEGATIVE_INFINITY : maxTimestamp(bytes, at);
}

/** Id of the idempotent producer; -1 if the producer is not idempotent. */
export function producerId(bytes: Uint8Array, at: number): number {
  return readI64(bytes, at + FIELD.producerId);
}

/** Epoch of the idempotent producer; -1 if the producer is not idempotent. */
export function producerEpoch(bytes: Uint8Array, at: number): number {
  return readI16(bytes, at + FIELD.producerEpoch);
}

/** Sequence number of the first record; -1 if the producer is not idempotent. */
export function baseSequence(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at + FIELD.baseSequence);
}

export function recordCount(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at + FIELD.recordCount);
}

/** Identifies the records of a batch: its producer and the first sequence number. */
export interface ProducerSequence {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

/** For a batch whose producer is not idempotent. */
export const NO_PRODUCER: ProducerSequence = {
  producerId: -1,
  producerEpoch: -1,
  baseSequence: -1,
};

/** Sequence numbers wrap around after 31 bits, as in Kafka. */
export function sequenceAfter(sequence: number, records: number): number {
  return (sequence + records) % 2 ** 31;
}

/** Sets the producer fields and the CRC of a batch that is otherwise complete. */
export function stampProducer(batch: Uint8Array, sequence: ProducerSequence): void {
  writeI64(batch, FIELD.producerId, sequence.producerId);
  writeU16(batch, FIELD.producerEpoch, sequence.producerEpoch);
  writeI32(batch, FIELD.baseSequence, sequence.baseSequence);
  writeU32(batch, FIELD.crc, crc32c(batch, FIELD.attributes, batch.length));
}

/**
 * Whether base offset `stated` of a batch that covers `offsets` offsets conflicts with its neighbours. `due` is the end of
 * the batch before it; `next` is the base offset of the batch after it, or Infinity if there is none. Offsets ascend, may have
 * gaps, and are not covered by the CRC, so a wrong one shows only as an overlap: with the batch before it if it is too
 * low, with the batch after it if it is too high. If the batch after it leaves no room at all, that one is wrong.
 */
export function isMisplaced(stated: number, due: number, offsets: number, next: number): boolean {
  if (stated <= due) return stated < due;
  return next < stated + offsets && next >= due + offsets;
}

/** The epoch of this broker as leader of every partition. It never changes, because there is no other broker. */
export const LEADER_EPOCH = 0;

/** Sets the leader epoch, which the CRC does not cover. */
export function stampLeaderEpoch(bytes: Uint8Array, at: number): void {
  writeI32(bytes, at + FIELD.partitionLeaderEpoch, LEADER_EPOCH);
}

/** Sets the base offset, which the CRC does not cover. */
export function stampBaseOffset(bytes: Uint8Array, at: number, offset: number): void {
  writeI64(bytes, at + FIELD.baseOffset, offset);
}

/** Why bytes are not a valid batch. `truncated`: they may be the start of one. */
export interface BatchFault {
  readonly kind: "truncated" | "length" | "magic" | "offset" | "count" | "codec" | "time" | "crc";
  readonly message: string;
}

/**
 * Why the bytes from `at` are not a valid batch, or undefined if they are. `end` is the end of the available bytes.
 * Never throws, and uses no length before it has been checked. With `checkCrc` false, it checks only the header.
 */
export function findBatchFault(
  bytes: Uint8Array,
  at: number,
  end: number,
  checkCrc = true,
): BatchFault | undefined {
  const available = end - at;
  if (available < BATCH_OVERHEAD_BYTES) {
    return { kind: "truncated", message: `${available} bytes are less than a batch header` };
  }
  const size = batchBytes(bytes, at);
  if (size < BATCH_HEADER_BYTES) {
    return { kind: "length", message: `a batch can't have ${size} bytes` };
  }
  if (available >= BATCH_HEADER_BYTES) {
    const fault = findHeaderFault(bytes, at);
    if (fault !== undefined) return fault;
  }
  if (size > available) {
    return { kind: "truncated", message: `${available} bytes of a batch of ${size}` };
  }
  if (!checkCrc) return undefined;
  return findCrcFault(bytes, at, crc32c(bytes, at + FIELD.attributes, at + size));
}

/** Compares the stated CRC of a batch with the computed one. */
export function findCrcFault(
  bytes: Uint8Array,
  at: number,
  computed: number,
): BatchFault | undefined {
  const stated = crc(bytes, at);
  if (computed === stated) return undefined;
  const message = `its CRC-32C is ${hex(computed)}, but its header says ${hex(stated)}`;
  return { kind: "crc", message };
}

/**
 * Whether the bytes from `at`, which hold a whole header, may be a batch that fits into `left` bytes. Checks the same as
 * `findBatchFault` except the CRC. Allocates nothing, because it is called for every byte of a file.
 */
export function mayBeBatch(bytes: Uint8Array, at: number, left: number): boolean {
  if (bytes[at + FIELD.magic] !== BATCH_MAGIC || bytes[at] !== 0) return false;
  const size = batchBytes(bytes, at);
  return size >= BATCH_HEADER_BYTES && size <= left && headerFaultKind(bytes, at) === undefined;
}

/** The same for the header alone: everything but the length and the CRC. */
function findHeaderFault(bytes: Uint8Array, at: number): BatchFault | undefined {
  const kind = headerFaultKind(bytes, at);
  if (kind === undefined) return undefined;
  return { kind, message: HEADER_FAULTS[kind](bytes, at) };
}

type HeaderFaultKind = "magic" | "count" | "offset" | "codec" | "time";

function headerFaultKind(bytes: Uint8Array, at: number): HeaderFaultKind | undefined {
  if (magic(bytes, at) !== BATCH_MAGIC) return "magic";
  const count = recordCount(bytes, at);
  const delta = lastOffsetDelta(bytes, at);
  if (count < 0 || count > delta + 1 || delta < 0) return "count";
  if (!isSafeOffset(bytes, at + FIELD.baseOffset, delta)) return "offset";
  if (codecOf(bytes, at) === undefined) return "codec";
  if (!isSafeI64(bytes, at + FIELD.baseTimestamp) || !isSafeI64(bytes, at + FIELD.maxTimestamp)) {
    return "time";
  }
  return undefined;
}

const HEADER_FAULTS: Readonly<Record<HeaderFaultKind, (bytes: Uint8Array, at: number) => string>> =
  {
    magic: (bytes, at) => `magic is ${magic(bytes, at)}, not ${BATCH_MAGIC}`,
    count: (bytes, at) => {
      const count = recordCount(bytes, at);
      const delta = lastOffsetDelta(bytes, at);
      return count < 0
        ? `a record count of ${count}`
        : `a record count of ${count} with a last offset delta of ${delta}`;
    },
    offset: () => "its offsets are impossible",
    codec: (bytes, at) => `compression codec ${attributes(bytes, at) & CODEC_MASK} does not exist`,
    time: () => "a timestamp is impossible",
  };

/** Whether all offsets of the batch, and the one after the last, are safe integers. */
function isSafeOffset(bytes: Uint8Array, at: number, delta: number): boolean {
  const high = readI32(bytes, at);
  return high >= 0 && high * 2 ** 32 + readU32(bytes, at + 4) + delta < OFFSET_MAX;
}

/** Whether the signed 64-bit integer at byte `at` is a safe integer. */
export function isSafeI64(bytes: Uint8Array, at: number): boolean {
  return Math.abs(readI32(bytes, at) * 2 ** 32 + readU32(bytes, at + 4)) <= OFFSET_MAX;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}
