// last-boot.json records the machine's boot under which a broker last ran on the directory. It distinguishes a killed
// process, after which the kernel still has everything written, from a stopped machine, after which some may be lost.
// Leaves to others: what recovery does in each case (log/recovery/segment-scan.ts).
//
//   last-boot.json   { "version": 1, "bootId": …, "crc32c": … }
import { RustLogError } from "../errors.js";
import {
  type CheckedFormat,
  decodeCheckedFile,
  encodeCheckedFile,
} from "../log/disk/checked-file.js";
import {
  isDiskFull,
  type Disk,
  joinPath,
  reasonOf,
  removeQuietly,
  replaceFile,
  systemErrorCode,
} from "../log/disk/disk.js";

export const LAST_BOOT = "last-boot.json";

const FORMAT: CheckedFormat = { versionField: "version", version: 1, fields: ["bootId"] };

/** Whether the machine has certainly stopped since a broker last ran on the directory. */
export function hasRebooted(disk: Disk, path: string): boolean {
  const noted = readBoot(disk, path);
  const current = disk.bootId();
  return noted !== undefined && current !== undefined && noted !== current;
}

/** Records the current boot after recovery. If that fails, the next start treats the boot as unknown. */
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
    // A stale note would claim after a kill that the machine has stopped.
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
    return undefined; // Not valid, so nothing is known.
  }
}
