// ListGroups, DescribeGroup and DeleteGroup. A group is what has committed an offset; it has no members.
// Leaves to others: keeping committed offsets (offsets/).
import { type GroupPartition, groupPartitions } from "../../offsets/lag.ts";
import { groupNotFound, OffsetStore } from "../../offsets/offset-store.ts";
import {
  type DeleteGroupRequest,
  type DescribeGroupRequest,
  encodeDeleteGroupResponse,
  encodeDescribeGroupResponse,
  encodeListGroupsResponse,
} from "../../protocol/groups.ts";
import { Portions } from "../../storage/event-loop.ts";
import type { Exchange } from "../exchange.ts";
import type { BrokerServices } from "../services.ts";

/** Partitions of a group that are looked at in one turn of the event loop. */
const PARTITIONS_PER_TURN = 1_000;

/** Answers a ListGroups request. */
export function listGroups(services: BrokerServices, exchange: Exchange): void {
  services.offsets.checkOnline();
  const groups = services.offsets.groups();
  exchange.answer(encodeListGroupsResponse(exchange.correlationId, { groups }));
}

/** Answers a DescribeGroup request: what is committed, beside the ends of each log, from which the lag follows. */
export async function describeGroup(
  services: BrokerServices,
  exchange: Exchange,
  request: DescribeGroupRequest,
): Promise<void> {
  const { group } = request;
  OffsetStore.checkGroup(group);
  services.offsets.checkOnline();
  if (services.offsets.topicsOf(group).length === 0) throw groupNotFound(group);
  const partitions: GroupPartition[] = [];
  const portions = new Portions(PARTITIONS_PER_TURN);
  for (const partition of groupPartitions(services, group)) {
    partitions.push(partition);
    await portions.next();
  }
  exchange.answer(encodeDescribeGroupResponse(exchange.correlationId, { partitions }));
}

/** Answers a DeleteGroup request once the group would not come back. */
export async function deleteGroup(
  services: BrokerServices,
  exchange: Exchange,
  request: DeleteGroupRequest,
): Promise<void> {
  OffsetStore.checkGroup(request.group);
  await services.offsets.deleteGroup(request.group);
  exchange.answer(encodeDeleteGroupResponse(exchange.correlationId, {}));
}
