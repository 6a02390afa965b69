// Logs of generated records, and the measured ways to read them.
// Leaves to others: measuring (../run.ts).
import { join } from "node:path";
import { batchBytes, FIELD } from "../../src/record/batch.js";
import { crc32c } from "../../src/record/crc32c.js";
import type { RecordCursor } from "../../src/record/cursor.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { Log } from "../../src/log/log.js";
import { ANY_TIMESTAMPS, CLEANUP_DEFAULTS } from "../../src/log/log-context.js";
import { type LogRead, readAll } from "../../src/log/segment/log-slice.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";

const disk = new RealDisk();
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** The shape of a log. */
export interface LogShape {
  readonly recordBytes: number;
  readonly recordsABatch: number;
  /** Number of records in each sealed segment, and in the active one. */
  readonly sealed: readonly number[];
  readonly active: number;
}

/** Creates a log in real files under `root`. */
export async function makeLog(root: string, name: string, shape: LogShape): Promise<Log> {
  const directory = join(root, name);
  disk.makeDirectory(directory);
  const settings = {
    ...ANY_TIMESTAMPS,
    segmentBytes: 2 ** 31 - 1,
    segmentMs: UNLIMITED,
    retentionBytes: -1,
    retentionMs: -1,
    ...CLEANUP_DEFAULTS,
  };
  const context = { disk, directory, name, settings, now: Date.now, report: () => {} };
  const log = await Log.open(context);
  const encoder = new BatchEncoder();
  const value = new Uint8Array(shape.recordBytes).fill(0x61);
  const append = async (records: number): Promise<void> => {
    for (let i = 0; i < records; i += shape.recordsABatch) {
      for (let k = 0; k < shape.recordsABatch; k++) encoder.append(i + k, null, value);
      log.append([encoder.finish()]);
    }
    await log.push();
    await log.sync();
  };
  for (const records of shape.sealed) {
    await append(records);
    await log.roll();
  }
  await append(shape.active);
  return log;
}

/** Work on the bytes of a read. Returns a number, so that the work can't be optimized away. */
export type Touch = (read: LogRead) => number;

/** Finds and slices the batches without touching a byte. */
export const locate: Touch = (read) => read.bytes;

/** Walks every record and touches every value. Checks CRCs if `checkCrcs`. */
export function decodeWith(cursor: RecordCursor, checkCrcs = true): Touch {
  const options = { checkCrcs };
  return (read) => {
    let sum = 0;
    cursor.reset(bytesOf(read), undefined, undefined, options);
    while (cursor.next()) sum += cursor.buffer[cursor.valueStart] ?? 0;
    return sum;
  };
}

/** Computes only the CRC of each batch: the part of decoding besides the walk. */
export const checksum: Touch = (read) => {
  const bytes = bytesOf(read);
  let sum = 0;
  for (let at = 0; at < bytes.length;) {
    const end = at + batchBytes(bytes, at);
    sum ^= crc32c(bytes, at + FIELD.attributes, end);
    at = end;
  }
  return sum;
};

/** Reads a whole log in fetches of at most `bytesMax`; returns the sum of the results of `touch`. */
export function walk(log: Log, bytesMax: number, touch: Touch): number {
  let sum = 0;
  for (let offset = 0; offset < log.logEndOffset;) {
    const read = log.segments.read(offset, bytesMax, log.pushedEnd);
    sum += touch(read);
    offset = read.nextOffset;
  }
  return sum;
}

/** The bytes of a read: a view if they are in one mapped piece, otherwise a copy. */
function bytesOf(read: LogRead): Uint8Array {
  const [slice] = read.slices;
  if (read.slices.length === 1 && slice !== undefined) {
    const bytes = slice.read(0, slice.bytes);
    if (bytes.length === slice.bytes) return bytes;
  }
  return readAll(read);
}
