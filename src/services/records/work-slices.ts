// The turns of work that goes through a log for a person: short slices of the event loop, with rests between them that
// leave the loop to clients. Ends the work when nobody waits for it any more.
// Leaves to others: the work, and how much of it one answer may take (browse.ts).
import { checkNotCancelled } from "../../cancelled.js";

/**
 * Time that work holds the event loop at once, and that it leaves to others when they do nothing, in milliseconds. A step that
 * can't be divided may take longer, and is followed by as long a rest.
 */
const SLICE_MS = 3;
const REST_MS_MIN = 3;

/** Rests are longer by this factor when others keep the loop or the machine busy all the time, and in proportion below that. */
const BUSY_FACTOR = 16;

/** Delay of a timer on an idle machine, in milliseconds. */
const TIMER_DELAY_MS = 1;

/** How busy others were in the last rests, of all work of this process: from 0 to 1. */
let busy = 0;

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
    return performance.now() - this.#startMs < SLICE_MS ? undefined : this.rest();
  }

  /** Leaves the event loop to others for a while. */
  async rest(): Promise<void> {
    const beganMs = performance.now();
    const restMs = Math.max(REST_MS_MIN * (1 + BUSY_FACTOR * busy), beganMs - this.#startMs);
    const before = process.cpuUsage();
    await this.waitFor(new Promise((resolve) => setTimeout(resolve, restMs)));
    const tookMs = performance.now() - beganMs;
    const { user, system } = process.cpuUsage(before);
    const delayMs = Math.max(0, tookMs - restMs - TIMER_DELAY_MS);
    const usedMs = Math.max((user + system) / 1000, delayMs);
    busy = (busy + Math.min(1, usedMs / tookMs)) / 2;
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

  #check(): void {
    checkNotCancelled(this.#signal);
  }
}
