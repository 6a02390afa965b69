// Committed offsets in memory: group, then topic, then partition.
// Leaves to others: keeping them across a restart (offset-store.ts).
import type { CommittedOffset, OffsetKey } from "./offset-record.ts";

/** One row of the table. */
export interface OffsetRow extends OffsetKey, CommittedOffset {}

/** The committed offset of every (group, topic, partition). */
export class OffsetTable {
  readonly #groups = new Map<string, Map<string, Map<number, CommittedOffset>>>();
  #size = 0;

  /** Number of rows. */
  get size(): number {
    return this.#size;
  }

  /** What was committed for a key, or undefined. */
  get(group: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#groups.get(group)?.get(topic)?.get(partition);
  }

  /** Sets a row. */
  set(key: OffsetKey, committed: CommittedOffset): void {
    const topics = this.#groups.get(key.group) ?? new Map<string, Map<number, CommittedOffset>>();
    this.#groups.set(key.group, topics);
    const partitions = topics.get(key.topic) ?? new Map<number, CommittedOffset>();
    topics.set(key.topic, partitions);
    if (!partitions.has(key.partition)) this.#size++;
    partitions.set(key.partition, committed);
  }

  /** Removes a row, and a group with its last one. */
  delete(key: OffsetKey): void {
    const topics = this.#groups.get(key.group);
    const partitions = topics?.get(key.topic);
    if (topics === undefined || partitions === undefined) return;
    if (partitions.delete(key.partition)) this.#size--;
    if (partitions.size === 0) topics.delete(key.topic);
    if (topics.size === 0) this.#groups.delete(key.group);
  }

  /** Names of all groups that have committed something, sorted, each with its number of rows. */
  groups(): { group: string; partitions: number }[] {
    const groups: { group: string; partitions: number }[] = [];
    for (const [group, topics] of this.#groups) {
      let partitions = 0;
      for (const rows of topics.values()) partitions += rows.size;
      groups.push({ group, partitions });
    }
    return groups.sort((a, b) => (a.group < b.group ? -1 : 1));
  }

  /** The rows of one group, by topic and partition; empty when there is no such group. */
  rowsOf(group: string): OffsetRow[] {
    const rows: OffsetRow[] = [];
    for (const [topic, partitions] of this.#groups.get(group) ?? []) {
      for (const [partition, committed] of partitions) {
        rows.push({ group, topic, partition, ...committed });
      }
    }
    return rows.sort((a, b) =>
      a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
    );
  }

  /** All rows. */
  rows(): OffsetRow[] {
    return this.groups().flatMap(({ group }) => this.rowsOf(group));
  }
}
