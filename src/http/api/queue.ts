// Questions of pages that are answered one after another, because each may read and decompress much. Visitors take turns, so that
// the many questions of one do not keep the others waiting.
import { checkNotCancelled } from "../../cancelled.js";
import { RustLogError } from "../../errors.js";
import type { Visitor } from "./access.js";

/** Maximum number of waiting questions, and of those of one visitor. */
const ASKING_MAX = 64;
const VISITOR_ASKING_MAX = 32;

export class Queue {
  /** What begins each waiting question, by visitor. The visitor whose turn it is comes first. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #count = 0;
  #isBusy = false;

  /** Runs `work` in its turn, unless it was cancelled or too many are waiting. */
  async answer<T>(
    signal: AbortSignal,
    { share }: Pick<Visitor, "share">,
    work: () => T | Promise<T>,
  ): Promise<T> {
    await this.#turnOf(share);
    try {
      checkNotCancelled(signal);
      return await work();
    } finally {
      this.#beginNext();
    }
  }

  #turnOf(share: string): Promise<void> | undefined {
    if (!this.#isBusy) {
      this.#isBusy = true;
      return undefined;
    }
    const own = this.#waiting.get(share) ?? [];
    if (own.length >= VISITOR_ASKING_MAX) throw overloaded("of yours", VISITOR_ASKING_MAX);
    if (this.#count >= ASKING_MAX) throw overloaded("from pages", ASKING_MAX);
    this.#count++;
    this.#waiting.set(share, own);
    return new Promise((resolve) => own.push(resolve));
  }

  #beginNext(): void {
    for (const [share, own] of this.#waiting) {
      const begin = own.shift();
      this.#waiting.delete(share);
      if (own.length > 0) this.#waiting.set(share, own);
      this.#count--;
      begin?.();
      return;
    }
    this.#isBusy = false;
  }
}

function overloaded(whose: string, most: number): RustLogError {
  const message = `too many questions ${whose} are waiting (${most})`;
  return new RustLogError("BROKER_OVERLOADED", message);
}
