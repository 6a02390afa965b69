// What a producer knows of one topic: its partitions' accumulators, or the records that wait until the
// number of partitions is known. Leaves to others: finding that number out (topic-lookup), sending.

import { RustLogError } from "../errors.ts";
import { PARTITIONS_MAX } from "../limits.ts";
import type { RecordHeader } from "../record/encoder.ts";
import type { Delivery, PartitionAccumulator } from "./accumulator.ts";
import { StickyPartitioner, partitionForKey } from "./partitioner.ts";

/** A record that came before the partitions of its topic were known. */
export interface WaitingRecord {
  readonly partition: number;
  readonly timestamp: number;
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers: readonly RecordHeader[] | undefined;
  readonly delivery: Delivery | undefined;
}

/** Partition number that stands for "by the key, or else as the producer likes". */
export const ANY_PARTITION = -1;

function isPartition(number: number): boolean {
  return Number.isInteger(number) && number >= 0 && number < PARTITIONS_MAX;
}

/** One topic of a producer. */
export class ProducerTopic {
  readonly name: string;
  /** Records in the order they came, until the partitions are known. */
  readonly waiting: WaitingRecord[] = [];
  /** Resolves when the partitions are known, or finding them failed; never rejects. */
  lookup: Promise<void> | undefined;
  readonly #make: (partition: number) => PartitionAccumulator;
  /** Those of all partitions, once they are known; before, of those that records have named. */
  #accumulators: PartitionAccumulator[] = [];
  #sticky: StickyPartitioner | undefined;

  /** `make` is called once for each partition that is written to. */
  constructor(name: string, make: (partition: number) => PartitionAccumulator) {
    this.name = name;
    this.#make = make;
  }

  /**
   * Whether a record has to wait until the partitions are known. One that names its partition has not: the broker
   * refuses it if there is no such partition, and creates no topic for it that would have none. But it
   * must not overtake those that wait.
   */
  mustWait(partition: number): boolean {
    if (this.#sticky !== undefined) return false;
    return partition === ANY_PARTITION || this.lookup !== undefined;
  }

  /** The waiting records, which then no longer wait here. */
  takeWaiting(): WaitingRecord[] {
    return this.waiting.splice(0);
  }

  /** Sets the number of partitions. */
  setPartitions(count: number): void {
    this.#sticky = new StickyPartitioner(count);
    this.#accumulators = Array.from({ length: count }, (_, i) => this.#accumulator(i));
  }

  /** Where a record goes. Throws UNKNOWN_TOPIC_OR_PARTITION for a partition that is not there. */
  accumulatorFor(partition: number, key: Uint8Array | string | null): PartitionAccumulator {
    const all = this.#accumulators;
    if (this.#sticky === undefined && isPartition(partition)) {
      const accumulator = this.#accumulator(partition);
      all[partition] = accumulator;
      return accumulator;
    }
    let index = partition;
    if (partition === ANY_PARTITION) {
      index = key === null ? this.#sticky!.current : partitionForKey(key, all.length);
    }
    const accumulator = all[index];
    if (accumulator === undefined) {
      throw new RustLogError(
        "UNKNOWN_TOPIC_OR_PARTITION",
        this.#sticky === undefined
          ? `${partition} is no partition: 0 to ${PARTITIONS_MAX - 1} are possible`
          : `topic '${this.name}' has partitions 0 to ${all.length - 1}, not ${partition}`,
      );
    }
    return accumulator;
  }

  #accumulator(partition: number): PartitionAccumulator {
    return this.#accumulators[partition] ?? this.#make(partition);
  }

  /** Says that a batch of `partition` is complete, so that records without a key turn to the next one. */
  batchCompleted(partition: number): void {
    this.#sticky?.batchCompleted(partition);
  }
}
