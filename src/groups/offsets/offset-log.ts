// The internal topic as a log of changes.
// Leaves to others: the table that results from the changes (offset-store.ts), reading them at start (offset-replay.ts), and
// compaction, which is that of any topic (topics/log-cleaner.ts).
//
// The topic `__consumer_offsets` has one partition, with the committed offsets and the records of groups. Every change is
// one record batch, so a commit of many partitions is stored completely or not at all.
import { reasonOf } from "../../log/disk/disk.js";
import { nextTurn } from "../../log/event-loop.js";
import { BATCH_HEADER_BYTES } from "../../record/batch.js";
import { BatchEncoder } from "../../record/encoder.js";
import { OFFSETS_TOPIC } from "../../topics/internal-topics.js";
import type { OfflinePartition } from "../../topics/offline-partition.js";
import type { Partition } from "../../topics/partition.js";
import type { TopicRegistry } from "../../topics/topic-registry.js";
import type { GroupRecordChange } from "../group-record-table.js";
import {
  type CommittedOffset,
  encodeOffsetKey,
  type OffsetKey,
  OffsetRecordWriter,
} from "./offset-record.js";

/** Rows per batch of a deletion: about 300 kB with the longest names. */
export const ROWS_PER_BATCH = 500;

/**
 * Settings of the topic. Kafka's, except that its segments have 100 MiB, and tombstones stay for a day: the active segment
 * is not compacted, and a start reads all of it; and nobody but this broker needs to see that a record was deleted.
 */
const SETTINGS = {
  "cleanup.policy": "compact",
  "delete.retention.ms": "60000",
  // Whatever the broker's flags say about other topics.
  "min.cleanable.dirty.ratio": "0.5",
  "min.compaction.lag.ms": "0",
  "segment.bytes": String(16 * 1024 * 1024),
};

/** Largest size of a record without its key, in bytes. */
const RECORD_BYTES = 64;

/** Commits can fill the log with some 10 MB in a second, and a start reads all of it. */
export const GROWTH_BYTES = 32 * 1024 * 1024;

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
  /** Called when the log has grown by `growthBytes`, so that it is compacted before the cleaner looks for itself. */
  readonly onGrown?: () => void;
  /** Default: 32 MiB. */
  readonly growthBytes?: number;
  readonly now: () => number;
  readonly report: (line: string) => void;
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
  /** Set while somebody has exclusive access to the log. */
  #gate: Promise<void> | undefined;
  /** Length beyond which the log has grown, in bytes. */
  #grownBytes = Number.POSITIVE_INFINITY;

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

  /** Gives the topic of an older release, which compacted it in another way, the settings that it has now. */
  async upgrade(): Promise<void> {
    const { registry, report } = this.#context;
    const topic = registry.find(OFFSETS_TOPIC);
    if (topic === undefined || this.#offline !== undefined) return;
    if (topic.settings["cleanup.policy"] === SETTINGS["cleanup.policy"]) return;
    try {
      await registry.alterSettings(OFFSETS_TOPIC, (settings) => ({ ...settings, ...SETTINGS }));
    } catch (error) {
      report(`${OFFSETS_TOPIC} is not compacted until the next start: ${reasonOf(error)}`);
    }
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
    this.#noteGrowth(this.#partition.bytes);
  }

  #noteGrowth(bytes: number): void {
    const { onGrown, growthBytes = GROWTH_BYTES } = this.#context;
    const hasGrown = bytes >= this.#grownBytes;
    // From the shortest that it has been since.
    const from = hasGrown ? bytes : Math.min(bytes, this.#grownBytes - growthBytes);
    this.#grownBytes = from + growthBytes;
    if (hasGrown) onGrown?.();
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
    const topic =
      registry.find(OFFSETS_TOPIC) ?? (await registry.create(OFFSETS_TOPIC, 1, SETTINGS));
    const [partition] = topic.online;
    if (partition === undefined) throw new Error("the offsets topic has no partition");
    return partition;
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
