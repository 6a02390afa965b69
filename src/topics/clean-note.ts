// clean-shutdown.json, the note of a clean stop. It saves the next start from scanning the last segments.
// Leaves to others: what it says about a segment, and whether that matches the files (log/recovery/noted-segment.ts).
//
//   clean-shutdown.json   { "version": 1, "partitions": { "TOPIC/PARTITION": { … }, … }, "crc32c": … }
import {
  type CheckedFormat,
  decodeCheckedFile,
  encodeCheckedFile,
} from "../log/disk/checked-file.js";
import { type Disk, joinPath, reasonOf, replaceFile } from "../log/disk/disk.js";
import type { CleanSegment } from "../log/recovery/noted-segment.js";
import type { CleanSegments } from "./topic.js";

export const CLEAN = "clean-shutdown.json";

const FORMAT: CheckedFormat = { versionField: "version", version: 1, fields: ["partitions"] };

export interface CleanNote {
  /** Empty if the note is rejected. */
  readonly segments: CleanSegments;
  /** Why the note is rejected; undefined if it is valid. */
  readonly distrust: string | undefined;
  /** Whether the file is damaged. A note without a checksum, from an older release, is rejected but not damaged. */
  readonly isDamaged: boolean;
}

/** Writes the note durably. Throws the system's error. */
export async function writeCleanNote(
  disk: Disk,
  path: string,
  segments: CleanSegments,
): Promise<void> {
  const partitions = Object.fromEntries(segments);
  await replaceFile(disk, path, CLEAN, encodeCheckedFile(FORMAT, { partitions }));
}

/** Reads the note; undefined if there is none. A rejected note has no segments. */
export function readCleanNote(disk: Disk, path: string): CleanNote | undefined {
  let isDamaged = true;
  try {
    const bytes = disk.readFile(joinPath(path, CLEAN));
    if (bytes === undefined) return undefined;
    const { fields, hasChecksum } = decodeCheckedFile(FORMAT, bytes);
    isDamaged = hasChecksum;
    if (!hasChecksum) throw new Error("it has no checksum");
    const { partitions } = fields;
    return { segments: parse(partitions), distrust: undefined, isDamaged: false };
  } catch (error) {
    return { segments: new Map(), distrust: reasonOf(error), isDamaged };
  }
}

/**
 * Reads the note and removes it, so that it can't vouch for a log that has grown. Flush the directory before the first
 * write. Returns undefined without a valid note.
 */
export function takeCleanNote(
  disk: Disk,
  path: string,
  report: (line: string) => void,
): CleanSegments | undefined {
  const note = readCleanNote(disk, path);
  if (note === undefined) return undefined;
  const file = joinPath(path, CLEAN);
  disk.remove(file);
  if (note.distrust === undefined) return note.segments;
  report(`ignoring ${file} and scanning the last segment of every partition: ${note.distrust}`);
  return undefined;
}

function parse(partitions: unknown): CleanSegments {
  const segments = new Map<string, CleanSegment>();
  for (const [name, value] of Object.entries(partitions ?? {})) {
    // A field that is not a number matches no file, so the segment is scanned.
    const segment = Object(value) as Record<keyof CleanSegment, unknown>;
    segments.set(name, {
      baseOffset: Number(segment.baseOffset),
      bytes: Number(segment.bytes),
      nextOffset: Number(segment.nextOffset),
      indexCrc: Number(segment.indexCrc),
      timeIndexCrc: Number(segment.timeIndexCrc),
    });
  }
  return segments;
}
