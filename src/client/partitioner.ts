// Chooses the partition of records without a key: one for each batch.
// Leaves to others: the partition of a key (record/key-partition.ts), and knowing when a batch is full (accumulator).

/**
 * Chooses partitions for records without a key: all go to one partition until its batch is complete, then to the next.
 * So batches are large, and every partition gets its share.
 */
export class StickyPartitioner {
  readonly #partitions: number;
  #current: number;

  /** Starts at a random partition, so that many short-lived producers do not all choose the first. */
  constructor(partitions: number, random = Math.random) {
    this.#partitions = partitions;
    this.#current = Math.floor(random() * partitions);
  }

  /** Partition of the next record without a key. */
  get current(): number {
    return this.#current;
  }

  /** Moves on to the next partition if `partition` is the current one. Call it when a batch is complete. */
  batchCompleted(partition: number): void {
    if (partition === this.#current) this.#current = (partition + 1) % this.#partitions;
  }
}
