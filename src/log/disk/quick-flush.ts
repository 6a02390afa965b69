// Flushing in place: on the thread of the event loop, which waits for the disk, instead of on a thread of the
// runtime. The way to another thread and back takes a third of the time of a small flush on a fast disk.
// Leaves to others: flushing in the background (real-disk.ts), and what is flushed when.

/** More than this is flushed in the background: the disk has something to do, and so has the event loop. */
const BYTES_MAX = 64 * 1024;

/** Whoever writes is alone when there was no sign of another client for so long, in milliseconds. */
const ALONE_MS = 100;

/** A flush in place that took longer has stopped the broker for too much, in milliseconds. */
const QUICK_MS = 1;

/** After such a flush there is none in place for so many times as long: slow ones take 1 part in 20 at most. */
const PAUSE_FACTOR = 20;

/** What the rules are told of the world around the disk. */
export interface QuickFlushContext {
  /** How many requests were answered so far; without it nobody else is known to be there. */
  readonly answered?: () => number;
  /** A clock in milliseconds that never goes back. */
  readonly now?: () => number;
  /** Calls an action when this turn of the event loop is over. */
  readonly atEndOfTurn?: (action: () => void) => void;
}

/** What a file has got since its last flush. */
export interface Unflushed {
  readonly writes: number;
  readonly bytes: number;
}

/**
 * Says which flushes are worth the wait: those of one small write, while there is nobody else, and while the disk
 * proves to be fast. So whoever writes alone has the shortest latency; where many write, their flushes overlap,
 * and what comes during one shares the next.
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

  /** Whether a file is to be flushed in place; to be asked before each flush of any file. */
  allow(file: object, { writes, bytes }: Unflushed): boolean {
    const now = this.#now();
    const answered = this.#answered();
    // Several clients are several files, or several writes that one flush covers, or several flushes in a turn;
    // or others that ask for something, and would wait for the disk too.
    const others = answered - this.#lastAnswered > 1;
    this.#lastAnswered = answered;
    if (file !== this.#lastFile || writes > 1 || this.#inThisTurn || others) {
      this.#lastFile = file;
      this.#aloneFromMs = now + ALONE_MS;
    }
    return bytes <= BYTES_MAX && now >= this.#aloneFromMs && now >= this.#pausedUntilMs;
  }

  /** Runs a flush in place, and measures it. Throws what it throws. */
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
