// A topic, and opening its partitions at a start or on creation.
// Leaves to others: creating, finding and deleting topics (topic-registry.ts), and the logs.
import { type Disk, isOutOfFiles, joinPath } from "../log/disk/disk.js";
import type { TurnBudget } from "../log/event-loop.js";
import { Log } from "../log/log.js";
import type { LogFault, LogSettings } from "../log/log-context.js";
import type { CleanSegment } from "../log/recovery/noted-segment.js";
import { Faults } from "./faults.js";
import type { FlushPolicy } from "./flush-policy.js";
import { isInternalTopic } from "./internal-topics.js";
import type { OneAtATime } from "./one-at-a-time.js";
import { type AnyPartition, OfflinePartition } from "./offline-partition.js";
import { Partition } from "./partition.js";
import { completeDirectories } from "./partition-directories.js";
import type { TopicFile } from "./topic-file.js";
import { ownLimits, resolveSettings, type TopicSettings } from "./topic-settings.js";

export interface Topic {
  readonly name: string;
  /** Identifies the topic: a later topic of the same name has another id. */
  readonly id: string;
  /** Whether the topic belongs to the broker, so that clients may only read it. */
  readonly internal: boolean;
  /** Its own settings; the broker's apply to all others. */
  readonly settings: TopicSettings;
  /** What its logs follow: its own settings and the broker's. */
  readonly logSettings: LiveLogSettings;
  /** Largest batch that may be produced, in bytes, if the topic has a limit of its own. */
  readonly batchBytesMax: number | undefined;
  readonly partitions: readonly AnyPartition[];
  /** The partitions that could be opened, and those that could not. */
  readonly online: readonly Partition[];
  readonly offline: readonly OfflinePartition[];
}

/** The settings of all logs of a topic. Replacing `current` changes them all at once, also while they are open. */
export interface LiveLogSettings {
  current: LogSettings;
}

export interface TopicContext {
  readonly disk: Disk;
  readonly directory: string;
  readonly flush: FlushPolicy;
  readonly logDefaults: LogSettings;
  readonly now: () => number;
  readonly report: (line: string) => void;
  /** Called when a disk failure makes it unsafe to continue. */
  readonly onFatal: (error: Error) => void;
  /** Called after each flush of a partition with its duration in milliseconds. */
  readonly onFlush?: ((ms: number) => void) | undefined;
  /** What is wrong with partitions. */
  readonly faults?: Faults | undefined;
}

/** Notes of a clean stop, by `topic/partition`. */
export type CleanSegments = ReadonlyMap<string, CleanSegment>;

/** How the last broker left the logs. */
export interface RecoveryNotes {
  /** Empty unless it stopped cleanly. */
  readonly clean: CleanSegments;
  /** Whether a flush failed, so that the active segments must be rewritten. */
  readonly rewrite: boolean;
  /** Whether the machine has stopped since. */
  readonly rebooted?: boolean;
}

/** For new logs, about which nothing is known. */
const NEW_LOGS: RecoveryNotes = { clean: new Map(), rewrite: false };

/** Partitions closed concurrently at a stop. */
const CLOSING_MAX = 8;

/** Partitions opened concurrently at a start. */
const OPENING_MAX = 8;

/**
 * Partitions opened concurrently for a new topic. Low, because clients' flushes wait behind those of new directories.
 */
const CREATING_MAX = 3;

/** Opens the partitions of a new topic. Rejects with the disk's error. */
export async function openNewTopic(
  context: TopicContext,
  file: TopicFile,
  openings: OneAtATime,
): Promise<Topic> {
  const logSettings = liveSettings(context, file);
  const partitions = await openNewPartitions(context, file, { logSettings, from: 0, openings });
  return topicOf(file, logSettings, partitions);
}

interface NewPartitions {
  readonly logSettings: LiveLogSettings;
  /** The first of them; the last one is the topic's last. */
  readonly from: number;
  readonly openings: OneAtATime;
}

/**
 * Opens new partitions, all or none: a few at a time, and taking turns with other topics that share `openings`. Rejects
 * with the disk's error.
 */
export async function openNewPartitions(
  context: TopicContext,
  file: TopicFile,
  { logSettings, from, openings }: NewPartitions,
): Promise<Partition[]> {
  const opened: Partition[] = [];
  const failed: unknown[] = [];
  for (let next = from; next < file.partitions && failed.length === 0; next += CREATING_MAX) {
    const outcomes = await openings.run(() =>
      Promise.allSettled(
        indexesFrom(next, file.partitions, CREATING_MAX).map((i) =>
          openPartition(context, file, logSettings, i, NEW_LOGS),
        ),
      ),
    );
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled") opened.push(outcome.value);
      else failed.push(outcome.reason);
    }
  }
  if (failed.length === 0) return opened;
  for (const partition of opened) await partition.closeForDeletion();
  throw failed[0];
}

/** Opens the partitions of a topic at a start and recovers their logs. A partition that can't be opened is offline. */
export async function openTopic(
  context: TopicContext,
  file: TopicFile,
  notes: RecoveryNotes,
): Promise<Topic> {
  const { name } = file;
  const directory = joinPath(context.directory, name);
  const place = { ...context, directory };
  const { faults, isChanged } = await completeDirectories(place, name, file.partitions);
  // Without a clean stop, the previous process may have created one and been killed before this flush.
  if (isChanged || notes.clean.size === 0) await context.disk.syncDirectory(directory);
  const logSettings = liveSettings(context, file);
  const partitions: AnyPartition[] = [];
  for (let from = 0; from < file.partitions; from += OPENING_MAX) {
    const openings = indexesFrom(from, file.partitions, OPENING_MAX).map(async (i) => {
      try {
        if (faults.has(i)) throw faults.get(i);
        return await openPartition(context, file, logSettings, i, notes);
      } catch (error) {
        // Affects the whole process, not this partition: without files it could not serve clients either.
        if (isOutOfFiles(error)) throw error;
        return new OfflinePartition(name, i, joinPath(directory, String(i)), error);
      }
    });
    const outcomes = await Promise.allSettled(openings);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") throw outcome.reason;
      partitions.push(outcome.value);
    }
  }
  return topicOf(file, logSettings, partitions);
}

/** Closes partitions of a deleted topic, as `turns` allows. */
export async function closeForDeletion(
  partitions: readonly Partition[],
  turns: TurnBudget,
): Promise<void> {
  for (const partition of partitions) {
    await turns.next();
    await partition.closeForDeletion();
  }
}

/** Flushes and closes all partitions of the topics, a few at a time. Returns the notes for the next start. */
export async function closeCleanly(topics: readonly Topic[]): Promise<CleanSegments> {
  const clean = new Map<string, CleanSegment>();
  const faults: unknown[] = [];
  const online = topics.flatMap((topic) => topic.online);
  for (let from = 0; from < online.length; from += CLOSING_MAX) {
    const closings = online.slice(from, from + CLOSING_MAX).map(async (partition) => {
      const note = await partition.closeCleanly();
      if (note !== undefined) clean.set(`${partition.topic}/${partition.index}`, note);
    });
    // Wait for all, even if one fails: the lock is released next.
    for (const outcome of await Promise.allSettled(closings)) {
      if (outcome.status === "rejected") faults.push(outcome.reason);
    }
  }
  if (faults.length > 0) throw faults[0];
  return clean;
}

export function topicOf(
  { name, id, settings }: Pick<TopicFile, "name" | "id" | "settings">,
  logSettings: LiveLogSettings,
  partitions: readonly AnyPartition[],
): Topic {
  const internal = isInternalTopic(name);
  const online = partitions.filter((it) => it.offline === undefined);
  const offline = partitions.filter((it) => it.offline !== undefined);
  const { batchBytesMax } = ownLimits(settings);
  return {
    ...{ name, id, internal, settings, logSettings, batchBytesMax },
    ...{ partitions, online, offline },
  };
}

function liveSettings(
  { logDefaults }: TopicContext,
  { settings }: Pick<TopicFile, "settings">,
): LiveLogSettings {
  return { current: resolveSettings(settings, logDefaults) };
}

function indexesFrom(from: number, partitions: number, most: number): number[] {
  const count = Math.min(most, partitions - from);
  return Array.from({ length: count }, (_, i) => from + i);
}

async function openPartition(
  { disk, directory, flush, now, report, onFatal, onFlush, faults = new Faults(now) }: TopicContext,
  { name }: TopicFile,
  logSettings: LiveLogSettings,
  i: number,
  notes: RecoveryNotes,
): Promise<Partition> {
  let partition: Partition | undefined;
  const found: LogFault[] = [];
  const log = await Log.open(
    {
      disk,
      directory: joinPath(joinPath(directory, name), String(i)),
      name: `${name}-${i}`,
      get settings() {
        return logSettings.current;
      },
      now,
      report: (line) => {
        // Don't report files that disappear because the topic is being deleted.
        if (partition?.isDeleted !== true) report(line);
      },
      onFlush,
      onFault: (fault) => {
        if (partition === undefined) found.push(fault);
        else faults.note(partition, fault);
      },
    },
    {
      clean: notes.clean.get(`${name}/${i}`),
      rewrite: notes.rewrite,
      rebooted: notes.rebooted ?? false,
      // Always scan the broker's own topics.
      scan: isInternalTopic(name),
    },
  );
  partition = new Partition({ topic: name, index: i, log, flush, onFatal, faults });
  for (const fault of found) faults.note(partition, fault);
  return partition;
}
