// Giving way: work over many files or partitions is done in small portions, and other clients are served in between.
// Leaves to others: the work, and how much of it a portion is.

/** Resolves in a later turn of the event loop, after sockets and timers have had theirs. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves at once `portion - 1` times out of `portion`, and then in a later turn. */
export class Portions {
  readonly #portion: number;
  #done = 0;

  constructor(portion: number) {
    this.#portion = portion;
  }

  /** To be awaited after each item. */
  next(): Promise<void> | undefined {
    this.#done++;
    return this.#done % this.#portion === 0 ? nextTurn() : undefined;
  }
}

/** So many items in one turn of the event loop, whoever asks: several pieces of work share them. */
export class TurnBudget {
  readonly #itemsPerTurn: number;
  #left: number;
  readonly #waiting: (() => void)[] = [];
  #isScheduled = false;

  constructor(itemsPerTurn: number) {
    this.#itemsPerTurn = itemsPerTurn;
    this.#left = itemsPerTurn;
  }

  /** To be awaited before each item: resolves at once, or in a later turn if those of this one are given out. */
  next(): Promise<void> | undefined {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      setImmediate(() => this.#renew());
    }
    if (this.#left > 0) {
      this.#left--;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #renew(): void {
    const due = this.#waiting.splice(0, this.#itemsPerTurn);
    this.#left = this.#itemsPerTurn - due.length;
    this.#isScheduled = this.#waiting.length > 0;
    if (this.#isScheduled) setImmediate(() => this.#renew());
    for (const resolve of due) resolve();
  }
}
