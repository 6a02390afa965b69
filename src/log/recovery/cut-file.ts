// Truncates the end of a log, and keeps the bytes in a file beside it, for people to examine.
// Leaves to others: where to truncate (recovery.ts, and `verify --repair`). The broker never reads or removes such a
// file.
//
// After a crash a log usually ends with a partly written batch that was never acknowledged. But the same bytes may be
// an acknowledged batch with a damaged length, and the two cannot be told apart. So truncated bytes are kept, unless
// they are all zero: a file system that lost power may leave a tail of zeroes.
import { type AppendFile, type Disk, isDiskFull, joinPath } from "../disk/disk.js";
import { COPY_BYTES, copyFile, readFully } from "../disk/file-copy.js";
import type { LogContext } from "../log-context.js";
import { cutFileName, segmentFileName } from "../segment/segment-files.js";
import { UncutFile } from "./uncut-file.js";

/** A segment whose end is not a batch. */
interface TornSegment {
  readonly file: AppendFile;
  /** Length of what is kept. */
  readonly bytes: number;
  readonly nextOffset: number;
  /** What is wrong with the rest. */
  readonly fault: string | undefined;
}

/**
 * Truncates the tail and keeps its bytes in another file. If there is no space for that, the tail stays in place,
 * hidden.
 */
export async function cutTail(
  { disk, directory, name, report, onFault }: LogContext,
  segmentBaseOffset: number,
  { file, bytes, nextOffset, fault }: TornSegment,
  mayWait: boolean,
): Promise<AppendFile> {
  const logName = segmentFileName(segmentBaseOffset, "log");
  const keep = () => keepTail(disk, directory, segmentBaseOffset, file, bytes);
  const what = `${file.size - bytes} bytes`;
  const where = `from ${logName} at position ${bytes} (next offset ${nextOffset}): ${fault}`;
  const found = { bytes: file.size - bytes, offset: nextOffset, reason: fault ?? "" };
  const truncated = (kept: string | undefined) =>
    onFault?.({ kind: "truncated", ...found, file: kept });
  try {
    const kept = await keep();
    file.truncate(bytes);
    const kind = kept === undefined ? "they are all zero" : `they are kept in ${kept}`;
    report(`${name}: truncated ${what} ${where}; ${kind}`);
    truncated(kept);
    return file;
  } catch (error) {
    if (!isDiskFull(error) || !mayWait) throw error;
    report(
      `${name}: no space to keep ${what} that must be truncated ${where}; ` +
        "they stay there, and the partition takes no records until there is space",
    );
    onFault?.({ kind: "untruncated", ...found, file: undefined });
    return new UncutFile(file, bytes, async () => {
      const kept = await keep();
      report(`${name}: truncated ${what} ${where}; they are kept in ${kept}`);
      truncated(kept);
    });
  }
}

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
