// The offset of the first record that is not older than a time. The broker knows the batch; which record
// in it is the first, only its records tell. Leaves to others: other ways to name an offset (offset-spec).

import { RustLogError } from "../errors.ts";
import { Fetch } from "../protocol/native/fetch.ts";
import { ListOffsets } from "../protocol/native/offsets.ts";
import { RecordCursor } from "../record/cursor.ts";
import type { TopicPartition } from "./admin-types.ts";
import { type BrokerLink, callOf, type RetryPolicy } from "./link.ts";

/**
 * Offset of the first record of a partition whose timestamp is `ms` (milliseconds since 1970) or later; the
 * high watermark when there is none; that of the batch when its records can't be read. Throws
 * UNKNOWN_TOPIC_OR_PARTITION, and CORRUPT_MESSAGE where the broker refuses to read its log.
 */
export async function offsetForTimestamp(
  link: BrokerLink,
  where: TopicPartition,
  ms: number,
  policy: RetryPolicy,
): Promise<number> {
  const found = await link.request(callOf(ListOffsets, { ...where, timestamp: ms }), policy);
  if (found.timestamp < 0) return found.offset;
  for (let { offset } = found; ;) {
    // One batch is returned whatever its size.
    const one = { maxBytes: 1, minBytes: 1, maxWaitMs: 0 };
    const fetch = { ...where, ...one, group: "", offset };
    const { batches, nextOffset, highWatermark } = await link.request(callOf(Fetch, fetch), policy);
    const cursor = new RecordCursor().reset(batches, 0, batches.length, { fromOffset: offset });
    try {
      while (cursor.next()) if (cursor.timestamp >= ms) return cursor.offset;
    } catch (error) {
      // A batch that can't be read has no first record: reading it says what is wrong, and how to go on.
      if (!(error instanceof RustLogError)) throw error;
      return offset;
    }
    // The record that the batch's timestamp is of is below the log start, or compaction has removed it.
    if (nextOffset <= offset || nextOffset >= highWatermark) return nextOffset;
    offset = nextOffset;
  }
}
