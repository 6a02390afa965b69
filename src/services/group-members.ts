// The members of a group and what they read, whichever protocol they use.
// Leaves to others: the groups themselves (groups/coordinator.ts), and offsets and lag (group-lag.ts).
import { assignedPartitions, type NamedPartitions } from "../groups/classic/consumer-protocol.js";
import type { GroupState, GroupType } from "../groups/group.js";
import { groupNotFound } from "../groups/offsets/offset-store.js";
import { Portions, sortInPortions } from "../log/event-loop.js";
import type { ServiceContext } from "./context.js";
import { checkName } from "./group-names.js";
import { mayOnTopic, requireOnGroup } from "./permissions.js";

export interface GroupMember {
  readonly memberId: string;
  /** Of a static member. */
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly host: string;
  /** The epoch that it has reached; undefined in a classic group. */
  readonly epoch: number | undefined;
  /** What it reads, without topics that the caller may not see; empty while the group rebalances. */
  readonly assignment: readonly NamedPartitions[];
}

/** A group without its offsets. */
export interface DescribedGroup {
  readonly state: GroupState;
  /** Empty for a group that never had members. */
  readonly type: GroupType | "";
  /** `consumer` for consumers; other kinds of applications use groups too. */
  readonly protocolType: string;
  /** Name of the assignor; empty without members, and while the group rebalances. */
  readonly assignor: string;
  /** In a consumer group, its epoch. */
  readonly generation: number;
  /** The epoch of the last assignment; undefined in a classic group. */
  readonly assignmentEpoch: number | undefined;
  /** By member id. */
  readonly members: readonly GroupMember[];
}

/** Member ids by topic and partition. */
export type PartitionOwners = ReadonlyMap<string, ReadonlyMap<number, string>>;

const NO_OWNERS: PartitionOwners = new Map();

/** Members looked at in a turn of the event loop, and how many partitions of a member count as much as another member. */
const MEMBERS_PER_TURN = 250;
const PARTITIONS_LIKE_A_MEMBER = 16;

/**
 * A group and its members. Rejects with INVALID_GROUP, GROUP_NOT_FOUND, and STORAGE_ERROR if the log of committed offsets is
 * offline. Who asks about many groups passes its `portions`, in which a member is an item.
 */
export async function describeMembers(
  context: ServiceContext,
  group: string,
  portions = new Portions(MEMBERS_PER_TURN),
): Promise<DescribedGroup> {
  checkName(context, group);
  requireOnGroup(context, "DESCRIBE", group);
  context.offsets.checkOnline();
  const described = context.groups.describe(group);
  if (described === undefined) throw groupNotFound(group);
  const { state, protocolType, protocol, generation, assignmentEpoch } = described;
  const members: GroupMember[] = [];
  for (const { assignment, ...member } of membersOf(context, group)) {
    const visible = assignment.filter(({ topic }) => mayOnTopic(context, "DESCRIBE", topic));
    members.push({ ...member, assignment: visible });
    await portions.next(workOf(assignment));
  }
  return {
    ...{ state, protocolType, assignor: protocol, generation, assignmentEpoch },
    type: typeOf(described),
    members: await sortInPortions(members, byId),
  };
}

function byId(a: GroupMember, b: GroupMember): number {
  return a.memberId < b.memberId ? -1 : 1;
}

/** Some members, of any order, without what they read. */
export function someMembers(
  context: ServiceContext,
  group: string,
  count: number,
): readonly Pick<GroupMember, "memberId" | "clientId" | "host">[] {
  return Iterator.from(membersOf(context, group)).take(count).toArray();
}

/** The members of a group one after another: the caller may yield between two. */
function* membersOf(context: ServiceContext, group: string): Generator<GroupMember, void> {
  const { groups, registry } = context;
  const isConsumer = groups.overview(group)?.protocolType === "consumer";
  for (const member of groups.classicMembers(group)) {
    const { memberId, instanceId, clientId, clientHost, assignment } = member;
    yield {
      ...{ memberId, instanceId, clientId, host: hostOf(clientHost), epoch: undefined },
      assignment: isConsumer ? assignedPartitions(assignment) : [],
    };
  }
  // Where the broker makes the assignment, it names topics by their ids.
  for (const member of groups.consumerMembers(group)) {
    const { memberId, instanceId, clientId, clientHost, memberEpoch, assignment } = member;
    yield {
      ...{ memberId, instanceId, clientId, host: hostOf(clientHost), epoch: memberEpoch },
      assignment: assignment.flatMap(({ topicId, partitions }) => {
        const topic = registry.byId(topicId)?.name;
        return topic === undefined ? [] : [{ topic, partitions }];
      }),
    };
  }
}

/** What a member costs: its assignment is decoded. */
function workOf(assignment: readonly NamedPartitions[]): number {
  let partitions = 0;
  for (const topic of assignment) partitions += topic.partitions.length;
  return 1 + Math.floor(partitions / PARTITIONS_LIKE_A_MEMBER);
}

/** Kafka writes addresses as Java does, with a slash. */
function hostOf(clientHost: string): string {
  return clientHost.replace(/^\//, "");
}

/** The type of a group that has, or had, members. */
export function typeOf(group: {
  readonly type: GroupType;
  readonly protocolType: string;
}): GroupType | "" {
  return group.protocolType === "" ? "" : group.type;
}

/** Which member reads which partition. `portions` as above. */
export async function partitionOwners(
  context: ServiceContext,
  group: string,
  portions = new Portions(MEMBERS_PER_TURN),
): Promise<PartitionOwners> {
  // Most groups have no members, and are not in memory.
  if (context.groups.memberCount(group) === 0) return NO_OWNERS;
  const owners = new Map<string, Map<number, string>>();
  for (const { memberId, assignment } of membersOf(context, group)) {
    for (const { topic, partitions } of assignment) {
      const byPartition = owners.get(topic) ?? new Map<number, string>();
      owners.set(topic, byPartition);
      for (const partition of partitions) byPartition.set(partition, memberId);
    }
    await portions.next(workOf(assignment));
  }
  return owners;
}
