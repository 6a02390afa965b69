// Parses topics and some of their partitions: TOPIC, or TOPIC:P[,P...].
// Leaves to others: which topics and partitions exist.
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { partitionList } from "./numbers.js";

/** Some partitions of a topic. */
export interface TopicPartitions {
  readonly topic: string;
  /** Undefined for all. */
  readonly partitions: readonly number[] | undefined;
}

/** Parses one argument, and adds it to those before it: a topic that is repeated has the partitions of both. */
export function topicPartitionsList(
  text: string,
  previous: readonly TopicPartitions[] = [],
): readonly TopicPartitions[] {
  const colon = text.indexOf(":");
  const topic = colon === -1 ? text : text.slice(0, colon);
  if (topic === "") throw new InvalidArgumentError("Expected TOPIC or TOPIC:P[,P...].");
  const before = previous.find((it) => it.topic === topic);
  const isWhole = colon === -1 || (before !== undefined && before.partitions === undefined);
  const partitions = isWhole ? undefined : partitionList(text.slice(colon + 1), before?.partitions);
  return [...previous.filter((it) => it !== before), { topic, partitions }];
}
