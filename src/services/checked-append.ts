// Appends after a look at the records, on the topics that look at them: a batch with a wrong record is refused. The batches
// of all other topics stay closed.
// Leaves to others: what makes a record wrong (record-check.ts), what else makes a batch valid (record/produced-batch.ts),
// and the append (topics/partition.ts).
//
// A small batch is opened at once. A large one takes its turn, is opened in steps between which other clients are served,
// and later batches of its partition wait for it: they must not overtake it.
import { RustLogError } from "../errors.js";
import { SEARCHED_BYTES_MAX } from "../limits.js";
import { Portions } from "../log/event-loop.js";
import { BATCH_HEADER_BYTES, codecOf, recordCount } from "../record/batch.js";
import { bytesOf, joined, type Pieces } from "../record/bytes.js";
import { decompress } from "../record/compression.js";
import { RecordCursor } from "../record/cursor.js";
import { openBatch, withRecords } from "../record/opened-batch.js";
import type { AppendWaiter } from "../topics/appender.js";
import { OneAtATime } from "../topics/one-at-a-time.js";
import type { Partition } from "../topics/partition.js";
import { looksAtRecords, RecordCheck } from "./record-check.js";

/** Largest batch, before and after decompression, that is opened at once: about a millisecond of work. */
const OPENED_AT_ONCE_BYTES_MAX = 256 * 1024;

/** The same, in records. */
const OPENED_AT_ONCE_RECORDS_MAX = 10_000;

/** The checks and appends that a partition's next batch must wait for. */
const underWay = new WeakMap<Partition, Promise<void>>();

/** Of the process, because memory is. */
const opening = new OneAtATime();

/**
 * As `Partition.appendFor`, but refuses a batch with a record that the topic does not take. `nowMs` is the time at which the
 * batch came.
 */
export function appendChecked(
  partition: Partition,
  batch: Pieces,
  waiter: AppendWaiter,
  nowMs: number,
): void {
  const earlier = underWay.get(partition);
  if (earlier === undefined) {
    if (!looksAtRecords(partition.settings)) {
      partition.appendFor(waiter, batch);
      return;
    }
    try {
      if (isCheckedAtOnce(batch, new RecordCheck(partition.name, partition.settings, nowMs))) {
        partition.appendFor(waiter, batch);
        return;
      }
    } catch (error) {
      waiter.refused(refusalOf(error));
      return;
    }
  }
  const turn = (earlier ?? Promise.resolve())
    .then(() => {
      const { name, settings } = partition;
      if (!looksAtRecords(settings)) return undefined;
      return checkRecords(batch, new RecordCheck(name, settings, nowMs));
    })
    .then(
      () => partition.appendFor(waiter, batch),
      (error: unknown) => waiter.refused(refusalOf(error)),
    )
    .finally(() => {
      if (underWay.get(partition) === turn) underWay.delete(partition);
    });
  underWay.set(partition, turn);
}

/** Checks a small batch; returns false for a large one, which is not opened. Throws the error of the check. */
function isCheckedAtOnce(batch: Pieces, check: RecordCheck): boolean {
  const records = recordCount(batch[0], 0);
  if (bytesOf(batch) > OPENED_AT_ONCE_BYTES_MAX || records > OPENED_AT_ONCE_RECORDS_MAX) {
    return false;
  }
  const whole = joined(batch);
  const codec = codecOf(whole, 0) ?? "none";
  let opened = whole;
  try {
    if (codec !== "none") {
      const bytes = whole.subarray(BATCH_HEADER_BYTES);
      opened = withRecords(whole, decompress(codec, bytes, OPENED_AT_ONCE_BYTES_MAX));
    }
  } catch (error) {
    if (error instanceof RustLogError && error.code === "MESSAGE_TOO_LARGE") return false;
    throw error;
  }
  const cursor = cursorOver(opened);
  for (let i = 0; cursor.next(); i++) check.see(cursor, i);
  check.end(records);
  return true;
}

/** The same for a batch of any size up to 64 MiB decompressed, in steps. Rejects with the error of the check. */
export function checkRecords(batch: Pieces, check: RecordCheck): Promise<void> {
  return opening.run(async () => {
    const opened = await openBatch(joined(batch), SEARCHED_BYTES_MAX);
    const cursor = cursorOver(opened);
    const portions = new Portions(OPENED_AT_ONCE_RECORDS_MAX);
    for (let i = 0; cursor.next(); i++) {
      check.see(cursor, i);
      await portions.next();
    }
    check.end(recordCount(opened, 0));
  });
}

function cursorOver(opened: Uint8Array): RecordCursor {
  return new RecordCursor().reset(opened, 0, opened.length, { checkCrcs: false });
}

/** The CRC is right, so what can't be read was sent like that. */
function refusalOf(error: unknown): RustLogError {
  if (!(error instanceof RustLogError)) {
    const reason = error instanceof Error ? error.message : String(error);
    return new RustLogError("UNKNOWN_SERVER_ERROR", reason, { cause: error });
  }
  if (error.code !== "CORRUPT_MESSAGE") return error;
  return new RustLogError("INVALID_RECORD", `batch: ${error.message}`, { cause: error });
}
