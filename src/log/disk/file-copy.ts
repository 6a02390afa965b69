// Reads a whole append file, and makes durable copies of one.
// Leaves to others: why it is copied (recovery.ts, cut-file.ts).
import type { ReadableFile } from "../../record/bytes.js";
import { type AppendFile, type Disk, flushing, joinPath } from "./disk.js";

export const COPY_BYTES = 4 * 1024 * 1024;

/** Fills `into` from `position` up to the end of the file; returns the number of bytes read. */
export function readFully(file: ReadableFile, into: Uint8Array, position: number): number {
  let filled = 0;
  while (filled < into.length) {
    const count = file.read(into.subarray(filled), position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** Durably copies `file` from `position` to its end to another file, replacing that file if it exists. */
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
    // A partial copy is useless and takes space on a full disk.
    if (!isWhole) disk.remove(temporary);
  }
  disk.rename(temporary, path);
  await disk.syncDirectory(directory);
}
