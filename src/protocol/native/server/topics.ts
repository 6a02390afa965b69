// CreateTopic, ListTopics, DescribeTopic, DeleteTopic, AlterTopic, DeleteRecords and CompactTopic.
// Leaves to others: the work (services/topics.ts, services/alter-topic.ts, services/delete-records.ts,
// services/compact-topic.ts).
import { RustLogError } from "../../../errors.js";
import { OFFLINE_REASON_LENGTH_MAX } from "../../../limits.js";
import {
  AlterTopic,
  type AlterTopicRequest,
  COMPACTION_STATES,
  CompactTopic,
  type CompactTopicRequest,
  CreateTopic,
  type CreateTopicRequest,
  DeleteRecords,
  type DeleteRecordsRequest,
  DeleteTopic,
  type DeleteTopicRequest,
  DescribeTopic,
  type DescribeTopicRequest,
  ListTopics,
  type ListTopicsRequest,
} from "../topics.js";
import { effectiveSettings } from "../../../services/configs.js";
import type { ServiceContext } from "../../../services/context.js";
import * as records from "../../../services/delete-records.js";
import * as altering from "../../../services/alter-topic.js";
import * as compaction from "../../../services/compact-topic.js";
import { valuesOf } from "../../../services/outcome.js";
import * as services from "../../../services/topics.js";
import type { Exchange } from "./exchange.js";
import { answerList } from "./list.js";

/** The first version of DescribeTopic with the settings that a topic leaves to the broker. */
const ALL_SETTINGS_SINCE = 4;

/** Memory for a partition whose records are deleted: its decoded objects and its result. */
const DELETION_ENTRY_BYTES = 500;

/** Memory for a partition that is compacted: its decoded objects and its state. */
const COMPACTION_ENTRY_BYTES = 500;

/** Longest wait for the end of a run, in milliseconds. Short, so that no stop of the broker waits for it. */
const COMPACTION_WAIT_MS_MAX = 1_000;

/** Answers a CreateTopic request. */
export async function createTopic(
  context: ServiceContext,
  exchange: Exchange,
  { topic: name, partitions, settings }: CreateTopicRequest,
): Promise<void> {
  const { correlationId, apiVersion } = exchange;
  const wanted = {
    ...{ name, partitions },
    settings: Object.fromEntries(settings.map((setting) => [setting.name, setting.value])),
  };
  const created = await services.createTopic(context, wanted, (count) => exchange.mutate(count));
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
  const described = await services.describeTopic(context, topic, createIfMissing, (count) =>
    exchange.mutateByUse(count),
  );
  const response = {
    ...described,
    settings:
      apiVersion < ALL_SETTINGS_SINCE
        ? listOf(described.settings).map((own) => ({ ...own, source: "topic" }))
        : effectiveSettings(context, described),
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
  await services.deleteTopic(context, { topic }, (count) => exchange.mutate(count));
  exchange.answer(DeleteTopic.encodeResponse(exchange.correlationId, {}));
}

/** Answers an AlterTopic request. */
export async function alterTopic(
  context: ServiceContext,
  exchange: Exchange,
  { topic, settings, deletedSettings, partitions, validateOnly }: AlterTopicRequest,
): Promise<void> {
  const change = {
    ...{ topic, partitions, validateOnly },
    changes: [
      ...settings.map(({ name, value }) => ({ name, operation: "set" as const, value })),
      ...deletedSettings.map(({ name }) => ({ name, operation: "delete" as const, value: null })),
    ],
  };
  const altered = await altering.alterTopic(context, change, (count) => exchange.mutate(count));
  const response = { ...altered, settings: listOf(altered.settings) };
  exchange.answer(AlterTopic.encodeResponse(exchange.correlationId, response));
}

/** Answers a DeleteRecords request. */
export async function deleteRecords(
  context: ServiceContext,
  exchange: Exchange,
  { partitions }: DeleteRecordsRequest,
): Promise<void> {
  exchange.charge(partitions.length * DELETION_ENTRY_BYTES);
  records.checkDeletions(context, partitions);
  const { turns } = exchange.connection;
  const outcomes = await records.deleteRecords(context, partitions, () => turns.nextPortion());
  const response = { partitions: valuesOf(outcomes).map((logStartOffset) => ({ logStartOffset })) };
  exchange.answer(DeleteRecords.encodeResponse(exchange.correlationId, response));
}

/** Answers a CompactTopic request, when the run is over or soon. */
export async function compactTopic(
  context: ServiceContext,
  exchange: Exchange,
  { topic, topicId, runId, partitions, waitMs }: CompactTopicRequest,
): Promise<void> {
  if (runId === undefined) throw new RustLogError("INVALID_REQUEST", "a compaction needs an id");
  const run = compaction.compactTopic(context, {
    ...{ topic, topicId, runId },
    partitions: partitions.map(({ partition }) => partition),
  });
  exchange.charge(run.partitions.length * COMPACTION_ENTRY_BYTES);
  await run.wait(Math.min(waitMs, COMPACTION_WAIT_MS_MAX));
  const response = {
    topicId: run.topicId,
    isDone: run.isDone,
    partitions: run.partitions.map(({ state, error, durationMs, ...rest }) => ({
      ...rest,
      state: COMPACTION_STATES.indexOf(state),
      durationMs: Math.round(durationMs),
      error: error?.message.slice(0, OFFLINE_REASON_LENGTH_MAX) ?? "",
    })),
  };
  exchange.answer(CompactTopic.encodeResponse(exchange.correlationId, response));
}

function listOf(
  settings: Readonly<Record<string, string>>,
): { readonly name: string; readonly value: string }[] {
  return Object.entries(settings).map(([name, value]) => ({ name, value }));
}
