// Triggers garbage collection, because the collector does not see how much small objects hold: mappings of deleted
// files, and the chunks read from sockets.
// Leaves to others: deleting files (log/), and deciding when (broker.ts, net/listener.ts).

/** Longest collection that may block everything else, in milliseconds. */
const PAUSE_MS_MAX = 20;

/** After collections that took too long, the next one is forced after this many times as long. */
const PAUSE_FACTOR = 100;

/** Bytes of objects with which a collection may take that long on a busy machine: 30 MB take 90 ms. */
const OBJECT_BYTES_MAX = 8 * 1024 * 1024;

interface CollectionsOptions {
  readonly gc?: (force: boolean) => void;
  /** Bytes of the objects in memory, without what they hold. */
  readonly objectBytes?: () => number;
  readonly nowMs?: () => number;
}

/** How to collect: in place while that is quick, otherwise in the background. */
export class Collections {
  readonly #gc: (force: boolean) => void;
  readonly #objectBytes: () => number;
  readonly #nowMs: () => number;
  /** Duration of the last collection that was forced. */
  #lastMs = 0;
  #notBeforeMs = 0;

  constructor(options: CollectionsOptions = {}) {
    this.#gc = options.gc ?? ((force) => void Bun.gc(force));
    this.#objectBytes = options.objectBytes ?? objectBytes;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /**
   * Collects. A forced collection finds everything, and takes time in proportion to the live objects: 90 ms with a
   * million groups. With that many, or for a while if the last two took too long (a single one may have waited for a
   * processor), the collector is only notified: it runs in its own threads, and may leave something for the next time.
   * Only for a while, because a busy machine becomes quiet again, and uncollected memory adds up.
   *
   * Returns the time after which the next one may be forced, in milliseconds; undefined if this one was, or none may.
   */
  collect(): number | undefined {
    const beganMs = this.#nowMs();
    if (this.#objectBytes() > OBJECT_BYTES_MAX) {
      this.#gc(false);
      return undefined;
    }
    if (beganMs < this.#notBeforeMs) {
      this.#gc(false);
      return this.#notBeforeMs - beganMs;
    }
    this.#gc(true);
    const endedMs = this.#nowMs();
    const tookMs = endedMs - beganMs;
    const quickerMs = Math.min(tookMs, this.#lastMs);
    if (quickerMs > PAUSE_MS_MAX) this.#notBeforeMs = endedMs + PAUSE_FACTOR * quickerMs;
    this.#lastMs = tookMs;
    return undefined;
  }
}

/** A collection visits these objects; the size of what they hold does not matter. */
function objectBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed - external;
}

const collections = new Collections();

/** Collects what is possible without a long pause. Returns when to try again if that may have left something. */
export function collectGarbage(): number | undefined {
  return collections.collect();
}

/** Deletions this close together share one collection, in milliseconds. */
const COLLECT_AFTER_MS = 500;

let timer: Timer | undefined;

/**
 * Schedules a collection, so that mappings of deleted files are released soon. Bun unmaps a file, and releases its
 * descriptor and disk space, when the array over it is collected, which may otherwise take hours.
 */
export function collectSoon(): void {
  collectAfter(COLLECT_AFTER_MS);
}

function collectAfter(ms: number): void {
  if (timer !== undefined) return;
  timer = setTimeout(() => {
    timer = undefined;
    const againMs = collectGarbage();
    // An idle broker would have no other reason to collect.
    if (againMs !== undefined) collectAfter(againMs);
  }, ms);
  timer.unref();
}

/** Bytes of input from sockets that may become garbage before a collection. */
const INPUT_BYTES = 128 * 1024 * 1024;

/** Maximum share of the time for these collections. */
const TIME_SHARE_MAX = 0.1;

/**
 * Bounds the garbage that input leaves, from sockets or from batches that are decompressed. Each chunk of a socket is a separate array. A chunk still in use when the young
 * generation is collected is not visited again for a long time: at full speed that added up to 300 MiB.
 */
export class InputCollector {
  readonly #collect: () => void;
  readonly #nowMs: () => number;
  readonly #bytesMax: number;
  #bytes = 0;
  #notBeforeMs = 0;
  #lastMs = Number.POSITIVE_INFINITY;

  constructor(
    collect: () => void = collectGarbage,
    nowMs = () => performance.now(),
    bytesMax = INPUT_BYTES,
  ) {
    this.#collect = collect;
    this.#nowMs = nowMs;
    this.#bytesMax = bytesMax;
  }

  /** Subtracts chunks that were freed. */
  freed(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Counts a processed chunk, and collects after many, if enough time has passed. */
  received(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < this.#bytesMax) return;
    const beganMs = this.#nowMs();
    if (beganMs < this.#notBeforeMs) return;
    this.#bytes = 0;
    this.#collect();
    const endedMs = this.#nowMs();
    const tookMs = endedMs - beganMs;
    // The shorter of two: one may have waited for a processor, which says nothing about its cost.
    this.#notBeforeMs = endedMs + Math.min(tookMs, this.#lastMs) / TIME_SHARE_MAX;
    this.#lastMs = tookMs;
  }
}
