// The interface between the storage code and the machine: every disk operation that storage needs.
// Leaves to others: what the bytes mean. real-disk.ts is the file system; tests put a simulated disk here.
import { RustLogError } from "../../errors.js";

/**
 * A file that grows at its end and is read by position: the active segment of a log, or its index.
 *
 * Three lengths, in ascending order: durable after `sync` ≤ `size`, which the kernel has after `push` ≤ handed to
 * `write`. A failed `push` may leave some of the new bytes at the end of the file. The caller knows where its last
 * whole record ends; it calls `truncate` and continues.
 */
export interface AppendFile {
  readonly path: string;
  /** Bytes that the kernel has taken and that readers may read. */
  readonly size: number;
  /**
   * Adds bytes at the end. They may stay in a buffer of the process until `push`, which also throws any earlier
   * failure. The bytes must not change until `push` has returned.
   */
  write(bytes: Uint8Array): void;
  /** Hands everything written to the kernel. Throws the system's error (`code` "ENOSPC", "EIO", …). */
  push(): void | Promise<void>;
  /** Makes everything pushed durable (`fdatasync`): in the background, unless that takes only microseconds. */
  sync(): Promise<void>;
  /** Truncates the file to `size` bytes, drops bytes that were written but not pushed, and clears a failure. */
  truncate(size: number): void;
  /** Reads up to `into.length` bytes from `position`; returns how many there were. */
  read(into: Uint8Array, position: number): number;
  /** Closes the file after any running flush. Bytes not yet pushed are lost. Closing twice is harmless. */
  close(): void;
}

/** How to write a whole file. */
export interface WriteOptions {
  /** Whether only the owner may read it (mode 600). */
  readonly isPrivate?: boolean;
}

/** Held while a broker runs on a data directory. */
export interface DirectoryLock {
  release(): void;
}

/**
 * The disk operations that storage needs. Paths include the data directory and use `/`. A FIFO, socket or device in place of a file
 * throws a STORAGE_ERROR that names it.
 */
export interface Disk {
  /** Opens a file for appending and reading, creating it if it is missing. */
  openAppend(path: string): AppendFile;
  /** Creates a file for appending and reading; throws EEXIST if the name is taken. */
  createAppend(path: string): AppendFile;
  /** Maps a whole non-empty file that will not change any more. The system may refuse. */
  map(path: string): Uint8Array;
  /** Reads up to `into.length` bytes of a file from `position`; returns how many there were. */
  readAt(path: string, into: Uint8Array, position: number): number;
  /** The bytes of a file; undefined if there is no file of that name (a directory does not count). */
  readFile(path: string): Uint8Array | undefined;
  /** Creates a file or replaces its content, and makes the content durable (not its directory entry). */
  writeFile(path: string, bytes: Uint8Array, options?: WriteOptions): Promise<void>;
  /** Names in a directory, sorted; empty if it does not exist. */
  list(directory: string): string[];
  /** Size of a file in bytes; undefined if there is no file of that name (a directory does not count). */
  fileSize(path: string): number | undefined;
  /** When a file was last written, in milliseconds since the epoch; undefined if there is no file of that name. */
  modifiedMs(path: string): number | undefined;
  /** Creates a directory and its parents; does nothing if it exists. */
  makeDirectory(path: string): void;
  /** Renames a file or directory within the data directory, replacing any file with the new name. */
  rename(from: string, to: string): void;
  /** Removes a file; does nothing if it is missing. */
  remove(path: string): void;
  /**
   * Removes a directory with everything in it, in the background; does nothing if it is missing. Files that cannot be
   * removed stay; once everything else is gone, it rejects with the first such error. Stops early when `isStopped`
   * returns true.
   */
  removeDirectory(path: string, isStopped?: () => boolean): Promise<void>;
  /** Makes creations, renames and removals in a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** An id that changes at each boot of the machine; undefined if the system has no such id. */
  bootId(): string | undefined;
  /** Locks the file for this process; throws an error that names the process that holds it. */
  lock(path: string): DirectoryLock;
  /**
   * Takes a shared lock, so that no broker can start until it is released, and writes nothing. Throws like `lock` if a
   * broker holds the lock. Locks nothing if the file is missing or not readable by this user.
   */
  lockToRead(path: string): DirectoryLock;
}

/** A failed flush. The kernel's pages of the file may never reach the disk, although they count as clean. */
export class FlushFailure extends RustLogError {
  constructor(what: string, cause: unknown) {
    super("STORAGE_ERROR", `${what} could not be flushed: ${reasonOf(cause)}`, { cause });
  }
}

/** Awaits a flush; if it fails, throws a FlushFailure that names the file or directory. */
export async function flushing<T>(what: string, flush: () => Promise<T>): Promise<T> {
  try {
    return await flush();
  } catch (error) {
    // The flush never began: there was no descriptor for it.
    if (isOutOfFiles(error)) throw error;
    throw new FlushFailure(what, error);
  }
}

/** The `code` of a system error ("ENOSPC", "ENOENT", …), or undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Whether a system error means that the disk is full, or the user's quota. */
export function isDiskFull(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

/** Whether an error means that the process or the system has too many files open. */
export function isOutOfFiles(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === "EMFILE" || code === "ENFILE";
}

const NOT_OURS = new Set(["EACCES", "EPERM", "ELOOP", "ENXIO", "EISDIR"]);

/**
 * Whether an error means that the path can't be opened as a file: it is a FIFO, a symbolic link to itself, or belongs
 * to another user. A file that can be rebuilt is then treated as missing.
 */
export function isUnusable(error: unknown): boolean {
  return error instanceof RustLogError || NOT_OURS.has(systemErrorCode(error) ?? "");
}

/** The text of an error, for use in a message. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function joinPath(directory: string, name: string): string {
  return `${directory}/${name}`;
}

/**
 * Replaces a file atomically: writes a new file beside it, flushes that, renames it over the old one and flushes the
 * directory. Throws the system's error; the old file is then unchanged.
 */
export async function replaceFile(
  disk: Disk,
  directory: string,
  name: string,
  bytes: Uint8Array,
  options?: WriteOptions,
): Promise<void> {
  const temporary = joinPath(directory, `${name}.tmp`);
  try {
    await disk.writeFile(temporary, bytes, options);
    disk.rename(temporary, joinPath(directory, name));
  } catch (error) {
    removeQuietly(disk, temporary);
    throw error;
  }
  await disk.syncDirectory(directory);
}

/** Removes leftovers of a failed operation. Ignores errors: the caller reports the original failure. */
export function removeQuietly(disk: Disk, path: string): void {
  try {
    disk.remove(path);
  } catch {
    // The next start removes it.
  }
}
