// The note of the machine's boot under which a broker last ran here: last-boot.json. It tells a process that was killed,
// after which the kernel has all that was written, from a machine that has stopped, after which some may be missing.
// Leaves to others: what recovery does in either case (log/recovery/segment-scan.ts).
//
//   last-boot.json   { "version": 1, "bootId": …, "crc32c": … }
import { RustLogError } from "../errors.ts";
import {
  type CheckedFormat,
  decodeCheckedFile,
  encodeCheckedFile,
} from "../log/disk/checked-file.ts";
import {
  isDiskFull,
  type Disk,
  joinPath,
  reasonOf,
  removeQuietly,
  replaceFile,
  systemErrorCode,
} from "../log/disk/disk.ts";

/** Name of the file. */
export const LAST_BOOT = "last-boot.json";

const FORMAT: CheckedFormat = { versionField: "version", version: 1, fields: ["bootId"] };

/** Whether the machine has certainly stopped since a broker last ran on the directory. */
export function hasRebooted(disk: Disk, path: string): boolean {
  const noted = readBoot(disk, path);
  const current = disk.bootId();
  return noted !== undefined && current !== undefined && noted !== current;
}

/** Notes the present boot, once recovery is done. What can't be noted counts as unknown at the next start. */
export async function noteBoot(
  disk: Disk,
  path: string,
  report: (line: string) => void,
): Promise<void> {
  const bootId = disk.bootId();
  if (readBoot(disk, path) === bootId) return;
  const file = joinPath(path, LAST_BOOT);
  try {
    if (bootId === undefined) disk.remove(file);
    else await replaceFile(disk, path, LAST_BOOT, encodeCheckedFile(FORMAT, { bootId }));
  } catch (error) {
    const isInTheWay = systemErrorCode(error) === "EISDIR" || error instanceof RustLogError;
    if (!isDiskFull(error) && !isInTheWay) throw error;
    report(`${file} can't be written: ${reasonOf(error)}`);
    // The older one would say that the machine has stopped, once this process is killed.
    removeQuietly(disk, file);
  }
}

function readBoot(disk: Disk, path: string): string | undefined {
  try {
    const bytes = disk.readFile(joinPath(path, LAST_BOOT));
    if (bytes === undefined) return undefined;
    const { fields, hasChecksum } = decodeCheckedFile(FORMAT, bytes);
    const { bootId } = fields;
    return hasChecksum && typeof bootId === "string" ? bootId : undefined;
  } catch {
    return undefined; // It can't be believed, so nothing is known.
  }
}
