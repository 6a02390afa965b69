// What Kafka's classic consumers say to each other, as far as the broker looks into it: the topics of a subscription
// (ConsumerProtocolSubscription) and the partitions of an assignment (ConsumerProtocolAssignment).
//   subscription  version i16 | topics array of string | …
//   assignment    version i16 | array of (topic string, partitions array of i32) | …
//   string  length i16 | UTF-8        array  length i32 | items
// Needed only to know whether committed offsets are in use, and to show who reads what.
import { readI16, readI32 } from "../record/bytes.js";

const decoder = new TextDecoder();

/** Some partitions of a topic. */
export interface TopicPartitionList {
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** The topics of all members. What can't be read has none, as in Kafka. */
export function subscribedTopics(subscriptions: readonly Uint8Array[]): ReadonlySet<string> {
  const topics = new Set<string>();
  for (const bytes of subscriptions) for (const topic of topicsIn(bytes)) topics.add(topic);
  return topics;
}

function topicsIn(bytes: Uint8Array): string[] {
  const topics: string[] = [];
  if (bytes.length < 6 || readI16(bytes, 0) < 0) return topics;
  let at = 6;
  for (let left = readI32(bytes, 2); left > 0; left--) {
    if (bytes.length - at < 2) return [];
    const length = readI16(bytes, at);
    at += 2;
    if (length < 0 || bytes.length - at < length) return [];
    topics.push(decoder.decode(bytes.subarray(at, at + length)));
    at += length;
  }
  return topics;
}

/** The partitions of an assignment; none if it can't be read. */
export function assignedPartitions(bytes: Uint8Array): TopicPartitionList[] {
  const assigned: TopicPartitionList[] = [];
  if (bytes.length < 6 || readI16(bytes, 0) < 0) return assigned;
  let at = 6;
  for (let left = readI32(bytes, 2); left > 0; left--) {
    if (bytes.length - at < 2) return [];
    const length = readI16(bytes, at);
    const countAt = at + 2 + length;
    if (length < 0 || bytes.length - countAt < 4) return [];
    const topic = decoder.decode(bytes.subarray(at + 2, countAt));
    const count = readI32(bytes, countAt);
    at = countAt + 4;
    if (count < 0 || count > (bytes.length - at) / 4) return [];
    const partitions = Array.from({ length: count }, (_, i) => readI32(bytes, at + 4 * i));
    assigned.push({ topic, partitions });
    at += 4 * count;
  }
  return assigned;
}
