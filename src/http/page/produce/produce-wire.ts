// The JSON of a record to write and of its way in, as types used by the page and the broker.
// Leaves to others: filling them (http/api/produce.ts).
import type { Codec } from "../../../record/batch.js";

/** Bytes in an order: text, or binary data that is written as text. */
export type OrderedBytes = string | { readonly hex: string } | { readonly base64: string };

export interface ProduceOrder {
  readonly topic: string;
  /** Null for the partition of the key, or any if there is no key. */
  readonly partition: number | null;
  readonly key: OrderedBytes | null;
  /** Null for a tombstone. */
  readonly value: OrderedBytes | null;
  readonly headers?: readonly { readonly name: string; readonly value: OrderedBytes | null }[];
  /** The codec of its batch; `none` by default. */
  readonly codec?: Codec;
  /** In milliseconds since 1970; the broker's time by default. */
  readonly timestamp?: number;
  /** Whether a missing topic is created. */
  readonly create?: boolean;
}

/** How a record was written, step by step. */
export interface ProduceReport {
  readonly topic: string;
  readonly partition: number;
  /** Why this partition: the order named it, it is that of the key, or there was no key and any would do. */
  readonly chosenBy: "order" | "key" | "chance";
  readonly partitions: number;
  readonly offset: number;
  readonly codec: Codec;
  /** The batch as passed to the log, in hexadecimal. */
  readonly hex: string;
  readonly bytes: number;
  readonly crc: string;
  /** The segment it was written to; the position in it follows. */
  readonly segment: number;
  readonly position: number;
  /** Whether a new segment was started for it. */
  readonly hasRolled: boolean;
  /** Number of the index entry for the batch, or null. Followed by the bytes of log since the previous entry. */
  readonly indexEntry: number | null;
  readonly bytesSinceEntry: number;
  readonly intervalBytes: number;
  readonly flush: string;
  /** From the append to its acknowledgement, in milliseconds. */
  readonly acknowledgedMs: number;
  readonly highWatermarkBefore: number;
  readonly highWatermark: number;
}
