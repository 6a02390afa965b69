// The producer: takes records and sends them in batches per partition. It keeps the order of each partition and drops
// nothing without an error.
// Leaves to others: batches (dispatcher, accumulator), order and retries (pipeline), sending (sender).

import type { RustLogError } from "../errors.js";
import { BATCH_HEADER_BYTES, type Codec, CODECS } from "../record/batch.js";
import { BatchEncoder, type ProducerHeader } from "../record/encoder.js";
import type { Delivery, EncoderPool, SealedBatch } from "./accumulator.js";
import { checkCallback, checkChoice, checkObject } from "./argument-check.js";
import { CallClock } from "./call-clock.js";
import { Dispatcher } from "./dispatcher.js";
import type { BrokerLink } from "./link.js";
import { inRange } from "./option-check.js";
import { PartitionLookups } from "./partition-lookups.js";
import { ProducerCounters, type ProducerStats } from "./producer-stats.js";
import { ANY_PARTITION } from "./producer-topic.js";
import { checkRecord } from "./record-check.js";
import { BatchSender } from "./sender.js";
import { CLIENT_WAIT_MS_MAX } from "../limits.js";

const KiB = 1024;

/** The options of a producer. */
export interface ProducerOptions {
  /** Longest time that a batch waits for more records, in milliseconds: 0 to a day (5). */
  readonly lingerMs?: number;
  /** Size at which a batch is sent immediately, in bytes before compression (256 KiB). */
  readonly batchBytes?: number;
  /** Codec of the batches ("none"). */
  readonly compression?: Codec;
  /** Bytes of unacknowledged records at which `enqueue` asks the caller to wait (32 MiB). */
  readonly bufferBytesMax?: number;
  /**
   * How long the producer trusts the number of partitions that it has looked up, in milliseconds (300,000). After an
   * error that says a partition is gone, it looks again immediately.
   */
  readonly metadataMaxAgeMs?: number;
  /** Time after its first record at which a batch is given up, retries included, in milliseconds (120,000). */
  readonly deliveryTimeoutMs?: number;
  /**
   * Called for each acknowledged batch, in order within each partition. Tells about enqueued records without a promise
   * for each.
   */
  readonly onAcknowledged?: (batch: AcknowledgedBatch) => void;
}

/** An acknowledged batch: its records start at `baseOffset`, in the order they were given. */
export interface AcknowledgedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: number;
  readonly records: number;
}

/** A record to write. Strings are written as UTF-8. A Buffer is a Uint8Array; other views and buffers are refused. */
export interface ProducerRecord {
  readonly key?: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers?: readonly ProducerHeader[];
  /** Partition to write to. Default: chosen by the key, or by the producer if there is no key. */
  readonly partition?: number;
  /**
   * Milliseconds since 1970, a whole number (negative before 1970; Kafka's clients take -1 for "none"). Default: the time
   * of the call, which `enqueue` may share with up to 7 calls before it in the same turn of the event loop.
   */
  readonly timestamp?: number;
}

/** The place of an acknowledged record. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The broker's if the topic has LogAppendTime, else the record's. */
  readonly timestamp: number;
}

/** Writes records to topics. Created by `client.producer()`. */
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
    checkChoice("compression", options.compression, CODECS);
    checkCallback("onAcknowledged", options.onAcknowledged);
    const codec = options.compression ?? "none";
    // A restarted broker may have another limit.
    const batchBytesMax = (): number => {
      const { maxBatchBytes } = link.info;
      // Incompressible data grows a little.
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
   * Writes a record and resolves when the broker has acknowledged it. Rejects with the RustLogError that ended the
   * delivery (MESSAGE_TOO_LARGE, UNKNOWN_TOPIC_OR_PARTITION, CONNECTION_LOST, TIMED_OUT …), or with INVALID_RECORD, for
   * this record alone, when a field has the wrong type.
   */
  send(topic: string, record: ProducerRecord): Promise<RecordMetadata> {
    return new Promise((resolve, reject) => {
      checkObject("INVALID_RECORD", "the record", record);
      const timestamp = record.timestamp ?? Date.now();
      const delivery: Delivery = {
        resolve: (partition, offset, time) =>
          resolve({ topic, partition, offset, timestamp: time < 0 ? timestamp : time }),
        reject,
      };
      const { partition = ANY_PARTITION, key = null, value, headers } = record;
      this.#take(topic, partition, key, value, timestamp, headers, delivery);
    });
  }

  /**
   * Takes a record without a promise of its own. Returns a promise only when the caller should wait before it gives
   * more, because the buffer is full or the partitions are being looked up; the record is taken all the same. Throws
   * MESSAGE_TOO_LARGE and INVALID_RECORD for this record alone. Also throws the error of an earlier enqueued record that
   * could not be delivered, until `flush` has reported it.
   */
  enqueue(topic: string, record: ProducerRecord): void | Promise<void> {
    checkObject("INVALID_RECORD", "the record", record);
    const { partition = ANY_PARTITION, key = null, value, headers } = record;
    return this.enqueueRaw(topic, partition, key, value, record.timestamp, headers);
  }

  /** As `enqueue`, without an object per record. With partition -1 the key decides, or the producer if there is none. */
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
   * Sends everything taken so far and waits until it is acknowledged or given up. Throws the first error of an enqueued
   * record since the last flush; a record of `send` has its own promise.
   */
  async flush(): Promise<void> {
    do {
      await this.#lookups.settled();
      this.#dispatcher.sealAll();
      await this.#dispatcher.settled();
      // Batches whose partition is gone are sent again after a look-up.
    } while (this.#lookups.areRunning);
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
  }

  /** Flushes and then refuses more records. Throws what `flush` throws. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.flush().finally(this.#onClosed);
    return this.#closing;
  }

  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A copy of the counters of this producer. */
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
    this.#dispatcher.add(place, timestamp, key, value, headers, delivery, pinned);
    this.#counters.records += 1;
    if (this.#dispatcher.isFull) return this.#dispatcher.room();
  }

  #acknowledged(batch: SealedBatch, baseOffset: number): void {
    this.#counters.acknowledged(batch, baseOffset);
    this.#lookups.acknowledged(batch.topic);
    for (const [index, { resolve }] of batch.deliveries) {
      resolve(batch.partition, baseOffset + index, batch.logAppendTime);
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

/** Most encoders that are kept for reuse. */
const IDLE_ENCODERS_MAX = 16;

function encoderPool(codec: Codec): EncoderPool {
  const idle: BatchEncoder[] = [];
  return {
    take: () => idle.pop() ?? new BatchEncoder({ codec }),
    put: (encoder) => {
      if (idle.length < IDLE_ENCODERS_MAX) idle.push(encoder);
    },
  };
}
