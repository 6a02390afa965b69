// The topics in the subscriptions of consumers, in the format of Kafka's classic consumers (ConsumerProtocolSubscription):
//   version i16 | topics array of string | …        string  length i16 | UTF-8        array  length i32 | items
// Needed only to know whether committed offsets are in use.
import { readI16, readI32 } from "../record/bytes.js";

const decoder = new TextDecoder();

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
