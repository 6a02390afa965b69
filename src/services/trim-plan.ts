// What deleting the start of a topic would delete: for each partition the new log start, and how much is below it.
// Leaves to others: the deletion, which gets the offsets of the plan (delete-records.ts).
import { RustLogError } from "../errors.js";
import { Portions } from "../log/event-loop.js";
import { offsetAt, type OffsetSpec } from "../offset-place.js";
import { unknownTopic } from "../topics/topic-error.js";
import type { Partition } from "../topics/partition.js";
import type { ServiceContext } from "./context.js";
import { checkManyDeletions, OFFSET_LATEST } from "./delete-records.js";
import { partitionOf } from "./named-partition.js";
import { requireOnTopic } from "./permissions.js";
import { firstRecordFrom } from "./record-times.js";

interface TrimOfPartition {
  readonly partition: number;
  readonly logStartOffset: number;
  /** Offset of the first record to keep. */
  readonly offset: number;
  /** Counted by their offsets. */
  readonly records: number;
  /** Bytes of their batches, and of the segments that hold nothing else, whose space is freed at once. */
  readonly bytes: number;
  readonly freedBytes: number;
}

interface TrimPlan {
  readonly topicId: string;
  /** Those that lose records. */
  readonly partitions: readonly TrimOfPartition[];
}

interface TrimRequest {
  readonly topic: string;
  /** The first record to keep. */
  readonly before: OffsetSpec;
  /** None means all. */
  readonly partitions: readonly number[];
  readonly signal: AbortSignal;
}

/** Partitions planned per turn of the event loop: files may have to be opened. */
const PARTITIONS_PER_TURN = 16;

/**
 * Plans the deletion of what is before a place; deletes nothing. Rejects with what the deletion would be rejected with, and
 * with OFFSET_OUT_OF_RANGE for an offset above a high watermark. Ends early when the caller has gone.
 */
export async function planTrim(
  context: ServiceContext,
  { topic: name, before, partitions, signal }: TrimRequest,
): Promise<TrimPlan> {
  requireOnTopic(context, "DELETE", name);
  const topic = context.registry.find(name);
  if (topic === undefined) throw unknownTopic(name);
  const wanted = partitions.length === 0 ? topic.online.map(({ index }) => index) : partitions;
  const named = wanted.map((partition) => ({ topic: name, topicId: topic.id, partition }));
  const offset = typeof before === "number" ? before : OFFSET_LATEST;
  await checkManyDeletions(
    context,
    named.map((place) => ({ ...place, offset })),
  );
  const planned: TrimOfPartition[] = [];
  const portions = new Portions(PARTITIONS_PER_TURN);
  for (const place of named) {
    if (signal.aborted) break;
    const found = await offsetAt(before, partitionOf(context, "DELETE", place), async (ms) => {
      const { highWatermark } = partitionOf(context, "DELETE", place);
      return (await firstRecordFrom(context, place, ms))?.offset ?? highWatermark;
    });
    const trim = trimOf(partitionOf(context, "DELETE", place), found);
    if (trim.records > 0) planned.push(trim);
    await portions.next();
  }
  return { topicId: topic.id, partitions: planned };
}

function trimOf(partition: Partition, wanted: number): TrimOfPartition {
  const { logStartOffset, logEndOffset, index, bytes: total } = partition;
  const offset = Math.max(logStartOffset, wanted);
  const isAll = offset >= logEndOffset;
  const bytes = bytesBelow(partition, offset) - bytesBelow(partition, logStartOffset);
  return {
    ...{ partition: index, logStartOffset, offset, records: offset - logStartOffset, bytes },
    freedBytes: isAll ? total : wholeSegmentBytes(partition, offset),
  };
}

/** Bytes of the segments whose records are all below an offset. */
function wholeSegmentBytes({ layout }: Partition, offset: number): number {
  let bytes = 0;
  for (const { endOffset, fileBytes } of layout.segments.sealed) {
    if (endOffset > offset) break;
    bytes += fileBytes;
  }
  return bytes;
}

/** Bytes of the log before the batch that holds an offset. */
function bytesBelow(partition: Partition, offset: number): number {
  const { segments } = partition.layout;
  let bytes = 0;
  for (let i = 0; i < segments.count; i++) {
    const segment = segments.at(i);
    if (segment === undefined || segment.baseOffset >= offset) break;
    const isWhole = segment.endOffset <= offset;
    bytes += isWhole ? segment.fileBytes : positionIn(segment, offset);
  }
  return bytes;
}

/** The position of an offset in a segment; its start if damage hides the place. */
function positionIn(
  segment: NonNullable<ReturnType<Partition["layout"]["segments"]["at"]>>,
  offset: number,
): number {
  try {
    return segment.lookup.locate(offset, segment.bytes)?.position ?? segment.bytes;
  } catch (error) {
    if (error instanceof RustLogError) return 0;
    throw error;
  }
}
