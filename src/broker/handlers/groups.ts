// ListGroups, DescribeGroup and DeleteGroup. A group is what has committed an offset; it has no members.
// Leaves to others: keeping committed offsets (groups/).
import { groupPartitions } from "../../groups/lag.ts";
import { groupNotFound, OffsetStore } from "../../groups/offset-store.ts";
import type { GroupSummary } from "../../groups/offset-table.ts";
import {
  type DeleteGroupRequest,
  type DescribeGroupRequest,
  encodeDeleteGroupResponse,
  GROUP_PAGES_SINCE,
  type ListGroupsRequest,
  writeGroupPartition,
  writeListedGroup,
} from "../../protocol/native/groups.ts";
import type { Exchange } from "../exchange.ts";
import type { BrokerServices } from "../services.ts";
import { answerList } from "./list.ts";

/** Groups that are looked up at a time. */
const LOOKUP_GROUPS = 500;

export function listGroups(
  services: BrokerServices,
  exchange: Exchange,
  { after, limit }: ListGroupsRequest,
): Promise<void> {
  services.offsets.checkOnline();
  return answerList(exchange, {
    items: groupsAfter(services.offsets, after),
    write: writeListedGroup,
    limit,
    pagesSince: GROUP_PAGES_SINCE,
  });
}

/** All groups after a name. Some may come and go meanwhile. */
function* groupsAfter(offsets: OffsetStore, first: string): Generator<GroupSummary, void> {
  let after = first === "" ? undefined : first;
  for (;;) {
    const groups = offsets.page(after, LOOKUP_GROUPS);
    yield* groups;
    if (groups.length < LOOKUP_GROUPS) return;
    after = groups.at(-1)?.group;
  }
}

/** Answers a DescribeGroup request: what is committed, beside the ends of each log, from which the lag follows. */
export async function describeGroup(
  services: BrokerServices,
  exchange: Exchange,
  request: DescribeGroupRequest,
): Promise<void> {
  const { group, afterTopic, afterPartition, limit } = request;
  OffsetStore.checkGroup(group);
  services.offsets.checkOnline();
  if (services.offsets.topicsOf(group).length === 0) throw groupNotFound(group);
  const after = afterTopic === "" ? undefined : { topic: afterTopic, partition: afterPartition };
  await answerList(exchange, {
    items: groupPartitions(services, group, after),
    write: writeGroupPartition,
    limit,
    pagesSince: GROUP_PAGES_SINCE,
  });
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
