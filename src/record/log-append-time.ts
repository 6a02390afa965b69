// LogAppendTime: the time at which the broker appended a batch, as the timestamp of all its records.
// Leaves to others: which topics have it (log/log.ts), and reading the records (cursor.ts).
import {
  attributes,
  crc,
  FIELD,
  hasLogAppendTime,
  LOG_APPEND_TIME_BIT,
  maxTimestamp,
} from "./batch.js";
import { bytesOf, type Pieces, writeI64, writeU16, writeU32 } from "./bytes.js";
import { crc32c } from "./crc32c.js";
import { combineCrc32c } from "./crc32c-combine.js";

/** The time of a batch, in milliseconds; -1 for one whose records have their own. */
export function logAppendTime(header: Uint8Array): number {
  return hasLogAppendTime(header, 0) ? maxTimestamp(header, 0) : -1;
}

/** Gives a valid batch a time. Its new CRC is derived from the old one, so the records are not read again. */
export function stampLogAppendTime(batch: Pieces, ms: number): void {
  const [header] = batch;
  const { attributes: start, producerId: end } = FIELD;
  const before = crc32c(header, start, end);
  writeU16(header, start, attributes(header, 0) | LOG_APPEND_TIME_BIT);
  writeI64(header, FIELD.maxTimestamp, ms);
  // A CRC is linear: the change of the header's CRC, shifted over the bytes after it, is the change of the batch's CRC.
  const change = before ^ crc32c(header, start, end);
  writeU32(header, FIELD.crc, combineCrc32c(change, crc(header, 0), bytesOf(batch) - end));
}
