// ListOffsets: the ends of a log, and the offset of a time.
// Leaves to others: searching the log (topics/partition.ts).
import { RustLogError } from "../errors.js";
import type { Partition } from "../topics/partition.js";
import type { ServiceContext } from "./context.js";
import { type NamedPartition, partitionOf } from "./named-partition.js";
import { failureOf, type Outcome } from "./outcome.js";

/** Instead of a time: the high watermark. */
export const TIMESTAMP_LATEST = -1;
/** Instead of a time: the log start offset. */
export const TIMESTAMP_EARLIEST = -2;

interface PartitionTimestamp extends NamedPartition {
  /** Milliseconds since the epoch; -1 for the high watermark, -2 for the log start. */
  readonly timestamp: number;
}

interface ListedOffset {
  /** For a time: base offset of the first batch with a record at or after it, or the high watermark. */
  readonly offset: number;
  /** For a time: the largest timestamp in that batch; -1 if there is none, and for -1 and -2. */
  readonly timestamp: number;
  readonly topicId: string | undefined;
}

/** Looks up many times, independently. Resolves with the results in order. */
export function listOffsets(
  context: ServiceContext,
  moments: readonly PartitionTimestamp[],
): Promise<Outcome<ListedOffset>[]> {
  return Promise.all(moments.map((moment) => listOffset(context, moment).catch(failureOf)));
}

export async function listOffset(
  context: ServiceContext,
  moment: PartitionTimestamp,
): Promise<ListedOffset> {
  await partitionOf(context, "DESCRIBE", moment).prepareTimeSearch(moment.timestamp);
  // Look it up again: it may have been deleted in the meantime.
  const partition = partitionOf(context, "DESCRIBE", moment);
  return {
    ...find(partition, moment.timestamp),
    topicId: context.registry.find(partition.topic)?.id,
  };
}

function find(partition: Partition, timestamp: number): { offset: number; timestamp: number } {
  if (timestamp === TIMESTAMP_LATEST) return { offset: partition.highWatermark, timestamp: -1 };
  if (timestamp === TIMESTAMP_EARLIEST) return { offset: partition.logStartOffset, timestamp: -1 };
  if (timestamp >= 0) return partition.offsetForTimestamp(timestamp);
  throw new RustLogError(
    "INVALID_REQUEST",
    `timestamp ${timestamp} is invalid; expected milliseconds since 1970, ${TIMESTAMP_LATEST} for the latest offset ` +
      `or ${TIMESTAMP_EARLIEST} for the earliest`,
  );
}
