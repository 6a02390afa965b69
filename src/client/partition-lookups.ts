// The topics of a producer: looks up their partitions, and holds records until the number is known. Looks again from time
// to time, and when the broker refuses a partition because the topic was recreated with fewer.
// Leaves to others: what is known about a topic (producer-topic), the request (topic-lookup), sending (dispatcher).
//
// During a look-up, all records of the topic wait. The records of refused batches are sent first, then those taken
// meanwhile, so the records of a key keep their order.

import type { RustLogError } from "../errors.js";
import { RecordCursor } from "../record/cursor.js";
import { recordBytesBound } from "../record/encoder.js";
import { type Delivery, isPinned, type SealedBatch } from "./accumulator.js";
import { backoffMs } from "./backoff.js";
import type { Dispatcher } from "./dispatcher.js";
import { asRustLogError } from "./failure.js";
import type { BrokerLink } from "./link.js";
import { ANY_PARTITION, ProducerTopic, type WaitingRecord } from "./producer-topic.js";
import { lookUpPartitions } from "./topic-lookup.js";

interface PartitionLookupsOptions {
  readonly link: BrokerLink;
  readonly dispatcher: Dispatcher;
  readonly deliveryTimeoutMs: number;
  /** How long a looked-up number of partitions is valid. */
  readonly metadataMaxAgeMs: number;
  /** Called when a record can't be delivered. */
  readonly onRecordFailed: (delivery: Delivery | undefined, error: RustLogError) => void;
  /** Called when a whole batch can't be delivered. */
  readonly onBatchFailed: (batch: SealedBatch, error: RustLogError) => void;
}

export class PartitionLookups {
  readonly #options: PartitionLookupsOptions;
  readonly #topics = new Map<string, ProducerTopic>();
  readonly #running = new Set<Promise<void>>();
  #last: ProducerTopic | undefined;

  constructor(options: PartitionLookupsOptions) {
    this.#options = options;
  }

  topic(name: string): ProducerTopic {
    if (this.#last?.name === name) return this.#last;
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      const { dispatcher } = this.#options;
      topic = new ProducerTopic(name, (partition) => dispatcher.partition(name, partition));
      this.#topics.set(name, topic);
    }
    this.#last = topic;
    return topic;
  }

  /** Whether a look-up is running. */
  get areRunning(): boolean {
    return this.#running.size > 0;
  }

  /** Resolves when all current look-ups have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Holds a record until the partitions of its topic are known. Throws MESSAGE_TOO_LARGE. */
  wait(topic: ProducerTopic, record: WaitingRecord): Promise<void> {
    const { dispatcher } = this.#options;
    dispatcher.checkRecordSize(record.key, record.value, record.headers);
    // Copy: the caller may reuse its bytes as soon as this returns.
    topic.waiting.push({
      ...record,
      key: ownBytes(record.key),
      value: ownBytes(record.value),
      headers: record.headers?.map(({ name, nameBytes, value }) => ({
        name,
        ...(nameBytes === undefined ? {} : { nameBytes: new Uint8Array(nameBytes) }),
        value: ownBytes(value),
      })),
    });
    dispatcher.reserve(recordBytesBound(record.key, record.value, record.headers));
    return this.#lookUp(topic);
  }

  /** Takes batches, in order, whose partition does not exist on the broker. */
  refused(batches: readonly SealedBatch[], error: RustLogError): void {
    const topic = this.#topics.get(batches[0]!.topic);
    // The topic was never looked up, so the caller chose the partition.
    if (topic === undefined || !topic.isKnown) {
      for (const batch of batches) this.#options.onBatchFailed(batch, error);
      return;
    }
    for (const batch of batches) {
      topic.refused.push({ batch, error });
      this.#options.dispatcher.reserve(batch.bufferedBytes);
    }
    if (topic.lookup !== undefined) return;
    topic.refusals += 1;
    void this.#lookUp(topic);
  }

  /** Notes that a batch is complete: moves on to the next partition, and refreshes the number of partitions if it is old. */
  sealed({ topic: name, partition }: SealedBatch): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    topic.batchCompleted(partition);
    if (!topic.isKnown || topic.lookup !== undefined) return;
    const now = performance.now();
    if (now - topic.lookedUpAt < this.#options.metadataMaxAgeMs) return;
    topic.lookedUpAt = now;
    void this.#refresh(topic);
  }

  /** Notes that a batch was acknowledged, so its partition exists. */
  acknowledged(name: string): void {
    const topic = this.#topics.get(name);
    if (topic !== undefined) topic.refusals = 0;
  }

  /** Looks up the partitions without holding records back. */
  async #refresh(topic: ProducerTopic): Promise<void> {
    try {
      const count = await lookUpPartitions(this.#options.link, topic.name, {}, false);
      // Handled like a refusal, so that records in flight to a partition that is gone keep their order.
      if (topic.isKnown && count !== topic.partitions) void this.#lookUp(topic);
    } catch {
      // The next failed batch reports what is wrong, and the next refresh tries again.
    }
  }

  /** Never rejects. */
  #lookUp(topic: ProducerTopic): Promise<void> {
    if (topic.lookup === undefined) {
      const lookup = this.#run(topic).finally(() => this.#running.delete(lookup));
      topic.lookup = lookup;
      this.#running.add(lookup);
    }
    return topic.lookup;
  }

  async #run(topic: ProducerTopic): Promise<void> {
    const { link, dispatcher, deliveryTimeoutMs } = this.#options;
    let failure: RustLogError | undefined;
    try {
      if (topic.refusals > 1) {
        await link.pause(backoffMs(topic.refusals - 1, link.options.retryBackoffMs));
      }
      const policy = { retryMs: deliveryTimeoutMs };
      topic.setPartitions(await lookUpPartitions(link, topic.name, policy));
      topic.lookedUpAt = performance.now();
      // Batches for partitions that are gone are refused; wait for that, because they go before later records.
      const isGone = (place: { readonly topic: string; readonly partition: number }): boolean =>
        place.topic === topic.name && place.partition >= topic.partitions;
      dispatcher.sealAll(isGone);
      await dispatcher.settled(isGone);
    } catch (error) {
      // The next record triggers another look-up; the topic may exist by then.
      topic.forgetPartitions();
      if (topic.isUnused) this.#topics.delete(topic.name);
      if (this.#last === topic) this.#last = undefined;
      failure = asRustLogError(error);
    }
    topic.lookup = undefined;
    for (const { batch, error } of topic.takeRefused()) {
      dispatcher.reserve(-batch.bufferedBytes);
      const isLate = performance.now() - batch.openedAt >= deliveryTimeoutMs;
      if (failure !== undefined) this.#options.onBatchFailed(batch, failure);
      else if (isLate) this.#options.onBatchFailed(batch, error);
      else this.#tryRepartition(topic, batch);
    }
    for (const record of topic.takeWaiting()) {
      dispatcher.reserve(-recordBytesBound(record.key, record.value, record.headers));
      if (failure === undefined) this.#append(topic, record);
      else this.#options.onRecordFailed(record.delivery, failure);
    }
  }

  #tryRepartition(topic: ProducerTopic, batch: SealedBatch): void {
    try {
      this.#repartition(topic, batch);
    } catch (error) {
      // The batch can't be read back: it decompresses to more than a reader takes.
      this.#options.onBatchFailed(batch, asRustLogError(error));
    }
  }

  /** Distributes the records of a refused batch over the partitions that exist now. */
  #repartition(topic: ProducerTopic, batch: SealedBatch): void {
    // The pipeline stamps the CRC, and may not have done so yet.
    const { bytes } = batch;
    const cursor = new RecordCursor().reset(bytes, 0, bytes.length, { checkCrcs: false });
    for (let index = 0; cursor.next(); index++) {
      const record = {
        partition: isPinned(batch.pinned, index) ? batch.partition : ANY_PARTITION,
        timestamp: cursor.timestamp,
        key: cursor.key(),
        value: cursor.value(),
        headers: cursor.headers(),
        delivery: batch.deliveries.get(index),
      };
      this.#append(topic, record, batch.openedAt);
    }
  }

  #append(topic: ProducerTopic, record: WaitingRecord, openedAt?: number): void {
    const { partition, timestamp, key, value, headers, delivery } = record;
    const pinned = partition !== ANY_PARTITION;
    try {
      const place = topic.partitionFor(partition, key);
      const { dispatcher } = this.#options;
      dispatcher.add(place, timestamp, key, value, headers, delivery, pinned, openedAt);
    } catch (error) {
      this.#options.onRecordFailed(delivery, asRustLogError(error));
    }
  }
}

function ownBytes<T extends Uint8Array | string | null>(bytes: T): T | Uint8Array {
  return bytes instanceof Uint8Array ? new Uint8Array(bytes) : bytes;
}
