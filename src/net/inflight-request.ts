// A request that has come whole, until it is settled: answered, or known to need no answer.
// Leaves to others: what it says (its dialect), and how the answer reaches the client (connection.ts).
import type { InflightAccount } from "./inflight.ts";
import type { ByteSource } from "./outbox.ts";
import { NO_BYTES } from "../record/bytes.ts";

const NO_SLICES: readonly ByteSource[] = [];

/** The connection that a request came on. */
export interface RequestOwner {
  readonly inflight: InflightAccount;
  /** Takes the answer to a request, which is empty if there is to be none. */
  settled(request: InflightRequest, head: Uint8Array, slices: readonly ByteSource[]): void;
  /** Writes a line to the broker's log, unless there were many of its kind lately. */
  log(kind: string, line: string): void;
}

/** A request that is to be settled exactly once, now or later. */
export class InflightRequest {
  readonly #owner: RequestOwner;
  /** Bytes of the request that count against its connection until it is settled. */
  readonly bytes: number;
  /** When all of it had come, on the clock of `performance.now()`. */
  readonly beganMs: number;
  #chargedBytes = 0;
  #isSettled = false;

  constructor(owner: RequestOwner, bytes: number, beganMs: number) {
    this.#owner = owner;
    this.bytes = bytes;
    this.beganMs = beganMs;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Bytes that it needs beyond its own: what it is decoded to, what is written for it, a long answer. */
  get chargedBytes(): number {
    return this.#chargedBytes;
  }

  charge(bytes: number): void {
    this.#chargedBytes += bytes;
    this.#owner.inflight.charge(bytes);
  }

  /** Answers with bytes that will not change, and with runs of the log that are read as the socket drains. */
  answer(head: Uint8Array, slices: readonly ByteSource[] = NO_SLICES): void {
    if (this.#isSettled) {
      this.#owner.log("answered twice", "bug: a request was answered twice");
      return;
    }
    this.#isSettled = true;
    this.#owner.settled(this, head, slices);
  }

  /** Settles a request that needs no answer. */
  answerNothing(): void {
    this.answer(NO_BYTES);
  }
}

/** What the log says of an error that should not have been: where it came from, too. */
export function describeBug(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
