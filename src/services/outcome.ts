// Failures in a request for many partitions: a value per partition instead of one exception.
import { RustLogError } from "../errors.js";

/** The result for one partition, or the reason why there is none. */
export type Outcome<T> = T | RustLogError;

/**
 * The failure of one partition as a value. Rethrows anything but a RustLogError: that is a bug, and concerns the whole
 * request.
 */
export function failureOf(error: unknown): RustLogError {
  if (error instanceof RustLogError) return error;
  throw error;
}

/** The values; throws the first failure, for callers that want all or nothing. */
export function valuesOf<T>(outcomes: readonly Outcome<T>[]): readonly T[] {
  return outcomes.map((outcome) => {
    if (outcome instanceof RustLogError) throw outcome;
    return outcome;
  });
}
