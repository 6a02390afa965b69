// The internal topic as a log of changes: appends them, and compacts the log once it is long.
// Leaves to others: the table that results from the changes (offset-store.ts), reading them at start (offset-replay.ts).
//
// The topic `__consumer_offsets` has one partition, with the committed offsets and the records of groups. Every change is
// one record batch, so a commit of many partitions is stored completely or not at all. Compaction writes a snapshot: it
// starts a new segment, writes the tables to it, flushes it, and then deletes the older segments. A crash between these
// steps leaves duplicate records, which do no harm.
import { RustLogError } from "../errors.js";
import { BATCH_HEADER_BYTES } from "../record/batch.js";
import { BatchEncoder } from "../record/encoder.js";
import { reasonOf } from "../log/disk/disk.js";
import { nextTurn } from "../log/event-loop.js";
import { OFFSETS_TOPIC } from "../topics/internal-topics.js";
import type { OfflinePartition } from "../topics/offline-partition.js";
import type { Partition } from "../topics/partition.js";
import type { TopicRegistry } from "../topics/topic-registry.js";
import type { GroupRecordChange, GroupRecordTable } from "./group-record-table.js";
import {
  type CommittedOffset,
  encodeOffsetKey,
  type OffsetKey,
  OffsetRecordWriter,
} from "./offset-record.js";
import type { OffsetTable } from "./offset-table.js";

/** Rows per batch of a snapshot or a deletion: about 300 kB with the longest names. */
export const ROWS_PER_BATCH = 500;

/** Bytes of records of groups in a batch of a snapshot: a group with many members has a batch of its own. */
const GROUP_BYTES_PER_BATCH = 256 * 1024;

/** Bytes of log per byte of the newest records of groups. */
const GROUP_BYTES_FACTOR = 4;

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

/** The records of one batch. */
export interface LogRecords {
  readonly count: number;
  /** Approximate size of the batch in bytes, so that the buffer need not grow. */
  readonly bytes: number;
  addTo(encoder: BatchEncoder, now: number): void;
}

export function recordsOfOffsets(changes: readonly OffsetChange[]): LogRecords {
  const [key] = changes[0] ?? [];
  const nameBytes = key === undefined ? 0 : encodeOffsetKey(key).length;
  return {
    count: changes.length,
    bytes: (changes.length + 1) * (nameBytes + RECORD_BYTES),
    addTo(encoder, now) {
      const writer = new OffsetRecordWriter();
      for (const [each, committed] of changes) {
        const value = committed === null ? null : writer.value(committed);
        encoder.append(now, writer.key(each), value);
      }
    },
  };
}

export function recordsOfGroups(changes: readonly GroupRecordChange[]): LogRecords {
  let bytes = 0;
  for (const [key, value] of changes) bytes += key.length + (value?.length ?? 0) + RECORD_BYTES;
  return {
    count: changes.length,
    bytes,
    addTo(encoder, now) {
      for (const [key, value] of changes) encoder.append(now, key, value);
    },
  };
}

interface OffsetLogContext {
  readonly registry: TopicRegistry;
  /** The tables that result from the log, which compaction writes. */
  readonly table: OffsetTable;
  readonly groupRecords: GroupRecordTable;
  /** Default: 4 MiB, and 512 bytes per committed offset. */
  readonly compaction?: CompactionThreshold;
  readonly now: () => number;
  readonly report: (line: string) => void;
}

interface SnapshotBatch {
  readonly records: LogRecords;
  /** Whether nothing follows; it may also turn out that nothing does. */
  readonly isLast: boolean;
}

export class OffsetLog {
  readonly #context: OffsetLogContext;
  /** Set if the partition of the internal topic can't be opened, so that committed offsets are unknown. */
  readonly #offline: OfflinePartition | undefined;
  #partition: Partition | undefined;
  #creation: Promise<Partition> | undefined;
  /** Writes that are not yet in the table. */
  readonly #inFlight = new Set<Promise<unknown>>();
  /** The last write in the queue for the table. */
  #applying: Promise<void> | undefined;
  /** Set while a compaction or an expiry has exclusive access to the log. */
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
   * Appends records in one batch. Calls `check`, which may throw, when it is their turn, and `apply` once they are as
   * durable as the flush policy requires.
   */
  async write(records: LogRecords, check: () => void, apply: () => void): Promise<void> {
    while (this.#gate !== undefined) await this.#gate;
    check();
    await this.#write(records, apply);
  }

  /**
   * Appends the records that `choose` returns once no other write is in progress, so that the tables are up to date then.
   * Later writes wait until they are appended, but not for the flush.
   */
  async writeAlone(
    choose: () => { readonly records: LogRecords; readonly apply: () => void } | undefined,
  ): Promise<void> {
    const written = await this.#alone(() => {
      const chosen = choose();
      if (chosen === undefined) return undefined;
      const write = this.#write(chosen.records, chosen.apply);
      return () => write;
    });
    await written?.();
  }

  async #write(records: LogRecords, apply: () => void): Promise<void> {
    const write = this.#append(records).then(() => this.#applyInOrder(records.count, apply));
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
    const { table, groupRecords } = this.#context;
    const tableBytes = table.size * bytesPerRow + groupRecords.bytes * GROUP_BYTES_FACTOR;
    const worthwhileBytes = Math.max(bytesMin, tableBytes);
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

  async #append(records: LogRecords): Promise<void> {
    if (this.#partition === undefined) {
      // All of the first writes wait for the same promise, so that they stay in their order.
      this.#creation ??= this.#createTopic().finally(() => {
        this.#creation = undefined;
      });
      this.#partition = await this.#creation;
    }
    await this.#partition.append(this.#encode(records));
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

  #encode(records: LogRecords): Uint8Array {
    const encoder = new BatchEncoder({ initialBytes: BATCH_HEADER_BYTES + records.bytes });
    records.addTo(encoder, this.#context.now());
    return encoder.finish();
  }

  async #createTopic(): Promise<Partition> {
    const { registry } = this.#context;
    const settings = { "retention.ms": "-1", "retention.bytes": "-1" };
    const topic =
      registry.find(OFFSETS_TOPIC) ?? (await registry.create(OFFSETS_TOPIC, 1, settings));
    const [partition] = topic.online;
    if (partition === undefined) throw new Error("the offsets topic has no partition");
    return partition;
  }

  /**
   * Writes the tables to a new segment, batch by batch, and deletes the older ones. Commits continue between batches: each
   * batch is encoded and appended while no commit is in progress, so the last record of a key is the newest.
   */
  async #compact(partition: Partition): Promise<void> {
    const start = await this.#alone(async () => {
      await partition.roll();
      return partition.logEndOffset;
    });
    const snapshot = this.#snapshot();
    for (let isLast = false; !isLast;) {
      const flushed = await this.#alone(() => {
        const { value: batch } = snapshot.next();
        isLast = batch?.isLast ?? true;
        // Returned in a function, so that this awaits the turn but not the flush.
        if (batch === undefined) return undefined;
        const appended = partition.append(this.#encode(batch.records));
        return () => appended;
      });
      await flushed?.();
      if (!isLast) await nextTurn();
    }
    await partition.sync();
    await partition.deleteBefore(start);
  }

  /** Batches of everything in the tables, which may change between two of them. */
  *#snapshot(): Generator<SnapshotBatch, undefined> {
    const { table, groupRecords } = this.#context;
    let after: OffsetKey | undefined;
    for (;;) {
      const rows = table.rows(after, ROWS_PER_BATCH);
      after = rows.at(-1);
      if (after === undefined) break;
      const isLast = rows.length < ROWS_PER_BATCH;
      const records = recordsOfOffsets(rows.map((row) => [row, row]));
      yield { records, isLast: isLast && groupRecords.bytes === 0 };
      if (isLast) break;
    }
    for (const records of batchesOfGroups(groupRecords)) yield { records, isLast: false };
    return undefined;
  }

  /** Runs `work` once no write is in progress; later writes wait for it. */
  async #alone<T>(work: () => T | Promise<T>): Promise<T> {
    while (this.#gate !== undefined) await this.#gate;
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

function* batchesOfGroups(table: GroupRecordTable): Generator<LogRecords, void> {
  let batch: GroupRecordChange[] = [];
  let bytes = 0;
  for (const record of table.all()) {
    batch.push(record);
    bytes += record[0].length + record[1].length;
    if (bytes < GROUP_BYTES_PER_BATCH) continue;
    yield recordsOfGroups(batch);
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield recordsOfGroups(batch);
}
