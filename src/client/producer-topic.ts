// What a producer knows of one topic: its partitions, and the records that wait until the number of
// partitions is known, or known again because the broker refused a partition.
// Leaves to others: finding that number out (topic-lookup), sending.

import { RustLogError } from "../errors.ts";
import { PARTITIONS_MAX } from "../limits.ts";
import type { ProducerHeader } from "../record/encoder.ts";
import type { Delivery, SealedBatch } from "./accumulator.ts";
import type { ProducerPartition } from "./dispatcher.ts";
import { StickyPartitioner, partitionForKey } from "./partitioner.ts";

/** A record that came before the partitions of its topic were known. */
export interface WaitingRecord {
  readonly partition: number;
  readonly timestamp: number;
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers: readonly ProducerHeader[] | undefined;
  readonly delivery: Delivery | undefined;
}

/** A batch that the broker has no partition for. */
export interface RefusedBatch {
  readonly batch: SealedBatch;
  readonly error: RustLogError;
}

/** Partition number that stands for "by the key, or else as the producer likes". */
export const ANY_PARTITION = -1;

/** Look-ups for partitions that a topic does not have are made no more often than this. */
const LOOKUP_INTERVAL_MS = 100;

function isPartition(number: number): boolean {
  return Number.isInteger(number) && number >= 0 && number < PARTITIONS_MAX;
}

export class ProducerTopic {
  readonly name: string;
  /** Records in the order they came, until the partitions are known. */
  readonly waiting: WaitingRecord[] = [];
  /** Batches in the order they were refused; their records go before those that wait. */
  readonly refused: RefusedBatch[] = [];
  /** Resolves when the partitions are known, or finding them failed; never rejects. Undefined when none is sought. */
  lookup: Promise<void> | undefined;
  /** When the partitions were last asked for, on the clock of performance.now(). */
  lookedUpAt = 0;
  /** Look-ups because of refused batches, since the last acknowledgement. */
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

  /** Whether its number of partitions was found out. */
  get isKnown(): boolean {
    return this.#sticky !== undefined;
  }

  /** Whether nothing was ever written to it. */
  get isUnused(): boolean {
    return this.#made.length === 0;
  }

  /**
   * Whether a record has to wait until the partitions are known. One that names its partition has not: the broker
   * refuses it if there is no such partition, and creates no topic for it that would have none. But it
   * must not overtake those that wait.
   */
  mustWait(partition: number): boolean {
    if (this.lookup !== undefined) return true;
    if (this.#sticky === undefined) return partition === ANY_PARTITION;
    // The topic may have more partitions by now.
    if (partition < this.#partitions.length || !isPartition(partition)) return false;
    return performance.now() - this.lookedUpAt >= LOOKUP_INTERVAL_MS;
  }

  /** The waiting records, which then no longer wait here. */
  takeWaiting(): WaitingRecord[] {
    return this.waiting.splice(0);
  }

  /** The refused batches, which then are no longer here. */
  takeRefused(): RefusedBatch[] {
    return this.refused.splice(0);
  }

  setPartitions(count: number): void {
    if (this.#sticky !== undefined && this.#partitions.length === count) return;
    this.#sticky = new StickyPartitioner(count);
    this.#partitions = Array.from({ length: count }, (_, i) => this.#partition(i));
  }

  /** Forgets the number of partitions, so that the next record has it looked up. */
  forgetPartitions(): void {
    this.#sticky = undefined;
    this.#partitions = [];
  }

  /** Number of partitions; 0 until it is known. */
  get partitions(): number {
    return this.#sticky === undefined ? 0 : this.#partitions.length;
  }

  /** Where a record goes. Throws UNKNOWN_TOPIC_OR_PARTITION for a partition that is not there. */
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
          ? `${partition} is no partition: 0 to ${PARTITIONS_MAX - 1} are possible`
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

  /** Says that a batch of `partition` is complete, so that records without a key turn to the next one. */
  batchCompleted(partition: number): void {
    this.#sticky?.batchCompleted(partition);
  }
}
