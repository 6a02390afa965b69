// Sends one complete batch, and tells whether and when to retry it.
// Leaves to others: the order of batches (pipeline), connections and backoff (link, backoff).

import { RustLogError } from "../errors.js";
import { Produce, encodeProduceRequestHead } from "../protocol/native/produce.js";
import type { SealedBatch } from "./accumulator.js";
import { backoffMs } from "./backoff.js";
import type { BrokerLink } from "./link.js";

export class BatchSender {
  readonly #link: BrokerLink;
  readonly #deliveryTimeoutMs: number;

  /** A batch is given up `deliveryTimeoutMs` after its first record was added. */
  constructor(link: BrokerLink, deliveryTimeoutMs: number) {
    this.#link = link;
    this.#deliveryTimeoutMs = deliveryTimeoutMs;
  }

  /** Makes one attempt, which resolves with the base offset. Rejects with `lastError` when no time is left for it. */
  async send(batch: SealedBatch, lastError: RustLogError | undefined): Promise<number> {
    const { topic, partition, bytes } = batch;
    const { baseOffset, logAppendTime } = await this.#link.attempt(
      {
        api: "Produce",
        encode: (id, version) =>
          encodeProduceRequestHead(id, topic, partition, bytes.length, version),
        batch: bytes,
        decode: Produce.decodeResponse,
      },
      this.#leftMs(batch),
      lastError,
    );
    batch.logAppendTime = logAppendTime;
    return baseOffset;
  }

  /**
   * Milliseconds to wait before the next attempt, after `failures` failed attempts in a row. Undefined when the error
   * is final, the client is closed, or the delivery timeout comes first.
   */
  retryAfterMs(batch: SealedBatch, error: RustLogError, failures: number): number | undefined {
    if (!error.retriable || this.#link.isClosed) return undefined;
    const waitMs = backoffMs(failures, this.#link.options.retryBackoffMs);
    return waitMs < this.#leftMs(batch) ? waitMs : undefined;
  }

  /** Waits for `ms`, or until the client is closed. */
  pause(ms: number): Promise<void> {
    return this.#link.pause(ms);
  }

  /** The error for a batch that is given up: has the code of its cause and says what was lost. */
  givenUp(batch: SealedBatch, cause: RustLogError): RustLogError {
    const { topic, partition, records } = batch;
    const effort = cause.retriable ? ` within ${this.#deliveryTimeoutMs} ms` : "";
    const what = records === 1 ? "1 record" : `${records} records`;
    const were = records === 1 ? "was" : "were";
    return new RustLogError(
      cause.code,
      `${what} for topic '${topic}', partition ${partition}, ${were} not acknowledged${effort}: ${cause.message}`,
      { cause },
    );
  }

  #leftMs(batch: SealedBatch): number {
    return Math.max(0, this.#deliveryTimeoutMs - (performance.now() - batch.openedAt));
  }
}
