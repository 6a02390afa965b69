// The open batch of one partition: adds records to it and completes it.
// Leaves to others: how long a batch waits (dispatcher), sending complete batches (pipeline), encoding (record/).

import { BATCH_HEADER_BYTES } from "../record/batch.js";
import type { BatchEncoder, ProducerHeader } from "../record/encoder.js";

/** The promise of a `send()` call. */
export interface Delivery {
  /** `logAppendTime` is -1 if the record keeps its own timestamp. */
  readonly resolve: (partition: number, offset: number, logAppendTime: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Which records of a batch must stay in the partition that the caller chose: `all` or none, except these indexes. */
interface PinnedRecords {
  readonly all: boolean;
  readonly except: ReadonlySet<number>;
}

export function isPinned({ all, except }: PinnedRecords, index: number): boolean {
  return all !== except.has(index);
}

/** A complete batch, encoded once. */
export interface SealedBatch {
  readonly topic: string;
  readonly partition: number;
  /** The pipeline stamps the sequence number; a retry sends the same bytes unless the batch gets a new number. */
  bytes: Uint8Array;
  /** The broker's timestamp for all records, in milliseconds, once it is known; -1 if they have their own. */
  logAppendTime: number;
  readonly records: number;
  /** Bytes that its records take in the producer's buffer. */
  readonly bufferedBytes: number;
  /** When its first record was added, by performance.now(). */
  readonly openedAt: number;
  /** The promises of its records, by index; empty when all records were enqueued. */
  readonly deliveries: ReadonlyMap<number, Delivery>;
  readonly pinned: PinnedRecords;
  /** Resolves when the batch is acknowledged, given up or refused. */
  readonly settled: PromiseWithResolvers<void>;
  /** The encoder whose memory holds `bytes`; undefined if the batch has its own. */
  readonly encoder: BatchEncoder | undefined;
}

/**
 * Idle encoders, kept because their buffers have grown to the size of a batch. A large batch stays in its encoder's
 * memory until it is settled: a copy would cost as much as the encoding, mostly for page faults.
 */
export interface EncoderPool {
  take(): BatchEncoder;
  put(encoder: BatchEncoder): void;
}

const NO_EXCEPTIONS: ReadonlySet<number> = new Set();
const NO_DELIVERIES: ReadonlyMap<number, Delivery> = new Map();

export interface AccumulatorOptions {
  /** Size at which a batch is complete, in bytes before compression; may change with the broker. */
  readonly batchBytes: number;
  readonly pool: EncoderPool;
}

/** The open batch of one partition. */
export class PartitionAccumulator {
  readonly topic: string;
  readonly partition: number;
  /** When the open batch got its first record, by performance.now(). */
  openedAt = 0;
  readonly #options: AccumulatorOptions;
  #encoder: BatchEncoder | undefined;
  #deliveries: Map<number, Delivery> | undefined;
  #room = 0;
  #allPinned = false;
  #pinExceptions: Set<number> | undefined;
  /** Timestamp of the first record of the open batch; the others are encoded relative to it. */
  #baseTimestamp = 0;

  constructor(topic: string, partition: number, options: AccumulatorOptions) {
    this.topic = topic;
    this.partition = partition;
    this.#options = options;
  }

  /** Free bytes in the open batch, or in the one that the next record opens. */
  get room(): number {
    return this.isOpen ? this.#room : this.#options.batchBytes - BATCH_HEADER_BYTES;
  }

  get isOpen(): boolean {
    return this.#encoder !== undefined;
  }

  /** Whether the open batch can hold this timestamp: its difference to the first one must be a safe integer. */
  takesTime(timestampMs: number): boolean {
    return !this.isOpen || Number.isSafeInteger(timestampMs - this.#baseTimestamp);
  }

  /**
   * Adds a record to the open batch, even if there is no room, and returns the bytes it took. A pinned record must stay
   * in this partition. `openedAt` is the time of the batch that it was in before, if that one was refused.
   */
  add(
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
    // Throws if the record can't be encoded; then no batch is open and no promise waits.
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
      logAppendTime: -1,
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
