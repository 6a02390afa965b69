// compaction.json: how far a log was compacted, its segments up to there, and replacements that were decided and may not be
// finished.
// Leaves to others: carrying them out (segment-swap.ts).
//
//   { "version": 1, "firstDirtyOffset": N,
//     "compacted": [ { "base": N, "bytes": N }, … ],
//     "replacements": [ { "base": N, "bytes": N, "replaced": [ N, … ] }, … ], "crc32c": … }
//
// Without the file, nothing was compacted. The lengths of compacted segments show a loss that looks like a gap.
import { RustLogError } from "../../errors.js";
import { type CheckedFormat, decodeCheckedFile, encodeCheckedFile } from "../disk/checked-file.js";
import { type Disk, joinPath, reasonOf } from "../disk/disk.js";

export const COMPACTION_FILE = "compaction.json";

const FORMAT: CheckedFormat = {
  versionField: "version",
  version: 1,
  fields: ["firstDirtyOffset", "compacted", "replacements"],
};

/** A segment that compaction wrote, or left as it was. */
export interface CompactedFile {
  /** Its base offset. */
  readonly base: number;
  /** Length of its log in bytes. */
  readonly bytes: number;
}

/** A new segment, in `<base>.log.cleaned` and so on, that takes the place of one or more neighbours. */
export interface Replacement extends CompactedFile {
  /** Base offsets of the segments whose records it holds, oldest first. The first may be its own. */
  readonly replaced: readonly number[];
}

export interface CompactionNote {
  /** Records below it were compacted. */
  readonly firstDirtyOffset: number;
  /** The segments below that, oldest first, also those that are about to be put in place. */
  readonly compacted: readonly CompactedFile[];
  readonly replacements: readonly Replacement[];
}

export const NOT_COMPACTED: CompactionNote = {
  firstDirtyOffset: 0,
  compacted: [],
  replacements: [],
};

export function encodeCompactionNote(note: CompactionNote): Uint8Array {
  const { firstDirtyOffset, compacted, replacements } = note;
  return encodeCheckedFile(FORMAT, {
    firstDirtyOffset,
    compacted: compacted.map(({ base, bytes }) => ({ base, bytes })),
    replacements: replacements.map(({ base, bytes, replaced }) => ({ base, bytes, replaced })),
  });
}

/** Reads the note of a directory; undefined without a file. Throws STORAGE_ERROR if the file is unusable. */
export function readCompactionNote(disk: Disk, directory: string): CompactionNote | undefined {
  const path = joinPath(directory, COMPACTION_FILE);
  const bytes = disk.readFile(path);
  if (bytes === undefined) return undefined;
  try {
    return noteOf(decodeCheckedFile(FORMAT, bytes).fields);
  } catch (error) {
    throw new RustLogError("STORAGE_ERROR", `${path} can't be used: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function noteOf(fields: Readonly<Record<string, unknown>>): CompactionNote {
  const { firstDirtyOffset, compacted, replacements } = fields;
  return {
    firstDirtyOffset: numberOf(firstDirtyOffset, "firstDirtyOffset"),
    compacted: listOf(compacted, "compacted").map(compactedFileOf),
    replacements: listOf(replacements, "replacements").map((entry) => ({
      ...compactedFileOf(entry),
      replaced: listOf(fieldOf(entry, "replaced"), "replaced").map((it) =>
        numberOf(it, "replaced"),
      ),
    })),
  };
}

function compactedFileOf(entry: unknown): CompactedFile {
  return {
    base: numberOf(fieldOf(entry, "base"), "base"),
    bytes: numberOf(fieldOf(entry, "bytes"), "bytes"),
  };
}

function fieldOf(entry: unknown, name: string): unknown {
  if (typeof entry !== "object" || entry === null) throw new Error("an entry is not an object");
  return (entry as Readonly<Record<string, unknown>>)[name];
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`its ${name} is not a list`);
  return value;
}

function numberOf(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`its ${name} is not an offset or a length`);
}
