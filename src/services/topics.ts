// Topics: create, list, describe and delete.
// Leaves to others: topics on disk (topics/topic-registry.ts).
import { isInternalTopic } from "../topics/internal-topics.js";
import type { AnyPartition } from "../topics/offline-partition.js";
import type { PartitionDescription } from "../topics/partition.js";
import type { Topic } from "../topics/topic.js";
import { unknownTopic } from "../topics/topic-error.js";
import { checkTopicName, type TopicSettings } from "../topics/topic-settings.js";
import type { ServiceContext } from "./context.js";
import { type NamedTopic, requireOnNamed, topicNameOf } from "./named-partition.js";
import { mayOnTopic, refuseInternalTopic, requireCreation, requireOnTopic } from "./permissions.js";

export interface NewTopic {
  readonly name: string;
  /** Number of partitions; 0 for the broker's default. */
  readonly partitions: number;
  readonly settings: TopicSettings;
}

interface TopicSummary {
  readonly name: string;
  readonly topicId: string;
  readonly internal: boolean;
  /** Number of partitions, and how many of them are offline. */
  readonly partitions: number;
  readonly offline: number;
}

export interface TopicDescription {
  readonly name: string;
  readonly topicId: string;
  readonly internal: boolean;
  readonly settings: TopicSettings;
  readonly partitions: readonly DescribedPartition[];
}

export interface DescribedPartition extends PartitionDescription {
  readonly topic: string;
  /** Why the partition is offline; its offsets are then -1. Undefined if it is online. */
  readonly offline: string | undefined;
}

/** What a client needs to know to reach the partitions of a topic. */
export interface TopicLayout {
  readonly name: string;
  readonly topicId: string;
  readonly internal: boolean;
  /** Whether each partition is online. */
  readonly online: readonly boolean[];
}

interface CreatedTopic extends TopicSummary {
  readonly settings: TopicSettings;
}

/** Told of a change that is permitted, before it is made, with the partitions created or deleted. May throw to refuse it. */
export type BeforeChange = (partitions: number) => void;

/** Creates a topic. Resolves once it would survive a crash. */
export async function createTopic(
  context: ServiceContext,
  wanted: NewTopic,
  beforeChange?: BeforeChange,
): Promise<CreatedTopic> {
  const { name, partitions, settings } = wanted;
  requireCreation(context, name);
  refuseInternalTopic(name, "created");
  beforeChange?.(checkTopic(context, wanted).partitions);
  const topic = await context.registry.create(name, partitions, settings);
  noteCreation(context, name, topic.partitions.length);
  return { ...summaryOf(topic), settings: topic.settings };
}

/** Tells that the caller has created a topic. */
export function noteCreation(
  { audit, caller }: ServiceContext,
  topic: string,
  partitions: number,
): void {
  audit.changed(caller, "topic-created", { topic, partitions });
}

/**
 * Makes all checks of `createTopic`, and creates nothing. Returns what would be created; throws what `createTopic`
 * rejects with.
 */
export function checkTopic(
  context: ServiceContext,
  { name, partitions, settings }: NewTopic,
): NewTopic {
  requireCreation(context, name);
  refuseInternalTopic(name, "created");
  return context.registry.checkCreation(name, partitions, settings);
}

/**
 * The existing topics that are in the way of new ones, by the new name: those of the same name, or of one that differs
 * only in `.` and `_`, which the names of Kafka's metrics can't tell apart.
 */
export function topicsInTheWay(
  { registry }: ServiceContext,
  names: readonly string[],
): ReadonlyMap<string, string> {
  const inTheWay = new Map<string, string>();
  const wanted = new Set(names.map(unified));
  const existing = new Map<string, string>();
  for (const { name } of registry.list()) {
    if (wanted.has(unified(name))) existing.set(unified(name), name);
  }
  for (const name of names) {
    const other = registry.find(name) === undefined ? existing.get(unified(name)) : name;
    if (other !== undefined) inTheWay.set(name, other);
  }
  return inTheWay;
}

/** The topic in the way of a new one of this name, if the caller may see it. */
export function visibleTopicInTheWay(context: ServiceContext, name: string): string | undefined {
  const other = topicsInTheWay(context, [name]).get(name);
  return other === undefined || !mayOnTopic(context, "DESCRIBE", other) ? undefined : other;
}

function unified(name: string): string {
  return name.replaceAll(".", "_");
}

/** Undefined if there is no such topic. */
export function topicIdOf({ registry }: ServiceContext, name: string): string | undefined {
  return registry.find(name)?.id;
}

/** Undefined if there is no such topic, or the caller may not add partitions to it. */
export function partitionCountOf(context: ServiceContext, name: string): number | undefined {
  if (!mayOnTopic(context, "ALTER", name)) return undefined;
  return context.registry.find(name)?.partitions.length;
}

/** Gives a topic `total` partitions. Resolves once the new ones would survive a crash. */
export async function addPartitions(
  context: ServiceContext,
  name: string,
  total: number,
  beforeChange?: BeforeChange,
): Promise<void> {
  checkPartitions(context, name, total);
  beforeChange?.(total - (partitionCountOf(context, name) ?? 0));
  await context.registry.addPartitions(name, total);
  context.audit.changed(context.caller, "topic-altered", { topic: name, partitions: total });
}

/** Makes all checks of `addPartitions`, and adds nothing. Throws what `addPartitions` rejects with. */
export function checkPartitions(context: ServiceContext, name: string, total: number): void {
  requireOnTopic(context, "ALTER", name);
  refuseInternalTopic(name, "altered");
  context.registry.checkPartitions(name, total);
}

/**
 * All topics whose name comes after `after`, by name, including internal ones, without those that the caller may not see.
 * The caller may yield between two.
 */
export function* listTopics(context: ServiceContext, after = ""): Generator<TopicSummary, void> {
  for (const topic of visibleTopics(context)) if (topic.name > after) yield summaryOf(topic);
}

/** The topics that the caller may see, by name. */
function* visibleTopics(context: ServiceContext): Generator<Topic, void> {
  for (const topic of context.registry.list()) {
    if (mayOnTopic(context, "DESCRIBE", topic.name)) yield topic;
  }
}

/** Describes the partitions of all topics, by topic and number. The caller may yield between two. */
export function* describePartitions(context: ServiceContext): Generator<DescribedPartition, void> {
  for (const { partitions } of visibleTopics(context)) yield* partitions.values().map(describe);
}

/** Describes a topic. Creates it first if it is missing and `createIfMissing`, as a produce would; `creates` is told. */
export async function describeTopic(
  context: ServiceContext,
  name: string,
  createIfMissing = false,
  creates?: (partitions: number) => void,
): Promise<TopicDescription> {
  requireOnTopic(context, "DESCRIBE", name);
  const { registry } = context;
  const found = registry.find(name);
  if (found !== undefined) return descriptionOf(found);
  if (!createIfMissing) throw unknownTopic(name);
  requireCreation(context, name);
  refuseInternalTopic(name, "created");
  const topic = await registry.ensure(name, creates);
  noteCreation(context, name, topic.partitions.length);
  return descriptionOf(topic);
}

/** All topics, by name, including internal ones. The caller may yield between two. */
export function* topicLayouts(context: ServiceContext): Generator<TopicLayout, void> {
  for (const topic of visibleTopics(context)) yield layoutOf(topic);
}

/**
 * The topic of this name. A missing one is created first if `create` is set and the broker creates topics
 * automatically; `creates` is told. Rejects with INVALID_TOPIC, UNKNOWN_TOPIC_OR_PARTITION, or why it could not be created.
 */
export async function layoutByName(
  context: ServiceContext,
  name: string,
  create: boolean,
  creates?: (partitions: number) => void,
): Promise<TopicLayout> {
  checkTopicName(name);
  requireOnTopic(context, "DESCRIBE", name);
  const { registry, autoCreateTopics } = context;
  const found = registry.find(name);
  if (found !== undefined) return layoutOf(found);
  if (!create || !autoCreateTopics || isInternalTopic(name)) throw unknownTopic(name);
  requireCreation(context, name);
  const topic = await registry.ensure(name, creates);
  noteCreation(context, name, topic.partitions.length);
  return layoutOf(topic);
}

/** What there is of a partition. */
export type PartitionState = "no topic" | "no partition" | "offline" | "online";

/** What there is of a partition, at the same cost for a topic of any size. */
export function partitionState(
  { registry }: ServiceContext,
  topic: string,
  index: number,
): PartitionState {
  const found = registry.find(topic);
  if (found === undefined) return "no topic";
  const partition = found.partitions[index];
  if (partition === undefined) return "no partition";
  return partition.offline === undefined ? "online" : "offline";
}

/** The topic with this id; undefined if there is none. Throws TOPIC_AUTHORIZATION_FAILED. */
export function layoutById(context: ServiceContext, id: string): TopicLayout | undefined {
  const topic = context.registry.byId(id);
  if (topic === undefined) return undefined;
  requireOnTopic(context, "DESCRIBE", topic.name);
  return layoutOf(topic);
}

function layoutOf({ name, id, internal, partitions }: Topic): TopicLayout {
  const online = partitions.map(({ offline }) => offline === undefined);
  return { name, topicId: id, internal, online };
}

interface DeletedTopic {
  readonly name: string;
  readonly topicId: string;
}

/** Deletes a topic. Resolves once it would not reappear after a crash, and the groups' commits for it are deleted. */
export async function deleteTopic(
  context: ServiceContext,
  named: NamedTopic,
  beforeChange?: BeforeChange,
): Promise<DeletedTopic> {
  const name = topicNameOf(context, named);
  if (!mayOnTopic(context, "DELETE", name)) tellOfMissing(context, name);
  requireOnNamed(context, "DELETE", name, named);
  refuseInternalTopic(name, "deleted");
  beforeChange?.(partitionCountOf(context, name) ?? 0);
  const { id } = await context.registry.delete(name, named.topicId);
  context.audit.changed(context.caller, "topic-deleted", { topic: name, topicId: id });
  return { name, topicId: id };
}

/** Throws UNKNOWN_TOPIC_OR_PARTITION if there is none of this name and the caller may know that, as Kafka tells it. */
function tellOfMissing(context: ServiceContext, name: string): void {
  const isVisible = mayOnTopic(context, "DESCRIBE", name);
  if (isVisible && context.registry.find(name) === undefined) throw unknownTopic(name);
}

function summaryOf({ name, id, internal, partitions, offline }: Topic): TopicSummary {
  const counts = { partitions: partitions.length, offline: offline.length };
  return { name, topicId: id, internal, ...counts };
}

function descriptionOf({ name, id, internal, settings, partitions }: Topic): TopicDescription {
  return { name, topicId: id, internal, settings, partitions: partitions.map(describe) };
}

function describe(partition: AnyPartition): DescribedPartition {
  const { topic, offline } = partition;
  return { topic, ...partition.describe(), offline };
}
