// ListGroups, DescribeGroup, DescribeMembers and DeleteGroup. A group is a name under which offsets are committed, and may
// have members that share the partitions of its topics.
// Leaves to others: members and committed offsets (groups/).
import { moreField, pageFields } from "./page.js";
import { api, array, type RequestOf, since } from "./schema.js";

export const ListGroups = api("ListGroups", {
  request: pageFields(2),
  response: {
    /** Each with the number of partitions for which it has committed an offset. */
    groups: array({
      group: "string",
      partitions: "u32",
      /** Kafka's name of the state; empty if it is unknown. */
      state: since(3, "string", ""),
      /** classic or consumer; empty for a group that never had members. */
      type: since(3, "string", ""),
      members: since(3, "u32", 0),
    }),
    more: moreField(2),
  },
});

export const DescribeGroup = api("DescribeGroup", {
  request: {
    group: "string",
    /** The last partition of the previous page; an empty topic for the first page. */
    afterTopic: since(2, "string", ""),
    afterPartition: since(2, "u32", 0),
    /** Maximum number of partitions; 0 for as many as fit a page. */
    limit: since(2, "u32", 0),
  },
  response: {
    /** The partitions of the group's topics, by topic and partition. */
    partitions: array({
      topic: "string",
      partition: "u32",
      /** -1 if the group has committed nothing for this partition. */
      committedOffset: "i64",
      /** Milliseconds since the epoch, or -1. */
      commitTimestamp: "i64",
      logStartOffset: "i64",
      highWatermark: "i64",
      /** The member that reads the partition; empty if none does. */
      memberId: since(3, "string", ""),
    }),
    more: moreField(2),
  },
});

/** Asks for the state of a group, and its members. */
export const DescribeMembers = api("DescribeMembers", {
  request: {
    group: "string",
    /** Id of the last member of the previous page; empty for the first page. */
    after: "string",
    /** Maximum number of members; 0 for as many as fit a page. */
    limit: "u32",
  },
  response: {
    /** By id. */
    members: array({
      memberId: "string",
      /** Empty for a member that is not static. */
      instanceId: "string",
      clientId: "string",
      host: "string",
      /** Number of partitions that it reads. */
      partitions: "u32",
    }),
    /** Whether more members follow. */
    more: "bool",
    state: "string",
    /** classic or consumer; empty for a group that never had members. */
    type: "string",
    protocolType: "string",
    assignor: "string",
    generation: "u32",
  },
});

export const DeleteGroup = api("DeleteGroup", { request: { group: "string" }, response: {} });

export type ListGroupsRequest = RequestOf<typeof ListGroups>;
export type DescribeGroupRequest = RequestOf<typeof DescribeGroup>;
export type DescribeMembersRequest = RequestOf<typeof DescribeMembers>;
export type DeleteGroupRequest = RequestOf<typeof DeleteGroup>;

/** Requests the longest possible page of a group: the first one, or the one after a partition. */
export function describeAfter(
  group: string,
  after?: { readonly topic: string; readonly partition: number },
): DescribeGroupRequest {
  return {
    group,
    afterTopic: after?.topic ?? "",
    afterPartition: after?.partition ?? 0,
    limit: 0,
  };
}
