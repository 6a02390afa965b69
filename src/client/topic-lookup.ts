// How many partitions a topic has, for a producer: a topic that is not there yet is created by the broker,
// if the broker creates topics by itself. Leaves to others: what is done with the number (producer-topic).

import { DescribeTopic } from "../protocol/native/topics.ts";
import { type BrokerLink, callOf, type RetryPolicy } from "./link.ts";

/**
 * Number of partitions of `topic`. Throws UNKNOWN_TOPIC_OR_PARTITION when it is not there and is not created
 * (`createIfMissing` is false, or the broker does not create topics by itself), INVALID_TOPIC for a name that can't be one.
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
