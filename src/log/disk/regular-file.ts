// Opening files that somebody else may have put in the place of ours: a FIFO, a socket or a device there must neither
// hang the process nor take what is written. Leaves to others: what the files are for.
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { RustLogError } from "../../errors.ts";

export const OPEN = {
  read: constants.O_RDONLY,
  append: constants.O_RDWR | constants.O_APPEND | constants.O_CREAT,
  /** Fails with EEXIST if there is anything of that name. */
  create: constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL,
  replace: constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
} as const;

/**
 * Opens a regular file and returns its descriptor. Throws STORAGE_ERROR, with the path, for anything else but a
 * directory that is only read, and otherwise the system's error.
 */
export function openRegular(path: string, flags: number): number {
  // Without O_NONBLOCK the open of a FIFO waits for its other end.
  const fd = openSync(path, flags | constants.O_NONBLOCK, 0o666);
  try {
    requireRegular(path, fstatSync(fd));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The bytes of a regular file. Throws as `openRegular` does; EISDIR for a directory. */
export function readRegular(path: string): Buffer {
  const fd = openRegular(path, OPEN.read);
  try {
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Throws STORAGE_ERROR, with the path, unless it is a regular file, or a directory, for which the system has errors. */
export function requireRegular(path: string, stats: Stats): void {
  if (stats.isFile() || stats.isDirectory()) return;
  throw new RustLogError("STORAGE_ERROR", `${path} is ${kindOf(stats)}, not a file: move it away`);
}

function kindOf(stats: Stats): string {
  if (stats.isFIFO()) return "a FIFO";
  return stats.isSocket() ? "a socket" : "a device";
}
