// Changes of a topic that exists: durable first, then visible.
// Leaves to others: one change of a topic at a time (topic-registry.ts), and the file (topic-file.ts).
import { ZERO_UUID } from "../record/bytes.js";
import { joinPath } from "../log/disk/disk.js";
import type { TurnBudget } from "../log/event-loop.js";
import type { OneAtATime } from "./one-at-a-time.js";
import type { Partition } from "./partition.js";
import { makeDirectories, refuseOccupied, removeDirectories } from "./partition-directories.js";
import {
  closeForDeletion,
  openNewPartitions,
  type Topic,
  type TopicContext,
  topicOf,
} from "./topic.js";
import { changeError } from "./topic-error.js";
import { replaceTopicFile, type TopicFile } from "./topic-file.js";
import { resolveSettings, type TopicSettings } from "./topic-settings.js";

/** Replaces a topic's own settings; its open logs follow them from now on. Rejects with the topic unchanged. */
export async function changeSettings(
  context: TopicContext,
  topic: Topic,
  settings: TopicSettings,
): Promise<Topic> {
  const resolved = resolveSettings(settings, context.logDefaults);
  await changeFile(context, topic, { ...fileOf(topic), settings });
  topic.logSettings.current = resolved;
  return topicOf({ ...topic, settings }, topic.logSettings, topic.partitions);
}

interface Adding {
  /** Partitions created or closed per turn of the event loop. */
  readonly turns: TurnBudget;
  /** Serializes the openings of new partitions. */
  readonly openings: OneAtATime;
}

/**
 * Gives a topic `total` partitions, more than it has. The new ones are durable and open before topic.json counts them,
 * so a crash leaves the old number or the new one. Rejects with the topic unchanged.
 */
export async function addPartitions(
  context: TopicContext,
  topic: Topic,
  total: number,
  { turns, openings }: Adding,
): Promise<Topic> {
  refuseDamaged(topic);
  const { logSettings } = topic;
  const from = topic.partitions.length;
  const file = { ...fileOf(topic), partitions: total };
  const place = { ...context, directory: joinPath(context.directory, topic.name) };
  try {
    refuseOccupied(place, from, total);
  } catch (error) {
    throw changeError(topic.name, error);
  }
  let added: readonly Partition[] = [];
  try {
    await makeDirectories(place, from, total, turns);
    added = await openNewPartitions(context, file, { logSettings, from, openings });
    await changeFile(context, topic, file);
  } catch (error) {
    await closeForDeletion(added, turns);
    await removeDirectories(place, from, total);
    throw changeError(topic.name, error);
  }
  return topicOf(file, logSettings, [...topic.partitions, ...added]);
}

/** Replaces topic.json. Rejects with the error for the client. */
async function changeFile(context: TopicContext, topic: Topic, to: TopicFile): Promise<void> {
  const { disk, directory, report } = context;
  refuseDamaged(topic);
  try {
    const path = joinPath(directory, topic.name);
    await replaceTopicFile(disk, path, { from: fileOf(topic), to }, report);
  } catch (error) {
    throw changeError(topic.name, error);
  }
}

/** Throws if topic.json is damaged or missing, because the topic's id and settings are unknown then. */
export function refuseDamaged({ id, offline: [first] }: Topic): void {
  if (id === ZERO_UUID && first !== undefined) throw first.error();
}

function fileOf({ name, id, partitions, settings }: Topic): TopicFile {
  return { name, id, partitions: partitions.length, settings };
}
