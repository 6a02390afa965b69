// What a failure is: whatever was thrown, as the one error class that callers of the client know, and whether the
// broker may have done what was asked all the same.
// Leaves to others: raising errors that say more.

import { RustLogError } from "../errors.ts";

/** `error` itself if it is a RustLogError, else an UNKNOWN_SERVER_ERROR with it as the cause. */
export function asRustLogError(error: unknown): RustLogError {
  if (error instanceof RustLogError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new RustLogError("UNKNOWN_SERVER_ERROR", reason, { cause: error });
}

/** Whether the request may have been carried out although there was no answer. */
export function isAmbiguous(error: RustLogError): boolean {
  return error.code === "CONNECTION_LOST" || error.code === "TIMED_OUT";
}
