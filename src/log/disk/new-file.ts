// Creates the file of a new segment, even if a failed roll left an empty file of that name.
// Leaves to others: when to begin a segment (log.ts).
import { RustLogError } from "../../errors.js";
import { type AppendFile, type Disk, systemErrorCode } from "./disk.js";

/** Creates a file, or opens an empty one. Throws STORAGE_ERROR if the file has any bytes. */
export function createEmpty(disk: Disk, path: string): AppendFile {
  try {
    return disk.createAppend(path);
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  }
  // A failed roll may have left an empty file.
  const file = disk.openAppend(path);
  if (file.size === 0) return file;
  const { size } = file;
  file.close();
  throw new RustLogError(
    "STORAGE_ERROR",
    `${path} is there already, with ${size} bytes: move it away, it is not overwritten`,
  );
}
