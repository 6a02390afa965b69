// One socket's state: frames in, requests dispatched in the order received, answers out, and the limits that
// bound its memory. Leaves to others: what a request means (handlers/), unsent bytes (outbox.ts), and the
// listening, counting and timing out of connections (server.ts).
//
// Seen of Bun 1.4.5, and relied on here: each `data` chunk (at most 512 KiB) is a buffer of its own that never
// changes, so views of it may be kept; `end()` closes at once, and the kernel then answers unread or later
// input with a reset, which can destroy an answer on its way, so the last answer is followed by `shutdown()`
// and input is discarded until the client leaves; `close` is called exactly once, from within `end()` and
// `terminate()` too; a paused socket reports a reset but not an orderly close, until it is resumed.
import { RustLogError } from "../errors.ts";
import { decodeRequestHeader, encodeErrorResponse } from "../protocol/native/messages.ts";
import { type Tail, tailBytes } from "../record/bytes.ts";
import type { ConnectionHost, ConnectionSocket } from "./connection-host.ts";
import {
  describeBug,
  Exchange,
  type ExchangeOwner,
  overloadedError,
  stoppingError,
  tooLongError,
  type Wait,
} from "./exchange.ts";
import type { InflightAccount } from "./inflight-account.ts";
import type { InflightHolder } from "./inflight-budget.ts";
import { Input, type InputOwner } from "./input.ts";
import { FLUSH_BYTES_MAX, type FlushOutcome, Outbox, type OutboxEntry } from "./outbox.ts";

/** How long a connection that was answered its last may take to leave, in milliseconds. */
const LEAVE_MS_MAX = 1_000;

export class Connection implements ExchangeOwner, InflightHolder, InputOwner {
  readonly #socket: ConnectionSocket;
  readonly #host: ConnectionHost;
  readonly #input: Input;
  readonly #outbox: Outbox;
  /** What is in flight. */
  readonly inflight: InflightAccount;
  readonly #flushNow = (): void => this.#flush();
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
    this.#input = new Input(this, { frameBytesMax, inflight: this.inflight, turns });
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

  /** Sends an error that belongs to no request, and ends the connection after it. */
  refuseConnection(error: RustLogError): void {
    this.broke(error);
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

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
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
    if (this.#shutdownAtMs !== undefined) {
      if (nowMs - this.#shutdownAtMs >= LEAVE_MS_MAX) this.terminate();
    } else if (this.inflight.unanswered === 0 && nowMs - this.#activeAtMs >= idleTimeoutMs) {
      if (this.#outbox.bytes > 0) this.terminate();
      else this.#socket.end();
    }
  }

  answered(exchange: Exchange, head: OutboxEntry, rest: readonly OutboxEntry[]): void {
    this.inflight.ended(exchange.requestBytes, exchange.chargedBytes);
    this.#host.metrics.answered(exchange);
    if (this.#closed) return;
    this.#outbox.push(head);
    for (const entry of rest) this.#outbox.push(entry);
    this.#queueFlush();
  }

  addWait(wait: Wait): void {
    this.inflight.addWait(wait);
  }

  removeWait(wait: Wait): void {
    this.inflight.removeWait(wait);
  }

  log(kind: string, line: string): void {
    this.#host.log(kind, line);
  }

  refuse(envelope: Uint8Array, bytes: number, nowMs: number): void {
    const header = decodeRequestHeader(envelope);
    const exchange = new Exchange(this, header, envelope.length, nowMs);
    this.inflight.began(envelope.length);
    exchange.fail(tooLongError(bytes));
  }

  charge(bytes: number): void {
    this.inflight.charge(bytes);
  }

  nextPortion(): Promise<void> {
    return this.#host.turns.nextPortion();
  }

  whenTime(call: () => void): void {
    this.#host.turns.whenTime(call);
  }

  tookFrames(nowMs: number): void {
    this.#activeAtMs = nowMs;
  }

  take(payload: Uint8Array, tail: Tail, nowMs: number): void {
    const header = decodeRequestHeader(payload); // throws when there is no correlation id to answer to
    const bytes = payload.length + tailBytes(tail);
    const exchange = new Exchange(this, header, bytes, nowMs);
    this.inflight.began(bytes);
    if (this.#stopping) exchange.fail(stoppingError());
    else this.#host.dispatch(exchange, header, payload, tail);
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

  /** Input makes no sense any more: it is said, with correlation id 0, and what follows is discarded. */
  broke(error: unknown): void {
    if (this.#broken || this.#closed) return;
    this.#broken = true;
    if (!(error instanceof RustLogError)) {
      this.#host.log("connection bug", `bug: a connection was closed: ${describeBug(error)}`);
      this.terminate();
      return;
    }
    this.#host.metrics.connectionFailed(error.code);
    this.#input.clear();
    this.#outbox.push(encodeErrorResponse(0, error));
    this.inflight.finishWaits();
    this.#queueFlush();
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
