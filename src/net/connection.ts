// The state of one socket: frames in, requests to the dialect in the order received, answers out, within the limits on
// memory. Leaves to others: the meaning of requests (the dialects), unsent bytes (outbox.ts), and accepting and sweeping
// connections (listener.ts).
//
// Observed in Bun 1.4.5, and relied on here:
//  - Each `data` chunk (at most 512 KiB) is a separate buffer that never changes, so views of it may be kept.
//  - `end()` closes at once. The kernel then answers unread or later input with a reset, which can destroy an answer in
//    transit. So the last answer is followed by `shutdown()`, and input is discarded until the client leaves.
//  - `close` is called exactly once, also from within `end()` and `terminate()`.
//  - A paused socket reports a reset, but an orderly close only after it is resumed.
import { clockMs } from "../clock.js";
import { type ErrorName, RustLogError } from "../errors.js";
import { printable } from "../printable.js";
import { bytesOf, type Pieces } from "../record/bytes.js";
import { type HostAndPort, isHostName, plainAddress } from "./address.js";
import { Client } from "./client.js";
import {
  type Dialect,
  type DialectConnection,
  identify,
  type Session,
  type Stranger,
} from "./dialect.js";
import type {
  ConnectionLimits,
  InflightAccount,
  InflightBudget,
  InflightHolder,
} from "./inflight.js";
import { describeBug, InflightRequest, type RequestOwner } from "./inflight-request.js";
import { GUEST_REQUEST_BYTES_MAX, GUEST_REQUESTS_MAX } from "./guests.js";
import { Input, type InputOwner } from "./input.js";
import {
  type ByteSink,
  type OutboxEntry,
  FLUSH_BYTES_MAX,
  type FlushOutcome,
  Outbox,
} from "./outbox.js";
import type { Mutes } from "./mutes.js";
import { ResponseOrder } from "./response-order.js";
import type { Turns } from "./turns.js";

/** How long a client may take to close its side after the last answer, in milliseconds. */
const LEAVE_MS_MAX = 1_000;

/** The part of `Bun.Socket` that a connection uses. */
interface ConnectionSocket extends ByteSink {
  // All undefined once the client has reset the connection.
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  pause(): void;
  resume(): void;
  /** Sends FIN; input can still be read. */
  shutdown(): void;
  /** Closes at once, without a reset. */
  end(): void;
  /** Closes with a reset. */
  terminate(): void;
}

export interface NetMetrics {
  connectionsAccepted: number;
  connectionsRefused: number;
  receivedBytes: number;
  sentBytes: number;
  /** Counts an error that ends a connection and answers none of its requests. */
  connectionFailed(error: ErrorName): void;
}

/** Shared by all connections of a listener. */
export interface ConnectionHost {
  readonly limits: ConnectionLimits;
  readonly dialects: readonly Dialect[];
  /** Text that an HTTP client on this port gets. */
  readonly httpHint: string;
  /** Whether the connections use TLS. */
  readonly isTls: boolean;
  /** Says which port a client with TLS has to use. */
  tlsHint(): string;
  /** The address that clients are told to use, instead of the one that they used. */
  readonly advertise?: HostAndPort | undefined;
  readonly budget: InflightBudget;
  readonly turns: Turns;
  readonly metrics: NetMetrics;
  /** A client needs no login, or has logged in. */
  becameKnown(connection: Connection): void;
  readonly mutes: Mutes<Connection>;
  /** Memory of the input was freed, which needs no garbage collection. */
  inputFreed(bytes: number): void;
  /** Writes a line to the broker's log, with a rate limit for each kind. */
  log(kind: string, line: string): void;
}

export class Connection implements DialectConnection, InflightHolder, InputOwner, RequestOwner {
  readonly #socket: ConnectionSocket;
  readonly #host: ConnectionHost;
  readonly #input: Input;
  readonly #outbox: Outbox;
  readonly inflight: InflightAccount;
  readonly client: Client;
  readonly #flushNow = (): void => this.#flush();
  receivedBytes = 0;
  sentBytes = 0;
  /** Undefined until the first bytes have arrived. Nothing is written before. */
  #session: Session | undefined;
  /** For dialects that answer in order. */
  #order: ResponseOrder | undefined;
  /** The name by which a client with TLS has reached the broker. */
  #serverName: string | undefined;
  /** Why the connection is refused. Sent when the dialect is known. */
  #refusal: RustLogError | undefined;
  /** The input is invalid, or the connection is refused. */
  #failed = false;
  /** The client has sent FIN. */
  #ended = false;
  #stopping = false;
  #closed = false;
  /** The last write was short; `drain` will be called. */
  #blocked = false;
  #flushQueued = false;
  #activeAtMs = clockMs();
  /** When FIN was sent after the last answer. */
  #shutdownAtMs: number | undefined;

  constructor(socket: ConnectionSocket, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    this.client = new Client(socket);
    this.#outbox = new Outbox(socket);
    const { turns, limits } = host;
    const { frameBytesMax } = limits;
    this.inflight = host.budget.open(this, this.#outbox, guestLimits(frameBytesMax));
    this.#input = new Input(this, { socket, frameBytesMax, inflight: this.inflight, turns });
  }

  /** Name of the protocol; undefined until it is known. */
  get protocol(): string | undefined {
    return this.#session?.dialect.name;
  }

  /** The user who has logged in, if anyone has to. */
  get user(): string | undefined {
    return this.#session?.user;
  }

  get advertised(): HostAndPort {
    const host = this.#serverName ?? this.localAddress;
    return this.#host.advertise ?? { host, port: this.localPort };
  }

  get isTls(): boolean {
    return this.#host.isTls;
  }

  /** Our own address, as the client has used it. */
  get localAddress(): string {
    return plainAddress(this.#socket.localAddress ?? "");
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /**
   * The TLS handshake is done. The client may have proved with a certificate, in DER, who it is. It has reached us
   * by `serverName`, as far as we know, and its next connection has to find the same name in our certificate.
   */
  secured(certificate: Uint8Array | undefined, serverName: string | undefined): void {
    this.client.certificate = certificate;
    this.#serverName = serverName !== undefined && isHostName(serverName) ? serverName : undefined;
  }

  get turns(): Turns {
    return this.#host.turns;
  }

  get frameBytesMax(): number {
    return this.#host.limits.frameBytesMax;
  }

  get mayWait(): boolean {
    return !this.#leaving && !this.#closed && this.inflight.mayWait();
  }

  /** Whether the socket is paused, because of limits or for the turns of others. */
  get isPaused(): boolean {
    return this.#input.isPaused;
  }

  get isGone(): boolean {
    return this.#closed;
  }

  /** Whether requests are still accepted. */
  get takesFrames(): boolean {
    return !this.#closed && !this.#failed;
  }

  received(chunk: Uint8Array): void {
    if (this.#closed || this.#failed || this.#shutdownAtMs !== undefined) return;
    this.receivedBytes += chunk.length;
    this.#host.metrics.receivedBytes += chunk.length;
    this.#keep(this.#input.received(chunk));
  }

  /** Handles the client's FIN: answers waiting requests, and closes the connection after all answers. */
  inputEnded(): void {
    this.#ended = true;
    if (this.#shutdownAtMs !== undefined) this.#socket.end();
    this.inflight.finishWaits();
    this.#queueFlush();
  }

  /** Refuses new requests, answers those in flight, and then closes the connection. */
  stop(): void {
    this.#stopping = true;
    this.inflight.finishWaits();
    this.#queueFlush();
  }

  /** Accepts no request. The client gets the reason after its first bytes, or the sweep closes the connection. */
  refuseConnection(error: RustLogError): void {
    this.#refusal = error;
    // Counted now: a client that sends nothing gets no reason, and leaves or is closed.
    this.#host.metrics.connectionFailed(error.code);
  }

  pauseReading(): void {
    if (this.isPaused || !this.takesFrames || this.#shutdownAtMs !== undefined) return;
    this.#input.pauseReading();
    this.inflight.finishWaits();
  }

  resumeReading(): void {
    this.#input.resumeReading();
    this.#queueFlush();
  }

  mute(ms: number): void {
    const nowMs = clockMs();
    if (this.#closed || !this.inflight.mute(nowMs, nowMs + ms)) return;
    this.#host.mutes.add(this, nowMs + ms);
  }

  unmute(): void {
    this.inflight.unmute(clockMs());
    this.resumeReading();
  }

  giveUp(): void {
    // A client that reads no answers would not read this one.
    if (this.#outbox.memoryBytes > 0) {
      this.#host.metrics.connectionFailed("BROKER_OVERLOADED");
      this.terminate();
    } else this.fail(overloadedError());
  }

  /** Resets the connection; unsent bytes are lost. */
  terminate(): void {
    if (!this.#closed) this.#socket.terminate();
    this.closed();
  }

  /** Handles the close of the socket. */
  closed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.client.isGone = true;
    this.#outbox.clear();
    this.#input.clear();
    this.inflight.close();
    this.#host.mutes.remove(this);
    this.#order?.clear();
  }

  drained(): void {
    this.#blocked = false;
    if (this.#outbox.bytes <= FLUSH_BYTES_MAX) this.#flush();
    else this.#flushWhenTime();
  }

  /**
   * Closes the connection if it has been idle for `idleTimeoutMs`, or if the client has not left after the last answer.
   * A connection is idle while no request is in flight, no complete frame arrives, and no answer is read. So a client that
   * dribbles into a frame or never reads its answers is idle too. One that is muted is not.
   */
  sweep(nowMs: number, idleTimeoutMs: number): void {
    if (this.#closed) return;
    const reason = this.#session?.endReason();
    if (reason !== undefined) this.end(reason);
    if (this.#closed) return;
    const silenceMsMax = this.#refusal === undefined ? idleTimeoutMs : LEAVE_MS_MAX;
    if (this.#shutdownAtMs !== undefined) {
      if (nowMs - this.#shutdownAtMs >= LEAVE_MS_MAX) this.terminate();
      return;
    }
    const activeAtMs = Math.max(this.#activeAtMs, this.inflight.mutedUntilMs);
    if (this.inflight.unanswered === 0 && nowMs - activeAtMs >= silenceMsMax) {
      if (this.#outbox.bytes > 0) this.terminate();
      else this.#socket.end();
    }
  }

  /**
   * Closes the connection of a client that may not stay. It gets nothing more: requests that wait end without an answer, and
   * neither a slow one nor unsent data keeps the connection.
   */
  end(reason: RustLogError): void {
    if (this.#closed) return;
    this.inflight.cancelWaits();
    if (this.inflight.unanswered === 0 && this.#outbox.bytes === 0) {
      this.fail(reason);
      return;
    }
    if (!this.#failed) this.#host.metrics.connectionFailed(reason.code);
    this.#logClose(reason);
    this.terminate();
  }

  settled(request: InflightRequest, head: Uint8Array, rest: readonly OutboxEntry[]): void {
    if (this.#order === undefined || this.#closed) this.#answer(request, head, rest);
    else this.#order.settled(request, head, rest);
  }

  inputFreed(bytes: number): void {
    this.#host.inputFreed(bytes);
  }

  log(kind: string, line: string): void {
    this.#host.log(kind, line);
  }

  choose(opening: Uint8Array): Session | undefined {
    const found = identify(opening, this.#host.dialects);
    if (found === undefined) return undefined;
    if ("isHttp" in found) {
      this.#closeStranger(found);
      return undefined;
    }
    this.#session = found.open(this);
    if (found.inOrder) {
      this.#order = new ResponseOrder(this.inflight, (request, head, rest) =>
        this.#answer(request, head, rest),
      );
    }
    if (this.#refusal !== undefined) this.fail(this.#refusal);
    return this.#session;
  }

  becameKnown(): void {
    this.inflight.limits = this.#host.limits;
    this.#host.becameKnown(this);
  }

  refuseTooLong(session: Session, header: Uint8Array, bytes: number, nowMs: number): void {
    const request = this.#begin(header.length, nowMs);
    try {
      session.refuse(request, header, session.dialect.tooLongError(bytes));
    } catch (error) {
      request.answerNothing();
      throw error;
    }
  }

  tookFrames(nowMs: number): void {
    this.#activeAtMs = nowMs;
  }

  spent(ms: number, nowMs: number): void {
    this.#session?.spent(ms, nowMs);
  }

  tookTurn(): void {
    if (!this.#closed) this.#keep(true);
  }

  take(session: Session, payload: Pieces, nowMs: number): void {
    const request = this.#begin(bytesOf(payload), nowMs);
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

  #answer(request: InflightRequest, head: Uint8Array, rest: readonly OutboxEntry[]): void {
    this.inflight.ended(request);
    if (this.#closed) return;
    this.#outbox.push(head);
    for (const entry of rest) this.#outbox.push(entry);
    this.#queueFlush();
  }

  /** Closes the connection of a client that uses another protocol. */
  #closeStranger({ reason, isHttp, isTls }: Stranger): void {
    const hint = isTls === true ? `; ${this.#host.tlsHint()}` : "";
    this.#host.log("stranger", `a connection was closed: ${reason}${hint}`);
    this.fail(new RustLogError("INVALID_REQUEST", reason));
    if (isHttp) this.#outbox.push(httpAnswer(this.#host.httpHint));
  }

  close(reason: RustLogError): void {
    this.fail(reason);
  }

  /** Whether the connection closes after the requests in flight. */
  get #leaving(): boolean {
    return this.#ended || this.#failed || this.#stopping;
  }

  /** Reports the memory that waits for the client. `moved` says that the client just sent or read something. */
  #keep(moved: boolean): void {
    const clientIsToMove = this.#blocked || !this.#input.waitsForBroker;
    this.inflight.keep(this.#input.keptBytes + this.#outbox.memoryBytes, clientIsToMove, moved);
  }

  /** Tells the client why its connection ends, if its dialect can, and discards further input. */
  fail(error: unknown): void {
    if (this.#failed || this.#closed) return;
    this.#failed = true;
    if (!(error instanceof RustLogError)) {
      this.#host.log("connection bug", `bug: a connection was closed: ${describeBug(error)}`);
      this.terminate();
      return;
    }
    if (error !== this.#refusal) this.#host.metrics.connectionFailed(error.code);
    this.#input.clear();
    const farewell = this.#session?.dialect.encodeConnectionError(error);
    if (farewell !== undefined) this.#sendLast(farewell);
    else if (this.#session !== undefined) this.#logClose(error);
    this.inflight.finishWaits();
    this.#queueFlush();
  }

  /** Logs why a connection is closed that can't be told. A stop closes all of them, and is in the log already. */
  #logClose(error: RustLogError): void {
    if (error.code === "BROKER_STOPPING") return;
    const line = `closed a ${this.protocol} connection from ${this.client.description}`;
    this.#host.log("connection closed", `${line}: ${printable(error.message)}`);
  }

  #sendLast(farewell: Uint8Array): void {
    if (this.#order === undefined) {
      this.#outbox.push(farewell);
      return;
    }
    const nothing = this.#begin(0, clockMs()); // answered after all earlier requests
    nothing.answer(farewell);
  }

  /** Continues a long answer after giving other connections a turn. */
  #flushWhenTime(): void {
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    this.#host.turns.whenTime(this.#flushNow);
  }

  /** Flushes once per turn of the event loop, so that all its answers leave in one system call. */
  #queueFlush(): void {
    if (this.#blocked) this.#keep(false);
    if (this.#flushQueued || this.#blocked || this.#closed) return;
    this.#flushQueued = true;
    queueMicrotask(this.#flushNow);
  }

  #flush(): void {
    this.#flushQueued = false;
    if (this.#closed) return;
    const beganMs = clockMs();
    const bytesBefore = this.#outbox.bytes;
    let outcome: FlushOutcome;
    try {
      outcome = this.#outbox.flush(FLUSH_BYTES_MAX);
    } catch (error) {
      // Part of the answer may be sent already, so no error can follow on this connection.
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
    this.sentBytes += sentBytes;
    this.#host.metrics.sentBytes += sentBytes;
    const moved = sentBytes > 0;
    const nowMs = clockMs();
    if (moved) this.#activeAtMs = nowMs;
    this.#host.turns.spend(nowMs - beganMs);
    if (moved) this.spent(nowMs - beganMs, nowMs);
    this.#input.resumeReading();
    if (!this.#closed) this.#keep(moved);
    this.#endIfDone();
    if (outcome === "more") this.#flushWhenTime();
  }

  #endIfDone(): void {
    if (!this.#leaving || this.#closed || this.#shutdownAtMs !== undefined) return;
    if (this.inflight.unanswered > 0 || this.#outbox.bytes > 0) return;
    if (this.isPaused && !this.#failed && !this.#stopping) return; // there are unread requests
    if (this.#ended) {
      this.#socket.end();
      return;
    }
    this.#shutdownAtMs = clockMs();
    this.#socket.shutdown();
    this.#input.resumeToEnd(); // a paused socket would not report the client's FIN
  }
}

function guestLimits(frameBytesMax: number): ConnectionLimits {
  return {
    frameBytesMax: Math.min(frameBytesMax, GUEST_REQUEST_BYTES_MAX),
    connectionBytesMax: GUEST_REQUEST_BYTES_MAX,
    connectionRequestsMax: GUEST_REQUESTS_MAX,
  };
}

function stoppingError(): RustLogError {
  return new RustLogError(
    "BROKER_STOPPING",
    "the broker is stopping; the request was not carried out",
  );
}

function overloadedError(): RustLogError {
  return new RustLogError(
    "BROKER_OVERLOADED",
    "the broker holds too many bytes of incomplete requests, and the one on this connection is the oldest",
  );
}

function httpAnswer(hint: string): Uint8Array {
  const head = `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: ${hint.length}\r\n`;
  return new TextEncoder().encode(`${head}Connection: close\r\n\r\n${hint}`);
}
