// Decides which flushes run in place: on the event loop's own thread, which then waits for the disk. Handing a small
// flush to another thread and back costs a third of its time on a fast disk.
// Leaves to others: flushing in the background (real-disk.ts), and what to flush when.

/** Larger flushes run in the background, so that the event loop works while the disk does. */
const BYTES_MAX = 64 * 1024;

/** A writer counts as alone after this long without a sign of another client, in milliseconds. */
const ALONE_MS = 100;

/** A flush in place that takes longer blocks the broker for too long, in milliseconds. */
const QUICK_MS = 1;

/**
 * After a slow flush, none runs in place for this many times its duration, so slow ones take at most 1/20 of the time.
 */
const PAUSE_FACTOR = 20;

/** Signals from outside the disk that the decision needs. */
interface QuickFlushContext {
  /** Number of requests answered so far; if missing, every writer counts as alone. */
  readonly answered?: () => number;
  /** A monotonic clock, in milliseconds. */
  readonly now?: () => number;
  /** Calls an action at the end of this turn of the event loop. */
  readonly atEndOfTurn?: (action: () => void) => void;
}

/** Writes to a file since its last flush. */
interface Unflushed {
  readonly writes: number;
  readonly bytes: number;
}

/**
 * Allows a flush in place for a single small write, while there is no other client and the disk is fast. This gives a
 * lone writer the shortest latency. With many writers, flushes overlap in the background, and writes that arrive during
 * one flush share the next.
 */
export class QuickFlushes {
  readonly #answered: () => number;
  readonly #now: () => number;
  readonly #atEndOfTurn: (action: () => void) => void;
  #lastFile: object | undefined;
  #lastAnswered = 0;
  #inThisTurn = false;
  #aloneFromMs = 0;
  #pausedUntilMs = 0;

  constructor({
    answered = () => 0,
    now = () => performance.now(),
    atEndOfTurn = setImmediate,
  }: QuickFlushContext = {}) {
    this.#answered = answered;
    this.#now = now;
    this.#atEndOfTurn = atEndOfTurn;
  }

  /** Whether to flush this file in place. Must be called before each flush of any file. */
  allow(file: object, { writes, bytes }: Unflushed): boolean {
    const now = this.#now();
    const answered = this.#answered();
    // Signs of other clients: several files, several writes in one flush, several flushes in a turn, or other requests
    // that would wait for the disk too.
    const others = answered - this.#lastAnswered > 1;
    this.#lastAnswered = answered;
    if (file !== this.#lastFile || writes > 1 || this.#inThisTurn || others) {
      this.#lastFile = file;
      this.#aloneFromMs = now + ALONE_MS;
    }
    return bytes <= BYTES_MAX && now >= this.#aloneFromMs && now >= this.#pausedUntilMs;
  }

  /** Runs a flush in place and measures it. Errors pass through. */
  run(flush: () => void): void {
    this.#inThisTurn = true;
    this.#atEndOfTurn(() => {
      this.#inThisTurn = false;
    });
    const beganMs = this.#now();
    flush();
    const endedMs = this.#now();
    const tookMs = endedMs - beganMs;
    if (tookMs > QUICK_MS) this.#pausedUntilMs = endedMs + PAUSE_FACTOR * tookMs;
  }
}
