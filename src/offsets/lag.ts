// How far a group is behind, partition by partition: the one place where committed offsets meet the logs.
// Leaves to others: showing it (broker/handlers/groups.ts, http/), and keeping commits (offset-store.ts).
import type { TopicRegistry } from "../topics/topic-registry.ts";
import type { OffsetStore } from "./offset-store.ts";

/** Stands for the offset and the time of a commit that there has not been. */
export const NOT_COMMITTED = -1;

/** A group in one partition. */
export interface GroupPartition {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the next record that the group wants; -1 when it has committed nothing for this partition. */
  readonly committedOffset: number;
  /** Milliseconds since the epoch; -1 likewise. */
  readonly commitTimestamp: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  /** Records that the group has not read. */
  readonly lag: number;
}

/** What the lag of a group is taken from. */
export interface LagSources {
  readonly registry: TopicRegistry;
  readonly offsets: OffsetStore;
}

/**
 * Records that a group has not read: from its committed offset, or from the log start if that is later or nothing was
 * committed, to the high watermark. Records that were deleted before they were read don't count.
 */
export function lagOf(offset: {
  readonly committedOffset: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
}): number {
  const next = Math.max(offset.committedOffset, offset.logStartOffset);
  return Math.max(0, offset.highWatermark - next);
}

/**
 * All partitions of the topics in which a group has committed an offset, by topic and partition, also those that it has
 * committed nothing for. One at a time: the caller may give way between two of them.
 */
export function* groupPartitions(
  { registry, offsets }: LagSources,
  group: string,
): Generator<GroupPartition, void> {
  for (const name of offsets.topicsOf(group)) {
    // A topic that is being deleted has commits a little longer than it has partitions. The end of an offline
    // partition is not known.
    for (const { topic, index, logStartOffset, highWatermark } of registry.find(name)?.online ??
      []) {
      const committed = offsets.fetch(group, topic, index);
      const committedOffset = committed?.offset ?? NOT_COMMITTED;
      yield {
        topic,
        partition: index,
        committedOffset,
        commitTimestamp: committed?.commitTimestamp ?? NOT_COMMITTED,
        logStartOffset,
        highWatermark,
        lag: lagOf({ committedOffset, logStartOffset, highWatermark }),
      };
    }
  }
}

/** Number of the partitions that `groupPartitions` goes through. */
export function groupPartitionCount({ registry, offsets }: LagSources, group: string): number {
  let count = 0;
  for (const name of offsets.topicsOf(group)) {
    count += registry.find(name)?.online.length ?? 0;
  }
  return count;
}
