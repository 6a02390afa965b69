// Creating the file of a new segment, where a file of that name may be in the way.
// Leaves to others: when a segment is begun (log.ts).
import { RustLogError } from "../../errors.ts";
import { type AppendFile, type Disk, systemErrorCode } from "./disk.ts";

/** Creates a file, or opens one that is empty. Throws STORAGE_ERROR when a file of that name has any bytes. */
export function createEmpty(disk: Disk, path: string): AppendFile {
  try {
    return disk.createAppend(path);
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  }
  // A roll that failed may have left it.
  const file = disk.openAppend(path);
  if (file.size === 0) return file;
  const { size } = file;
  file.close();
  throw new RustLogError(
    "STORAGE_ERROR",
    `${path} is there already, with ${size} bytes: move it away, it is not overwritten`,
  );
}
