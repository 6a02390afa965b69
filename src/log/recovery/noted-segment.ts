// The notes of a clean stop about the last segment: makes them, and compares them with the files at the next start,
// before any scan. Leaves to others: what follows from that (recovery.ts), storing them (topics/clean-note.ts).
import { batchBytes, findBatchFault, nextOffset } from "../../record/batch.js";
import { crc32c } from "../../record/crc32c.js";
import { BatchWalker } from "../../record/batch-walker.js";
import { type AppendFile, joinPath } from "../disk/disk.js";
import { readFully } from "../disk/file-copy.js";
import { OffsetIndex, offsetIndexFault } from "../index/offset-index.js";
import type { LogContext } from "../log-context.js";
import { SegmentIndex } from "../index/segment-index.js";
import { segmentFileName } from "../segment/segment-files.js";
import { TimeIndex, timeIndexFault } from "../index/time-index.js";

/** The notes of a clean stop about the active segment, which let the next start skip its scan. */
export interface CleanSegment {
  readonly baseOffset: number;
  /** Length of its log in bytes. A file of any other length is scanned. */
  readonly bytes: number;
  readonly nextOffset: number;
  /** CRC-32C of the whole offset index file, and of the time index file. */
  readonly indexCrc: number;
  readonly timeIndexCrc: number;
}

/**
 * Makes the notes of a clean stop, after the log and its indexes were flushed. Flushes the directory, so that the noted
 * files survive.
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

/** Loads the indexes of a segment if their files match the note. */
export function loadNotedIndex(
  offsetBytes: Uint8Array | undefined,
  timeBytes: Uint8Array | undefined,
  clean: CleanSegment,
): SegmentIndex | undefined {
  if (offsetBytes === undefined || timeBytes === undefined) return undefined;
  if (crc32c(offsetBytes, 0, offsetBytes.length) !== clean.indexCrc) return undefined;
  if (crc32c(timeBytes, 0, timeBytes.length) !== clean.timeIndexCrc) return undefined;
  if (offsetIndexFault(offsetBytes, clean.bytes) ?? timeIndexFault(timeBytes)) return undefined;
  const offsets = new OffsetIndex(offsetBytes);
  const index = new SegmentIndex(offsets, new TimeIndex(timeBytes));
  const lastPosition = offsets.count === 0 ? 0 : offsets.position(offsets.count - 1);
  index.resumeAfter(clean.bytes - lastPosition);
  return index;
}

/**
 * Length of the log that was certainly flushed, in bytes. An index entry is written to the file only after the flush
 * that covers its batch. A wrong entry can only make the result too large, which keeps more data.
 */
export function flushedBytes(indexBytes: Uint8Array | undefined): number {
  const entries = new OffsetIndex(indexBytes);
  let flushed = 0;
  for (let i = 0; i < entries.count && entries.position(i) > flushed; i++) {
    flushed = entries.position(i);
  }
  return flushed;
}

/** Whether the last batch of a noted segment is whole, and ends at the position and offset in the note. */
export function tailHolds(file: AppendFile, clean: CleanSegment, offsets: OffsetIndex): boolean {
  if (clean.bytes === 0) return clean.nextOffset === clean.baseOffset;
  const last = offsets.count - 1;
  const start = last < 0 ? 0 : offsets.position(last);
  const size = clean.bytes - start;
  const walker = new BatchWalker({ size, read: (into, at) => readFully(file, into, start + at) });
  for (let position = 0; ;) {
    const header = walker.headerAt(position);
    if (header === undefined) return false;
    if (findBatchFault(header, 0, size - position, false) !== undefined) return false;
    const next = position + batchBytes(header, 0);
    if (next === size) {
      return nextOffset(header, 0) === clean.nextOffset && walker.faultAt(position) === undefined;
    }
    position = next;
  }
}
