// ListGroups, DescribeGroup and DeleteGroup. A group is a name under which offsets are committed.
// Leaves to others: keeping committed offsets (offsets/).
import { API, decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "./messages.ts";

// ListGroups
//   request  = nothing
//   response = array(group string, partitions u32)

/** Asks for nothing but an answer. */
export type ListGroupsRequest = Record<never, never>;

/** One group of the list. */
export interface ListedGroup {
  readonly group: string;
  /** Number of partitions that it has committed an offset for. */
  readonly partitions: number;
}

/** All groups, by name. */
export interface ListGroupsResponse {
  readonly groups: readonly ListedGroup[];
}

/** A whole request frame. */
export function encodeListGroupsRequest(
  correlationId: number,
  _request: ListGroupsRequest = {},
): Uint8Array {
  return encodeRequest(API.ListGroups, correlationId, () => {});
}

/** Reads a request. */
export function decodeListGroupsRequest(payload: Uint8Array): ListGroupsRequest {
  return decodeRequest(payload, () => ({}));
}

/** A whole response frame. */
export function encodeListGroupsResponse(
  correlationId: number,
  response: ListGroupsResponse,
): Uint8Array {
  return encodeResponse(correlationId, (body) =>
    body.array(response.groups, (item, { group, partitions }) => {
      item.string(group).u32(partitions);
    }),
  );
}

/** Reads a response. */
export function decodeListGroupsResponse(payload: Uint8Array): ListGroupsResponse {
  return decodeResponse(payload, (body) => ({
    groups: body.array("groups", 2 + 4, (item) => ({
      group: item.string("group"),
      partitions: item.u32("partitions"),
    })),
  }));
}

// DescribeGroup
//   request  = group string
//   response = array(topic string, partition u32, committedOffset i64, commitTimestamp i64,
//                    logStartOffset i64, highWatermark i64)

/** Asks about one group. */
export interface DescribeGroupRequest {
  readonly group: string;
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

/** All partitions of the topics that a group has committed an offset for. */
export interface DescribeGroupResponse {
  readonly partitions: readonly DescribedGroupPartition[];
}

/** A whole request frame. */
export function encodeDescribeGroupRequest(
  correlationId: number,
  request: DescribeGroupRequest,
): Uint8Array {
  return encodeRequest(API.DescribeGroup, correlationId, (body) => body.string(request.group));
}

/** Reads a request. */
export function decodeDescribeGroupRequest(payload: Uint8Array): DescribeGroupRequest {
  return decodeRequest(payload, (body) => ({ group: body.string("group") }));
}

/** A whole response frame. */
export function encodeDescribeGroupResponse(
  correlationId: number,
  response: DescribeGroupResponse,
): Uint8Array {
  return encodeResponse(correlationId, (body) =>
    body.array(response.partitions, (item, of) => {
      item
        .string(of.topic)
        .u32(of.partition)
        .i64(of.committedOffset)
        .i64(of.commitTimestamp)
        .i64(of.logStartOffset)
        .i64(of.highWatermark);
    }),
  );
}

/** Reads a response. */
export function decodeDescribeGroupResponse(payload: Uint8Array): DescribeGroupResponse {
  return decodeResponse(payload, (body) => ({
    partitions: body.array("partitions", 2 + 4 + 8 + 8 + 8 + 8, (item) => ({
      topic: item.string("topic"),
      partition: item.u32("partition"),
      committedOffset: item.i64("committedOffset"),
      commitTimestamp: item.i64("commitTimestamp"),
      logStartOffset: item.i64("logStartOffset"),
      highWatermark: item.i64("highWatermark"),
    })),
  }));
}

// DeleteGroup
//   request  = group string
//   response = nothing

/** A group to forget. */
export interface DeleteGroupRequest {
  readonly group: string;
}

/** Says only that it was done. */
export type DeleteGroupResponse = Record<never, never>;

/** A whole request frame. */
export function encodeDeleteGroupRequest(
  correlationId: number,
  request: DeleteGroupRequest,
): Uint8Array {
  return encodeRequest(API.DeleteGroup, correlationId, (body) => body.string(request.group));
}

/** Reads a request. */
export function decodeDeleteGroupRequest(payload: Uint8Array): DeleteGroupRequest {
  return decodeRequest(payload, (body) => ({ group: body.string("group") }));
}

/** A whole response frame. */
export function encodeDeleteGroupResponse(
  correlationId: number,
  _response: DeleteGroupResponse = {},
): Uint8Array {
  return encodeResponse(correlationId, () => {});
}

/** Reads a response. */
export function decodeDeleteGroupResponse(payload: Uint8Array): DeleteGroupResponse {
  return decodeResponse(payload, () => ({}));
}
