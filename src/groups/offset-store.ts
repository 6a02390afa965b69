// Committed offsets: the table in memory, and the rules for changing it.
// Leaves to others: whether an offset makes sense for its partition (the broker checks that before), keeping the table
// on disk (offset-log.ts), and rebuilding it at start (offset-replay.ts).
//
// A commit belongs to the topic that it was made for, by the topic's id. So neither the creation nor the deletion of
// a topic writes anything here, and both take the same time whatever the number of groups.
import { RustLogError } from "../errors.ts";
import { GROUP_NAME_BYTES_MAX } from "../limits.ts";
import { nextTurn } from "../log/event-loop.ts";
import type { Topic } from "../topics/topic.ts";
import { unknownTopic } from "../topics/topic-error.ts";
import type { TopicRegistry } from "../topics/topic-registry.ts";
import {
  type CompactionThreshold,
  type OffsetChange,
  OffsetLog,
  ROWS_PER_BATCH,
} from "./offset-log.ts";
import type { CommittedOffset, OffsetKey } from "./offset-record.ts";
import { replayOffsets } from "./offset-replay.ts";
import { type GroupSummary, type OffsetRow, OffsetTable } from "./offset-table.ts";

/** Rows that are looked at in one turn of the event loop when those of deleted topics are removed. */
const SWEPT_ROWS_PER_TURN = 4000;

export interface OffsetCommit {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface OffsetStoreContext {
  readonly registry: TopicRegistry;
  /** `durable` keeps offsets in the internal topic; `memory` forgets them when the broker stops. */
  readonly mode: "durable" | "memory";
  /** Unless given, the default: 4 MiB, and 512 bytes for each committed offset. */
  readonly compaction?: CompactionThreshold;
  readonly now: () => number;
  readonly report: (line: string) => void;
}

/** The committed offsets of all groups. */
export class OffsetStore {
  readonly #context: OffsetStoreContext;
  readonly #table = new OffsetTable();
  /** Undefined in mode `memory`. */
  readonly #log: OffsetLog | undefined;
  #sweeping: Promise<void> | undefined;

  private constructor(context: OffsetStoreContext) {
    this.#context = context;
    if (context.mode === "durable") this.#log = new OffsetLog({ ...context, table: this.#table });
  }

  /** Rebuilds the table from the internal topic, if there is one. */
  static async open(context: OffsetStoreContext): Promise<OffsetStore> {
    const store = new OffsetStore(context);
    const partition = store.#log?.partition;
    if (partition !== undefined) {
      await replayOffsets({ ...context, partition, table: store.#table });
      await store.#reconcile();
    }
    context.registry.onDeleted((topic) => store.#topicDeleted(topic));
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
    this.#log?.checkOnline();
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
    const { registry } = this.#context;
    await this.#write(
      commits.map(({ topic, partition, offset }): OffsetChange => {
        const topicId = registry.find(topic)?.id;
        if (topicId === undefined) throw unknownTopic(topic);
        return [
          { group, topic, partition },
          { offset, commitTimestamp, topicId },
        ];
      }),
    );
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

  get size(): number {
    return this.#table.size;
  }

  /**
   * Forgets a group; throws GROUP_NOT_FOUND when there is none. A large one is deleted in several batches: after a
   * crash, or an error, the rest of it may still be there.
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
   * Forgets what was committed for a topic that was deleted: at once for those who ask, and from memory in small
   * portions. Nothing is written: a commit has the id of its topic, and the next start passes over those of a topic
   * that is gone.
   */
  #topicDeleted({ name }: Topic): void {
    this.#table.deleteTopic(name);
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
  }

  async #sweep(): Promise<void> {
    do await nextTurn();
    while (this.#table.sweep(SWEPT_ROWS_PER_TURN));
    this.#log?.compactIfWorthwhile();
  }

  /** Holds the table against the logs: a crash may have taken the end of one that was not flushed. */
  async #reconcile(): Promise<void> {
    const { registry, report } = this.#context;
    let after: OffsetKey | undefined;
    let isChanged = false;
    for (;;) {
      const rows = this.#table.rows(after, ROWS_PER_BATCH);
      const ahead: OffsetChange[] = [];
      for (const row of rows) {
        const end = registry.findOnline(row.topic, row.partition)?.logEndOffset;
        if (end === undefined || row.offset <= end) continue;
        // Left there, the group would pass over the records that get these offsets next.
        report(
          `group '${row.group}' had committed offset ${row.offset} of ${row.topic}-${row.partition}, ` +
            `whose log ends at ${end}: it goes on from there`,
        );
        ahead.push([row, { ...row, offset: end }]);
      }
      if (ahead.length > 0) await this.#write(ahead);
      isChanged ||= ahead.length > 0;
      after = rows.at(-1);
      if (after === undefined) break;
      await nextTurn();
    }
    // Whatever the flush policy: this must outlive the records that come after it.
    if (isChanged) await this.#log?.partition?.sync();
  }

  async #write(changes: readonly OffsetChange[]): Promise<void> {
    const apply = (): void => this.#apply(changes);
    if (this.#log === undefined) apply();
    else await this.#log.write(changes, () => this.#checkCurrent(changes), apply);
    this.#log?.compactIfWorthwhile();
  }

  /** Throws UNKNOWN_TOPIC_ID for a commit that has waited while its topic was deleted. */
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
    }
  }
}

/** GROUP_NOT_FOUND for a group that has committed nothing. */
export function groupNotFound(group: string): RustLogError {
  return new RustLogError("GROUP_NOT_FOUND", `group '${group}' has committed nothing`);
}
