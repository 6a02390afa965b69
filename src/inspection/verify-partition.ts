// Checks the directory of one partition: its files, and its segments in order, each with its indexes.
// Leaves to others: one segment (verify-segment.ts), compaction (verify-compaction.ts), snapshots (verify-snapshots.ts), the
// topic (verify-topic.ts).
import type { RecordCursor } from "../record/cursor.js";
import { COMPACTION_FILE } from "../log/compaction/compaction-note.js";
import { joinPath, reasonOf } from "../log/disk/disk.js";
import { LOG_START_FILE, readLogStart } from "../log/log-start.js";
import { ProducerStates } from "../log/producer-states.js";
import type { CleanSegment } from "../log/recovery/noted-segment.js";
import {
  isCleanedFileName,
  isCutFileName,
  parseSegmentFileName,
  type SegmentFile,
  segmentFileName,
} from "../log/segment/segment-files.js";
import { removeFile } from "./repair.js";
import type { Verification } from "./verification.js";
import type { PartitionEnd } from "./verify-offsets.js";
import { CompactionCheck } from "./verify-compaction.js";
import { SegmentCheck } from "./verify-segment.js";
import { SnapshotCheck } from "./verify-snapshots.js";

interface PartitionPlace {
  readonly topic: string;
  readonly partition: number;
  /** Relative to the data directory. */
  readonly directory: string;
  /** What a clean stop noted about its last segment. */
  readonly clean: CleanSegment | undefined;
}

export interface PartitionReport extends PartitionEnd {
  /** Base offset of the last segment; undefined if there is none. */
  readonly lastSegment: number | undefined;
}

/** Checks a partition and settles its findings. `onRecord` receives the records of an internal topic. */
export async function verifyPartition(
  run: Verification,
  place: PartitionPlace,
  onRecord?: (cursor: RecordCursor) => void,
): Promise<PartitionReport> {
  run.counts.partitions++;
  const compaction = new CompactionCheck(run, place);
  await compaction.begin();
  const files = listFiles(run, place).filter(({ offset }) => !compaction.isReplaced(offset));
  const bases = compaction.segments(offsetsOf(files, "log"));
  findOrphans(run, place, files, new Set(bases));
  compaction.checkLosses(bases);
  const { firstDirtyOffset } = compaction;
  const range = { logStart: bases[0] ?? 0, firstDirtyOffset: firstDirtyOffset ?? 0 };
  const snapshots = new SnapshotCheck(run, place, range, offsetsOf(files, "snapshot"));
  const producers = new ProducerStates();
  const progress = {
    producers,
    isDamaged: false,
    onBoundary: (offset: number) => snapshots.reached(offset, producers, progress.isDamaged),
    onRecord,
  };
  let end: PartitionEnd = { nextOffset: 0, isUncertain: false };
  for (const [i, baseOffset] of bases.entries()) {
    run.counts.segments++;
    const { topic, partition, directory, clean } = place;
    const nameOf = (kind: "log" | "index" | "timeindex"): string =>
      compaction.nameOf(segmentFileName(baseOffset, kind));
    const file = joinPath(directory, nameOf("log"));
    const endOffset = bases[i + 1];
    const isNoted = endOffset === undefined && clean?.baseOffset === baseOffset;
    const notedBytes = isNoted ? clean.bytes : -1;
    const notedOffset = isNoted ? clean.nextOffset : undefined;
    const noted = { notedBytes, notedOffset };
    const where = { topic, partition, directory, file, baseOffset, endOffset, nameOf };
    const segment = { ...where, firstDirtyOffset, ...noted };
    end = new SegmentCheck(run, segment, progress).check();
    await run.settle();
  }
  if (bases.length === 0) {
    const reason = "it has no segments; the next start creates one at offset 0";
    run.note({ file: place.directory, topic: place.topic, partition: place.partition }, reason);
  }
  snapshots.finish(end.nextOffset, progress.isDamaged);
  await run.settle();
  return { ...end, lastSegment: bases.at(-1) };
}

/** The files named like those of a segment; reports all others. */
function listFiles(run: Verification, place: PartitionPlace): SegmentFile[] {
  const { topic, partition, directory } = place;
  const files: SegmentFile[] = [];
  for (const name of run.disk.list(run.path(directory))) {
    const parsed = parseSegmentFileName(name);
    if (parsed !== undefined) {
      files.push(parsed);
      continue;
    }
    const where = { file: joinPath(directory, name), topic, partition };
    if (name === LOG_START_FILE) {
      try {
        readLogStart(run.disk, run.path(directory));
      } catch (error) {
        run.damage(where, reasonOf(error));
      }
      continue;
    }
    if (name === COMPACTION_FILE || isCleanedFileName(name)) continue;
    if (name.endsWith(".tmp")) {
      const repair = removeFile(run.disk, run.path(directory), name);
      run.note(where, "left over from a crash; the next start removes it", repair);
    } else if (isCutFileName(name)) {
      const bytes = run.size(where.file);
      const reason = `${bytes} bytes that were truncated from a log; the broker never reads them`;
      run.note(where, `${reason}; remove the file if you don't need it`);
    } else run.note(where, "not a file of a log; the broker ignores it");
  }
  return files;
}

function offsetsOf(files: readonly SegmentFile[], kind: SegmentFile["kind"]): number[] {
  const offsets = files.filter((file) => file.kind === kind).map((file) => file.offset);
  return offsets.sort((a, b) => a - b);
}

/** Finds indexes without a log. Either they are left over from a deletion, or the log is lost. */
function findOrphans(
  run: Verification,
  place: PartitionPlace,
  files: readonly SegmentFile[],
  bases: ReadonlySet<number>,
): void {
  const { topic, partition, directory } = place;
  for (const { kind, offset } of files) {
    if (kind === "log" || kind === "snapshot" || bases.has(offset)) continue;
    const name = segmentFileName(offset, kind);
    const repair = removeFile(run.disk, run.path(directory), name);
    const reason = `its log ${segmentFileName(offset, "log")} is missing`;
    run.damage({ file: joinPath(directory, name), topic, partition }, reason, repair);
  }
}
