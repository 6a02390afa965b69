// When the garbage collector is asked to come, because it does not see how much hangs on small objects of its own:
// mappings of files that were deleted, and the chunks that sockets give.
// Leaves to others: deleting files (log/), and saying when (broker.ts, net/listener.ts).

/** Longest collection that everything else may wait for, in milliseconds. */
const PAUSE_MS_MAX = 20;

/** Bytes of objects with which a collection may take that long on a busy machine: it takes 90 ms for 30 MB. */
const OBJECT_BYTES_MAX = 8 * 1024 * 1024;

/** What collections are made with; all of it has a default. */
export interface CollectionsOptions {
  readonly gc?: (force: boolean) => void;
  /** Bytes of the objects in memory, without what hangs on them. */
  readonly objectBytes?: () => number;
  readonly nowMs?: () => number;
}

/** How memory is collected: at once while that is quick, else beside the work. */
export class Collections {
  readonly #gc: (force: boolean) => void;
  readonly #objectBytes: () => number;
  readonly #nowMs: () => number;
  /** How long the last two took. */
  #lastMs = 0;
  #beforeMs = 0;

  constructor(options: CollectionsOptions = {}) {
    this.#gc = options.gc ?? ((force) => void Bun.gc(force));
    this.#objectBytes = options.objectBytes ?? objectBytes;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /**
   * Collects. A forced collection finds all there is, and takes as long as there are objects in use: 90 ms with a million
   * groups. Where there are so many, or where two took too long (one of them may have waited for a processor), the
   * collector is only told that it is time: it works in threads of its own, and may leave something for the next time.
   */
  collect(): void {
    const isSlow = Math.min(this.#lastMs, this.#beforeMs) > PAUSE_MS_MAX;
    if (isSlow || this.#objectBytes() > OBJECT_BYTES_MAX) {
      this.#gc(false);
      return;
    }
    const beganMs = this.#nowMs();
    this.#gc(true);
    this.#beforeMs = this.#lastMs;
    this.#lastMs = this.#nowMs() - beganMs;
  }
}

/** A collection goes through these; the size of what hangs on them does not matter. */
function objectBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed - external;
}

const collections = new Collections();

/** Collects what can be, without a long pause. */
export function collectGarbage(): void {
  collections.collect();
}

/** Deletions this close together share one collection, in milliseconds. */
const COLLECT_AFTER_MS = 500;

let timer: Timer | undefined;

/**
 * Schedules a collection, so that mappings of files that were just deleted are released soon. Bun ends a mapping, and
 * gives back its file, its descriptor and the space on the disk, when the array over it is collected, which may
 * otherwise not be for hours.
 */
export function collectSoon(): void {
  if (timer !== undefined) return;
  timer = setTimeout(() => {
    timer = undefined;
    collectGarbage();
  }, COLLECT_AFTER_MS);
  timer.unref();
}

/** Bytes of input that may become garbage before it is collected. */
const INPUT_BYTES = 128 * 1024 * 1024;

/** Most of the time that may go into these collections. */
const TIME_SHARE_MAX = 0.1;

/**
 * Bounds what input leaves behind. Each chunk of a socket is an array of its own, and one that is still in use when
 * the collector looks at the young ones is not looked at again for long: at full speed that came to 300 MiB.
 */
export class InputCollector {
  readonly #collect: () => void;
  readonly #nowMs: () => number;
  #bytes = 0;
  #notBeforeMs = 0;
  /** How long the last collection took. */
  #lastMs = Number.POSITIVE_INFINITY;

  constructor(collect = collectGarbage, nowMs = () => performance.now()) {
    this.#collect = collect;
    this.#nowMs = nowMs;
  }

  /** Counts a chunk that was dealt with, and collects if there were many, and enough time has gone by. */
  received(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < INPUT_BYTES) return;
    const beganMs = this.#nowMs();
    if (beganMs < this.#notBeforeMs) return;
    this.#bytes = 0;
    this.#collect();
    const endedMs = this.#nowMs();
    const tookMs = endedMs - beganMs;
    // The shorter of two: one of them may have waited for a processor, which says nothing of what it costs.
    this.#notBeforeMs = endedMs + Math.min(tookMs, this.#lastMs) / TIME_SHARE_MAX;
    this.#lastMs = tookMs;
  }
}
