// The partition that a request names, if the topic is still the one that its sender knows.
// Leaves to others: which topics there are (topics/topic-registry.ts).
import { RustLogError } from "../../errors.ts";
import type { Partition } from "../../topics/partition.ts";
import type { TopicRegistry } from "../../topics/topic-registry.ts";

interface NamedPartition {
  readonly topic: string;
  readonly partition: number;
  /** The topic that is meant; whichever has the name, if undefined. */
  readonly topicId?: string | undefined;
}

/** Throws UNKNOWN_TOPIC_ID if the topic is another one by now, and UNKNOWN_TOPIC_OR_PARTITION. */
export function partitionOf(registry: TopicRegistry, named: NamedPartition): Partition {
  const { topic, topicId } = named;
  if (topicId !== undefined && !registry.hasId(topic, topicId)) {
    throw unknownTopicId(registry, topic, topicId);
  }
  return registry.partition(topic, named.partition);
}

/** The error for a topic that had this id. */
export function unknownTopicId(
  registry: TopicRegistry,
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
