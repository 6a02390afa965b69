// What a load process can be asked, and the bytes that it sends: their lengths are known to the probe.
// Leaves to others: sending them (load-process.ts).
import { Fetch } from "../../src/protocol/native/fetch.ts";
import { encodeProduceRequestHead } from "../../src/protocol/native/produce.ts";
import { BatchEncoder } from "../../src/record/encoder.ts";

/** Produce requests with one batch that was encoded before. */
export interface ProduceLoad {
  readonly kind: "produce";
  readonly port: number;
  readonly topic: string;
  /** Requests go to these in turn. */
  readonly partitions: number;
  readonly connections: number;
  /** Requests without an answer, for each connection. */
  readonly inFlight: number;
  readonly recordBytes: number;
  readonly batchBytes: number;
  /** It ends after so many bytes of batches, or seconds, whichever comes first. */
  readonly bytesMax: number;
  readonly secondsMax: number;
}

/** Fetch requests, over offsets that are known to begin answers of the same length. */
export interface FetchLoad {
  /** "bare": a socket whose bytes are counted; "client": our connection, which cuts them into frames. */
  readonly kind: "bare" | "client";
  readonly port: number;
  readonly topic: string;
  /** Requests go to these in turn ("client" only). */
  readonly partitions: number;
  readonly requests: number;
  readonly inFlight: number;
  readonly maxBytes: number;
  /** The offsets: 0, step, 2 × step, …, so many, and again from 0; or any of them, in no order. */
  readonly step: number;
  readonly places: number;
  readonly random: boolean;
  /** Length of an answer, in bytes, its head included; 0 when they differ ("client" only). */
  readonly responseBytes: number;
}

/** What a load process can be asked. */
export type LoadQuestion =
  | ProduceLoad
  | FetchLoad
  | {
      readonly kind: "write";
      readonly port: number;
      readonly topic: string;
      readonly records: number;
    }
  | {
      readonly kind: "visit";
      readonly port: number;
      readonly topic: string;
      readonly records: number;
    }
  | { readonly kind: "connect"; readonly port: number; readonly connections: number }
  | { readonly kind: "disconnect" }
  | {
      readonly kind: "slow readers";
      readonly port: number;
      readonly topic: string;
      readonly readers: number;
      readonly pauseMs: number;
      readonly seconds: number;
    };

/** What a load did. Latencies are in milliseconds, from request to answer. */
export interface LoadResult {
  readonly seconds: number;
  readonly requests: number;
  readonly records: number;
  readonly bytes: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** A batch of records of `recordBytes`, as many as fit into `batchBytes` and one at least; and how many. */
export function makeBatch(
  recordBytes: number,
  batchBytes: number,
): { readonly batch: Uint8Array; readonly records: number } {
  const encoder = new BatchEncoder();
  const value = new Uint8Array(recordBytes);
  for (let i = 0; i < recordBytes; i++) value[i] = 32 + ((i * 7) % 90);
  do encoder.append(1_700_000_000_000, null, value);
  while (encoder.bytes + recordBytes + 16 <= batchBytes);
  const records = encoder.count;
  return { batch: encoder.finish(), records };
}

/** Bytes of the frame that a produce load sends, its length included. */
export function produceFrameBytes(topic: string, batchBytes: number): number {
  return encodeProduceRequestHead(1, topic, 0, batchBytes).length + batchBytes;
}

/** Bytes of the frame that a fetch load sends. */
export function fetchFrameBytes(topic: string): number {
  return fetchFrame(1, topic, 0, 0, 1).length;
}

/** A whole fetch request for what is there, without a group. */
export function fetchFrame(
  id: number,
  topic: string,
  partition: number,
  offset: number,
  maxBytes: number,
): Uint8Array {
  const range = { topic, partition, offset, maxBytes };
  return Fetch.encodeRequest(id, { group: "", ...range, minBytes: 1, maxWaitMs: 0 });
}
