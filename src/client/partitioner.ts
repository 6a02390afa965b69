// Chooses the partition of a record: by its key as in Kafka, or one partition per batch for records without a key.
// Leaves to others: the hash (murmur2), and knowing when a batch is full (accumulator).

import { murmur2 } from "./murmur2.js";

const utf8 = new TextEncoder();

// Holds short ASCII keys (the usual case) while they are hashed, so that no record allocates.
const scratch = new Uint8Array(256);

/** The partition of a key: the same as in Kafka's clients for the same key and count. */
export function partitionForKey(key: Uint8Array | string, partitions: number): number {
  const hash = typeof key === "string" ? murmur2OfText(key) : murmur2(key);
  return (hash & 0x7fffffff) % partitions;
}

function murmur2OfText(text: string): number {
  const { length } = text;
  if (length > scratch.length) return murmur2(utf8.encode(text));
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return murmur2(utf8.encode(text));
    scratch[i] = unit;
  }
  return murmur2(scratch, length);
}

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
