// Waiting between attempts: how long, and the waiting itself, which a signal can end.
// Leaves to others: deciding what is tried again, and for how long.

/** The wait before a retry grows to this many times the first one. */
const GROWTH_MAX = 10;

/**
 * Milliseconds to wait before attempt `failures + 1`: doubling from `firstMs`, at most ten times it.
 * A random fifth is taken off or added, so that clients which failed together do not return together.
 */
export function backoffMs(failures: number, firstMs: number, random = Math.random): number {
  const growth = Math.min(2 ** Math.max(0, failures - 1), GROWTH_MAX);
  return firstMs * growth * (0.8 + 0.4 * random());
}

/** Resolves after `ms` milliseconds, or as soon as `signal` is aborted. Never rejects. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted || ms <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
  });
}
