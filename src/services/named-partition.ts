// Finds the partition that a request names, and checks that its topic was not recreated.
// Leaves to others: the set of topics (topics/topic-registry.ts).
import { RustLogError } from "../errors.js";
import type { Partition } from "../topics/partition.js";
import type { ServiceContext } from "./context.js";

export interface NamedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Id of the topic; if undefined, the topic that has the name now. */
  readonly topicId?: string | undefined;
}

/**
 * Throws UNKNOWN_TOPIC_ID if the topic was recreated, UNKNOWN_TOPIC_OR_PARTITION, or STORAGE_ERROR if it is offline.
 */
export function partitionOf(context: ServiceContext, named: NamedPartition): Partition {
  const { registry } = context;
  const { topic, topicId } = named;
  if (topicId !== undefined && !registry.hasId(topic, topicId)) {
    throw unknownTopicId(context, topic, topicId);
  }
  return registry.partition(topic, named.partition);
}

/** The error for a topic that had this id. */
export function unknownTopicId(
  { registry }: ServiceContext,
  topic: string,
  topicId: string,
): RustLogError {
  const now = registry.find(topic)?.id;
  const since =
    now === undefined || now === topicId
      ? "was deleted"
      : `was deleted and recreated with id ${now}`;
  return new RustLogError("UNKNOWN_TOPIC_ID", `topic '${topic}' with id ${topicId} ${since}`);
}
