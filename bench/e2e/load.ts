// Questions to a load process, and the bytes that it sends. The probe knows their lengths.
// Leaves to others: sending them (load-process.ts).
import { OffsetCommit as KafkaOffsetCommit } from "../../src/protocol/kafka/committed-offsets.js";
import { decodeResponse, encodeRequest } from "../../src/protocol/kafka/headers.js";
import { Fetch } from "../../src/protocol/native/fetch.js";
import { OffsetCommit } from "../../src/protocol/native/offsets.js";
import { encodeProduceRequestHead } from "../../src/protocol/native/produce.js";
import { readU16, ZERO_UUID } from "../../src/record/bytes.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import type { FramesLoad } from "./frames.js";

const COMMIT_VERSION = 9;

/** Produce requests that all send the same encoded batch. */
export interface ProduceLoad {
  readonly kind: "produce";
  readonly port: number;
  readonly topic: string;
  /** Requests go to so many topics in turn: the name, a dash, and a number from 0. */
  readonly topics?: number;
  /** Requests go to these in turn. */
  readonly partitions: number;
  readonly connections: number;
  /** Requests in flight on each connection. */
  readonly inFlight: number;
  readonly recordBytes: number;
  readonly batchBytes: number;
  /** The load ends after this many bytes of batches or `secondsMax`, whichever comes first. */
  readonly bytesMax: number;
  readonly secondsMax: number;
  /** The pace; undefined for as fast as possible. */
  readonly bytesPerSecond?: number;
}

/** Fetch requests from offsets whose answers all have the same length. */
export interface FetchLoad {
  /** "bare": a socket whose bytes are counted; "client": our connection, which splits them into frames. */
  readonly kind: "bare" | "client";
  readonly port: number;
  readonly topic: string;
  /** Requests go to these in turn ("client" only). */
  readonly partitions: number;
  readonly requests: number;
  readonly inFlight: number;
  readonly maxBytes: number;
  /** Distance of the offsets: 0, step, 2 × step, …, then from 0 again; or in random order. */
  readonly step: number;
  readonly places: number;
  readonly random: boolean;
  /** Length of an answer with its head, in bytes; 0 if lengths differ ("client" only). */
  readonly responseBytes: number;
}

/** Commits of one partition each, in one group. */
export interface CommitLoad {
  readonly kind: "commit";
  readonly protocol: "native" | "kafka";
  readonly port: number;
  readonly topic: string;
  /** Commits go to these in turn. */
  readonly partitions: number;
  readonly requests: number;
  readonly inFlight: number;
}

/** A question to a load process. */
export type LoadQuestion =
  | ProduceLoad
  | FetchLoad
  | FramesLoad
  | CommitLoad
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

/** Result of a load. Latencies are in milliseconds, from request to answer. */
export interface LoadResult {
  readonly seconds: number;
  readonly requests: number;
  readonly records: number;
  readonly bytes: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/**
 * Makes a batch of records of `recordBytes`: as many as fit into `batchBytes`, at least one. Returns their number too.
 */
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

/** Bytes of the frame that a produce load sends, including its length field. */
export function produceFrameBytes(topic: string, batchBytes: number): number {
  return encodeProduceRequestHead(1, topic, 0, batchBytes).length + batchBytes;
}

/** Bytes of the frame that a fetch load sends. */
export function fetchFrameBytes(topic: string): number {
  return fetchFrame(1, topic, 0, 0, 1).length;
}

/** Encodes a fetch request that does not wait and has no group. */
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

/** Whether a commit was accepted. */
export function isCommitted({ protocol }: CommitLoad, payload: Uint8Array): boolean {
  if (protocol === "native") return readU16(payload, 4) === 0;
  const { topics } = decodeResponse(KafkaOffsetCommit, COMMIT_VERSION, payload).value;
  return topics[0]?.partitions[0]?.errorCode === 0;
}

/** Encodes a commit of offset 0, for a partition in turn. */
export function commitFrame({ protocol, topic, partitions }: CommitLoad, id: number): Uint8Array {
  const partition = id % partitions;
  const group = "bench";
  if (protocol === "native") {
    const offsets = [{ topic, partition, offset: 0 }];
    return OffsetCommit.encodeRequest(id, { group, offsets, memberId: "", memberEpoch: -1 });
  }
  const row = { partitionIndex: partition, committedOffset: 0, committedMetadata: "" };
  return encodeRequest(
    KafkaOffsetCommit,
    { apiVersion: COMMIT_VERSION, correlationId: id, clientId: "bench" },
    {
      ...{ groupId: group, memberId: "" },
      topics: [
        { name: topic, topicId: ZERO_UUID, partitions: [{ ...row, committedLeaderEpoch: 0 }] },
      ],
    },
  );
}
