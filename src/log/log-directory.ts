// Lists the directory of one log: the log's own files, leftovers of a crash, and foreign files.
// Leaves to others: opening the files (log.ts), and naming them (segment-files.ts).
import { type CompactedFile, COMPACTION_FILE } from "./compaction/compaction-note.js";
import { type Disk, joinPath, reasonOf } from "./disk/disk.js";
import type { LogContext } from "./log-context.js";
import { LOG_START_FILE } from "./log-start.js";
import { SealedSegment } from "./segment/sealed-segment.js";
import {
  isCleanedFileName,
  isCutFileName,
  parseSegmentFileName,
  segmentFileName,
} from "./segment/segment-files.js";

interface LogFileList {
  /** Base offsets of the segments, ascending. */
  readonly bases: number[];
  /** Offsets of the producer snapshots. */
  readonly snapshotOffsets: number[];
  /** Whether a compaction was noted. */
  readonly isCompacted: boolean;
  /** Names of new files of a compaction that was not finished. */
  readonly cleaned: string[];
}

/** Lists the files of a log, removes leftovers of a crash, and reports everything else. */
export function listLogFiles(context: LogContext): LogFileList {
  const { disk, directory, name, report, onFault } = context;
  const bases: number[] = [];
  const snapshotOffsets: number[] = [];
  const cleaned: string[] = [];
  let isCompacted = false;
  for (const file of disk.list(directory)) {
    const parsed = parseSegmentFileName(file);
    if (parsed?.kind === "log") bases.push(parsed.offset);
    else if (parsed?.kind === "snapshot") snapshotOffsets.push(parsed.offset);
    else if (file === LOG_START_FILE) continue;
    else if (file === COMPACTION_FILE) isCompacted = true;
    else if (isCleanedFileName(file)) cleaned.push(file);
    else if (file.endsWith(".tmp")) removeLeftover(context, file);
    else if (isCutFileName(file)) {
      onFault?.({ kind: "kept", file });
      report(
        `${name}: ${file} holds bytes that an earlier start truncated; remove the file if you don't need it`,
      );
    } else if (parsed === undefined) report(`${name}: ${file} is not a log file; ignored`);
  }
  return { bases, snapshotOffsets, isCompacted, cleaned };
}

/**
 * The sealed segments of a log. Reads their lengths at the start: otherwise the first description of a partition with
 * thousands of segments would delay all clients. Reports those of `compacted` that are missing or too short.
 */
export function sealedSegments(
  context: LogContext,
  bases: readonly number[],
  activeBase: number,
  compacted: readonly CompactedFile[],
): SealedSegment[] {
  const { disk, directory } = context;
  const noted = new Map(compacted.map(({ base, bytes }) => [base, bytes]));
  const sealed = bases.map((base, i) => {
    const endOffset = bases[i + 1] ?? activeBase;
    const fileBytes = lengthOf(disk, directory, base);
    const notedBytes = noted.get(base);
    if (notedBytes !== undefined) reportLoss(context, base, fileBytes ?? 0, notedBytes);
    return new SealedSegment(context, base, { endOffset, fileBytes, notedBytes });
  });
  const here = new Set(bases);
  for (const { base, bytes } of compacted) {
    // Retention deletes the oldest segments.
    const isDeleted = base < (bases[0] ?? activeBase);
    if (!isDeleted && !here.has(base) && base !== activeBase) reportLoss(context, base, 0, bytes);
  }
  return sealed;
}

/** Without this, the loss of a compacted segment would look like a gap that compaction has left. */
function reportLoss(
  { name, report }: LogContext,
  base: number,
  bytes: number,
  noted: number,
): void {
  if (bytes >= noted) return;
  const file = segmentFileName(base, "log");
  report(
    `${name}: ${file} has ${bytes} bytes, but had ${noted} when it was compacted: records are lost`,
  );
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
