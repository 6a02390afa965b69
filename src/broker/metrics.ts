// The broker's counters: plain numbers in fixed places. Counting costs a few additions per request or flush, nothing
// per record, and allocates nothing. Leaves to others: state that can be read from topics and connections, and
// formatting everything for monitoring (http/metrics-text.ts).
import { ERRORS, type ErrorName } from "../errors.js";
import { API, apiName } from "../protocol/native/messages.js";

/** Upper bounds of the buckets of all durations, in seconds. */
export const BUCKET_SECONDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** A histogram of durations: a count per bucket, and their sum. */
export class Histogram {
  /** Counts per bucket, not cumulative; the last one is for values above all bounds. */
  readonly counts = new Float64Array(BUCKET_SECONDS.length + 1);
  #sumMs = 0;

  /** Sum of all durations, in seconds. */
  get sumSeconds(): number {
    return this.#sumMs / 1000;
  }

  /** Adds a duration of `ms` milliseconds. */
  observe(ms: number): void {
    const seconds = ms / 1000;
    let bucket = 0;
    while (bucket < BUCKET_SECONDS.length && seconds > BUCKET_SECONDS[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.#sumMs += ms;
  }
}

interface AnsweredRequest {
  readonly apiKey: number;
  /** The error of the response; undefined for success. */
  readonly error: ErrorName | undefined;
  /** When the complete request had arrived, on the clock of `performance.now()`. */
  readonly beganMs: number;
  readonly hasWaited: boolean;
}

/** Number of requests of an API with the same outcome. */
interface RequestCount {
  /** Name of the API; `unknown` for an unknown key. */
  readonly api: string;
  /** The error; undefined for success. */
  readonly error: ErrorName | undefined;
  readonly count: number;
}

const ERROR_NAMES = Object.keys(ERRORS) as ErrorName[];
const ERROR_NUMBER = new Map(ERROR_NAMES.map((name, i) => [name, i + 1]));

/** Counters per API: success, and each error. */
const OUTCOMES = ERROR_NAMES.length + 1;

/** API keys are small numbers from 1 on; 0 is for all others. */
const API_KEYS = [0, ...Object.values(API)];

/** The counters of one broker since its start. */
export class BrokerMetrics {
  readonly #requests = new Float64Array((Math.max(...API_KEYS) + 1) * OUTCOMES);
  readonly #connectionErrors = new Float64Array(OUTCOMES);
  requestsAnswered = 0;
  receivedBytes = 0;
  sentBytes = 0;
  connectionsAccepted = 0;
  connectionsRefused = 0;
  readonly produceDuration = new Histogram();
  /** Fetches answered without waiting for data. */
  readonly fetchDuration = new Histogram();
  /** Fetches that waited, as their clients asked. */
  readonly fetchWaitDuration = new Histogram();
  readonly flushDuration = new Histogram();

  /** Counts a request that is being answered now. */
  answered(request: AnsweredRequest): void {
    this.requestsAnswered++;
    const { apiKey, error } = request;
    const key = apiName(apiKey) === undefined ? 0 : apiKey;
    this.#requests[key * OUTCOMES + outcomeOf(error)]!++;
    if (apiKey === API.Produce) {
      this.produceDuration.observe(performance.now() - request.beganMs);
    } else if (apiKey === API.Fetch) {
      const histogram = request.hasWaited ? this.fetchWaitDuration : this.fetchDuration;
      histogram.observe(performance.now() - request.beganMs);
    }
  }

  /** Counts an error that ends a connection and answers none of its requests. */
  connectionFailed(error: ErrorName): void {
    this.#connectionErrors[outcomeOf(error)]!++;
  }

  /** Requests by API and outcome: success for every API, and each error that occurred. */
  requests(): RequestCount[] {
    return API_KEYS.flatMap((key) => {
      const counts = this.#requests.subarray(key * OUTCOMES, (key + 1) * OUTCOMES);
      const api = apiName(key);
      const some = api === undefined ? [] : [{ api, error: undefined, count: counts[0] ?? 0 }];
      return [...some, ...errorsIn(counts).map((error) => ({ api: api ?? "unknown", ...error }))];
    });
  }

  connectionErrors(): { readonly error: ErrorName; readonly count: number }[] {
    return errorsIn(this.#connectionErrors);
  }
}

function outcomeOf(error: ErrorName | undefined): number {
  return error === undefined ? 0 : (ERROR_NUMBER.get(error) ?? 0);
}

function errorsIn(counts: Float64Array): { error: ErrorName; count: number }[] {
  return ERROR_NAMES.map((error, i) => ({ error, count: counts[i + 1] ?? 0 })).filter(
    ({ count }) => count > 0,
  );
}
