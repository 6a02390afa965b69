// The members of a group and what they read, whichever protocol they use.
// Leaves to others: the groups themselves (groups/coordinator.ts), and offsets and lag (group-lag.ts).
import { assignedPartitions, type NamedPartitions } from "../groups/consumer-protocol.js";
import type { GroupDescription, GroupState, GroupType } from "../groups/group.js";
import { groupNotFound } from "../groups/offset-store.js";
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

/**
 * A group and its members. Throws INVALID_GROUP, GROUP_NOT_FOUND, and STORAGE_ERROR if the log of committed offsets is
 * offline.
 */
export function describeMembers(context: ServiceContext, group: string): DescribedGroup {
  checkName(context, group);
  requireOnGroup(context, "DESCRIBE", group);
  context.offsets.checkOnline();
  const described = context.groups.describe(group);
  if (described === undefined) throw groupNotFound(group);
  const { state, protocolType, protocol, generation } = described;
  const members = membersOf(context, described).map((member) => ({
    ...member,
    assignment: member.assignment.filter(({ topic }) => mayOnTopic(context, "DESCRIBE", topic)),
  }));
  const isConsumer = described.type === "consumer";
  const assignmentEpoch = isConsumer
    ? context.groups.describeConsumers(group).assignmentEpoch
    : undefined;
  return {
    ...{ state, protocolType, assignor: protocol, generation, assignmentEpoch },
    type: typeOf(described),
    members: members.sort((a, b) => (a.memberId < b.memberId ? -1 : 1)),
  };
}

function membersOf(context: ServiceContext, described: GroupDescription): GroupMember[] {
  const { group, type, protocolType, members } = described;
  if (type === "consumer") return consumersOf(context, group);
  const isConsumer = protocolType === "consumer";
  return members.map(({ memberId, instanceId, clientId, clientHost, assignment }) => ({
    ...{ memberId, instanceId, clientId, host: hostOf(clientHost), epoch: undefined },
    assignment: isConsumer ? assignedPartitions(assignment) : [],
  }));
}

/** The members of a group whose assignment the broker makes, which names topics by their ids. */
function consumersOf({ groups, registry }: ServiceContext, name: string): GroupMember[] {
  return groups
    .describeConsumers(name)
    .members.map(({ memberId, instanceId, clientId, clientHost, memberEpoch, assignment }) => ({
      ...{ memberId, instanceId, clientId, host: hostOf(clientHost), epoch: memberEpoch },
      assignment: assignment.flatMap(({ topicId, partitions }) => {
        const topic = registry.byId(topicId)?.name;
        return topic === undefined ? [] : [{ topic, partitions }];
      }),
    }));
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

/** Which member reads which partition. */
export function partitionOwners(context: ServiceContext, group: string): PartitionOwners {
  // Most groups have no members, and are not in memory.
  const found = context.groups.find(group);
  if (found === undefined) return NO_OWNERS;
  const owners = new Map<string, Map<number, string>>();
  for (const { memberId, assignment } of membersOf(context, found.describe())) {
    for (const { topic, partitions } of assignment) {
      const byPartition = owners.get(topic) ?? new Map<number, string>();
      owners.set(topic, byPartition);
      for (const partition of partitions) byPartition.set(partition, memberId);
    }
  }
  return owners;
}
