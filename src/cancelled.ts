// What ends the work for a request whose client has gone.
import { RustLogError } from "./errors.js";

/** Throws INVALID_REQUEST once `signal` is aborted: nobody waits for the answer any more. */
export function checkNotCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new RustLogError("INVALID_REQUEST", "the request was cancelled");
}
