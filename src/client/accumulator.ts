// Records of one partition on their way into batches: the open batch, and how it is completed.
// Leaves to others: when a batch has waited long enough (dispatcher), what becomes of complete ones (pipeline),
// encoding (record/).

import { BATCH_HEADER_BYTES } from "../record/batch.ts";
import type { BatchEncoder, ProducerHeader } from "../record/encoder.ts";

/** The sender of a record, who waits to hear of it. */
export interface Delivery {
  readonly resolve: (partition: number, offset: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Which records of a batch must stay in their partition because the caller chose it: `all` of them or none, except
 * those at these indexes.
 */
export interface PinnedRecords {
  readonly all: boolean;
  readonly except: ReadonlySet<number>;
}

/** Whether the record at `index` must stay in its partition. */
export function isPinned({ all, except }: PinnedRecords, index: number): boolean {
  return all !== except.has(index);
}

/** A complete batch, encoded once. */
export interface SealedBatch {
  readonly topic: string;
  readonly partition: number;
  /** The pipeline stamps the sequence number; a retry sends the same bytes unless the batch gets a new number. */
  bytes: Uint8Array;
  readonly records: number;
  /** What its records counted for in the producer's buffer, in bytes. */
  readonly bufferedBytes: number;
  /** When its first record came, on the clock of performance.now(). */
  readonly openedAt: number;
  /** The waiting senders by index of their record; empty when all records were enqueued. */
  readonly deliveries: ReadonlyMap<number, Delivery>;
  /** Which records can't go to another partition. */
  readonly pinned: PinnedRecords;
  /** Resolves when the batch was acknowledged or given up. */
  readonly settled: PromiseWithResolvers<void>;
  /** Whose memory the bytes are in, if they are not the batch's own. */
  readonly encoder: BatchEncoder | undefined;
}

/**
 * Encoders that are not in use: their buffers have grown to the size of a batch and are worth keeping. A large
 * batch stays in its encoder's memory until it is settled: a copy would cost as much as encoding it, most of it
 * for pages that are new to the process.
 */
export interface EncoderPool {
  take(): BatchEncoder;
  put(encoder: BatchEncoder): void;
}

const NO_EXCEPTIONS: ReadonlySet<number> = new Set();
const NO_DELIVERIES: ReadonlyMap<number, Delivery> = new Map();

/** What the accumulators of a producer share. */
export interface AccumulatorOptions {
  /** Size at which a batch is complete, in bytes before compression; may change with the broker. */
  readonly batchBytes: number;
  readonly pool: EncoderPool;
}

/** The open batch of one partition. */
export class PartitionAccumulator {
  readonly topic: string;
  readonly partition: number;
  /** When the open batch got its first record, on the clock of performance.now(). */
  openedAt = 0;
  readonly #options: AccumulatorOptions;
  #encoder: BatchEncoder | undefined;
  #deliveries: Map<number, Delivery> | undefined;
  #room = 0;
  #allPinned = false;
  #pinExceptions: Set<number> | undefined;
  /** Timestamp of the first record of the open batch: the others are relative to it. */
  #baseTimestamp = 0;

  constructor(topic: string, partition: number, options: AccumulatorOptions) {
    this.topic = topic;
    this.partition = partition;
    this.#options = options;
  }

  /** Bytes that the open batch, or the one that the next record opens, has room for. */
  get room(): number {
    return this.isOpen ? this.#room : this.#options.batchBytes - BATCH_HEADER_BYTES;
  }

  /** Whether records wait in a batch that is not complete. */
  get isOpen(): boolean {
    return this.#encoder !== undefined;
  }

  /** Whether a record of this time can be in the open batch: the difference to the first one must be exact. */
  takesTime(timestampMs: number): boolean {
    return !this.isOpen || Number.isSafeInteger(timestampMs - this.#baseTimestamp);
  }

  /**
   * Adds a record to the open batch, whether there is room or not, and returns the bytes it took. A pinned one
   * stays in this partition; `openedAt` is when it was first in a batch, if that was refused.
   */
  append(
    timestampMs: number,
    key: Uint8Array | string | null,
    value: Uint8Array | string | null,
    headers: readonly ProducerHeader[] | undefined,
    delivery: Delivery | undefined,
    pinned: boolean,
    openedAt?: number,
  ): number {
    const encoder = this.#encoder ?? this.#options.pool.take();
    const before = encoder.bytes;
    // A record that can't be encoded throws here, and leaves no batch open and nobody waiting.
    encoder.append(timestampMs, key, value, headers);
    if (this.#encoder === undefined) {
      this.#room = this.room;
      this.#encoder = encoder;
      this.openedAt = openedAt ?? performance.now();
      this.#baseTimestamp = timestampMs;
      this.#allPinned = pinned;
    } else if (openedAt !== undefined) this.openedAt = Math.min(this.openedAt, openedAt);
    if (pinned !== this.#allPinned) {
      this.#pinExceptions ??= new Set();
      this.#pinExceptions.add(encoder.count - 1);
    }
    if (delivery !== undefined) {
      this.#deliveries ??= new Map();
      this.#deliveries.set(encoder.count - 1, delivery);
    }
    const bytes = encoder.bytes - before;
    this.#room -= bytes;
    return bytes;
  }

  /** Completes the open batch and returns it without a sequence number; undefined when no batch is open. */
  seal(): SealedBatch | undefined {
    const encoder = this.#encoder;
    if (encoder === undefined) return undefined;
    const records = encoder.count;
    const bufferedBytes = encoder.bytes - BATCH_HEADER_BYTES;
    const isLarge = encoder.bytes > encoder.capacityBytes / 2;
    let bytes = encoder.finishUnstamped();
    // A short batch must not hold on to a large buffer.
    if (!isLarge && encoder.isInPlace(bytes)) bytes = bytes.slice();
    const isInPlace = encoder.isInPlace(bytes);
    if (!isInPlace) this.#options.pool.put(encoder);
    const batch: SealedBatch = {
      topic: this.topic,
      partition: this.partition,
      bytes,
      records,
      bufferedBytes,
      openedAt: this.openedAt,
      deliveries: this.#deliveries ?? NO_DELIVERIES,
      pinned: { all: this.#allPinned, except: this.#pinExceptions ?? NO_EXCEPTIONS },
      settled: Promise.withResolvers<void>(),
      encoder: isInPlace ? encoder : undefined,
    };
    this.#encoder = undefined;
    this.#deliveries = undefined;
    this.#pinExceptions = undefined;
    return batch;
  }
}
