// The records of one fetch, as they are handed out: walked one by one, without an allocation unless one asks for objects.
// Leaves to others: the walk through the bytes (record/cursor), fetching them (fetcher).

import { RustLogError } from "../errors.ts";
import type { FetchResponse } from "../protocol/native/fetch.ts";
import { RecordCursor } from "../record/cursor.ts";
import type { RecordHeader } from "../record/encoder.ts";
import { type DamageHandling, DamagedRecordsError } from "./damage.ts";
import type { TopicSource } from "./topic-change.ts";

/** Where the walk is noted, so that a commit knows what was handed out. */
export interface PositionHolder {
  readonly topic: string;
  readonly partition: number;
  /** Offset after the last record handed out. */
  position: number;
  /** The topic that the position belongs to. */
  source: TopicSource;
  /** The first offset that is not read any more. */
  readonly end: number;
}

/** How the records of a fetch are walked. */
export interface WalkOptions {
  /** Offset of the first record wanted: a fetch returns whole batches. */
  readonly fromOffset: number;
  /** The topic that the records are of. */
  readonly source: TopicSource;
  readonly checkCrcs: boolean;
  readonly damage: DamageHandling;
  /** What the broker refused to read, in place of batches. */
  readonly refused?: DamagedRecordsError;
}

/** One record. Key, value and header values are views of the fetched bytes: nothing was copied. */
export interface ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

/** Records of one partition; after `next()` the cursor stands at one of them, and has all there is to know of it. */
export class FetchedRecords {
  readonly topic: string;
  readonly partition: number;
  /** Offset after the last record of the partition that could be read when this was fetched. */
  readonly highWatermark: number;
  /** Offset of the first record that the partition held when this was fetched. */
  readonly logStartOffset: number;
  /** Bytes of the batches, as they came over the wire. */
  readonly bytes: number;
  /** Offset, timestamp and, as views that stay valid, key(), value() and headers() of the present record. */
  readonly cursor = new RecordCursor();
  readonly #holder: PositionHolder;
  readonly #nextOffset: number;
  readonly #source: TopicSource;
  readonly #damage: DamageHandling;
  readonly #refused: DamagedRecordsError | undefined;
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
  }

  /**
   * Moves to the next record; false when there is none. It counts as handed out then: the consumer's
   * position is after it. Throws DamagedRecordsError (CORRUPT_MESSAGE, UNSUPPORTED_COMPRESSION for a codec that this
   * client does not have, MESSAGE_TOO_LARGE) for records that can't be read, again on each call: the position
   * stays before them. With `onDamaged: "skip"` it reports them and goes on with the records after them.
   */
  next(): boolean {
    while (!this.#isDone) {
      try {
        if (this.cursor.next() && this.cursor.offset < this.#holder.end) {
          this.#holder.position = this.cursor.offset + 1;
          this.#holder.source = this.#source;
          return true;
        }
      } catch (error) {
        if (this.#skip(error)) continue;
      }
      const refused = this.#refused;
      // Behind the last record there may be a gap, which is read as well.
      if (refused === undefined) this.#passTo(this.#nextOffset);
      this.#isDone = refused === undefined || this.#damage.policy === "skip";
      if (refused !== undefined) this.#take(refused);
    }
    return false;
  }

  /** Passes over what can't be read, or throws; false when it lies past the end of what is read. */
  #skip(error: unknown): boolean {
    if (!(error instanceof RustLogError)) throw error;
    if (this.#failure !== undefined) throw this.#failure;
    const { batch, from, to = this.#nextOffset } = this.cursor.damaged();
    if (from >= this.#holder.end) return false;
    const damage = new DamagedRecordsError(this, { batch, from, to }, error);
    // First, for the callback may throw.
    if (this.#damage.policy === "skip") this.cursor.skipDamaged();
    this.#take(damage);
    return true;
  }

  /** Throws or reports it, as the policy says. */
  #take(damage: DamagedRecordsError): void {
    if (this.#damage.policy === "throw") {
      this.#failure = damage;
      throw damage;
    }
    this.#passTo(damage.to);
    this.#damage.onSkip(damage);
  }

  /** The present record as an object of its own. */
  record(): ConsumedRecord {
    const { topic, partition, cursor } = this;
    const { offset, timestamp } = cursor;
    const [key, value, headers] = [cursor.key(), cursor.value(), cursor.headers()];
    return { topic, partition, offset, timestamp, key, value, headers };
  }

  /** Passes over the records that are left, as if they had been handed out. */
  skipRest(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#passTo(this.#nextOffset);
  }

  #passTo(offset: number): void {
    this.#holder.position = Math.min(offset, this.#holder.end);
    this.#holder.source = this.#source;
  }

  /** Whether the walk has come to records that can't be read, and throws. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Whether all records were walked or passed over. */
  get isDone(): boolean {
    return this.#isDone;
  }
}
