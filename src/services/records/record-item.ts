// What a list of records shows: records with the first bytes of their parts, and what is between them.
// Leaves to others: reading them (partition-walk.ts), and the records of internal topics (internal-record.ts).
import { codecOf, CONTROL_BIT, attributes, producerId, recordCount } from "../../record/batch.js";
import { baseOffset, hasLogAppendTime, lastOffset, TRANSACTIONAL_BIT } from "../../record/batch.js";
import type { Codec } from "../../record/batch.js";
import { readI16, readI32 } from "../../record/bytes.js";
import type { RecordCursor } from "../../record/cursor.js";
import { type DescribedBytes, describedBytes } from "../../record/described-bytes.js";
import { decodedRecord } from "./internal-record.js";
import type { BatchPiece } from "./log-pieces.js";
import type { FieldValue, RecordFields } from "./record-fields.js";

interface InPartition {
  readonly partition: number;
}

/** A record; of long keys, values and headers the first bytes. */
export interface RecordSummary extends InPartition {
  readonly kind: "record";
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly key: DescribedBytes | null;
  /** Null for a tombstone. */
  readonly value: DescribedBytes | null;
  /** The first of them. */
  readonly headers: readonly HeaderSummary[];
  readonly headerCount: number;
  /** Size of the record in its batch, decompressed. */
  readonly bytes: number;
  /** Base offset of its batch. */
  readonly batch: number;
  /** What it says, if it belongs to the broker. */
  readonly decoded?: string;
  /** What is at the paths that were asked for, in their order. */
  readonly fields?: readonly FieldValue[];
}

interface HeaderSummary {
  readonly name: DescribedBytes;
  readonly value: DescribedBytes | null;
}

/** The end of a transaction. */
interface MarkerSummary extends InPartition {
  readonly kind: "marker";
  readonly offset: number;
  readonly timestamp: number;
  readonly text: string;
  readonly batch: number;
}

/** Offsets without a record. */
interface GapSummary extends InPartition {
  readonly kind: "gap";
  readonly from: number;
  /** Offset after them. */
  readonly to: number;
  /** `compacted`: the topic is compacted; `deleted`: they are below the log start; `missing`: another reason. */
  readonly why: "compacted" | "deleted" | "missing";
}

/** Offsets whose records can't be read. */
interface UnreadSummary extends InPartition {
  /** `damage`: the log is damaged. `closed`: the records may be intact, but can't be decompressed here. */
  readonly kind: "damage" | "closed";
  readonly from: number;
  /** Offset after them. */
  readonly to: number;
  readonly reason: string;
  /** Bytes of log that are skipped, if known. */
  readonly bytes?: number;
}

export type RecordItem = RecordSummary | MarkerSummary | GapSummary | UnreadSummary;

/** A batch with a record in the list. */
export interface BatchSummary extends InPartition {
  readonly base: number;
  readonly last: number;
  readonly count: number;
  readonly bytes: number;
  readonly codec: Codec;
  readonly timestampType: "CreateTime" | "LogAppendTime";
  /** Id of an idempotent producer; -1 for none. */
  readonly producerId: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
}

/** Bytes shown of a key and a value, and of the name and the value of a header; and how many headers. */
const LISTED_PART_BYTES_MAX = 256;
const LISTED_HEADER_BYTES_MAX = 64;
const LISTED_HEADERS_MAX = 4;

/** The record that the cursor is at, of a batch with this base offset. */
export function recordSummary(
  cursor: RecordCursor,
  partition: number,
  base: number,
  isInternal: boolean,
  fields: RecordFields | undefined,
): RecordSummary {
  const { offset, timestamp, headerCount } = cursor;
  const key = cursor.key();
  const value = cursor.value();
  const decoded = isInternal ? decodedRecord(key, value) : undefined;
  return {
    kind: "record",
    ...{ partition, offset, timestamp },
    key: described(key, LISTED_PART_BYTES_MAX),
    value: described(value, LISTED_PART_BYTES_MAX),
    headers: headerCount === 0 ? [] : headersOf(cursor),
    ...{ headerCount, bytes: cursor.end - cursor.start, batch: base },
    ...(decoded === undefined ? {} : { decoded }),
    ...(fields === undefined ? {} : { fields: fields.of(key, value) }),
  };
}

function headersOf(cursor: RecordCursor): HeaderSummary[] {
  return cursor.headers(LISTED_HEADERS_MAX).map(({ name, nameBytes, value }) => ({
    name: described(nameBytes ?? Buffer.from(name), LISTED_HEADER_BYTES_MAX),
    value: described(value, LISTED_HEADER_BYTES_MAX),
  }));
}

function described(bytes: Uint8Array, bytesMax: number): DescribedBytes;
function described(bytes: Uint8Array | null, bytesMax: number): DescribedBytes | null;
function described(bytes: Uint8Array | null, bytesMax: number): DescribedBytes | null {
  return bytes === null ? null : describedBytes(bytes.subarray(0, bytesMax), bytes.length);
}

/** The marker that the cursor is at, in a control batch. */
export function markerSummary(
  cursor: RecordCursor,
  partition: number,
  { bytes, at }: BatchPiece,
): MarkerSummary {
  const key = cursor.key();
  const value = cursor.value();
  const type = key !== null && key.length >= 4 ? readI16(key, 2) : -1;
  const name = type === 0 ? "ABORT" : type === 1 ? "COMMIT" : `control record of type ${type}`;
  const epoch = value !== null && value.length >= 6 ? readI32(value, 2) : -1;
  const { offset, timestamp } = cursor;
  const text = `${name}, producer ${producerId(bytes, at)}, coordinator epoch ${epoch}`;
  return { kind: "marker", partition, offset, timestamp, text, batch: baseOffset(bytes, at) };
}

export function isControl({ bytes, at }: BatchPiece): boolean {
  return (attributes(bytes, at) & CONTROL_BIT) !== 0;
}

export function batchSummary(piece: BatchPiece, partition: number): BatchSummary {
  const { bytes, at, size } = piece;
  return {
    partition,
    base: baseOffset(bytes, at),
    last: lastOffset(bytes, at),
    count: recordCount(bytes, at),
    bytes: size,
    codec: codecOf(bytes, at) ?? "none",
    timestampType: hasLogAppendTime(bytes, at) ? "LogAppendTime" : "CreateTime",
    producerId: producerId(bytes, at),
    isTransactional: (attributes(bytes, at) & TRANSACTIONAL_BIT) !== 0,
    isControl: isControl(piece),
  };
}
