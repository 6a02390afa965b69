// How a compaction shares the machine with clients: it works for a moment and then rests, the longer the more clients do.
// Leaves to others: resting (compaction-worker.ts), and counting what clients do (compaction-thread.ts).
//
// Even at the lowest priority a thread costs clients throughput on a machine with few processors: it takes memory bandwidth,
// the disk, and the processor whenever the threads that work for clients wait for each other. Beside clients that keep the
// broker busy, it works an eighth of the time. If there is still work after two minutes, it works a quarter of the time, and
// so on, until it does not rest any more. So however busy clients are, a compaction takes at most 4 minutes and 15 seconds
// longer, and one that can't keep up with producers at that pace speeds up until it does.

/** Time of work before a rest, in milliseconds. A request that arrives meanwhile may wait that long for a processor. */
const WORK_MS = 2;

/** Longest rest, in milliseconds: work may take long if the disk does. */
const COMPACTION_REST_MS_MAX = 500;

/** Least share of the time for work at first, and how long until it doubles, in milliseconds. */
const SHARE_AT_FIRST = 1 / 8;
const DOUBLED_AFTER_MS = 120_000;

/** Clients with this many requests, or this many bytes in and out, in a second keep the broker busy. */
const BUSY_REQUESTS = 500;
const BUSY_BYTES = 50_000_000;

/** Counters of what clients do. */
export interface ClientTraffic {
  readonly requestsAnswered: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** How busy clients have kept the broker from one look to the next: from 0 to 1. */
export class ClientLoad {
  readonly #traffic: ClientTraffic;
  readonly #now: () => number;
  #lastMs: number;
  #requests = 0;
  #bytes = 0;

  constructor(traffic: ClientTraffic, now = () => performance.now()) {
    this.#traffic = traffic;
    this.#now = now;
    this.#lastMs = now();
  }

  /** The load since the last call, or since the start. */
  next(): number {
    const { requestsAnswered, receivedBytes, sentBytes } = this.#traffic;
    const nowMs = this.#now();
    const seconds = Math.max(1, nowMs - this.#lastMs) / 1000;
    const bytes = receivedBytes + sentBytes;
    const load =
      (requestsAnswered - this.#requests) / (BUSY_REQUESTS * seconds) +
      (bytes - this.#bytes) / (BUSY_BYTES * seconds);
    this.#lastMs = nowMs;
    this.#requests = requestsAnswered;
    this.#bytes = bytes;
    return Math.min(1, load);
  }
}

export class CompactionPace {
  readonly #rest: (ms: number) => void;
  readonly #now: () => number;
  readonly #beganMs: number;
  #restedMs: number;

  /** `rest` returns after the given time. */
  constructor(rest: (ms: number) => void, now = () => performance.now()) {
    this.#rest = rest;
    this.#now = now;
    this.#beganMs = this.#restedMs = now();
  }

  /** Rests if it is time to, beside clients with this load. Must be called often. */
  keep(load: number): void {
    const nowMs = this.#now();
    const workedMs = nowMs - this.#restedMs;
    if (workedMs < WORK_MS) return;
    const restMs = workedMs * load * (1 / this.#shareAt(nowMs) - 1);
    if (restMs > 0) this.#rest(Math.min(COMPACTION_REST_MS_MAX, restMs));
    this.#restedMs = this.#now();
  }

  /** Least share of the time for work. */
  #shareAt(nowMs: number): number {
    const doublings = Math.floor((nowMs - this.#beganMs) / DOUBLED_AFTER_MS);
    return Math.min(1, SHARE_AT_FIRST * 2 ** doublings);
  }
}
