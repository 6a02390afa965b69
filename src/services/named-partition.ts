// Finds the topic or partition that a request names, and checks that the topic was not recreated.
// Leaves to others: the set of topics (topics/topic-registry.ts).
import { RustLogError } from "../errors.js";
import type { AnyPartition } from "../topics/offline-partition.js";
import type { Partition } from "../topics/partition.js";
import type { Operation } from "../security/permission.js";
import type { ServiceContext } from "./context.js";
import { isPermitted, requireOnTopic } from "./permissions.js";

export interface NamedTopic {
  /** Name of the topic; empty if the request states only its id. */
  readonly topic: string;
  /** Id of the topic; if undefined, the topic that has the name now. */
  readonly topicId?: string | undefined;
}

export interface NamedPartition extends NamedTopic {
  readonly partition: number;
}

/** Throws INVALID_REQUEST if a partition is named twice; `why` that can't be, for the message. */
export function refuseRepeated(named: readonly NamedPartition[], why: string): void {
  const seen = new Map<string, Set<number>>();
  for (const { topic, partition } of named) {
    const partitions = seen.get(topic) ?? new Set<number>();
    seen.set(topic, partitions);
    if (partitions.has(partition)) {
      throw new RustLogError("INVALID_REQUEST", `${topic}-${partition} is named twice: ${why}`);
    }
    partitions.add(partition);
  }
}

/** The name of a topic. Throws UNKNOWN_TOPIC_ID if only an id is stated and no topic has it. */
export function topicNameOf(context: ServiceContext, { topic, topicId }: NamedTopic): string {
  if (topic !== "" || topicId === undefined) return topic;
  const found = context.registry.byId(topicId);
  if (found === undefined) throw unknownTopicId(context, topic, topicId);
  return found.name;
}

/** Throws TOPIC_AUTHORIZATION_FAILED unless the caller may do this. The error has no name that the caller does not know. */
export function requireOnNamed(
  context: ServiceContext,
  operation: Operation,
  name: string,
  { topic, topicId }: NamedTopic,
): void {
  const hasName = topic !== "" || topicId === undefined;
  if (!hasName && !isPermitted(context, operation, "TOPIC", name)) {
    const who = context.caller.principal;
    const message = `${who} has no permission ${operation} on the topic with id ${topicId}`;
    throw new RustLogError("TOPIC_AUTHORIZATION_FAILED", message);
  }
  if (hasName) requireOnTopic(context, operation, name);
}

/**
 * Throws TOPIC_AUTHORIZATION_FAILED unless the caller may do this, UNKNOWN_TOPIC_ID if the topic was recreated or no topic
 * has the id, UNKNOWN_TOPIC_OR_PARTITION, or STORAGE_ERROR if the partition is offline.
 */
export function partitionOf(
  context: ServiceContext,
  operation: Operation,
  named: NamedPartition,
): Partition {
  return context.registry.partition(currentTopic(context, operation, named), named.partition);
}

/** The same, for what can be done with an offline partition, too. */
export function anyPartitionOf(
  context: ServiceContext,
  operation: Operation,
  named: NamedPartition,
): AnyPartition {
  const { registry } = context;
  const topic = currentTopic(context, operation, named);
  return (
    registry.find(topic)?.partitions[named.partition] ?? registry.partition(topic, named.partition)
  );
}

/** The name of a topic. Throws UNKNOWN_TOPIC_ID if the topic that is meant is not there any more. */
function currentTopic(context: ServiceContext, operation: Operation, named: NamedTopic): string {
  const topic = topicNameOf(context, named);
  requireOnNamed(context, operation, topic, named);
  const { topicId } = named;
  if (topicId !== undefined && !context.registry.hasId(topic, topicId)) {
    throw unknownTopicId(context, topic, topicId);
  }
  return topic;
}

/** The error for a topic that had this id; its name may be unknown. */
export function unknownTopicId(
  { registry }: ServiceContext,
  topic: string,
  topicId: string,
): RustLogError {
  if (topic === "") return new RustLogError("UNKNOWN_TOPIC_ID", `no topic has the id ${topicId}`);
  const now = registry.find(topic)?.id;
  const since =
    now === undefined || now === topicId
      ? "was deleted"
      : `was deleted and recreated with id ${now}`;
  return new RustLogError("UNKNOWN_TOPIC_ID", `topic '${topic}' with id ${topicId} ${since}`);
}
