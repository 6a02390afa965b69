// Groups: list, describe and delete.
// Leaves to others: their members and committed offsets (groups/).
import { RustLogError } from "../errors.js";
import type { GroupDescription, GroupOverview } from "../groups/group.js";
import type { TopicPartitions } from "../groups/assignment.js";
import type { ConsumerGroupDescription } from "../groups/consumer-group.js";
import { groupNotFound, OffsetStore } from "../groups/offset-store.js";
import type { GroupSummary } from "../groups/offset-table.js";
import type { ServiceContext } from "./context.js";
import { type GroupPartition, groupPartitions } from "./group-lag.js";

/** Groups read at a time. */
const LOOKUP_GROUPS = 500;

/**
 * All groups whose name comes after `after`, by name. The caller may yield between two; groups may be created or
 * deleted in between.
 */
export function listGroups({ offsets }: ServiceContext, after: string): Iterable<GroupSummary> {
  offsets.checkOnline();
  return groupsAfter(offsets, after);
}

function* groupsAfter(offsets: OffsetStore, first: string): Generator<GroupSummary, void> {
  let after = first === "" ? undefined : first;
  for (;;) {
    const groups = offsets.page(after, LOOKUP_GROUPS);
    yield* groups;
    if (groups.length < LOOKUP_GROUPS) return;
    after = groups.at(-1)?.group;
  }
}

/**
 * All groups, of whatever kind, in no order. The caller may yield between two. The log of committed offsets must be online.
 */
export function* groupOverviews({
  groups,
  offsets,
}: ServiceContext): Generator<GroupOverview, void> {
  for (const name of groups.names()) {
    const overview = groups.overview(name);
    if (overview !== undefined) yield overview;
  }
  for (const { group } of groupsAfter(offsets, "")) {
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
  if (context.offsets.topicsOf(group).length === 0) throw groupNotFound(group);
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

/** Throws INVALID_GROUP. There is a group without a name only if a Kafka client has committed without one. */
function checkName({ groups }: ServiceContext, group: string): void {
  if (group !== "" || !groups.has(group)) OffsetStore.checkGroup(group);
}
