// Records of one partition on their way into batches: the open batch, and the complete ones that wait.
// Leaves to others: when a batch has waited long enough (producer), sending it (sender), encoding (record/).

import {
  BATCH_HEADER_BYTES,
  type ProducerSequence,
  sequenceAfter,
  stampProducer,
} from "../record/batch.ts";
import type { BatchEncoder, RecordHeader } from "../record/encoder.ts";

/** The sender of a record, who waits to hear of it. */
export interface Delivery {
  readonly resolve: (partition: number, offset: number) => void;
  readonly reject: (error: unknown) => void;
}

/** A complete batch, encoded once: a retry sends the very same bytes. */
export interface SealedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Uint8Array;
  readonly records: number;
  /** What its records counted for in the producer's buffer, in bytes. */
  readonly bufferedBytes: number;
  /** When its first record came, on the clock of performance.now(). */
  readonly openedAt: number;
  /** The waiting senders by index of their record; empty when all records were enqueued. */
  readonly deliveries: ReadonlyMap<number, Delivery>;
  /** Resolves when the batch was acknowledged or given up. */
  readonly settled: PromiseWithResolvers<void>;
}

/** Encoders that are not in use: their buffers have grown to the size of a batch and are worth keeping. */
export interface EncoderPool {
  take(): BatchEncoder;
  put(encoder: BatchEncoder): void;
}

const NO_DELIVERIES: ReadonlyMap<number, Delivery> = new Map();

const EPOCH_MAX = 0x7fff;

/**
 * A producer's id: 52 random bits, so that no two producers of a broker share one, and nobody has to be asked.
 */
export function randomProducerId(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 12) * 2 ** 32 + low;
}

/**
 * The batches of one partition, in order: sealed ones first in, first out, then the open one. At most one
 * is being sent (`inFlight`), so that a retry can never overtake another batch. Each has its sequence number,
 * by which the broker knows a batch that it has already.
 */
export class PartitionAccumulator {
  readonly topic: string;
  readonly partition: number;
  /** Whether a batch of this partition is being sent or tried again. */
  inFlight = false;
  /** When the open batch got its first record, on the clock of performance.now(). */
  openedAt = 0;
  /** Bytes that the open batch, or the one that the next record opens, has room for. */
  room: number;
  readonly #batchBytes: number;
  readonly #pool: EncoderPool;
  #encoder: BatchEncoder | undefined;
  #deliveries: Map<number, Delivery> | undefined;
  #sealed: SealedBatch[] = [];
  #producerId = randomProducerId();
  #epoch = 0;
  #nextSequence = 0;

  constructor(topic: string, partition: number, batchBytes: number, pool: EncoderPool) {
    this.topic = topic;
    this.partition = partition;
    this.#batchBytes = batchBytes;
    this.room = batchBytes - BATCH_HEADER_BYTES;
    this.#pool = pool;
  }

  /** Whether records wait in a batch that is not complete. */
  get isOpen(): boolean {
    return this.#encoder !== undefined;
  }

  /** Complete batches that wait for their turn. */
  get sealedCount(): number {
    return this.#sealed.length;
  }

  /** Adds a record to the open batch, whether there is room or not, and returns the bytes it took. */
  append(
    timestampMs: number,
    key: Uint8Array | string | null,
    value: Uint8Array | string | null,
    headers: readonly RecordHeader[] | undefined,
    delivery: Delivery | undefined,
  ): number {
    const encoder = this.#encoder ?? this.#pool.take();
    const before = encoder.bytes;
    // A record that can't be encoded throws here, and leaves no batch open and nobody waiting.
    encoder.append(timestampMs, key, value, headers);
    if (this.#encoder === undefined) {
      this.#encoder = encoder;
      this.openedAt = performance.now();
    }
    if (delivery !== undefined) {
      this.#deliveries ??= new Map();
      this.#deliveries.set(encoder.count - 1, delivery);
    }
    const bytes = encoder.bytes - before;
    this.room -= bytes;
    return bytes;
  }

  /** Completes the open batch: it waits to be sent. Returns it; undefined when there is none. */
  seal(): SealedBatch | undefined {
    const encoder = this.#encoder;
    if (encoder === undefined) return undefined;
    const records = encoder.count;
    const bufferedBytes = encoder.bytes - BATCH_HEADER_BYTES;
    const batch: SealedBatch = {
      topic: this.topic,
      partition: this.partition,
      bytes: encoder.finish(this.#takeSequence(records)),
      records,
      bufferedBytes,
      openedAt: this.openedAt,
      deliveries: this.#deliveries ?? NO_DELIVERIES,
      settled: Promise.withResolvers<void>(),
    };
    this.#pool.put(encoder);
    this.#encoder = undefined;
    this.#deliveries = undefined;
    this.room = this.#batchBytes - BATCH_HEADER_BYTES;
    this.#sealed.push(batch);
    return batch;
  }

  /**
   * Numbers the batches that wait anew, in a new epoch, after one before them was given up: the broker would
   * miss its records, and refuse all that follow.
   */
  restartSequence(): void {
    if (this.#epoch === EPOCH_MAX) this.#producerId = randomProducerId();
    this.#epoch = (this.#epoch + 1) % (EPOCH_MAX + 1);
    this.#nextSequence = 0;
    for (const { bytes, records } of this.#sealed) {
      stampProducer(bytes, this.#takeSequence(records));
    }
  }

  #takeSequence(records: number): ProducerSequence {
    const baseSequence = this.#nextSequence;
    this.#nextSequence = sequenceAfter(baseSequence, records);
    return { producerId: this.#producerId, producerEpoch: this.#epoch, baseSequence };
  }

  /** The batch whose turn it is, taken from the queue; undefined when none is complete. */
  takeSealed(): SealedBatch | undefined {
    return this.#sealed.shift();
  }
}
