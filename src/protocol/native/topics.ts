// CreateTopic, ListTopics and DescribeTopic.
// Leaves to others: DeleteTopic (delete-topic.ts), and topics themselves (topics/topic-registry.ts).
import { TOPIC_SETTINGS_MAX } from "../../limits.ts";
import { API, decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "./messages.ts";
import { FIRST_PAGE, type PageRequest, readMore, readPage, writeMore, writePage } from "./page.ts";
import type { ByteReader } from "./reader.ts";
import { readTopicId, topicIdBytes, writeTopicId } from "./topic-id.ts";
import type { ByteWriter } from "./writer.ts";

/** A setting of a topic: `segment.bytes`, `retention.ms`, … with its value in decimal. */
export interface TopicSetting {
  readonly name: string;
  readonly value: string;
}

function writeSetting(item: ByteWriter, { name, value }: TopicSetting): void {
  item.string(name).string(value);
}

function readSetting(item: ByteReader): TopicSetting {
  return { name: item.string("setting name"), value: item.string("setting value") };
}

// CreateTopic
//   request  = topic string | partitions u32 (0 = the broker's default) | array(name string, value string)
//   response = partitions u32 | topicId uuid (v2)

export interface CreateTopicRequest {
  readonly topic: string;
  /** Number of partitions; 0 for the broker's default. */
  readonly partitions: number;
  readonly settings: readonly TopicSetting[];
}

export interface CreateTopicResponse {
  readonly partitions: number;
  /** Identity of the topic; undefined when the broker does not say it. */
  readonly topicId?: string | undefined;
}

export function encodeCreateTopicRequest(
  correlationId: number,
  request: CreateTopicRequest,
  version = 1,
): Uint8Array {
  const writeBody = (body: ByteWriter): void => {
    body.string(request.topic).u32(request.partitions).array(request.settings, writeSetting);
  };
  return encodeRequest(API.CreateTopic, correlationId, writeBody, version);
}

export function decodeCreateTopicRequest(payload: Uint8Array): CreateTopicRequest {
  return decodeRequest(payload, (body) => ({
    topic: body.string("topic"),
    partitions: body.u32("partitions"),
    settings: body.array("settings", 2 + 2, readSetting, TOPIC_SETTINGS_MAX),
  }));
}

export function encodeCreateTopicResponse(
  correlationId: number,
  response: CreateTopicResponse,
  version = 1,
): Uint8Array {
  return encodeResponse(correlationId, (body) => {
    body.u32(response.partitions);
    writeTopicId(body, response.topicId, version);
  });
}

export function decodeCreateTopicResponse(payload: Uint8Array, version = 1): CreateTopicResponse {
  return decodeResponse(payload, (body) => ({
    partitions: body.u32("partitions"),
    topicId: readTopicId(body, version),
  }));
}

// ListTopics
//   request  = after string (v3) | limit u32 (v3)
//   response = array(name string, partitions u32, internal u8, topicId uuid (v2), offline u32 (v4)) | more u8 (v3)

/** The first version of ListTopics that has pages. */
export const TOPIC_PAGES_SINCE = 3;

/** The first version of ListTopics that counts offline partitions, and of DescribeTopic that says why they are. */
const LISTED_OFFLINE_SINCE = 4;
const OFFLINE_SINCE = 3;

/** Asks for the topics, by name. */
export type ListTopicsRequest = PageRequest;

export interface ListedTopic {
  readonly name: string;
  readonly partitions: number;
  /** Whether it belongs to the broker. */
  readonly internal: boolean;
  /** Identity of the topic; undefined when the broker does not say it. */
  readonly topicId?: string | undefined;
  /** Number of its partitions that are offline; 0 when the broker does not say it. */
  readonly offline: number;
}

export interface ListTopicsResponse {
  readonly topics: readonly ListedTopic[];
  /** Whether topics follow. */
  readonly more: boolean;
}

export function encodeListTopicsRequest(
  correlationId: number,
  request: ListTopicsRequest = FIRST_PAGE,
  version = 1,
): Uint8Array {
  const writeBody = (body: ByteWriter): void => writePage(body, request, isPaged(version));
  return encodeRequest(API.ListTopics, correlationId, writeBody, version);
}

export function decodeListTopicsRequest(payload: Uint8Array): ListTopicsRequest {
  return decodeRequest(payload, (body, version) => readPage(body, isPaged(version)));
}

export function listedTopicWriter(version: number) {
  return (
    item: ByteWriter,
    { name, partitions, internal, topicId, offline }: ListedTopic,
  ): void => {
    item
      .string(name)
      .u32(partitions)
      .u8(internal ? 1 : 0);
    writeTopicId(item, topicId, version);
    if (version >= LISTED_OFFLINE_SINCE) item.u32(offline);
  };
}

export function encodeListTopicsResponse(
  correlationId: number,
  { topics, more }: ListTopicsResponse,
  version = 1,
): Uint8Array {
  return encodeResponse(correlationId, (body) =>
    writeMore(body.array(topics, listedTopicWriter(version)), more, isPaged(version)),
  );
}

export function decodeListTopicsResponse(payload: Uint8Array, version = 1): ListTopicsResponse {
  return decodeResponse(payload, (body) => ({
    topics: body.array("topics", listedTopicBytes(version), (item) => ({
      name: item.string("name"),
      partitions: item.u32("partitions"),
      internal: item.u8("internal") !== 0,
      topicId: readTopicId(item, version),
      offline: version >= LISTED_OFFLINE_SINCE ? item.u32("offline") : 0,
    })),
    more: readMore(body, isPaged(version)),
  }));
}

/** The smallest topic of the list. */
function listedTopicBytes(version: number): number {
  return 2 + 4 + 1 + topicIdBytes(version) + (version >= LISTED_OFFLINE_SINCE ? 4 : 0);
}

function isPaged(version: number): boolean {
  return version >= TOPIC_PAGES_SINCE;
}

// DescribeTopic
//   request  = topic string | createIfMissing u8
//   response = name string | internal u8 | settings array(name string, value string)
//            | array(partition u32, logStartOffset i64, highWatermark i64, logEndOffset i64, segments u32, bytes i64,
//              offline string (v3))
//            | topicId uuid (v2)

export interface DescribeTopicRequest {
  readonly topic: string;
  /**
   * Whether a missing topic is created first, as a Produce would, if the broker creates topics by itself. A
   * producer asks so: before it knows the number of partitions it can't tell where a key belongs.
   */
  readonly createIfMissing: boolean;
}

export interface DescribedPartition {
  readonly partition: number;
  /** Offset of the first record that is still there. */
  readonly logStartOffset: number;
  /** Offset after the last record that may be read. */
  readonly highWatermark: number;
  /** Offset that the next record gets. */
  readonly logEndOffset: number;
  readonly segments: number;
  /** Size of the segments' logs. */
  readonly bytes: number;
  /** Why it is offline; then its offsets are -1. Empty if it is online, or the broker does not say it. */
  readonly offline: string;
}

export interface DescribeTopicResponse {
  readonly name: string;
  readonly internal: boolean;
  /** The settings that it was created with. */
  readonly settings: readonly TopicSetting[];
  readonly partitions: readonly DescribedPartition[];
  /** Identity of the topic; undefined when the broker does not say it. */
  readonly topicId?: string | undefined;
}

export function encodeDescribeTopicRequest(
  correlationId: number,
  request: DescribeTopicRequest,
  version = 1,
): Uint8Array {
  const writeBody = (body: ByteWriter): void => {
    body.string(request.topic).u8(request.createIfMissing ? 1 : 0);
  };
  return encodeRequest(API.DescribeTopic, correlationId, writeBody, version);
}

export function decodeDescribeTopicRequest(payload: Uint8Array): DescribeTopicRequest {
  return decodeRequest(payload, (body) => ({
    topic: body.string("topic"),
    createIfMissing: body.u8("createIfMissing") !== 0,
  }));
}

export function encodeDescribeTopicResponse(
  correlationId: number,
  response: DescribeTopicResponse,
  version = 1,
): Uint8Array {
  return encodeResponse(correlationId, (body) => {
    body
      .string(response.name)
      .u8(response.internal ? 1 : 0)
      .array(response.settings, writeSetting)
      .array(response.partitions, (item, of) => {
        item
          .u32(of.partition)
          .i64(of.logStartOffset)
          .i64(of.highWatermark)
          .i64(of.logEndOffset)
          .u32(of.segments)
          .i64(of.bytes);
        if (version >= OFFLINE_SINCE) item.string(of.offline);
      });
    writeTopicId(body, response.topicId, version);
  });
}

export function decodeDescribeTopicResponse(
  payload: Uint8Array,
  version = 1,
): DescribeTopicResponse {
  return decodeResponse(payload, (body) => ({
    name: body.string("name"),
    internal: body.u8("internal") !== 0,
    settings: body.array("settings", 2 + 2, readSetting),
    partitions: body.array("partitions", describedPartitionBytes(version), (item) => ({
      partition: item.u32("partition"),
      logStartOffset: item.i64("logStartOffset"),
      highWatermark: item.i64("highWatermark"),
      logEndOffset: item.i64("logEndOffset"),
      segments: item.u32("segments"),
      bytes: item.i64("bytes"),
      offline: version >= OFFLINE_SINCE ? item.string("offline") : "",
    })),
    topicId: readTopicId(body, version),
  }));
}

/** The smallest partition of a description. */
function describedPartitionBytes(version: number): number {
  return 4 + 8 + 8 + 8 + 4 + 8 + (version >= OFFLINE_SINCE ? 2 : 0);
}
