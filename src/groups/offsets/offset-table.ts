// Committed offsets in memory, by group, topic and partition.
// Leaves to others: the layout of the rows in memory (row-chunks.ts), and storing them (offset-log.ts).
//
// Deleting a topic takes constant time whatever the number of groups: its rows are ignored from then on, and removed in small
// portions: all at once, by `sweep`, or one by one, as `nextGone` lists them.
import type { CommitDetails, CommittedOffset, OffsetKey } from "./offset-record.js";
import {
  type Chunk,
  compare,
  growth,
  keyAt,
  type Place,
  RowChunks,
  type RowTopic,
} from "./row-chunks.js";

export interface OffsetRow extends OffsetKey, CommittedOffset {}

export interface GroupSummary {
  readonly group: string;
  readonly partitions: number;
}

/** Rows that are counted one by one before a binary search for the end of the group. */
const NEAR = 4;

const FIRST: Place = { index: 0, at: 0 };

/** The committed offset of every (group, topic, partition). */
export class OffsetTable {
  readonly #rows: RowChunks;
  readonly #topics = new Map<string, RowTopic>();
  #size = 0;
  /** Whether there may be rows of deleted topics. */
  #hasGone = false;
  /** The deleted topic of the last row that was set. */
  #gone: RowTopic | undefined;
  /** Where the next sweep continues; undefined for the first row. */
  #sweptTo: OffsetKey | undefined;
  /** The same for `nextGone`. */
  #goneTo: OffsetKey | undefined;

  /** `chunkRowsMax` is for tests that want more chunks than rows. */
  constructor(chunkRowsMax?: number) {
    this.#rows = new RowChunks(chunkRowsMax);
  }

  get size(): number {
    return this.#size;
  }

  /** Memory of all rows, including those of deleted topics, approximately. */
  get bytes(): number {
    return this.#rows.bytes;
  }

  /** How much memory would grow by a row: at most so much, because its group may be known. */
  growthBy(key: OffsetKey, details: CommitDetails | undefined): number {
    const before = this.get(key.group, key.topic, key.partition);
    return growth(before === undefined, before?.details, details);
  }

  /** Number of groups in memory, including those that only have rows of deleted topics. */
  get groupsInMemory(): number {
    return this.#rows.groups;
  }

  get(group: string, topic: string, partition: number): CommittedOffset | undefined {
    const key = { group, topic, partition };
    const place = this.#rows.seekKey(key);
    if (!this.#rows.isAt(place, key)) return undefined;
    const chunk = this.#rows.chunk(place)!;
    return chunk.topics[place.at]!.isGone ? undefined : committedAt(chunk, place.at);
  }

  /** Sets a row, and removes rows of a deleted topic of the same name. */
  set(key: OffsetKey, committed: CommittedOffset): void {
    const topic = this.#topicFor(key.topic, committed.topicId);
    const place = this.#rows.seekKey(key);
    if (!this.#rows.isAt(place, key)) {
      this.#rows.insert(place, key, topic, committed);
      this.#added(topic);
      return;
    }
    const chunk = this.#rows.chunk(place)!;
    if (chunk.topics[place.at] !== topic) this.#added(topic);
    chunk.topics[place.at] = topic;
    chunk.offsets[place.at] = committed.offset;
    chunk.timestamps[place.at] = committed.commitTimestamp;
    this.#rows.setDetails(chunk, place.at, committed.details);
  }

  /** Removes a row, and its group if it was the last one. */
  delete(key: OffsetKey): void {
    const place = this.#rows.seekKey(key);
    if (!this.#rows.isAt(place, key)) return;
    const topic = this.#rows.chunk(place)!.topics[place.at]!;
    this.#rows.remove(place);
    if (topic.isGone) return;
    this.#size--;
    if (--topic.rows === 0) this.#topics.delete(topic.name);
  }

  /** Removes all rows of a topic. They disappear at once; `sweep` frees their memory. */
  deleteTopic(name: string): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    this.#topics.delete(name);
    topic.isGone = true;
    this.#size -= topic.rows;
    this.#foundGone();
  }

  /** Sets a row of a topic that is deleted already, unless there is one of a topic that is not. */
  setGone(key: OffsetKey, committed: CommittedOffset): void {
    const place = this.#rows.seekKey(key);
    const id = committed.topicId;
    if (this.#gone?.name !== key.topic || this.#gone.id !== id) {
      this.#gone = { name: key.topic, id, rows: 0, isGone: true };
    }
    this.#foundGone();
    if (!this.#rows.isAt(place, key)) this.#rows.insert(place, key, this.#gone, committed);
  }

  /** Whether there is a row with this key of a deleted topic. */
  isGone(key: OffsetKey): boolean {
    const place = this.#rows.seekKey(key);
    return this.#rows.isAt(place, key) && this.#rows.chunk(place)!.topics[place.at]!.isGone;
  }

  /** Whether there may be rows of deleted topics. */
  get hasGone(): boolean {
    return this.#hasGone;
  }

  /**
   * The keys of some rows of deleted topics, `keysMax` or so, among the next `rowsMax` rows or so; undefined once all were
   * returned, and have been deleted.
   */
  nextGone(keysMax: number, rowsMax: number): OffsetKey[] | undefined {
    const keys: OffsetKey[] = [];
    let left = rowsMax;
    while (this.#hasGone && left > 0 && keys.length < keysMax) {
      const { index, at: from } = this.#after(this.#goneTo);
      const chunk = this.#rows.chunk({ index, at: from });
      if (chunk === undefined) {
        if (keys.length > 0) return keys;
        this.#hasGone = false;
        break;
      }
      const { length } = chunk.groups;
      for (let at = from; at < length; at++) {
        if (chunk.topics[at]!.isGone) keys.push(keyAt(chunk, at));
      }
      this.#goneTo = keyAt(chunk, length - 1);
      left -= length - from;
    }
    return this.#hasGone ? keys : undefined;
  }

  /** Frees the memory of deleted topics in the next `rowsMax` rows or so; returns false once nothing is left. */
  sweep(rowsMax: number): boolean {
    for (let left = rowsMax; this.#hasGone && left > 0;) {
      const place = this.#after(this.#sweptTo);
      left -= this.#rows.chunk(place)?.groups.length ?? 0;
      this.#sweptTo = this.#rows.removeGone(place);
      this.#hasGone = this.#sweptTo !== undefined;
    }
    return this.#hasGone;
  }

  /** The next `limit` groups with committed offsets, by name, after `after` or from the first one on. */
  page(after: string | undefined, limit: number): GroupSummary[] {
    const page: GroupSummary[] = [];
    let place = after === undefined ? FIRST : this.#afterGroup(after);
    for (;;) {
      const group = this.#rows.chunk(place)?.groups[place.at];
      if (group === undefined || page.length >= limit) return page;
      const end = this.#endOf(group, place);
      const partitions = this.#hasGone
        ? this.#countLive(place, end)
        : this.#rows.distance(place, end);
      if (partitions > 0) page.push({ group, partitions });
      place = end;
    }
  }

  /** Sorted names of the topics that a group has committed offsets for; empty if the group does not exist. */
  topicsOf(group: string): string[] {
    const names: string[] = [];
    let place = this.#rows.seek(({ groups }, at) => groups[at]! < group);
    for (;;) {
      const chunk = this.#rows.chunk(place);
      if (chunk === undefined || chunk.groups[place.at] !== group) return names;
      const { name, isGone } = chunk.topics[place.at]!;
      if (!isGone && names.at(-1) !== name) names.push(name);
      // Rows of a deleted topic may lie among those of the recreated one.
      place = isGone
        ? this.#rows.next(place)
        : this.#after({ group, topic: name, partition: Infinity });
    }
  }

  /** The next `limit` rows by group, topic and partition, after the key `after` or from the first one on. */
  rows(after: OffsetKey | undefined, limit: number): OffsetRow[] {
    const rows: OffsetRow[] = [];
    for (let { index, at } = this.#after(after); ; index++, at = 0) {
      const chunk = this.#rows.chunk({ index, at });
      if (chunk === undefined) return rows;
      for (; at < chunk.groups.length; at++) {
        if (rows.length >= limit) return rows;
        if (!chunk.topics[at]!.isGone)
          rows.push({ ...keyAt(chunk, at), ...committedAt(chunk, at) });
      }
    }
  }

  /** The first row after a key, or the first of all. */
  #after(key: OffsetKey | undefined): Place {
    if (key === undefined) return FIRST;
    return this.#rows.seek((chunk, at) => compare(chunk, at, key) <= 0);
  }

  /** The first row after those of a group. */
  #afterGroup(group: string): Place {
    return this.#rows.seek(({ groups }, at) => groups[at]! <= group);
  }

  /** The same, starting from a row of the group; most groups end nearby. */
  #endOf(group: string, from: Place): Place {
    let place = from;
    for (let i = 0; i < NEAR; i++) {
      place = this.#rows.next(place);
      if (this.#rows.chunk(place)?.groups[place.at] !== group) return place;
    }
    return this.#afterGroup(group);
  }

  #countLive(from: Place, to: Place): number {
    let rows = 0;
    for (let { index, at } = from; index <= to.index; index++, at = 0) {
      const topics = this.#rows.chunk({ index, at })?.topics ?? [];
      const end = index === to.index ? to.at : topics.length;
      for (; at < end; at++) if (!topics[at]!.isGone) rows++;
    }
    return rows;
  }

  #topicFor(name: string, id: string): RowTopic {
    const known = this.#topics.get(name);
    if (known?.id === id) return known;
    if (known !== undefined) this.deleteTopic(name);
    const topic = { name, id, rows: 0, isGone: false };
    this.#topics.set(name, topic);
    return topic;
  }

  #foundGone(): void {
    this.#hasGone = true;
    // The parts that have been passed may contain its rows.
    this.#sweptTo = undefined;
    this.#goneTo = undefined;
  }

  #added(topic: RowTopic): void {
    topic.rows++;
    this.#size++;
  }
}

function committedAt(chunk: Chunk, at: number): CommittedOffset {
  const { topics, offsets, timestamps, details } = chunk;
  return {
    offset: offsets[at]!,
    commitTimestamp: timestamps[at]!,
    topicId: topics[at]!.id,
    details: details?.[at],
  };
}
