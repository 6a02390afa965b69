// The counters of a producer.

import type { SealedBatch } from "./accumulator.js";

/** The acknowledged records of one partition. */
export interface PartitionStats {
  readonly topic: string;
  readonly partition: number;
  /** Number of acknowledged records. */
  readonly records: number;
  /** Lowest offset of an acknowledged record. */
  readonly firstOffset: number;
  /** Highest offset of an acknowledged record. */
  readonly lastOffset: number;
}

/** What a producer has done since it was created. */
export interface ProducerStats {
  /** Records taken, acknowledged or not. */
  readonly records: number;
  /** Records that the broker has acknowledged. */
  readonly acknowledgedRecords: number;
  /** Records given up after an error, which was thrown. */
  readonly failedRecords: number;
  /** Batches that the broker has acknowledged. */
  readonly batches: number;
  /** Bytes of these batches, as they were sent. */
  readonly bytes: number;
  /** Per topic and partition, in the order of the first acknowledgement. */
  readonly partitions: readonly PartitionStats[];
}

/** The counters behind ProducerStats, updated per batch; only `records` is updated per record. */
export class ProducerCounters {
  /** Records taken. */
  records = 0;
  #acknowledged = 0;
  #failed = 0;
  #batches = 0;
  #bytes = 0;
  readonly #partitions = new Map<
    string,
    { -readonly [K in keyof PartitionStats]: PartitionStats[K] }
  >();

  acknowledged(batch: SealedBatch, baseOffset: number): void {
    const { topic, partition, records } = batch;
    const lastOffset = baseOffset + records - 1;
    this.#acknowledged += records;
    this.#batches += 1;
    this.#bytes += batch.bytes.length;
    const key = `${partition} ${topic}`;
    const seen = this.#partitions.get(key);
    if (seen === undefined) {
      this.#partitions.set(key, { topic, partition, records, firstOffset: baseOffset, lastOffset });
    } else {
      seen.records += records;
      seen.firstOffset = Math.min(seen.firstOffset, baseOffset);
      seen.lastOffset = Math.max(seen.lastOffset, lastOffset);
    }
  }

  failed(records: number): void {
    this.#failed += records;
  }

  /** A copy of the counters. */
  snapshot(): ProducerStats {
    return {
      records: this.records,
      acknowledgedRecords: this.#acknowledged,
      failedRecords: this.#failed,
      batches: this.#batches,
      bytes: this.#bytes,
      partitions: [...this.#partitions.values()].map((partition) => ({ ...partition })),
    };
  }
}
