// Every encoder and decoder of src/protocol/ in one list, once for each version and beside its grammar, so that one
// test can hold all of them to the same rules.
import * as fetch from "../../src/protocol/native/fetch.ts";
import * as groups from "../../src/protocol/native/groups.ts";
import { API, type ApiName } from "../../src/protocol/native/messages.ts";
import * as meta from "../../src/protocol/native/meta.ts";
import * as offsets from "../../src/protocol/native/offsets.ts";
import * as produce from "../../src/protocol/native/produce.ts";
import * as deleteTopic from "../../src/protocol/native/delete-topic.ts";
import * as topics from "../../src/protocol/native/topics.ts";
import { API_VERSIONS } from "../../src/protocol/native/api-versions.ts";
import { type Field, fieldsIn, GRAMMAR, type Value } from "./grammar.ts";
import { encodeFetchResponse, encodeProduceRequest } from "../support/whole-frames.ts";

export interface Codec {
  readonly api: ApiName;
  readonly kind: "request" | "response";
  readonly version: number;
  /** The fields of that version. */
  readonly grammar: readonly Field[];
  /** A whole frame. */
  encode(correlationId: number, value: Value): Uint8Array;
  /** From a payload, envelope included. */
  decode(payload: Uint8Array): Value;
}

function codec<Message extends object>(
  api: ApiName,
  kind: Codec["kind"],
  encode: (correlationId: number, message: Message, version: number) => Uint8Array,
  decode: (payload: Uint8Array, version: number) => Message,
): readonly Codec[] {
  const { min, max } = API_VERSIONS[api];
  return Array.from({ length: max - min + 1 }, (_, index) => {
    const version = min + index;
    return {
      api,
      kind,
      version,
      grammar: fieldsIn(GRAMMAR[api][kind], version),
      encode: (id, value) => encode(id, value as unknown as Message, version),
      decode: (payload) => decode(payload, version) as unknown as Value,
    };
  });
}

export const REQUESTS: readonly Codec[] = [
  ...codec("Produce", "request", encodeProduceRequest, (payload) =>
    produce.decodeProduceRequest(payload),
  ),
  ...codec("Fetch", "request", fetch.encodeFetchRequest, fetch.decodeFetchRequest),
  ...codec(
    "OffsetCommit",
    "request",
    offsets.encodeOffsetCommitRequest,
    offsets.decodeOffsetCommitRequest,
  ),
  ...codec(
    "OffsetFetch",
    "request",
    offsets.encodeOffsetFetchRequest,
    offsets.decodeOffsetFetchRequest,
  ),
  ...codec(
    "CreateTopic",
    "request",
    topics.encodeCreateTopicRequest,
    topics.decodeCreateTopicRequest,
  ),
  ...codec("ListTopics", "request", topics.encodeListTopicsRequest, topics.decodeListTopicsRequest),
  ...codec(
    "DescribeTopic",
    "request",
    topics.encodeDescribeTopicRequest,
    topics.decodeDescribeTopicRequest,
  ),
  ...codec(
    "DeleteTopic",
    "request",
    deleteTopic.encodeDeleteTopicRequest,
    deleteTopic.decodeDeleteTopicRequest,
  ),
  ...codec(
    "ListOffsets",
    "request",
    offsets.encodeListOffsetsRequest,
    offsets.decodeListOffsetsRequest,
  ),
  ...codec("Ping", "request", meta.encodePingRequest, meta.decodePingRequest),
  ...codec("ListGroups", "request", groups.encodeListGroupsRequest, groups.decodeListGroupsRequest),
  ...codec(
    "DescribeGroup",
    "request",
    groups.encodeDescribeGroupRequest,
    groups.decodeDescribeGroupRequest,
  ),
  ...codec(
    "DeleteGroup",
    "request",
    groups.encodeDeleteGroupRequest,
    groups.decodeDeleteGroupRequest,
  ),
  ...codec("ApiVersions", "request", meta.encodeApiVersionsRequest, meta.decodeApiVersionsRequest),
];

export const RESPONSES: readonly Codec[] = [
  ...codec("Produce", "response", produce.encodeProduceResponse, produce.decodeProduceResponse),
  ...codec("Fetch", "response", encodeFetchResponse, fetch.decodeFetchResponse),
  ...codec(
    "OffsetCommit",
    "response",
    offsets.encodeOffsetCommitResponse,
    offsets.decodeOffsetCommitResponse,
  ),
  ...codec(
    "OffsetFetch",
    "response",
    offsets.encodeOffsetFetchResponse,
    offsets.decodeOffsetFetchResponse,
  ),
  ...codec(
    "CreateTopic",
    "response",
    topics.encodeCreateTopicResponse,
    topics.decodeCreateTopicResponse,
  ),
  ...codec(
    "ListTopics",
    "response",
    topics.encodeListTopicsResponse,
    topics.decodeListTopicsResponse,
  ),
  ...codec(
    "DescribeTopic",
    "response",
    topics.encodeDescribeTopicResponse,
    topics.decodeDescribeTopicResponse,
  ),
  ...codec(
    "DeleteTopic",
    "response",
    deleteTopic.encodeDeleteTopicResponse,
    deleteTopic.decodeDeleteTopicResponse,
  ),
  ...codec(
    "ListOffsets",
    "response",
    offsets.encodeListOffsetsResponse,
    offsets.decodeListOffsetsResponse,
  ),
  ...codec("Ping", "response", meta.encodePingResponse, meta.decodePingResponse),
  ...codec(
    "ListGroups",
    "response",
    groups.encodeListGroupsResponse,
    groups.decodeListGroupsResponse,
  ),
  ...codec(
    "DescribeGroup",
    "response",
    groups.encodeDescribeGroupResponse,
    groups.decodeDescribeGroupResponse,
  ),
  ...codec(
    "DeleteGroup",
    "response",
    groups.encodeDeleteGroupResponse,
    groups.decodeDeleteGroupResponse,
  ),
  ...codec(
    "ApiVersions",
    "response",
    meta.encodeApiVersionsResponse,
    meta.decodeApiVersionsResponse,
  ),
];

export const CODECS: readonly Codec[] = [...REQUESTS, ...RESPONSES];

/** The envelope that the document prescribes, byte by byte. */
export function envelopeOf({ api, kind, version }: Codec, correlationId: number): Uint8Array {
  const id = [24, 16, 8, 0].map((shift) => correlationId >>> shift);
  return Uint8Array.from(kind === "request" ? [API[api], version, ...id] : [...id, 0, 0]);
}

/** What was thrown; a failure of the test if nothing was. */
export function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
