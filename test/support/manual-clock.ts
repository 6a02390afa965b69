// A clock that stands still until a test moves it. Leaves to others: expectations.
import type { GroupClock } from "../../src/groups/group-clock.js";

interface Timer {
  readonly at: number;
  readonly call: () => void;
}

export class ManualClock implements GroupClock {
  #now = 1_000;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  time(): number {
    return 1_700_000_000_000 + this.#now;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.#now + ms, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Number of timers that are running. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Moves the clock, and fires each timer at its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.at > end) break;
      this.#now = Math.max(this.#now, next.at);
      this.#timers.delete(next);
      next.call();
    }
    this.#now = end;
  }

  /** Moves the clock at once, as if the process had stood still: timers fire late. */
  jump(ms: number): void {
    this.#now += ms;
    this.advance(0);
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (next === undefined || timer.at < next.at) next = timer;
    }
    return next;
  }
}
