// The groups that read a topic, with their lag in it.
// Leaves to others: all topics of a group (group-lag.ts), and its members (group-members.ts).
import type { GroupState } from "../groups/group.js";
import { Portions } from "../log/event-loop.js";
import type { ServiceContext } from "./context.js";
import { groupPartitions } from "./group-lag.js";
import { type PartitionOwners, partitionOwners } from "./group-members.js";
import { groupsAfter, groupsWithoutOffsets } from "./group-names.js";
import { mayOnGroup } from "./permissions.js";
import { visibleTopic } from "./topic-details.js";

interface TopicReader {
  readonly group: string;
  readonly state: GroupState;
  readonly members: number;
  /** Partitions of the topic that its members read now. */
  readonly assigned: number;
  /** Records of the topic that it has not read. */
  readonly lag: number;
}

interface TopicReaders {
  /** By name. */
  readonly readers: readonly TopicReader[];
  /** Continue after this group; undefined if these are all. */
  readonly next: string | undefined;
}

interface ReaderSelection {
  /** Begin after this group. */
  readonly after: string | undefined;
  readonly readersMax: number;
  readonly signal: AbortSignal;
}

/** Groups looked at for one answer, and partitions of those that read the topic. */
const GROUPS_VISITED_MAX = 20_000;
const READ_PARTITIONS_MAX = 100_000;

/** Groups passed over for one answer because the caller may not see them; then the answer is the last one. */
const HIDDEN_READERS_MAX = 500_000;

/** Groups, and partitions, per turn of the event loop. */
const GROUPS_PER_TURN = 200;
const PARTITIONS_PER_TURN = 200;

/**
 * Some of the groups that have committed an offset in a topic, or whose members read it, without those that the caller may
 * not see. Ends early when the caller has gone.
 */
export async function topicReaders(
  context: ServiceContext,
  name: string,
  { after, readersMax, signal }: ReaderSelection,
): Promise<TopicReaders> {
  const topic = visibleTopic(context, name);
  const readers: TopicReader[] = [];
  const groupPortions = new Portions(GROUPS_PER_TURN);
  const others = await groupsWithoutOffsets(context, after);
  let last = after;
  let visited = 0;
  let hidden = 0;
  let partitionsLeft = READ_PARTITIONS_MAX;
  for (const { group } of groupsAfter(context, after, others)) {
    const isFull = readers.length >= readersMax || partitionsLeft <= 0;
    if (isFull || visited >= GROUPS_VISITED_MAX || signal.aborted) return { readers, next: last };
    await groupPortions.next();
    // The caller gets no name of a group that it may not see, so an answer can't end with one.
    if (!mayOnGroup(context, "DESCRIBE", group)) {
      if (++hidden > HIDDEN_READERS_MAX) break;
      continue;
    }
    last = group;
    visited++;
    const owners = await partitionOwners(context, group, groupPortions);
    if (!owners.has(name) && !context.offsets.topicsOf(group).includes(name)) continue;
    readers.push({
      group,
      state: context.groups.overview(group)?.state ?? "Empty",
      members: context.groups.memberCount(group),
      assigned: owners.get(name)?.size ?? 0,
      lag: await lagIn(context, group, name, owners),
    });
    partitionsLeft -= topic.partitions.length;
  }
  return { readers, next: undefined };
}

/** The lag of a group in one topic. */
async function lagIn(
  context: ServiceContext,
  group: string,
  name: string,
  owners: PartitionOwners,
): Promise<number> {
  const portions = new Portions(PARTITIONS_PER_TURN);
  let lag = 0;
  const before = { topic: name, partition: -1 };
  for (const partition of groupPartitions(context, group, owners, before)) {
    if (partition.topic !== name) break;
    lag += partition.lag;
    await portions.next();
  }
  return lag;
}
