// One request of a Kafka connection and its one response, or none.
// Leaves to others: its place among the connection's requests (session.ts), and the response (the handlers).
import type { RustLogError } from "../../../errors.js";
import type { DialectConnection } from "../../../net/dialect.js";
import type { Pieces } from "../../../record/bytes.js";
import type { InflightRequest } from "../../../net/inflight-request.js";
import type { RequestMetrics } from "../../../net/request-metrics.js";
import type { ByteSource } from "../../../net/outbox.js";
import { readHeader, type RequestHeader } from "../headers.js";

/** The session of a call. */
export interface CallOwner {
  readonly metrics: RequestMetrics | undefined;
  readonly connection: DialectConnection;
  /** Called once for each call, after it was answered or needs no answer. */
  settled(): void;
  /** Ends the connection. Requests that have not begun are dropped. */
  fail(reason: RustLogError): void;
}

export class Call {
  readonly #owner: CallOwner;
  readonly payload: Pieces;
  readonly header: RequestHeader;
  readonly #request: InflightRequest;
  /** For the metrics: the first error in the response, 0 for none. */
  errorCode = 0;
  /** Set when a fetch starts to wait for data. */
  hasWaited = false;

  constructor(owner: CallOwner, request: InflightRequest, payload: Pieces) {
    this.#owner = owner;
    this.payload = payload;
    this.header = readHeader(payload[0]);
    this.#request = request;
  }

  get connection(): DialectConnection {
    return this.#owner.connection;
  }

  get version(): number {
    return this.header.apiVersion;
  }

  /** When the request was complete, on the clock of `performance.now()`. */
  get beganMs(): number {
    return this.#request.beganMs;
  }

  /** Adds memory that the request needs beyond its own bytes until it is answered. */
  charge(bytes: number): void {
    this.#request.charge(bytes);
  }

  /** Answers with a complete frame, or its head, followed by slices of the log, which are read as the socket drains. */
  answer(head: Uint8Array, slices?: readonly ByteSource[]): void {
    this.#count();
    this.#request.answer(head, slices);
    this.#owner.settled();
  }

  /** Settles a request that needs no answer. */
  answerNothing(): void {
    this.#count();
    this.drop();
  }

  /** Settles a request that is not carried out, because its connection ends. */
  drop(): void {
    this.#request.answerNothing();
    this.#owner.settled();
  }

  /** Ends the connection: this protocol has no error for a request that can't be understood. */
  close(reason: RustLogError): void {
    this.#owner.fail(reason);
    this.drop();
  }

  #count(): void {
    const { apiKey } = this.header;
    this.#owner.metrics?.answered(apiKey, this.errorCode & 0xff, this.beganMs, this.hasWaited);
  }
}
