// One socket to the broker. Requests are pipelined; a response finds its request by correlation id. Once the connection
// fails, it stays failed, and every unanswered request is rejected with the reason.
// Leaves to others: reconnecting and retrying (link), and what requests mean (the rest of client/).

import type { Socket } from "bun";
import { RustLogError } from "../errors.js";
import { RESPONSE_BYTES_MAX } from "../limits.js";
import { FrameDecoder } from "../net/frame.js";
import { decodeResponseHeader, errorOf } from "../protocol/native/messages.js";
import { Outbox } from "../net/outbox.js";
import type { BrokerAddress } from "./broker-address.js";
import { handshakeError, refusedCertificate, socketTls, type TlsOptions } from "./tls.js";

/**
 * The first correlation id is a blank line in ASCII. A line-based server, such as one for HTTP, takes it as the end of a
 * request and answers, so we recognise it; without the blank line it would wait for more.
 */
export const FIRST_CORRELATION_ID = 0x0d0a0d0a;

const CORRELATION_ID_MAX = 2 ** 32 - 1;

interface PendingRequest {
  readonly deadline: number;
  readonly timeoutMs: number;
  readonly resolve: (payload: Uint8Array) => void;
  readonly reject: (error: RustLogError) => void;
}

export class BrokerConnection {
  readonly #address: BrokerAddress;
  readonly #decoder = new FrameDecoder({ frameBytesMax: RESPONSE_BYTES_MAX });
  readonly #outbox = new Outbox({ write: (bytes) => this.#socket?.write(bytes) ?? 0 });
  readonly #pending = new Map<number, PendingRequest>();
  #socket: Socket | undefined;
  #nextCorrelationId = FIRST_CORRELATION_ID;
  #hasReceived = false;
  #flushScheduled = false;
  #deadlineTimer: ReturnType<typeof setTimeout> | undefined;
  #deadlineTimerAt = Number.POSITIVE_INFINITY;
  #failure: RustLogError | undefined;
  /** Called once when the connection fails, unless close() ended it. */
  onFailure: ((error: RustLogError) => void) | undefined;

  private constructor(address: BrokerAddress) {
    this.#address = address;
  }

  /**
   * Connects within `timeoutMs`. Throws CONNECTION_LOST when the broker can't be reached, and TIMED_OUT when nothing
   * answers.
   */
  static async open(
    address: BrokerAddress,
    timeoutMs: number,
    tls?: TlsOptions,
  ): Promise<BrokerConnection> {
    const connection = new BrokerConnection(address);
    const { promise: timeout, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const error = new RustLogError(
        "TIMED_OUT",
        `no connection to ${address.text} within ${timeoutMs} ms`,
      );
      connection.#fail(error);
      reject(error);
    }, timeoutMs);
    try {
      await Promise.race([connection.#connect(tls), timeout]);
      return connection;
    } finally {
      clearTimeout(timer);
    }
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /**
   * Sends the frame that `encode` makes for a correlation id, followed by `batch` without copying it. Resolves with
   * the payload of the response, which may be an error response. If no response arrives within `timeoutMs`, the whole
   * connection fails.
   */
  request(
    encode: (correlationId: number) => Uint8Array,
    timeoutMs: number,
    batch?: Uint8Array,
  ): Promise<Uint8Array> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const correlationId = this.#nextCorrelationId;
    this.#nextCorrelationId = correlationId === CORRELATION_ID_MAX ? 1 : correlationId + 1;
    this.#outbox.push(encode(correlationId));
    if (batch !== undefined) this.#outbox.push(batch);
    this.#scheduleFlush();
    return new Promise((resolve, reject) => {
      const deadline = performance.now() + timeoutMs;
      this.#pending.set(correlationId, { deadline, timeoutMs, resolve, reject });
      this.#watchDeadline(deadline);
    });
  }

  /** Closes the socket and rejects unanswered requests with CONNECTION_LOST. */
  close(): void {
    this.onFailure = undefined;
    this.#fail(new RustLogError("CONNECTION_LOST", "the client was closed"));
  }

  async #connect(tls: TlsOptions | undefined): Promise<void> {
    const where = this.#address.text;
    const { promise: secured, resolve: handshakeIsDone } = Promise.withResolvers<void>();
    try {
      const socket = await Bun.connect({
        hostname: this.#address.host,
        port: this.#address.port,
        ...(tls === undefined ? {} : { tls: socketTls(tls) }),
        socket: {
          handshake: (_socket, isDone, error) => {
            if (!isDone) this.#fail(handshakeError(this.#address, error));
            handshakeIsDone();
          },
          data: (_socket, chunk) => this.#receive(chunk),
          drain: () => void this.#outbox.flush(),
          close: () => {
            this.#fail(this.#lost("the broker closed the connection"));
            handshakeIsDone();
          },
          error: (_socket, error) =>
            this.#fail(
              refusedCertificate(this.#address, error) ?? this.#lost(error.message, error),
            ),
        },
      });
      this.#socket = socket;
      // The connection may have failed (timed out) while the socket was being opened.
      if (this.#failure !== undefined) socket.terminate();
      else socket.setNoDelay(true);
      if (tls !== undefined) await secured;
    } catch (cause) {
      const message = `cannot connect to ${where}: ${reasonOf(cause)}`;
      throw new RustLogError("CONNECTION_LOST", message, { cause });
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #lost(reason: string, cause?: unknown): RustLogError {
    const unanswered = this.#pending.size;
    const requests = unanswered === 1 ? "1 request" : `${unanswered} requests`;
    const consequence = unanswered === 0 ? "" : `, ${requests} unanswered`;
    const message = `connection to ${this.#address.text} lost: ${reason}${consequence}`;
    return new RustLogError("CONNECTION_LOST", message, { cause });
  }

  /** Writes once per turn of the event loop, so requests made in one turn share a write. */
  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(() => {
      this.#flushScheduled = false;
      if (this.#failure === undefined) this.#outbox.flush();
    });
  }

  #receive(chunk: Uint8Array): void {
    if (this.#failure !== undefined) return;
    if (!this.#hasReceived) {
      this.#hasReceived = true;
      const foreign = foreignServer(chunk);
      if (foreign !== undefined) {
        this.#fail(notABroker(this.#address.text, foreign));
        return;
      }
    }
    try {
      this.#decoder.feed(chunk);
      for (;;) {
        const payload = this.#decoder.next();
        if (payload === undefined) return;
        this.#answer(payload);
      }
    } catch (error) {
      if (error instanceof RustLogError) this.#fail(error);
      else throw error;
    }
  }

  #answer(payload: Uint8Array): void {
    const { correlationId } = decodeResponseHeader(payload);
    const request = this.#pending.get(correlationId);
    if (request !== undefined) {
      this.#pending.delete(correlationId);
      request.resolve(payload);
      return;
    }
    // An error that answers no request is about the connection, such as "too many connections".
    throw (
      errorOf(payload) ?? this.#lost(`it answered request ${correlationId}, which was never sent`)
    );
  }

  /** One timer for all requests, set to the earliest deadline. */
  #watchDeadline(deadline: number): void {
    if (deadline >= this.#deadlineTimerAt) return;
    clearTimeout(this.#deadlineTimer);
    this.#deadlineTimerAt = deadline;
    const wait = Math.max(0, deadline - performance.now());
    this.#deadlineTimer = setTimeout(() => this.#checkDeadlines(), wait);
  }

  #checkDeadlines(): void {
    this.#deadlineTimerAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    let earliest = Number.POSITIVE_INFINITY;
    for (const { deadline, timeoutMs } of this.#pending.values()) {
      if (deadline <= now) {
        const message = `${this.#address.text} did not answer a request within ${timeoutMs} ms`;
        this.#fail(new RustLogError("TIMED_OUT", message));
        return;
      }
      earliest = Math.min(earliest, deadline);
    }
    if (earliest !== Number.POSITIVE_INFINITY) this.#watchDeadline(earliest);
  }

  #fail(error: RustLogError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    clearTimeout(this.#deadlineTimer);
    this.#outbox.clear();
    this.#socket?.terminate();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(error);
    this.onFailure?.(error);
  }
}

/** The name of the system error says more than Bun's "Failed to connect". */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return "code" in cause && cause.code === "ECONNREFUSED" ? "connection refused" : cause.message;
}

/** Recognises a server of another protocol by its first bytes. The first frame of a broker is short, so it begins with 0. */
function foreignServer(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes[0] === 0) return undefined;
  const start = Buffer.from(bytes.subarray(0, 64)).toString("latin1");
  if (/^HTTP\/|^<(?:!doctype|html|head)/i.test(start)) return "an HTTP server";
  // A TLS alert, sent in response to bytes that are no handshake.
  if (bytes[0] === 0x15 && bytes[1] === 0x03) return "a TLS server";
  if (start.startsWith("SSH-")) return "an SSH server";
  return "a server of another protocol";
}

function notABroker(address: string, foreign: string): RustLogError {
  return new RustLogError("INVALID_CONFIG", `${address} is ${foreign}, not a RustLog broker`, {
    help: "Check host and port: those of `rustlog broker --port`, not those of its page or metrics (--ui, --metrics-port).",
  });
}
