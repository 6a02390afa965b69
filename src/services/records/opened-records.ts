// Opens a batch of the log to show its records.
// Leaves to others: the records (record/cursor.ts).
import { clockMs } from "../../clock.js";
import { collectGarbage, InputCollector } from "../../collector.js";
import { RustLogError } from "../../errors.js";
import { SEARCHED_BYTES_MAX } from "../../limits.js";
import { BATCH_HEADER_BYTES, codecOf } from "../../record/batch.js";
import { decompress } from "../../record/compression.js";
import { openBatch, withRecords } from "../../record/opened-batch.js";
import type { BatchPiece } from "./log-pieces.js";
import type { WorkSlices } from "./work-slices.js";

/** Bytes that a batch may decompress to: one that is larger takes longer than a person waits, and more memory. */
export const OPENED_BATCH_SIZE_MAX = 16 * 1024 * 1024;

/** Decompressed batches, and the pieces that they were joined of, add up before the collector notices. */
const garbage = new InputCollector(collectGarbage, clockMs, 2 * OPENED_BATCH_SIZE_MAX);

/** A batch without compression. */
export interface OpenedBatch {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly end: number;
}

/**
 * Compressed batches up to this size are decompressed at once, up to the other: another thread would take longer to be told.
 */
const QUICK_BYTES_MAX = 32 * 1024;
const QUICK_OPENED_BYTES_MAX = 512 * 1024;

/**
 * Opens a batch. Rejects with MESSAGE_TOO_LARGE, CORRUPT_MESSAGE or UNSUPPORTED_COMPRESSION if it can't be opened.
 */
export async function openPiece(piece: BatchPiece, slices: WorkSlices): Promise<OpenedBatch> {
  const { bytes, at, size, isWhole } = piece;
  if (!isWhole) {
    const message = `a batch of ${size} bytes is not opened here; ${SEARCHED_BYTES_MAX} are the most`;
    throw new RustLogError("MESSAGE_TOO_LARGE", message);
  }
  const codec = codecOf(bytes, at) ?? "none";
  if (codec === "none") return { bytes, at, end: at + size };
  const batch = bytes.subarray(at, at + size);
  const quick = openQuickly(batch);
  if (quick !== undefined) return { bytes: quick, at: 0, end: quick.length };
  let length = OPENED_BATCH_SIZE_MAX;
  try {
    const opened = await slices.waitFor(openBatch(batch, OPENED_BATCH_SIZE_MAX));
    length = opened.length;
    return { bytes: opened, at: 0, end: length };
  } finally {
    garbage.received(length);
  }
}

/** Undefined if it would take long. */
function openQuickly(batch: Uint8Array): Uint8Array | undefined {
  if (batch.length > QUICK_BYTES_MAX) return undefined;
  try {
    const records = batch.subarray(BATCH_HEADER_BYTES);
    return withRecords(
      batch,
      decompress(codecOf(batch, 0) ?? "none", records, QUICK_OPENED_BYTES_MAX),
    );
  } catch (error) {
    if (error instanceof RustLogError && error.code === "MESSAGE_TOO_LARGE") return undefined;
    throw error;
  }
}
