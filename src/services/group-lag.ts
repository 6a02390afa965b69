// Lag of groups per partition: the only place that compares committed offsets with the logs.
// Leaves to others: showing it (http/, the protocols), and storing commits (groups/offsets/offset-store.ts).
import { Portions } from "../log/event-loop.js";
import { position } from "./committed-offsets.js";
import type { ServiceContext } from "./context.js";
import { groupsAfter, groupsWithoutOffsets } from "./group-names.js";
import { type PartitionOwners, partitionOwners } from "./group-members.js";
import { mayOnGroup, mayOnTopic } from "./permissions.js";

/** Offset and timestamp if nothing is committed. */
export const NOT_COMMITTED = -1;

export interface GroupPartition {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the next record that the group will read; -1 if it has committed nothing for this partition. */
  readonly committedOffset: number;
  /** Milliseconds since the epoch; -1 if nothing is committed. */
  readonly commitTimestamp: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  /** Records that the group has not read. */
  readonly lag: number;
  /** Text that the client stored with the offset; empty for none. */
  readonly metadata: string;
  /** The member that reads it; undefined if none does. */
  readonly memberId: string | undefined;
}

const BEFORE_ALL = { topic: "", partition: NOT_COMMITTED };

/**
 * Records that a group has not read: from its committed offset to the high watermark. Starts at the log start if that
 * is later or nothing is committed, so deleted records don't count.
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
 * All partitions of the topics in which a group has committed an offset, or that its members read, by topic and partition,
 * also those without a commit. Begins after `after` if given. A generator, so that the caller may yield between two
 * partitions.
 */
export function* groupPartitions(
  context: ServiceContext,
  group: string,
  owners: PartitionOwners,
  after: { readonly topic: string; readonly partition: number } = BEFORE_ALL,
): Generator<GroupPartition, void> {
  const { registry, offsets } = context;
  for (const name of topicsOf(context, group, owners)) {
    if (name < after.topic) continue;
    // While a topic is being deleted, its commits outlive its partitions. The end of an offline partition is unknown.
    for (const { topic, index, logStartOffset, highWatermark } of registry.find(name)?.online ??
      []) {
      if (name === after.topic && index <= after.partition) continue;
      const committed = position(offsets.fetch(group, topic, index));
      const committedOffset = committed?.offset ?? NOT_COMMITTED;
      yield {
        topic,
        partition: index,
        committedOffset,
        commitTimestamp: committed?.commitTimestamp ?? NOT_COMMITTED,
        metadata: committed?.details?.metadata ?? "",
        logStartOffset,
        highWatermark,
        lag: lagOf({ committedOffset, logStartOffset, highWatermark }),
        memberId: owners.get(topic)?.get(index),
      };
    }
  }
}

/** Sorted names of the topics of a group that the caller may see. */
function topicsOf(
  context: ServiceContext,
  group: string,
  owners: PartitionOwners,
): readonly string[] {
  const committed = context.offsets.topicsOf(group);
  const names =
    owners.size === 0 ? committed : [...new Set([...committed, ...owners.keys()])].sort();
  return names.filter((name) => mayOnTopic(context, "DESCRIBE", name));
}

interface GroupLag {
  readonly group: string;
  /** The sum over the partitions. */
  readonly lag: number;
  readonly partitionCount: number;
  /** Empty if the group has more partitions than may be read. */
  readonly partitions: readonly GroupPartition[];
}

interface GroupBounds {
  readonly groupsMax: number;
  readonly partitionsMax: number;
}

/** Groups read from the store, and partitions visited, in one turn of the event loop. */
const GROUPS_PER_TURN = 200;
const PARTITIONS_PER_TURN = 200;

/** Partitions visited for one answer, including those of groups that are too large to list. */
const PARTITIONS_VISITED_MAX = 100_000;

/** Groups passed over for one answer because the caller may not see them. */
const HIDDEN_GROUPS_MAX = 20_000;

/**
 * The lag of the first groups by name that the caller may see, as many as fit, and whether there are more. Yields often,
 * because there may be a million groups.
 */
export async function readGroupLags(
  context: ServiceContext,
  { groupsMax, partitionsMax }: GroupBounds,
): Promise<{ groups: GroupLag[]; hasMore: boolean }> {
  const groups: GroupLag[] = [];
  const portions = new Portions(PARTITIONS_PER_TURN);
  let left = partitionsMax;
  let visitsLeft = PARTITIONS_VISITED_MAX;
  let hidden = 0;
  const others = await groupsWithoutOffsets(context, undefined);
  const groupPortions = new Portions(GROUPS_PER_TURN);
  for (const { group } of groupsAfter(context, undefined, others)) {
    await groupPortions.next();
    if (!mayOnGroup(context, "DESCRIBE", group)) {
      if (++hidden > HIDDEN_GROUPS_MAX) return { groups, hasMore: true };
      continue;
    }
    const owners = await partitionOwners(context, group, portions);
    const partitionCount = groupPartitionCount(context, group, owners);
    const isTooLarge = partitionCount > partitionsMax;
    const isFull = groups.length >= groupsMax || (!isTooLarge && partitionCount > left);
    if (isFull || (groups.length > 0 && partitionCount > visitsLeft)) {
      return { groups, hasMore: true };
    }
    visitsLeft -= partitionCount;
    let lag = 0;
    const partitions: GroupPartition[] = [];
    for (const partition of groupPartitions(context, group, owners)) {
      lag += partition.lag;
      // A group too large for any answer must not hide the others.
      if (!isTooLarge) partitions.push(partition);
      await portions.next();
    }
    left -= partitions.length;
    groups.push({ group, lag, partitionCount, partitions });
  }
  return { groups, hasMore: false };
}

/** Number of partitions that `groupPartitions` returns. */
function groupPartitionCount(
  context: ServiceContext,
  group: string,
  owners: PartitionOwners,
): number {
  let count = 0;
  for (const name of topicsOf(context, group, owners)) {
    count += context.registry.find(name)?.online.length ?? 0;
  }
  return count;
}
