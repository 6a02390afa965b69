// The seam between the storage code and the machine: everything that storage asks of a disk, and no more.
// Leaves to others: what the bytes mean. real-disk.ts is the file system; tests put a simulated disk here.
import { RustLogError } from "../../errors.ts";

/**
 * A file that grows at its end and is read by position: the active segment of a log, or its index.
 *
 * Three lengths, each at most the next: what `sync` has made durable ≤ `size`, what the kernel has
 * (`push`) ≤ what was handed to `write`. A failed `push` leaves the file with some of the new bytes at its
 * end: the caller, who knows where its last whole record ends, calls `truncate`, and goes on.
 */
export interface AppendFile {
  readonly path: string;
  /** Bytes that the kernel has taken and that readers may read. */
  readonly size: number;
  /**
   * Adds bytes at the end. They may stay in a buffer of the process until `push`; a failure is
   * remembered, and `push` throws it. The bytes must not change before `push` has returned.
   */
  write(bytes: Uint8Array): void;
  /** Hands everything written to the kernel. Throws the system's error (`code` "ENOSPC", "EIO", …). */
  push(): void | Promise<void>;
  /** Makes everything pushed durable (`fdatasync`): in the background, unless it is a matter of microseconds. */
  sync(): Promise<void>;
  /** Cuts the file to `size` bytes, forgets what was written and not pushed, and clears a failure. */
  truncate(size: number): void;
  /** Reads up to `into.length` bytes from `position`; returns how many there were. */
  read(into: Uint8Array, position: number): number;
  /**
   * Closes the file, once the flushes that are under way have ended. What was not pushed is lost. Closing twice
   * is harmless.
   */
  close(): void;
}

/** Held while a broker runs on a data directory. */
export interface DirectoryLock {
  release(): void;
}

/**
 * What storage asks of a machine. Paths are whole; names in a path are separated by `/`. A FIFO, a socket or a device in
 * the place of a file is a STORAGE_ERROR that names it.
 */
export interface Disk {
  /** Opens a file for appending and reading, creating it when it is missing. */
  openAppend(path: string): AppendFile;
  /** Creates a file for appending and reading; throws EEXIST if anything of that name is there. */
  createAppend(path: string): AppendFile;
  /** A read-only view of a whole file that will not change any more, and is not empty. The system may refuse it. */
  map(path: string): Uint8Array;
  /** Reads up to `into.length` bytes of a file from `position`; returns how many there were. */
  readAt(path: string, into: Uint8Array, position: number): number;
  /** The bytes of a file, or undefined when there is none; a directory of that name is no file. */
  readFile(path: string): Uint8Array | undefined;
  /** Creates a file or replaces its content, and makes the content durable (not its directory entry). */
  writeFile(path: string, bytes: Uint8Array): Promise<void>;
  /** Names in a directory, sorted; empty when there is no such directory. */
  list(directory: string): string[];
  /** Size of a file in bytes, or undefined when there is none; a directory of that name is no file. */
  fileSize(path: string): number | undefined;
  /** Creates a directory and those above it; does nothing when it is there. */
  makeDirectory(path: string): void;
  /** Renames a file or directory within the data directory, replacing a file that has the new name. */
  rename(from: string, to: string): void;
  /** Removes a file; does nothing when it is missing. */
  remove(path: string): void;
  /**
   * Removes a directory with everything in it, in the background; does nothing when it is missing. A file that cannot
   * be removed stays, and is what it rejects with once all else is gone. Ends early once `isStopped` returns true.
   */
  removeDirectory(path: string, isStopped?: () => boolean): Promise<void>;
  /** Makes creations, renames and removals in a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** What is the same until the machine stops, and never again; undefined if the system has no such thing. */
  bootId(): string | undefined;
  /** Takes the lock file for this process, or throws an error that says which process holds it. */
  lock(path: string): DirectoryLock;
  /**
   * Keeps others from taking the lock file until it is released, and writes nothing. Throws as `lock` if a process holds
   * it. A file that is missing, or that this user may not read, is not held.
   */
  lockToRead(path: string): DirectoryLock;
}

/** A flush that failed: what the kernel has of the file may never reach the disk, and will look as if it had. */
export class FlushFailure extends RustLogError {
  /** `what` is the file or directory. */
  constructor(what: string, cause: unknown) {
    super("STORAGE_ERROR", `${what} could not be flushed: ${reasonOf(cause)}`, { cause });
  }
}

/** Awaits a flush; if it fails, throws a FlushFailure that names what was to be flushed. */
export async function flushing<T>(what: string, flush: () => Promise<T>): Promise<T> {
  try {
    return await flush();
  } catch (error) {
    // Without a descriptor it has not begun.
    if (isOutOfFiles(error)) throw error;
    throw new FlushFailure(what, error);
  }
}

/** The `code` of a system error ("ENOSPC", "ENOENT", …), or undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Whether a system error says that there is no space left, or none left for this user. */
export function isDiskFull(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

/** Whether an error says that the process, or the system, has too many files open. */
export function isOutOfFiles(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === "EMFILE" || code === "ENFILE";
}

const NOT_OURS = new Set(["EACCES", "EPERM", "ELOOP", "ENXIO", "EISDIR"]);

/**
 * Whether an error says that what has the name of a file can't be opened as one: it is a FIFO, a symbolic link to itself,
 * or belongs to another user. A file that can be rebuilt is then treated as missing.
 */
export function isUnusable(error: unknown): boolean {
  return error instanceof RustLogError || NOT_OURS.has(systemErrorCode(error) ?? "");
}

/** What an error says, for a message of ours. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function joinPath(directory: string, name: string): string {
  return `${directory}/${name}`;
}

/**
 * Replaces a file so that after a crash it has the old content or the new, whole: written beside it,
 * flushed, renamed over it, and the directory flushed. Throws the system's error; the old file is there then.
 */
export async function replaceFile(
  disk: Disk,
  directory: string,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const temporary = joinPath(directory, `${name}.tmp`);
  try {
    await disk.writeFile(temporary, bytes);
    disk.rename(temporary, joinPath(directory, name));
  } catch (error) {
    removeQuietly(disk, temporary);
    throw error;
  }
  await disk.syncDirectory(directory);
}

/** Removes what is left of something that failed; that failure is what the caller has to know. */
export function removeQuietly(disk: Disk, path: string): void {
  try {
    disk.remove(path);
  } catch {
    // The next start removes it.
  }
}
