// Groups: list, describe and delete.
// Leaves to others: their members (group-members.ts), and committed offsets (groups/).
import { RustLogError } from "../errors.js";
import type { GroupDescription, GroupOverview, GroupState, GroupType } from "../groups/group.js";
import type { TopicPartitions } from "../groups/assignment.js";
import type { ConsumerGroupDescription } from "../groups/consumer-group.js";
import { groupNotFound } from "../groups/offset-store.js";
import type { GroupSummary } from "../groups/offset-table.js";
import type { ServiceContext } from "./context.js";
import { type GroupPartition, groupPartitions } from "./group-lag.js";
import { typeOf } from "./group-members.js";
import { checkName, groupsAfter, groupsWithoutOffsets } from "./group-names.js";

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
  for (const summary of groupsAfter(context, after, others)) {
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
  return groupsAfter(context, after === "" ? undefined : after);
}

/**
 * All groups, of whatever kind, in no order. The caller may yield between two. The log of committed offsets must be online.
 */
export function* groupOverviews(context: ServiceContext): Generator<GroupOverview, void> {
  const { groups } = context;
  for (const name of groups.names()) {
    const overview = groups.overview(name);
    if (overview !== undefined) yield overview;
  }
  for (const { group } of groupsAfter(context, undefined)) {
    if (groups.isKnown(group)) continue;
    yield { group, type: "classic", state: "Empty", protocolType: "" };
  }
}

/** Throws GROUP_NOT_FOUND if there is no classic group of this name. */
export function describeClassicGroup({ groups }: ServiceContext, name: string): GroupDescription {
  const group = groups.describe(name);
  if (group === undefined) {
    throw new RustLogError("GROUP_NOT_FOUND", `group '${name}' does not exist`);
  }
  if (group.type !== "classic") {
    throw new RustLogError("GROUP_NOT_FOUND", `group '${name}' is not a classic group`);
  }
  return group;
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

/** Throws GROUP_NOT_FOUND if there is no consumer group of this name. */
export function describeConsumerGroup(
  { groups, registry }: ServiceContext,
  name: string,
): NamedConsumerGroup {
  const group = groups.describeConsumers(name);
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
 * The partitions of a group after the given one, with committed offset and lag. Throws INVALID_GROUP, GROUP_NOT_FOUND,
 * and STORAGE_ERROR if the log of committed offsets is offline.
 */
export function describeGroup(
  context: ServiceContext,
  group: string,
  after?: { readonly topic: string; readonly partition: number },
): Iterable<GroupPartition> {
  checkName(context, group);
  context.offsets.checkOnline();
  if (!context.groups.has(group)) throw groupNotFound(group);
  return groupPartitions(context, group, after);
}

/**
 * Deletes a group without members, and its commits. Resolves once the group would not reappear after a crash. Rejects with
 * NON_EMPTY_GROUP.
 */
export async function deleteGroup(context: ServiceContext, group: string): Promise<void> {
  checkName(context, group);
  await context.groups.delete(group);
}
