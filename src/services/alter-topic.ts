// AlterTopic: changes a topic's settings, its number of partitions, or both.
// Leaves to others: one of the two alone, as Kafka's clients change them (configs.ts, topics.ts).
import { RustLogError } from "../errors.js";
import { shortened } from "../topics/config-value.js";
import { unknownTopic } from "../topics/topic-error.js";
import { topicConfig } from "../topics/topic-configs.js";
import type { TopicSettings } from "../topics/topic-settings.js";
import { changeTopicConfigs, checkTopicChanges, type ConfigChange } from "./configs.js";
import type { ServiceContext } from "./context.js";
import { type NamedTopic, unknownTopicId } from "./named-partition.js";
import { addPartitions, type BeforeChange, checkPartitions } from "./topics.js";

interface TopicChange extends NamedTopic {
  readonly changes: readonly ConfigChange[];
  /** Number of partitions, more than now; 0 for no change. */
  readonly partitions: number;
  /** Whether to make all checks, and to change nothing. */
  readonly validateOnly: boolean;
}

interface AlteredTopic {
  readonly topicId: string;
  readonly previousPartitions: number;
  readonly partitions: number;
  readonly previousSettings: TopicSettings;
  readonly settings: TopicSettings;
}

/**
 * Changes a topic. Resolves once the change would survive a crash, with what the topic has then, or would have. All is
 * checked before anything changes; if the disk fails between the two, the topic has the partitions and not the settings.
 */
export async function alterTopic(
  context: ServiceContext,
  { topic: name, topicId, changes, partitions, validateOnly }: TopicChange,
  beforeChange?: BeforeChange,
): Promise<AlteredTopic> {
  if (changes.length === 0 && partitions === 0) {
    const message = `nothing to change in topic '${name}': neither settings nor partitions`;
    throw new RustLogError("INVALID_REQUEST", message);
  }
  refuseUnknown(changes);
  const { topic, settings } =
    changes.length > 0
      ? checkTopicChanges(context, name, changes)
      : checkGrowth(context, name, partitions);
  if (topicId !== undefined && !context.registry.hasId(name, topicId)) {
    throw unknownTopicId(context, name, topicId);
  }
  if (partitions > 0) checkPartitions(context, name, partitions);
  const previousPartitions = topic.partitions.length;
  const previousSettings = topic.settings;
  if (!validateOnly) {
    // First what may fail more easily: there may be no room.
    if (partitions > 0) await addPartitions(context, name, partitions, beforeChange);
    if (changes.length > 0) await changeTopicConfigs(context, name, changes, { validateOnly });
  }
  const total = partitions === 0 ? previousPartitions : partitions;
  return {
    ...{ topicId: topic.id, previousPartitions, partitions: total },
    ...{ previousSettings, settings },
  };
}

/** More partitions alone need no permission to change settings. */
function checkGrowth(
  context: ServiceContext,
  name: string,
  partitions: number,
): ReturnType<typeof checkTopicChanges> {
  checkPartitions(context, name, partitions);
  const topic = context.registry.find(name);
  if (topic === undefined) throw unknownTopic(name);
  return { topic, settings: topic.settings };
}

/** A name that is deleted need not be set. One that can't be set at all is a typing error. */
function refuseUnknown(changes: readonly ConfigChange[]): void {
  const unknown = changes.find(({ name }) => topicConfig(name) === undefined);
  if (unknown === undefined) return;
  const message = `Unknown topic config name: ${shortened(unknown.name)}`;
  throw new RustLogError("INVALID_CONFIG", message);
}
