// ListGroups, DescribeGroup and DeleteGroup.
// Leaves to others: the work (services/groups.ts).
import {
  type DeleteGroupRequest,
  type DescribeGroupRequest,
  encodeDeleteGroupResponse,
  GROUP_PAGES_SINCE,
  type ListGroupsRequest,
  writeGroupPartition,
  writeListedGroup,
} from "../groups.ts";
import type { ServiceContext } from "../../../services/context.ts";
import * as services from "../../../services/groups.ts";
import type { Exchange } from "./exchange.ts";
import { answerList } from "./list.ts";

/** Answers a ListGroups request. */
export function listGroups(
  context: ServiceContext,
  exchange: Exchange,
  { after, limit }: ListGroupsRequest,
): Promise<void> {
  return answerList(exchange, {
    items: services.listGroups(context, after),
    write: writeListedGroup,
    limit,
    pagesSince: GROUP_PAGES_SINCE,
  });
}

/** Answers a DescribeGroup request. */
export function describeGroup(
  context: ServiceContext,
  exchange: Exchange,
  { group, afterTopic, afterPartition, limit }: DescribeGroupRequest,
): Promise<void> {
  const after = afterTopic === "" ? undefined : { topic: afterTopic, partition: afterPartition };
  return answerList(exchange, {
    items: services.describeGroup(context, group, after),
    write: writeGroupPartition,
    limit,
    pagesSince: GROUP_PAGES_SINCE,
  });
}

/** Answers a DeleteGroup request. */
export async function deleteGroup(
  context: ServiceContext,
  exchange: Exchange,
  { group }: DeleteGroupRequest,
): Promise<void> {
  await services.deleteGroup(context, group);
  exchange.answer(encodeDeleteGroupResponse(exchange.correlationId, {}));
}
