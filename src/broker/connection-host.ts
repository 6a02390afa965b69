// What a connection needs of its surroundings: a socket, limits, and someone who handles its requests.
// Leaves to others: being them (server.ts, and doubles in tests).
import type { RequestHeader } from "../protocol/native/messages.ts";
import type { Tail } from "../record/bytes.ts";
import type { InflightBudget } from "./inflight-budget.ts";
import type { Exchange } from "./exchange.ts";
import type { BrokerMetrics } from "./metrics.ts";
import type { ByteSink } from "./outbox.ts";
import type { Turns } from "./turns.ts";

/** The part of `Bun.Socket` that a connection uses. */
export interface ConnectionSocket extends ByteSink {
  pause(): void;
  resume(): void;
  /** Sends FIN; input can still be read. */
  shutdown(): void;
  /** Closes in an orderly way, at once. */
  end(): void;
  /** Closes with a reset. */
  terminate(): void;
}

export interface ConnectionLimits {
  /** Longest payload of a frame. */
  readonly frameBytesMax: number;
  /** Unanswered request bytes plus unsent response bytes, past which the socket is not read. */
  readonly connectionBytesMax: number;
  /** Unanswered requests plus unsent answers, past which the socket is not read. */
  readonly connectionRequestsMax: number;
}

/** What a connection asks of the server. */
export interface ConnectionHost {
  readonly limits: ConnectionLimits;
  /** What bounds all connections together. */
  readonly budget: InflightBudget;
  /** Whose requests go on next. */
  readonly turns: Turns;
  /** Where what happens is counted. */
  readonly metrics: BrokerMetrics;
  /** Handles a request (`payload` is a view that will not change); answers through the exchange. */
  dispatch(exchange: Exchange, header: RequestHeader, payload: Uint8Array, tail: Tail): void;
  /** Writes a line to the broker's log, unless there were many of its kind lately. */
  log(kind: string, line: string): void;
}
