// What an append that failed is told: errors of the system in the words of the protocol.
// Leaves to others: what such a failure does to the partition (appender.ts).
import { RustLogError } from "../errors.ts";
import { isDiskFull, isOutOfFiles, reasonOf } from "../log/disk/disk.ts";

/** The error of an append to `partition`, named as in messages; one that is ours already stays as it is. */
export function appendError(partition: string, error: unknown): RustLogError {
  if (error instanceof RustLogError) return error;
  if (isDiskFull(error)) {
    return new RustLogError(
      "DISK_FULL",
      `${partition}: no space left on the broker's disk; nothing of the batch was kept`,
      { cause: error },
    );
  }
  if (isOutOfFiles(error)) {
    return new RustLogError(
      "BROKER_OVERLOADED",
      `${partition}: the broker has too many files and connections open; nothing of the batch was kept`,
      { cause: error },
    );
  }
  return new RustLogError("STORAGE_ERROR", `${partition}: ${reasonOf(error)}`, { cause: error });
}
