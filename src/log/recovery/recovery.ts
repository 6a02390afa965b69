// Opens the last segment of a log at start. Uses the notes of a clean stop if there are any; otherwise scans the
// segment and checks every batch. Truncates a torn tail. Keeps damage that is followed by whole batches: the log then
// seals the segment as it is and begins a new one.
// Leaves to others: sealed segments, which were flushed before they were sealed and need no scan (log.ts).
import type { ActiveSegmentState } from "../segment/active-segment.js";
import type { ReadableFile } from "../../record/bytes.js";
import { cutTail } from "./cut-file.js";
import {
  type AppendFile,
  type Disk,
  flushing,
  isUnusable,
  joinPath,
  reasonOf,
  systemErrorCode,
} from "../disk/disk.js";
import { copyFile, readFully } from "../disk/file-copy.js";
import { firstAppendTime } from "./first-append.js";
import type { LogContext } from "../log-context.js";
import { type CleanSegment, flushedBytes, loadNotedIndex, tailHolds } from "./noted-segment.js";
import type { ProducerStates } from "../producer-states.js";
import { segmentFileName } from "../segment/segment-files.js";
import { type DamagedRange, scanSegment, type SegmentScan } from "./segment-scan.js";

/** How the previous broker process left a segment. */
export interface SegmentNotes {
  /** Notes of its clean stop; undefined after any other end. */
  readonly clean: CleanSegment | undefined;
  /** Whether a flush failed, so that readable bytes may not be on the disk. */
  readonly rewrite: boolean;
  /** Whether the machine has rebooted since: unflushed bytes may be there in part, and out of order. */
  readonly rebooted?: boolean;
  /** Whether to scan in any case: the broker itself relies on the records of this segment. */
  readonly scan?: boolean;
}

export const NO_NOTES: SegmentNotes = { clean: undefined, rewrite: false };

/** The last segment of a log, ready for appends. */
interface OpenedSegment {
  readonly state: ActiveSegmentState;
  readonly nextOffset: number;
  /** The idempotent producers as of `nextOffset`. */
  readonly producers: ProducerStates;
  /** Whether it is damaged; then nothing may be appended to it. */
  readonly isDamaged: boolean;
}

/** Damaged positions that are reported one by one. */
const REPORTED_MAX = 5;

/** Loads the producers as of the last segment. */
interface ProducerSource {
  /** As of an offset, from a snapshot; undefined if there is no valid one. */
  load(offset: number): ProducerStates | undefined;
  /** As of the last segment's base offset, from the log itself. */
  rebuild(): ProducerStates;
}

/** The last segment of a log as found, before any change. */
interface FoundSegment extends SegmentScan {
  readonly file: AppendFile;
  /** Whether a clean stop vouches for it; otherwise it was scanned. */
  readonly isNoted: boolean;
  /** The idempotent producers as of `nextOffset`. */
  readonly producers: ProducerStates;
}

/** Reads the last segment of a log: uses the notes of a clean stop if they match the files, otherwise scans. */
export function readLastSegment(
  { disk, directory }: LogContext,
  segmentBaseOffset: number,
  notes: SegmentNotes,
  source: ProducerSource,
): FoundSegment {
  const path = (kind: "log" | "index" | "timeindex") =>
    joinPath(directory, segmentFileName(segmentBaseOffset, kind));
  const file = disk.openAppend(path("log"));
  const { clean } = notes;
  const indexBytes = readIndexFile(disk, path("index"));
  const fits = clean?.baseOffset === segmentBaseOffset && clean.bytes === file.size;
  if (fits && notes.scan !== true) {
    const index = loadNotedIndex(indexBytes, readIndexFile(disk, path("timeindex")), clean);
    const producers = source.load(clean.nextOffset);
    if (index !== undefined && producers !== undefined && tailHolds(file, clean, index.offsets)) {
      const { bytes, nextOffset } = clean;
      return {
        file,
        index,
        isNoted: true,
        bytes,
        nextOffset,
        producers,
        fault: undefined,
        damage: [],
      };
    }
  }
  const producers = source.load(segmentBaseOffset) ?? source.rebuild();
  const bytes: ReadableFile = {
    size: file.size,
    read: (into, position) => readFully(file, into, position),
  };
  const unorderedFrom = notes.rebooted === true ? flushedBytes(indexBytes) : file.size;
  const hints = {
    unorderedFrom,
    noted: hasLostBytes(clean, segmentBaseOffset, file.size) ? clean : undefined,
  };
  const scan = scanSegment(bytes, segmentBaseOffset, producers, hints);
  return { file, isNoted: false, producers, ...scan };
}

/**
 * Whether the log has lost noted bytes. Nothing was appended since the clean stop, so a missing end of the segment, or
 * a missing segment, is a loss.
 */
function hasLostBytes(
  clean: CleanSegment | undefined,
  segmentBaseOffset: number,
  bytes: number,
): boolean {
  if (clean === undefined || clean.baseOffset < segmentBaseOffset) return false;
  return clean.baseOffset > segmentBaseOffset || clean.bytes >= bytes;
}

/** Opens the last segment of a log and truncates a torn tail. */
export async function openLastSegment(
  context: LogContext,
  segmentBaseOffset: number,
  notes: SegmentNotes,
  source: ProducerSource,
): Promise<OpenedSegment> {
  const { disk, directory } = context;
  const found = readLastSegment(context, segmentBaseOffset, notes, source);
  const { file, index, bytes, nextOffset, producers } = found;
  let opening: AppendFile = file;
  const opened = (savedEntries: ActiveSegmentState["savedEntries"]): OpenedSegment => ({
    nextOffset,
    producers,
    isDamaged: found.damage.length > 0,
    state: {
      file: opening,
      index,
      savedEntries,
      firstAppendMs: bytes === 0 ? undefined : firstAppendTime(opening, context.now()),
      uncheckedBytes: found.isNoted || found.damage.length > 0 ? bytes : 0,
    },
  });
  if (found.isNoted) return opened({ offsets: index.offsets.count, times: index.times.count });
  const logName = segmentFileName(segmentBaseOffset, "log");
  reportDamage(context, logName, found.damage);
  // A rewrite needs space too.
  const mayWait = !notes.rewrite;
  if (bytes < file.size) opening = await cutTail(context, segmentBaseOffset, found, mayWait);
  // Needed even if nothing was truncated: the scanned bytes may only be in the page cache.
  if (notes.rewrite) opening = await rewrite(disk, directory, logName, file);
  else await flushing(file.path, () => file.sync());
  removeIndex(context, joinPath(directory, segmentFileName(segmentBaseOffset, "index")));
  removeIndex(context, joinPath(directory, segmentFileName(segmentBaseOffset, "timeindex")));
  // A process killed during a roll may not have flushed the file's directory entry.
  await flushing(directory, () => disk.syncDirectory(directory));
  return opened({ offsets: 0, times: 0 });
}

function reportDamage(
  { name, report, onFault }: LogContext,
  logName: string,
  damage: readonly DamagedRange[],
): void {
  for (const { position, bytes, offset, nextOffset, reason } of damage.slice(0, REPORTED_MAX)) {
    onFault?.({ kind: "damage", offset, reason: `${logName}, position ${position}: ${reason}` });
    const lost = lostOffsets(offset, nextOffset);
    report(
      `${name}: ${logName} is damaged at position ${position}, ${bytes} bytes: ${reason}; ${lost}. ` +
        "The segment is kept as it is, and appends go to a new one",
    );
  }
  if (damage.length > REPORTED_MAX) {
    report(`${name}: ${logName} is damaged at ${damage.length - REPORTED_MAX} more positions`);
  }
}

function lostOffsets(first: number, next: number): string {
  if (next <= first) return "no records are lost";
  const last = next - 1;
  return `${first === last ? `offset ${first}` : `offsets ${first} to ${last}`} can't be read`;
}

/** Reads an index file; undefined if it is missing or unusable. */
function readIndexFile(disk: Disk, path: string): Uint8Array | undefined {
  try {
    return disk.readFile(path);
  } catch (error) {
    if (isUnusable(error)) return undefined;
    throw error;
  }
}

function removeIndex({ disk, report }: LogContext, path: string): void {
  try {
    disk.remove(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== "EISDIR" && code !== "EPERM") throw error;
    // A directory has the name of the index. The index stays in memory, and each start rebuilds it.
    report(`${path} can't be replaced: ${reasonOf(error)}; the index is not saved, move it away`);
  }
}

/**
 * Replaces a file by a copy. After a failed flush the kernel may hold pages that count as clean but are not on the
 * disk. Another flush would not write them; a copy does.
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
