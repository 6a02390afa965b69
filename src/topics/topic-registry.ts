// The topics of a data directory: which there are, their creation and deletion, whole or not at all.
// Leaves to others: opening their partitions (topic.ts), and the directory's lock and identity.
//
//   topics/NAME/topic.json      what it was created with (topic-file.ts)
//   topics/NAME/0/ … /N-1/      one directory a partition
//   topics/+c-NAME, +d-NAME     being created, being deleted: removed at the next start
//                               (`+` can't be in a topic's name)
import { RustLogError } from "../errors.ts";
import { PARTITIONS_MAX } from "../limits.ts";
import { isDiskFull, isOutOfFiles, joinPath, reasonOf } from "../storage/disk.ts";
import type { CleanSegment } from "../storage/recovery.ts";
import type { Partition } from "./partition.ts";
import {
  type CleanSegments,
  makePartitions,
  NEW_LOGS,
  openTopic,
  type RecoveryNotes,
  type Topic,
  type TopicContext,
} from "./topic.ts";
import { readTopicFile, replaceTopicFile, type TopicFile, writeTopicFile } from "./topic-file.ts";
import { checkTopicName, resolveSettings, type TopicSettings } from "./topic-settings.ts";

/** What a registry is opened with. */
export interface RegistryContext extends TopicContext {
  /** Identity of the data directory. */
  readonly directoryId: string;
  readonly autoCreateTopics: boolean;
  readonly defaultPartitions: number;
}

const CREATING = "+c-";
const DELETING = "+d-";

/** The topics of one data directory. */
export class TopicRegistry {
  readonly #context: RegistryContext;
  readonly #topics = new Map<string, Topic>();
  readonly #creating = new Map<string, Promise<Topic>>();
  readonly #deleting = new Map<string, Promise<void>>();
  #forget: (name: string) => Promise<void> = () => Promise.resolve();

  private constructor(context: RegistryContext) {
    this.#context = context;
  }

  /** Opens every topic of the directory, which must exist, recovering their logs. */
  static async open(context: RegistryContext, notes: RecoveryNotes): Promise<TopicRegistry> {
    const registry = new TopicRegistry(context);
    const { disk, directory, report } = context;
    // What a process that was killed has renamed may be in the cache only.
    await disk.syncDirectory(directory);
    for (const name of disk.list(directory)) {
      if (name.startsWith(CREATING) || name.startsWith(DELETING)) {
        disk.removeDirectory(joinPath(directory, name));
        continue;
      }
      const description = readTopicFile(disk, joinPath(directory, name), name, context.directoryId);
      if (description === undefined) {
        report(`${joinPath(directory, name)} has no topic.json and is no topic; left alone`);
        continue;
      }
      if (description.missing.length > 0) await upgradeTopicFile(context, description);
      await makePartitions(context, description, notes);
      registry.#topics.set(name, await openTopic(context, description, notes));
    }
    return registry;
  }

  /** The topic of that name, or undefined. */
  find(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  /** All topics, by name. */
  list(): readonly Topic[] {
    return [...this.#topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A partition; throws UNKNOWN_TOPIC_OR_PARTITION, saying which of the two. */
  partition(name: string, index: number): Partition {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw unknownTopic(name);
    const partition = topic.partitions[index];
    if (partition === undefined) {
      throw new RustLogError(
        "UNKNOWN_TOPIC_OR_PARTITION",
        `topic '${name}' has no partition ${index}: it has 0 to ${topic.partitions.length - 1}`,
      );
    }
    return partition;
  }

  /** The topic, created first if it is missing and the broker creates topics by itself. */
  ensure(name: string): Topic | Promise<Topic> {
    const topic = this.#topics.get(name);
    if (topic !== undefined) return topic;
    const creating = this.#creating.get(name);
    if (creating !== undefined) return creating;
    if (!this.#context.autoCreateTopics) return Promise.reject(unknownTopic(name));
    return this.create(name, 0, {});
  }

  /**
   * Creates a topic; 0 partitions stands for the broker's default. Resolves once it would survive a crash.
   * Rejects with INVALID_TOPIC, INVALID_PARTITIONS, INVALID_CONFIG, TOPIC_ALREADY_EXISTS, DISK_FULL
   * or BROKER_OVERLOADED (too many files are open).
   */
  create(name: string, partitions: number, settings: TopicSettings): Promise<Topic> {
    try {
      checkTopicName(name);
      resolveSettings(settings, this.#context.logDefaults);
    } catch (error) {
      return Promise.reject(error);
    }
    const count = partitions === 0 ? this.#context.defaultPartitions : partitions;
    if (!Number.isInteger(count) || count < 1 || count > PARTITIONS_MAX) {
      const message = `${count} partitions for topic '${name}': 1 to ${PARTITIONS_MAX} are possible`;
      return Promise.reject(new RustLogError("INVALID_PARTITIONS", message));
    }
    if (this.#topics.has(name) || this.#creating.has(name)) {
      const message = `topic '${name}' exists already`;
      return Promise.reject(new RustLogError("TOPIC_ALREADY_EXISTS", message));
    }
    const creation = this.#create(name, count, settings).finally(() => this.#creating.delete(name));
    this.#creating.set(name, creation);
    return creation;
  }

  /**
   * Has `forget` called for each topic that was deleted, and again before one is created: what others keep under its
   * name must not be found by a topic that has the same name later.
   */
  onGone(forget: (name: string) => Promise<void>): void {
    this.#forget = forget;
  }

  /** Deletes a topic and its records. Resolves once it would not come back after a crash. */
  async delete(name: string): Promise<void> {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw unknownTopic(name);
    this.#topics.delete(name);
    const deletion = this.#delete(topic).finally(() => this.#deleting.delete(name));
    this.#deleting.set(name, deletion);
    await deletion;
  }

  /** Deletes what retention has run out for, in all topics; returns the number of segments. */
  async applyRetention(): Promise<number> {
    let deleted = 0;
    for (const topic of this.list()) {
      for (const partition of topic.partitions) deleted += await partition.applyRetention();
    }
    return deleted;
  }

  /** Flushes and closes all partitions; returns the notes for the next start. */
  async closeCleanly(): Promise<CleanSegments> {
    await Promise.allSettled([...this.#creating.values(), ...this.#deleting.values()]);
    const clean = new Map<string, CleanSegment>();
    const closings: Promise<void>[] = [];
    for (const topic of this.#topics.values()) {
      for (const partition of topic.partitions) {
        closings.push(
          partition.closeCleanly().then((note) => {
            if (note !== undefined) clean.set(`${topic.name}/${partition.index}`, note);
          }),
        );
      }
    }
    // All of them, also when one fails: the lock is released next.
    const outcomes = await Promise.allSettled(closings);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    return clean;
  }

  async #create(name: string, partitions: number, settings: TopicSettings): Promise<Topic> {
    await this.#deleting.get(name);
    const { disk, directory, report } = this.#context;
    const staging = joinPath(directory, `${CREATING}${name}`);
    const final = joinPath(directory, name);
    let renamed = false;
    try {
      if (disk.list(final).length > 0)
        throw new Error(`${final} is there and is no topic: move it away`);
      await this.#forget(name);
      disk.removeDirectory(staging);
      for (let i = 0; i < partitions; i++) disk.makeDirectory(joinPath(staging, String(i)));
      const file = { name, id: crypto.randomUUID(), partitions, settings };
      await writeTopicFile(disk, staging, file);
      await disk.syncDirectory(staging);
      disk.rename(staging, final);
      renamed = true;
      await disk.syncDirectory(directory);
      const topic = await openTopic(this.#context, file, NEW_LOGS);
      this.#topics.set(name, topic);
      return topic;
    } catch (error) {
      try {
        disk.removeDirectory(renamed ? this.#doom(name) : staging);
      } catch (failure) {
        report(`${name}: what was made of it could not be removed: ${reasonOf(failure)}`);
      }
      throw creationError(name, error);
    }
  }

  async #delete(topic: Topic): Promise<void> {
    for (const partition of topic.partitions) await partition.closeForDeletion();
    const doomed = this.#doom(topic.name);
    const { disk, directory, report } = this.#context;
    await disk.syncDirectory(directory);
    disk.removeDirectory(doomed);
    // Last, when there is space again. The topic is gone in any case.
    await this.#forget(topic.name).catch((error: unknown) =>
      report(`${topic.name}: what was kept for it could not be forgotten yet: ${reasonOf(error)}`),
    );
  }

  /** Gives the directory of a topic the name of one that is being deleted, and so takes it away whole. */
  #doom(name: string): string {
    const { disk, directory } = this.#context;
    const doomed = joinPath(directory, `${DELETING}${name}`);
    disk.removeDirectory(doomed);
    disk.rename(joinPath(directory, name), doomed);
    return doomed;
  }
}

/** Gives a file of an older release what this one writes. */
async function upgradeTopicFile(
  { disk, directory, report }: RegistryContext,
  file: TopicFile,
): Promise<void> {
  try {
    await replaceTopicFile(disk, joinPath(directory, file.name), file);
  } catch (error) {
    // It can be read as it is, and a full disk is no reason not to serve it.
    if (!isDiskFull(error)) throw error;
    report(
      `${file.name}: no space to add a checksum to its topic.json; the next start tries again`,
    );
  }
}

function unknownTopic(name: string): RustLogError {
  return new RustLogError("UNKNOWN_TOPIC_OR_PARTITION", `there is no topic '${name}'`);
}

function creationError(name: string, error: unknown): RustLogError {
  if (error instanceof RustLogError) return error;
  const passing = isOutOfFiles(error) ? "BROKER_OVERLOADED" : "STORAGE_ERROR";
  const code = isDiskFull(error) ? "DISK_FULL" : passing;
  const message = `topic '${name}' could not be created: ${reasonOf(error)}`;
  return new RustLogError(code, message, { cause: error });
}
