// Reading a file that is appended to as a whole, and copying it so that the copy outlives a crash.
// Leaves to others: why it is copied (recovery.ts, cut-file.ts).
import { type AppendFile, type Disk, flushing, joinPath } from "./disk.ts";

/** Bytes that are read at a time. */
export const COPY_BYTES = 4 * 1024 * 1024;

/** Fills `into` from `position`, as far as the file goes; returns how many bytes there were. */
export function readFully(file: AppendFile, into: Uint8Array, position: number): number {
  let filled = 0;
  while (filled < into.length) {
    const count = file.read(into.subarray(filled), position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** Writes what `file` has from `position` on to a file of that name, which replaces one that has it, durably. */
export async function copyFile(
  disk: Disk,
  file: AppendFile,
  position: number,
  directory: string,
  name: string,
): Promise<void> {
  const path = joinPath(directory, name);
  const temporary = `${path}.tmp`;
  disk.remove(temporary);
  const copy = disk.openAppend(temporary);
  let isWhole = false;
  try {
    const buffer = new Uint8Array(Math.min(COPY_BYTES, file.size - position));
    while (position + copy.size < file.size) {
      copy.write(buffer.subarray(0, readFully(file, buffer, position + copy.size)));
      await copy.push();
    }
    await flushing(temporary, () => copy.sync());
    isWhole = true;
  } finally {
    copy.close();
    // A part of a copy is of no use, and on a full disk it would be in the way.
    if (!isWhole) disk.remove(temporary);
  }
  disk.rename(temporary, path);
  await disk.syncDirectory(directory);
}
