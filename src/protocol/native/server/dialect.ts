// The native protocol as a dialect of the listener. Leaves to others: dispatching requests (router.ts), and the formats
// (the codecs in the parent folder).
import type { RustLogError } from "../../../errors.js";
import type { Dialect, DialectConnection, Session } from "../../../net/dialect.js";
import type { NextFrame } from "../../../net/frame.js";
import type { InflightRequest } from "../../../net/inflight-request.js";
import type { RequestMetrics, RequestMetricsRegistry } from "../../../net/request-metrics.js";
import type { Pieces } from "../../../record/bytes.js";
import { API, encodeErrorResponse, REQUEST_HEADER_BYTES } from "../messages.js";
import type { Throttle } from "../../../services/throttle.js";
import { ERROR_NAMES, Exchange, type ExchangeOwner } from "./exchange.js";
import { isSmallRequest, requestBytesMax, tooLongError } from "./request-size.js";

/** Range of API keys, including future ones. The key is the first byte of a payload. */
const FIRST_BYTE_MIN = 1;
const FIRST_BYTE_MAX = 127;

/** Handles the requests of one connection. */
export interface Conversation {
  /** Handles a request, now or later. Never throws. */
  dispatch(exchange: Exchange, payload: Pieces): void;
  /** Whether the client has said who it is, if it must. */
  readonly isKnown: boolean;
  /** The user who has logged in, if anyone has to. */
  readonly user: string | undefined;
  /** The quotas of the client; undefined if there are none at all. */
  readonly throttle: Throttle | undefined;
  /** Why the connection has to end; undefined if it may stay. */
  endReason(): RustLogError | undefined;
}

export interface Dispatcher {
  open(connection: DialectConnection): Conversation;
  /** Resolves when no handler is running. */
  idle(): Promise<void>;
}

export class NativeDialect implements Dialect {
  readonly name = "native";
  readonly headerBytes = REQUEST_HEADER_BYTES;
  readonly inOrder = false;
  readonly tooLongError = tooLongError;
  readonly dispatcher: Dispatcher;
  readonly metrics: RequestMetrics;

  constructor(dispatcher: Dispatcher, metrics: RequestMetricsRegistry) {
    this.dispatcher = dispatcher;
    this.metrics = metrics.register({
      protocol: this.name,
      apis: Object.entries(API).map(([name, key]) => [key, name]),
      produceKey: API.Produce,
      fetchKey: API.Fetch,
      errors: ERROR_NAMES,
    });
  }

  speaks(firstByte: number): boolean {
    return firstByte >= FIRST_BYTE_MIN && firstByte <= FIRST_BYTE_MAX;
  }

  requestBytesMax(frame: NextFrame): number {
    return requestBytesMax(frame.nextByte(0));
  }

  isSmall(frame: NextFrame): boolean {
    return isSmallRequest(frame.nextByte(0), frame.nextBytes);
  }

  /** An error that belongs to no request has correlation id 0. */
  encodeConnectionError(error: RustLogError): Uint8Array {
    return encodeErrorResponse(0, error);
  }

  open(connection: DialectConnection): Session {
    return new NativeSession(this, connection);
  }

  idle(): Promise<void> {
    return this.dispatcher.idle();
  }
}

class NativeSession implements Session, ExchangeOwner {
  readonly dialect: NativeDialect;
  readonly connection: DialectConnection;
  readonly #conversation: Conversation;

  constructor(dialect: NativeDialect, connection: DialectConnection) {
    this.dialect = dialect;
    this.connection = connection;
    this.#conversation = dialect.dispatcher.open(connection);
  }

  get isKnown(): boolean {
    return this.#conversation.isKnown;
  }

  get metrics(): RequestMetrics {
    return this.dialect.metrics;
  }

  get throttle(): Throttle | undefined {
    return this.#conversation.throttle;
  }

  get user(): string | undefined {
    return this.#conversation.user;
  }

  /** Requests run side by side. */
  mayTake(): boolean {
    return true;
  }

  take(request: InflightRequest, payload: Pieces): void {
    this.#conversation.dispatch(this.#exchange(request, payload[0]), payload);
  }

  spent(ms: number, nowMs: number): void {
    this.throttle?.spent(ms, nowMs);
  }

  endReason(): RustLogError | undefined {
    return this.#conversation.endReason();
  }

  refuse(request: InflightRequest, head: Uint8Array, error: RustLogError): void {
    this.#exchange(request, head).fail(error);
  }

  #exchange(request: InflightRequest, head: Uint8Array): Exchange {
    return new Exchange(this, request, head);
  }
}
