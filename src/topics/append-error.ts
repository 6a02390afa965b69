// Turns the error of a failed write to a partition into an error of the protocol.
// Leaves to others: what such a failure does to the partition (appender.ts).
import { RustLogError } from "../errors.js";
import { isDiskFull, isOutOfFiles, reasonOf } from "../log/disk/disk.js";

/**
 * The error of an append to `partition`, which is the partition's name in messages. A RustLogError is returned
 * unchanged.
 */
export function appendError(partition: string, error: unknown): RustLogError {
  return writeError(partition, error, "the batch was not written");
}

/** The error of a failed deletion of records. */
export function trimError(partition: string, error: unknown): RustLogError {
  return writeError(partition, error, "no records were deleted");
}

function writeError(partition: string, error: unknown, outcome: string): RustLogError {
  if (error instanceof RustLogError) return error;
  if (isDiskFull(error)) {
    return new RustLogError(
      "DISK_FULL",
      `${partition}: no space left on the broker's disk; ${outcome}`,
      { cause: error },
    );
  }
  if (isOutOfFiles(error)) {
    return new RustLogError(
      "BROKER_OVERLOADED",
      `${partition}: the broker has too many files and connections open; ${outcome}`,
      { cause: error },
    );
  }
  return new RustLogError("STORAGE_ERROR", `${partition}: ${reasonOf(error)}`, { cause: error });
}
