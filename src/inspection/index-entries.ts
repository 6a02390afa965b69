// The entries of an index file, each checked against the log beside it if there is one.
// Leaves to others: the checks (verify-index.ts), and printing (cli/inspect.ts).
import { basename, dirname } from "node:path";
import { baseOffset, lastOffset, newestTimestamp } from "../record/batch.js";
import { type Disk, joinPath } from "../log/disk/disk.js";
import { OFFSET_ENTRY_BYTES } from "../log/index/offset-index.js";
import { readRegular } from "../log/disk/regular-file.js";
import {
  baseOffsetOfLogName,
  finalName,
  isCleanedFileName,
  parseSegmentFileName,
  segmentFileName,
} from "../log/segment/segment-files.js";
import { SegmentIndex } from "../log/index/segment-index.js";
import { TIME_ENTRY_BYTES } from "../log/index/time-index.js";
import { type DumpItem, heading } from "./fields.js";
import { formatTime } from "./batch-description.js";
import { FileReader } from "./file-reader.js";
import { walkSegment } from "./segment-walk.js";
import { type IndexFault, OffsetIndexCheck, TimeIndexCheck } from "./verify-index.js";

const ENTRY_BYTES = { index: OFFSET_ENTRY_BYTES, timeindex: TIME_ENTRY_BYTES } as const;

/** An entry of an offset index (with `position`) or a time index (with `timestamp`). */
export interface IndexEntry {
  readonly entry: number;
  /** The entry's offset; relative to the segment if the file's name does not give the base offset. */
  readonly offset: number;
  readonly relativeOffset: number;
  readonly position?: number;
  /** In milliseconds; null for an invalid timestamp. */
  readonly timestamp?: number | null;
  readonly fault?: string;
}

export interface IndexListing {
  readonly kind: "index" | "timeindex";
  readonly bytes: Uint8Array;
  readonly entries: readonly IndexEntry[];
  /** Faults of the file as a whole. */
  readonly faults: readonly string[];
  /** Whether there is a log to check against. */
  readonly isChecked: boolean;
}

/** Reads an index file. Throws the system's error when it can't be read. */
export function listIndex(disk: Disk, path: string, kind: "index" | "timeindex"): IndexListing {
  const bytes = new Uint8Array(readRegular(path));
  // The log beside a new file is still the old one.
  const isNew = isCleanedFileName(basename(path));
  const segment = parseSegmentFileName(finalName(basename(path)));
  const base = segment?.offset ?? 0;
  const check =
    kind === "index" ? new OffsetIndexCheck(bytes, base) : new TimeIndexCheck(bytes, base);
  const isChecked = segment !== undefined && !isNew && hasLog(disk, path, base);
  const found = isChecked ? holdAgainstLog(disk, path, base, check) : [];
  const byEntry = new Map(found.map(({ entry, reason }) => [entry, reason]));
  const entries = Array.from({ length: check.index.count }, (_, entry): IndexEntry => {
    const relativeOffset = check.index.relativeOffset(entry);
    const fault = byEntry.get(entry);
    return {
      entry,
      offset: base + relativeOffset,
      relativeOffset,
      ...(check instanceof OffsetIndexCheck
        ? { position: check.index.position(entry) }
        : { timestamp: timestampOf(check, entry) }),
      ...(fault === undefined ? {} : { fault }),
    };
  });
  const faults = found.filter(({ entry }) => entry === undefined).map(({ reason }) => reason);
  const excess = bytes.length % ENTRY_BYTES[kind];
  if (!isChecked && excess > 0) faults.push(`its last ${excess} bytes are not a complete entry`);
  return { kind, bytes, entries, faults, isChecked };
}

export function* indexFields(
  listing: IndexListing,
  entries: readonly IndexEntry[] = listing.entries,
): Generator<DumpItem, void> {
  const { kind, bytes } = listing;
  const size = ENTRY_BYTES[kind];
  for (const { entry, offset, relativeOffset, position, timestamp, fault } of entries) {
    const at = entry * size;
    const role = fault === undefined ? "header" : "broken";
    yield heading(
      0,
      `entry ${entry}${fault === undefined ? "" : `: ${fault}`}`,
      fault !== undefined,
    );
    const named = `${relativeOffset} (offset ${offset})`;
    const cell = (from: number, to: number, name: string, text: string): DumpItem => ({
      kind: "field",
      position: at + from,
      bytes: bytes.subarray(at + from, at + to),
      name,
      text,
      role,
    });
    if (kind === "index") {
      yield cell(0, 4, "relativeOffset", named);
      yield cell(4, 8, "position", String(position));
    } else {
      const ms = timestamp ?? null;
      yield cell(0, 8, "timestamp", ms === null ? formatTime(ms) : `${ms} ${formatTime(ms)}`);
      yield cell(8, 12, "relativeOffset", named);
    }
  }
  const rest = listing.entries.length * size;
  if (rest === bytes.length) return;
  yield {
    kind: "field",
    position: rest,
    bytes: bytes.subarray(rest),
    name: "incomplete entry",
    text: undefined,
    role: "broken",
  };
}

function hasLog(disk: Disk, path: string, base: number): boolean {
  return disk.fileSize(joinPath(dirname(path), segmentFileName(base, "log"))) !== undefined;
}

/** Walks the log beside an index. The index of the last segment may lag behind its log. */
function holdAgainstLog(
  disk: Disk,
  path: string,
  base: number,
  check: OffsetIndexCheck | TimeIndexCheck,
): readonly IndexFault[] {
  const directory = dirname(path);
  const isLast = disk.list(directory).every((name) => (baseOffsetOfLogName(name) ?? 0) <= base);
  const rebuilt = new SegmentIndex();
  let next = 0;
  let isDamaged = false;
  using log = new FileReader(joinPath(directory, segmentFileName(base, "log")));
  for (const part of walkSegment(log)) {
    const { position, size } = part;
    if (part.kind === "damage") {
      isDamaged = true;
      if (check instanceof OffsetIndexCheck) check.damage(position, size);
      continue;
    }
    const { bytes, at } = part;
    const last = lastOffset(bytes, at) - base;
    const first = baseOffset(bytes, at) - base;
    if (isDamaged && check instanceof TimeIndexCheck) check.damage(next, first);
    isDamaged = false;
    next = last + 1;
    const timestamp = newestTimestamp(bytes, at);
    rebuilt.add(last, position, size, timestamp);
    if (check instanceof OffsetIndexCheck) check.batch(position, last);
    else check.batch(last, timestamp);
  }
  if (isDamaged && check instanceof TimeIndexCheck) check.damage(next, Number.POSITIVE_INFINITY);
  rebuilt.seal();
  return check.finish(rebuilt, isLast ? "prefix" : "whole");
}

function timestampOf(check: TimeIndexCheck, entry: number): number | null {
  try {
    return check.index.timestamp(entry);
  } catch {
    return null;
  }
}
