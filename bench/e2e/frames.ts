// The same requests in both protocols, as whole frames. Neither client library is part of the measurement.
// Leaves to others: sending them (load-process.ts).
import { encodeRequest } from "../../src/protocol/kafka/headers.js";
import { Fetch as KafkaFetch } from "../../src/protocol/kafka/fetch.js";
import { Produce as KafkaProduce } from "../../src/protocol/kafka/produce.js";
import { encodeProduceRequestHead } from "../../src/protocol/native/produce.js";
import { FIRST_CORRELATION_ID } from "../../src/client/broker-connection.js";
import { fetchFrame, makeBatch } from "./load.js";

export type Protocol = "native" | "kafka";

/** Requests of one kind on one connection: a produce that sends the same batch each time, or a fetch. */
export interface FramesLoad {
  readonly kind: "frames";
  readonly protocol: Protocol;
  readonly api: "produce" | "fetch";
  readonly port: number;
  readonly topic: string;
  readonly recordBytes: number;
  /** Of a fetch: the most bytes to return. */
  readonly batchBytes: number;
  readonly inFlight: number;
  readonly requests: number;
  /** Offsets of a fetch: 0 to `places` - 1. */
  readonly places: number;
}

/** Versions that clients without topic ids use. */
const PRODUCE_VERSION = 11;
const FETCH_VERSION = 12;

const CLIENT_ID = "bench";
const TIMEOUT_MS = 60_000;

/** The frame of each request, by its number, and the number of records in it. */
export function framesOf(load: FramesLoad): {
  readonly frame: (index: number) => Uint8Array;
  readonly records: number;
} {
  if (load.api === "fetch") return { frame: (index) => fetchOf(load, index), records: 1 };
  const { batch, records } = makeBatch(load.recordBytes, load.batchBytes);
  const frame = produceOf(load, batch);
  return { frame: () => frame, records };
}

function produceOf({ protocol, topic }: FramesLoad, batch: Uint8Array): Uint8Array {
  if (protocol === "native") {
    const head = encodeProduceRequestHead(FIRST_CORRELATION_ID, topic, 0, batch.length);
    return Buffer.concat([head, batch]);
  }
  const header = { apiVersion: PRODUCE_VERSION, correlationId: 1, clientId: CLIENT_ID };
  const partitionData = [{ index: 0, records: [batch] as const }];
  return encodeRequest(KafkaProduce, header, {
    ...{ transactionalId: null, acks: -1, timeoutMs: TIMEOUT_MS },
    topicData: [{ name: topic, topicId: "", partitionData }],
  });
}

function fetchOf(load: FramesLoad, index: number): Uint8Array {
  const { topic, batchBytes, places } = load;
  const offset = (index * 17) % places;
  if (load.protocol === "native") {
    return fetchFrame(FIRST_CORRELATION_ID + index, topic, 0, offset, batchBytes);
  }
  const header = { apiVersion: FETCH_VERSION, correlationId: 1, clientId: CLIENT_ID };
  const partitions = [{ partition: 0, fetchOffset: offset, partitionMaxBytes: batchBytes }];
  return encodeRequest(KafkaFetch, header, {
    ...{ maxWaitMs: 0, minBytes: 1, maxBytes: batchBytes, isolationLevel: 0, sessionId: 0 },
    ...{ topics: [{ topic, topicId: "", partitions }], forgottenTopicsData: [], rackId: "" },
  });
}
