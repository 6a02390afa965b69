// CreateTopic, ListTopics, DescribeTopic and DeleteTopic.
// Leaves to others: topics on disk (topics/topic-registry.ts).
import { RustLogError } from "../../errors.ts";
import { OFFLINE_REASON_LENGTH_MAX } from "../../limits.ts";
import {
  type DeleteTopicRequest,
  encodeDeleteTopicResponse,
} from "../../protocol/native/delete-topic.ts";
import {
  type CreateTopicRequest,
  type DescribeTopicRequest,
  encodeCreateTopicResponse,
  encodeDescribeTopicResponse,
  type ListedTopic,
  listedTopicWriter,
  type ListTopicsRequest,
  TOPIC_PAGES_SINCE,
} from "../../protocol/native/topics.ts";
import type { Topic } from "../../topics/topic.ts";
import { collectSoon } from "../collector.ts";
import type { Exchange } from "../exchange.ts";
import type { BrokerServices } from "../services.ts";
import { refuseInternalTopic } from "./internal-topic.ts";
import { answerList } from "./list.ts";

/** Answers a CreateTopic request once the topic would survive a crash. */
export async function createTopic(
  services: BrokerServices,
  exchange: Exchange,
  request: CreateTopicRequest,
): Promise<void> {
  refuseInternalTopic(request.topic, "created");
  const settings: Record<string, string> = Object.fromEntries(
    request.settings.map(({ name, value }) => [name, value]),
  );
  const topic = await services.registry.create(request.topic, request.partitions, settings);
  const created = { partitions: topic.partitions.length, topicId: topic.id };
  const { correlationId, apiVersion } = exchange;
  exchange.answer(encodeCreateTopicResponse(correlationId, created, apiVersion));
}

/** Answers a ListTopics request, with internal topics. */
export function listTopics(
  services: BrokerServices,
  exchange: Exchange,
  { after, limit }: ListTopicsRequest,
): Promise<void> {
  return answerList(exchange, {
    items: topicsAfter(services.registry.list(), after),
    write: listedTopicWriter(exchange.apiVersion),
    limit,
    pagesSince: TOPIC_PAGES_SINCE,
  });
}

function* topicsAfter(topics: readonly Topic[], after: string): Generator<ListedTopic, void> {
  for (const { name, partitions, internal, id, offline } of topics) {
    if (name <= after) continue;
    const count = partitions.length;
    yield { name, partitions: count, internal, topicId: id, offline: offline.length };
  }
}

/** Answers a DescribeTopic request, at once unless the topic must be created first. */
export function describeTopic(
  services: BrokerServices,
  exchange: Exchange,
  request: DescribeTopicRequest,
): void | Promise<void> {
  const { registry } = services;
  const found = registry.find(request.topic);
  if (found !== undefined) return answerDescription(exchange, found);
  if (!request.createIfMissing) {
    throw new RustLogError("UNKNOWN_TOPIC_OR_PARTITION", `there is no topic '${request.topic}'`);
  }
  refuseInternalTopic(request.topic, "created");
  return Promise.resolve(registry.ensure(request.topic)).then((topic) =>
    answerDescription(exchange, topic),
  );
}

function answerDescription(exchange: Exchange, topic: Topic): void {
  const description = {
    name: topic.name,
    internal: topic.internal,
    settings: Object.entries(topic.settings).map(([name, value]) => ({ name, value })),
    partitions: topic.partitions.map((partition) => ({
      ...partition.describe(),
      offline: partition.offline?.slice(0, OFFLINE_REASON_LENGTH_MAX) ?? "",
    })),
    topicId: topic.id,
  };
  const { correlationId, apiVersion } = exchange;
  exchange.answer(encodeDescribeTopicResponse(correlationId, description, apiVersion));
}

/** Answers a DeleteTopic request once the topic would not come back, and no other gets what groups committed for it. */
export async function deleteTopic(
  services: BrokerServices,
  exchange: Exchange,
  request: DeleteTopicRequest,
): Promise<void> {
  refuseInternalTopic(request.topic, "deleted");
  await services.registry.delete(request.topic);
  collectSoon();
  exchange.answer(encodeDeleteTopicResponse(exchange.correlationId, {}));
}
