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
