// Finds the offset of the first record at or after a time. The broker finds the batch; the client finds the record in it.
// Leaves to others: other ways to name an offset (offset-spec).

import { RustLogError } from "../errors.js";
import { Fetch } from "../protocol/native/fetch.js";
import { ListOffsets } from "../protocol/native/offsets.js";
import { RecordCursor } from "../record/cursor.js";
import type { TopicPartition } from "./admin-types.js";
import { type BrokerLink, callOf, type RetryPolicy } from "./link.js";

/**
 * Offset of the first record of a partition whose timestamp is `ms` (milliseconds since 1970) or later. The high watermark
 * if there is none; the offset of the batch if its records can't be read. Throws UNKNOWN_TOPIC_OR_PARTITION, and
 * CORRUPT_MESSAGE if the broker refuses to read its log.
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
    // The broker returns one batch whatever its size.
    const one = { maxBytes: 1, minBytes: 1, maxWaitMs: 0 };
    const fetch = { ...where, ...one, group: "", offset };
    const { batches, nextOffset, highWatermark } = await link.request(callOf(Fetch, fetch), policy);
    const cursor = new RecordCursor().reset(batches, 0, batches.length, { fromOffset: offset });
    try {
      while (cursor.next()) if (cursor.timestamp >= ms) return cursor.offset;
    } catch (error) {
      // The batch can't be read. A reader that starts there gets an error with the details.
      if (!(error instanceof RustLogError)) throw error;
      return offset;
    }
    // The record with the batch's largest timestamp is below the log start, or compaction has removed it.
    if (nextOffset <= offset || nextOffset >= highWatermark) return nextOffset;
    offset = nextOffset;
  }
}
