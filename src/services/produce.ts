// Produce: checks a batch, creates its topic if missing, and appends it.
// Leaves to others: what a valid batch is (record/produced-batch.ts), and the offset, the append and its flush
// (topics/partition.ts).
import { RustLogError } from "../errors.js";
import type { Pieces } from "../record/bytes.js";
import { checkProducedBatch } from "../record/produced-batch.js";
import type { ServiceContext } from "./context.js";
import { type NamedPartition, partitionOf, topicNameOf } from "./named-partition.js";
import { failureOf, type Outcome } from "./outcome.js";
import { refuseInternalTopic } from "./permissions.js";

export interface PartitionBatch extends NamedPartition {
  /** The base offset is stamped into these bytes. */
  readonly batch: Pieces;
}

interface Appended {
  readonly baseOffset: number;
  /** Offset of the first record of the log. */
  readonly logStartOffset: number;
}

/** Appends between two pauses of `produceAll`: about a millisecond of work. */
const PORTION_BATCHES = 100;

/**
 * Appends batches to existing topics, independently: a failed one stops no other. The appends start immediately, in
 * order, or with pauses if there is a `pause`; resolves with the outcomes once all are acknowledged.
 */
export async function produceAll(
  context: ServiceContext,
  batches: readonly PartitionBatch[],
  pause?: () => Promise<void>,
): Promise<Outcome<Appended>[]> {
  const appends: Promise<Outcome<Appended>>[] = [];
  for (const batch of batches) {
    appends.push(produceToExisting(context, batch));
    if (pause !== undefined && appends.length % PORTION_BATCHES === 0) await pause();
  }
  return await Promise.all(appends);
}

async function produceToExisting(
  context: ServiceContext,
  batch: PartitionBatch,
): Promise<Outcome<Appended>> {
  try {
    const name = topicNameOf(context, batch);
    refuseInternalTopic(name, "produced to");
    const partition = partitionOf(context, batch);
    const bytesMax = context.registry.find(name)?.batchBytesMax ?? context.batchBytesMax;
    checkProducedBatch(batch.batch, bytesMax);
    const baseOffset = await partition.append(...batch.batch);
    return { baseOffset, logStartOffset: partition.logStartOffset };
  } catch (error) {
    return failureOf(error);
  }
}

/**
 * Appends a batch. Resolves with its base offset once the flush policy is satisfied. Batches for one partition are
 * appended in the order of the calls, even while their topic is being created.
 */
export function produce(context: ServiceContext, batch: PartitionBatch): Promise<number> {
  try {
    // Check everything first: an invalid request must not create a topic.
    const name = topicNameOf(context, batch);
    refuseInternalTopic(name, "produced to");
    const found = context.registry.find(name);
    checkProducedBatch(batch.batch, found?.batchBytesMax ?? context.batchBytesMax);
    if (found === undefined) refuseMissingPartition(context, name, batch.partition);
    const topic = context.registry.ensure(name);
    return topic instanceof Promise
      ? topic.then(() => append(context, name, batch))
      : append(context, name, batch);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** The append starts immediately; only its acknowledgement takes time. */
function append(
  { registry }: ServiceContext,
  topic: string,
  { partition, batch }: PartitionBatch,
): Promise<number> {
  return registry.partition(topic, partition).append(...batch);
}

/** A produce to a partition that the new topic would not have must not create the topic. */
function refuseMissingPartition(
  { autoCreateTopics, defaultPartitions }: ServiceContext,
  topic: string,
  partition: number,
): void {
  if (!autoCreateTopics || partition < defaultPartitions) return;
  throw new RustLogError(
    "UNKNOWN_TOPIC_OR_PARTITION",
    `topic '${topic}' does not exist, and creating it would not create partition ${partition}: ` +
      `it would have ${defaultPartitions}, numbered from 0`,
  );
}
