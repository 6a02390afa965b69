// Appends to compacted topics, which know a record by its key: a batch with a record that has none is refused. To see
// that, the broker opens the batches of compacted topics, and only those.
// Leaves to others: what else makes a batch valid (record/produced-batch.ts), and the append (topics/partition.ts).
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

/** Largest batch, before and after decompression, that is opened at once: about a millisecond of work. */
const OPENED_AT_ONCE_BYTES_MAX = 256 * 1024;

/** The same, in records. */
const OPENED_AT_ONCE_RECORDS_MAX = 10_000;

/** Records without a key whose places an error lists. */
const KEYLESS_LISTED_MAX = 100;

/** INVALID_RECORD, with the places of the records that have no key. */
export class KeylessRecords extends RustLogError {
  readonly partition: string;
  /** The first of them, counted in the batch from 0. */
  readonly indexes: readonly number[];
  readonly count: number;

  constructor(partition: string, { indexes, count }: Keyless, records: number) {
    const which = count === 1 ? `record ${indexes[0]}` : `${count} records, first ${indexes[0]},`;
    super(
      "INVALID_RECORD",
      `${partition} is compacted (cleanup.policy=compact), so each record needs a key: ` +
        `${which} of a batch of ${records} (counted from 0) ${count === 1 ? "has" : "have"} none`,
    );
    this.partition = partition;
    this.indexes = indexes;
    this.count = count;
  }
}

interface Keyless {
  readonly indexes: number[];
  count: number;
}

/** The checks and appends that a partition's next batch must wait for. */
const underWay = new WeakMap<Partition, Promise<void>>();

/** Of the process, because memory is. */
const opening = new OneAtATime();

/** As `Partition.appendFor`; on a compacted topic the batch is refused if a record has no key. */
export function appendKeyed(partition: Partition, batch: Pieces, waiter: AppendWaiter): void {
  const earlier = underWay.get(partition);
  if (earlier === undefined) {
    if (!partition.settings.compacts) {
      partition.appendFor(waiter, batch);
      return;
    }
    try {
      if (isSeenToHaveKeys(partition.name, batch)) {
        partition.appendFor(waiter, batch);
        return;
      }
    } catch (error) {
      waiter.refused(refusalOf(error));
      return;
    }
  }
  const turn = (earlier ?? Promise.resolve())
    .then(() => (partition.settings.compacts ? checkKeys(partition.name, batch) : undefined))
    .then(
      () => partition.appendFor(waiter, batch),
      (error: unknown) => waiter.refused(refusalOf(error)),
    )
    .finally(() => {
      if (underWay.get(partition) === turn) underWay.delete(partition);
    });
  underWay.set(partition, turn);
}

/** Whether a small batch has a key in each record; false for a large batch, which is not opened. Throws if one has none. */
function isSeenToHaveKeys(partition: string, batch: Pieces): boolean {
  const [head] = batch;
  if (
    bytesOf(batch) > OPENED_AT_ONCE_BYTES_MAX ||
    recordCount(head, 0) > OPENED_AT_ONCE_RECORDS_MAX
  )
    return false;
  const whole = joined(batch);
  const codec = codecOf(whole, 0) ?? "none";
  let opened = whole;
  try {
    if (codec !== "none") {
      const records = decompress(
        codec,
        whole.subarray(BATCH_HEADER_BYTES),
        OPENED_AT_ONCE_BYTES_MAX,
      );
      opened = withRecords(whole, records);
    }
  } catch (error) {
    if (error instanceof RustLogError && error.code === "MESSAGE_TOO_LARGE") return false;
    throw error;
  }
  const cursor = cursorOver(opened);
  const keyless: Keyless = { indexes: [], count: 0 };
  for (let i = 0; cursor.next(); i++) note(cursor, i, keyless);
  refuse(partition, keyless, recordCount(head, 0));
  return true;
}

/** The same for a batch of any size up to 64 MiB decompressed. Rejects if a record has no key. */
function checkKeys(partition: string, batch: Pieces): Promise<void> {
  return opening.run(async () => {
    const opened = await openBatch(joined(batch), SEARCHED_BYTES_MAX);
    const cursor = cursorOver(opened);
    const keyless: Keyless = { indexes: [], count: 0 };
    const portions = new Portions(OPENED_AT_ONCE_RECORDS_MAX);
    for (let i = 0; cursor.next(); i++) {
      note(cursor, i, keyless);
      await portions.next();
    }
    refuse(partition, keyless, recordCount(opened, 0));
  });
}

function cursorOver(opened: Uint8Array): RecordCursor {
  return new RecordCursor().reset(opened, 0, opened.length, { checkCrcs: false });
}

function note(cursor: RecordCursor, index: number, keyless: Keyless): void {
  if (cursor.keyStart >= 0) return;
  keyless.count++;
  if (keyless.indexes.length < KEYLESS_LISTED_MAX) keyless.indexes.push(index);
}

function refuse(partition: string, keyless: Keyless, records: number): void {
  if (keyless.count > 0) throw new KeylessRecords(partition, keyless, records);
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
