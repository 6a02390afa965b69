// The header of a batch as a plain object, for tables and JSON.
// Leaves to others: whether the batch is valid (segment-walk.ts), and its records (record-fields.ts).
import {
  attributes,
  baseOffset,
  baseSequence,
  baseTimestamp,
  batchBytes,
  type Codec,
  codecOf,
  CONTROL_BIT,
  crc,
  FIELD,
  hasLogAppendTime,
  lastOffset,
  maxTimestamp,
  producerEpoch,
  producerId,
  recordCount,
  TRANSACTIONAL_BIT,
} from "../record/batch.js";
import { readI32 } from "../record/bytes.js";
import { deleteHorizon } from "../record/delete-horizon.js";

/** The header of a batch. Integers outside the safe range, which only damaged bytes have, are null. */
export interface BatchDescription {
  readonly position: number;
  readonly bytes: number;
  readonly baseOffset: number | null;
  readonly lastOffset: number | null;
  readonly count: number;
  /** The stated CRC-32C, as `0x` and 8 digits. */
  readonly crc: string;
  /** Null if the number stands for no known codec. */
  readonly codec: Codec | null;
  readonly timestampType: "CreateTime" | "LogAppendTime";
  readonly baseTimestamp: number | null;
  readonly maxTimestamp: number | null;
  readonly producerId: number | null;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly partitionLeaderEpoch: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  /** When compaction may remove its tombstones, in milliseconds; null if it has not decided that. */
  readonly deleteHorizon: number | null;
}

/** Describes the header at byte `at`, of a batch at `position` in its file. All 61 bytes must be present. */
export function describeBatch(bytes: Uint8Array, at: number, position: number): BatchDescription {
  const bits = attributes(bytes, at);
  return {
    position,
    bytes: batchBytes(bytes, at),
    baseOffset: orNull(() => baseOffset(bytes, at)),
    lastOffset: orNull(() => lastOffset(bytes, at)),
    count: recordCount(bytes, at),
    crc: formatCrc(crc(bytes, at)),
    codec: codecOf(bytes, at) ?? null,
    timestampType: hasLogAppendTime(bytes, at) ? "LogAppendTime" : "CreateTime",
    baseTimestamp: orNull(() => baseTimestamp(bytes, at)),
    maxTimestamp: orNull(() => maxTimestamp(bytes, at)),
    producerId: orNull(() => producerId(bytes, at)),
    producerEpoch: producerEpoch(bytes, at),
    baseSequence: baseSequence(bytes, at),
    partitionLeaderEpoch: readI32(bytes, at + FIELD.partitionLeaderEpoch),
    isTransactional: (bits & TRANSACTIONAL_BIT) !== 0,
    isControl: (bits & CONTROL_BIT) !== 0,
    deleteHorizon: orNull(() => deleteHorizon(bytes, at)),
  };
}

export function formatCrc(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}

/** A time as ISO 8601 in UTC, or its number of milliseconds if that is outside the calendar. */
export function formatTime(ms: number | null): string {
  if (ms === null) return "impossible";
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}

function orNull(read: () => number | undefined): number | null {
  try {
    return read() ?? null;
  } catch {
    return null;
  }
}
