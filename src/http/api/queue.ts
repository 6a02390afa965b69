// Questions of pages that are answered one after another, because each may read and decompress much.
import { checkNotCancelled } from "../../cancelled.js";
import { RustLogError } from "../../errors.js";
import { OneAtATime } from "../../topics/one-at-a-time.js";

/** Maximum number of waiting questions. */
const ASKING_MAX = 64;

/** Answers questions one after another. */
export class Queue {
  readonly #work = new OneAtATime();
  #waiting = 0;

  /** Runs `work` in its turn, unless it was cancelled or too many are waiting. */
  async answer<T>(signal: AbortSignal, work: () => T | Promise<T>): Promise<T> {
    if (this.#waiting >= ASKING_MAX) {
      const message = `too many questions from pages are waiting (${ASKING_MAX})`;
      throw new RustLogError("BROKER_OVERLOADED", message);
    }
    this.#waiting++;
    try {
      return await this.#work.run(async () => {
        checkNotCancelled(signal);
        return await work();
      });
    } finally {
      this.#waiting--;
    }
  }
}
