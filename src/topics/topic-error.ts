// Errors for a topic that can't be created, changed or deleted: what happened, where, and what to do.
// Leaves to others: creating and deleting (topic-registry.ts), and changing (topic-change.ts).
import { RustLogError } from "../errors.js";
import { isDiskFull, isOutOfFiles, reasonOf, systemErrorCode } from "../log/disk/disk.js";

export function unknownTopic(name: string): RustLogError {
  return new RustLogError("UNKNOWN_TOPIC_OR_PARTITION", `topic '${name}' does not exist`);
}

export function deletedTopic(name: string): RustLogError {
  return new RustLogError("UNKNOWN_TOPIC_OR_PARTITION", `topic '${name}' was deleted`);
}

/** A topic could not be created; nothing is left of it. */
export function creationError(name: string, error: unknown): RustLogError {
  return failureOf(`topic '${name}' could not be created`, error);
}

/** A topic could not be changed; it is as it was. */
export function changeError(name: string, error: unknown): RustLogError {
  return failureOf(`topic '${name}' was not changed`, error);
}

function failureOf(what: string, error: unknown): RustLogError {
  if (error instanceof RustLogError) return error;
  const passing = isOutOfFiles(error) ? "BROKER_OVERLOADED" : "STORAGE_ERROR";
  const code = isDiskFull(error) ? "DISK_FULL" : passing;
  return new RustLogError(code, `${what}: ${reasonOf(error)}${adviceFor(error)}`, { cause: error });
}

/** The directory of a topic could not be renamed; the topic is unchanged. */
export function deletionError(name: string, directory: string, error: unknown): RustLogError {
  return new RustLogError(
    isDiskFull(error) ? "DISK_FULL" : "STORAGE_ERROR",
    `topic '${name}' was not deleted and is still in use: ${directory} could not be renamed: ` +
      `${reasonOf(error)}${adviceFor(error)}`,
    { cause: error },
  );
}

/** A topic is deleted, but perhaps not durably. */
export function unflushedDeletion(name: string, directory: string, error: unknown): RustLogError {
  return new RustLogError(
    "STORAGE_ERROR",
    `topic '${name}' is deleted, but ${directory} could not be flushed: ${reasonOf(error)}; ` +
      "the topic may reappear after a power failure; if so, delete it again",
    { cause: error },
  );
}

const ADVICE: Readonly<Record<string, string>> = {
  EBUSY: "the directory is a mount point; stop the broker, unmount it, and delete the topic again",
  EACCES: "give the broker's user write permission on the parent directory",
  EPERM:
    "give the broker's user permission to change it, and remove the immutable flag (chattr -i) if set",
  EROFS: "make the file system writable",
  ENOSPC: "free space on the disk",
  EDQUOT: "free space within the quota of the broker's user",
};

function adviceFor(error: unknown): string {
  const advice = ADVICE[systemErrorCode(error) ?? ""];
  return advice === undefined ? "" : `; ${advice}`;
}
