// DeleteRecords: deletes the start of a partition's log, up to an offset.
// Leaves to others: the log start on disk (log/log-start.ts), and freeing space (topics/topic-registry.ts).
import type { ServiceContext } from "./context.js";
import { fewAtATime, type Pause } from "./few-at-a-time.js";
import { type NamedPartition, partitionOf } from "./named-partition.js";
import { failureOf, type Outcome } from "./outcome.js";
import { refuseInternalTopic } from "./permissions.js";

/** Instead of an offset: the high watermark. */
const OFFSET_LATEST = -1;

interface RecordsToDelete extends NamedPartition {
  /** The records below it are deleted; -1 stands for the high watermark. */
  readonly offset: number;
}

/** Partitions worked on concurrently. Low, because each flushes several files, and clients' flushes wait behind them. */
const PARTITIONS_AT_ONCE = 4;

/**
 * Deletes records of many partitions, independently. Resolves with the log start offset of each, in order, once the
 * deletion would survive a crash.
 */
export function deleteRecords(
  context: ServiceContext,
  requests: readonly RecordsToDelete[],
  pause?: Pause,
): Promise<Outcome<number>[]> {
  const work = (request: RecordsToDelete): Promise<Outcome<number>> =>
    deleteFrom(context, request).catch(failureOf);
  return fewAtATime(requests, PARTITIONS_AT_ONCE, work, pause);
}

async function deleteFrom(context: ServiceContext, request: RecordsToDelete): Promise<number> {
  const partition = partitionOf(context, request);
  refuseInternalTopic(partition.topic, "trimmed");
  const { offset } = request;
  const upTo = offset === OFFSET_LATEST ? partition.highWatermark : offset;
  await context.registry.deleteRecords(partition, upTo);
  return partition.logStartOffset;
}
