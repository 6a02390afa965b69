// Helpers for tests of log, topics and groups: batches, contexts, and the records of a read.
// Leaves to others: the disk (simulated-disk.ts), and the tests.
import { type ProducerSequence, recordCount, stampProducer } from "../../src/record/batch.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import type { Disk } from "../../src/log/disk/disk.js";
import { Log } from "../../src/log/log.js";
import {
  ANY_TIMESTAMPS,
  CLEANUP_DEFAULTS,
  type LogContext,
  type LogSettings,
} from "../../src/log/log-context.js";
import { type LogRead, readAll } from "../../src/log/segment/log-slice.js";
import type { SegmentNotes } from "../../src/log/recovery/recovery.js";
import { Random } from "./random.js";
import { type Sabotage, SimulatedDisk } from "./simulated-disk.js";

/** Directory of the log under test. */
export const DIRECTORY = "data/topics/orders/0";

/** Settings without rolls and retention. */
export const ENDLESS: LogSettings = {
  segmentBytes: 2 ** 30,
  ...ANY_TIMESTAMPS,
  segmentMs: Number.MAX_SAFE_INTEGER,
  retentionBytes: -1,
  retentionMs: -1,
  ...CLEANUP_DEFAULTS,
};

/** Where an encoder of a few short records begins: some tests make thousands of batches. */
const SMALL_BATCH_BYTES = 256;

/** A record as a consumer sees it. */
export interface ReadRecord {
  readonly offset: number;
  readonly value: string;
}

/** A batch of text records that all have one timestamp. */
export function batchOf(
  values: readonly string[],
  timestampMs = 1_000,
  producer?: ProducerSequence,
): Uint8Array {
  const encoder = new BatchEncoder({ initialBytes: SMALL_BATCH_BYTES });
  for (const value of values) encoder.append(timestampMs, null, value);
  const batch = encoder.finish();
  if (producer !== undefined) stampProducer(batch, producer);
  return batch;
}

/** A simulated disk with a durable directory for the log. */
export async function diskWithDirectory(seed = 1, sabotage?: Sabotage): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk(new Random(seed), sabotage);
  await makeDurableDirectory(disk);
  return disk;
}

/** Durably creates the directory of the log and its parents. */
export async function makeDurableDirectory(disk: Disk): Promise<void> {
  disk.makeDirectory(DIRECTORY);
  for (const path of ["", "data", "data/topics", "data/topics/orders"]) {
    await disk.syncDirectory(path);
  }
}

/** A context for a log under test. Keeps reported lines in `lines`. */
export function contextOf(
  disk: Disk,
  settings: Partial<LogSettings> = {},
  others: Partial<LogContext> = {},
): LogContext & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    disk,
    directory: DIRECTORY,
    name: "orders-0",
    settings: { ...ENDLESS, ...settings },
    now: () => 1_000,
    report: (line) => lines.push(line),
    lines,
    ...others,
  };
}

/** Opens a log on the simulated disk. */
export function openLog(
  disk: Disk,
  settings: Partial<LogSettings> = {},
  notes?: SegmentNotes,
): Promise<Log> {
  return Log.open(contextOf(disk, settings), notes);
}

/** Appends and flushes batches, and rolls as a partition would. */
export async function appendAll(log: Log, batches: readonly Uint8Array[]): Promise<void> {
  for (const batch of batches) {
    if (log.mustRoll({ bytes: batch.length, records: recordCount(batch, 0) })) await log.roll();
    log.append([batch]);
    await log.push();
  }
  await log.sync();
  await log.saveIndexes();
}

/** The records in `bytes` from `fromOffset` on. */
export function recordsIn(bytes: Uint8Array, fromOffset = 0): ReadRecord[] {
  const cursor = new RecordCursor().reset(bytes, undefined, undefined, { fromOffset });
  const records: ReadRecord[] = [];
  while (cursor.next()) records.push({ offset: cursor.offset, value: cursor.valueText() ?? "" });
  return records;
}

/** All records from an offset on, read `bytesMax` bytes at a time. Throws if a read makes no progress. */
export function recordsFrom(
  read: (offset: number, bytesMax: number) => LogRead,
  from: number,
  end: number,
  bytesMax = 1_000_000,
): ReadRecord[] {
  const records: ReadRecord[] = [];
  for (let offset = from; offset < end;) {
    const result = read(offset, bytesMax);
    if (result.nextOffset <= offset) throw new Error(`a read at ${offset} does not go on`);
    records.push(...recordsIn(readAll(result), offset));
    offset = result.nextOffset;
  }
  return records;
}

/** All records of a log. */
export function allRecords(log: Log, bytesMax?: number): ReadRecord[] {
  const read = (offset: number, max: number): LogRead =>
    log.segments.read(offset, max, log.pushedEnd);
  return recordsFrom(read, log.logStartOffset, log.logEndOffset, bytesMax);
}

/** Waits until all promises that can settle have settled. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The code of the error that `action` throws or rejects with; undefined if it succeeds. */
export async function codeOf(action: () => unknown): Promise<string | undefined> {
  try {
    await action();
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}
