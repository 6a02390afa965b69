// ListGroups, DescribeGroup and DeleteGroup. A group is what has committed an offset; it has no members.
// Leaves to others: keeping committed offsets (offsets/).
import { groupNotFound, OffsetStore } from "../../offsets/offset-store.ts";
import {
  type DeleteGroupRequest,
  type DescribeGroupRequest,
  encodeDeleteGroupResponse,
  encodeDescribeGroupResponse,
  encodeListGroupsResponse,
} from "../../protocol/groups.ts";
import type { Exchange } from "../exchange.ts";
import type { BrokerServices } from "../services.ts";

/** Answers a ListGroups request. */
export function listGroups(services: BrokerServices, exchange: Exchange): void {
  const groups = services.offsets.groups();
  exchange.answer(encodeListGroupsResponse(exchange.correlationId, { groups }));
}

/** Answers a DescribeGroup request: what is committed, beside the ends of each log, so that a lag can be told. */
export function describeGroup(
  services: BrokerServices,
  exchange: Exchange,
  request: DescribeGroupRequest,
): void {
  OffsetStore.checkGroup(request.group);
  const rows = services.offsets.describe(request.group);
  if (rows === undefined) throw groupNotFound(request.group);
  const partitions = rows.flatMap(({ topic, partition: index, offset, commitTimestamp }) => {
    // A topic that is being deleted has rows a little longer than it has partitions.
    const partition = services.registry.find(topic)?.partitions[index];
    if (partition === undefined) return [];
    const { logStartOffset, highWatermark } = partition;
    return {
      topic,
      partition: index,
      committedOffset: offset,
      commitTimestamp,
      logStartOffset,
      highWatermark,
    };
  });
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
