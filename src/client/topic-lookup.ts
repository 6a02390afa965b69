// Looks up the number of partitions of a topic for a producer. A broker with automatic topic creation creates a missing
// topic. Leaves to others: using the number (producer-topic).

import { DescribeTopic } from "../protocol/native/topics.js";
import { type BrokerLink, callOf, type RetryPolicy } from "./link.js";

/**
 * Number of partitions of `topic`. Throws UNKNOWN_TOPIC_OR_PARTITION if it does not exist and is not created
 * (`createIfMissing` is false, or the broker does not create topics automatically), and INVALID_TOPIC for an invalid name.
 */
export async function lookUpPartitions(
  link: BrokerLink,
  topic: string,
  policy: RetryPolicy,
  createIfMissing = true,
): Promise<number> {
  const { partitions } = await link.request(
    callOf(DescribeTopic, { topic, createIfMissing }),
    policy,
  );
  return partitions.length;
}
