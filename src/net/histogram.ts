// A histogram of durations with fixed buckets: two additions per value, no allocation.

/** Upper bounds of the buckets of all durations, in seconds. */
export const BUCKET_SECONDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

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
