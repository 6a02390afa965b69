// The records of one fetch, read one by one without allocation unless the caller asks for objects.
// Leaves to others: decoding (record/cursor), fetching (fetcher).

import { RustLogError } from "../errors.js";
import type { FetchResponse } from "../protocol/native/fetch.js";
import { RecordCursor } from "../record/cursor.js";
import type { RecordHeader } from "../record/encoder.js";
import { type DamageHandling, DamagedRecordsError, notDeserialized } from "./damage.js";
import type { Deserializer, Deserializers } from "./serialization.js";
import type { TopicSource } from "./topic-change.js";

/** Keeps the position of the reader, for commits. */
export interface PositionHolder {
  readonly topic: string;
  readonly partition: number;
  /** Offset after the last returned record. */
  position: number;
  /** The topic that the position belongs to. */
  source: TopicSource;
  /** The first offset that is not read. */
  readonly end: number;
  /** Number of records returned. */
  records: number;
}

interface WalkOptions {
  /** Offset of the first wanted record; a fetch returns whole batches. */
  readonly fromOffset: number;
  /** The topic of the records. */
  readonly source: TopicSource;
  readonly checkCrcs: boolean;
  readonly damage: DamageHandling;
  readonly deserializers: Deserializers<unknown, unknown> | undefined;
  /** What the broker refused to read, instead of batches. */
  readonly refused?: DamagedRecordsError;
}

/** A record. Header values are views of the fetched bytes, and so are key and value without a deserializer. */
export interface ConsumedRecord<K = Uint8Array, V = Uint8Array> {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly key: K | null;
  readonly value: V | null;
  readonly headers: readonly RecordHeader[];
}

/**
 * Records of one partition, to iterate over: `for (const record of records)`. Faster, because it makes no objects, is
 * `next()`, which moves the cursor to the next record; the cursor has its fields.
 */
export class FetchedRecords<K = Uint8Array, V = Uint8Array> implements Iterable<
  ConsumedRecord<K, V>
> {
  readonly topic: string;
  readonly partition: number;
  /** High watermark of the partition at the time of the fetch. */
  readonly highWatermark: number;
  /** Log start offset of the partition at the time of the fetch. */
  readonly logStartOffset: number;
  /** Size of the batches on the wire, in bytes. */
  readonly bytes: number;
  /** Offset, timestamp, key(), value() and headers() of the current record; the views stay valid. */
  readonly cursor = new RecordCursor();
  readonly #holder: PositionHolder;
  readonly #nextOffset: number;
  readonly #source: TopicSource;
  readonly #damage: DamageHandling;
  readonly #refused: DamagedRecordsError | undefined;
  readonly #deserializers: Deserializers<unknown, unknown> | undefined;
  #failure: DamagedRecordsError | undefined;
  #isDone = false;

  /** @internal Made by a consumer. */
  constructor(holder: PositionHolder, response: FetchResponse, options: WalkOptions) {
    const { batches } = response;
    this.topic = holder.topic;
    this.partition = holder.partition;
    this.highWatermark = response.highWatermark;
    this.logStartOffset = response.logStartOffset;
    this.bytes = batches.length;
    const { fromOffset, checkCrcs } = options;
    const endOffset = response.nextOffset;
    this.cursor.reset(batches, 0, batches.length, { fromOffset, checkCrcs, endOffset });
    this.#holder = holder;
    this.#nextOffset = response.nextOffset;
    this.#source = options.source;
    this.#damage = options.damage;
    this.#refused = options.refused;
    this.#deserializers = options.deserializers;
  }

  /**
   * Moves to the next record, and the consumer's position after it; returns false if there is none. Throws
   * DamagedRecordsError (CORRUPT_MESSAGE, UNSUPPORTED_COMPRESSION for a codec that this client does not support,
   * MESSAGE_TOO_LARGE) for unreadable records, again on each call: the position stays before them. With
   * `onDamaged: "skip"` it reports them and continues with the records after them.
   */
  next(): boolean {
    while (!this.#isDone) {
      try {
        if (this.cursor.next() && this.cursor.offset < this.#holder.end) {
          this.#holder.position = this.cursor.offset + 1;
          this.#holder.source = this.#source;
          this.#holder.records += 1;
          return true;
        }
      } catch (error) {
        if (this.#skip(error)) continue;
      }
      const refused = this.#refused;
      // A gap after the last record counts as read.
      if (refused === undefined) this.#passTo(this.#nextOffset);
      this.#isDone = refused === undefined || this.#damage.policy === "skip";
      if (refused !== undefined) this.#take(refused);
    }
    return false;
  }

  /** Skips unreadable records, or throws; returns false if they lie past the end of the range to read. */
  #skip(error: unknown): boolean {
    if (!(error instanceof RustLogError)) throw error;
    if (this.#failure !== undefined) throw this.#failure;
    const { batch, from, to = this.#nextOffset } = this.cursor.damaged();
    if (from >= this.#holder.end) return false;
    const damage = new DamagedRecordsError(this, { batch, from, to }, error);
    // Before the callback, which may throw.
    if (this.#damage.policy === "skip") this.cursor.skipDamaged();
    this.#take(damage);
    return true;
  }

  /** Throws or reports the damage, as the policy says. */
  #take(damage: DamagedRecordsError): void {
    if (this.#damage.policy === "throw") {
      this.#failure = damage;
      throw damage;
    }
    this.#passTo(damage.to);
    this.#damage.onSkip(damage);
  }

  /** The current record as an object. Throws DamagedRecordsError (INVALID_RECORD) if a deserializer refuses it. */
  record(): ConsumedRecord<K, V> {
    const { topic, partition, cursor } = this;
    const { offset, timestamp } = cursor;
    const key = this.#deserialized<K>("key", cursor.key());
    const value = this.#deserialized<V>("value", cursor.value());
    return { topic, partition, offset, timestamp, key, value, headers: cursor.headers() };
  }

  /** The next record as an object; undefined if there is none. Throws what `next` and `record` throw, as `next` does. */
  nextRecord(): ConsumedRecord<K, V> | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    while (this.next()) {
      try {
        return this.record();
      } catch (error) {
        if (!(error instanceof DamagedRecordsError)) throw error;
        // It does not count as returned.
        this.#holder.position = error.from;
        this.#holder.records -= 1;
        this.#take(error);
      }
    }
    return undefined;
  }

  *[Symbol.iterator](): Generator<ConsumedRecord<K, V>, void, undefined> {
    for (let record = this.nextRecord(); record !== undefined; record = this.nextRecord()) {
      yield record;
    }
  }

  #deserialized<T>(field: "key" | "value", bytes: Uint8Array | null): T | null {
    if (bytes === null) return null;
    // The types of the two say the same: without a deserializer, T is Uint8Array.
    const deserializer = this.#deserializers?.[field] as Deserializer<T> | undefined;
    if (deserializer === undefined) return bytes as T;
    try {
      return deserializer(bytes, this.topic);
    } catch (error) {
      throw notDeserialized(this, this.cursor.offset, field, error);
    }
  }

  /** Skips the remaining records as if they had been returned. */
  skipRest(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#passTo(this.#nextOffset);
  }

  /** @internal Ends them here: the partition is no longer the consumer's. */
  stop(): void {
    this.#isDone = true;
  }

  #passTo(offset: number): void {
    this.#holder.position = Math.min(offset, this.#holder.end);
    this.#holder.source = this.#source;
  }

  /** Whether `next` has reached unreadable records and throws. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Whether all records were read or skipped. */
  get isDone(): boolean {
    return this.#isDone;
  }
}
