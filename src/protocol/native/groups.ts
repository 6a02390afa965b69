// ListGroups, DescribeGroup and DeleteGroup. A group is a name under which offsets are committed.
// Leaves to others: keeping committed offsets (groups/).
import { moreField, pageFields } from "./page.ts";
import { api, array, type RequestOf, since } from "./schema.ts";

export const ListGroups = api("ListGroups", {
  request: pageFields(2),
  response: {
    /** With the number of partitions that each has committed an offset for. */
    groups: array({ group: "string", partitions: "u32" }),
    more: moreField(2),
  },
});

export const DescribeGroup = api("DescribeGroup", {
  request: {
    group: "string",
    /** The last partition of the page before; an empty topic for the first page. */
    afterTopic: since(2, "string", ""),
    afterPartition: since(2, "u32", 0),
    /** Most partitions to return; 0 for as many as the broker puts into a page. */
    limit: since(2, "u32", 0),
  },
  response: {
    /** Those of the topics that the group has committed an offset for, by topic and partition. */
    partitions: array({
      topic: "string",
      partition: "u32",
      /** -1 when the group has committed nothing for this partition. */
      committedOffset: "i64",
      /** Milliseconds since the epoch; -1 likewise. */
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

/** Asks for the longest page of a group that there is: the first one, or the one after a partition. */
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
