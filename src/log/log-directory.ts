// The directory of one log: which files in it are the log's, and what a crash has left there.
// Leaves to others: opening the files (log.ts), and their names (segment-files.ts).
import { type Disk, joinPath, reasonOf } from "./disk/disk.ts";
import type { LogContext } from "./log-context.ts";
import { LOG_START_FILE } from "./log-start.ts";
import { SealedSegment } from "./segment/sealed-segment.ts";
import { isCutFileName, parseSegmentFileName, segmentFileName } from "./segment/segment-files.ts";

export interface LogFileList {
  /** Base offsets of the segments, ascending. */
  readonly bases: number[];
  /** Offsets of the producer snapshots. */
  readonly snapshotOffsets: number[];
}

/** Lists the files of a log, removes what a crash has left, and reports everything else. */
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
        `${name}: ${file} has what an earlier start cut off; remove the file if you don't need it`,
      );
    } else if (parsed === undefined) report(`${name}: ${file} is not a log file; ignored`);
  }
  return { bases, snapshotOffsets };
}

/**
 * The sealed segments of a log. Their lengths are looked up here, at the start: the first description of a partition of
 * many thousand segments would keep all clients waiting for it.
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
    return undefined; // Whoever uses the segment is told why.
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
