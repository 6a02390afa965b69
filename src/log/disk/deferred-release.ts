// Frees the space of large files in the background. When the last link to a file goes, the kernel drops its pages and
// blocks in the calling thread: 75 ms for 256 MiB. A descriptor on it, closed by another thread, takes the work there.
// Leaves to others: renaming and unlinking (real-disk.ts).
import { close, closeSync, constants, fstatSync, openSync } from "node:fs";
import { afterUnmapping } from "./mapped-file.js";

/** Smaller files are not worth the calls. */
const HELD_BYTES_MIN = 4 * 1024 * 1024;

/** Files held at once. Beyond that, a file is freed where it is removed. */
const HELD_MAX = 64;

let held = 0;

/** Runs an operation that removes the file of this name, if there is one, from its directory. */
export function releasing(path: string, remove: () => void): void {
  const fd = held < HELD_MAX ? openIfLarge(path) : undefined;
  try {
    remove();
  } finally {
    if (fd !== undefined) {
      held++;
      // A mapping keeps the file too, and must not be the last to do so.
      afterUnmapping(path, () =>
        close(fd, () => {
          held--;
        }),
      );
    }
  }
}

function openIfLarge(path: string): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    // There is none, or too many files are open.
    return undefined;
  }
  const stats = fstatSync(fd);
  if (stats.isFile() && stats.size >= HELD_BYTES_MIN) return fd;
  closeSync(fd);
  return undefined;
}
