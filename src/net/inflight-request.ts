// A complete request until it is settled: answered, or known to need no answer.
// Leaves to others: its meaning (the dialects), and sending the answer (connection.ts).
import type { InflightAccount } from "./inflight.js";
import type { OutboxEntry } from "./outbox.js";
import { NO_BYTES, type Pieces } from "../record/bytes.js";
import { freePayload } from "./chunks.js";

const NO_REST: readonly OutboxEntry[] = [];

export interface RequestOwner {
  readonly inflight: InflightAccount;
  /** Memory of the input was freed. */
  inputFreed(bytes: number): void;
  /** Takes the answer to a request; empty bytes mean no answer. */
  settled(request: InflightRequest, head: Uint8Array, rest: readonly OutboxEntry[]): void;
  /** Writes a line to the broker's log, with a rate limit for each kind. */
  log(kind: string, line: string): void;
}

/** Must be settled exactly once, now or later. */
export class InflightRequest {
  readonly #owner: RequestOwner;
  /** Bytes that count against the connection until the request is settled. */
  readonly bytes: number;
  /** When the request was complete, on the clock of `performance.now()`. */
  readonly beganMs: number;
  #chargedBytes = 0;
  #waitingBytes = 0;
  #isSettled = false;

  constructor(owner: RequestOwner, bytes: number, beganMs: number) {
    this.#owner = owner;
    this.bytes = bytes;
    this.beganMs = beganMs;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  get chargedBytes(): number {
    return this.#chargedBytes;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Whether it may wait for data, with the memory that it holds. */
  get mayWait(): boolean {
    return this.#owner.inflight.mayWait(this.#chargedBytes);
  }

  /** Tells that it waits for data from now on, and perhaps for long. */
  waits(): void {
    const bytes = this.#chargedBytes;
    this.#owner.inflight.chargeWaiting(bytes);
    this.#waitingBytes += bytes;
    this.#chargedBytes = 0;
  }

  charge(bytes: number): void {
    this.#chargedBytes += bytes;
    this.#owner.inflight.charge(bytes);
  }

  /** Frees the memory of the request's payload, all of it, which nobody may read again. */
  freePayload(payload: Pieces): void {
    const bytes = freePayload(payload);
    if (bytes > 0) this.#owner.inputFreed(bytes);
  }

  /**
   * Answers with bytes, which must not change, then with the rest, whose slices of the log are
   * read as the socket drains.
   */
  answer(head: Uint8Array, rest: readonly OutboxEntry[] = NO_REST): void {
    if (this.#isSettled) {
      this.#owner.log("answered twice", "bug: a request was answered twice");
      return;
    }
    this.#isSettled = true;
    this.#owner.settled(this, head, rest);
  }

  /** Settles the request without an answer. */
  answerNothing(): void {
    this.answer(NO_BYTES);
  }
}

/** Describes an unexpected error for the log, with its stack. */
export function describeBug(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
