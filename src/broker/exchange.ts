// One request and the one answer it is owed. Leaves to others: what the answer is (handlers/) and how it
// reaches the client (connection.ts).
import { type ErrorName, RustLogError } from "../errors.ts";
import { REQUEST_BYTES_MAX } from "../limits.ts";
import { FRAME_LENGTH_BYTES } from "../net/frame.ts";
import { encodeErrorResponse, type RequestHeader } from "../protocol/native/messages.ts";
import type { LogSlice } from "../log/segment/log-slice.ts";
import type { AnsweredRequest } from "./metrics.ts";
import type { OutboxEntry } from "./outbox.ts";

/** What an exchange needs of the connection that it came on. */
export interface ExchangeOwner {
  /** Longest frame payload of an answer, in bytes. */
  readonly frameBytesMax: number;
  /** Takes the entries of the one answer to a request. */
  answered(exchange: Exchange, head: OutboxEntry, rest: readonly OutboxEntry[]): void;
  /** Keeps a waiting request, so that it ends with the connection or with the broker. */
  addWait(wait: Wait): void;
  /** Forgets a waiting request that has ended. */
  removeWait(wait: Wait): void;
  /** Counts bytes that a request of this connection needs beyond its own, until it is answered. */
  charge(bytes: number): void;
  /** Resolves when the next portion of work that takes long may be done. */
  nextPortion(): Promise<void>;
  /** Calls back: at once while there is time, else in a later turn of the loop. */
  whenTime(call: () => void): void;
  /** Whether nobody is there any more to take an answer. */
  readonly isGone: boolean;
  /** Whether a request may wait for data; not once the client or the broker is leaving. */
  readonly mayWait: boolean;
  /** Writes a line to the broker's log, unless there were many of its kind lately. */
  log(kind: string, line: string): void;
}

/** A request that waits for data. `cancel` may be called after `finish`, as long as it is not answered. */
export interface Wait {
  readonly requestBytes: number;
  /** Answers with what there is as soon as there is time: the broker stops, or the client will send no more. */
  finish(): void;
  /** Answers nothing: the connection is gone. */
  cancel(): void;
}

const NO_SLICES: readonly LogSlice[] = [];

/** A request that has been read from a connection, to be answered exactly once, now or later. */
export class Exchange implements AnsweredRequest {
  readonly owner: ExchangeOwner;
  /** Names the request in its answer. */
  readonly correlationId: number;
  /** Bytes of the request that count against its connection until it is answered. */
  readonly requestBytes: number;
  readonly apiKey: number;
  /** Version of the request, which is also that of its answer. */
  readonly apiVersion: number;
  readonly beganMs: number;
  /** Set by the handler of a fetch that begins to wait for data. */
  hasWaited = false;
  #chargedBytes = 0;
  #error: ErrorName | undefined;
  #answered = false;

  constructor(owner: ExchangeOwner, header: RequestHeader, requestBytes: number, beganMs: number) {
    this.owner = owner;
    this.correlationId = header.correlationId;
    this.apiKey = header.apiKey;
    this.apiVersion = header.apiVersion;
    this.requestBytes = requestBytes;
    this.beganMs = beganMs;
  }

  get error(): ErrorName | undefined {
    return this.#error;
  }

  /** Bytes that it needs beyond its own: what it is decoded to, what is written for it, a long answer. */
  get chargedBytes(): number {
    return this.#chargedBytes;
  }

  /** Counts bytes that it needs beyond its own until it is answered. */
  charge(bytes: number): void {
    this.#chargedBytes += bytes;
    this.owner.charge(bytes);
  }

  /** Answers with a whole frame; one that is longer than a frame may be becomes an error. */
  answer(frame: Uint8Array): void {
    const payloadBytes = frame.length - FRAME_LENGTH_BYTES;
    if (payloadBytes <= this.owner.frameBytesMax) {
      this.#settle(frame, NO_SLICES);
      return;
    }
    this.fail(
      new RustLogError(
        "FRAME_TOO_LARGE",
        `the answer has ${payloadBytes} bytes, and a frame at most ${this.owner.frameBytesMax}`,
      ),
    );
  }

  /** Answers with the head of a frame, and with runs of the log that are read as the socket drains. */
  answerWithLog(head: Uint8Array, slices: readonly LogSlice[]): void {
    this.#settle(head, slices);
  }

  /** Answers with an error. One that is no RustLogError is a bug of ours: logged, and not shown. */
  fail(error: unknown): void {
    const known = error instanceof RustLogError ? error : this.#asBug(error);
    this.#settle(encodeErrorResponse(this.correlationId, known), NO_SLICES, known.code);
  }

  #asBug(error: unknown): RustLogError {
    const line = `bug: request ${this.correlationId} failed: ${describeBug(error)}`;
    this.owner.log("request bug", line);
    return new RustLogError(
      "UNKNOWN_SERVER_ERROR",
      "the broker failed to handle the request; its log says more",
    );
  }

  #settle(head: Uint8Array, slices: readonly LogSlice[], error?: ErrorName): void {
    if (this.#answered) {
      this.owner.log("answered twice", `bug: request ${this.correlationId} was answered twice`);
      return;
    }
    this.#answered = true;
    this.#error = error;
    this.owner.answered(this, head, slices);
  }
}

/** The answer to a request that comes while the broker stops. */
export function stoppingError(): RustLogError {
  return new RustLogError(
    "BROKER_STOPPING",
    "the broker is stopping; the request was not carried out",
  );
}

/** The answer to a request that no client needs to make so long. */
export function tooLongError(bytes: number): RustLogError {
  return new RustLogError(
    "INVALID_REQUEST",
    `a request of ${bytes} bytes: only a Produce may have more than ${REQUEST_BYTES_MAX}`,
  );
}

/** Why a connection is given up when all of them together keep too much. */
export function overloadedError(): RustLogError {
  return new RustLogError(
    "BROKER_OVERLOADED",
    "the broker keeps too many bytes of unfinished requests, and the one on this connection is unfinished for longest",
  );
}

/** What the log says of an error that should not have been: where it came from, too. */
export function describeBug(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
