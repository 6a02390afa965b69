// One record, whole: its bytes, and where it is.
// Leaves to others: finding it (browse.ts), and how much of it is shown (http/api/records.ts).
import { RustLogError } from "../../errors.js";
import { isInternalTopic } from "../../topics/internal-topics.js";
import { baseOffset } from "../../record/batch.js";
import { RecordCursor } from "../../record/cursor.js";
import type { RecordHeader } from "../../record/encoder.js";
import type { ServiceContext } from "../context.js";
import { type NamedPartition, partitionOf } from "../named-partition.js";
import { mayOnTopic } from "../permissions.js";
import { decodedRecord } from "./internal-record.js";
import { type LogPlace, placeOf, readPieces } from "./log-pieces.js";
import { openPiece } from "./opened-records.js";
import { batchSummary, type BatchSummary } from "./record-item.js";
import { WorkSlices } from "./work-slices.js";

export interface OneRecord {
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** Number of the record in its batch, from 0. */
  readonly index: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** The first headers, and the number of all. */
  readonly headers: readonly RecordHeader[];
  readonly headerCount: number;
  /** Size of the record in its batch, decompressed. */
  readonly bytes: number;
  readonly batch: BatchSummary;
  /** Where the batch is; undefined if damage hides it. */
  readonly place: LogPlace | undefined;
  /** What it says, if it belongs to the broker. */
  readonly decoded: string | undefined;
  /** Whether the caller may write to its topic. */
  readonly mayWrite: boolean;
  /** How long compaction keeps a tombstone in its topic, in milliseconds; undefined if the topic is not compacted. */
  readonly tombstoneMs: number | undefined;
}

/** Headers of a record that are read. */
export const READ_HEADERS_MAX = 10_000;

/** Records skipped between two looks at the clock. */
const RECORDS_PER_LOOK = 256;

/**
 * The record at an offset. Rejects with OFFSET_OUT_OF_RANGE if no record has it, as `partitionOf` for an unknown partition,
 * and with CORRUPT_MESSAGE, MESSAGE_TOO_LARGE or UNSUPPORTED_COMPRESSION if it can't be read.
 */
export async function readRecord(
  context: ServiceContext,
  named: NamedPartition,
  offset: number,
  signal: AbortSignal,
): Promise<OneRecord> {
  const partition = partitionOf(context, "READ", named);
  const { name, logStartOffset, highWatermark, index: number } = partition;
  const { compacts, deleteRetentionMs } = partition.settings;
  const isInternal = isInternalTopic(partition.topic);
  if (offset < logStartOffset || offset >= highWatermark) {
    const range =
      highWatermark === logStartOffset
        ? "it has no records now"
        : `valid offsets are ${logStartOffset} to ${highWatermark - 1}`;
    const message = `${name} has no record at offset ${offset}; ${range}`;
    throw new RustLogError("OFFSET_OUT_OF_RANGE", message);
  }
  const [piece] = readPieces(partition, offset, offset + 1, 1).pieces;
  if (piece?.kind === "damage") throw new RustLogError("CORRUPT_MESSAGE", piece.reason);
  if (piece !== undefined) {
    const slices = new WorkSlices(signal);
    const { bytes, at, end } = await openPiece(piece, slices);
    const cursor = new RecordCursor().reset(bytes, at, end, { checkCrcs: false });
    for (let index = 0; cursor.next(); index++) {
      if (cursor.offset > offset) break;
      if (index % RECORDS_PER_LOOK === 0) await slices.pause();
      if (cursor.offset < offset) continue;
      const [key, value] = [cursor.key(), cursor.value()];
      return {
        ...{ offset, timestamp: cursor.timestamp, index, key, value },
        headers: cursor.headers(READ_HEADERS_MAX),
        headerCount: cursor.headerCount,
        bytes: cursor.end - cursor.start,
        batch: batchSummary(piece, number),
        place: placeOf(partition, baseOffset(piece.bytes, piece.at)),
        decoded: isInternal ? decodedRecord(key, value) : undefined,
        mayWrite: !isInternal && mayOnTopic(context, "WRITE", partition.topic),
        tombstoneMs: compacts ? deleteRetentionMs : undefined,
      };
    }
  }
  const message = `${name} has no record at offset ${offset}: compaction has removed it`;
  throw new RustLogError("OFFSET_OUT_OF_RANGE", message);
}
