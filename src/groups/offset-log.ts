// The internal topic as a log of changes: appends them, and compacts the log once it is long.
// Leaves to others: the table that results from the changes (offset-store.ts), reading them at start (offset-replay.ts).
//
// The topic `__consumer_offsets` has one partition. Every commit is one record batch, so a commit of many partitions is
// stored completely or not at all. Compaction writes a snapshot: it starts a new segment, writes the table to it, flushes
// it, and then deletes the older segments. A crash between these steps leaves duplicate records, which do no harm.
import { RustLogError } from "../errors.js";
import { BATCH_HEADER_BYTES } from "../record/batch.js";
import { BatchEncoder } from "../record/encoder.js";
import { reasonOf } from "../log/disk/disk.js";
import { nextTurn } from "../log/event-loop.js";
import { OFFSETS_TOPIC } from "../topics/internal-topics.js";
import type { OfflinePartition } from "../topics/offline-partition.js";
import type { Partition } from "../topics/partition.js";
import type { TopicRegistry } from "../topics/topic-registry.js";
import {
  type CommittedOffset,
  encodeOffsetKey,
  type OffsetKey,
  OffsetRecordWriter,
} from "./offset-record.js";
import type { OffsetTable } from "./offset-table.js";

/** Rows per batch of a snapshot or a deletion: about 300 kB with the longest names. */
export const ROWS_PER_BATCH = 500;

/** Largest size of a record without its key, in bytes. */
const RECORD_BYTES = 64;

/** The log is compacted once it is longer than both of these limits. */
export interface CompactionThreshold {
  /** Length in bytes below which compaction is not worth it. */
  readonly bytesMin: number;
  /** Bytes of log per committed offset; a record takes about 100. */
  readonly bytesPerRow: number;
}

const COMPACTION: CompactionThreshold = { bytesMin: 4 * 1024 * 1024, bytesPerRow: 512 };

/** A committed offset, or a deleted one (null). */
export type OffsetChange = readonly [OffsetKey, CommittedOffset | null];

interface OffsetLogContext {
  readonly registry: TopicRegistry;
  /** The table that results from the log, which compaction writes. */
  readonly table: OffsetTable;
  /** Default: 4 MiB, and 512 bytes per committed offset. */
  readonly compaction?: CompactionThreshold;
  readonly now: () => number;
  readonly report: (line: string) => void;
}

export class OffsetLog {
  readonly #context: OffsetLogContext;
  /** Set if the partition of the internal topic can't be opened, so that committed offsets are unknown. */
  readonly #offline: OfflinePartition | undefined;
  #partition: Partition | undefined;
  /** Writes that are not yet in the table. */
  readonly #inFlight = new Set<Promise<unknown>>();
  /** The last write in the queue for the table. */
  #applying: Promise<void> | undefined;
  /** Set while a compaction has exclusive access to the log. */
  #gate: Promise<void> | undefined;
  #compaction: Promise<void> | undefined;
  /** Length of the log below which a failed compaction is not retried. */
  #retryBytes = 0;

  constructor(context: OffsetLogContext) {
    const partition = context.registry.find(OFFSETS_TOPIC)?.partitions[0];
    this.#context = context;
    if (partition?.offline === undefined) this.#partition = partition;
    else this.#offline = partition;
  }

  /** The partition; undefined before the very first commit. */
  get partition(): Partition | undefined {
    return this.#partition;
  }

  /** Throws STORAGE_ERROR, with the reason, if the log is offline. */
  checkOnline(): void {
    if (this.#offline !== undefined) throw this.#offline.error();
  }

  /**
   * Appends changes in one batch. Calls `check`, which may throw, when it is their turn, and `apply` once they are as
   * durable as the flush policy requires.
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

  /** Starts a compaction if the log is long compared with the table. */
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
        // The table it wrote stays in the log. If every commit retried, an old segment that can't be deleted would make
        // the log grow by a whole table each time.
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

  /** One flush completes many writes. After each long one, other clients get a turn. */
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
        // Another first commit created it meanwhile.
        const code = error instanceof RustLogError ? error.code : undefined;
        if (code === "TOPIC_ALREADY_EXISTS") return registry.ensure(OFFSETS_TOPIC);
        throw error;
      }));
    const [partition] = topic.online;
    if (partition === undefined) throw new Error("the offsets topic has no partition");
    return partition;
  }

  /**
   * Writes the table to a new segment, batch by batch, and deletes the older ones. Commits continue between batches: each
   * batch is encoded and appended while no commit is in progress, so the last record of a key is the newest.
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
        // Returned in a function, so that this awaits the turn but not the flush.
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

  /** Runs `work` once no write is in progress; later writes wait for it. */
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

/** Approximate size of the batch in bytes, so that the buffer need not grow. */
function estimatedBytes(changes: readonly OffsetChange[]): number {
  const [key] = changes[0] ?? [];
  const nameBytes = key === undefined ? 0 : encodeOffsetKey(key).length;
  return BATCH_HEADER_BYTES + (changes.length + 1) * (nameBytes + RECORD_BYTES);
}
