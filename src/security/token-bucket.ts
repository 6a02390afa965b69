// How much may be used now of something that has a rate: bytes, partitions, connections, time.
// Leaves to others: what is counted, and what happens to those who use too much (services/throttle.ts).

/** Kafka's window: 11 samples of a second. After a pause, this much may be used at once. */
export const WINDOW_SECONDS = 11;

/**
 * Fills at the rate, up to what a window holds. Using more than there is leaves a debt, and its user waits until the
 * debt is paid: then the average has met the rate again.
 */
export class TokenBucket {
  /** Per second. */
  readonly rate: number;
  #tokens: number;
  #atMs: number;

  constructor(rate: number, nowMs: number) {
    this.rate = rate;
    this.#tokens = rate * WINDOW_SECONDS;
    this.#atMs = nowMs;
  }

  /** As of the last use: time only pays debts. */
  get isInDebt(): boolean {
    return this.#tokens < 0;
  }

  take(amount: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#tokens -= amount;
  }

  /** How long it takes until there is no debt, in milliseconds; 0 if there is none. */
  waitMs(nowMs: number): number {
    if (!this.isInDebt) return 0;
    this.#fill(nowMs);
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.rate) * 1000;
  }

  /** Whether it is as if nothing had ever been used. */
  isFull(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#tokens >= this.rate * WINDOW_SECONDS;
  }

  #fill(nowMs: number): void {
    if (nowMs <= this.#atMs) return; // a request that came earlier
    const filled = this.#tokens + (this.rate * (nowMs - this.#atMs)) / 1000;
    this.#tokens = Math.min(filled, this.rate * WINDOW_SECONDS);
    this.#atMs = nowMs;
  }
}
