// Lists the directory of one log: the log's own files, leftovers of a crash, and foreign files.
// Leaves to others: opening the files (log.ts), and naming them (segment-files.ts).
import { type Disk, joinPath, reasonOf } from "./disk/disk.js";
import type { LogContext } from "./log-context.js";
import { LOG_START_FILE } from "./log-start.js";
import { SealedSegment } from "./segment/sealed-segment.js";
import { isCutFileName, parseSegmentFileName, segmentFileName } from "./segment/segment-files.js";

interface LogFileList {
  /** Base offsets of the segments, ascending. */
  readonly bases: number[];
  /** Offsets of the producer snapshots. */
  readonly snapshotOffsets: number[];
}

/** Lists the files of a log, removes leftovers of a crash, and reports everything else. */
export function listLogFiles(context: LogContext): LogFileList {
  const { disk, directory, name, report } = context;
  const bases: number[] = [];
  const snapshotOffsets: number[] = [];
  for (const file of disk.list(directory)) {
    const parsed = parseSegmentFileName(file);
    if (parsed?.kind === "log") bases.push(parsed.offset);
    else if (parsed?.kind === "snapshot") snapshotOffsets.push(parsed.offset);
    else if (file === LOG_START_FILE) continue;
    else if (file.endsWith(".tmp")) removeLeftover(context, file);
    else if (isCutFileName(file)) {
      report(
        `${name}: ${file} holds bytes that an earlier start truncated; remove the file if you don't need it`,
      );
    } else if (parsed === undefined) report(`${name}: ${file} is not a log file; ignored`);
  }
  return { bases, snapshotOffsets };
}

/**
 * The sealed segments of a log. Reads their lengths at the start: otherwise the first description of a partition with
 * thousands of segments would delay all clients.
 */
export function sealedSegments(
  context: LogContext,
  bases: readonly number[],
  activeBase: number,
): SealedSegment[] {
  const { disk, directory } = context;
  return bases.map((base, i) => {
    const endOffset = bases[i + 1] ?? activeBase;
    const fileBytes = lengthOf(disk, directory, base);
    return new SealedSegment(context, base, { endOffset, fileBytes });
  });
}

function lengthOf(disk: Disk, directory: string, base: number): number | undefined {
  try {
    return disk.fileSize(joinPath(directory, segmentFileName(base, "log")));
  } catch {
    return undefined; // The first use of the segment reports why.
  }
}

function removeLeftover({ disk, directory, name, report }: LogContext, file: string): void {
  const path = joinPath(directory, file);
  try {
    disk.remove(path);
  } catch (error) {
    report(`${name}: ${path} can't be removed: ${reasonOf(error)}; ignored`);
  }
}
