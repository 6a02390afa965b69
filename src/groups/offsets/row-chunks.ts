// Rows in memory, ordered by group, topic and partition, with search, insertion and iteration from any place.
// Leaves to others: the meaning of the rows (offset-table.ts).
//
// The rows lie in chunks, column by column. An insertion moves at most one chunk; a chunk that becomes too long is split. A
// row is a few numbers in arrays and a reference to its group's name, not an object: a garbage collection visits a million
// objects in about 100 ms, during which no client is served.
import { firstNotBefore } from "../../binary-search.js";
import type { CommitDetails, CommittedOffset, OffsetKey } from "./offset-record.js";

/** Most rows of a chunk; tests use smaller chunks. */
const CHUNK_ROWS_MAX = 512;

/** A topic that groups have committed offsets for, shared by its rows. */
export interface RowTopic {
  readonly name: string;
  readonly id: string;
  rows: number;
  isGone: boolean;
}

/** Consecutive rows, as columns. */
export interface Chunk {
  readonly groups: string[];
  readonly topics: RowTopic[];
  readonly partitions: number[];
  readonly offsets: number[];
  readonly timestamps: number[];
  /** Undefined while no row of the chunk has details. */
  details: (CommitDetails | undefined)[] | undefined;
}

/** Memory of a row, beside its details, and of the name of a group. */
const ROW_BYTES = 100;
const GROUP_BYTES = 150;

/** Memory of details with a text, beside the text. */
const DETAILS_BYTES = 220;

/** The place of a row, or the one after the last row. */
export interface Place {
  readonly index: number;
  readonly at: number;
}

export class RowChunks {
  readonly #chunks: Chunk[] = [];
  readonly #chunkRowsMax: number;
  #groups = 0;
  #rows = 0;
  #detailsBytes = 0;

  constructor(chunkRowsMax = CHUNK_ROWS_MAX) {
    this.#chunkRowsMax = chunkRowsMax;
  }

  get groups(): number {
    return this.#groups;
  }

  /** Memory of all rows, approximately. */
  get bytes(): number {
    return this.#rows * ROW_BYTES + this.#groups * GROUP_BYTES + this.#detailsBytes;
  }

  /** The chunk at a place; undefined after the last row. */
  chunk({ index }: Place): Chunk | undefined {
    return this.#chunks[index];
  }

  /** The first row for which `isBefore` is false; `isBefore` must hold for all rows before it and for none after it. */
  seek(isBefore: (chunk: Chunk, at: number) => boolean): Place {
    // The last chunk whose first row is before that row.
    const index = firstNotBefore(this.#chunks.length, (i) => isBefore(this.#chunks[i]!, 0)) - 1;
    const chunk = this.#chunks[index];
    if (chunk === undefined) return { index: 0, at: 0 };
    const at = firstNotBefore(chunk.groups.length, (i) => isBefore(chunk, i));
    return at < chunk.groups.length ? { index, at } : { index: index + 1, at: 0 };
  }

  /** The first row with this key or a later one. */
  seekKey(key: OffsetKey): Place {
    return this.seek((chunk, at) => compare(chunk, at, key) < 0);
  }

  next({ index, at }: Place): Place {
    return at + 1 < this.#chunks[index]!.groups.length
      ? { index, at: at + 1 }
      : { index: index + 1, at: 0 };
  }

  /** Number of rows from one place to a later one. */
  distance(from: Place, to: Place): number {
    let rows = to.at - from.at;
    for (let i = from.index; i < to.index; i++) rows += this.#chunks[i]!.groups.length;
    return rows;
  }

  isAt(place: Place, key: OffsetKey): boolean {
    const chunk = this.#chunks[place.index];
    return chunk !== undefined && compare(chunk, place.at, key) === 0;
  }

  /** Inserts a row at the place that `seekKey` returned. */
  insert(place: Place, key: OffsetKey, topic: RowTopic, committed: CommittedOffset): void {
    let { index, at } = place;
    // Prefer the end of a chunk to the start of the next one, so that ascending keys fill their chunks.
    if (at === 0 && index > 0) {
      index--;
      at = this.#chunks[index]!.groups.length;
    }
    const chunk = this.#chunks[index] ?? newChunk();
    if (index === this.#chunks.length) this.#chunks.push(chunk);
    const sameGroup = this.#neighbour(index, at, key.group);
    if (sameGroup === undefined) this.#groups++;
    // All rows of a group share one string.
    chunk.groups.splice(at, 0, sameGroup ?? key.group);
    chunk.topics.splice(at, 0, topic);
    chunk.partitions.splice(at, 0, key.partition);
    chunk.offsets.splice(at, 0, committed.offset);
    chunk.timestamps.splice(at, 0, committed.commitTimestamp);
    chunk.details?.splice(at, 0, undefined);
    this.#rows++;
    this.setDetails(chunk, at, committed.details);
    const rows = chunk.groups.length;
    if (rows > this.#chunkRowsMax) {
      const rest = cut(chunk, at === rows - 1 ? at : rows >>> 1);
      this.#chunks.splice(index + 1, 0, rest);
    }
  }

  remove({ index, at }: Place): void {
    const chunk = this.#chunks[index]!;
    const [group = ""] = chunk.groups.splice(at, 1);
    chunk.topics.splice(at, 1);
    chunk.partitions.splice(at, 1);
    chunk.offsets.splice(at, 1);
    chunk.timestamps.splice(at, 1);
    this.#detailsBytes -= bytesOf(chunk.details?.[at]);
    chunk.details?.splice(at, 1);
    this.#rows--;
    if (this.#neighbour(index, at, group) === undefined) this.#groups--;
    if (chunk.groups.length === 0) this.#chunks.splice(index, 1);
  }

  /** Removes the rows of deleted topics from the chunk at a place; returns the last key that the chunk had. */
  removeGone({ index }: Place): OffsetKey | undefined {
    const chunk = this.#chunks[index];
    if (chunk === undefined) return undefined;
    const last = keyAt(chunk, chunk.groups.length - 1);
    const before = this.#starts(index);
    let kept = 0;
    for (let at = 0; at < chunk.groups.length; at++) {
      if (chunk.topics[at]!.isGone) {
        this.#detailsBytes -= bytesOf(chunk.details?.[at]);
        this.#rows--;
        continue;
      }
      chunk.groups[kept] = chunk.groups[at]!;
      chunk.topics[kept] = chunk.topics[at]!;
      chunk.partitions[kept] = chunk.partitions[at]!;
      chunk.offsets[kept] = chunk.offsets[at]!;
      chunk.timestamps[kept] = chunk.timestamps[at]!;
      if (chunk.details !== undefined) chunk.details[kept] = chunk.details[at];
      kept++;
    }
    cut(chunk, kept);
    this.#groups += this.#starts(index) - before;
    if (kept === 0) this.#chunks.splice(index, 1);
    return last;
  }

  /** Sets the details of a row. A chunk gets the column for them with its first row that has any. */
  setDetails(chunk: Chunk, at: number, details: CommitDetails | undefined): void {
    this.#detailsBytes += bytesOf(details) - bytesOf(chunk.details?.[at]);
    if (details !== undefined) {
      chunk.details ??= Array.from({ length: chunk.groups.length }, () => undefined);
    }
    if (chunk.details !== undefined) chunk.details[at] = details;
  }

  /** The string of the neighbouring row if that has the same group name. */
  #neighbour(index: number, at: number, group: string): string | undefined {
    const groups = this.#chunks[index]!.groups;
    const left = at > 0 ? groups[at - 1] : this.#chunks[index - 1]?.groups.at(-1);
    if (left === group) return left;
    const right = at < groups.length ? groups[at] : this.#chunks[index + 1]?.groups[0];
    return right === group ? right : undefined;
  }

  /** Number of groups that begin in a chunk or at the start of the next one. */
  #starts(index: number): number {
    let starts = 0;
    let group = this.#chunks[index - 1]?.groups.at(-1);
    for (const each of this.#chunks[index]!.groups) {
      if (each !== group) starts++;
      group = each;
    }
    const next = this.#chunks[index + 1]?.groups[0];
    return next === undefined || next === group ? starts : starts + 1;
  }
}

export function keyAt({ groups, topics, partitions }: Chunk, at: number): OffsetKey {
  return { group: groups[at]!, topic: topics[at]!.name, partition: partitions[at]! };
}

/** Below 0 if a row is before a key, 0 if it has that key. */
export function compare(
  { groups, topics, partitions }: Chunk,
  at: number,
  { group, topic, partition }: OffsetKey,
): number {
  const itsGroup = groups[at]!;
  if (itsGroup !== group) return itsGroup < group ? -1 : 1;
  const itsTopic = topics[at]!.name;
  if (itsTopic !== topic) return itsTopic < topic ? -1 : 1;
  return partitions[at]! - partition;
}

function newChunk(): Chunk {
  return {
    ...{ groups: [], topics: [], partitions: [], offsets: [], timestamps: [] },
    details: undefined,
  };
}

/** How much memory grows by a row, in the place of one with details or none. */
export function growth(isNew: boolean, before?: CommitDetails, details?: CommitDetails): number {
  return (isNew ? ROW_BYTES + GROUP_BYTES : 0) + bytesOf(details) - bytesOf(before);
}

/** Details without a text are shared by all rows. */
function bytesOf(details: CommitDetails | undefined): number {
  const length = details?.metadata.length ?? 0;
  return length === 0 ? 0 : DETAILS_BYTES + 2 * length;
}

/** Removes the rows from `at` on and returns them as a chunk. */
function cut(chunk: Chunk, at: number): Chunk {
  return {
    groups: chunk.groups.splice(at),
    topics: chunk.topics.splice(at),
    partitions: chunk.partitions.splice(at),
    offsets: chunk.offsets.splice(at),
    timestamps: chunk.timestamps.splice(at),
    details: chunk.details?.splice(at),
  };
}
