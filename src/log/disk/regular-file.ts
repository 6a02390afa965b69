// Opens regular files only. A FIFO, socket or device in place of one of our files must neither hang the process nor
// swallow what is written. Leaves to others: what the files are for.
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { RustLogError } from "../../errors.js";

export const OPEN = {
  read: constants.O_RDONLY,
  append: constants.O_RDWR | constants.O_APPEND | constants.O_CREAT,
  /** Fails with EEXIST if the name is taken. */
  create: constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL,
  replace: constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
} as const;

/**
 * Opens a regular file, or a directory for reading, and returns its descriptor. Throws STORAGE_ERROR with the path for
 * anything else; other failures throw the system's error.
 */
export function openRegular(path: string, flags: number): number {
  // Without O_NONBLOCK, opening a FIFO waits for its other end.
  const fd = openSync(path, flags | constants.O_NONBLOCK, 0o666);
  try {
    requireRegular(path, fstatSync(fd));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Reads a regular file. Throws like `openRegular`; EISDIR for a directory. */
export function readRegular(path: string): Buffer {
  const fd = openRegular(path, OPEN.read);
  try {
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Throws STORAGE_ERROR with the path unless it is a regular file or a directory; for the latter the system's own errors
 * follow.
 */
export function requireRegular(path: string, stats: Stats): void {
  if (stats.isFile() || stats.isDirectory()) return;
  throw new RustLogError("STORAGE_ERROR", `${path} is ${kindOf(stats)}, not a file: move it away`);
}

function kindOf(stats: Stats): string {
  if (stats.isFIFO()) return "a FIFO";
  return stats.isSocket() ? "a socket" : "a device";
}
