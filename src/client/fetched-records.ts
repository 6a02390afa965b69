// The records of one fetch, as they are handed out: walked one by one, without an allocation unless one asks for objects.
// Leaves to others: the walk through the bytes (record/cursor), fetching them (fetcher).

import type { FetchResponse } from "../protocol/fetch.ts";
import { type CursorOptions, RecordCursor } from "../record/cursor.ts";
import type { RecordHeader } from "../record/encoder.ts";

/** Where the walk is noted, so that a commit knows what was handed out. */
export interface PositionHolder {
  readonly topic: string;
  readonly partition: number;
  /** Offset after the last record handed out. */
  position: number;
  /** The first offset that is not read any more. */
  readonly end: number;
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
  #isDone = false;

  /** @internal Made by a consumer. */
  constructor(holder: PositionHolder, response: FetchResponse, options: CursorOptions) {
    const { batches } = response;
    this.topic = holder.topic;
    this.partition = holder.partition;
    this.highWatermark = response.highWatermark;
    this.logStartOffset = response.logStartOffset;
    this.bytes = batches.length;
    this.cursor.reset(batches, 0, batches.length, options);
    this.#holder = holder;
    this.#nextOffset = response.nextOffset;
  }

  /**
   * Moves to the next record; false when there is none. It counts as handed out then: the consumer's
   * position is after it. Throws CORRUPT_MESSAGE for bytes that are not what the producer sent, and
   * UNSUPPORTED_COMPRESSION for a codec that this client does not have; the position stays before them.
   */
  next(): boolean {
    if (this.#isDone) return false;
    if (this.cursor.next() && this.cursor.offset < this.#holder.end) {
      this.#holder.position = this.cursor.offset + 1;
      return true;
    }
    this.#isDone = true;
    return false;
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
    this.#holder.position = Math.min(this.#nextOffset, this.#holder.end);
  }

  /** Whether all records were walked or passed over. */
  get isDone(): boolean {
    return this.#isDone;
  }
}
