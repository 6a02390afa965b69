// What is truncated from a log, kept in a file beside it, for people.
// Leaves to others: where a log is truncated (recovery.ts, and `verify --repair`). The broker never reads such a file
// again, and never removes it.
//
// After a crash the end of a log is usually a batch of which a part was written, and never acknowledged. But the same
// bytes may be an acknowledged batch whose length was damaged, and nobody can tell the two apart. So whatever is
// truncated is kept, unless there is nothing in it: a file system that lost power may leave a tail of zeroes.
import { type AppendFile, type Disk, joinPath } from "../disk/disk.ts";
import { COPY_BYTES, copyFile, readFully } from "../disk/file-copy.ts";
import { cutFileName } from "../segment/segment-files.ts";

/**
 * Copies what `file` has from `position` on to a file of its own and makes that durable. Returns the name of the
 * file; undefined when there are only zeroes to keep. `baseOffset` is that of the segment. Throws the system's error.
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

/** Whether `file` has nothing but zeroes from `position` on. */
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
