// Work that must not overlap: the flushes and the rolls of one partition.
// Leaves to others: what the work is (appender.ts).

/** Runs one piece of work after the other. */
export class OneAtATime {
  #underWay: Promise<void> | undefined;

  /** What is under way now, which never rejects; undefined if there is nothing. */
  get underWay(): Promise<void> | undefined {
    return this.#underWay;
  }

  /** Runs `work` at once if nothing is under way, else after that. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    while (this.#underWay !== undefined) await this.#underWay;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay = promise;
    try {
      return await work();
    } finally {
      this.#underWay = undefined;
      resolve();
    }
  }
}
