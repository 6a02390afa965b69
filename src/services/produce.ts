// Produce: checks a batch, creates its topic if missing, and appends it.
// Leaves to others: what a valid batch is (record/produced-batch.ts, checked-append.ts), and the offset, the append and its flush
// (topics/partition.ts).
import { RustLogError } from "../errors.js";
import type { Pieces } from "../record/bytes.js";
import { checkProducedBatch } from "../record/produced-batch.js";
import type { AppendWaiter } from "../topics/appender.js";
import type { ServiceContext } from "./context.js";
import { appendChecked } from "./checked-append.js";
import { type NamedPartition, topicNameOf } from "./named-partition.js";
import { noteCreation } from "./topics.js";
import { refuseInternalTopic, requireCreation, requireOnTopic } from "./permissions.js";
import { checkTimestamps } from "./timestamp-check.js";

export interface PartitionBatch extends NamedPartition {
  /** The base offset is stamped into these bytes. */
  readonly batch: Pieces;
}

/** An `AppendWaiter` that also learns that a topic is created for the batch, and why it could not be. */
export interface ProduceWaiter extends AppendWaiter {
  creates?(partitions: number): void;
  refused(error: unknown): void;
}

/**
 * Appends a batch. The waiter gets its base offset once the flush policy is satisfied. Batches for one partition are
 * appended in the order of the calls, even while their topic is being created. Throws what is wrong with the request.
 */
export function produceFor(
  waiter: ProduceWaiter,
  context: ServiceContext,
  batch: PartitionBatch,
): void {
  // Check everything first: an invalid request must not create a topic.
  const name = topicNameOf(context, batch);
  requireOnTopic(context, "WRITE", name);
  refuseInternalTopic(name, "produced to");
  const found = context.registry.find(name);
  checkProducedBatch(batch.batch, found?.batchBytesMax ?? context.batchBytesMax);
  const settings = found?.logSettings.current ?? context.registry.logDefaults;
  checkTimestamps(batch.batch[0], settings, context.registry.now());
  if (found === undefined) checkNewTopic(context, name, batch.partition);
  const creates =
    found === undefined ? (count: number): void => waiter.creates?.(count) : undefined;
  const topic = context.registry.ensure(name, creates);
  if (topic instanceof Promise) {
    topic
      .then(({ partitions }) => {
        noteCreation(context, name, partitions.length);
        append(context, name, batch, waiter);
      })
      .catch((error: unknown) => waiter.refused(error));
  } else append(context, name, batch, waiter);
}

/** The same with a promise, which also rejects with what is wrong with the request. */
export function produce(context: ServiceContext, batch: PartitionBatch): Promise<number> {
  return new Promise((appended, refused) => produceFor({ appended, refused }, context, batch));
}

/** The append starts immediately; only its acknowledgement takes time. */
function append(
  { registry }: ServiceContext,
  topic: string,
  { partition, batch }: PartitionBatch,
  waiter: AppendWaiter,
): void {
  appendChecked(registry.partition(topic, partition), batch, waiter, registry.now());
}

/** A produce to a partition that the new topic would not have must not create the topic. */
function checkNewTopic(context: ServiceContext, topic: string, partition: number): void {
  const { autoCreateTopics, defaultPartitions } = context;
  if (!autoCreateTopics) return;
  requireCreation(context, topic);
  if (partition < defaultPartitions) return;
  throw new RustLogError(
    "UNKNOWN_TOPIC_OR_PARTITION",
    `topic '${topic}' does not exist, and creating it would not create partition ${partition}: ` +
      `it would have ${defaultPartitions}, numbered from 0`,
  );
}
