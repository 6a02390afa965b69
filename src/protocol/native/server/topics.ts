// CreateTopic, ListTopics, DescribeTopic and DeleteTopic.
// Leaves to others: the work (services/topics.ts).
import { OFFLINE_REASON_LENGTH_MAX } from "../../../limits.js";
import {
  CreateTopic,
  type CreateTopicRequest,
  DeleteTopic,
  type DeleteTopicRequest,
  DescribeTopic,
  type DescribeTopicRequest,
  ListTopics,
  type ListTopicsRequest,
} from "../topics.js";
import type { ServiceContext } from "../../../services/context.js";
import * as services from "../../../services/topics.js";
import type { Exchange } from "./exchange.js";
import { answerList } from "./list.js";

/** Answers a CreateTopic request. */
export async function createTopic(
  context: ServiceContext,
  exchange: Exchange,
  { topic: name, partitions, settings }: CreateTopicRequest,
): Promise<void> {
  const { correlationId, apiVersion } = exchange;
  const created = await services.createTopic(context, {
    ...{ name, partitions },
    settings: Object.fromEntries(settings.map((setting) => [setting.name, setting.value])),
  });
  exchange.answer(CreateTopic.encodeResponse(correlationId, created, apiVersion));
}

/** Answers a ListTopics request. */
export function listTopics(
  context: ServiceContext,
  exchange: Exchange,
  { after, limit }: ListTopicsRequest,
): Promise<void> {
  return answerList(exchange, ListTopics, services.listTopics(context, after), limit, {});
}

/** Answers a DescribeTopic request. */
export async function describeTopic(
  context: ServiceContext,
  exchange: Exchange,
  { topic, createIfMissing }: DescribeTopicRequest,
): Promise<void> {
  const { correlationId, apiVersion } = exchange;
  const described = await services.describeTopic(context, topic, createIfMissing);
  const response = {
    ...described,
    settings: Object.entries(described.settings).map(([name, value]) => ({ name, value })),
    partitions: described.partitions.map((partition) => ({
      ...partition,
      offline: partition.offline?.slice(0, OFFLINE_REASON_LENGTH_MAX) ?? "",
    })),
  };
  exchange.answer(DescribeTopic.encodeResponse(correlationId, response, apiVersion));
}

/** Answers a DeleteTopic request. */
export async function deleteTopic(
  context: ServiceContext,
  exchange: Exchange,
  { topic }: DeleteTopicRequest,
): Promise<void> {
  await services.deleteTopic(context, { topic });
  exchange.answer(DeleteTopic.encodeResponse(exchange.correlationId, {}));
}
