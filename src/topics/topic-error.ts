// What a client is told when a topic can't be created or deleted: what happened, where, and what to do.
// Leaves to others: doing it (topic-registry.ts).
import { RustLogError } from "../errors.ts";
import { isDiskFull, isOutOfFiles, reasonOf, systemErrorCode } from "../log/disk/disk.ts";

export function unknownTopic(name: string): RustLogError {
  return new RustLogError("UNKNOWN_TOPIC_OR_PARTITION", `there is no topic '${name}'`);
}

/** A topic could not be created, and nothing of it is left. */
export function creationError(name: string, error: unknown): RustLogError {
  if (error instanceof RustLogError) return error;
  const passing = isOutOfFiles(error) ? "BROKER_OVERLOADED" : "STORAGE_ERROR";
  const code = isDiskFull(error) ? "DISK_FULL" : passing;
  const message = `topic '${name}' could not be created: ${reasonOf(error)}${adviceFor(error)}`;
  return new RustLogError(code, message, { cause: error });
}

/** The directory of a topic could not be renamed: the topic is as it was. */
export function deletionError(name: string, directory: string, error: unknown): RustLogError {
  return new RustLogError(
    isDiskFull(error) ? "DISK_FULL" : "STORAGE_ERROR",
    `topic '${name}' was not deleted and is still in use: ${directory} could not be renamed: ` +
      `${reasonOf(error)}${adviceFor(error)}`,
    { cause: error },
  );
}

/** A topic is gone, but perhaps not durably. */
export function unflushedDeletion(name: string, directory: string, error: unknown): RustLogError {
  return new RustLogError(
    "STORAGE_ERROR",
    `topic '${name}' is deleted, but ${directory} could not be flushed: ${reasonOf(error)}; ` +
      "after a power failure the topic may be there again: delete it then",
    { cause: error },
  );
}

const ADVICE: Readonly<Record<string, string>> = {
  EBUSY: "the directory is a mount point: stop the broker, unmount it, and delete the topic again",
  EACCES: "give the user of the broker write permission on the directory above",
  EPERM:
    "give the user of the broker the right to change it, and remove an immutable flag (chattr -i)",
  EROFS: "make the file system writable",
  ENOSPC: "make space on the disk",
  EDQUOT: "make space within the quota of the broker's user",
};

function adviceFor(error: unknown): string {
  const advice = ADVICE[systemErrorCode(error) ?? ""];
  return advice === undefined ? "" : `; ${advice}`;
}
