// Finds a record by its timestamp: the first one at or after a time, or the newest one. Headers lead to the batch, which
// is then opened; nothing else in the broker looks into a batch of a client.
// Leaves to others: the batch (topics/partition.ts, log/), and answers that need no record (list-offsets.ts).
//
// Batches are opened one after another, decompressed and searched in steps, so that no turn of the event loop is long and
// the memory is that of one batch.
import { RustLogError } from "../errors.js";
import { OFFSET_MAX, SEARCHED_BYTES_MAX } from "../limits.js";
import { Portions } from "../log/event-loop.js";
import { readAll } from "../log/segment/log-slice.js";
import { findBatchFault, nextOffset } from "../record/batch.js";
import { RecordCursor } from "../record/cursor.js";
import { openBatch } from "../record/opened-batch.js";
import { OneAtATime } from "../topics/one-at-a-time.js";
import type { Partition } from "../topics/partition.js";
import type { ServiceContext } from "./context.js";
import { type NamedPartition, partitionOf } from "./named-partition.js";

/** Where a record is. */
export interface RecordTime {
  readonly offset: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

const RECORDS_PER_TURN = 10_000;

/**
 * Batches that are opened for one answer. Headers may promise a timestamp that no remaining record has: at the log start,
 * after compaction, or because a client wrote a wrong one.
 */
const BATCHES_OPENED_MAX = 100;

/** What the searches of one answer may take together: bytes of opened batches, and time. */
export class SearchBudget {
  #bytesLeft: number;
  readonly #endMs: number;

  constructor(bytes: number, ms: number) {
    this.#bytesLeft = bytes;
    this.#endMs = performance.now() + ms;
  }

  get isUsedUp(): boolean {
    return this.#bytesLeft <= 0 || performance.now() > this.#endMs;
  }

  spend(bytes: number): void {
    this.#bytesLeft -= bytes;
  }
}

/** Of the process, because memory is. */
const searching = new OneAtATime();

/**
 * The first record at or after `timestamp`, which must not be negative; undefined if there is none. Rejects with
 * UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID and STORAGE_ERROR, with CORRUPT_MESSAGE if the batch is damaged or 100 batches
 * lack what their headers promise, and with MESSAGE_TOO_LARGE or UNSUPPORTED_COMPRESSION if a batch can't be opened.
 */
export async function firstRecordFrom(
  context: ServiceContext,
  named: NamedPartition,
  timestamp: number,
): Promise<RecordTime | undefined> {
  const found = await search(context, named, timestamp, undefined);
  return found === undefined || found.timestamp === undefined
    ? undefined
    : { offset: found.offset, timestamp: found.timestamp };
}

/**
 * The offset of that record; once the budget is used up, that of the first record of its batch, which is then not opened.
 * Rejects as `firstRecordFrom`.
 */
export async function offsetFrom(
  context: ServiceContext,
  named: NamedPartition,
  timestamp: number,
  budget: SearchBudget,
): Promise<{ readonly offset: number; readonly isExact: boolean } | undefined> {
  const found = await search(context, named, timestamp, budget);
  if (found === undefined) return undefined;
  return { offset: found.offset, isExact: found.timestamp !== undefined };
}

/** The timestamp is undefined if the batch was not opened. */
interface Found {
  readonly offset: number;
  readonly timestamp: number | undefined;
}

async function search(
  context: ServiceContext,
  named: NamedPartition,
  timestamp: number,
  budget: SearchBudget | undefined,
): Promise<Found | undefined> {
  let start = 0;
  for (let opened = 0; opened < BATCHES_OPENED_MAX; opened++) {
    await partitionOf(context, "DESCRIBE", named).prepareTimeSearch(timestamp, start);
    // Look it up again: it may have been deleted in the meantime.
    const match = partitionOf(context, "DESCRIBE", named).findTimestamp(timestamp, start);
    if (match === undefined) return undefined;
    if (budget?.isUsedUp === true) return { offset: match.offset, timestamp: undefined };
    const { found, next, bytes } = await searching.run(() =>
      searchBatch(partitionOf(context, "DESCRIBE", named), match.offset, timestamp),
    );
    budget?.spend(bytes);
    if (found !== undefined) return found;
    start = next;
  }
  const { name } = partitionOf(context, "DESCRIBE", named);
  const message = `${name}: ${BATCHES_OPENED_MAX} batches before offset ${start} have no record at or after ${timestamp}, although their headers say so`;
  throw new RustLogError("CORRUPT_MESSAGE", message);
}

/** The first of the records with the largest timestamp; undefined if there are no records. Rejects as `firstRecordFrom`. */
export async function newestRecord(
  context: ServiceContext,
  named: NamedPartition,
): Promise<RecordTime | undefined> {
  await partitionOf(context, "DESCRIBE", named).prepareTimeSearch(OFFSET_MAX);
  const newest = partitionOf(context, "DESCRIBE", named).newestTimestamp();
  return newest < 0 ? undefined : await firstRecordFrom(context, named, newest);
}

/** Searches the batch that holds `offset`. Says where the next one may start, and how many bytes were opened. */
async function searchBatch(
  partition: Partition,
  offset: number,
  timestamp: number,
): Promise<{
  readonly found: RecordTime | undefined;
  readonly next: number;
  readonly bytes: number;
}> {
  // One batch, whatever its size.
  const batch = readAll(partition.read(offset, 1));
  if (batch.length === 0) return { found: undefined, next: partition.highWatermark, bytes: 0 };
  const next = nextOffset(batch, 0);
  let bytes = batch.length;
  try {
    const fault = findBatchFault(batch, 0, batch.length);
    if (fault !== undefined) throw new RustLogError("CORRUPT_MESSAGE", fault.message);
    const opened = await openBatch(batch, SEARCHED_BYTES_MAX);
    bytes = opened.length;
    const options = { checkCrcs: false, fromOffset: offset };
    const cursor = new RecordCursor().reset(opened, 0, opened.length, options);
    const portions = new Portions(RECORDS_PER_TURN);
    while (cursor.next()) {
      if (cursor.timestamp >= timestamp) {
        return { found: { offset: cursor.offset, timestamp: cursor.timestamp }, next, bytes };
      }
      await portions.next();
    }
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    const where = `${partition.name}: the batch that ends at offset ${next - 1}`;
    throw new RustLogError(error.code, `${where}: ${error.message}`, { cause: error });
  }
  return { found: undefined, next, bytes };
}
