// How long a failed login waits for its answer, so that guessing is slow. Each failure from an address doubles it; a login
// that succeeds never waits, so nobody can lock others out.
// Leaves to others: the waiting (services/login.ts).

/** After a first failure, in milliseconds: Kafka's connection.failed.authentication.delay.ms. */
export const FAILED_LOGIN_DELAY_MS = 100;

/** After many failures, in milliseconds. */
const DELAY_MS_MAX = 3_200;

/** Time without a failure after which an address begins again, in milliseconds. */
const FORGOTTEN_MS = 60_000;

/** Addresses remembered; beyond them the one that has not failed for longest is forgotten. */
const ADDRESSES_MAX = 10_000;

export class FailedLogins {
  /** By address, the last one to fail at the end. */
  readonly #failures = new Map<string, { readonly delayMs: number; readonly atMs: number }>();

  /** Counts a failure. Returns how long after its request it is answered, in milliseconds. */
  delayMs(host: string, nowMs: number): number {
    const last = this.#failures.get(host);
    const isForgotten = last === undefined || nowMs - last.atMs >= FORGOTTEN_MS;
    const delayMs = isForgotten ? FAILED_LOGIN_DELAY_MS : Math.min(DELAY_MS_MAX, 2 * last.delayMs);
    this.#failures.delete(host);
    this.#failures.set(host, { delayMs, atMs: nowMs });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > ADDRESSES_MAX && oldest !== undefined) this.#failures.delete(oldest);
    return delayMs;
  }
}
