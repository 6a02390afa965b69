// AbortSignals of callers: ends a wait when one is aborted.

import { wrongType } from "./argument-check.js";

/** The options of calls that can be ended early. */
export interface SignalOptions {
  /** Ends the wait: a call rejects with the signal's reason as soon as it is aborted. */
  readonly signal?: AbortSignal;
}

/** Throws INVALID_CONFIG unless `signal` is an AbortSignal or undefined. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw wrongType("INVALID_CONFIG", "signal", "an AbortSignal", signal);
}

/** The outcome of `promise`, or a rejection with the signal's reason as soon as it is aborted. */
export async function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return await promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  // The one that loses must not be reported as unhandled.
  promise.catch(() => {});
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Resolves with the outcome of `promise`, or with undefined as soon as the signal is aborted. */
export async function unlessAborted<T>(
  promise: Promise<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  try {
    return await abortable(promise, signal);
  } catch (error) {
    if (signal?.aborted) return undefined;
    throw error;
  }
}
