// Whose requests go on next. Requests of all connections share the time between two looks at the sockets: what does
// not fit waits here for a turn, so that no client, nor many together, keep the others waiting.
// Leaves to others: what is done in a turn (input.ts), and which requests are small (request-size.ts).
//
// There are three queues, and in each turn of the loop each gets its share. Small requests cost some microseconds: many
// connections have a turn before the sockets are looked at again. Bulk requests take longer, and no more of them
// begin while those that are at work hold much memory. Work that a request has begun goes on a portion at a time.

/** Time that the requests of all connections have between two looks at the sockets, in milliseconds. */
export const TURN_MS = 2;

/** Longest turn of one connection among those with small requests, in milliseconds. */
const SMALL_TURN_MS = 0.5;

/** Time for portions of work that has begun, in milliseconds; at least one is done. */
const PORTIONS_MS = 1;

/** Time after which what was spent is forgotten at the next look at the sockets, in milliseconds. */
const COUNTED_MS = 0.5;

export interface Turn {
  /** When it is over. */
  readonly endMs: number;
  /** Whether bulk requests may begin in it. */
  readonly isBulk: boolean;
}

export interface TurnTaker {
  /** Whether the request that it would begin with is a small one. */
  readonly isNextSmall: boolean;
  /** Begins with one request, and goes on until the turn is over or nothing is left. */
  takeTurn(turn: Turn): void;
}

/** What turns are made with; all of it has a default. */
export interface TurnsOptions {
  /** Whether one more bulk request may begin. */
  readonly mayBeginBulk?: () => boolean;
  readonly nowMs?: () => number;
  /** Calls back after the next look at the sockets. */
  readonly afterSockets?: (call: () => void) => void;
}

/** Those that wait for their next turn, in order. */
export class Turns {
  readonly #small = new Set<TurnTaker>();
  readonly #bulk = new Set<TurnTaker>();
  #portions: (() => void)[] = [];
  /** Those before this one are done. */
  #nextPortion = 0;
  readonly #mayBeginBulk: () => boolean;
  readonly #nowMs: () => number;
  readonly #afterSockets: (call: () => void) => void;
  #spentMs = 0;
  #isScheduled = false;

  constructor(options: TurnsOptions = {}) {
    this.#mayBeginBulk = options.mayBeginBulk ?? (() => true);
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#afterSockets = options.afterSockets ?? ((call) => setImmediate(call));
  }

  /** Time that is left until the sockets are to be looked at, in milliseconds; negative once it is over. */
  get leftMs(): number {
    return TURN_MS - this.#spentMs;
  }

  /** Whether a bulk request may begin in this turn; without one, nobody may wait for theirs. */
  mayBeginBulk(turn: Turn | undefined): boolean {
    if (turn !== undefined) return turn.isBulk && this.#mayBeginBulk();
    return this.#bulk.size === 0 && this.leftMs > 0 && this.#mayBeginBulk();
  }

  /** Counts time that was spent on requests or answers. */
  spend(ms: number): void {
    this.#spentMs += ms;
    if (this.#spentMs > COUNTED_MS) this.#schedule();
  }

  add(taker: TurnTaker): void {
    (taker.isNextSmall ? this.#small : this.#bulk).add(taker);
    this.#schedule();
  }

  /** Resolves when the next portion of work that takes long may be done, which must be short. */
  nextPortion(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#portions.push(resolve);
    this.#schedule();
    return promise;
  }

  /** Calls back: at once while there is time, else in a later turn of the loop. For what may be due for many at once. */
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

  /** Looks again whether bulk requests may begin. */
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

  /** What goes on here goes on before anything else in the loop, as it waits for promises that are resolved. */
  async #servePortions(): Promise<void> {
    const endMs = this.#nowMs() + PORTIONS_MS;
    for (let left = this.#portionsLeft; left > 0 && this.#nowMs() <= endMs; left--) {
      this.#portions[this.#nextPortion++]!();
      await undefined; // the portion is done now
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
