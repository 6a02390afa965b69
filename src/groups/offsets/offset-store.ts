// Committed offsets: the table in memory, and the rules for changing it.
// Leaves to others: whether an offset is valid for its partition (services/), storing the table (offset-log.ts), rebuilding
// it at start (offset-replay.ts), and deleting what belongs to deleted topics (offset-sweep.ts).
//
// A commit belongs to a topic id, not to a name. So when a topic is deleted, its commits count no more at once, whatever
// their number, and whether or not there is space to write that down. Afterwards they are deleted one by one.
import { RustLogError } from "../../errors.js";
import { GROUP_NAME_BYTES_MAX, OFFSETS_MEMORY_BYTES_MAX } from "../../limits.js";
import { reasonOf } from "../../log/disk/disk.js";
import { nextTurn } from "../../log/event-loop.js";
import type { Partition } from "../../topics/partition.js";
import { unknownTopic } from "../../topics/topic-error.js";
import type { TopicRegistry } from "../../topics/topic-registry.js";
import type { Topic } from "../../topics/topic.js";
import { type GroupRecordChange, GroupRecordTable } from "../group-record-table.js";
import {
  type OffsetHistory,
  type OffsetHistoryQuery,
  readOffsetHistory,
} from "./offset-history.js";
import {
  GROWTH_BYTES,
  type OffsetChange,
  OffsetLog,
  recordsOfGroups,
  recordsOfOffsets,
  ROWS_PER_BATCH,
} from "./offset-log.js";
import type { CommitDetails, CommittedOffset, OffsetKey } from "./offset-record.js";
import { replayOffsets } from "./offset-replay.js";
import { rewriteOffsets } from "./offset-rewrite.js";
import { OffsetSweep } from "./offset-sweep.js";
import { type GroupSummary, type OffsetRow, OffsetTable } from "./offset-table.js";

/** More memory than one committed offset takes. */
const OFFSET_MEMORY_BYTES = 10_000;

export interface OffsetCommit {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly details?: CommitDetails | undefined;
}

export interface OffsetStoreContext {
  readonly registry: TopicRegistry;
  /** `durable` stores offsets in the internal topic; `memory` loses them when the broker stops. */
  readonly mode: "durable" | "memory";
  /** Called when the log of offsets has grown so much that it may be worth compacting. */
  readonly onGrown?: () => void;
  /** For tests. */
  readonly growthBytes?: number;
  /** Memory of the table beyond which it takes no more rows; for tests. */
  readonly memoryBytesMax?: number;
  readonly now: () => number;
  readonly report: (line: string) => void;
}

export class OffsetStore {
  readonly #context: OffsetStoreContext;
  readonly #table = new OffsetTable();
  /** The records of groups, as they are in the log. */
  readonly groupRecords = new GroupRecordTable();
  /** Undefined in mode `memory`. */
  readonly #log: OffsetLog | undefined;
  readonly #sweep: OffsetSweep;

  private constructor(context: OffsetStoreContext) {
    this.#context = context;
    this.#log = context.mode === "memory" ? undefined : new OffsetLog(context);
    this.#sweep = new OffsetSweep(this.#table, this.#log, context.report);
  }

  /** Rebuilds the table from the internal topic, if there is one. */
  static async open(context: OffsetStoreContext): Promise<OffsetStore> {
    const store = new OffsetStore(context);
    const partition = store.#log?.partition;
    if (partition !== undefined) {
      const { groupRecords } = store;
      const replay = { ...context, partition, table: store.#table, groupRecords };
      const isDamaged = await replayOffsets(replay);
      await store.#reconcile();
      await store.#log?.upgrade();
      if (isDamaged) await store.#rewriteIfLong(partition);
      if (store.#table.hasGone) store.#sweep.soon();
    }
    context.registry.onDeleted((topic) => store.#topicDeleted(topic));
    return store;
  }

  async #rewriteIfLong(partition: Partition): Promise<void> {
    const { growthBytes = GROWTH_BYTES, report } = this.#context;
    const log = this.#log;
    if (log === undefined || partition.bytes < growthBytes) return;
    try {
      await rewriteOffsets({
        ...{ partition, table: this.#table, groupRecords: this.groupRecords },
        append: (records) =>
          log.write(
            records,
            () => {},
            () => {},
          ),
      });
      report(`${partition.name}: the damaged segments were replaced by what is left of them`);
    } catch (error) {
      report(`${partition.name}: the damaged segments can't be replaced: ${reasonOf(error)}`);
    }
  }

  /** Throws INVALID_GROUP unless the name has 1 to 249 bytes; Kafka's clients may commit without a name. */
  static checkGroup(group: string, bytesMin: 0 | 1 = 1): void {
    // Nearly all: a UTF-16 unit has at most three bytes.
    if (group.length > 0 && group.length <= GROUP_NAME_BYTES_MAX / 3) return;
    const bytes = Buffer.byteLength(group);
    if (bytes >= bytesMin && bytes <= GROUP_NAME_BYTES_MAX) return;
    throw new RustLogError(
      "INVALID_GROUP",
      `a group name must have 1 to ${GROUP_NAME_BYTES_MAX} bytes, not ${bytes}`,
    );
  }

  /** Throws STORAGE_ERROR, with the reason, if the log of committed offsets is offline. */
  checkOnline(): void {
    this.#log?.checkOnline();
  }

  /** The committed offset of a group in a partition, or undefined. Throws STORAGE_ERROR as `checkOnline` does. */
  fetch(group: string, topic: string, partition: number): CommittedOffset | undefined {
    this.checkOnline();
    return this.#table.get(group, topic, partition);
  }

  /**
   * Commits offsets for a group, all or none. In mode `durable` they are durable when it resolves. `check`, which may
   * throw, is called when they are about to be written, after which nothing comes between.
   */
  async commit(group: string, commits: readonly OffsetCommit[], check?: () => void): Promise<void> {
    OffsetStore.checkGroup(group, 0);
    this.checkOnline();
    if (commits.length === 0) return;
    this.#checkMemory(group, commits);
    const commitTimestamp = this.#context.now();
    const { registry } = this.#context;
    await this.#write(
      commits.map(({ topic, partition, offset, details }): OffsetChange => {
        const topicId = registry.find(topic)?.id;
        if (topicId === undefined) throw unknownTopic(topic);
        return [
          { group, topic, partition },
          { offset, commitTimestamp, topicId, details },
        ];
      }),
      check,
    );
  }

  /** Throws INVALID_COMMIT_OFFSET_SIZE, which Kafka's clients know, if there is no memory for these offsets. */
  #checkMemory(group: string, commits: readonly OffsetCommit[]): void {
    const { memoryBytesMax = OFFSETS_MEMORY_BYTES_MAX } = this.#context;
    const left = memoryBytesMax - this.#table.bytes;
    if (commits.length * OFFSET_MEMORY_BYTES <= left) return;
    let bytes = 0;
    for (const { topic, partition, details } of commits) {
      bytes += this.#table.growthBy({ group, topic, partition }, details);
    }
    if (bytes <= Math.max(0, left)) return;
    const message = `committed offsets take ${memoryBytesMax} bytes of memory, the maximum (OFFSETS_MEMORY_BYTES_MAX)`;
    throw new RustLogError("INVALID_COMMIT_OFFSET_SIZE", message);
  }

  /**
   * What a group had committed at some times in the past, as far as the log tells; undefined if there is no log. Rejects with
   * INVALID_REQUEST when it is aborted.
   */
  async history(query: Omit<OffsetHistoryQuery, "isCurrent">): Promise<OffsetHistory | undefined> {
    const partition = this.#log?.partition;
    if (partition === undefined) return undefined;
    const { registry } = this.#context;
    const isCurrent = (topic: string, topicId: string | undefined): boolean =>
      registry.hasId(topic, topicId ?? registry.firstTopicId(topic));
    return await readOffsetHistory(partition, { ...query, isCurrent });
  }

  /** The next `limit` groups by name, after `after` or from the first one on. */
  page(after: string | undefined, limit: number): readonly GroupSummary[] {
    return this.#table.page(after, limit);
  }

  /** The next `limit` committed offsets by group, topic and partition, after `after` or from the first one on. */
  rows(after: OffsetKey | undefined, limit: number): readonly OffsetRow[] {
    return this.#table.rows(after, limit);
  }

  /** All committed offsets of a group, by topic and partition. Others may change while the caller iterates. */
  *rowsOf(group: string): Generator<OffsetRow, void> {
    let after: OffsetKey = { group, topic: "", partition: -1 };
    for (;;) {
      const rows = this.#table.rows(after, ROWS_PER_BATCH);
      for (const row of rows) {
        if (row.group !== group) return;
        yield row;
      }
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last;
    }
  }

  /** Number of groups. A group that only has offsets of deleted topics may be counted a little longer. */
  get groupCount(): number {
    return this.#table.groupsInMemory;
  }

  /** Sorted names of the topics that a group has committed offsets for; empty if it has none. */
  topicsOf(group: string): readonly string[] {
    return this.#table.topicsOf(group);
  }

  get size(): number {
    return this.#table.size;
  }

  /**
   * Deletes a group. Throws GROUP_NOT_FOUND if it does not exist. A large group is deleted in several batches, so part of
   * it may remain after a crash or an error.
   */
  async deleteGroup(group: string): Promise<void> {
    this.checkOnline();
    let after: OffsetKey = { group, topic: "", partition: -1 };
    for (let isFirst = true; ; isFirst = false) {
      const changes = this.#table
        .rows(after, ROWS_PER_BATCH)
        .filter((row) => row.group === group)
        .map((row): OffsetChange => [row, null]);
      const [last] = changes.at(-1) ?? [];
      if (last === undefined) {
        if (isFirst) throw groupNotFound(group);
        return;
      }
      await this.#write(changes);
      after = last;
    }
  }

  /**
   * Deletes a group's committed offsets of some partitions, all or none, also those that are still being written. Resolves
   * with what they were, in order; undefined for a partition without one.
   */
  async deleteOffsets(
    group: string,
    partitions: readonly Omit<OffsetKey, "group">[],
  ): Promise<(CommittedOffset | undefined)[]> {
    this.checkOnline();
    const deleted = partitions.map((it) => this.#table.get(group, it.topic, it.partition));
    if (partitions.length > 0) {
      await this.#write(
        partitions.map(({ topic, partition }) => [{ group, topic, partition }, null]),
      );
    }
    return deleted;
  }

  /**
   * Deletes those of some committed offsets that are due, also when no commit of them is in progress any more, all or none.
   * Resolves with them.
   */
  async deleteIf(
    keys: readonly OffsetKey[],
    isDue: (row: OffsetRow) => boolean,
  ): Promise<readonly OffsetRow[]> {
    this.checkOnline();
    let due: OffsetRow[] = [];
    const choose = () => {
      due = keys.flatMap((key) => {
        const committed = this.#table.get(key.group, key.topic, key.partition);
        const row = committed && { ...key, ...committed };
        return row !== undefined && isDue(row) ? [row] : [];
      });
      if (due.length === 0) return undefined;
      const changes = due.map((row): OffsetChange => [row, null]);
      return { records: recordsOfOffsets(changes), apply: () => this.#apply(changes) };
    };
    if (this.#log === undefined) choose()?.apply();
    else await this.#log.writeAlone(choose);
    return due;
  }

  /** Deletes the committed offsets of a deleted topic. They disappear at once. */
  #topicDeleted({ name }: Topic): void {
    this.#table.deleteTopic(name);
    this.#sweep.soon();
  }

  /**
   * Checks the table against the logs: a crash may have truncated a log that was not flushed. A commit that was beyond its
   * log from the beginning is what its client wanted, and stays.
   */
  async #reconcile(): Promise<void> {
    const { registry, report } = this.#context;
    let after: OffsetKey | undefined;
    let isChanged = false;
    for (;;) {
      const rows = this.#table.rows(after, ROWS_PER_BATCH);
      const ahead: OffsetChange[] = [];
      for (const row of rows) {
        const end = registry.findOnline(row.topic, row.partition)?.logEndOffset;
        if (end === undefined || row.offset <= end || row.details?.isAhead === true) continue;
        // Otherwise the group would skip the records that get these offsets next.
        report(
          `group '${row.group}' had committed offset ${row.offset} of ${row.topic}-${row.partition}, ` +
            `whose log ends at ${end}; it continues from there`,
        );
        ahead.push([row, { ...row, offset: end }]);
      }
      if (ahead.length > 0) await this.#write(ahead);
      isChanged ||= ahead.length > 0;
      after = rows.at(-1);
      if (after === undefined) break;
      await nextTurn();
    }
    // Independent of the flush policy: this must be durable before records are appended after it.
    if (isChanged) await this.#log?.partition?.sync();
  }

  /** Changes records of groups, all or none. They are durable, and in the table, when it resolves. */
  async writeGroupRecords(changes: readonly GroupRecordChange[]): Promise<void> {
    this.checkOnline();
    const apply = (): void => {
      for (const change of changes) this.groupRecords.apply(change);
    };
    if (this.#log === undefined) apply();
    else await this.#log.write(recordsOfGroups(changes), () => {}, apply);
  }

  async #write(changes: readonly OffsetChange[], check?: () => void): Promise<void> {
    const apply = (): void => this.#apply(changes);
    if (this.#log === undefined) {
      check?.();
      apply();
    } else {
      const checkAll = (): void => {
        this.#checkCurrent(changes);
        check?.();
      };
      await this.#log.write(recordsOfOffsets(changes), checkAll, apply);
    }
  }

  /** Throws UNKNOWN_TOPIC_ID if the topic was deleted while the commit waited. */
  #checkCurrent(changes: readonly OffsetChange[]): void {
    for (const [{ topic }, committed] of changes) {
      if (committed === null || this.#context.registry.hasId(topic, committed.topicId)) continue;
      const message = `topic '${topic}' with id ${committed.topicId} was deleted`;
      throw new RustLogError("UNKNOWN_TOPIC_ID", message);
    }
  }

  #apply(changes: readonly OffsetChange[]): void {
    for (const [key, committed] of changes) {
      if (committed === null) this.#table.delete(key);
      else if (this.#context.registry.hasId(key.topic, committed.topicId))
        this.#table.set(key, committed);
      else {
        // Its topic was deleted while it was being written.
        this.#table.setGone(key, committed);
        this.#sweep.soon();
      }
    }
  }
}

export function groupNotFound(group: string): RustLogError {
  return new RustLogError("GROUP_NOT_FOUND", `group '${group}' has committed nothing`);
}
