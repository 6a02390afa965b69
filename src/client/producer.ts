// The producer: takes records and sends them in batches per partition. It keeps the order of each partition and drops
// nothing without an error.
// Leaves to others: batches (dispatcher, accumulator), order and retries (pipeline), sending (sender).

import { RustLogError } from "../errors.js";
import { BATCH_HEADER_BYTES, type Codec, CODECS } from "../record/batch.js";
import { BatchEncoder, type ProducerHeader } from "../record/encoder.js";
import type { Delivery, EncoderPool, SealedBatch } from "./accumulator.js";
import { abortable, checkSignal, type SignalOptions } from "./abort.js";
import { checkCallback, checkChoice, checkObject } from "./argument-check.js";
import { CallClock } from "./call-clock.js";
import { Dispatcher } from "./dispatcher.js";
import { Events, type Listener } from "./events.js";
import { headerList, type HeadersObject } from "./headers-object.js";
import type { BrokerLink } from "./link.js";
import { inRange } from "./option-check.js";
import { PartitionLookups } from "./partition-lookups.js";
import { ProducerCounters, type ProducerStats } from "./producer-stats.js";
import { ANY_PARTITION } from "./producer-topic.js";
import { checkRecord } from "./record-check.js";
import { BatchSender } from "./sender.js";
import {
  checkSerialization,
  type RecordData,
  type Serializer,
  type Serializers,
} from "./serialization.js";
import { CLIENT_WAIT_MS_MAX } from "../limits.js";

const KiB = 1024;

/** The options of a producer. */
export interface ProducerOptions<K = RecordData, V = RecordData> {
  /** How keys and values are written (strings as UTF-8, and Uint8Arrays as they are). */
  readonly serializers?: Serializers<K, V>;
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

/** A batch that was given up. */
export interface FailedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly records: number;
  readonly error: RustLogError;
}

/** The events of a producer by name, with what a listener is called with. */
export interface ProducerEvents {
  /** The broker has acknowledged a batch. */
  readonly acknowledged: [batch: AcknowledgedBatch];
  /** A batch was given up. */
  readonly failed: [batch: FailedBatch];
}

/**
 * A record to write. Without serializers, keys and values are strings, which are written as UTF-8, and Uint8Arrays. A Buffer
 * is a Uint8Array; other views and buffers are refused.
 */
export interface ProducerRecord<K = RecordData, V = RecordData> {
  readonly key?: K | null;
  readonly value: V | null;
  /** A list, or an object by name. */
  readonly headers?: readonly ProducerHeader[] | HeadersObject;
  /** Partition to write to. Default: chosen by the key, or by the producer if there is no key. */
  readonly partition?: number;
  /**
   * Milliseconds since 1970, a whole number (negative before 1970; Kafka's clients take -1 for "none"). By default the
   * broker refuses one that is more than an hour ahead of its clock. Default: the time of the call, which `enqueue` may
   * share with up to 7 calls before it in the same turn of the event loop.
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
export class Producer<K = RecordData, V = RecordData> implements AsyncDisposable {
  readonly #serializers: Serializers<K, V> | undefined;
  readonly #events = new Events<ProducerEvents>(["acknowledged", "failed"]);
  readonly #onClosed: () => void;
  readonly #onAcknowledged: ((batch: AcknowledgedBatch) => void) | undefined;
  readonly #counters = new ProducerCounters();
  readonly #clock = new CallClock();
  readonly #dispatcher: Dispatcher;
  readonly #lookups: PartitionLookups;
  #failure: RustLogError | undefined;
  #closing: Promise<void> | undefined;

  /** @internal Use `client.producer()`. */
  constructor(link: BrokerLink, options: ProducerOptions<K, V>, onClosed: () => void) {
    checkObject("INVALID_CONFIG", "the options of a producer", options);
    checkSerialization("serializers", options.serializers);
    this.#serializers = options.serializers;
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
   * delivery (MESSAGE_TOO_LARGE, INVALID_TIMESTAMP, UNKNOWN_TOPIC_OR_PARTITION, CONNECTION_LOST, TIMED_OUT …), or with
   * INVALID_RECORD, for this record alone, when a field has the wrong type or a serializer throws. A signal only ends the wait: a record that
   * was taken may be written all the same.
   */
  send(
    topic: string,
    record: ProducerRecord<K, V>,
    options?: SignalOptions,
  ): Promise<RecordMetadata> {
    if (options !== undefined) return this.#sendWith(topic, record, options);
    return new Promise((resolve, reject) => {
      checkObject("INVALID_RECORD", "the record", record);
      const timestamp = record.timestamp ?? Date.now();
      const delivery: Delivery = {
        resolve: (partition, offset, time) =>
          resolve({ topic, partition, offset, timestamp: time < 0 ? timestamp : time }),
        reject,
      };
      const { partition = ANY_PARTITION, key = null, value, headers } = record;
      const keyData = this.#keyData(topic, key);
      const valueData = this.#valueData(topic, value);
      const list = headers && headerList(headers);
      this.#take(topic, partition, keyData, valueData, timestamp, list, delivery);
    });
  }

  /**
   * Takes a record without a promise of its own. Returns a promise only when the caller should wait before it gives
   * more, because the buffer is full or the partitions are being looked up; the record is taken all the same. Throws
   * MESSAGE_TOO_LARGE and INVALID_RECORD for this record alone. Also throws the error of an earlier enqueued record that
   * could not be delivered, until `flush` has reported it.
   */
  enqueue(topic: string, record: ProducerRecord<K, V>): void | Promise<void> {
    checkObject("INVALID_RECORD", "the record", record);
    const { partition = ANY_PARTITION, key = null, value, headers, timestamp } = record;
    const keyData = this.#keyData(topic, key);
    const valueData = this.#valueData(topic, value);
    const list = headers && headerList(headers);
    return this.enqueueRaw(topic, partition, keyData, valueData, timestamp, list);
  }

  /** As `enqueue`, without an object per record and without serializers. With partition -1 the key decides, or the producer if there is none. */
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
   * record since the last flush; a record of `send` has its own promise. A signal only ends the wait.
   */
  flush(options: SignalOptions = {}): Promise<void> {
    checkObject("INVALID_CONFIG", "the options of flush", options);
    checkSignal(options.signal);
    return abortable(this.#flush(), options.signal);
  }

  async #flush(): Promise<void> {
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

  /** Adds a listener, and returns a function that removes it. What it throws is an uncaught exception of the program. */
  on<Name extends keyof ProducerEvents>(
    event: Name,
    listener: Listener<ProducerEvents[Name]>,
  ): () => void {
    return this.#events.on(event, listener);
  }

  async #sendWith(
    topic: string,
    record: ProducerRecord<K, V>,
    options: SignalOptions,
  ): Promise<RecordMetadata> {
    checkObject("INVALID_CONFIG", "the options of send", options);
    checkSignal(options.signal);
    options.signal?.throwIfAborted();
    return await abortable(this.send(topic, record), options.signal);
  }

  // Without a serializer, the type is that of RecordData, and checkRecord makes sure of it.
  #keyData(topic: string, key: K | null): RecordData | null {
    const serializer = this.#serializers?.key;
    if (serializer === undefined) return key as RecordData | null;
    return serialized("key", serializer, key, topic);
  }

  #valueData(topic: string, value: V | null): RecordData | null {
    const serializer = this.#serializers?.value;
    if (serializer === undefined) return value as RecordData | null;
    return serialized("value", serializer, value, topic);
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
    if (this.#onAcknowledged === undefined && !this.#events.has("acknowledged")) return;
    const { topic, partition, records } = batch;
    const acknowledged = { topic, partition, baseOffset, records };
    this.#onAcknowledged?.(acknowledged);
    this.#events.emit("acknowledged", acknowledged);
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
    const { topic, partition, records } = batch;
    this.#events.emit("failed", { topic, partition, records, error });
  }
}

function serialized<T>(
  field: "key" | "value",
  serializer: Serializer<T>,
  data: T | null,
  topic: string,
): RecordData | null {
  if (data === null) return null;
  try {
    return serializer(data, topic);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RustLogError(
      "INVALID_RECORD",
      `${field} of the record for topic '${topic}' can't be serialized: ${reason}`,
      { cause: error, help: "Nothing was sent." },
    );
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
