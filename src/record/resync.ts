// Finding the next whole batch behind a damaged one, in bytes that were fetched.
// Leaves to others: what makes a batch valid (batch.ts), and reading on from there (cursor.ts).
//
// The damaged header may lie about its length. So a batch counts as the next one only if its CRC is right and its
// offsets lie where the next ones must. The search is bounded: bytes that imitate batch headers cost at most
// CRC_PASSES checksums of what is searched.
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  baseOffset,
  batchBytes,
  FIELD,
  findBatchFault,
  nextOffset,
} from "./batch.ts";

const CRC_PASSES = 4;

/** Where the offsets of the batch that is searched for must lie. */
export interface OffsetBounds {
  /** Lowest base offset. */
  readonly baseOffsetMin: number;
  /** Highest offset after the last record. */
  readonly endOffset: number;
}

/** Position of the first whole batch after the damaged one at `at`; undefined when there is none before `end`. */
export function findBatchAfter(
  bytes: Uint8Array,
  at: number,
  end: number,
  bounds: OffsetBounds,
  onChecksum?: () => void,
): number | undefined {
  if (end - at < BATCH_HEADER_BYTES) return undefined;
  const isNext = (position: number): boolean =>
    hasPlausibleOffsets(bytes, position, end, bounds) &&
    findBatchFault(bytes, position, end) === undefined;
  const stated = at + batchBytes(bytes, at);
  // A length that leads to the end, or to a whole batch, is right: the usual case, without a search.
  if (stated === end) return undefined;
  if (stated > at && isNext(stated)) return stated;
  let budget = CRC_PASSES * (end - at);
  for (let position = at + BATCH_HEADER_BYTES; position <= end - BATCH_HEADER_BYTES; position++) {
    if (!hasPlausibleOffsets(bytes, position, end, bounds)) continue;
    budget -= batchBytes(bytes, position);
    if (budget < 0) return undefined;
    onChecksum?.();
    if (findBatchFault(bytes, position, end) === undefined) return position;
  }
  return undefined;
}

function hasPlausibleOffsets(
  bytes: Uint8Array,
  at: number,
  end: number,
  { baseOffsetMin, endOffset }: OffsetBounds,
): boolean {
  if (bytes[at + FIELD.magic] !== BATCH_MAGIC) return false;
  if (findBatchFault(bytes, at, end, false) !== undefined) return false;
  return baseOffset(bytes, at) >= baseOffsetMin && nextOffset(bytes, at) <= endOffset;
}
