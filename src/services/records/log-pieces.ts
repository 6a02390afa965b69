// The log of one partition in pieces: batches, whose records are still closed, and the damage between them; in both directions.
// Leaves to others: opening the batches (partition-walk.ts).
//
// Pieces hold views of a mapped segment, or copies of the active one.
import { firstNotBefore } from "../../binary-search.js";
import { RustLogError } from "../../errors.js";
import { SEARCHED_BYTES_MAX } from "../../limits.js";
import type { SegmentView } from "../../log/log-view.js";
import { type LogRead, type LogSlice, MappedSlice } from "../../log/segment/log-slice.js";
import {
  BATCH_HEADER_BYTES,
  baseOffset,
  baseTimestamp,
  batchBytes,
  hasLogAppendTime,
  newestTimestamp,
  nextOffset,
} from "../../record/batch.js";
import { deleteHorizon } from "../../record/delete-horizon.js";
import type { Partition } from "../../topics/partition.js";

/** A batch of the log, whose CRC is right. */
export interface BatchPiece {
  readonly kind: "batch";
  /** Holds the batch at `at`, or only its header if the batch is larger than what is read. */
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly size: number;
  readonly isWhole: boolean;
}

/** Offsets that can't be read. */
interface DamagedPiece {
  readonly kind: "damage";
  readonly from: number;
  /** Offset after them. */
  readonly to: number;
  readonly reason: string;
  /** Bytes that are skipped, if known. */
  readonly bytes: number | undefined;
}

export type LogPiece = BatchPiece | DamagedPiece;

/** The pieces from an offset on, and the offset up to which they tell everything. */
interface LogPieces {
  readonly pieces: readonly LogPiece[];
  readonly end: number;
  readonly bytes: number;
}

/** One read of up to `bytesMax` bytes, of one batch at least, that ends at offset `to`. */
export function readPieces(
  partition: Partition,
  from: number,
  to: number,
  bytesMax: number,
): LogPieces {
  if (from >= to) return { pieces: [], end: to, bytes: 0 };
  let read: LogRead;
  try {
    read = partition.read(from, bytesMax);
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    // Deleted in the meantime.
    if (error.code === "OFFSET_OUT_OF_RANGE") {
      return { pieces: [], end: Math.min(to, partition.logStartOffset), bytes: 0 };
    }
    if (error.code !== "CORRUPT_MESSAGE") throw error;
    const end = Math.min(to, Math.max(from + 1, partition.offsetAfterDamage(from)));
    const bytes = bytesBetween(partition, from, end);
    return {
      pieces: [{ kind: "damage", from, to: end, reason: error.message, bytes }],
      end,
      bytes: 0,
    };
  }
  const pieces: LogPiece[] = [];
  for (const slice of read.slices) {
    for (const piece of batchesOf(slice)) {
      if (baseOffset(piece.bytes, piece.at) >= to) break;
      pieces.push(piece);
    }
  }
  return { pieces, end: Math.min(to, read.nextOffset), bytes: read.bytes };
}

function* batchesOf(slice: LogSlice): Generator<BatchPiece> {
  if (slice.bytes > SEARCHED_BYTES_MAX) {
    // One read has more than one batch only if all of them are small.
    const bytes = slice.read(0, BATCH_HEADER_BYTES).slice();
    yield { kind: "batch", bytes, at: 0, size: slice.bytes, isWhole: false };
    return;
  }
  const bytes = bytesOf(slice);
  for (let at = 0; at < bytes.length;) {
    const size = batchBytes(bytes, at);
    yield { kind: "batch", bytes, at, size, isWhole: true };
    at += size;
  }
}

/** A view that stays valid. */
function bytesOf(slice: LogSlice): Uint8Array {
  if (slice instanceof MappedSlice) return slice.read(0, slice.bytes);
  const bytes = new Uint8Array(slice.bytes);
  for (let at = 0; at < bytes.length;) {
    const part = slice.read(at, bytes.length - at);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The smallest timestamp that the first record from `offset` on may have, by the header of its batch. */
export function oldestFrom(partition: Partition, offset: number, to: number): number {
  const header = headerAt(partition, offset);
  if (header === undefined || baseOffset(header, 0) >= to) return Number.NEGATIVE_INFINITY;
  if (hasLogAppendTime(header, 0)) return newestTimestamp(header, 0);
  // The horizon takes the place of the base timestamp.
  if (deleteHorizon(header, 0) !== undefined) return Number.NEGATIVE_INFINITY;
  return baseTimestamp(header, 0);
}

/** The largest timestamp that the last record before `offset` may have, by the header of its batch. */
export function newestBefore(partition: Partition, offset: number): number {
  let newest = Number.POSITIVE_INFINITY;
  try {
    for (let next = offsetBefore(partition, offset, 1); next < offset;) {
      const read = partition.read(next, HEADERS_BYTES);
      if (read.nextOffset <= next) return newest;
      for (const slice of read.slices) {
        for (let at = 0; at < slice.bytes;) {
          const header = slice.read(at, BATCH_HEADER_BYTES);
          if (baseOffset(header, 0) >= offset) return newest;
          newest = newestTimestamp(header, 0);
          at += batchBytes(header, 0);
        }
      }
      next = read.nextOffset;
    }
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    return Number.POSITIVE_INFINITY;
  }
  return newest;
}

/** Bytes of log whose headers are read at a time. */
const HEADERS_BYTES = 64 * 1024;

/** The header of the batch that holds `offset`, or the next one, until another read; undefined if damage hides it. */
export function headerAt(partition: Partition, offset: number): Uint8Array | undefined {
  try {
    return partition.read(offset, 1).slices[0]?.read(0, BATCH_HEADER_BYTES);
  } catch (error) {
    if (error instanceof RustLogError) return undefined;
    throw error;
  }
}

/**
 * An offset below `offset` (above the log start) from which some `bytes` bytes of log lead to it, by the offset index: reading
 * from it and going on finds everything before `offset`.
 */
export function offsetBefore(partition: Partition, offset: number, bytes: number): number {
  const { segments } = partition.layout;
  let i = segments.count - 1;
  if (segments.active.baseOffset >= offset) {
    i = lastBelow(segments.sealed, offset);
  }
  const segment = segments.at(i);
  const { logStartOffset } = partition;
  if (segment === undefined) return logStartOffset;
  const base = segment.baseOffset;
  const { offsets } = segment.index();
  const position = positionOf(segment, offset);
  const isBelow = (i: number): boolean => base + offsets.relativeOffset(i) < offset;
  const entry =
    position === undefined
      ? firstNotBefore(offsets.count, isBelow) - 1
      : offsets.lookupPosition(Math.max(0, position - bytes));
  const found = entry < 0 ? base : base + offsets.relativeOffset(entry);
  return Math.max(logStartOffset, found < offset ? found : base);
}

/** Number of the last segment with a base offset below `offset`. */
function lastBelow(segments: readonly SegmentView[], offset: number): number {
  const isBelow = (i: number): boolean => segments[i]!.baseOffset < offset;
  return Math.max(0, firstNotBefore(segments.length, isBelow) - 1);
}

/** Where the batch with an offset starts, or the segment ends; undefined if damage hides it. */
function positionOf(segment: SegmentView, offset: number): number | undefined {
  try {
    return segment.lookup.locate(offset, segment.bytes)?.position ?? segment.bytes;
  } catch (error) {
    if (error instanceof RustLogError) return undefined;
    throw error;
  }
}

/** The place of the batch that holds an offset, or of the next one. */
export interface LogPlace {
  /** Base offset of its segment. */
  readonly segment: number;
  readonly position: number;
}

/** The place of an offset below the end; undefined if damage hides it. */
export function placeOf(partition: Partition, offset: number): LogPlace | undefined {
  const { segments } = partition.layout;
  const isActive = segments.active.baseOffset <= offset;
  const i = isActive ? segments.count - 1 : lastBelow(segments.sealed, offset + 1);
  const segment = segments.at(i);
  const position = segment === undefined ? undefined : positionOf(segment, offset);
  if (segment === undefined || position === undefined) return undefined;
  return { segment: segment.baseOffset, position };
}

/** Bytes from the batch with one offset to that of another in the same segment; undefined if they are not known. */
function bytesBetween(partition: Partition, from: number, to: number): number | undefined {
  const first = placeOf(partition, from);
  const next = placeOf(partition, to);
  if (first === undefined || next === undefined) return undefined;
  const isKnown = first.segment === next.segment && next.position > first.position;
  return isKnown ? next.position - first.position : undefined;
}

/** Offset after the last one that a batch covers. */
export function endOf({ bytes, at }: BatchPiece): number {
  return nextOffset(bytes, at);
}
