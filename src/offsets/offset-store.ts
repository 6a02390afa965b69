// Committed offsets: the table in memory, and the internal topic that it is rebuilt from after a restart.
// Leaves to others: whether an offset makes sense for its partition (the broker checks that before), and reading
// the topic at start (offset-replay.ts).
//
// The topic `__consumer_offsets` has one partition, and every commit is one record batch in it, so that a
// commit of many partitions is there whole or not at all. It is compacted by a snapshot: a new segment is
// begun, the table is written to it and flushed, and then the older segments are deleted. A crash between
// any two of these steps leaves records that say the same twice.
import { RustLogError } from "../errors.ts";
import { GROUP_NAME_BYTES_MAX } from "../limits.ts";
import { BatchEncoder } from "../record/encoder.ts";
import { reasonOf } from "../storage/disk.ts";
import type { OfflinePartition } from "../topics/offline-partition.ts";
import type { Partition } from "../topics/partition.ts";
import type { TopicRegistry } from "../topics/topic-registry.ts";
import {
  type CommittedOffset,
  encodeOffsetKey,
  encodeOffsetValue,
  type OffsetKey,
} from "./offset-record.ts";
import { replayOffsets } from "./offset-replay.ts";
import { type GroupSummary, type OffsetRow, OffsetTable } from "./offset-table.ts";

/** Name of the internal topic. */
export const OFFSETS_TOPIC = "__consumer_offsets";

const SNAPSHOT_BATCH_BYTES = 256 * 1024;

/** When the log of the offsets topic is compacted: once it is longer than both of these say. */
export interface CompactionThreshold {
  /** A log shorter than this is not worth it. */
  readonly bytesMin: number;
  /** Bytes of log for each committed offset; a record takes some 100. */
  readonly bytesPerRow: number;
}

const COMPACTION: CompactionThreshold = { bytesMin: 4 * 1024 * 1024, bytesPerRow: 512 };

/** One offset to commit. */
export interface OffsetCommit {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What the store works with. */
export interface OffsetStoreContext {
  readonly registry: TopicRegistry;
  /** `durable` keeps offsets in the internal topic; `memory` forgets them when the broker stops. */
  readonly mode: "durable" | "memory";
  /** Unless given, the default: 4 MiB, and 512 bytes for each committed offset. */
  readonly compaction?: CompactionThreshold;
  readonly now: () => number;
  readonly report: (line: string) => void;
}

type Change = readonly [OffsetKey, CommittedOffset | null];

/** The committed offsets of all groups. */
export class OffsetStore {
  readonly #context: OffsetStoreContext;
  readonly #table = new OffsetTable();
  #partition: Partition | undefined;
  /** The partition of the internal topic, if it can't be opened: then what was committed is not known. */
  #offline: OfflinePartition | undefined;
  /** Writes to the internal topic that are not in the table yet. */
  readonly #inFlight = new Set<Promise<unknown>>();
  /** By topic that is gone: the deletions that may not be written down yet. */
  readonly #owed = new Map<string, readonly Change[]>();
  #compaction: Promise<void> | undefined;

  private constructor(context: OffsetStoreContext) {
    this.#context = context;
  }

  /** Rebuilds the table from the internal topic, if there is one. */
  static async open(context: OffsetStoreContext): Promise<OffsetStore> {
    const store = new OffsetStore(context);
    if (context.mode === "durable") {
      const partition = context.registry.find(OFFSETS_TOPIC)?.partitions[0];
      if (partition?.offline === undefined) store.#partition = partition;
      else store.#offline = partition;
      if (store.#partition !== undefined) {
        replayOffsets(store.#partition, store.#table, context.report);
        await store.#reconcile();
      }
    }
    context.registry.onGone((topic) => store.deleteTopic(topic));
    return store;
  }

  /** Throws INVALID_GROUP unless the name has 1 to 249 bytes. */
  static checkGroup(group: string): void {
    const bytes = Buffer.byteLength(group);
    if (bytes >= 1 && bytes <= GROUP_NAME_BYTES_MAX) return;
    throw new RustLogError("INVALID_GROUP", `a group name of ${bytes} bytes is not possible`);
  }

  /** Throws STORAGE_ERROR, with the reason, if the log of committed offsets is offline. */
  checkOnline(): void {
    if (this.#offline !== undefined) throw this.#offline.error();
  }

  /** What a group has committed for a partition, or undefined. Throws STORAGE_ERROR as `checkOnline` does. */
  fetch(group: string, topic: string, partition: number): CommittedOffset | undefined {
    this.checkOnline();
    return this.#table.get(group, topic, partition);
  }

  /** Commits offsets for a group, all or none. When it resolves they are durable (mode `durable`). */
  async commit(group: string, commits: readonly OffsetCommit[]): Promise<void> {
    OffsetStore.checkGroup(group);
    this.checkOnline();
    if (commits.length === 0) return;
    const commitTimestamp = this.#context.now();
    await this.#write(
      commits.map(({ topic, partition, offset }): Change => [
        { group, topic, partition },
        { offset, commitTimestamp },
      ]),
    );
  }

  /** All groups that have committed something, by name. Takes as long as there are groups: see `page`. */
  groups(): readonly GroupSummary[] {
    return this.#table.page(undefined, Infinity);
  }

  /** The next `limit` groups by name: those after `after`, or from the first on. */
  page(after: string | undefined, limit: number): readonly GroupSummary[] {
    return this.#table.page(after, limit);
  }

  /** The next `limit` committed offsets by group, topic and partition: those after `after`, or from the first on. */
  rows(after: OffsetKey | undefined, limit: number): readonly OffsetRow[] {
    return this.#table.rows(after, limit);
  }

  /** Number of groups; those that only had offsets of a deleted topic may count a little longer. */
  get groupCount(): number {
    return this.#table.groupsInMemory;
  }

  /** Names of the topics that a group has committed offsets for, sorted; empty when it has committed nothing. */
  topicsOf(group: string): readonly string[] {
    return this.#table.topicsOf(group);
  }

  /** Number of committed offsets. */
  get size(): number {
    return this.#table.size;
  }

  /** The committed offsets of a group; undefined when it has none. */
  describe(group: string): readonly OffsetRow[] | undefined {
    const rows = this.#table.rowsOf(group);
    return rows.length === 0 ? undefined : rows;
  }

  /** Forgets a group; throws GROUP_NOT_FOUND when there is none. */
  async deleteGroup(group: string): Promise<void> {
    this.checkOnline();
    const rows = this.#table.rowsOf(group);
    if (rows.length === 0) throw groupNotFound(group);
    await this.#write(rows.map((row): Change => [row, null]));
  }

  /**
   * Forgets all offsets committed for a topic that is gone: one of the same name may come, with other records. In
   * memory in any case. When it rejects, for want of space, it must be called again before such a topic comes.
   */
  async deleteTopic(topic: string): Promise<void> {
    // A commit creates this one, and would wait for itself; and it is never deleted.
    if (topic === OFFSETS_TOPIC) return;
    // A commit that is in flight, or waits to be, was checked while the topic was there: it must not outlive it.
    while (this.#compaction !== undefined) await this.#compaction;
    await Promise.allSettled([...this.#inFlight]);
    const rows = this.#table.rows(undefined, Infinity).filter((row) => row.topic === topic);
    const changes = [...(this.#owed.get(topic) ?? []), ...rows.map((row): Change => [row, null])];
    if (changes.length === 0) return;
    this.#apply(changes);
    this.#owed.set(topic, changes);
    await this.#writeDurably(changes);
    this.#owed.delete(topic);
  }

  /**
   * Holds the table against the logs, after a crash may have taken the end of one that was not flushed, or come
   * between the deletion of a topic and of what was committed for it.
   */
  async #reconcile(): Promise<void> {
    const { registry, report } = this.#context;
    const gone = new Set<string>();
    const ahead: Change[] = [];
    for (const row of this.#table.rows(undefined, Infinity)) {
      if (registry.find(row.topic) === undefined) gone.add(row.topic);
      const end = registry.findOnline(row.topic, row.partition)?.logEndOffset;
      if (end === undefined || row.offset <= end) continue;
      // Left there, the group would pass over the records that get these offsets next.
      report(
        `group '${row.group}' had committed offset ${row.offset} of ${row.topic}-${row.partition}, ` +
          `whose log ends at ${end}: it goes on from there`,
      );
      ahead.push([row, { offset: end, commitTimestamp: row.commitTimestamp }]);
    }
    if (ahead.length > 0) await this.#writeDurably(ahead);
    for (const topic of gone) {
      await this.deleteTopic(topic).catch((error: unknown) =>
        report(`offsets of deleted topics could not be forgotten: ${reasonOf(error)}`),
      );
    }
  }

  /** Whatever the flush policy: this must outlive the records that come after it. */
  async #writeDurably(changes: readonly Change[]): Promise<void> {
    await this.#write(changes);
    await this.#partition?.sync();
  }

  async #write(changes: readonly Change[]): Promise<void> {
    if (this.#context.mode === "durable") {
      while (this.#compaction !== undefined) await this.#compaction;
      const write = this.#append(changes);
      this.#inFlight.add(write);
      try {
        await write;
      } finally {
        this.#inFlight.delete(write);
      }
    } else this.#apply(changes);
    this.#compactIfWorthwhile();
  }

  async #append(changes: readonly Change[]): Promise<void> {
    this.#partition ??= await this.#createTopic();
    await this.#partition.append(this.#encode(changes));
    this.#apply(changes);
  }

  #apply(changes: readonly Change[]): void {
    for (const [key, committed] of changes) {
      if (committed === null) this.#table.delete(key);
      else this.#table.set(key, committed);
    }
  }

  #encode(changes: readonly Change[]): Uint8Array {
    const encoder = new BatchEncoder();
    const now = this.#context.now();
    for (const [key, committed] of changes) {
      const value = committed === null ? null : encodeOffsetValue(committed);
      encoder.append(now, encodeOffsetKey(key), value);
    }
    return encoder.finish();
  }

  async #createTopic(): Promise<Partition> {
    const { registry } = this.#context;
    const settings = { "retention.ms": "-1", "retention.bytes": "-1" };
    const topic =
      registry.find(OFFSETS_TOPIC) ??
      (await registry.create(OFFSETS_TOPIC, 1, settings).catch((error: unknown) => {
        // Two first commits at once: the other one was faster.
        const code = error instanceof RustLogError ? error.code : undefined;
        if (code === "TOPIC_ALREADY_EXISTS") return registry.ensure(OFFSETS_TOPIC);
        throw error;
      }));
    const [partition] = topic.online;
    if (partition === undefined) throw new Error("the offsets topic has no partition");
    return partition;
  }

  #compactIfWorthwhile(): void {
    const partition = this.#partition;
    if (partition === undefined || this.#compaction !== undefined) return;
    const { bytesMin, bytesPerRow } = this.#context.compaction ?? COMPACTION;
    if (partition.bytes < Math.max(bytesMin, this.#table.size * bytesPerRow)) return;
    this.#compaction = this.#compact(partition)
      .catch((error: unknown) => {
        if (error instanceof RustLogError && error.code === "BROKER_STOPPING") return;
        // The log stays as it was, only longer than it need be; the next commit tries again.
        this.#context.report(`${OFFSETS_TOPIC}: could not be compacted: ${reasonOf(error)}`);
      })
      .finally(() => {
        this.#compaction = undefined;
      });
  }

  async #compact(partition: Partition): Promise<void> {
    // A commit that is in flight would stand before the snapshot in the log and not be in it.
    await Promise.allSettled([...this.#inFlight]);
    await partition.roll();
    const start = partition.logEndOffset;
    const rows = this.#table.rows(undefined, Infinity);
    let written = 0;
    while (written < rows.length) {
      const encoder = new BatchEncoder();
      for (; written < rows.length && encoder.bytes < SNAPSHOT_BATCH_BYTES; written++) {
        const row = rows[written];
        if (row === undefined) break;
        encoder.append(row.commitTimestamp, encodeOffsetKey(row), encodeOffsetValue(row));
      }
      await partition.append(encoder.finish());
    }
    await partition.sync();
    await partition.deleteBefore(start);
  }
}

/** GROUP_NOT_FOUND for a group that has committed nothing. */
export function groupNotFound(group: string): RustLogError {
  return new RustLogError("GROUP_NOT_FOUND", `group '${group}' has committed nothing`);
}
