// The range of a topic for the timestamps of producers: message.timestamp.before.max.ms and message.timestamp.after.max.ms.
// Leaves to others: topics with LogAppendTime, whose batches get the broker's time instead (log/log.ts), and opening batches
// (checked-append.ts).
//
// The header of a batch states its largest timestamp, and that of its first record. That is enough to find every batch
// with a record too far ahead. One that is too old may be in the middle: a topic with a limit for that has its batches opened.
import { RustLogError } from "../errors.js";
import { OFFSET_MAX } from "../limits.js";
import type { LogSettings } from "../log/log-context.js";
import { baseTimestamp, maxTimestamp } from "../record/batch.js";
import { LONG_MAX } from "../topics/config-value.js";

/** What Kafka's clients write for a record without a timestamp. It is always in range. */
const NO_TIMESTAMP = -1;

/** A record that is out of range. */
export interface RefusedRecord {
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

  constructor(records: readonly RefusedRecord[], settings: LogSettings, nowMs: number) {
    super("INVALID_TIMESTAMP", why(records[0]!.timestamp, settings, nowMs));
    const { timestampBeforeMaxMs: before, timestampAfterMaxMs: after } = settings;
    this.records = records;
    this.range = `[${bound(nowMs, before, -1n)}, ${bound(nowMs, after, 1n)}]`;
  }
}

/** Whether a record in the middle of a batch may be out of range, although the header is not. */
export function limitsOldRecords(settings: LogSettings): boolean {
  const { timestampType, timestampBeforeMaxMs } = settings;
  return timestampBeforeMaxMs !== OFFSET_MAX && timestampType === "CreateTime";
}

/** Throws INVALID_TIMESTAMP, naming the setting, if the timestamps in the header of a batch are out of range. */
export function checkTimestamps(header: Uint8Array, settings: LogSettings, nowMs: number): void {
  const newest = maxTimestamp(header, 0);
  if (newest - nowMs <= settings.timestampAfterMaxMs && !limitsOldRecords(settings)) return;
  if (settings.timestampType === "LogAppendTime") return;
  for (const time of [newest, baseTimestamp(header, 0)]) {
    if (!isOutOfRange(time, settings, nowMs)) continue;
    throw new RustLogError("INVALID_TIMESTAMP", why(time, settings, nowMs));
  }
}

/** Whether the timestamp of a record is out of range, on a topic with CreateTime. */
export function isOutOfRange(time: number, settings: LogSettings, nowMs: number): boolean {
  if (time - nowMs > settings.timestampAfterMaxMs) return true;
  const isOld = nowMs - time > settings.timestampBeforeMaxMs;
  return isOld && time !== NO_TIMESTAMP && settings.timestampBeforeMaxMs !== OFFSET_MAX;
}

function why(time: number, settings: LogSettings, nowMs: number): string {
  const date = new Date(time);
  const shown = Number.isNaN(date.getTime()) ? `${time} ms` : date.toISOString();
  const isAhead = time > nowMs;
  const distance = isAhead ? `${time - nowMs} ms ahead of` : `${nowMs - time} ms behind`;
  const setting = `message.timestamp.${isAhead ? "after" : "before"}.max.ms`;
  const limit = isAhead ? settings.timestampAfterMaxMs : settings.timestampBeforeMaxMs;
  return (
    `the timestamp ${shown} of a record is ${distance} the broker's clock, ` +
    `and the topic's ${setting} allows ${limit} ms`
  );
}

/** An end of the range, with Kafka's number for no limit. */
function bound(nowMs: number, limit: number, sign: 1n | -1n): bigint {
  return BigInt(nowMs) + sign * BigInt(limit === OFFSET_MAX ? LONG_MAX : limit);
}
