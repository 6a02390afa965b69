// The wait between attempts: its length, and a sleep that a signal can end.

/** The longest wait, as a multiple of the first one. */
const GROWTH_MAX = 10;

/**
 * Milliseconds to wait before attempt `failures + 1`: doubles from `firstMs` to at most ten times that. Random jitter of
 * 20 % keeps clients that failed together from returning together.
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
