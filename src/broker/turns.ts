// Whose requests go on next: a connection that brought more than fit one turn waits here for another, so that
// no client, nor many together, keep the others waiting. Leaves to others: what is done in a turn.

/** How long requests are dispatched before sockets are looked at again, in milliseconds. */
export const TURN_MS = 2;

/** Who can have a turn. */
export interface TurnTaker {
  /** Goes on until the turn is over or nothing is left. */
  readOn(): void;
}

/** Those that wait for their next turn, in order. All of them together have one turn between two looks at the sockets. */
export class Turns {
  readonly #waiting = new Set<TurnTaker>();
  #isScheduled = false;

  /** Waits for a turn. */
  add(taker: TurnTaker): void {
    this.#waiting.add(taker);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    const endMs = performance.now() + TURN_MS;
    for (const taker of this.#waiting) {
      this.#waiting.delete(taker);
      taker.readOn();
      if (performance.now() > endMs) break;
    }
    this.#isScheduled = false;
    const [next] = this.#waiting;
    if (next !== undefined) this.add(next);
  }
}
