// A topic in detail, for a person: what the caller may do to it, its sums, and its partitions, some at a time.
// Leaves to others: its settings (configs.ts), and the groups that read it (topic-readers.ts).
import { Portions } from "../log/event-loop.js";
import { type Operation, OPERATIONS_OF } from "../security/permission.js";
import type { AnyPartition } from "../topics/offline-partition.js";
import { unknownTopic } from "../topics/topic-error.js";
import type { Topic } from "../topics/topic.js";
import type { ServiceContext } from "./context.js";
import { mayOnTopic, requireOnTopic } from "./permissions.js";

interface TopicDetails {
  /** What the caller may do. */
  readonly operations: readonly Operation[];
  readonly partitions: number;
  readonly offline: number;
  readonly segments: number;
  readonly bytes: number;
  /** Counted by their offsets. */
  readonly records: number;
  /** Bytes that compaction has not seen yet; undefined if the topic is not compacted. */
  readonly dirtyBytes: number | undefined;
}

interface PartitionDetails {
  readonly partition: number;
  /** Why it is offline; nothing else is known then. */
  readonly offline: string | undefined;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  readonly logEndOffset: number;
  readonly segments: number;
  readonly bytes: number;
  /** Records below this were compacted, and bytes that were not; undefined if the topic is not compacted. */
  readonly compactedTo: number | undefined;
  readonly dirtyBytes: number | undefined;
}

interface SomePartitions {
  readonly partitions: readonly PartitionDetails[];
  /** The next one; undefined at the end. */
  readonly next: number | undefined;
}

/** Partitions per turn of the event loop: the sizes of all segments of each are added. */
const PARTITIONS_PER_TURN = 64;

/** The topic of this name. Throws TOPIC_AUTHORIZATION_FAILED unless the caller may see it, and UNKNOWN_TOPIC_OR_PARTITION. */
export function visibleTopic(context: ServiceContext, name: string): Topic {
  requireOnTopic(context, "DESCRIBE", name);
  const topic = context.registry.find(name);
  if (topic === undefined) throw unknownTopic(name);
  return topic;
}

/** What a topic holds. Ends early when the caller has gone. */
export async function topicDetails(
  context: ServiceContext,
  name: string,
  signal: AbortSignal,
): Promise<TopicDetails> {
  const topic = visibleTopic(context, name);
  const sum = { segments: 0, bytes: 0, records: 0, dirtyBytes: 0 };
  const portions = new Portions(PARTITIONS_PER_TURN);
  for (const partition of topic.online) {
    if (signal.aborted) break;
    const { segments, bytes, logStartOffset, highWatermark, dirtyBytes = 0 } = detailsOf(partition);
    sum.segments += segments;
    sum.bytes += bytes;
    sum.records += highWatermark - logStartOffset;
    sum.dirtyBytes += dirtyBytes;
    await portions.next();
  }
  return {
    ...sum,
    operations: OPERATIONS_OF.TOPIC.filter((operation) => mayOnTopic(context, operation, name)),
    partitions: topic.partitions.length,
    offline: topic.offline.length,
    dirtyBytes: topic.logSettings.current.compacts ? sum.dirtyBytes : undefined,
  };
}

/** Some partitions of a topic, from number `from` on. Ends early when the caller has gone. */
export async function partitionDetails(
  context: ServiceContext,
  name: string,
  from: number,
  most: number,
  signal: AbortSignal,
): Promise<SomePartitions> {
  const found: PartitionDetails[] = [];
  const portions = new Portions(PARTITIONS_PER_TURN);
  const all = visibleTopic(context, name).partitions;
  for (const partition of all.slice(from, from + most)) {
    if (signal.aborted) break;
    found.push(detailsOf(partition));
    await portions.next();
  }
  const next = from + found.length;
  return { partitions: found, next: next < all.length ? next : undefined };
}

function detailsOf(partition: AnyPartition): PartitionDetails {
  const described = partition.describe();
  const { logStartOffset, highWatermark, logEndOffset, segments, bytes } = described;
  const compaction =
    partition.offline === undefined && partition.settings.compacts
      ? partition.compaction.extent
      : undefined;
  return {
    ...{ partition: partition.index, offline: partition.offline },
    ...{ logStartOffset, highWatermark, logEndOffset, segments, bytes },
    compactedTo: compaction?.firstDirtyOffset,
    dirtyBytes: compaction === undefined ? undefined : bytes - compaction.cleanBytes,
  };
}
