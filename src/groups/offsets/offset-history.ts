// What a group had committed at some times in the past, read from the log of committed offsets. So nothing has to be
// remembered while nobody asks.
// Leaves to others: the current offsets (offset-table.ts), and comparing them with the logs (services/group-history.ts).
//
// Compaction keeps only the last commit of each partition, so the past is known as far back as the log is not compacted. It
// leaves the last hour alone (`keptMs`), unless that is long.
//
//   log     compacted: the last commit of each partition │ all commits
//           ──────────────────────────────────────────────┼─────────────────────▶
//   known   from that commit on                           │ at any time
//
// Damage, and a log too long to be read for one answer, hide what is before them.
import { firstNotBefore } from "../../binary-search.js";
import { checkNotCancelled } from "../../cancelled.js";
import { RustLogError } from "../../errors.js";
import { nextTurn } from "../../log/event-loop.js";
import { readAll } from "../../log/segment/log-slice.js";
import { RecordCursor } from "../../record/cursor.js";
import type { Partition } from "../../topics/partition.js";
import { decodeOffsetKey, decodeOffsetValue, encodeOffsetKey } from "./offset-record.js";

/** How far back anybody asks. */
export const HISTORY_MS = 60 * 60 * 1000;

/** Sealed bytes that are kept for that: a start reads them, and takes the better part of a second for so many. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024;

/** Less than that is not worth the space: commits are very many. */
const KEPT_MS_MIN = 5 * 60 * 1000;

/** Bytes of the log read for one answer: more than its compaction leaves, as long as there are not very many offsets. */
const HISTORY_BYTES_MAX = 96 * 1024 * 1024;

/** Bytes read in one turn of the event loop. */
const TURN_BYTES = 64 * 1024;

/** Instead of a committed offset: there was none, and it is not known. */
export const NO_OFFSET = -1;
export const UNKNOWN_OFFSET = Number.NaN;

export interface OffsetHistoryQuery {
  readonly group: string;
  /** Milliseconds since the epoch, ascending. */
  readonly times: readonly number[];
  /** Whether the topic is still the one that an offset was committed for; an older release did not store its id. */
  readonly isCurrent: (topic: string, topicId: string | undefined) => boolean;
  readonly signal: AbortSignal;
}

/** The committed offsets at each of the times, by topic and partition. */
export class OffsetHistory {
  readonly #times: readonly number[];
  readonly #partitions = new Map<string, Map<number, Float64Array>>();
  /** Whether all that was ever committed was read, except for what compaction has removed. */
  #isFromStart = true;
  /** The first time from which on all commits were read. */
  #completeFrom = 0;

  constructor(times: readonly number[]) {
    this.#times = times;
  }

  /** What was committed for a partition at each time: an offset, NO_OFFSET or UNKNOWN_OFFSET. */
  of(topic: string, partition: number): readonly number[] {
    const commits = this.#partitions.get(topic)?.get(partition);
    let last = UNKNOWN_OFFSET;
    return this.#times.map((_, i) => {
      const commit = commits?.[i] ?? UNKNOWN_OFFSET;
      if (!Number.isNaN(commit)) last = commit;
      else if (Number.isNaN(last) && this.#isFromStart && i >= this.#completeFrom) last = NO_OFFSET;
      return last;
    });
  }

  /** Notes a commit, or with NO_OFFSET a deletion. */
  add(topic: string, partition: number, atMs: number, offset: number): void {
    const at = this.#indexOf(atMs);
    // After the last time.
    if (at === this.#times.length) return;
    const byPartition = this.#partitions.get(topic) ?? new Map<number, Float64Array>();
    this.#partitions.set(topic, byPartition);
    let commits = byPartition.get(partition);
    if (commits === undefined) {
      commits = new Float64Array(this.#times.length).fill(UNKNOWN_OFFSET);
      byPartition.set(partition, commits);
    }
    commits[at] = offset;
  }

  /** Forgets everything: commits before this time may have been missed. */
  restart(): void {
    this.#isFromStart = false;
    this.#partitions.clear();
  }

  /** Notes that all commits since a time are in the log. */
  completeSince(ms: number): void {
    this.#completeFrom = this.#indexOf(ms);
  }

  #indexOf(ms: number): number {
    return firstNotBefore(this.#times.length, (i) => this.#times[i]! < ms);
  }
}

/** How long the log of commits is not compacted, in milliseconds: the hour, or as much of it as fits. */
export function keptMs({ layout }: Partition, nowMs: number): number {
  let bytes = 0;
  for (const segment of layout.segments.sealed.toReversed()) {
    bytes += segment.bytes;
    if (bytes <= KEPT_BYTES_MAX) continue;
    const ageMs = nowMs - segment.maxTimestamp;
    return ageMs < KEPT_MS_MIN ? 0 : Math.min(HISTORY_MS, ageMs);
  }
  return HISTORY_MS;
}

/** Reads the history of a group from the partition of the internal topic. Rejects with INVALID_REQUEST when it is aborted. */
export async function readOffsetHistory(
  partition: Partition,
  query: OffsetHistoryQuery,
): Promise<OffsetHistory> {
  return await new Reader(partition, query).read();
}

class Reader {
  readonly #partition: Partition;
  readonly #query: OffsetHistoryQuery;
  readonly #history: OffsetHistory;
  readonly #cursor = new RecordCursor();
  /** The beginning of the keys of the group's records, up to the name of the topic. */
  readonly #prefix: Uint8Array;
  /** Records from here on are not compacted; undefined once one was read. */
  #firstDirty: number | undefined;
  /** Of the compaction that this is about. */
  #revision = -1;

  constructor(partition: Partition, query: OffsetHistoryQuery) {
    this.#partition = partition;
    this.#query = query;
    this.#history = new OffsetHistory(query.times);
    const { group } = query;
    this.#prefix = encodeOffsetKey({ group, topic: "", partition: 0 }).slice(0, -6);
  }

  async read(): Promise<OffsetHistory> {
    const { logStartOffset, highWatermark } = this.#partition;
    const start = startOf(this.#partition);
    if (start > logStartOffset) this.#history.restart();
    for (let offset = start; offset < highWatermark;) {
      this.#noteCompaction(offset);
      offset = this.#readFrom(offset);
      await nextTurn();
      checkNotCancelled(this.#query.signal);
    }
    return this.#history;
  }

  /** The log may be compacted while it is read. */
  #noteCompaction(offset: number): void {
    const { revision, firstDirtyOffset } = this.#partition.compaction;
    if (revision === this.#revision) return;
    this.#revision = revision;
    if (firstDirtyOffset <= offset) return;
    this.#firstDirty = firstDirtyOffset;
    // Until a record says since when.
    this.#history.completeSince(Number.POSITIVE_INFINITY);
  }

  /** Reads some batches and returns the offset after them. */
  #readFrom(offset: number): number {
    const partition = this.#partition;
    try {
      const read = partition.read(offset, TURN_BYTES);
      this.#readBatches(readAll(read), offset);
      return read.nextOffset;
    } catch (error) {
      if (!(error instanceof RustLogError)) throw error;
      this.#history.restart();
      // Compaction has moved the log start.
      if (error.code === "OFFSET_OUT_OF_RANGE") return Math.max(offset, partition.logStartOffset);
      if (error.code !== "CORRUPT_MESSAGE") throw error;
      return Math.max(partition.offsetAfterDamage(offset), offset + 1);
    }
  }

  #readBatches(bytes: Uint8Array, fromOffset: number): void {
    const cursor = this.#cursor.reset(bytes, 0, bytes.length, { fromOffset });
    for (;;) {
      try {
        if (!cursor.next()) return;
      } catch (error) {
        if (!(error instanceof RustLogError)) throw error;
        this.#history.restart();
        cursor.skipDamaged();
        continue;
      }
      if (this.#firstDirty !== undefined && cursor.offset >= this.#firstDirty) {
        this.#firstDirty = undefined;
        this.#history.completeSince(cursor.timestamp);
      }
      if (this.#isOfGroup()) this.#note();
    }
  }

  #isOfGroup(): boolean {
    const { buffer, keyStart, keyEnd } = this.#cursor;
    const prefix = this.#prefix;
    if (keyStart < 0 || keyEnd - keyStart < prefix.length) return false;
    for (let i = 0; i < prefix.length; i++) if (buffer[keyStart + i] !== prefix[i]) return false;
    return true;
  }

  #note(): void {
    const { timestamp } = this.#cursor;
    const key = this.#cursor.key();
    const value = this.#cursor.value();
    if (key === null) return;
    try {
      const { topic, partition } = decodeOffsetKey(key);
      if (value === null) {
        this.#history.add(topic, partition, timestamp, NO_OFFSET);
        return;
      }
      const { offset, topicId } = decodeOffsetValue(value);
      if (!this.#query.isCurrent(topic, topicId)) return;
      this.#history.add(topic, partition, timestamp, Math.max(offset, NO_OFFSET));
    } catch (error) {
      // The replay at the start has reported it.
      if (!(error instanceof RustLogError) || error.code !== "CORRUPT_MESSAGE") throw error;
    }
  }
}

/** The first offset of the last segments that may be read for one answer. */
function startOf({ layout, logStartOffset }: Partition): number {
  const { sealed, active } = layout.segments;
  let start = active.baseOffset;
  let bytes = active.writtenBytes;
  for (const segment of sealed.toReversed()) {
    bytes += segment.bytes;
    if (bytes > HISTORY_BYTES_MAX) break;
    start = segment.baseOffset;
  }
  return Math.max(start, logStartOffset);
}
