// DeleteRecords: deletes the start of a partition's log, up to an offset.
// Leaves to others: the log start on disk (log/log-start.ts), and freeing space (topics/topic-registry.ts).
import { RustLogError } from "../errors.js";
import { Portions } from "../log/event-loop.js";
import type { Partition } from "../topics/partition.js";
import type { ServiceContext } from "./context.js";
import { fewAtATime, type Pause } from "./few-at-a-time.js";
import { type NamedPartition, partitionOf, refuseRepeated } from "./named-partition.js";
import { failureOf, type Outcome } from "./outcome.js";
import { refuseInternalTopic } from "./permissions.js";

const ONE_OFFSET = "a deletion has one offset for each partition";

/** Instead of an offset: the high watermark. */
export const OFFSET_LATEST = -1;

interface RecordsToDelete extends NamedPartition {
  /** The records below it are deleted; -1 stands for the high watermark. */
  readonly offset: number;
}

/** Partitions worked on concurrently. Low, because each flushes several files, and clients' flushes wait behind them. */
const PARTITIONS_AT_ONCE = 4;

/** Partitions checked per turn of the event loop. */
const CHECKED_PER_TURN = 250;

/** The same as `checkDeletions`, in several turns of the event loop: for requests with very many partitions. */
export async function checkManyDeletions(
  context: ServiceContext,
  requests: readonly RecordsToDelete[],
): Promise<void> {
  refuseRepeated(requests, ONE_OFFSET);
  const portions = new Portions(CHECKED_PER_TURN);
  for (const request of requests) {
    checkDeletion(context, request);
    await portions.next();
  }
}

/**
 * Makes all checks of `deleteRecords`, and deletes nothing. Throws what the first partition that fails would fail with,
 * and INVALID_REQUEST if one is named twice.
 */
export function checkDeletions(
  context: ServiceContext,
  requests: readonly RecordsToDelete[],
): void {
  refuseRepeated(requests, ONE_OFFSET);
  for (const request of requests) checkDeletion(context, request);
}

function checkDeletion(context: ServiceContext, request: RecordsToDelete): void {
  const partition = partitionToTrim(context, request);
  partition.checkLogStart(endOf(partition, request));
}

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
  const partition = partitionToTrim(context, request);
  await context.registry.deleteRecords(partition, endOf(partition, request));
  const { name, logStartOffset } = partition;
  context.audit.changed(context.caller, "topic-trimmed", { partition: name, logStartOffset });
  return partition.logStartOffset;
}

function partitionToTrim(context: ServiceContext, request: RecordsToDelete): Partition {
  const partition = partitionOf(context, "DELETE", request);
  refuseInternalTopic(partition.topic, "trimmed");
  const { compacts, deletes } = partition.settings;
  if (compacts && !deletes) {
    const message = `${partition.name}: cleanup.policy=compact keeps the last record of each key, so records can't be deleted by their offset`;
    throw new RustLogError("POLICY_VIOLATION", message);
  }
  return partition;
}

/** The offset below which the records are deleted. */
function endOf({ highWatermark }: Partition, { offset }: RecordsToDelete): number {
  return offset === OFFSET_LATEST ? highWatermark : offset;
}
