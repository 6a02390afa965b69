// Puts compacted segments in place of those that they replace, such that a crash at any step leaves the old or the new
// records. Used while the log is open, and at a start.
// Leaves to others: deciding on a replacement (log-compaction.ts), and the file with the decision (compaction-note.ts).
//
//   flush the directory            the new files, `<base>.log.cleaned` and so on, are flushed already
//   write compaction.json          with the replacements; from here on they are carried out, also by the next start
//   flush the directory
//   rename each new file           over the file of the segment with its base offset, if there is one
//   unlink the replaced segments
//   flush the directory
//   write compaction.json          without the replacements
//
// The decision comes first, and covers all segments of a run. So a tombstone is never removed without the older records
// of its key.
import { RustLogError } from "../../errors.js";
import {
  type Disk,
  flushing,
  isDiskFull,
  joinPath,
  reasonOf,
  removeQuietly,
  systemErrorCode,
  FlushFailure,
} from "../disk/disk.js";
import type { SegmentContext } from "../log-context.js";
import { cleanedFileName, isCleanedFileName, segmentFileName } from "../segment/segment-files.js";
import {
  COMPACTION_FILE,
  type CompactionNote,
  encodeCompactionNote,
  NOT_COMPACTED,
  readCompactionNote,
  type Replacement,
} from "./compaction-note.js";

/** The files of a segment, in the order in which they are put in place. */
const KINDS = ["log", "index", "timeindex"] as const;

type Kind = (typeof KINDS)[number];

/**
 * Replaces the note. Its directory entry is not durable before the directory is flushed. Throws the system's error; the
 * old note is then unchanged. Throws a FlushFailure if the new file can't be flushed.
 */
export async function writeCompactionNote(
  { disk, directory }: SegmentContext,
  note: CompactionNote,
): Promise<void> {
  const path = joinPath(directory, COMPACTION_FILE);
  const temporary = `${path}.tmp`;
  try {
    await disk.writeFile(temporary, encodeCompactionNote(note));
    disk.rename(temporary, path);
  } catch (error) {
    removeQuietly(disk, temporary);
    if (systemErrorCode(error) === "EIO") throw new FlushFailure(path, error);
    throw error;
  }
}

/** Renames a new file into place, unless it is there already. Throws the system's error. */
export function placeFile({ disk, directory }: SegmentContext, base: number, kind: Kind): void {
  const cleaned = joinPath(directory, cleanedFileName(base, kind));
  if (disk.fileSize(cleaned) === undefined) return;
  disk.rename(cleaned, joinPath(directory, segmentFileName(base, kind)));
}

/** Unlinks the files of a replaced segment. Throws the system's error. */
export function removeFiles({ disk, directory }: SegmentContext, base: number): void {
  for (const kind of KINDS.toReversed()) {
    disk.remove(joinPath(directory, segmentFileName(base, kind)));
  }
}

/** Removes new files that are not going to be put in place. What can't be removed stays for the next start. */
export function discardCleanedFiles({ disk, directory }: SegmentContext): void {
  for (const name of disk.list(directory)) {
    if (isCleanedFileName(name)) removeQuietly(disk, joinPath(directory, name));
  }
}

export function flushDirectory({ disk, directory }: SegmentContext): Promise<void> {
  return flushing(directory, () => disk.syncDirectory(directory));
}

/** What a start finds out about earlier compactions. */
interface SettledCompaction {
  readonly note: CompactionNote;
  /** Whether files were renamed or removed. */
  readonly isChanged: boolean;
}

/**
 * Carries out at a start what an earlier process decided, and removes the new files of a compaction that did not get so
 * far; `cleaned` are their names. Throws STORAGE_ERROR if the files do not fit the note, and the system's error.
 */
export async function settleCompaction(
  context: SegmentContext,
  cleaned: readonly string[],
): Promise<SettledCompaction> {
  const { disk, directory } = context;
  const note = usableNote(context, cleaned.length > 0);
  const { replacements } = note;
  for (const replacement of replacements) checkReplacement(context, replacement);
  // The decision may be in the page cache only, if the process was killed.
  if (replacements.length > 0) await flushDirectory(context);
  for (const { base, replaced } of replacements) {
    for (const kind of KINDS) placeFile(context, base, kind);
    for (const other of replaced) {
      if (other !== base) removeFiles(context, other);
    }
  }
  for (const name of cleaned) removeQuietly(disk, joinPath(directory, name));
  const settled = { ...note, replacements: [] };
  const isChanged = replacements.length > 0;
  if (isChanged) {
    await flushDirectory(context);
    try {
      await writeCompactionNote(context, settled);
      await flushDirectory(context);
    } catch (error) {
      // It is written before the next compaction; until then nothing changes that it describes.
      if (!isDiskFull(error)) throw error;
      return { note, isChanged };
    }
  }
  return { note: settled, isChanged };
}

/** The note; if it is unusable, no compaction counts. That is only possible if none can be half-way. */
function usableNote(
  { disk, directory, name, report }: SegmentContext,
  mayBeHalfWay: boolean,
): CompactionNote {
  try {
    return readCompactionNote(disk, directory) ?? NOT_COMPACTED;
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    if (mayBeHalfWay) {
      throw new RustLogError(
        "STORAGE_ERROR",
        `${reasonOf(error)}; it may say that the .cleaned files beside it take the place of segments. ` +
          `Remove these files and ${COMPACTION_FILE} if all segments are there`,
        { cause: error },
      );
    }
    report(`${name}: ${reasonOf(error)}; the log counts as not compacted`);
    return NOT_COMPACTED;
  }
}

/** Makes sure that a replacement can be carried out, or was. */
function checkReplacement(
  { disk, directory }: SegmentContext,
  { base, bytes, replaced }: Replacement,
): void {
  const sizeOf = (name: string) => disk.fileSize(joinPath(directory, name));
  const log = segmentFileName(base, "log");
  const size = sizeOf(cleanedFileName(base, "log")) ?? sizeOf(log);
  if (size === bytes) return;
  // Retention may have deleted it since.
  const isGone =
    size === undefined && replaced.every((it) => sizeOf(segmentFileName(it, "log")) === undefined);
  if (isGone) return;
  throw new RustLogError(
    "STORAGE_ERROR",
    `${joinPath(directory, COMPACTION_FILE)} says that ${log} has been compacted to ${bytes} bytes, but it has ${size ?? "none"}`,
  );
}

/** What is left to do of the replacements in a note, for readers that change nothing. */
export interface PendingReplacements {
  /** Names of files that are not in place: what they will be called, and what they are called now. */
  readonly unplaced: ReadonlyMap<string, string>;
  /** Base offsets of segments that are going to be removed. */
  readonly replaced: ReadonlySet<number>;
}

export function pendingReplacements(
  disk: Disk,
  directory: string,
  { replacements }: CompactionNote,
): PendingReplacements {
  const unplaced = new Map<string, string>();
  const replaced = new Set<number>();
  for (const { base, replaced: all } of replacements) {
    for (const kind of KINDS) {
      const name = cleanedFileName(base, kind);
      if (disk.fileSize(joinPath(directory, name)) === undefined) continue;
      unplaced.set(segmentFileName(base, kind), name);
    }
    for (const other of all) {
      if (other !== base) replaced.add(other);
    }
  }
  return { unplaced, replaced };
}
