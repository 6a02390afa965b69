// Asks again and again while the answer is on the screen. Leaves to others: the question.

/** After an answer that took long, wait this many times as long: ten pages may be open. */
const REST_FACTOR = 50;

export class Poll {
  readonly #work: (signal: AbortSignal) => Promise<void>;
  readonly #restMs: number;
  #run: AbortController | undefined;

  /** Repeats `work`, with at least `restMs` in between. It must not reject, unless it is aborted. */
  constructor(work: (signal: AbortSignal) => Promise<void>, restMs: number) {
    this.#work = work;
    this.#restMs = restMs;
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
      const beganMs = performance.now();
      // Nobody looks at a page in the background.
      if (!document.hidden) await this.#work(signal).catch(() => {});
      const restMs = Math.max(this.#restMs, (performance.now() - beganMs) * REST_FACTOR);
      await new Promise((resolve) => setTimeout(resolve, restMs));
    }
  }
}
