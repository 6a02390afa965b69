// The records of one fetch, as they are handed out: walked one by one, without an allocation.
// Leaves to others: the walk through the bytes (record/cursor), fetching them (fetcher).

import type { FetchResponse } from "../protocol/fetch.ts";
import { type CursorOptions, RecordCursor } from "../record/cursor.ts";

/** Where the walk is noted, so that a commit knows what was handed out. */
export interface PositionHolder {
  readonly topic: string;
  readonly partition: number;
  /** Offset after the last record handed out. */
  position: number;
  /** The first offset that is not read any more. */
  readonly end: number;
}

/** Records of one partition. The public fields are those of the present record, after `next()`. */
export class FetchedRecords {
  readonly topic: string;
  readonly partition: number;
  /** Offset after the last record of the partition that could be read when this was fetched. */
  readonly highWatermark: number;
  /** Offset of the first record that the partition held when this was fetched. */
  readonly logStartOffset: number;
  /** Bytes of the batches, as they came over the wire. */
  readonly bytes: number;
  /** Stands at the present record: key(), value() and headers() are views, valid as long as they are held. */
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

  /** Passes over the records that are left, as if they had been handed out. */
  skipRest(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#holder.position = Math.min(this.#nextOffset, this.#holder.end);
  }

  /** Offset of the present record. */
  get offset(): number {
    return this.cursor.offset;
  }

  /** Timestamp of the present record, in milliseconds since 1970. */
  get timestamp(): number {
    return this.cursor.timestamp;
  }

  /** Key of the present record, a view; null when it has none. */
  key(): Uint8Array | null {
    return this.cursor.key();
  }

  /** Value of the present record, a view; null for a tombstone. */
  value(): Uint8Array | null {
    return this.cursor.value();
  }

  /** Whether all records were walked or passed over. */
  get isDone(): boolean {
    return this.#isDone;
  }
}
