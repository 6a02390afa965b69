// The internal topic as a log of changes: appended as they are made, and compacted once it is long.
// Leaves to others: the table that the changes make (offset-store.ts), and reading them at start (offset-replay.ts).
//
// The topic `__consumer_offsets` has one partition, and every commit is one record batch in it, so that a
// commit of many partitions is there whole or not at all. It is compacted by a snapshot: a new segment is
// begun, the table is written to it and flushed, and then the older segments are deleted. A crash between
// any two of these steps leaves records that say the same twice.
import { RustLogError } from "../errors.ts";
import { BATCH_HEADER_BYTES } from "../record/batch.ts";
import { BatchEncoder } from "../record/encoder.ts";
import { reasonOf } from "../log/disk/disk.ts";
import { nextTurn } from "../log/event-loop.ts";
import type { OfflinePartition } from "../topics/offline-partition.ts";
import type { Partition } from "../topics/partition.ts";
import type { TopicRegistry } from "../topics/topic-registry.ts";
import {
  type CommittedOffset,
  encodeOffsetKey,
  type OffsetKey,
  OffsetRecordWriter,
} from "./offset-record.ts";
import type { OffsetTable } from "./offset-table.ts";

/** Name of the internal topic. */
export const OFFSETS_TOPIC = "__consumer_offsets";

/** Rows of one batch of a snapshot or a deletion: with the longest names some 300 kB. */
export const ROWS_PER_BATCH = 500;

/** Bytes of a record of the log without its key, at most. */
const RECORD_BYTES = 64;

/** When the log of the offsets topic is compacted: once it is longer than both of these say. */
export interface CompactionThreshold {
  /** A log shorter than this is not worth it. */
  readonly bytesMin: number;
  /** Bytes of log for each committed offset; a record takes some 100. */
  readonly bytesPerRow: number;
}

const COMPACTION: CompactionThreshold = { bytesMin: 4 * 1024 * 1024, bytesPerRow: 512 };

/** An offset that is committed, or deleted (null). */
export type OffsetChange = readonly [OffsetKey, CommittedOffset | null];

export interface OffsetLogContext {
  readonly registry: TopicRegistry;
  /** What the log's records have made so far: what a compaction writes. */
  readonly table: OffsetTable;
  /** Unless given, the default: 4 MiB, and 512 bytes for each committed offset. */
  readonly compaction?: CompactionThreshold;
  readonly now: () => number;
  readonly report: (line: string) => void;
}

export class OffsetLog {
  readonly #context: OffsetLogContext;
  /** The partition of the internal topic, if it can't be opened: then what was committed is not known. */
  readonly #offline: OfflinePartition | undefined;
  #partition: Partition | undefined;
  /** Writes that are not in the table yet. */
  readonly #inFlight = new Set<Promise<unknown>>();
  /** The last of those whose turn to get into the table has not come. */
  #applying: Promise<void> | undefined;
  /** While a compaction has the log for itself. */
  #gate: Promise<void> | undefined;
  #compaction: Promise<void> | undefined;
  /** Length of the log below which no compaction is tried again, after one that failed. */
  #retryBytes = 0;

  constructor(context: OffsetLogContext) {
    const partition = context.registry.find(OFFSETS_TOPIC)?.partitions[0];
    this.#context = context;
    if (partition?.offline === undefined) this.#partition = partition;
    else this.#offline = partition;
  }

  /** The partition; undefined before the first commit ever. */
  get partition(): Partition | undefined {
    return this.#partition;
  }

  /** Throws STORAGE_ERROR, with the reason, if the log is offline. */
  checkOnline(): void {
    if (this.#offline !== undefined) throw this.#offline.error();
  }

  /**
   * Appends changes, in one batch. `check` is called when their turn has come, and may throw; `apply` once they are as
   * durable as the flush policy makes them.
   */
  async write(
    changes: readonly OffsetChange[],
    check: () => void,
    apply: () => void,
  ): Promise<void> {
    while (this.#gate !== undefined) await this.#gate;
    check();
    const write = this.#append(changes).then(() => this.#applyInOrder(changes.length, apply));
    this.#inFlight.add(write);
    try {
      await write;
    } finally {
      this.#inFlight.delete(write);
    }
  }

  /** Begins to compact the log, if it is long for what it says. */
  compactIfWorthwhile(): void {
    const partition = this.#partition;
    if (partition === undefined || this.#compaction !== undefined) return;
    const { bytesMin, bytesPerRow } = this.#context.compaction ?? COMPACTION;
    const worthwhileBytes = Math.max(bytesMin, this.#context.table.size * bytesPerRow);
    if (partition.bytes < Math.max(worthwhileBytes, this.#retryBytes)) return;
    this.#compaction = this.#compact(partition)
      .then(() => {
        this.#retryBytes = 0;
      })
      .catch((error: unknown) => {
        if (error instanceof RustLogError && error.code === "BROKER_STOPPING") return;
        // What it has written is in the log. Were each commit to try again, an old segment that can't be deleted would
        // make the log grow by a whole table each time.
        this.#retryBytes = 2 * partition.bytes;
        this.#context.report(`${OFFSETS_TOPIC}: could not be compacted: ${reasonOf(error)}`);
      })
      .finally(() => {
        this.#compaction = undefined;
      });
  }

  async #append(changes: readonly OffsetChange[]): Promise<void> {
    this.#partition ??= await this.#createTopic();
    await this.#partition.append(this.#encode(changes));
  }

  /** One flush ends many writes: after each long one, those who wait for something else have a turn. */
  #applyInOrder(rows: number, apply: () => void): Promise<void> | void {
    const isLong = rows > ROWS_PER_BATCH;
    if (this.#applying === undefined && !isLong) return apply();
    const before = this.#applying ?? Promise.resolve();
    const applied = before.then(async () => {
      apply();
      if (isLong) await nextTurn();
      if (this.#applying === applied) this.#applying = undefined;
    });
    this.#applying = applied;
    return applied;
  }

  #encode(changes: readonly OffsetChange[]): Uint8Array {
    const writer = new OffsetRecordWriter();
    const encoder = new BatchEncoder({ initialBytes: estimatedBytes(changes) });
    const now = this.#context.now();
    for (const [key, committed] of changes) {
      const value = committed === null ? null : writer.value(committed);
      encoder.append(now, writer.key(key), value);
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

  /**
   * Writes the table to a new segment, batch by batch, and deletes the older ones. Commits go on meanwhile: each
   * batch is encoded and handed to the log while no commit is on its way, so the last record of a key is its newest.
   */
  async #compact(partition: Partition): Promise<void> {
    const { table } = this.#context;
    const start = await this.#alone(async () => {
      await partition.roll();
      return partition.logEndOffset;
    });
    let after: OffsetKey | undefined;
    for (let isLast = false; !isLast;) {
      const flushed = await this.#alone(() => {
        const rows = table.rows(after, ROWS_PER_BATCH);
        after = rows.at(-1);
        isLast = rows.length < ROWS_PER_BATCH;
        // In a function: what is awaited here is the turn, not the flush.
        if (after === undefined) return undefined;
        const appended = partition.append(this.#encode(rows.map((row) => [row, row])));
        return () => appended;
      });
      await flushed?.();
      if (!isLast) await nextTurn();
    }
    await partition.sync();
    await partition.deleteBefore(start);
  }

  /** Does `work` once no write is on its way; those that come meanwhile wait for it. */
  async #alone<T>(work: () => T | Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    try {
      await Promise.allSettled([...this.#inFlight]);
      return await work();
    } finally {
      this.#gate = undefined;
      resolve();
    }
  }
}

/** About as many bytes as the batch takes, so that it need not be moved while it grows. */
function estimatedBytes(changes: readonly OffsetChange[]): number {
  const [key] = changes[0] ?? [];
  const nameBytes = key === undefined ? 0 : encodeOffsetKey(key).length;
  return BATCH_HEADER_BYTES + (changes.length + 1) * (nameBytes + RECORD_BYTES);
}
