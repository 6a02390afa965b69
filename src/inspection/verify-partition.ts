// The check of one partition's directory: which files there are, and its segments in order, each with its indexes.
// Leaves to others: one segment (verify-segment.ts), snapshots (verify-snapshots.ts), the topic (verify-topic.ts).
import type { RecordCursor } from "../record/cursor.ts";
import { joinPath } from "../log/disk/disk.ts";
import { ProducerStates } from "../log/producer-states.ts";
import type { CleanSegment } from "../log/recovery/recovery.ts";
import {
  isCutFileName,
  parseSegmentFileName,
  type SegmentFile,
  segmentFileName,
} from "../log/segment/segment-files.ts";
import { removeFile } from "./repair.ts";
import type { Verification } from "./verification.ts";
import type { PartitionEnd } from "./verify-offsets.ts";
import { SegmentCheck } from "./verify-segment.ts";
import { SnapshotCheck } from "./verify-snapshots.ts";

/** Which partition, and what is known of it. */
export interface PartitionPlace {
  readonly topic: string;
  readonly partition: number;
  /** From the data directory. */
  readonly directory: string;
  /** What a clean stop noted of its last segment. */
  readonly clean: CleanSegment | undefined;
}

export interface PartitionReport extends PartitionEnd {
  /** Base offset of the last segment; undefined when there is none. */
  readonly lastSegment: number | undefined;
}

/** Checks a partition, and settles what it finds. `onRecord` is for a partition whose records are the broker's. */
export async function verifyPartition(
  run: Verification,
  place: PartitionPlace,
  onRecord?: (cursor: RecordCursor) => void,
): Promise<PartitionReport> {
  run.counts.partitions++;
  const files = listFiles(run, place);
  const bases = offsetsOf(files, "log");
  findOrphans(run, place, files, new Set(bases));
  const logStart = bases[0] ?? 0;
  const snapshots = new SnapshotCheck(run, place, logStart, offsetsOf(files, "snapshot"));
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
    const file = joinPath(directory, segmentFileName(baseOffset, "log"));
    const endOffset = bases[i + 1];
    const isNoted = endOffset === undefined && clean?.baseOffset === baseOffset;
    const notedBytes = isNoted ? clean.bytes : -1;
    const segment = { topic, partition, directory, file, baseOffset, endOffset, notedBytes };
    end = new SegmentCheck(run, segment, progress).check();
    await run.settle();
  }
  if (bases.length === 0) {
    const reason = "it has no segment; the next start begins one, with offset 0";
    run.note({ file: place.directory, topic: place.topic, partition: place.partition }, reason);
  }
  snapshots.finish(end.nextOffset, progress.isDamaged);
  await run.settle();
  return { ...end, lastSegment: bases.at(-1) };
}

/** The files whose names are those of a segment's; the others are reported. */
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
    if (name.endsWith(".tmp")) {
      const repair = removeFile(run.disk, run.path(directory), name);
      run.note(where, "left over from a crash; the next start removes it", repair);
    } else if (isCutFileName(name)) {
      const bytes = run.disk.fileSize(run.path(where.file));
      const reason = `${bytes} bytes that were cut off a log; the broker never reads them`;
      run.note(where, `${reason}; remove it if it is of no use`);
    } else run.note(where, "no file of a log; the broker leaves it alone");
  }
  return files;
}

function offsetsOf(files: readonly SegmentFile[], kind: SegmentFile["kind"]): number[] {
  const offsets = files.filter((file) => file.kind === kind).map((file) => file.offset);
  return offsets.sort((a, b) => a - b);
}

/** Indexes without a log: either were left over from a deletion, or the log is gone. */
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
    const reason = `there is no ${segmentFileName(offset, "log")} that it could belong to`;
    run.damage({ file: joinPath(directory, name), topic, partition }, reason, repair);
  }
}
