// Converts anything thrown to the one error class of the client, and tells whether the broker may have carried out the
// request all the same.

import { RustLogError } from "../errors.js";

/** Returns a RustLogError as it is; wraps anything else in an UNKNOWN_SERVER_ERROR as its cause. */
export function asRustLogError(error: unknown): RustLogError {
  if (error instanceof RustLogError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new RustLogError("UNKNOWN_SERVER_ERROR", reason, { cause: error });
}

/** Whether the request may have been carried out although no response arrived. */
export function isAmbiguous(error: RustLogError): boolean {
  return error.code === "CONNECTION_LOST" || error.code === "TIMED_OUT";
}
