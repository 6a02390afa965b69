// One request and its one answer. Leaves to others: computing the answer (the handlers in this folder), and sending it
// (net/).
import { type ErrorName, ERRORS, RustLogError } from "../../../errors.js";
import type { DialectConnection } from "../../../net/dialect.js";
import { FRAME_LENGTH_BYTES } from "../../../net/frame.js";
import { describeBug, type InflightRequest } from "../../../net/inflight-request.js";
import type { ByteSource } from "../../../net/outbox.js";
import type { RequestMetrics } from "../../../net/request-metrics.js";
import type { Pieces } from "../../../record/bytes.js";
import type { Throttle } from "../../../services/throttle.js";
import { decodeRequestHeader, encodeErrorResponse } from "../messages.js";

/** Names of errors by number, for the metrics. */
export const ERROR_NAMES = ["none", ...(Object.keys(ERRORS) as ErrorName[])] as const;

const ERROR_NUMBERS: ReadonlyMap<string, number> = new Map(
  ERROR_NAMES.map((name, number) => [name, number]),
);

/** The session of a request. */
export interface ExchangeOwner {
  readonly connection: DialectConnection;
  readonly metrics: RequestMetrics;
  /** The quotas of the client; undefined if there are none at all. */
  readonly throttle: Throttle | undefined;
}

/** Must be answered exactly once, now or later. */
export class Exchange {
  readonly connection: DialectConnection;
  readonly apiKey: number;
  readonly apiVersion: number;
  /** Names the request in its answer. */
  readonly correlationId: number;
  /** Set when a fetch starts to wait for data. */
  hasWaited = false;
  readonly #request: InflightRequest;
  readonly #owner: ExchangeOwner;

  /** `head` is the first piece of the payload. Throws INVALID_REQUEST if it is shorter than a header. */
  constructor(owner: ExchangeOwner, request: InflightRequest, head: Uint8Array) {
    const { apiKey, apiVersion, correlationId } = decodeRequestHeader(head);
    this.connection = owner.connection;
    this.apiKey = apiKey;
    this.apiVersion = apiVersion;
    this.correlationId = correlationId;
    this.#request = request;
    this.#owner = owner;
  }

  /** When the request was complete, on the clock of `performance.now()`. */
  get beganMs(): number {
    return this.#request.beganMs;
  }

  get throttle(): Throttle | undefined {
    return this.#owner.throttle;
  }

  /** Counts the request as a Produce, once it is answered. */
  produced(): void {
    this.throttle?.produced(this.#request.bytes, this.beganMs);
  }

  /** Counts partitions that are about to be created or deleted. Throws THROTTLING_QUOTA_EXCEEDED. */
  mutate(partitions: number): void {
    this.throttle?.mutate(partitions, true);
  }

  /** Counts partitions of a topic that is created because it is used. The client only has to wait, as with Kafka. */
  mutateByUse(partitions: number): void {
    this.throttle?.mutate(partitions, false);
  }

  /** Adds memory that the request needs beyond its own bytes until it is answered. */
  charge(bytes: number): void {
    this.#request.charge(bytes);
  }

  /** Frees the memory of the request's payload, of which nothing may be read again. */
  freePayload(payload: Pieces): void {
    this.#request.freePayload(payload);
  }

  /** Answers with a complete frame, or with an error if the frame is too long. */
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

  /** Answers with the head of a frame, followed by slices of the log, which are read as the socket drains. */
  answerWithLog(head: Uint8Array, slices: readonly ByteSource[]): void {
    this.#settle(head, undefined, slices);
  }

  /** Ends without an answer, because the connection is closed. */
  answerNothing(): void {
    this.#request.answerNothing();
  }

  /** Answers with an error. Anything but a RustLogError is a bug: it is logged, and its text is not sent. */
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
    const number = error === undefined ? 0 : ERROR_NUMBERS.get(error)!;
    this.throttle?.answered();
    this.#owner.metrics.answered(this.apiKey, number, this.beganMs, this.hasWaited);
    this.#request.answer(head, slices);
  }
}
