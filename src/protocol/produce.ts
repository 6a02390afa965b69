// Produce: one record batch for one partition.
// Leaves to others: what a batch is (record/batch.ts).
//
//   request  = topic string | partition u32 | batch bytes
//   response = baseOffset i64
import { API, decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "./messages.ts";

/** A batch for a partition. */
export interface ProduceRequest {
  readonly topic: string;
  readonly partition: number;
  /** One whole record batch; decoded, a view of the payload. */
  readonly batch: Uint8Array;
}

/** Where the batch went. */
export interface ProduceResponse {
  /** Offset of its first record. */
  readonly baseOffset: number;
}

/** A whole request frame, with a copy of the batch. */
export function encodeProduceRequest(correlationId: number, request: ProduceRequest): Uint8Array {
  const { topic, partition, batch } = request;
  return encodeRequest(API.Produce, correlationId, (body) =>
    body.string(topic).u32(partition).bytes(batch),
  );
}

/** A request frame up to its batch of `batchBytes`, which the caller sends after it without a copy. */
export function encodeProduceRequestHead(
  correlationId: number,
  topic: string,
  partition: number,
  batchBytes: number,
): Uint8Array {
  return encodeRequest(
    API.Produce,
    correlationId,
    (body) => body.string(topic).u32(partition).u32(batchBytes),
    batchBytes,
  );
}

/** Reads a request. */
export function decodeProduceRequest(payload: Uint8Array): ProduceRequest {
  return decodeRequest(payload, (body) => ({
    topic: body.string("topic"),
    partition: body.u32("partition"),
    batch: body.bytes("batch"),
  }));
}

/** A whole response frame. */
export function encodeProduceResponse(
  correlationId: number,
  response: ProduceResponse,
): Uint8Array {
  return encodeResponse(correlationId, (body) => body.i64(response.baseOffset));
}

/** Reads a response. */
export function decodeProduceResponse(payload: Uint8Array): ProduceResponse {
  return decodeResponse(payload, (body) => ({ baseOffset: body.i64("baseOffset") }));
}
