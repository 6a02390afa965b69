// A topic, and the opening of its partitions at a start or when it is created.
// Leaves to others: which topics there are, their creation and deletion (topic-registry.ts), and the logs.
import { type Disk, joinPath } from "../storage/disk.ts";
import { Log } from "../storage/log.ts";
import type { LogSettings } from "../storage/log-context.ts";
import type { CleanSegment } from "../storage/recovery.ts";
import type { FlushPolicy } from "./flush-policy.ts";
import { Partition } from "./partition.ts";
import type { TopicFile } from "./topic-file.ts";
import { INTERNAL_PREFIX, resolveSettings, type TopicSettings } from "./topic-settings.ts";

/** A topic and its partitions. */
export interface Topic {
  readonly name: string;
  /** Its identity: a topic of the same name that comes after its deletion has another one. */
  readonly id: string;
  /** Whether it belongs to the broker, and clients may only read it. */
  readonly internal: boolean;
  /** The settings it was created with; the broker's hold for all others. */
  readonly settings: TopicSettings;
  readonly partitions: readonly Partition[];
}

/** What the topics of a directory are opened with. */
export interface TopicContext {
  readonly disk: Disk;
  /** The `topics` directory. */
  readonly directory: string;
  readonly flush: FlushPolicy;
  readonly logDefaults: LogSettings;
  readonly now: () => number;
  /** Takes a line about something that an operator should know. */
  readonly report: (line: string) => void;
  /** Called when a disk failure makes it unsafe to go on. */
  readonly onFatal: (error: Error) => void;
  /** Told of each flush of a partition how long it took, in milliseconds. */
  readonly onFlush?: ((ms: number) => void) | undefined;
}

/** Notes of a clean stop, by `topic/partition`. */
export type CleanSegments = ReadonlyMap<string, CleanSegment>;

/** How the last broker left the logs. */
export interface RecoveryNotes {
  /** Empty unless it stopped cleanly. */
  readonly clean: CleanSegments;
  /** Whether a flush had failed, so that the active segments must be written anew. */
  readonly rewrite: boolean;
}

/** Nothing is known of the logs: they are new. */
export const NEW_LOGS: RecoveryNotes = { clean: new Map(), rewrite: false };

/** Opens the partitions of a topic, all or none, recovering their logs. Rejects with what the disk says. */
export async function openTopic(
  context: TopicContext,
  { name, id, partitions, settings }: TopicFile,
  notes: RecoveryNotes,
): Promise<Topic> {
  const { disk, directory, flush, logDefaults, now, report, onFatal, onFlush } = context;
  const logSettings = resolveSettings(settings, logDefaults);
  const openings = Array.from({ length: partitions }, async (_, i) => {
    const log = await Log.open(
      {
        disk,
        directory: joinPath(joinPath(directory, name), String(i)),
        name: `${name}-${i}`,
        settings: logSettings,
        now,
        report,
        onFlush,
      },
      { clean: notes.clean.get(`${name}/${i}`), rewrite: notes.rewrite },
    );
    return new Partition(name, i, log, flush, onFatal);
  });
  // All of them, also when one fails: the others must not stay open.
  const outcomes = await Promise.allSettled(openings);
  const opened = outcomes.flatMap((it) => (it.status === "fulfilled" ? [it.value] : []));
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") continue;
    for (const partition of opened) await partition.closeForDeletion();
    throw outcome.reason;
  }
  return { name, id, internal: name.startsWith(INTERNAL_PREFIX), settings, partitions: opened };
}

/** Makes the directories of partitions that are gone, and is sure that those which are there will stay. */
export async function makePartitions(
  { disk, directory, report }: TopicContext,
  { name, partitions }: TopicFile,
  notes: RecoveryNotes,
): Promise<void> {
  const topic = joinPath(directory, name);
  const present = disk.list(topic);
  let missing = 0;
  for (let i = 0; i < partitions; i++) {
    if (present.includes(String(i))) continue;
    missing++;
    disk.makeDirectory(joinPath(topic, String(i)));
    // It was durable before the topic was: nothing but damage, or a creation that failed, takes it away.
    report(`${joinPath(topic, String(i))} is gone: ${name}-${i} begins anew, with no records`);
  }
  // Without a clean stop the process before may have made one, and been killed before this flush.
  if (missing > 0 || notes.clean.size === 0) await disk.syncDirectory(topic);
}
