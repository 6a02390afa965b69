// Opens a directory found among the topics at a start: a topic, a damaged topic, or something else.
// Leaves to others: opening partitions (topic.ts), and topics being created or deleted (topic-registry.ts).
import { RustLogError } from "../errors.js";
import { ZERO_UUID } from "../record/bytes.js";
import { type Disk, isOutOfFiles, joinPath, reasonOf } from "../log/disk/disk.js";
import { OfflinePartition, reportOffline } from "./offline-partition.js";
import { openTopic, type RecoveryNotes, type Topic, type TopicContext, topicOf } from "./topic.js";
import { readTopicFile, upgradeTopicFile } from "./topic-file.js";
import { checkTopicName, LOST_AND_FOUND } from "./topic-settings.js";

export interface FoundContext extends TopicContext {
  readonly directoryId: string;
}

/**
 * Opens the topic in a directory as far as possible; what can't be opened is offline, and reported. Returns undefined
 * if the directory is not a topic. Rejects if the process has too many files open.
 */
export async function openFoundTopic(
  context: FoundContext,
  name: string,
  notes: RecoveryNotes,
): Promise<Topic | undefined> {
  if (name === LOST_AND_FOUND) return undefined;
  const { disk, report } = context;
  const path = joinPath(context.directory, name);
  const topic = await open(context, name, path, notes).catch((error: unknown) => {
    const cause = error instanceof Error ? error.cause : undefined;
    if (isOutOfFiles(error) || isOutOfFiles(cause)) throw tooManyFiles(path, error);
    return isTopicName(name)
      ? offlineTopic(context, name, path, namesIn(disk, path), error)
      : undefined;
  });
  if (topic === undefined) report(`${path} has no topic.json and is not a topic; ignoring it`);
  else reportOffline(topic.offline, report);
  return topic;
}

/** Affects the whole process: without files for its partitions it could not serve clients either. */
function tooManyFiles(path: string, error: unknown): RustLogError {
  return new RustLogError(
    "DATA_DIRECTORY_UNUSABLE",
    `${path} can't be opened, because the limit on open files is too low for all partitions: ` +
      `${reasonOf(error)}; raise the limit (\`ulimit -n\`)`,
    { cause: error },
  );
}

async function open(
  context: FoundContext,
  name: string,
  path: string,
  notes: RecoveryNotes,
): Promise<Topic | undefined> {
  const { disk, report } = context;
  const file = readTopicFile(disk, path, name, context.directoryId);
  if (file !== undefined) {
    if (file.missing.length > 0) await upgradeTopicFile(disk, path, file, report);
    return await openTopic(context, file, notes);
  }
  const names = disk.list(path);
  // A directory with a partition was a topic, and its records may still be there.
  if (!isTopicName(name) || !names.includes("0")) return undefined;
  const cause = new Error(`${joinPath(path, "topic.json")} is missing`);
  return offlineTopic(context, name, path, names, cause);
}

/** A topic of which only the directory is known. Its partitions are those that have a directory. */
function offlineTopic(
  { logDefaults }: FoundContext,
  name: string,
  path: string,
  names: readonly string[],
  cause: unknown,
): Topic {
  const indexes = names.filter((it) => /^(?:0|[1-9]\d{0,3})$/.test(it)).map(Number);
  const count = 1 + Math.max(0, ...indexes);
  const partitions = Array.from({ length: count }, (_, i) => {
    return new OfflinePartition(name, i, path, cause);
  });
  return topicOf({ name, id: ZERO_UUID, settings: {} }, { current: logDefaults }, partitions);
}

function isTopicName(name: string): boolean {
  try {
    checkTopicName(name);
    return true;
  } catch {
    return false;
  }
}

function namesIn(disk: Disk, path: string): readonly string[] {
  try {
    return disk.list(path);
  } catch {
    return [];
  }
}
