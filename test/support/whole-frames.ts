// Produce requests and Fetch responses as one frame each, for tests that send or compare them whole.
// Leaves to others: the fields (protocol/native/produce.ts, fetch.ts). Client and broker send a head, and then the
// batches without a copy. These helpers use the same heads.
import { encodeFetchResponseHead, type FetchResponse } from "../../src/protocol/native/fetch.js";
import { encodeProduceRequestHead, type Produce } from "../../src/protocol/native/produce.js";
import type { RequestOf } from "../../src/protocol/native/schema.js";

/** A whole Produce request. */
export function encodeProduceRequest(
  correlationId: number,
  request: RequestOf<typeof Produce>,
  version = 1,
): Uint8Array {
  const { topic, partition, batch } = request;
  const head = encodeProduceRequestHead(correlationId, topic, partition, batch.length, version);
  return Buffer.concat([head, batch]);
}

/** A whole Fetch response. */
export function encodeFetchResponse(
  correlationId: number,
  response: FetchResponse,
  version = 1,
): Uint8Array {
  const { batches } = response;
  const head = encodeFetchResponseHead(correlationId, response, batches.length, version);
  return Buffer.concat([head, batches]);
}
