// Groups: list, describe and delete.
// Leaves to others: their members (group-members.ts), and committed offsets (groups/).
import { RustLogError } from "../errors.js";
import type {
  GroupDescription,
  GroupOverview,
  GroupState,
  GroupType,
  MemberDescription,
} from "../groups/group.js";
import type { TopicPartitions } from "../groups/consumer/assignment.js";
import type { ConsumerGroupDescription } from "../groups/consumer/consumer-requests.js";
import { groupNotFound } from "../groups/offsets/offset-store.js";
import type { GroupSummary } from "../groups/offsets/offset-table.js";
import type { ServiceContext } from "./context.js";
import { type GroupPartition, groupPartitions } from "./group-lag.js";
import { partitionOwners, typeOf } from "./group-members.js";
import { checkName, groupsAfter, groupsWithoutOffsets } from "./group-names.js";
import {
  isPermitted,
  mayOnCluster,
  mayOnGroup,
  mayOnTopic,
  requireOnGroup,
} from "./permissions.js";

export interface GroupListing extends GroupSummary {
  readonly state: GroupState;
  /** Empty for a group that never had members. */
  readonly type: GroupType | "";
  readonly members: number;
}

/**
 * All groups whose name comes after `after` ("": all), by name: those with members or committed offsets. The caller may
 * yield between two; groups may be created or deleted in between.
 */
export async function listGroups(
  context: ServiceContext,
  after: string,
): Promise<Iterable<GroupListing>> {
  context.offsets.checkOnline();
  const start = after === "" ? undefined : after;
  return listings(context, start, await groupsWithoutOffsets(context, start));
}

function* listings(
  context: ServiceContext,
  after: string | undefined,
  others: readonly string[],
): Generator<GroupListing, void> {
  const mayAll = mayOnCluster(context, "DESCRIBE");
  for (const summary of groupsAfter(context, after, others)) {
    if (!mayAll && !mayOnGroup(context, "DESCRIBE", summary.group)) continue;
    const overview = context.groups.overview(summary.group);
    // It was deleted since.
    if (overview === undefined) continue;
    const members = context.groups.memberCount(summary.group);
    yield { ...summary, state: overview.state, type: typeOf(overview), members };
  }
}

/** The groups with committed offsets, likewise. */
export function listGroupsWithOffsets(
  context: ServiceContext,
  after: string,
): Iterable<GroupSummary> {
  context.offsets.checkOnline();
  const all = groupsAfter(context, after === "" ? undefined : after);
  if (mayOnCluster(context, "DESCRIBE")) return all;
  return all.filter(({ group }) => mayOnGroup(context, "DESCRIBE", group));
}

/**
 * All groups, of whatever kind, in no order. The caller may yield between two. The log of committed offsets must be online.
 */
export function* groupOverviews(context: ServiceContext): Generator<GroupOverview, void> {
  const { groups } = context;
  const mayAll = mayOnCluster(context, "DESCRIBE");
  const isVisible = (name: string): boolean => mayAll || mayOnGroup(context, "DESCRIBE", name);
  for (const name of groups.names()) {
    const overview = groups.overview(name);
    if (overview !== undefined && isVisible(name)) yield overview;
  }
  for (const { group } of groupsAfter(context, undefined)) {
    if (groups.isKnown(group) || !isVisible(group)) continue;
    yield { group, type: "classic", state: "Empty", protocolType: "" };
  }
}

interface ClassicGroupDescription extends GroupDescription {
  readonly members: readonly MemberDescription[];
}

/** Throws GROUP_AUTHORIZATION_FAILED, and GROUP_NOT_FOUND if there is no classic group of this name. */
export function describeClassicGroup(
  context: ServiceContext,
  name: string,
): ClassicGroupDescription {
  requireOnGroup(context, "DESCRIBE", name);
  const { groups } = context;
  const group = groups.describe(name);
  if (group === undefined) {
    throw new RustLogError("GROUP_NOT_FOUND", `group '${name}' does not exist`);
  }
  if (group.type !== "classic") {
    throw new RustLogError("GROUP_NOT_FOUND", `group '${name}' is not a classic group`);
  }
  return { ...group, members: [...groups.classicMembers(name)] };
}

/** A partition's topic by id and by name. */
interface NamedPartitions extends TopicPartitions {
  readonly topicName: string;
}

/** A consumer group as a client sees it: with the names of topics. Topics that are gone are left out. */
type NamedConsumerGroup = Omit<ConsumerGroupDescription, "members"> & {
  readonly members: readonly (Omit<
    ConsumerGroupDescription["members"][number],
    "assignment" | "target"
  > & {
    readonly assignment: readonly NamedPartitions[];
    readonly target: readonly NamedPartitions[];
  })[];
};

/**
 * Throws GROUP_AUTHORIZATION_FAILED, and GROUP_NOT_FOUND if there is no consumer group of this name. Throws
 * TOPIC_AUTHORIZATION_FAILED, as Kafka does, if the caller may not see a topic that a member reads.
 */
export function describeConsumerGroup(context: ServiceContext, name: string): NamedConsumerGroup {
  requireOnGroup(context, "DESCRIBE", name);
  const { groups, registry } = context;
  const group = groups.describeConsumers(name);
  for (const { assignment, target } of group.members) {
    for (const { topicId } of [...assignment, ...target]) {
      const topic = registry.byId(topicId)?.name;
      if (topic === undefined || isPermitted(context, "DESCRIBE", "TOPIC", topic)) continue;
      // The caller may not know its name.
      const message = `${context.caller.principal} has no permission DESCRIBE on a topic that group '${name}' reads`;
      throw new RustLogError("TOPIC_AUTHORIZATION_FAILED", message);
    }
  }
  const named = (partitions: readonly TopicPartitions[]): NamedPartitions[] =>
    partitions.flatMap((each) => {
      const topicName = registry.byId(each.topicId)?.name;
      return topicName === undefined ? [] : [{ ...each, topicName }];
    });
  return {
    ...group,
    members: group.members.map((member) => ({
      ...member,
      assignment: named(member.assignment),
      target: named(member.target),
    })),
  };
}

/**
 * The partitions of a group after the given one, with committed offset and lag. The caller may yield between two. Rejects with
 * INVALID_GROUP, GROUP_NOT_FOUND, and STORAGE_ERROR if the log of committed offsets is offline.
 */
export async function describeGroup(
  context: ServiceContext,
  group: string,
  after?: { readonly topic: string; readonly partition: number },
): Promise<Iterable<GroupPartition>> {
  checkName(context, group);
  requireOnGroup(context, "DESCRIBE", group);
  context.offsets.checkOnline();
  if (!context.groups.has(group)) throw groupNotFound(group);
  const owners = await partitionOwners(context, group);
  const partitions = groupPartitions(context, group, owners, after);
  return partitions.filter(({ topic }) => mayOnTopic(context, "DESCRIBE", topic));
}

/**
 * Deletes a group without members, and its commits. Resolves once the group would not reappear after a crash. Rejects with
 * NON_EMPTY_GROUP.
 */
export async function deleteGroup(context: ServiceContext, group: string): Promise<void> {
  checkName(context, group);
  await removeGroup(context, group);
}

/** The same for a name that another protocol permits. */
export async function removeGroup(context: ServiceContext, group: string): Promise<void> {
  requireOnGroup(context, "DELETE", group);
  await context.groups.delete(group);
  context.audit.changed(context.caller, "group-deleted", { group });
}
