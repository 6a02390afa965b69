// ListGroups, DescribeGroup and DeleteGroup. A group is a name under which offsets are committed.
// Leaves to others: storing committed offsets (groups/).
import { moreField, pageFields } from "./page.js";
import { api, array, type RequestOf, since } from "./schema.js";

export const ListGroups = api("ListGroups", {
  request: pageFields(2),
  response: {
    /** Each with the number of partitions for which it has committed an offset. */
    groups: array({ group: "string", partitions: "u32" }),
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
    /** The partitions of the topics in which the group has committed an offset, by topic and partition. */
    partitions: array({
      topic: "string",
      partition: "u32",
      /** -1 if the group has committed nothing for this partition. */
      committedOffset: "i64",
      /** Milliseconds since the epoch, or -1. */
      commitTimestamp: "i64",
      logStartOffset: "i64",
      highWatermark: "i64",
    }),
    more: moreField(2),
  },
});

export const DeleteGroup = api("DeleteGroup", { request: { group: "string" }, response: {} });

export type ListGroupsRequest = RequestOf<typeof ListGroups>;
export type DescribeGroupRequest = RequestOf<typeof DescribeGroup>;
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
