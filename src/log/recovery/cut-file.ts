// Keeps bytes truncated from a log in a file beside it, for people to examine.
// Leaves to others: where to truncate (recovery.ts, and `verify --repair`). The broker never reads or removes such a
// file.
//
// After a crash a log usually ends with a partly written batch that was never acknowledged. But the same bytes may be
// an acknowledged batch with a damaged length, and the two cannot be told apart. So truncated bytes are kept, unless
// they are all zero: a file system that lost power may leave a tail of zeroes.
import { type AppendFile, type Disk, joinPath } from "../disk/disk.js";
import { COPY_BYTES, copyFile, readFully } from "../disk/file-copy.js";
import { cutFileName } from "../segment/segment-files.js";

/**
 * Durably copies `file` from `position` to its end to a new file. Returns the name of that file, or undefined if all
 * bytes are zero. `baseOffset` is that of the segment. Throws the system's error.
 */
export async function keepTail(
  disk: Disk,
  directory: string,
  baseOffset: number,
  file: AppendFile,
  position: number,
): Promise<string | undefined> {
  if (isZero(file, position)) return undefined;
  const first = cutFileName(baseOffset, position);
  let name = first;
  for (let i = 2; disk.fileSize(joinPath(directory, name)) !== undefined; i++)
    name = `${first}-${i}`;
  await copyFile(disk, file, position, directory, name);
  return name;
}

/** Whether `file` contains only zeroes from `position` on. */
function isZero(file: AppendFile, position: number): boolean {
  const buffer = new Uint8Array(Math.min(COPY_BYTES, file.size - position));
  for (let at = position; at < file.size;) {
    const bytes = buffer.subarray(0, readFully(file, buffer, at));
    if (bytes.length === 0) return true;
    if (bytes.some((byte) => byte !== 0)) return false;
    at += bytes.length;
  }
  return true;
}
