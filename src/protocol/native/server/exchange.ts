// One request and the one answer it is owed. Leaves to others: what the answer is (the handlers beside this file) and
// how it reaches the client (net/).
import { type ErrorName, RustLogError } from "../../../errors.ts";
import type { DialectConnection } from "../../../net/dialect.ts";
import { FRAME_LENGTH_BYTES } from "../../../net/frame.ts";
import { describeBug, type InflightRequest } from "../../../net/inflight-request.ts";
import type { ByteSource } from "../../../net/outbox.ts";
import { decodeRequestHeader, encodeErrorResponse } from "../messages.ts";

/** What is counted of requests. */
export interface RequestMetrics {
  /** Counts a request that is answered now. */
  answered(exchange: Exchange): void;
}

/** A request that has been read from a connection, to be answered exactly once, now or later. */
export class Exchange {
  readonly connection: DialectConnection;
  readonly apiKey: number;
  /** Version of the request, which is also that of its answer. */
  readonly apiVersion: number;
  /** Names the request in its answer. */
  readonly correlationId: number;
  /** Set by the handler of a fetch that begins to wait for data. */
  hasWaited = false;
  readonly #request: InflightRequest;
  readonly #metrics: RequestMetrics;
  #error: ErrorName | undefined;

  /** `head` is the first piece of the payload. Throws INVALID_REQUEST if it has no whole header: there is nothing to answer to. */
  constructor(
    connection: DialectConnection,
    request: InflightRequest,
    head: Uint8Array,
    metrics: RequestMetrics,
  ) {
    const { apiKey, apiVersion, correlationId } = decodeRequestHeader(head);
    this.connection = connection;
    this.apiKey = apiKey;
    this.apiVersion = apiVersion;
    this.correlationId = correlationId;
    this.#request = request;
    this.#metrics = metrics;
  }

  /** When all of the request had come, on the clock of `performance.now()`. */
  get beganMs(): number {
    return this.#request.beganMs;
  }

  /** The error that it was answered with; undefined for success. */
  get error(): ErrorName | undefined {
    return this.#error;
  }

  /** Counts bytes that it needs beyond its own until it is answered. */
  charge(bytes: number): void {
    this.#request.charge(bytes);
  }

  /** Answers with a whole frame; one that is longer than a frame may be becomes an error. */
  answer(frame: Uint8Array): void {
    const payloadBytes = frame.length - FRAME_LENGTH_BYTES;
    const { frameBytesMax } = this.connection;
    if (payloadBytes <= frameBytesMax) {
      this.#settle(frame);
      return;
    }
    this.fail(
      new RustLogError(
        "FRAME_TOO_LARGE",
        `the answer has ${payloadBytes} bytes, and a frame at most ${frameBytesMax}`,
      ),
    );
  }

  /** Answers with the head of a frame, and with runs of the log that are read as the socket drains. */
  answerWithLog(head: Uint8Array, slices: readonly ByteSource[]): void {
    this.#settle(head, undefined, slices);
  }

  /** Needs no answer any more: the client has left. */
  answerNothing(): void {
    this.#request.answerNothing();
  }

  /** Answers with an error. One that is no RustLogError is a bug of ours: logged, and not shown. */
  fail(error: unknown): void {
    const known = error instanceof RustLogError ? error : this.#asBug(error);
    this.#settle(encodeErrorResponse(this.correlationId, known), known.code);
  }

  #asBug(error: unknown): RustLogError {
    const line = `bug: request ${this.correlationId} failed: ${describeBug(error)}`;
    this.connection.log("request bug", line);
    return new RustLogError(
      "UNKNOWN_SERVER_ERROR",
      "the broker failed to handle the request; its log says more",
    );
  }

  #settle(head: Uint8Array, error?: ErrorName, slices?: readonly ByteSource[]): void {
    if (this.#request.isSettled) {
      const line = `bug: request ${this.correlationId} was answered twice`;
      this.connection.log("answered twice", line);
      return;
    }
    this.#error = error;
    this.#metrics.answered(this);
    this.#request.answer(head, slices);
  }
}
