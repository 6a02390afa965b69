// One socket's state: frames in, requests handed to the dialect in the order received, answers out, and the limits that
// bound its memory. Leaves to others: what a request means (dialect.ts, and the dialects), unsent bytes (outbox.ts), and
// the listening, counting and timing out of connections (listener.ts).
//
// Seen of Bun 1.4.5, and relied on here: each `data` chunk (at most 512 KiB) is a buffer of its own that never
// changes, so views of it may be kept; `end()` closes at once, and the kernel then answers unread or later
// input with a reset, which can destroy an answer on its way, so the last answer is followed by `shutdown()`
// and input is discarded until the client leaves; `close` is called exactly once, from within `end()` and
// `terminate()` too; a paused socket reports a reset but not an orderly close, until it is resumed.
import { type ErrorName, RustLogError } from "../errors.ts";
import {
  type Dialect,
  type DialectConnection,
  identify,
  type Session,
  type Stranger,
} from "./dialect.ts";
import type {
  ConnectionLimits,
  InflightAccount,
  InflightBudget,
  InflightHolder,
} from "./inflight.ts";
import { type Payload, payloadBytes } from "./frame.ts";
import { describeBug, InflightRequest, type RequestOwner } from "./inflight-request.ts";
import { Input, type InputOwner } from "./input.ts";
import {
  type ByteSink,
  type ByteSource,
  FLUSH_BYTES_MAX,
  type FlushOutcome,
  Outbox,
} from "./outbox.ts";
import { ResponseOrder } from "./response-order.ts";
import type { Turns } from "./turns.ts";

/** How long a connection that was answered its last may take to leave, in milliseconds. */
const LEAVE_MS_MAX = 1_000;

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

/** What is counted of all connections. */
export interface NetMetrics {
  connectionsAccepted: number;
  connectionsRefused: number;
  receivedBytes: number;
  sentBytes: number;
  /** Counts an error that ends a connection and answers none of its requests. */
  connectionFailed(error: ErrorName): void;
}

/** What all connections of a listener share. */
export interface ConnectionHost {
  readonly limits: ConnectionLimits;
  readonly dialects: readonly Dialect[];
  /** Text for an HTTP client that has come to this port. */
  readonly httpHint: string;
  /** What bounds all connections together. */
  readonly budget: InflightBudget;
  /** Whose requests go on next. */
  readonly turns: Turns;
  readonly metrics: NetMetrics;
  /** Writes a line to the broker's log, unless there were many of its kind lately. */
  log(kind: string, line: string): void;
}

export class Connection implements DialectConnection, InflightHolder, InputOwner, RequestOwner {
  readonly #socket: ConnectionSocket;
  readonly #host: ConnectionHost;
  readonly #input: Input;
  readonly #outbox: Outbox;
  /** What is in flight. */
  readonly inflight: InflightAccount;
  readonly #flushNow = (): void => this.#flush();
  /** Undefined until the first bytes have come: nothing is written before. */
  #session: Session | undefined;
  /** For dialects that answer in order. */
  #order: ResponseOrder | undefined;
  /** Why the connection is refused, which is told once the dialect is known. */
  #refusal: RustLogError | undefined;
  /** Input is no longer understood. */
  #broken = false;
  /** The client sent FIN: input is at its end. */
  #ended = false;
  #stopping = false;
  #closed = false;
  /** The socket took less than all; `drain` will come. */
  #blocked = false;
  #flushQueued = false;
  #activeAtMs = performance.now();
  /** When the FIN that follows the last answer was sent. */
  #shutdownAtMs: number | undefined;

  constructor(socket: ConnectionSocket, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    this.#outbox = new Outbox(socket);
    this.inflight = host.budget.open(this, this.#outbox, host.limits);
    const { turns, limits } = host;
    const { frameBytesMax } = limits;
    this.#input = new Input(this, { socket, frameBytesMax, inflight: this.inflight, turns });
  }

  get turns(): Turns {
    return this.#host.turns;
  }

  get frameBytesMax(): number {
    return this.#host.limits.frameBytesMax;
  }

  get mayWait(): boolean {
    return !this.#leaving && !this.#closed && this.inflight.mayWait;
  }

  /** Whether the socket is not read at present, because too much is in flight. */
  get held(): boolean {
    return this.#input.held;
  }

  get isGone(): boolean {
    return this.#closed;
  }

  /** Whether requests are still taken: input is understood, and there is somebody to answer. */
  get takesFrames(): boolean {
    return !this.#closed && !this.#broken;
  }

  /** Takes a chunk from the socket. */
  received(chunk: Uint8Array): void {
    if (this.#closed || this.#broken || this.#shutdownAtMs !== undefined) return;
    this.#host.metrics.receivedBytes += chunk.length;
    this.#keep(this.#input.received(chunk));
  }

  /** The client will send no more: what waits is answered at once, and the connection ends after that. */
  inputEnded(): void {
    this.#ended = true;
    if (this.#shutdownAtMs !== undefined) this.#socket.end();
    this.inflight.finishWaits();
    this.#queueFlush();
  }

  /** The broker stops: new requests are refused, those in flight answered; then the connection ends. */
  stop(): void {
    this.#stopping = true;
    this.inflight.finishWaits();
    this.#queueFlush();
  }

  /** Serves no request: ends the connection once it can be told why, or shortly after. */
  refuseConnection(error: RustLogError): void {
    this.#refusal = error;
    // Counted now: a client that sends nothing is not told, and leaves or is closed.
    this.#host.metrics.connectionFailed(error.code);
  }

  hold(): void {
    if (this.held || !this.takesFrames || this.#shutdownAtMs !== undefined) return;
    this.#input.hold();
    this.inflight.finishWaits();
  }

  readOn(): void {
    this.#input.readOn();
    this.#queueFlush();
  }

  giveUp(): void {
    // Who takes no answers can't be told either.
    if (this.#outbox.memoryBytes > 0) {
      this.#host.metrics.connectionFailed("BROKER_OVERLOADED");
      this.terminate();
    } else this.broke(overloadedError());
  }

  /** Closes without sending what is left. */
  terminate(): void {
    if (!this.#closed) this.#socket.terminate();
    this.closed();
  }

  /** The socket is closed: nothing is sent any more, and nothing waits. */
  closed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outbox.clear();
    this.#input.clear();
    this.inflight.close();
    this.#order?.clear();
  }

  /** The socket has space again. */
  drained(): void {
    this.#blocked = false;
    if (this.#outbox.bytes <= FLUSH_BYTES_MAX) this.#flush();
    else this.#flushWhenTime();
  }

  /**
   * Closes the connection if it has been idle for `idleTimeoutMs`, or has not left after its last answer.
   * Idle: it awaits nothing from us, no whole frame came, and it took nothing of what we have for it; so a
   * client that dribbles into a frame or never reads its answers is idle too.
   */
  sweep(nowMs: number, idleTimeoutMs: number): void {
    if (this.#closed) return;
    const silenceMsMax = this.#refusal === undefined ? idleTimeoutMs : LEAVE_MS_MAX;
    if (this.#shutdownAtMs !== undefined) {
      if (nowMs - this.#shutdownAtMs >= LEAVE_MS_MAX) this.terminate();
    } else if (this.inflight.unanswered === 0 && nowMs - this.#activeAtMs >= silenceMsMax) {
      if (this.#outbox.bytes > 0) this.terminate();
      else this.#socket.end();
    }
  }

  settled(request: InflightRequest, head: Uint8Array, slices: readonly ByteSource[]): void {
    if (this.#order === undefined || this.#closed) this.#answer(request, head, slices);
    else this.#order.settled(request, head, slices);
  }

  log(kind: string, line: string): void {
    this.#host.log(kind, line);
  }

  choose(opening: Uint8Array): Session | undefined {
    const found = identify(opening, this.#host.dialects);
    if (found === undefined) return undefined;
    if ("isHttp" in found) {
      this.#sendAway(found);
      return undefined;
    }
    this.#session = found.open(this);
    if (found.inOrder) {
      this.#order = new ResponseOrder(this.inflight, (request, head, slices) =>
        this.#answer(request, head, slices),
      );
    }
    if (this.#refusal !== undefined) this.broke(this.#refusal);
    return this.#session;
  }

  refuseTooLong(session: Session, header: Uint8Array, bytes: number, nowMs: number): void {
    const request = this.#begin(header.length, nowMs);
    session.refuse(request, header, session.dialect.tooLongError(bytes));
  }

  tookFrames(nowMs: number): void {
    this.#activeAtMs = nowMs;
  }

  take(session: Session, payload: Payload, nowMs: number): void {
    const request = this.#begin(payloadBytes(payload), nowMs);
    try {
      if (this.#stopping) session.refuse(request, payload[0], stoppingError());
      else session.take(request, payload);
    } catch (error) {
      request.answerNothing();
      throw error;
    }
  }

  #begin(bytes: number, nowMs: number): InflightRequest {
    const request = new InflightRequest(this, bytes, nowMs);
    this.inflight.began(bytes);
    this.#order?.began(request);
    return request;
  }

  #answer(request: InflightRequest, head: Uint8Array, slices: readonly ByteSource[]): void {
    this.inflight.ended(request.bytes, request.chargedBytes);
    if (this.#closed) return;
    this.#outbox.push(head);
    for (const slice of slices) this.#outbox.push(slice);
    this.#queueFlush();
  }

  /** Ends the connection of a client that speaks no dialect. */
  #sendAway({ reason, isHttp }: Stranger): void {
    this.#host.log("stranger", `a connection was closed: ${reason}`);
    this.broke(new RustLogError("INVALID_REQUEST", reason));
    if (isHttp) this.#outbox.push(httpAnswer(this.#host.httpHint));
  }

  /** Whether the connection ends once what is in flight is answered. */
  get #leaving(): boolean {
    return this.#ended || this.#broken || this.#stopping;
  }

  /** Tells what is in memory and no request that is being worked on; `moved`: the client sent or took some. */
  #keep(moved: boolean): void {
    const clientIsToMove = this.#blocked || !this.held;
    this.inflight.keep(this.#input.keptBytes + this.#outbox.memoryBytes, clientIsToMove, moved);
  }

  /** Input makes no sense any more: the client is told, as far as its dialect can say so, and what follows is discarded. */
  broke(error: unknown): void {
    if (this.#broken || this.#closed) return;
    this.#broken = true;
    if (!(error instanceof RustLogError)) {
      this.#host.log("connection bug", `bug: a connection was closed: ${describeBug(error)}`);
      this.terminate();
      return;
    }
    if (error !== this.#refusal) this.#host.metrics.connectionFailed(error.code);
    this.#input.clear();
    const farewell = this.#session?.dialect.encodeConnectionError(error);
    if (farewell !== undefined) this.#tellLast(farewell);
    this.inflight.finishWaits();
    this.#queueFlush();
  }

  #tellLast(farewell: Uint8Array): void {
    if (this.#order === undefined) {
      this.#outbox.push(farewell);
      return;
    }
    const nothing = this.#begin(0, performance.now()); // it has its turn behind the requests that came before
    nothing.answer(farewell);
  }

  /** The socket takes more: others have their turn between. */
  #flushWhenTime(): void {
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    this.#host.turns.whenTime(this.#flushNow);
  }

  /** Once per turn of the loop, so that all answers of a turn leave in one system call. */
  #queueFlush(): void {
    if (this.#blocked) this.#keep(false);
    if (this.#flushQueued || this.#blocked || this.#closed) return;
    this.#flushQueued = true;
    queueMicrotask(this.#flushNow);
  }

  #flush(): void {
    this.#flushQueued = false;
    if (this.#closed) return;
    const beganMs = performance.now();
    const bytesBefore = this.#outbox.bytes;
    let outcome: FlushOutcome;
    try {
      outcome = this.#outbox.flush(FLUSH_BYTES_MAX);
    } catch (error) {
      // Part of the answer may be sent already: no error can follow it on this connection.
      const line = `connection closed: reading the log for an answer failed: ${String(error)}`;
      this.#host.log("answer failed", line);
      this.terminate();
      return;
    }
    if (outcome === "closed") {
      this.terminate();
      return;
    }
    this.#blocked = outcome === "blocked";
    const sentBytes = bytesBefore - this.#outbox.bytes;
    this.#host.metrics.sentBytes += sentBytes;
    const moved = sentBytes > 0;
    const nowMs = performance.now();
    if (moved) this.#activeAtMs = nowMs;
    this.#host.turns.spend(nowMs - beganMs);
    this.#input.readOn();
    if (!this.#closed) this.#keep(moved);
    this.#endIfDone();
    if (outcome === "more") this.#flushWhenTime();
  }

  #endIfDone(): void {
    if (!this.#leaving || this.#closed || this.#shutdownAtMs !== undefined) return;
    if (this.inflight.unanswered > 0 || this.#outbox.bytes > 0) return;
    if (this.held && !this.#broken && !this.#stopping) return; // requests are left, to be read on later
    if (this.#ended) {
      this.#socket.end();
      return;
    }
    this.#shutdownAtMs = performance.now();
    this.#socket.shutdown();
    this.#input.resume(); // or the client's own FIN would not be seen
  }
}

/** The answer to a request that comes while the broker stops. */
function stoppingError(): RustLogError {
  return new RustLogError(
    "BROKER_STOPPING",
    "the broker is stopping; the request was not carried out",
  );
}

/** Why a connection is given up when all of them together keep too much. */
function overloadedError(): RustLogError {
  return new RustLogError(
    "BROKER_OVERLOADED",
    "the broker keeps too many bytes of unfinished requests, and the one on this connection is unfinished for longest",
  );
}

function httpAnswer(hint: string): Uint8Array {
  const head = `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: ${hint.length}\r\n`;
  return new TextEncoder().encode(`${head}Connection: close\r\n\r\n${hint}`);
}
