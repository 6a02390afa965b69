// Deletes the oldest segments of a log: expired ones, or those below an offset.
// Leaves to others: when to check (the broker), and the files of a segment (sealed-segment.ts).
import type { LogCompaction } from "./compaction/log-compaction.js";
import type { LogContext, LogPosition } from "./log-context.js";
import type { SegmentList } from "./segment/segment-list.js";

/** While compaction puts new segments in place, none is deleted. */
type Replacing = Pick<LogCompaction, "isReplacing" | "replaced">;

/**
 * Deletes sealed segments that are below the log start or expired, oldest first; returns their number. Only settings
 * with `deletes` let segments expire. By bytes, at
 * least `retentionBytes` remain before `end`: a failed write or a crash may still roll back the bytes after it. By
 * time, a segment expires with its newest readable record.
 */
export async function applyRetention(
  segments: SegmentList,
  context: LogContext,
  compaction: Replacing,
  logStartOffset: number,
  end: LogPosition,
): Promise<number> {
  const { retentionBytes, deletes } = context.settings;
  let deleted = 0;
  for (;;) {
    if (compaction.isReplacing) await compaction.replaced();
    const [first] = segments.sealed;
    if (first === undefined || !endsBefore(segments, end.offset)) return deleted;
    const bytes = segments.bytesBefore(end);
    const isTooLarge = deletes && retentionBytes >= 0 && bytes - first.fileBytes >= retentionBytes;
    const isDue = isTooLarge || endsBefore(segments, logStartOffset);
    if (!isDue && !(await isTooOld(segments, context))) return deleted;
    // It may have been deleted or replaced meanwhile.
    if (segments.sealed[0] !== first || compaction.isReplacing) continue;
    await deleteFirst(segments, context);
    deleted++;
  }
}

/**
 * Whether the first segment has expired by time. Only batches with a matching CRC count, so that damage neither deletes
 * nor keeps records. A segment in which every batch is damaged expires with the next one.
 */
async function isTooOld(segments: SegmentList, context: LogContext): Promise<boolean> {
  const { settings, now } = context;
  if (!settings.deletes || settings.retentionMs < 0) return false;
  for (const segment of [...segments.sealed]) {
    const newest = await segment.verifiedMaxTimestamp(now() - settings.retentionMs);
    if (newest !== Number.NEGATIVE_INFINITY) return isExpired(segment, newest, context);
  }
  return false;
}

/**
 * Whether a segment with this largest timestamp has expired. A negative one is no time, and one that is further ahead than
 * the topic allows may be from before there was a limit: then the time counts at which the file was last written.
 */
export function isExpired(
  segment: { readonly modifiedMs: number | undefined },
  newest: number,
  { settings, now }: Pick<LogContext, "settings" | "now">,
): boolean {
  const { deletes, retentionMs, timestampAfterMaxMs } = settings;
  if (!deletes || retentionMs < 0) return false;
  const nowMs = now();
  const isTime = newest >= 0 && newest - nowMs <= timestampAfterMaxMs;
  const writtenMs = isTime ? newest : (segment.modifiedMs ?? nowMs);
  return writtenMs < nowMs - retentionMs;
}

/** Deletes the sealed segments whose records are all below `offset`. */
export async function deleteBefore(
  segments: SegmentList,
  context: LogContext,
  compaction: Replacing,
  offset: number,
): Promise<void> {
  for (;;) {
    if (compaction.isReplacing) await compaction.replaced();
    if (segments.sealed.length === 0 || !endsBefore(segments, offset)) return;
    await deleteFirst(segments, context);
  }
}

/** Whether all records of the first segment are below `offset`. */
function endsBefore(segments: SegmentList, offset: number): boolean {
  return (segments.at(1)?.baseOffset ?? Number.POSITIVE_INFINITY) <= offset;
}

async function deleteFirst(segments: SegmentList, { disk, directory }: LogContext): Promise<void> {
  segments.sealed[0]?.remove();
  segments.sealed.shift();
  // One flush per segment: if two removals reached the disk in reverse order, there would be a gap.
  await disk.syncDirectory(directory);
}
