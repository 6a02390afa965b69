// Serializes work that must not overlap: the flushes and rolls of one partition.
// Leaves to others: the work (appender.ts).

export class OneAtATime {
  #underWay: Promise<void> | undefined;

  /** The current work; never rejects. Undefined if idle. */
  get underWay(): Promise<void> | undefined {
    return this.#underWay;
  }

  /** Runs `work` now if idle, else after the current work. */
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
