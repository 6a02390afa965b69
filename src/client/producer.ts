// The producer: takes records, gathers them into batches per partition, and sends these. Order is kept, and
// nothing is dropped without an error.
// Leaves to others: batches (dispatcher, accumulator), their turns and retries (pipeline), the sending (sender).

import type { RustLogError } from "../errors.ts";
import { BATCH_HEADER_BYTES } from "../record/batch.ts";
import type { WritableCodec } from "../record/compression.ts";
import { BatchEncoder, type ProducerHeader } from "../record/encoder.ts";
import type { Delivery, EncoderPool, SealedBatch } from "./accumulator.ts";
import { checkCallback, checkChoice, checkObject } from "./argument-check.ts";
import { CallClock } from "./call-clock.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { BrokerLink } from "./link.ts";
import { inRange } from "./option-check.ts";
import { PartitionLookups } from "./partition-lookups.ts";
import { ProducerCounters, type ProducerStats } from "./producer-stats.ts";
import { ANY_PARTITION } from "./producer-topic.ts";
import { checkRecord } from "./record-check.ts";
import { BatchSender } from "./sender.ts";
import { CLIENT_WAIT_MS_MAX } from "../limits.ts";

const KiB = 1024;

/** How a producer batches, compresses, bounds and retries. */
export interface ProducerOptions {
  /** Longest that a record waits for company in its batch, in milliseconds: 0 to a day (5). */
  readonly lingerMs?: number;
  /** Size at which a batch is sent without waiting longer, in bytes before compression (256 KiB). */
  readonly batchBytes?: number;
  /** Codec of the batches ("none"). */
  readonly compression?: WritableCodec;
  /** Bytes of unacknowledged records from which on `enqueue` asks the caller to wait (32 MiB). */
  readonly bufferBytesMax?: number;
  /**
   * How long the producer goes by the number of partitions that it has found out, in milliseconds (300,000). After
   * an error that says a partition is gone, it is found out again at once.
   */
  readonly metadataMaxAgeMs?: number;
  /** Time from a batch's first record to giving it up, retries included, in milliseconds (120,000). */
  readonly deliveryTimeoutMs?: number;
  /**
   * Called for each batch that the broker has acknowledged, in order within each partition: the way to hear of
   * enqueued records without a promise for each.
   */
  readonly onAcknowledged?: (batch: AcknowledgedBatch) => void;
}

/** Where the records of an acknowledged batch lie: from `baseOffset` on, in the order they were given. */
export interface AcknowledgedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: number;
  readonly records: number;
}

/** A record to be written. Texts are written as UTF-8; a Buffer is a Uint8Array, no other view or buffer is taken. */
export interface ProducerRecord {
  readonly key?: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers?: readonly ProducerHeader[];
  /** Partition to write to; without it the key decides, or else the producer. */
  readonly partition?: number;
  /**
   * Milliseconds since 1970, a whole number (negative before 1970; Kafka's clients take -1 for "none"); without it the time of the call, or with `enqueue` of one of the 7 before it in the
   * same turn of the event loop.
   */
  readonly timestamp?: number;
}

/** Where an acknowledged record lies. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
}

/** Writes records to topics. Made by `client.producer()`. */
export class Producer implements AsyncDisposable {
  readonly #onClosed: () => void;
  readonly #onAcknowledged: ((batch: AcknowledgedBatch) => void) | undefined;
  readonly #counters = new ProducerCounters();
  readonly #clock = new CallClock();
  readonly #dispatcher: Dispatcher;
  readonly #lookups: PartitionLookups;
  #failure: RustLogError | undefined;
  #closing: Promise<void> | undefined;

  /** @internal Use `client.producer()`. */
  constructor(link: BrokerLink, options: ProducerOptions, onClosed: () => void) {
    checkObject("INVALID_CONFIG", "the options of a producer", options);
    checkChoice("compression", options.compression, ["none", "gzip", "zstd"]);
    checkCallback("onAcknowledged", options.onAcknowledged);
    const codec = options.compression ?? "none";
    // A broker that was restarted may have another limit.
    const batchBytesMax = (): number => {
      const { maxBatchBytes } = link.info;
      // Compressing what can't be compressed makes it a little longer.
      return maxBatchBytes - (codec === "none" ? 0 : KiB + (maxBatchBytes >>> 7));
    };
    this.#onClosed = onClosed;
    this.#onAcknowledged = options.onAcknowledged;
    const deliveryTimeoutMs = inRange("deliveryTimeoutMs", options.deliveryTimeoutMs ?? 120_000, 0);
    const batchBytes = inRange("batchBytes", options.batchBytes ?? 256 * KiB, 1);
    const metadataMaxAgeMs = inRange("metadataMaxAgeMs", options.metadataMaxAgeMs ?? 300_000, 1);
    const sender = new BatchSender(link, deliveryTimeoutMs);
    this.#dispatcher = new Dispatcher({
      get batchBytes() {
        return Math.min(batchBytes, batchBytesMax());
      },
      pool: encoderPool(codec),
      lingerMs: inRange("lingerMs", options.lingerMs ?? 5, 0, CLIENT_WAIT_MS_MAX),
      get recordBytesMax() {
        return batchBytesMax() - BATCH_HEADER_BYTES;
      },
      bufferBytesMax: inRange("bufferBytesMax", options.bufferBytesMax ?? 32 * KiB * KiB, 1),
      sender,
      onSealed: (batch) => this.#lookups.sealed(batch),
      onAcknowledged: (batch, baseOffset) => this.#acknowledged(batch, baseOffset),
      onFailed: (batch, error) => this.#failed(batch, sender.givenUp(batch, error)),
      onRefused: (batches, error) => this.#lookups.refused(batches, error),
    });
    this.#lookups = new PartitionLookups({
      link,
      dispatcher: this.#dispatcher,
      deliveryTimeoutMs,
      metadataMaxAgeMs,
      onRecordFailed: (delivery, error) => this.#recordFailed(delivery, error),
      onBatchFailed: (batch, error) => this.#failed(batch, sender.givenUp(batch, error)),
    });
  }

  /**
   * Writes a record, and resolves when the broker has acknowledged it. Rejects with the RustLogError that
   * ended its delivery: MESSAGE_TOO_LARGE, UNKNOWN_TOPIC_OR_PARTITION, CONNECTION_LOST, TIMED_OUT …; with
   * INVALID_RECORD, for this record alone, when a field has a wrong type.
   */
  send(topic: string, record: ProducerRecord): Promise<RecordMetadata> {
    return new Promise((resolve, reject) => {
      checkObject("INVALID_RECORD", "the record", record);
      const timestamp = record.timestamp ?? Date.now();
      const delivery: Delivery = {
        resolve: (partition, offset) => resolve({ topic, partition, offset, timestamp }),
        reject,
      };
      const { partition = ANY_PARTITION, key = null, value, headers } = record;
      this.#take(topic, partition, key, value, timestamp, headers, delivery);
    });
  }

  /**
   * Takes a record without a promise of its own. Returns a promise only when the caller should wait before
   * giving more: the buffer is full, or the topic's partitions are still being looked up; the record is
   * taken all the same. Throws MESSAGE_TOO_LARGE and INVALID_RECORD for this record alone, and, until `flush` has reported
   * it, the error that ended the delivery of an earlier enqueued record.
   */
  enqueue(topic: string, record: ProducerRecord): void | Promise<void> {
    checkObject("INVALID_RECORD", "the record", record);
    const { partition = ANY_PARTITION, key = null, value, headers } = record;
    return this.enqueueRaw(topic, partition, key, value, record.timestamp, headers);
  }

  /** As `enqueue`, without an object per record. Partition -1: by the key, or else as the producer likes. */
  enqueueRaw(
    topic: string,
    partition: number,
    key: Uint8Array | string | null,
    value: Uint8Array | string | null,
    timestamp: number = this.#clock.now(),
    headers?: readonly ProducerHeader[],
  ): void | Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#take(topic, partition, key, value, timestamp, headers, undefined);
  }

  /**
   * Sends everything that was taken so far, and waits until it is acknowledged or given up. Throws the
   * first error of an enqueued record since the last flush; a record of `send` has its own promise.
   */
  async flush(): Promise<void> {
    do {
      await this.#lookups.settled();
      this.#dispatcher.sealAll();
      await this.#dispatcher.settled();
      // What the broker refused because its partition is gone is on its way again once that is looked up.
    } while (this.#lookups.areRunning);
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
  }

  /** Flushes, and takes no more records. Throws what `flush` throws. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.flush().finally(this.#onClosed);
    return this.#closing;
  }

  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What this producer has done so far: a copy of its counters. */
  get stats(): ProducerStats {
    return this.#counters.snapshot();
  }

  #take(
    topicName: string,
    partition: number,
    key: Uint8Array | string | null,
    value: Uint8Array | string | null,
    timestamp: number,
    headers: readonly ProducerHeader[] | undefined,
    delivery: Delivery | undefined,
  ): void | Promise<void> {
    if (this.#closing !== undefined) throw new Error("the producer is closed");
    checkRecord(topicName, partition, key, value, timestamp, headers);
    const topic = this.#lookups.topic(topicName);
    if (topic.mustWait(partition)) {
      const record = { partition, key, value, timestamp, headers, delivery };
      const lookup = this.#lookups.wait(topic, record);
      this.#counters.records += 1;
      return lookup;
    }
    const place = topic.partitionFor(partition, key);
    const pinned = partition !== ANY_PARTITION;
    this.#dispatcher.append(place, timestamp, key, value, headers, delivery, pinned);
    this.#counters.records += 1;
    if (this.#dispatcher.isFull) return this.#dispatcher.room();
  }

  #acknowledged(batch: SealedBatch, baseOffset: number): void {
    this.#counters.acknowledged(batch, baseOffset);
    this.#lookups.acknowledged(batch.topic);
    for (const [index, { resolve }] of batch.deliveries) {
      resolve(batch.partition, baseOffset + index);
    }
    if (this.#onAcknowledged === undefined) return;
    const { topic, partition, records } = batch;
    this.#onAcknowledged({ topic, partition, baseOffset, records });
  }

  #recordFailed(delivery: Delivery | undefined, error: RustLogError): void {
    this.#counters.failed(1);
    if (delivery !== undefined) delivery.reject(error);
    else this.#failure ??= error;
  }

  #failed(batch: SealedBatch, error: RustLogError): void {
    this.#counters.failed(batch.records);
    for (const { reject } of batch.deliveries.values()) reject(error);
    if (batch.deliveries.size < batch.records) this.#failure ??= error;
  }
}

/** Encoders kept for later: as many as are soon in use again. */
const IDLE_ENCODERS_MAX = 16;

function encoderPool(codec: WritableCodec): EncoderPool {
  const idle: BatchEncoder[] = [];
  return {
    take: () => idle.pop() ?? new BatchEncoder({ codec }),
    put: (encoder) => {
      if (idle.length < IDLE_ENCODERS_MAX) idle.push(encoder);
    },
  };
}
