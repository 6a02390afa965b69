// The range of a topic for the timestamps of producers: message.timestamp.before.max.ms and message.timestamp.after.max.ms.
// Leaves to others: topics with LogAppendTime, whose batches get the broker's time instead (log/log.ts).
//
// A batch is checked by its header, which states the largest timestamp and that of the first record. So a batch with a
// record too far ahead is always refused; one with a record that is too old only if that is the first, or all are. Only a
// batch that is refused is opened, to name its records.
import { RustLogError } from "../errors.js";
import { OFFSET_MAX, SEARCHED_BYTES_MAX } from "../limits.js";
import { Portions } from "../log/event-loop.js";
import type { LogSettings } from "../log/log-context.js";
import { baseOffset, baseTimestamp, maxTimestamp } from "../record/batch.js";
import { joined, type Pieces } from "../record/bytes.js";
import { RecordCursor } from "../record/cursor.js";
import { openBatch } from "../record/opened-batch.js";
import { LONG_MAX } from "../topics/config-value.js";
import { OneAtATime } from "../topics/one-at-a-time.js";

/** What Kafka's clients write for a record without a timestamp. It is always in range. */
const NO_TIMESTAMP = -1;

/** Refused records that are named. Kafka names all of them, and a batch may have a million. */
const NAMED_MAX = 100;

const RECORDS_PER_TURN = 10_000;

/** Of the process, because memory is. */
const naming = new OneAtATime();

/** A record that is out of range. */
interface RefusedRecord {
  /** Its place in the batch, from 0. */
  readonly index: number;
  readonly timestamp: number;
}

/** INVALID_TIMESTAMP, with the records that are out of range. */
export class RefusedTimestamps extends RustLogError {
  /** The first of them. */
  readonly records: readonly RefusedRecord[];
  /** The range, as Kafka shows it. */
  readonly range: string;

  constructor(message: string, records: readonly RefusedRecord[], range: string) {
    super("INVALID_TIMESTAMP", message);
    this.records = records;
    this.range = range;
  }
}

/** Throws INVALID_TIMESTAMP, naming the setting, if the timestamps in the header of a batch are out of range. */
export function checkTimestamps(header: Uint8Array, settings: LogSettings, nowMs: number): void {
  const { timestampType, timestampBeforeMaxMs: before, timestampAfterMaxMs: after } = settings;
  if (timestampType === "LogAppendTime") return;
  const newest = maxTimestamp(header, 0);
  if (newest - nowMs > after) {
    throw outOfRange(
      newest,
      `${newest - nowMs} ms ahead of`,
      "message.timestamp.after.max.ms",
      after,
    );
  }
  if (before === OFFSET_MAX) return;
  for (const time of [newest, baseTimestamp(header, 0)]) {
    if (time === NO_TIMESTAMP || nowMs - time <= before) continue;
    throw outOfRange(time, `${nowMs - time} ms behind`, "message.timestamp.before.max.ms", before);
  }
}

function outOfRange(time: number, distance: string, setting: string, limit: number): RustLogError {
  const date = new Date(time);
  const shown = Number.isNaN(date.getTime()) ? `${time} ms` : date.toISOString();
  const message =
    `the timestamp ${shown} of a record is ${distance} the broker's clock, ` +
    `and the topic's ${setting} allows ${limit} ms`;
  return new RustLogError("INVALID_TIMESTAMP", message);
}

/**
 * The error of `checkTimestamps` with the records that are out of range, as far as the batch can be opened. The batch must
 * not change until this resolves.
 */
export async function namingRecords(
  error: RustLogError,
  batch: Pieces,
  settings: LogSettings,
  nowMs: number,
): Promise<RustLogError> {
  try {
    const records = await naming.run(() => recordsOutOfRange(joined(batch), settings, nowMs));
    const { timestampBeforeMaxMs: before, timestampAfterMaxMs: after } = settings;
    const range = `[${bound(nowMs, before, -1n)}, ${bound(nowMs, after, 1n)}]`;
    return new RefusedTimestamps(error.message, records, range);
  } catch (failure) {
    if (failure instanceof RustLogError) return error;
    throw failure;
  }
}

async function recordsOutOfRange(
  batch: Uint8Array,
  { timestampBeforeMaxMs: before, timestampAfterMaxMs: after }: LogSettings,
  nowMs: number,
): Promise<RefusedRecord[]> {
  const opened = await openBatch(batch, SEARCHED_BYTES_MAX);
  const cursor = new RecordCursor().reset(opened, 0, opened.length, { checkCrcs: false });
  const portions = new Portions(RECORDS_PER_TURN);
  const refused: RefusedRecord[] = [];
  while (refused.length < NAMED_MAX && cursor.next()) {
    const { timestamp } = cursor;
    if (timestamp !== NO_TIMESTAMP && (timestamp - nowMs > after || nowMs - timestamp > before)) {
      refused.push({ index: cursor.offset - baseOffset(batch, 0), timestamp });
    }
    await portions.next();
  }
  return refused;
}

/** An end of the range, with Kafka's number for no limit. */
function bound(nowMs: number, limit: number, sign: 1n | -1n): bigint {
  return BigInt(nowMs) + sign * BigInt(limit === OFFSET_MAX ? LONG_MAX : limit);
}
