// Keeps the produces of one connection to one topic in the order received, also while the first of them is
// creating the topic. Leaves to others: creating it (the topic registry), and order within a partition.

/** For each topic that is being created, the steps of one connection that wait for it. */
export class TopicOrder {
  /** The last step of each chain; a topic that is there has none. */
  readonly #tails = new Map<string, Promise<void>>();

  /**
   * Runs `step` after every earlier step for the topic that is not done: usually at once. A step that returns
   * a promise is done when that settles; one that fails does not keep later ones from running.
   */
  run(topic: string, step: () => void | Promise<void>): void | Promise<void> {
    const before = this.#tails.get(topic);
    const outcome = before === undefined ? step() : before.then(step);
    if (outcome === undefined) return;
    const forget = (): void => {
      if (this.#tails.get(topic) === tail) this.#tails.delete(topic);
    };
    const tail = outcome.then(forget, forget);
    this.#tails.set(topic, tail);
    return outcome;
  }
}
