// Fair scheduling. Requests of all connections share the time between two polls of the sockets. Connections whose
// requests do not fit wait here for a turn, so that busy clients do not block the others.
// Leaves to others: the work of a turn (input.ts), and which requests are small (the dialects).
//
// There are three queues, and each gets a share of every turn of the event loop. Small requests take some microseconds, so
// many connections have a turn before the next poll. Bulk requests take longer, and none begins while those in progress
// hold much memory. Long work continues in portions.

import { clockMs } from "../clock.js";

/** Time for requests of all connections between two polls of the sockets, in milliseconds. */
export const TURN_MS = 2;

/** Longest turn of a connection in the queue of small requests, in milliseconds. */
const SMALL_TURN_MS = 0.5;

/** Time for portions of long work, in milliseconds; at least one is done. */
const PORTIONS_MS = 1;

/** Spent time above which the count is reset after the next poll of the sockets, in milliseconds. */
const COUNTED_MS = 0.5;

export interface Turn {
  readonly endMs: number;
  /** Whether bulk requests may begin in this turn. */
  readonly isBulk: boolean;
}

export interface TurnTaker {
  /** Whether the next request is a small one. */
  readonly isNextSmall: boolean;
  /** Handles at least one request, and more until the turn ends. */
  takeTurn(turn: Turn): void;
}

interface TurnsOptions {
  /** Whether another bulk request may begin. */
  readonly mayBeginBulk?: () => boolean;
  readonly nowMs?: () => number;
  /** Calls back after the next poll of the sockets. */
  readonly afterSockets?: (call: () => void) => void;
}

export class Turns {
  readonly #small = new Set<TurnTaker>();
  readonly #bulk = new Set<TurnTaker>();
  #portions: (() => void)[] = [];
  /** Index of the first portion that is not done. */
  #nextPortion = 0;
  readonly #mayBeginBulk: () => boolean;
  readonly #nowMs: () => number;
  readonly #afterSockets: (call: () => void) => void;
  #spentMs = 0;
  #isScheduled = false;

  constructor(options: TurnsOptions = {}) {
    this.#mayBeginBulk = options.mayBeginBulk ?? (() => true);
    this.#nowMs = options.nowMs ?? clockMs;
    this.#afterSockets = options.afterSockets ?? ((call) => setImmediate(call));
  }

  /** Time left until the next poll of the sockets, in milliseconds; negative when it is overdue. */
  get leftMs(): number {
    return TURN_MS - this.#spentMs;
  }

  /** Whether a bulk request may begin in this turn, or outside any turn: then no other connection may be waiting. */
  mayBeginBulk(turn: Turn | undefined): boolean {
    if (turn !== undefined) return turn.isBulk && this.#mayBeginBulk();
    return this.#bulk.size === 0 && this.leftMs > 0 && this.#mayBeginBulk();
  }

  /** Adds time spent on requests or answers. */
  spend(ms: number): void {
    this.#spentMs += ms;
    if (this.#spentMs > COUNTED_MS) this.#schedule();
  }

  add(taker: TurnTaker): void {
    (taker.isNextSmall ? this.#small : this.#bulk).add(taker);
    this.#schedule();
  }

  /** Resolves when the next portion of long work may run. The portion must be short. */
  nextPortion(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#portions.push(resolve);
    this.#schedule();
    return promise;
  }

  /** Calls back now if there is time, otherwise in a later turn of the event loop. For work that many requests may need at once. */
  whenTime(call: () => void): void {
    if (this.leftMs > 0 && this.#portionsLeft === 0) {
      const beganMs = this.#nowMs();
      call();
      this.spend(this.#nowMs() - beganMs);
      return;
    }
    this.#portions.push(call);
    this.#schedule();
  }

  /** Tells that bulk requests may begin again. */
  bulkMayBegin(): void {
    if (this.#bulk.size > 0) this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#afterSockets(() => this.#run());
  }

  #run(): void {
    this.#isScheduled = false;
    this.#serve(this.#small, SMALL_TURN_MS, false);
    this.#serve(this.#bulk, TURN_MS, true);
    if (this.#portionsLeft === 0) this.#finishRun();
    else void this.#servePortions();
  }

  /** Awaits only resolved promises, so that all of it runs before anything else in the event loop. */
  async #servePortions(): Promise<void> {
    const endMs = this.#nowMs() + PORTIONS_MS;
    for (let left = this.#portionsLeft; left > 0 && this.#nowMs() <= endMs; left--) {
      this.#portions[this.#nextPortion++]!();
      await undefined; // runs the portion
    }
    if (this.#portionsLeft === 0) {
      this.#portions = [];
      this.#nextPortion = 0;
    }
    this.#finishRun();
  }

  get #portionsLeft(): number {
    return this.#portions.length - this.#nextPortion;
  }

  #finishRun(): void {
    this.#spentMs = 0;
    const isBulkWaiting = this.#bulk.size > 0 && this.#mayBeginBulk();
    if (this.#small.size > 0 || isBulkWaiting || this.#portionsLeft > 0) this.#schedule();
  }

  #serve(takers: Set<TurnTaker>, turnMs: number, isBulk: boolean): void {
    const endMs = this.#nowMs() + TURN_MS;
    for (const taker of takers) {
      if (isBulk && !this.#mayBeginBulk()) return;
      takers.delete(taker);
      taker.takeTurn({ endMs: Math.min(this.#nowMs() + turnMs, endMs), isBulk });
      if (this.#nowMs() > endMs) return;
    }
  }
}
