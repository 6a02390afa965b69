// Deleting the oldest segments of a log: those that retention has run out for, or that lie below an offset.
// Leaves to others: when that is looked at (the broker), and the files of a segment (sealed-segment.ts).
import type { LogContext } from "./log-context.ts";
import type { SegmentList } from "./segment-list.ts";

/**
 * Deletes the sealed segments that the log's retention has run out for, oldest first; returns how many. By
 * bytes, what is left is never less than `retentionBytes`; by time, a segment goes with its newest record.
 */
export async function applyRetention(segments: SegmentList, context: LogContext): Promise<number> {
  const { retentionBytes, retentionMs } = context.settings;
  let deleted = 0;
  for (;;) {
    const first = segments.sealed[0];
    if (first === undefined) return deleted;
    const tooLarge = retentionBytes >= 0 && segments.bytes - first.fileBytes >= retentionBytes;
    const tooOld = retentionMs >= 0 && first.maxTimestamp < context.now() - retentionMs;
    if (!tooLarge && !tooOld) return deleted;
    await deleteFirst(segments, context);
    deleted++;
  }
}

/** Deletes the sealed segments whose records are all below `offset`. */
export async function deleteBefore(
  segments: SegmentList,
  context: LogContext,
  offset: number,
): Promise<void> {
  while (segments.sealed.length > 0 && (segments.at(1)?.baseOffset ?? 0) <= offset) {
    await deleteFirst(segments, context);
  }
}

async function deleteFirst(segments: SegmentList, { disk, directory }: LogContext): Promise<void> {
  segments.sealed[0]?.remove();
  segments.sealed.shift();
  // One flush a segment: were two removals to reach the disk in the other order, there would be a gap.
  await disk.syncDirectory(directory);
}
