// Repairs: rebuild derived files, remove leftovers of a crash, truncate a torn tail. Each reports exactly what it did.
// Leaves to others: deciding what to repair (verify-*.ts).
import { keepTail } from "../log/recovery/cut-file.js";
import { type Disk, joinPath, replaceFile } from "../log/disk/disk.js";
import { segmentFileName } from "../log/segment/segment-files.js";
import type { Repair } from "./finding.js";

/** Replaces a derived file, which is an index or a snapshot. */
export function rebuildFile(
  disk: Disk,
  directory: string,
  name: string,
  content: () => Uint8Array,
): Repair {
  return {
    description: "rebuild it from the log",
    run: async () => {
      const bytes = content();
      await replaceFile(disk, directory, name, bytes);
      return `rebuilt from the log, ${bytes.length} bytes`;
    },
  };
}

/** Removes a file whose content exists elsewhere too. */
export function removeFile(disk: Disk, directory: string, name: string): Repair {
  return {
    description: "remove it",
    run: async () => {
      const bytes = disk.fileSize(joinPath(directory, name)) ?? 0;
      disk.remove(joinPath(directory, name));
      await disk.syncDirectory(directory);
      return `removed, ${bytes} bytes`;
    },
  };
}

/** Removes the directory of a topic that was never fully created, or was being deleted. */
export function removeDirectory(disk: Disk, directory: string, name: string): Repair {
  return {
    description: "remove it",
    run: async () => {
      await disk.removeDirectory(joinPath(directory, name));
      await disk.syncDirectory(directory);
      return "removed";
    },
  };
}

/**
 * Truncates the log of a segment to `position` and keeps the removed bytes in a file. `after` then repairs the derived
 * files.
 */
export function cutTail(
  disk: Disk,
  directory: string,
  baseOffset: number,
  position: number,
  nextOffset: number,
  after: () => Promise<void>,
): Repair {
  return {
    description: "truncate it and keep the removed bytes in a file",
    run: async () => {
      const file = disk.openAppend(joinPath(directory, segmentFileName(baseOffset, "log")));
      const bytes = file.size - position;
      let kept: string | undefined;
      try {
        kept = await keepTail(disk, directory, baseOffset, file, position);
        file.truncate(position);
        await file.sync();
      } finally {
        file.close();
      }
      await after();
      const where = kept === undefined ? "" : `, kept in ${kept}`;
      return `truncated ${bytes} bytes at position ${position}${where}; the next record gets offset ${nextOffset}`;
    },
  };
}
