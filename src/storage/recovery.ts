// Opening the last segment of a log at start: after a clean stop by what was noted then, else by a scan that
// checks every batch and cuts the file at the first one that is not whole and valid.
// Leaves to others: sealed segments, which were flushed before they were sealed and need no scan (log.ts).
import {
  baseOffset,
  baseTimestamp,
  batchBytes,
  lastOffset,
  maxTimestamp,
  nextOffset,
} from "../record/batch.ts";
import { crc32c } from "../record/crc32c.ts";
import type { ActiveSegmentState } from "./active-segment.ts";
import { BatchWalker } from "./batch-walker.ts";
import { keepTail } from "./cut-file.ts";
import {
  type AppendFile,
  type Disk,
  flushing,
  isDiskFull,
  joinPath,
  reasonOf,
  systemErrorCode,
} from "./disk.ts";
import { copyFile, readFully } from "./file-copy.ts";
import { OFFSET_ENTRY_BYTES, OffsetIndex, offsetIndexFault } from "./offset-index.ts";
import { segmentFileName } from "./segment-files.ts";
import type { LogContext } from "./log-context.ts";
import type { ProducerStates } from "./producer-states.ts";
import { SegmentIndex } from "./segment-index.ts";
import { TIME_ENTRY_BYTES, TimeIndex, timeIndexFault } from "./time-index.ts";
import { UncutFile } from "./uncut-file.ts";

/** What a clean stop notes of the active segment, so that the next start need not scan it. */
export interface CleanSegment {
  /** Base offset of the active segment. */
  readonly baseOffset: number;
  /** Length of its log. A file of any other length is scanned. */
  readonly bytes: number;
  /** Offset that the next record gets. */
  readonly nextOffset: number;
  /** CRC-32C of the whole offset index file, and of the time index file. */
  readonly indexCrc: number;
  readonly timeIndexCrc: number;
}

/**
 * What to note of the active segment at a clean stop, once its log and its indexes are flushed. Makes the
 * directory durable, so that what is noted will be there.
 */
export async function noteCleanStop(
  { disk, directory }: LogContext,
  end: Pick<CleanSegment, "baseOffset" | "bytes" | "nextOffset">,
): Promise<CleanSegment> {
  await disk.syncDirectory(directory);
  const crcOf = (kind: "index" | "timeindex") => {
    const bytes = disk.readFile(joinPath(directory, segmentFileName(end.baseOffset, kind)));
    return bytes === undefined ? 0 : crc32c(bytes, 0, bytes.length);
  };
  return { ...end, indexCrc: crcOf("index"), timeIndexCrc: crcOf("timeindex") };
}

/** How the last broker left a segment. */
export interface SegmentNotes {
  /** What its clean stop noted; undefined after any other end. */
  readonly clean: CleanSegment | undefined;
  /** Whether a flush had failed, so that what can be read may not be on the disk. */
  readonly rewrite: boolean;
}

/** Nothing is known: the segment is scanned. */
export const NO_NOTES: SegmentNotes = { clean: undefined, rewrite: false };

/** The last segment of a log, ready to be appended to. */
export interface OpenedSegment {
  readonly state: ActiveSegmentState;
  readonly nextOffset: number;
  /** The idempotent producers as of `nextOffset`. */
  readonly producers: ProducerStates;
}

/** Where the producers before the last segment are known from. */
export interface ProducerSource {
  /** As of an offset, from a snapshot; undefined when there is none that is whole. */
  load(offset: number): ProducerStates | undefined;
  /** As of the last segment's base offset, from the log itself. */
  rebuild(): ProducerStates;
}

/** What there is of the last segment of a log, before anything is changed. */
export interface FoundSegment {
  readonly file: AppendFile;
  readonly index: SegmentIndex;
  /** Whether a clean stop vouches for all of it; else it was scanned. */
  readonly isNoted: boolean;
  /** Length of the valid part of the log. */
  readonly bytes: number;
  readonly nextOffset: number;
  /** The idempotent producers as of `nextOffset`. */
  readonly producers: ProducerStates;
  /** Why the valid part ends before the file does. */
  readonly fault: string | undefined;
}

/** Reads the last segment of a log, by the note of a clean stop if it still fits, else by a scan. */
export function readLastSegment(
  { disk, directory }: LogContext,
  segmentBaseOffset: number,
  clean: CleanSegment | undefined,
  source: ProducerSource,
): FoundSegment {
  const path = (kind: "log" | "index" | "timeindex") =>
    joinPath(directory, segmentFileName(segmentBaseOffset, kind));
  const file = disk.openAppend(path("log"));
  if (clean !== undefined && clean.baseOffset === segmentBaseOffset && clean.bytes === file.size) {
    const index = loadNotedIndex(
      disk.readFile(path("index")),
      disk.readFile(path("timeindex")),
      clean,
    );
    const producers = source.load(clean.nextOffset);
    if (index !== undefined && producers !== undefined) {
      const { bytes, nextOffset } = clean;
      return { file, index, isNoted: true, bytes, nextOffset, producers, fault: undefined };
    }
  }
  const producers = source.load(segmentBaseOffset) ?? source.rebuild();
  return { file, isNoted: false, producers, ...scan(file, segmentBaseOffset, producers) };
}

/** Opens the last segment of a log: cuts it after its last valid batch, unless a clean stop vouches for it. */
export async function openLastSegment(
  context: LogContext,
  segmentBaseOffset: number,
  notes: SegmentNotes,
  source: ProducerSource,
): Promise<OpenedSegment> {
  const { disk, directory, name, report } = context;
  const found = readLastSegment(context, segmentBaseOffset, notes.clean, source);
  const { file, index, bytes, nextOffset, producers, fault } = found;
  let opening: AppendFile = file;
  const opened = (savedEntries: ActiveSegmentState["savedEntries"]): OpenedSegment => ({
    nextOffset,
    producers,
    state: {
      file: opening,
      index,
      savedEntries,
      firstAppendMs: bytes === 0 ? undefined : firstTimestamp(opening, context.now()),
    },
  });
  if (found.isNoted) return opened({ offsets: index.offsets.count, times: index.times.count });
  const logName = segmentFileName(segmentBaseOffset, "log");
  if (bytes < file.size) {
    const keep = () => keepTail(disk, directory, segmentBaseOffset, file, bytes);
    const what = `${file.size - bytes} bytes`;
    const where = `from ${logName} at position ${bytes} (next offset ${nextOffset}): ${fault}`;
    try {
      const kept = await keep();
      file.truncate(bytes);
      const kind = kept === undefined ? "they are all zero" : `they are kept in ${kept}`;
      report(`${name}: cut ${what} ${where}; ${kind}`);
    } catch (error) {
      // A rewrite needs space, too.
      if (!isDiskFull(error) || notes.rewrite) throw error;
      opening = new UncutFile(file, bytes, async () => {
        const kept = await keep();
        report(`${name}: cut ${what} ${where}; they are kept in ${kept}`);
      });
      report(
        `${name}: no space to keep ${what} that must be cut ${where}; ` +
          "they stay there, and the partition takes no records until there is space",
      );
    }
  }
  // Also when nothing was cut: what the scan read may so far be in the page cache only.
  if (notes.rewrite) opening = await rewrite(disk, directory, logName, file);
  else await flushing(file.path, () => file.sync());
  removeIndex(context, joinPath(directory, segmentFileName(segmentBaseOffset, "index")));
  removeIndex(context, joinPath(directory, segmentFileName(segmentBaseOffset, "timeindex")));
  // The file may be as new as its last byte: a process that was killed in a roll has not flushed its name.
  await flushing(directory, () => disk.syncDirectory(directory));
  return opened({ offsets: 0, times: 0 });
}

function removeIndex({ disk, report }: LogContext, path: string): void {
  try {
    disk.remove(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== "EISDIR" && code !== "EPERM") throw error;
    // A directory has its name. No index is needed: it is in memory, and each start makes it anew.
    report(`${path} can't be replaced: ${reasonOf(error)}; the index is not saved, move it away`);
  }
}

function loadNotedIndex(
  offsetBytes: Uint8Array | undefined,
  timeBytes: Uint8Array | undefined,
  clean: CleanSegment,
): SegmentIndex | undefined {
  if (offsetBytes === undefined || timeBytes === undefined) return undefined;
  if (crc32c(offsetBytes, 0, offsetBytes.length) !== clean.indexCrc) return undefined;
  if (crc32c(timeBytes, 0, timeBytes.length) !== clean.timeIndexCrc) return undefined;
  if (offsetIndexFault(offsetBytes, clean.bytes) ?? timeIndexFault(timeBytes)) return undefined;
  const offsets = new OffsetIndex();
  for (let at = 0; at < offsetBytes.length; at += OFFSET_ENTRY_BYTES) {
    offsets.appendFrom(offsetBytes, at);
  }
  const times = new TimeIndex();
  for (let at = 0; at < timeBytes.length; at += TIME_ENTRY_BYTES) times.appendFrom(timeBytes, at);
  const index = new SegmentIndex(offsets, times);
  const lastPosition = offsets.count === 0 ? 0 : offsets.position(offsets.count - 1);
  index.resumeAfter(clean.bytes - lastPosition);
  return index;
}

/**
 * Replaces a file by a copy. After a failed flush the kernel may hold pages that are not on the disk and count
 * as clean; another flush would not write them, a copy does.
 */
async function rewrite(
  disk: Disk,
  directory: string,
  name: string,
  file: AppendFile,
): Promise<AppendFile> {
  await copyFile(disk, file, 0, directory, name);
  file.close();
  return disk.openAppend(file.path);
}

interface Scan {
  index: SegmentIndex;
  /** Length of the valid part. */
  bytes: number;
  nextOffset: number;
  /** Why the scan ended before the end of the file. */
  fault: string | undefined;
}

/** Walks a log file from its start, checking every batch and that offsets have no gap. */
function scan(file: AppendFile, segmentBaseOffset: number, producers: ProducerStates): Scan {
  const result: Scan = {
    index: new SegmentIndex(),
    bytes: 0,
    nextOffset: segmentBaseOffset,
    fault: undefined,
  };
  const walker = new BatchWalker({
    size: file.size,
    read: (into, position) => readFully(file, into, position),
  });
  while (result.bytes < file.size) {
    result.fault = walker.faultAt(result.bytes)?.message;
    const { bytes } = walker;
    const at = walker.at(result.bytes);
    if (result.fault === undefined && baseOffset(bytes, at) !== result.nextOffset) {
      result.fault = `a batch has base offset ${baseOffset(bytes, at)}, not ${result.nextOffset}`;
    }
    if (result.fault !== undefined) break;
    const size = batchBytes(bytes, at);
    const relative = lastOffset(bytes, at) - segmentBaseOffset;
    result.index.add(relative, result.bytes, size, maxTimestamp(bytes, at));
    producers.note(bytes, at);
    result.bytes += size;
    result.nextOffset = nextOffset(bytes, at);
  }
  return result;
}

/** When the segment was begun, for rolling by age: its first timestamp, if that is believable. */
function firstTimestamp(file: AppendFile, nowMs: number): number {
  const header = new Uint8Array(64);
  file.read(header, 0);
  const first = baseTimestamp(header, 0);
  return first > 0 && first < nowMs ? first : nowMs;
}
