// What programs can do with both kinds of consumers.

import type { PartitionOffset, TopicPartition } from "./admin-types.js";
import type { ConsumerEvents } from "./consumer-events.js";
import type { ConsumerStats } from "./consumer-stats.js";
import type { Listener } from "./events.js";
import type { ConsumedRecord, FetchedRecords } from "./fetched-records.js";
import type { OffsetSpec } from "./offset-spec.js";
import type { BatchHandler, LoopOptions, MessageHandler } from "./record-loop.js";

/**
 * A consumer, balanced or not. Read it in one of four ways, one at a time: iterate over its records, take batches of them
 * with `nextBatch`, or have a handler called with `eachMessage` or `eachBatch`.
 */
export interface PartitionConsumer<K = Uint8Array, V = Uint8Array>
  extends AsyncIterable<ConsumedRecord<K, V>>, AsyncDisposable {
  /** Begins to fetch. Reading does the same; call it to know the partitions earlier. Idempotent. */
  start(): Promise<void>;

  /** The records of one fetch of one partition; null at the end, and after `close`. */
  nextBatch(): Promise<FetchedRecords<K, V> | null>;

  /**
   * Calls the handler for each record, and waits for it. With a group, what was processed is committed: about every
   * `commitIntervalMs`, and when the loop ends. Resolves when the end is reached, the signal aborted, or the consumer closed.
   * Rejects with what the handler throws, and what `nextBatch` and `commit` throw; a record whose handler failed is not
   * committed and comes again.
   */
  eachMessage(handler: MessageHandler<K, V>, options?: LoopOptions): Promise<void>;

  /** The same for the records of one fetch at a time. If the handler fails, all of them come again. */
  eachBatch(handler: BatchHandler<K, V>, options?: LoopOptions): Promise<void>;

  /**
   * Commits the positions of all partitions that returned records since the last commit, or `offsets`. They are durable when
   * it resolves. In a loop, records whose handlers still run are left out.
   */
  commit(offsets?: readonly PartitionOffset[]): Promise<void>;

  /** The partitions that it reads now; empty before `start`. */
  readonly assignment: readonly TopicPartition[];

  /**
   * Returns no more records of these partitions until `resume`; a batch that `nextBatch` has returned can be read to its
   * end. Partitions that it does not read are left out.
   */
  pause(partitions: readonly TopicPartition[]): void;

  /** Ends the pause of these partitions, or of all. */
  resume(partitions?: readonly TopicPartition[]): void;

  /** The paused partitions. */
  readonly paused: readonly TopicPartition[];

  /**
   * Goes on in a partition at an offset, at its start or end, or at a time; batches that were returned end. The next commit
   * commits it. An offset outside of the partition is handled as `onOutOfRange` says. Throws INVALID_REQUEST if the consumer
   * does not read the partition.
   */
  seek(partition: TopicPartition, to: OffsetSpec): Promise<void>;

  /** Adds a listener, and returns a function that removes it. What it throws is an uncaught exception of the program. */
  on<Name extends keyof ConsumerEvents>(
    event: Name,
    listener: Listener<ConsumerEvents[Name]>,
  ): () => void;

  /** A copy of the counters, and how far the consumer is in each partition. */
  readonly stats: ConsumerStats;

  /** Ends reading: a pending or later `nextBatch` returns null, iterations and loops end. */
  close(): Promise<void>;
}
