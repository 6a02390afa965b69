// ListGroups, DescribeGroup and DeleteGroup. A group is a name under which offsets are committed.
// Leaves to others: keeping committed offsets (offsets/).
import { API, decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "./messages.ts";
import { FIRST_PAGE, type PageRequest, readMore, readPage, writeMore, writePage } from "./page.ts";
import type { ByteWriter } from "./writer.ts";

// ListGroups
//   request  = after string (v2) | limit u32 (v2)
//   response = array(group string, partitions u32) | more u8 (v2)

/** The first version of ListGroups and DescribeGroup that has pages. */
export const GROUP_PAGES_SINCE = 2;

/** Asks for the groups, by name. */
export type ListGroupsRequest = PageRequest;

export interface ListedGroup {
  readonly group: string;
  /** Number of partitions that it has committed an offset for. */
  readonly partitions: number;
}

export interface ListGroupsResponse {
  readonly groups: readonly ListedGroup[];
  /** Whether groups follow. */
  readonly more: boolean;
}

export function encodeListGroupsRequest(
  correlationId: number,
  request: ListGroupsRequest = FIRST_PAGE,
  version = 1,
): Uint8Array {
  const writeBody = (body: ByteWriter): void => writePage(body, request, isPaged(version));
  return encodeRequest(API.ListGroups, correlationId, writeBody, version);
}

export function decodeListGroupsRequest(payload: Uint8Array): ListGroupsRequest {
  return decodeRequest(payload, (body, version) => readPage(body, isPaged(version)));
}

export function writeListedGroup(item: ByteWriter, { group, partitions }: ListedGroup): void {
  item.string(group).u32(partitions);
}

export function encodeListGroupsResponse(
  correlationId: number,
  { groups, more }: ListGroupsResponse,
  version = 1,
): Uint8Array {
  return encodeResponse(correlationId, (body) =>
    writeMore(body.array(groups, writeListedGroup), more, isPaged(version)),
  );
}

export function decodeListGroupsResponse(payload: Uint8Array, version = 1): ListGroupsResponse {
  return decodeResponse(payload, (body) => ({
    groups: body.array("groups", 2 + 4, (item) => ({
      group: item.string("group"),
      partitions: item.u32("partitions"),
    })),
    more: readMore(body, isPaged(version)),
  }));
}

function isPaged(version: number): boolean {
  return version >= GROUP_PAGES_SINCE;
}

// DescribeGroup
//   request  = group string | afterTopic string (v2) | afterPartition u32 (v2) | limit u32 (v2)
//   response = array(topic string, partition u32, committedOffset i64, commitTimestamp i64,
//                    logStartOffset i64, highWatermark i64) | more u8 (v2)

export interface DescribeGroupRequest {
  readonly group: string;
  /** The last partition of the page before; an empty topic for the first page. */
  readonly afterTopic: string;
  readonly afterPartition: number;
  /** Most partitions to return; 0 for as many as the broker puts into a page. */
  readonly limit: number;
}

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

/** One partition of a group, beside the ends of its log. */
export interface DescribedGroupPartition {
  readonly topic: string;
  readonly partition: number;
  /** -1 when the group has committed nothing for this partition. */
  readonly committedOffset: number;
  /** Milliseconds since the epoch; -1 likewise. */
  readonly commitTimestamp: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
}

/** Partitions of the topics that a group has committed an offset for, by topic and partition. */
export interface DescribeGroupResponse {
  readonly partitions: readonly DescribedGroupPartition[];
  /** Whether partitions follow. */
  readonly more: boolean;
}

export function encodeDescribeGroupRequest(
  correlationId: number,
  request: DescribeGroupRequest,
  version = 1,
): Uint8Array {
  const { group, afterTopic, afterPartition, limit } = request;
  const writeBody = (body: ByteWriter): void => {
    body.string(group);
    if (isPaged(version)) body.string(afterTopic).u32(afterPartition).u32(limit);
  };
  return encodeRequest(API.DescribeGroup, correlationId, writeBody, version);
}

export function decodeDescribeGroupRequest(payload: Uint8Array): DescribeGroupRequest {
  return decodeRequest(payload, (body, version) => {
    const group = body.string("group");
    if (!isPaged(version)) return { group, afterTopic: "", afterPartition: 0, limit: 0 };
    return {
      group,
      afterTopic: body.string("afterTopic"),
      afterPartition: body.u32("afterPartition"),
      limit: body.u32("limit"),
    };
  });
}

export function writeGroupPartition(item: ByteWriter, of: DescribedGroupPartition): void {
  item
    .string(of.topic)
    .u32(of.partition)
    .i64(of.committedOffset)
    .i64(of.commitTimestamp)
    .i64(of.logStartOffset)
    .i64(of.highWatermark);
}

export function encodeDescribeGroupResponse(
  correlationId: number,
  { partitions, more }: DescribeGroupResponse,
  version = 1,
): Uint8Array {
  return encodeResponse(correlationId, (body) =>
    writeMore(body.array(partitions, writeGroupPartition), more, isPaged(version)),
  );
}

export function decodeDescribeGroupResponse(
  payload: Uint8Array,
  version = 1,
): DescribeGroupResponse {
  return decodeResponse(payload, (body) => ({
    partitions: body.array("partitions", 2 + 4 + 8 + 8 + 8 + 8, (item) => ({
      topic: item.string("topic"),
      partition: item.u32("partition"),
      committedOffset: item.i64("committedOffset"),
      commitTimestamp: item.i64("commitTimestamp"),
      logStartOffset: item.i64("logStartOffset"),
      highWatermark: item.i64("highWatermark"),
    })),
    more: readMore(body, isPaged(version)),
  }));
}

// DeleteGroup
//   request  = group string
//   response = nothing

export interface DeleteGroupRequest {
  readonly group: string;
}

export type DeleteGroupResponse = Record<never, never>;

export function encodeDeleteGroupRequest(
  correlationId: number,
  request: DeleteGroupRequest,
): Uint8Array {
  return encodeRequest(API.DeleteGroup, correlationId, (body) => body.string(request.group));
}

export function decodeDeleteGroupRequest(payload: Uint8Array): DeleteGroupRequest {
  return decodeRequest(payload, (body) => ({ group: body.string("group") }));
}

export function encodeDeleteGroupResponse(
  correlationId: number,
  _response: DeleteGroupResponse = {},
): Uint8Array {
  return encodeResponse(correlationId, () => {});
}

export function decodeDeleteGroupResponse(payload: Uint8Array): DeleteGroupResponse {
  return decodeResponse(payload, () => ({}));
}
