// Counts the requests of one protocol and measures how long they take. A dialect registers its APIs and errors as a
// table, so that counting a request is an addition in an array.
// Leaves to others: all other counters (broker/metrics.ts), and showing them (http/metrics-text.ts).
import { clockMs } from "../clock.js";
import { Histogram } from "./histogram.js";

/** API keys of any protocol are below this number. */
const KEYS = 256;

export interface RequestTable {
  readonly protocol: string;
  /** Keys and names of the APIs. */
  readonly apis: Iterable<readonly [key: number, name: string]>;
  readonly produceKey: number;
  readonly fetchKey: number;
  /** Names of the errors by number; 0 means success. */
  readonly errors: readonly string[];
}

/** Number of requests of an API with the same outcome. */
export interface RequestCount {
  /** `unknown` for keys that the table does not have. */
  readonly api: string;
  /** The error; undefined for success. */
  readonly error: string | undefined;
  readonly count: number;
}

/** Where dialects register. */
export interface RequestMetricsRegistry {
  register(table: RequestTable): RequestMetrics;
}

export class RequestMetrics {
  readonly protocol: string;
  readonly #apis: readonly string[];
  readonly #errors: readonly string[];
  readonly #produceKey: number;
  readonly #fetchKey: number;
  /** The row of an API by its key; row 0 is for unknown keys. */
  readonly #rows = new Uint8Array(KEYS);
  /** Counts per row: success, then each error. */
  readonly #counts: Float64Array;
  answeredCount = 0;
  readonly produceDuration = new Histogram();
  /** Fetches answered without waiting for data. */
  readonly fetchDuration = new Histogram();
  /** Fetches that waited, as their clients asked. */
  readonly fetchWaitDuration = new Histogram();

  constructor({ protocol, apis, produceKey, fetchKey, errors }: RequestTable) {
    const names = ["unknown"];
    for (const [key, name] of apis) this.#rows[key] = names.push(name) - 1;
    this.protocol = protocol;
    this.#apis = names;
    this.#errors = errors;
    this.#produceKey = produceKey;
    this.#fetchKey = fetchKey;
    this.#counts = new Float64Array(names.length * errors.length);
  }

  /**
   * Counts a request that is being answered now. `error` is its number in the table. `beganMs` is when the complete request
   * had arrived, on the clock of `performance.now()`.
   */
  answered(key: number, error: number, beganMs: number, hasWaited: boolean): void {
    this.answeredCount++;
    const row = this.#rows[key] ?? 0;
    this.#counts[row * this.#errors.length + error]!++;
    if (key === this.#produceKey) this.produceDuration.observe(clockMs() - beganMs);
    else if (key === this.#fetchKey) {
      const histogram = hasWaited ? this.fetchWaitDuration : this.fetchDuration;
      histogram.observe(clockMs() - beganMs);
    }
  }

  /** Requests by API and outcome: success for every API, and each error that occurred. */
  requests(): RequestCount[] {
    const outcomes = this.#errors.length;
    return this.#apis.flatMap((api, row) =>
      [...this.#counts.subarray(row * outcomes, (row + 1) * outcomes)]
        .map((count, error) => ({
          api,
          error: error === 0 ? undefined : this.#errors[error],
          count,
        }))
        .filter(({ error, count }) => count > 0 || (row > 0 && error === undefined)),
    );
  }
}
