// Committed offsets in memory: group, then topic, then partition, all in order.
// Leaves to others: keeping them across a restart (offset-store.ts).
//
// A group that nobody uses should cost little: it is its name, and for each topic an object and one array of numbers.
// A topic that is gone takes no time, whatever the number of groups: its rows are skipped from then on, and `sweep`
// removes them in small portions.
import type { CommittedOffset, OffsetKey } from "./offset-record.ts";
import { SortedMap } from "./sorted-map.ts";

/** One row of the table. */
export interface OffsetRow extends OffsetKey, CommittedOffset {}

/** One group in a list. */
export interface GroupSummary {
  readonly group: string;
  /** Number of partitions that it has committed an offset for. */
  readonly partitions: number;
}

/** A topic that groups have committed offsets for; shared by their rows. */
interface TableTopic {
  readonly name: string;
  readonly id: string;
  rows: number;
  isGone: boolean;
}

/** The rows of a group for one topic. */
interface TopicRows {
  readonly topic: TableTopic;
  /** Partition, offset and commit timestamp, and so on, by partition. */
  readonly cells: number[];
}

/** Numbers in `cells` for each row. */
const STRIDE = 3;

/** The committed offset of every (group, topic, partition). */
export class OffsetTable {
  /** The topics of each group, by name; those that are gone only until they are swept. */
  readonly #groups = new SortedMap<TopicRows[]>();
  readonly #topics = new Map<string, TableTopic>();
  #size = 0;
  #hasGone = false;
  /** Where the next sweep goes on; undefined at the first group. */
  #sweptTo: string | undefined;

  /** Number of rows. */
  get size(): number {
    return this.#size;
  }

  /** Number of groups that take memory: also those that have nothing but rows of topics that are gone. */
  get groupsInMemory(): number {
    return this.#groups.size;
  }

  /** What was committed for a key, or undefined. */
  get(group: string, topic: string, partition: number): CommittedOffset | undefined {
    const topics = this.#groups.get(group);
    if (topics === undefined) return undefined;
    const rows = topics[placeOf(topics, topic)];
    if (rows === undefined || rows.topic.name !== topic || rows.topic.isGone) return undefined;
    const at = cellOf(rows.cells, partition);
    return rows.cells[at] === partition ? committedAt(rows, at) : undefined;
  }

  /** Sets a row. Rows of another topic that had the name before are removed. */
  set(key: OffsetKey, { offset, commitTimestamp, topicId }: CommittedOffset): void {
    const known = this.#topics.get(key.topic);
    if (known !== undefined && known.id !== topicId) this.deleteTopic(key.topic);
    const topics = this.#groups.get(key.group) ?? this.#addGroup(key.group);
    const { topic, cells } = this.#rowsFor(topics, key.topic, topicId);
    const at = cellOf(cells, key.partition);
    if (cells[at] === key.partition) {
      cells[at + 1] = offset;
      cells[at + 2] = commitTimestamp;
      return;
    }
    cells.splice(at, 0, key.partition, offset, commitTimestamp);
    topic.rows++;
    this.#size++;
  }

  /** Removes a row, and a group with its last one. */
  delete(key: OffsetKey): void {
    const topics = this.#groups.get(key.group);
    if (topics === undefined) return;
    const place = placeOf(topics, key.topic);
    const rows = topics[place];
    if (rows === undefined || rows.topic.name !== key.topic || rows.topic.isGone) return;
    const at = cellOf(rows.cells, key.partition);
    if (rows.cells[at] !== key.partition) return;
    rows.cells.splice(at, STRIDE);
    this.#size--;
    if (--rows.topic.rows === 0) this.#topics.delete(key.topic);
    if (rows.cells.length === 0) topics.splice(place, 1);
    if (topics.length === 0) this.#groups.delete(key.group);
  }

  /** Removes all rows of a topic: at once for those who look, and from memory with `sweep`. */
  deleteTopic(name: string): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    this.#topics.delete(name);
    topic.isGone = true;
    this.#size -= topic.rows;
    this.#hasGone = true;
    // Groups that this sweep has passed may have rows of it.
    this.#sweptTo = undefined;
  }

  /** Frees the memory of deleted topics, in the next `groupsMax` groups; false once nothing is left to do. */
  sweep(groupsMax: number): boolean {
    if (!this.#hasGone) return false;
    const emptied: string[] = [];
    let left = groupsMax;
    let last: string | undefined;
    for (const [group, topics] of this.#groups.after(this.#sweptTo)) {
      last = group;
      for (let at = topics.length - 1; at >= 0; at--) {
        if (topics[at]!.topic.isGone) topics.splice(at, 1);
      }
      if (topics.length === 0) emptied.push(group);
      if (--left === 0) break;
    }
    for (const group of emptied) this.#groups.delete(group);
    this.#hasGone = left === 0;
    this.#sweptTo = this.#hasGone ? last : undefined;
    return this.#hasGone;
  }

  /** The next `limit` groups by name, those after `after` or from the first on; each has committed something. */
  page(after: string | undefined, limit: number): GroupSummary[] {
    const page: GroupSummary[] = [];
    if (limit <= 0) return page;
    for (const [group, topics] of this.#groups.after(after)) {
      let partitions = 0;
      for (const { topic, cells } of topics) if (!topic.isGone) partitions += cells.length / STRIDE;
      if (partitions === 0) continue;
      page.push({ group, partitions });
      if (page.length === limit) break;
    }
    return page;
  }

  /** Names of the topics that a group has committed offsets for, sorted; empty when there is no such group. */
  topicsOf(group: string): string[] {
    const topics = this.#groups.get(group) ?? [];
    return topics.flatMap(({ topic, cells }) =>
      topic.isGone || cells.length === 0 ? [] : [topic.name],
    );
  }

  /** The id of the topic of that name that rows are of; undefined when there are no rows. */
  topicId(name: string): string | undefined {
    return this.#topics.get(name)?.id;
  }

  /** The rows of one group, by topic and partition; empty when there is no such group. */
  rowsOf(group: string): OffsetRow[] {
    const rows: OffsetRow[] = [];
    for (const each of this.#groups.get(group) ?? []) addRows(rows, group, each, 0, Infinity);
    return rows;
  }

  /** The next `limit` rows by group, topic and partition, those after the key `after` or from the first on. */
  rows(after: OffsetKey | undefined, limit: number): OffsetRow[] {
    const rows: OffsetRow[] = [];
    if (after !== undefined) {
      const topics = this.#groups.get(after.group) ?? [];
      for (let place = placeOf(topics, after.topic); place < topics.length; place++) {
        const each = topics[place]!;
        const from = each.topic.name === after.topic ? cellOf(each.cells, after.partition + 1) : 0;
        addRows(rows, after.group, each, from, limit);
      }
    }
    if (rows.length >= limit) return rows;
    for (const [group, topics] of this.#groups.after(after?.group)) {
      for (const each of topics) addRows(rows, group, each, 0, limit);
      if (rows.length >= limit) break;
    }
    return rows;
  }

  #addGroup(group: string): TopicRows[] {
    const topics: TopicRows[] = [];
    this.#groups.set(group, topics);
    return topics;
  }

  /** The rows for a topic in the topics of a group, added first if there are none. */
  #rowsFor(topics: TopicRows[], name: string, id: string): TopicRows {
    const place = placeOf(topics, name);
    const there = topics[place];
    if (there !== undefined && there.topic.name === name && !there.topic.isGone) return there;
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = { name, id, rows: 0, isGone: false };
      this.#topics.set(name, topic);
    }
    const rows = { topic, cells: [] };
    topics.splice(place, there?.topic.name === name ? 1 : 0, rows);
    return rows;
  }
}

function addRows(
  rows: OffsetRow[],
  group: string,
  of: TopicRows,
  from: number,
  limit: number,
): void {
  const { topic, cells } = of;
  if (topic.isGone) return;
  for (let at = from; at < cells.length && rows.length < limit; at += STRIDE) {
    rows.push({ group, topic: topic.name, partition: cells[at]!, ...committedAt(of, at) });
  }
}

function committedAt({ topic, cells }: TopicRows, at: number): CommittedOffset {
  return { offset: cells[at + 1]!, commitTimestamp: cells[at + 2]!, topicId: topic.id };
}

/** Index of the first topic whose name is not below `name`. */
function placeOf(topics: readonly TopicRows[], name: string): number {
  let low = 0;
  let high = topics.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (topics[middle]!.topic.name < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the first row whose partition is not below `partition`. */
function cellOf(cells: readonly number[], partition: number): number {
  let low = 0;
  let high = cells.length / STRIDE;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cells[middle * STRIDE]! < partition) low = middle + 1;
    else high = middle;
  }
  return low * STRIDE;
}
