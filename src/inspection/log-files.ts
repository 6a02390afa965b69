// Opens the log of one partition from a data directory, with the storage code on a read-only disk. The broker may be
// running. Leaves to others: lookups in the log (explain-lookup.ts).
import { RustLogError } from "../errors.js";
import { findBatchFault } from "../record/batch.js";
import { ActiveSegment } from "../log/segment/active-segment.js";
import { type AppendFile, type Disk, joinPath } from "../log/disk/disk.js";
import type { SegmentsView } from "../log/log-view.js";
import { readLogStart } from "../log/log-start.js";
import {
  ANY_TIMESTAMPS,
  CLEANUP_DEFAULTS,
  type LogContext,
  type LogPosition,
} from "../log/log-context.js";
import { ProducerStates } from "../log/producer-states.js";
import { readLastSegment } from "../log/recovery/recovery.js";
import { SealedSegment } from "../log/segment/sealed-segment.js";
import {
  type CompactionNote,
  NOT_COMPACTED,
  readCompactionNote,
} from "../log/compaction/compaction-note.js";
import { pendingReplacements } from "../log/compaction/segment-swap.js";
import { baseOffsetOfLogName, segmentFileName } from "../log/segment/segment-files.js";
import { SegmentList } from "../log/segment/segment-list.js";
import { readCleanNote } from "../topics/clean-note.js";
import { META, readMeta } from "../topics/meta-file.js";
import { readTopicFile } from "../topics/topic-file.js";
import { checkTopicName } from "../topics/topic-settings.js";
import { ReadOnlyDisk } from "./read-only-disk.js";

/** Bytes at the end of the last segment that are not a valid batch. The broker does not serve them. */
export interface LogTail {
  readonly file: string;
  readonly position: number;
  readonly bytes: number;
  readonly reason: string;
  /** Whether they are the start of a batch: torn by a crash, or still being written. */
  readonly isPartial: boolean;
}

/** A partition's log, with its files as they were on opening. */
export interface ReadableLog {
  readonly topic: string;
  readonly partition: number;
  readonly directory: string;
  readonly disk: Pick<Disk, "readFile">;
  readonly segments: SegmentsView;
  readonly logStartOffset: number;
  /** The end of the last complete batch in the file. */
  readonly end: LogPosition;
  readonly tail: LogTail | undefined;
}

export interface LogFiles extends ReadableLog, Disposable {}

/**
 * Opens a partition's log. Throws DATA_DIRECTORY_UNUSABLE, INVALID_TOPIC, UNKNOWN_TOPIC_OR_PARTITION, or the system's
 * error.
 */
export function openLogFiles(dataDirectory: string, topic: string, partition: number): LogFiles {
  const disk = new ReadOnlyDisk();
  const directory = partitionDirectory(disk, dataDirectory, topic, partition);
  placeCompacted(disk, directory);
  const bases = disk.list(directory).flatMap((name) => baseOffsetOfLogName(name) ?? []);
  const last = bases.pop();
  if (last === undefined) {
    throw new RustLogError("STORAGE_ERROR", `${directory} has no segments`);
  }
  const name = `${topic}-${partition}`;
  const report = (): void => {}; // What it would tell an operator of repairs is not done here.
  const settings = {
    segmentBytes: 0,
    segmentMs: 0,
    retentionBytes: -1,
    retentionMs: -1,
    ...ANY_TIMESTAMPS,
    ...CLEANUP_DEFAULTS,
  };
  const context: LogContext = { disk, directory, name, settings, now: Date.now, report };
  const clean = readCleanNote(disk, dataDirectory)?.segments.get(`${topic}/${partition}`);
  const notes = { clean, rewrite: false };
  // Only appends need the producer states.
  const producers = { load: () => new ProducerStates(), rebuild: () => new ProducerStates() };
  const { file, index, bytes, nextOffset } = readLastSegment(context, last, notes, producers);
  const tail = bytes < file.size ? readTail(file, bytes) : undefined;
  file.truncate(bytes);
  const savedEntries = { offsets: 0, times: 0 };
  const state = { file, index, savedEntries, firstAppendMs: undefined, uncheckedBytes: bytes };
  const active = new ActiveSegment(context, last, state);
  const sealed = bases.map(
    (base, i) => new SealedSegment(context, base, { endOffset: bases[i + 1] ?? last }),
  );
  return {
    topic,
    partition,
    directory,
    disk,
    segments: new SegmentList(name, sealed, active),
    logStartOffset: Math.max(readLogStart(disk, directory), bases[0] ?? last),
    end: { offset: nextOffset, segment: last, position: bytes },
    tail,
    [Symbol.dispose]: () => active.close(),
  };
}

/** A broker may be about to put compacted segments in place, or have been killed on the way: look at the result. */
function placeCompacted(disk: ReadOnlyDisk, directory: string): void {
  const { unplaced, replaced } = pendingReplacements(disk, directory, noteOf(disk, directory));
  for (const [name, present] of unplaced) {
    disk.rename(joinPath(directory, present), joinPath(directory, name));
  }
  for (const base of replaced) disk.remove(joinPath(directory, segmentFileName(base, "log")));
}

/** The note about compaction. Without a usable one, the segments are looked at as they are. */
function noteOf(disk: Disk, directory: string): CompactionNote {
  try {
    return readCompactionNote(disk, directory) ?? NOT_COMPACTED;
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    return NOT_COMPACTED;
  }
}

function partitionDirectory(
  disk: Disk,
  dataDirectory: string,
  topic: string,
  partition: number,
): string {
  const meta = readMeta(disk, dataDirectory);
  if (meta === undefined) {
    const message = `${dataDirectory} is not a data directory: it has no ${META}`;
    throw new RustLogError("DATA_DIRECTORY_UNUSABLE", message);
  }
  checkTopicName(topic);
  const directory = joinPath(joinPath(dataDirectory, "topics"), topic);
  const file = readTopicFile(disk, directory, topic, meta.id);
  if (file === undefined) {
    throw new RustLogError(
      "UNKNOWN_TOPIC_OR_PARTITION",
      `topic '${topic}' does not exist in ${dataDirectory}`,
    );
  }
  if (partition >= file.partitions) {
    throw new RustLogError(
      "UNKNOWN_TOPIC_OR_PARTITION",
      `topic '${topic}' has no partition ${partition}; its partitions are 0 to ${file.partitions - 1}`,
    );
  }
  return joinPath(directory, String(partition));
}

function readTail(file: AppendFile, position: number): LogTail {
  const bytes = new Uint8Array(file.size - position);
  file.read(bytes, position);
  const fault = findBatchFault(bytes, 0, bytes.length);
  const reason = fault?.message ?? "its offsets do not follow the previous batch";
  const isPartial = fault?.kind === "truncated";
  return { file: file.path, position, bytes: bytes.length, reason, isPartial };
}
