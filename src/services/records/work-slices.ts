// The turns of work that goes through a log for a person: short slices of the event loop, with rests between them that
// leave the loop to clients. Ends the work when nobody waits for it any more.
// Leaves to others: the work, and how much of it one answer may take (browse.ts).
import { RustLogError } from "../../errors.js";

/**
 * Time that work holds the event loop at once, and that it then leaves to others, in milliseconds. A step that can't be divided
 * may take longer, and is followed by as long a rest.
 */
const SLICE_MS = 3;
const REST_MS = 3;

export class WorkSlices {
  readonly #signal: AbortSignal;
  readonly #beganMs = performance.now();
  #startMs = this.#beganMs;
  #workedMs = 0;

  /** The work rejects with INVALID_REQUEST once `signal` is aborted. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Time that the work has held the event loop so far, in milliseconds. */
  get workedMs(): number {
    return this.#workedMs + performance.now() - this.#startMs;
  }

  /** Time since the work began, with its rests, in milliseconds. */
  get elapsedMs(): number {
    return performance.now() - this.#beganMs;
  }

  /** Must be awaited after each small piece of work. Undefined while the slice is not used up. */
  pause(): Promise<void> | undefined {
    return performance.now() - this.#startMs < SLICE_MS ? undefined : this.#rest();
  }

  /** Waits for work that others do, such as decompression in another thread. */
  async waitFor<T>(work: Promise<T>): Promise<T> {
    this.#workedMs += performance.now() - this.#startMs;
    try {
      return await work;
    } finally {
      this.#startMs = performance.now();
      this.#check();
    }
  }

  #rest(): Promise<void> {
    const restMs = Math.max(REST_MS, performance.now() - this.#startMs);
    return this.waitFor(new Promise((resolve) => setTimeout(resolve, restMs)));
  }

  #check(): void {
    if (this.#signal.aborted)
      throw new RustLogError("INVALID_REQUEST", "the request was cancelled");
  }
}
