// The topics of a data directory. Creation, changes and deletion are atomic, and one at a time for each topic.
// Leaves to others: opening partitions (topic.ts), changing a topic (topic-change.ts), and the directory's lock and id
// (data-directory.ts).
//
//   topics/NAME/topic.json      its id, settings and number of partitions (topic-file.ts)
//   topics/NAME/0/ … /N-1/      one directory a partition
//   topics/+c-NAME, +d-N        being created; deleted, and removed in the background, also after the next start
//                               (`+` can't be in a topic's name)
import { RustLogError } from "../errors.js";
import { BATCH_BYTES_HIGHEST, PARTITIONS_MAX } from "../limits.js";
import { ZERO_UUID } from "../record/bytes.js";
import { joinPath, reasonOf } from "../log/disk/disk.js";
import { TurnBudget } from "../log/event-loop.js";
import type { LogSettings } from "../log/log-context.js";
import { Faults } from "./faults.js";
import { type FoundContext, openFoundTopic } from "./found-topic.js";
import { isInternalTopic } from "./internal-topics.js";
import type { OfflinePartition } from "./offline-partition.js";
import { OneAtATime } from "./one-at-a-time.js";
import type { Partition } from "./partition.js";
import { DELETING, Removals } from "./removals.js";
import { applyRetention, retain, type RetentionFaults } from "./retention-pass.js";
import {
  type CleanSegments,
  closeCleanly,
  closeForDeletion,
  openNewTopic,
  type RecoveryNotes,
  type Topic,
} from "./topic.js";
import { addPartitions, changeSettings } from "./topic-change.js";
import {
  creationError,
  deletedTopic,
  deletionError,
  unflushedDeletion,
  unknownTopic,
} from "./topic-error.js";
import type { SettingBounds } from "./topic-configs.js";
import { firstTopicId, type TopicFile, writeTopicFile } from "./topic-file.js";
import {
  checkTopicName,
  settingsBeyond,
  settingsWithin,
  type TopicSettings,
} from "./topic-settings.js";

export interface RegistryContext extends FoundContext {
  /** Throws if the broker can't have this many partitions; called before a topic is created. */
  readonly admit?: ((partitions: number) => void) | undefined;
  readonly autoCreateTopics: boolean;
  readonly defaultPartitions: number;
  /** Largest batch that fits a request, in bytes. */
  readonly batchBytesHighest?: number | undefined;
  /** Called when files were deleted that may have been mapped. */
  readonly onFilesDeleted?: (() => void) | undefined;
}

/** Makes a topic's new settings from its current ones. Throws to leave them. */
type SettingsChange = (own: TopicSettings) => TopicSettings;

/** What a topic is created with. */
type NewTopic = Omit<TopicFile, "id">;

const CREATING = "+c-";

/** Partitions created or closed per turn of the event loop, over all creations and deletions. */
const PARTITIONS_PER_TURN = 16;

export class TopicRegistry {
  /** What is wrong with its partitions. */
  readonly faults: Faults;
  readonly #context: RegistryContext;
  readonly #topics = new Map<string, Topic>();
  readonly #byId = new Map<string, Topic>();
  readonly #creating = new Map<string, Promise<Topic>>();
  readonly #changing = new Map<string, Promise<void>>();
  readonly #deleting = new Map<string, Promise<void>>();
  readonly #removals: Removals;
  readonly #bounds: SettingBounds;
  readonly #turns = new TurnBudget(PARTITIONS_PER_TURN);
  readonly #openings = new OneAtATime();
  #partitionCount = 0;
  #isStopped = false;
  readonly #retentionFaults: RetentionFaults = new WeakMap();
  #onDeleted: (topic: Topic) => void = () => {};
  #onChanged: (name: string) => void = () => {};

  private constructor(context: RegistryContext) {
    const { disk, directory, report } = context;
    this.faults = new Faults(context.now);
    this.#context = { ...context, faults: this.faults };
    this.#removals = new Removals(disk, directory, report);
    const { flush, batchBytesHighest = BATCH_BYTES_HIGHEST } = context;
    this.#bounds = { flush, batchBytesHighest };
  }

  /**
   * Opens every topic in the directory, which must exist, and recovers the logs. What can't be opened is offline, and
   * reported. Directories of deleted topics are removed in the background.
   */
  static async open(context: RegistryContext, notes: RecoveryNotes): Promise<TopicRegistry> {
    const registry = new TopicRegistry(context);
    const { disk, directory } = context;
    // Renames by a killed process may be in the cache only.
    await disk.syncDirectory(directory);
    const names = disk.list(directory);
    for (const name of names.filter((it) => it.startsWith(DELETING))) {
      registry.#removals.add(joinPath(directory, name));
    }
    try {
      for (const name of names) {
        if (name.startsWith(DELETING)) continue;
        if (name.startsWith(CREATING)) {
          registry.#removeUnfinished(name);
          continue;
        }
        const topic = await openFoundTopic(registry.#context, name, notes);
        if (topic === undefined) continue;
        for (const line of settingsBeyond(registry.#bounds, topic.settings)) {
          context.report(`topic '${name}': ${line}`);
        }
        registry.#put(topic);
        registry.#partitionCount += topic.online.length;
      }
    } catch (error) {
      for (const { online } of registry.list()) await closeForDeletion(online, registry.#turns);
      throw error;
    }
    return registry;
  }

  find(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  /** Undefined for a topic that can't be opened, whose id is unknown. */
  byId(id: string): Topic | undefined {
    return this.#byId.get(id);
  }

  /** The settings of a topic without any of its own. */
  get logDefaults(): LogSettings {
    return this.#context.logDefaults;
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#context.now();
  }

  /** Partitions with open files, including topics that are being created or deleted. */
  get partitionCount(): number {
    return this.#partitionCount;
  }

  list(): readonly Topic[] {
    return [...this.#topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Throws UNKNOWN_TOPIC_OR_PARTITION, naming which of the two, or STORAGE_ERROR if the partition is offline. */
  partition(name: string, index: number): Partition {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw unknownTopic(name);
    const partition = topic.partitions[index];
    if (partition === undefined) {
      throw new RustLogError(
        "UNKNOWN_TOPIC_OR_PARTITION",
        `topic '${name}' has no partition ${index}; its partitions are 0 to ${topic.partitions.length - 1}`,
      );
    }
    if (partition.offline !== undefined) throw partition.error();
    return partition;
  }

  /** The partition, or undefined if it does not exist or is offline. */
  findOnline(name: string, index: number): Partition | undefined {
    const partition = this.#topics.get(name)?.partitions[index];
    return partition?.offline === undefined ? partition : undefined;
  }

  get offline(): readonly OfflinePartition[] {
    return [...this.#topics.values()].flatMap((topic) => topic.offline);
  }

  /**
   * Returns the topic; creates it if it is missing and the broker creates topics automatically, and tells that first, with
   * the number of partitions. Callers that wait for a creation are served in the order of their calls, before any later call.
   */
  ensure(name: string, creates?: (partitions: number) => void): Topic | Promise<Topic> {
    // Check this first: until the creation settles, earlier callers have not been served.
    const creating = this.#creating.get(name);
    if (creating !== undefined) return creating;
    const topic = this.#topics.get(name);
    if (topic !== undefined) return topic;
    if (!this.#context.autoCreateTopics) return Promise.reject(unknownTopic(name));
    creates?.(this.#context.defaultPartitions);
    return this.create(name, 0, {});
  }

  /**
   * Creates a topic; 0 partitions means the broker's default. Resolves once the topic would survive a crash. Rejects
   * with INVALID_TOPIC, INVALID_PARTITIONS, INVALID_CONFIG, TOPIC_ALREADY_EXISTS, DISK_FULL, BROKER_OVERLOADED (too
   * many open files), or the error of `admit`.
   */
  create(name: string, partitions: number, settings: TopicSettings): Promise<Topic> {
    let plan: NewTopic;
    try {
      plan = this.checkCreation(name, partitions, settings);
    } catch (error) {
      return Promise.reject(error);
    }
    const { partitions: count } = plan;
    this.#partitionCount += count;
    const creation = this.#create(plan).catch((error: unknown) => {
      this.#partitionCount -= count;
      throw error;
    });
    this.#creating.set(name, creation);
    // Handled first, so that nothing runs between this and the waiting callers.
    const forget = () => this.#creating.delete(name);
    creation.then(forget, forget);
    return creation;
  }

  /** Makes all checks of `create`, and creates nothing. Returns what would be created; throws what `create` rejects with. */
  checkCreation(name: string, partitions: number, settings: TopicSettings): NewTopic {
    checkTopicName(name);
    if (this.#topics.has(name) || this.#creating.has(name)) {
      throw new RustLogError("TOPIC_ALREADY_EXISTS", `topic '${name}' already exists`);
    }
    const own = this.checkSettings(settings);
    const count = partitions === 0 ? this.#context.defaultPartitions : partitions;
    if (!Number.isInteger(count) || count < 1 || count > PARTITIONS_MAX) {
      const message = `topic '${name}' can't have ${count} partitions; expected 1 to ${PARTITIONS_MAX}`;
      throw new RustLogError("INVALID_PARTITIONS", message);
    }
    // Always admit internal topics: they are few, and the broker needs them for committed offsets.
    if (!isInternalTopic(name)) this.#context.admit?.(this.#partitionCount + count);
    return { name, partitions: count, settings: own };
  }

  /** Calls `listener` for each deleted topic before its name can be reused. */
  onDeleted(listener: (topic: Topic) => void): void {
    this.#onDeleted = listener;
  }

  /** Calls `listener` after a topic was created or deleted, or has more partitions. */
  onChanged(listener: (name: string) => void): void {
    this.#onChanged = listener;
  }

  /** Whether the topic has this id. True also for a topic that can't be opened, whose id is unknown. */
  hasId(name: string, id: string): boolean {
    const now = this.#topics.get(name)?.id;
    return now === id || now === ZERO_UUID;
  }

  /** The id that a topic of this name has if a release without topic ids created it. */
  firstTopicId(name: string): string {
    return firstTopicId(this.#context.directoryId, name);
  }

  /**
   * Checks the settings of a topic that exists or may be created, and returns them in their canonical form. Throws
   * INVALID_CONFIG, naming the setting.
   */
  checkSettings(settings: TopicSettings): TopicSettings {
    return settingsWithin(this.#bounds, settings);
  }

  /**
   * Replaces a topic's own settings by others, or by what a function makes of them. Resolves once the change would
   * survive a crash; its open logs follow it from then on. Rejects with UNKNOWN_TOPIC_OR_PARTITION, INVALID_CONFIG,
   * DISK_FULL or STORAGE_ERROR; nothing has changed then.
   */
  alterSettings(name: string, change: TopicSettings | SettingsChange): Promise<Topic> {
    return this.#change(name, async (topic) => {
      const settings = typeof change === "function" ? change(topic.settings) : change;
      return await changeSettings(this.#context, topic, this.checkSettings(settings));
    });
  }

  /**
   * Gives a topic `total` partitions; the new ones are empty. Resolves once they would survive a crash. Rejects with
   * UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS (no more than now, or too many), the error of `admit`, DISK_FULL,
   * BROKER_OVERLOADED or STORAGE_ERROR; nothing has changed then.
   */
  addPartitions(name: string, total: number): Promise<Topic> {
    return this.#change(name, async (topic) => {
      const added = this.#checkAddition(topic, total);
      this.#partitionCount += added;
      try {
        const turns = this.#turns;
        return await addPartitions(this.#context, topic, total, {
          turns,
          openings: this.#openings,
        });
      } catch (error) {
        this.#partitionCount -= added;
        throw error;
      }
    });
  }

  /** Makes all checks of `addPartitions`, and adds nothing. Throws what `addPartitions` rejects with. */
  checkPartitions(name: string, total: number): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw unknownTopic(name);
    this.#checkAddition(topic, total);
  }

  /**
   * Deletes a topic and its records. Resolves once the topic would not reappear after a crash; its files are removed
   * later. Rejects with UNKNOWN_TOPIC_OR_PARTITION if there is no such topic, or it does not have the id `id`; and with
   * STORAGE_ERROR or DISK_FULL if its directory can't be renamed; the topic is unchanged then.
   */
  async delete(name: string, id?: string): Promise<Topic> {
    const changing = (): Promise<void> | undefined => this.#changing.get(name);
    for (let change = changing(); change !== undefined; change = changing()) await change;
    const topic = this.#topics.get(name);
    if (topic === undefined || (id ?? topic.id) !== topic.id) throw unknownTopic(name);
    const directory = joinPath(this.#context.directory, name);
    let doomed: string;
    try {
      doomed = this.#doom(name);
    } catch (error) {
      throw deletionError(name, directory, error);
    }
    this.#topics.delete(name);
    if (this.#byId.get(topic.id) === topic) this.#byId.delete(topic.id);
    // One error for all: thousands would hold the event loop.
    const failure = deletedTopic(name);
    for (const partition of topic.online) partition.refuseForDeletion(failure);
    this.faults.forget(topic.partitions);
    this.#onDeleted(topic);
    this.#onChanged(name);
    const deletion = this.#delete(topic, doomed).finally(() => this.#deleting.delete(name));
    this.#deleting.set(name, deletion);
    await deletion;
    this.#context.onFilesDeleted?.();
    return topic;
  }

  /** Deletes expired segments in all topics and returns their number. */
  async applyRetention(): Promise<number> {
    const { report, onFilesDeleted } = this.#context;
    const segments = await applyRetention(this.list(), this.#retentionFaults, report);
    if (segments > 0) onFilesDeleted?.();
    return segments;
  }

  /**
   * Deletes the records of a partition below `offset`, and then the segments that hold nothing else. Rejects as
   * `Partition.advanceLogStart` does. If a segment can't be removed, that is reported, and the next pass tries again.
   */
  async deleteRecords(partition: Partition, offset: number): Promise<void> {
    const { report, onFilesDeleted } = this.#context;
    await partition.advanceLogStart(offset);
    const reclaim = (): Promise<number> => partition.reclaim();
    const segments = await retain(partition, this.#retentionFaults, report, reclaim);
    if (segments > 0) onFilesDeleted?.();
  }

  /** Flushes and closes all partitions. Returns the notes for the next start. */
  async closeCleanly(): Promise<CleanSegments> {
    this.#isStopped = true;
    await Promise.allSettled(
      [this.#creating, this.#changing, this.#deleting].flatMap((it) => [...it.values()]),
    );
    await this.#removals.stop();
    return await closeCleanly(this.list());
  }

  async #create({ name, partitions, settings }: NewTopic): Promise<Topic> {
    await this.#deleting.get(name)?.catch(() => {});
    const { disk, directory, report } = this.#context;
    const staging = joinPath(directory, `${CREATING}${name}`);
    const final = joinPath(directory, name);
    const file = { name, id: crypto.randomUUID(), partitions, settings };
    let made = staging;
    try {
      if (disk.list(final).length > 0)
        throw new Error(`${final} exists but is not a topic; move it away`);
      await disk.removeDirectory(staging);
      for (let i = 0; i < partitions; i++) {
        await this.#turns.next();
        disk.makeDirectory(joinPath(staging, String(i)));
      }
      await writeTopicFile(disk, staging, file);
      await disk.syncDirectory(staging);
      disk.rename(staging, final);
      made = final;
      await disk.syncDirectory(directory);
      const topic = await openNewTopic(this.#context, file, this.#openings);
      this.#put(topic);
      return topic;
    } catch (error) {
      try {
        if (made === final) {
          made = this.#doom(name);
          await disk.syncDirectory(directory);
        }
        await disk.removeDirectory(made);
      } catch (failure) {
        report(`${made}, created for topic '${name}', could not be removed: ${reasonOf(failure)}`);
      }
      throw creationError(name, error);
    }
  }

  #put(topic: Topic): void {
    const before = this.#topics.get(topic.name);
    this.#topics.set(topic.name, topic);
    for (const partition of topic.offline) {
      this.faults.note(partition, { kind: "offline", reason: partition.offline });
    }
    if (topic.id !== ZERO_UUID) this.#byId.set(topic.id, topic);
    if (before?.partitions.length !== topic.partitions.length) this.#onChanged(topic.name);
  }

  /** Runs one change of a topic, after earlier ones and after its creation. */
  async #change(name: string, work: (topic: Topic) => Promise<Topic>): Promise<Topic> {
    const busy = (): Promise<unknown> | undefined =>
      this.#changing.get(name) ?? this.#creating.get(name)?.catch(() => {});
    for (let earlier = busy(); earlier !== undefined; earlier = busy()) await earlier;
    if (this.#isStopped) throw new RustLogError("BROKER_STOPPING", "the broker is stopping");
    const topic = this.#topics.get(name);
    if (topic === undefined) throw unknownTopic(name);
    const change = work(topic).then((changed) => {
      this.#put(changed);
      return changed;
    });
    const forget = () => {
      this.#changing.delete(name);
    };
    this.#changing.set(name, change.then(forget, forget));
    return await change;
  }

  /** The number of partitions to add. Throws if the topic can't have `total`. */
  #checkAddition({ name, partitions }: Topic, total: number): number {
    const now = partitions.length;
    if (!Number.isInteger(total) || total <= now || total > PARTITIONS_MAX) {
      throw new RustLogError(
        "INVALID_PARTITIONS",
        `topic '${name}' can't have ${total} partitions, because it has ${now}; expected ${now + 1} to ${PARTITIONS_MAX}`,
      );
    }
    this.#context.admit?.(this.#partitionCount + total - now);
    return total - now;
  }

  async #delete(topic: Topic, doomed: string): Promise<void> {
    const { disk, directory } = this.#context;
    await closeForDeletion(topic.online, this.#turns);
    this.#partitionCount -= topic.online.length;
    await disk.syncDirectory(directory).catch((error: unknown) => {
      throw unflushedDeletion(topic.name, directory, error);
    });
    // Not earlier: a crash could restore the topic under its name without some of its files.
    this.#removals.add(doomed);
  }

  /** Removes what an unfinished creation left, under a name that the next creation does not use. */
  #removeUnfinished(name: string): void {
    try {
      this.#removals.add(this.#doom(name));
    } catch (error) {
      const path = joinPath(this.#context.directory, name);
      this.#context.report(
        `${path}, left over from an unfinished creation, could not be removed: ${reasonOf(error)}`,
      );
    }
  }

  /** Renames the directory of a topic so that it disappears atomically and is removed later. */
  #doom(name: string): string {
    const doomed = this.#removals.newPath();
    try {
      this.#context.disk.rename(joinPath(this.#context.directory, name), doomed);
      return doomed;
    } catch (error) {
      this.#removals.giveBack(doomed);
      throw error;
    }
  }
}
