// Changes of a topic that exists: durable first, then visible.
// Leaves to others: one change of a topic at a time (topic-registry.ts), and the file (topic-file.ts).
import { ZERO_UUID } from "../record/bytes.js";
import { joinPath } from "../log/disk/disk.js";
import type { Topic, TopicContext } from "./topic.js";
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
  return { ...topic, settings };
}

/** Replaces topic.json. Rejects with the error for the client. */
async function changeFile(context: TopicContext, topic: Topic, to: TopicFile): Promise<void> {
  const { disk, directory, report } = context;
  const [offline] = topic.offline;
  // Its file is damaged or missing, so its id and settings are unknown.
  if (topic.id === ZERO_UUID && offline !== undefined) throw offline.error();
  try {
    const path = joinPath(directory, topic.name);
    await replaceTopicFile(disk, path, { from: fileOf(topic), to }, report);
  } catch (error) {
    throw changeError(topic.name, error);
  }
}

function fileOf({ name, id, partitions, settings }: Topic): TopicFile {
  return { name, id, partitions: partitions.length, settings };
}
