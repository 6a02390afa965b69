// Delivers one complete batch: sends it, and tries again until it is acknowledged or its time is up.
// Leaves to others: which batch's turn it is (producer), connections and backoff (link).

import { RustLogError } from "../errors.ts";
import { decodeProduceResponse, encodeProduceRequestHead } from "../protocol/produce.ts";
import type { SealedBatch } from "./accumulator.ts";
import type { BrokerLink } from "./link.ts";

/**
 * Sends `batch` and resolves with its base offset. Retriable errors are tried again with backoff until
 * `deliveryTimeoutMs` after its first record came; then, or at an error that no retry can help, throws a
 * RustLogError with the code of that error, which says what was lost.
 */
export async function deliver(
  link: BrokerLink,
  batch: SealedBatch,
  deliveryTimeoutMs: number,
): Promise<number> {
  const { topic, partition, bytes, records } = batch;
  const passedMs = performance.now() - batch.openedAt;
  try {
    const { baseOffset } = await link.request(
      {
        encode: (correlationId) =>
          encodeProduceRequestHead(correlationId, topic, partition, bytes.length),
        tail: bytes,
        decode: decodeProduceResponse,
      },
      { retryMs: Math.max(0, deliveryTimeoutMs - passedMs) },
    );
    return baseOffset;
  } catch (cause) {
    if (!(cause instanceof RustLogError)) throw cause;
    const effort = cause.retriable ? ` within ${deliveryTimeoutMs} ms` : "";
    const what = records === 1 ? "1 record" : `${records} records`;
    const were = records === 1 ? "was" : "were";
    throw new RustLogError(
      cause.code,
      `${what} for topic '${topic}', partition ${partition}, ${were} not acknowledged${effort}: ${cause.message}`,
      { cause },
    );
  }
}
