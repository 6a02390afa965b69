// OffsetCommit, OffsetFetch and ListOffsets.
// Leaves to others: keeping committed offsets (offsets/), searching the log (storage/).
import { OFFSET_ENTRIES_MAX } from "../../limits.ts";
import { API, decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "./messages.ts";
import type { ByteReader } from "./reader.ts";
import { readTopicId, topicIdBytes, writeTopicId } from "./topic-id.ts";
import type { ByteWriter } from "./writer.ts";

// OffsetCommit
//   request  = group string | array(topic string, partition u32, offset i64, topicId uuid (v2))
//   response = nothing

export interface OffsetCommitEntry {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the next record that the group wants. */
  readonly offset: number;
  /** The topic that is meant, should another one have its name by now; whichever has it, if not given. */
  readonly topicId?: string | undefined;
}

/** Offsets to commit for a group, all or none. */
export interface OffsetCommitRequest {
  readonly group: string;
  readonly offsets: readonly OffsetCommitEntry[];
}

export type OffsetCommitResponse = Record<never, never>;

export function encodeOffsetCommitRequest(
  correlationId: number,
  request: OffsetCommitRequest,
  version = 1,
): Uint8Array {
  const writeBody = (body: ByteWriter): void => {
    body.string(request.group).array(request.offsets, (item, entry) => {
      item.string(entry.topic).u32(entry.partition).i64(entry.offset);
      writeTopicId(item, entry.topicId, version);
    });
  };
  return encodeRequest(API.OffsetCommit, correlationId, writeBody, version);
}

export function decodeOffsetCommitRequest(payload: Uint8Array): OffsetCommitRequest {
  return decodeRequest(payload, (body, version) => {
    const readEntry = (item: ByteReader): OffsetCommitEntry => ({
      topic: item.string("topic"),
      partition: item.u32("partition"),
      offset: item.i64("offset"),
      topicId: readTopicId(item, version),
    });
    const entryBytesMin = 2 + 4 + 8 + topicIdBytes(version);
    return {
      group: body.string("group"),
      offsets: body.array("offsets", entryBytesMin, readEntry, OFFSET_ENTRIES_MAX),
    };
  });
}

export function encodeOffsetCommitResponse(
  correlationId: number,
  _response: OffsetCommitResponse = {},
): Uint8Array {
  return encodeResponse(correlationId, () => {});
}

export function decodeOffsetCommitResponse(payload: Uint8Array): OffsetCommitResponse {
  return decodeResponse(payload, () => ({}));
}

// OffsetFetch
//   request  = group string | array(topic string, partition u32, topicId uuid (v2))
//   response = array(offset i64, commitTimestamp i64), in the order of the request; -1 and -1 for none

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** The topic that is meant, should another one have its name by now; whichever has it, if not given. */
  readonly topicId?: string | undefined;
}

/** Asks what a group has committed. */
export interface OffsetFetchRequest {
  readonly group: string;
  readonly partitions: readonly TopicPartition[];
}

/** What is committed for one partition. */
export interface OffsetFetchEntry {
  /** The committed offset, or -1 for none. */
  readonly offset: number;
  /** When it was committed, in milliseconds since the epoch, or -1. */
  readonly commitTimestamp: number;
}

/** What is committed, in the order of the request. */
export interface OffsetFetchResponse {
  readonly offsets: readonly OffsetFetchEntry[];
}

export function encodeOffsetFetchRequest(
  correlationId: number,
  request: OffsetFetchRequest,
  version = 1,
): Uint8Array {
  const writeBody = (body: ByteWriter): void => {
    body.string(request.group).array(request.partitions, (item, entry) => {
      item.string(entry.topic).u32(entry.partition);
      writeTopicId(item, entry.topicId, version);
    });
  };
  return encodeRequest(API.OffsetFetch, correlationId, writeBody, version);
}

export function decodeOffsetFetchRequest(payload: Uint8Array): OffsetFetchRequest {
  return decodeRequest(payload, (body, version) => {
    const readPartition = (item: ByteReader): TopicPartition => ({
      topic: item.string("topic"),
      partition: item.u32("partition"),
      topicId: readTopicId(item, version),
    });
    const partitionBytesMin = 2 + 4 + topicIdBytes(version);
    return {
      group: body.string("group"),
      partitions: body.array("partitions", partitionBytesMin, readPartition, OFFSET_ENTRIES_MAX),
    };
  });
}

export function encodeOffsetFetchResponse(
  correlationId: number,
  response: OffsetFetchResponse,
): Uint8Array {
  return encodeResponse(correlationId, (body) =>
    body.array(response.offsets, (item, { offset, commitTimestamp }) => {
      item.i64(offset).i64(commitTimestamp);
    }),
  );
}

export function decodeOffsetFetchResponse(payload: Uint8Array): OffsetFetchResponse {
  return decodeResponse(payload, (body) => ({
    offsets: body.array("offsets", 8 + 8, (item) => ({
      offset: item.i64("offset"),
      commitTimestamp: item.i64("commitTimestamp"),
    })),
  }));
}

// ListOffsets
//   request  = topic string | partition u32 | timestamp i64 (-1 latest, -2 earliest, else milliseconds)
//            | topicId uuid (v2)
//   response = offset i64 | timestamp i64 (-1 for none) | topicId uuid (v2)

/** Asks where in a partition a moment is. */
export interface ListOffsetsRequest {
  readonly topic: string;
  readonly partition: number;
  /** Milliseconds since the epoch; -1 for the high watermark, -2 for the log start. */
  readonly timestamp: number;
  /** The topic that is meant, should another one have its name by now; whichever has it, if not given. */
  readonly topicId?: string | undefined;
}

export interface ListOffsetsResponse {
  /** For a time: base offset of the first batch with a record at or after it, or the high watermark. */
  readonly offset: number;
  /** For a time: the largest timestamp in that batch; -1 when there is none, and for -1 and -2. */
  readonly timestamp: number;
  /** Identity of the topic; undefined when the broker does not say it. */
  readonly topicId?: string | undefined;
}

export function encodeListOffsetsRequest(
  correlationId: number,
  request: ListOffsetsRequest,
  version = 1,
): Uint8Array {
  const writeBody = (body: ByteWriter): void => {
    body.string(request.topic).u32(request.partition).i64(request.timestamp);
    writeTopicId(body, request.topicId, version);
  };
  return encodeRequest(API.ListOffsets, correlationId, writeBody, version);
}

export function decodeListOffsetsRequest(payload: Uint8Array): ListOffsetsRequest {
  return decodeRequest(payload, (body, version) => ({
    topic: body.string("topic"),
    partition: body.u32("partition"),
    timestamp: body.i64("timestamp"),
    topicId: readTopicId(body, version),
  }));
}

export function encodeListOffsetsResponse(
  correlationId: number,
  response: ListOffsetsResponse,
  version = 1,
): Uint8Array {
  return encodeResponse(correlationId, (body) => {
    body.i64(response.offset).i64(response.timestamp);
    writeTopicId(body, response.topicId, version);
  });
}

export function decodeListOffsetsResponse(payload: Uint8Array, version = 1): ListOffsetsResponse {
  return decodeResponse(payload, (body) => ({
    offset: body.i64("offset"),
    timestamp: body.i64("timestamp"),
    topicId: readTopicId(body, version),
  }));
}
