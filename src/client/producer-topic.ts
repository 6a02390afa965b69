// What a producer knows about one topic: its partitions, and the records that wait until the number of partitions is
// looked up, for the first time or after the broker refused a partition.
// Leaves to others: the look-up (topic-lookup), sending.

import { RustLogError } from "../errors.js";
import { PARTITIONS_MAX } from "../limits.js";
import type { ProducerHeader } from "../record/encoder.js";
import { partitionForKey } from "../record/key-partition.js";
import type { Delivery, SealedBatch } from "./accumulator.js";
import type { ProducerPartition } from "./dispatcher.js";
import { StickyPartitioner } from "./partitioner.js";

/** A record that waits until the partitions of its topic are known. */
export interface WaitingRecord {
  readonly partition: number;
  readonly timestamp: number;
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers: readonly ProducerHeader[] | undefined;
  readonly delivery: Delivery | undefined;
}

/** A batch whose partition does not exist on the broker. */
interface RefusedBatch {
  readonly batch: SealedBatch;
  readonly error: RustLogError;
}

/** Stands for a partition that the producer chooses, by the key if there is one. */
export const ANY_PARTITION = -1;

/** Shortest time between two look-ups for a partition that the topic does not have. */
const LOOKUP_INTERVAL_MS = 100;

function isPartition(number: number): boolean {
  return Number.isInteger(number) && number >= 0 && number < PARTITIONS_MAX;
}

export class ProducerTopic {
  readonly name: string;
  /** Records in the order they were taken, until the partitions are known. */
  readonly waiting: WaitingRecord[] = [];
  /** Batches in the order they were refused; their records go before the waiting ones. */
  readonly refused: RefusedBatch[] = [];
  /** Resolves when the look-up of partitions ends, and never rejects. Undefined when no look-up runs. */
  lookup: Promise<void> | undefined;
  /** When the partitions were last looked up, by performance.now(). */
  lookedUpAt = 0;
  /** Look-ups caused by refused batches since the last acknowledgement. */
  refusals = 0;
  readonly #make: (number: number) => ProducerPartition;
  /** Every partition that was ever made, so that one that disappears and comes back is the same object. */
  readonly #made: ProducerPartition[] = [];
  /** All partitions of the topic once their number is known; before that, the ones that records have named. */
  #partitions: ProducerPartition[] = [];
  #sticky: StickyPartitioner | undefined;

  /** `make` is called once for each partition that is written to. */
  constructor(name: string, make: (number: number) => ProducerPartition) {
    this.name = name;
    this.#make = make;
  }

  /** Whether the number of partitions is known. */
  get isKnown(): boolean {
    return this.#sticky !== undefined;
  }

  get isUnused(): boolean {
    return this.#made.length === 0;
  }

  /**
   * Whether a record must wait until the partitions are known. A record that names its partition need not: the broker
   * refuses it if the partition does not exist. But it must not overtake records that wait.
   */
  mustWait(partition: number): boolean {
    if (this.lookup !== undefined) return true;
    if (this.#sticky === undefined) return partition === ANY_PARTITION;
    // The topic may have more partitions by now.
    if (partition < this.#partitions.length || !isPartition(partition)) return false;
    return performance.now() - this.lookedUpAt >= LOOKUP_INTERVAL_MS;
  }

  /** Removes and returns the waiting records. */
  takeWaiting(): WaitingRecord[] {
    return this.waiting.splice(0);
  }

  /** Removes and returns the refused batches. */
  takeRefused(): RefusedBatch[] {
    return this.refused.splice(0);
  }

  setPartitions(count: number): void {
    if (this.#sticky !== undefined && this.#partitions.length === count) return;
    this.#sticky = new StickyPartitioner(count);
    this.#partitions = Array.from({ length: count }, (_, i) => this.#partition(i));
  }

  /** Forgets the number of partitions, so that the next record triggers a look-up. */
  forgetPartitions(): void {
    this.#sticky = undefined;
    this.#partitions = [];
  }

  /** Number of partitions; 0 until it is known. */
  get partitions(): number {
    return this.#sticky === undefined ? 0 : this.#partitions.length;
  }

  /** The partition of a record. Throws UNKNOWN_TOPIC_OR_PARTITION if it does not exist. */
  partitionFor(partition: number, key: Uint8Array | string | null): ProducerPartition {
    const all = this.#partitions;
    if (this.#sticky === undefined && isPartition(partition)) {
      all[partition] ??= this.#partition(partition);
    }
    let index = partition;
    if (partition === ANY_PARTITION) {
      index = key === null ? this.#sticky!.current : partitionForKey(key, all.length);
    }
    const found = all[index];
    if (found === undefined) {
      throw new RustLogError(
        "UNKNOWN_TOPIC_OR_PARTITION",
        this.#sticky === undefined
          ? `invalid partition ${partition}; expected 0 to ${PARTITIONS_MAX - 1}`
          : `topic '${this.name}' has partitions 0 to ${all.length - 1}, not ${partition}`,
      );
    }
    return found;
  }

  #partition(number: number): ProducerPartition {
    const made = this.#made[number] ?? this.#make(number);
    this.#made[number] = made;
    return made;
  }

  /** Moves records without a key on to the next partition. Call it when a batch of `partition` is complete. */
  batchCompleted(partition: number): void {
    this.#sticky?.batchCompleted(partition);
  }
}
