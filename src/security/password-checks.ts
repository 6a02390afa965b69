// The order in which passwords are checked. A check keeps a thread of the runtime's pool busy for a millisecond or more, and
// the flushes of the log need the same threads; so few run at once, and clients of different addresses take turns.
// Leaves to others: the check itself (scram.ts).

/** Leaves at least half of the threads to others, of which the runtime has one for each core. */
const CHECKS_AT_ONCE = Math.max(1, Math.floor(navigator.hardwareConcurrency / 2));

export class PasswordChecks {
  readonly #atOnce: number;
  #running = 0;
  /** Those that wait, by address; the address whose turn is next comes first. */
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(atOnce = CHECKS_AT_ONCE) {
    this.#atOnce = atOnce;
  }

  /** Runs `check` for a client at this address when it is its turn. */
  async run<T>(host: string, check: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnce) this.#running++;
    else await this.#turn(host);
    try {
      return await check();
    } finally {
      this.#next();
    }
  }

  #turn(host: string): Promise<void> {
    return new Promise((resolve) => {
      const queue = this.#waiting.get(host);
      if (queue === undefined) this.#waiting.set(host, [resolve]);
      else queue.push(resolve);
    });
  }

  /** Passes the place of a check that is over to the next address. */
  #next(): void {
    for (const [host, queue] of this.#waiting) {
      const begin = queue.shift();
      this.#waiting.delete(host);
      if (queue.length > 0) this.#waiting.set(host, queue);
      if (begin === undefined) continue;
      begin();
      return;
    }
    this.#running--;
  }
}
