// The partitions from which that of a record is chosen, for records whose partition the broker chooses. Clients choose it
// themselves.
// Leaves to others: the choice (http/api/produce.ts), and the produce (produce.ts).
import { unknownTopic } from "../topics/topic-error.js";
import { checkTopicName } from "../topics/topic-settings.js";
import type { ServiceContext } from "./context.js";
import { refuseInternalTopic, requireOnTopic } from "./permissions.js";

/**
 * The number of partitions of a topic to which the caller may produce. Of a missing topic, those that it would get; throws
 * UNKNOWN_TOPIC_OR_PARTITION unless `mayCreate`.
 */
export function partitionsToChooseFrom(
  context: ServiceContext,
  topic: string,
  mayCreate: boolean,
): number {
  requireOnTopic(context, "WRITE", topic);
  refuseInternalTopic(topic, "produced to");
  const found = context.registry.find(topic);
  if (found !== undefined) return found.partitions.length;
  checkTopicName(topic);
  if (!mayCreate) throw unknownTopic(topic);
  return context.defaultPartitions;
}
