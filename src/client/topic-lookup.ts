// How many partitions a topic has, for a producer: a topic that is not there yet is created by the broker,
// if the broker creates topics by itself. Leaves to others: what is done with the number (producer-topic).

import { type ErrorName, RustLogError } from "../errors.ts";
import { decodeProduceResponse, encodeProduceRequestHead } from "../protocol/produce.ts";
import {
  decodeCreateTopicResponse,
  decodeDescribeTopicResponse,
  encodeCreateTopicRequest,
  encodeDescribeTopicRequest,
} from "../protocol/topics.ts";
import { BatchEncoder } from "../record/encoder.ts";
import { backoffMs, pause } from "./backoff.ts";
import type { BrokerLink, RetryPolicy } from "./link.ts";

/** First wait for a topic that somebody else is creating, in milliseconds. */
const CREATION_POLL_MS = 2;

/** How long a lookup may take, and what ends it. */
export type LookupPolicy = RetryPolicy & { readonly retryMs: number };

/** A name that no topic can have. */
const NO_TOPIC = ".";

/**
 * Number of partitions of `topic`. Throws UNKNOWN_TOPIC_OR_PARTITION when it is not there and the broker
 * does not create topics by itself, INVALID_TOPIC for a name that can't be one.
 */
export async function lookUpPartitions(
  link: BrokerLink,
  topic: string,
  policy: LookupPolicy,
): Promise<number> {
  try {
    return await countPartitions(link, topic, policy);
  } catch (error) {
    if (!hasCode(error, "UNKNOWN_TOPIC_OR_PARTITION")) throw error;
    if (!(await createsTopics(link, policy))) throw error;
  }
  try {
    const created = await link.request(
      {
        encode: (id) => encodeCreateTopicRequest(id, { topic, partitions: 0, settings: [] }),
        decode: decodeCreateTopicResponse,
      },
      policy,
    );
    return created.partitions;
  } catch (error) {
    // Another producer was faster, or it was our own request, whose answer was lost.
    if (!hasCode(error, "TOPIC_ALREADY_EXISTS")) throw error;
    return await awaitTopic(link, topic, policy);
  }
}

/** Partitions of a topic that somebody is creating: it can't be described before it is there. */
async function awaitTopic(link: BrokerLink, topic: string, policy: LookupPolicy): Promise<number> {
  const until = performance.now() + policy.retryMs;
  for (let failures = 1; ; failures++) {
    try {
      return await countPartitions(link, topic, policy);
    } catch (error) {
      const isLate = performance.now() >= until;
      if (isLate || !hasCode(error, "UNKNOWN_TOPIC_OR_PARTITION")) throw error;
      await pause(backoffMs(failures, CREATION_POLL_MS), policy.signal);
    }
  }
}

async function countPartitions(
  link: BrokerLink,
  topic: string,
  policy: LookupPolicy,
): Promise<number> {
  const { partitions } = await link.request(
    {
      encode: (id) => encodeDescribeTopicRequest(id, { topic }),
      decode: decodeDescribeTopicResponse,
    },
    policy,
  );
  return partitions.length;
}

/**
 * Whether a Produce would make the broker create its topic. A keyed record can't be sent to find out: its
 * partition depends on how many there will be. So we produce to a topic that can't exist: a broker that
 * creates topics objects to the name, any other one does not know the topic.
 */
async function createsTopics(link: BrokerLink, policy: LookupPolicy): Promise<boolean> {
  const encoder = new BatchEncoder({ initialBytes: 128 });
  encoder.append(Date.now(), null, null);
  const batch = encoder.finish();
  try {
    await link.request(
      {
        encode: (id) => encodeProduceRequestHead(id, NO_TOPIC, 0, batch.length),
        tail: batch,
        decode: decodeProduceResponse,
      },
      policy,
    );
  } catch (error) {
    if (hasCode(error, "INVALID_TOPIC")) return true;
    if (hasCode(error, "UNKNOWN_TOPIC_OR_PARTITION")) return false;
    throw error;
  }
  throw new RustLogError("UNKNOWN_SERVER_ERROR", `the broker took a topic named '${NO_TOPIC}'`);
}

function hasCode(error: unknown, code: ErrorName): boolean {
  return error instanceof RustLogError && error.code === code;
}
