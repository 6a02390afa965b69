// ListGroups, DescribeGroup, DescribeMembers and DeleteGroup.
// Leaves to others: the work (services/groups.ts, services/group-members.ts).
import {
  DeleteGroup,
  type DeleteGroupRequest,
  DescribeGroup,
  type DescribeGroupRequest,
  DescribeMembers,
  type DescribeMembersRequest,
  ListGroups,
  type ListGroupsRequest,
} from "../groups.js";
import type { ServiceContext } from "../../../services/context.js";
import * as members from "../../../services/group-members.js";
import * as services from "../../../services/groups.js";
import type { Exchange } from "./exchange.js";
import { answerList } from "./list.js";

/** First version of ListGroups with groups that have no committed offsets. */
const LIST_HAS_MEMBERS = 3;

/** What older versions of ListGroups leave out. */
const NO_MEMBERS = { state: "", type: "", members: 0 };

/** Answers a ListGroups request. */
export async function listGroups(
  context: ServiceContext,
  exchange: Exchange,
  { after, limit }: ListGroupsRequest,
): Promise<void> {
  const groups =
    exchange.apiVersion < LIST_HAS_MEMBERS
      ? listedWithOffsets(services.listGroupsWithOffsets(context, after))
      : await services.listGroups(context, after);
  await answerList(exchange, ListGroups, groups, limit, {});
}

function* listedWithOffsets(groups: ReturnType<typeof services.listGroupsWithOffsets>) {
  for (const group of groups) yield { ...group, ...NO_MEMBERS };
}

/** Answers a DescribeGroup request. */
export async function describeGroup(
  context: ServiceContext,
  exchange: Exchange,
  { group, afterTopic, afterPartition, limit }: DescribeGroupRequest,
): Promise<void> {
  const after = afterTopic === "" ? undefined : { topic: afterTopic, partition: afterPartition };
  const partitions = await services.describeGroup(context, group, after);
  await answerList(exchange, DescribeGroup, owned(partitions), limit, {});
}

function* owned(partitions: Awaited<ReturnType<typeof services.describeGroup>>) {
  for (const partition of partitions) {
    yield { ...partition, memberId: partition.memberId ?? "" };
  }
}

/** Answers a DescribeMembers request. */
export async function describeMembers(
  context: ServiceContext,
  exchange: Exchange,
  { group, after, limit }: DescribeMembersRequest,
): Promise<void> {
  const { members: all, ...state } = await members.describeMembers(context, group);
  await answerList(exchange, DescribeMembers, rows(all, after), limit, state);
}

function* rows(all: readonly members.GroupMember[], after: string) {
  for (const { instanceId, assignment, ...member } of all) {
    if (member.memberId <= after) continue;
    const partitions = assignment.reduce((sum, topic) => sum + topic.partitions.length, 0);
    yield { ...member, instanceId: instanceId ?? "", partitions };
  }
}

/** Answers a DeleteGroup request. */
export async function deleteGroup(
  context: ServiceContext,
  exchange: Exchange,
  { group }: DeleteGroupRequest,
): Promise<void> {
  await services.deleteGroup(context, group);
  exchange.answer(DeleteGroup.encodeResponse(exchange.correlationId, {}));
}
