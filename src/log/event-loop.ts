// Splits work over many files or partitions into small portions, so that other clients are served in between.

/** Resolves in a later turn of the event loop, after sockets and timers. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Waits for a later turn of the event loop after every `portion` items. */
export class Portions {
  readonly #portion: number;
  #done = 0;

  constructor(portion: number) {
    this.#portion = portion;
  }

  /** Must be awaited after each item, or before a piece of work as large as some. */
  next(items = 1): Promise<void> | undefined {
    this.#done += items;
    if (this.#done < this.#portion) return undefined;
    this.#done = 0;
    return nextTurn();
  }
}

/** A number of items per turn of the event loop, shared by several pieces of work. */
export class TurnBudget {
  readonly #itemsPerTurn: number;
  #left: number;
  readonly #waiting: (() => void)[] = [];
  #isScheduled = false;

  constructor(itemsPerTurn: number) {
    this.#itemsPerTurn = itemsPerTurn;
    this.#left = itemsPerTurn;
  }

  /** Must be awaited before each item. Waits for a later turn if this turn's items are used up. */
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
