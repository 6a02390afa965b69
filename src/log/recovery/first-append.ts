// When the first batch of a segment was appended, from which its age counts. No file says it: the batch's timestamp has
// to do. Leaves to others: rolling the segment (log.ts).
import { baseTimestamp, FIELD, isSafeI64 } from "../../record/batch.js";
import { logAppendTime } from "../../record/log-append-time.js";
import type { AppendFile } from "../disk/disk.js";

/** In milliseconds since the epoch; `nowMs` if the timestamp is impossible, or in the future. */
export function firstAppendTime(file: AppendFile, nowMs: number): number {
  const header = new Uint8Array(64);
  file.read(header, 0);
  // The first batch may be damaged.
  if (!isSafeI64(header, FIELD.baseTimestamp) || !isSafeI64(header, FIELD.maxTimestamp)) {
    return nowMs;
  }
  const stamped = logAppendTime(header);
  const first = stamped < 0 ? baseTimestamp(header, 0) : stamped;
  return first > 0 && first < nowMs ? first : nowMs;
}
