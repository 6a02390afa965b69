// What one connection has in flight: whole requests that are not answered, and bytes that are kept until the
// client sends the rest of a frame or takes its answers. Leaves to others: what the sum of all connections
// may be (inflight-budget.ts), and the bytes themselves (frame.ts, outbox.ts).
import { UNSENT_BYTES_MAX } from "../limits.ts";
import type { ConnectionLimits } from "./connection-host.ts";
import type { Wait } from "./exchange.ts";
import type { InflightBudget, InflightHolder } from "./inflight-budget.ts";
import type { Outbox } from "./outbox.ts";

/** What a request costs beside its bytes: the objects that remember it, about. */
const REQUEST_OVERHEAD_BYTES = 256;

/** What one connection has in flight. */
export class InflightAccount {
  readonly holder: InflightHolder;
  readonly #budget: InflightBudget;
  readonly #limits: ConnectionLimits;
  readonly #outbox: Outbox;
  readonly #waits = new Set<Wait>();
  #requests = 0;
  #requestBytes = 0;
  #keptBytes = 0;

  constructor(
    budget: InflightBudget,
    holder: InflightHolder,
    outbox: Outbox,
    limits: ConnectionLimits,
  ) {
    this.#budget = budget;
    this.holder = holder;
    this.#outbox = outbox;
    this.#limits = limits;
  }

  /** Requests that are not answered. */
  get unanswered(): number {
    return this.#requests;
  }

  /** Requests that are not answered, and pieces of answers that are not sent. */
  get requests(): number {
    return this.#requests + this.#outbox.entries;
  }

  /** Bytes of requests that are not answered and of answers that are not sent. */
  get bytes(): number {
    return this.#requestBytes + this.#outbox.bytes;
  }

  /** Bytes that were last said to be kept. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** A whole request came. It may have the budget stop the reading of all sockets. */
  began(bytes: number): void {
    this.#requests++;
    this.#requestBytes += bytes;
    this.#budget.addWorking(bytes + REQUEST_OVERHEAD_BYTES);
  }

  /** A request needs more memory than its own bytes, until it has ended. */
  charge(bytes: number): void {
    this.#requestBytes += bytes;
    this.#budget.addCharged(bytes);
  }

  /** A request was answered, or never will be because it waited when its connection was closed. */
  ended(bytes: number, chargedBytes = 0): void {
    this.#requests--;
    this.#requestBytes -= bytes + chargedBytes;
    if (chargedBytes > 0) this.#budget.addCharged(-chargedBytes);
    this.#budget.addWorking(-bytes - REQUEST_OVERHEAD_BYTES);
  }

  /**
   * Says what is kept now, and whether it is for the client to move: `moved` when it just has. It may have
   * the budget give this connection up, or others.
   */
  keep(bytes: number, clientIsToMove: boolean, moved: boolean): void {
    const more = bytes - this.#keptBytes;
    this.#keptBytes = bytes;
    this.#budget.addKept(this, more, clientIsToMove && bytes > 0, moved);
  }

  /** Whether requests are not to be read, too much is in flight, here or in all. */
  get isOver(): boolean {
    const { connectionBytesMax, connectionRequestsMax } = this.#limits;
    return (
      this.#budget.isFull ||
      this.#outbox.memoryBytes > UNSENT_BYTES_MAX ||
      this.bytes > connectionBytesMax ||
      this.requests >= connectionRequestsMax
    );
  }

  /** Whether they may be read again: below half, so that a socket is not paused and resumed for each. */
  get isRelieved(): boolean {
    const { connectionBytesMax, connectionRequestsMax } = this.#limits;
    return (
      !this.#budget.isFull &&
      this.#outbox.memoryBytes <= UNSENT_BYTES_MAX / 2 &&
      this.bytes <= connectionBytesMax / 2 &&
      this.requests <= connectionRequestsMax / 2
    );
  }

  /** Whether one more fetch may wait for data. */
  get mayWait(): boolean {
    return this.#budget.mayWait(this.#waits.size);
  }

  /** A fetch begins to wait for data. */
  addWait(wait: Wait): void {
    this.#waits.add(wait);
    this.#budget.addWaits(1);
  }

  /** A fetch has ended to wait. */
  removeWait(wait: Wait): void {
    if (this.#waits.delete(wait)) this.#budget.addWaits(-1);
  }

  /** Answers at once whatever waits for data. */
  finishWaits(): void {
    for (const wait of [...this.#waits]) wait.finish();
  }

  /** The connection is closed: nothing waits any more. What is still worked on counts until it is done. */
  close(): void {
    for (const wait of [...this.#waits]) {
      wait.cancel();
      this.ended(wait.requestBytes);
    }
    this.keep(0, false, false);
    this.#budget.close(this);
  }
}
