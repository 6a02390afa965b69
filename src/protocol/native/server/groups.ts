// ListGroups, DescribeGroup and DeleteGroup.
// Leaves to others: the work (services/groups.ts).
import {
  DeleteGroup,
  type DeleteGroupRequest,
  DescribeGroup,
  type DescribeGroupRequest,
  ListGroups,
  type ListGroupsRequest,
} from "../groups.js";
import type { ServiceContext } from "../../../services/context.js";
import * as services from "../../../services/groups.js";
import type { Exchange } from "./exchange.js";
import { answerList } from "./list.js";

/** Answers a ListGroups request. */
export function listGroups(
  context: ServiceContext,
  exchange: Exchange,
  { after, limit }: ListGroupsRequest,
): Promise<void> {
  return answerList(exchange, ListGroups, services.listGroups(context, after), limit);
}

/** Answers a DescribeGroup request. */
export function describeGroup(
  context: ServiceContext,
  exchange: Exchange,
  { group, afterTopic, afterPartition, limit }: DescribeGroupRequest,
): Promise<void> {
  const after = afterTopic === "" ? undefined : { topic: afterTopic, partition: afterPartition };
  return answerList(exchange, DescribeGroup, services.describeGroup(context, group, after), limit);
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
