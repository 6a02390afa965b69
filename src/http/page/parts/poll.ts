// Asks again and again while the answer is on the screen. Leaves to others: the question.

interface PollPace {
  /** The shortest time between two questions, in milliseconds; asked for after each answer. */
  readonly restMs: () => number;
  /** After an answer that took long, wait this many times as long: ten pages may be open. */
  readonly restFactor: number;
}

export class Poll {
  readonly #work: (signal: AbortSignal) => Promise<void>;
  readonly #pace: PollPace;
  #run: AbortController | undefined;

  /** Repeats `work`. It must not reject, unless it is aborted. */
  constructor(work: (signal: AbortSignal) => Promise<void>, pace: PollPace) {
    this.#work = work;
    this.#pace = pace;
  }

  /** Begins at once; what is under way is abandoned. */
  start(): void {
    this.stop();
    this.#run = new AbortController();
    void this.#repeat(this.#run.signal);
  }

  stop(): void {
    this.#run?.abort();
    this.#run = undefined;
  }

  async #repeat(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // Nobody looks at a page in the background. It asks as soon as it is shown.
      while (document.hidden) await shown(signal);
      const beganMs = performance.now();
      await this.#work(signal).catch(() => {});
      const { restMs, restFactor } = this.#pace;
      const dueMs = Math.max(restMs(), (performance.now() - beganMs) * restFactor);
      await new Promise((resolve) => setTimeout(resolve, dueMs));
    }
  }
}

/** Resolves when the page is shown or hidden; never once the signal is aborted. */
function shown(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", () => resolve(), { once: true, signal });
  });
}
