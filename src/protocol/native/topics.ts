// CreateTopic, ListTopics, DescribeTopic and DeleteTopic.
// Leaves to others: topics themselves (topics/topic-registry.ts).
import { TOPIC_SETTINGS_MAX } from "../../limits.ts";
import { moreField, pageFields } from "./page.ts";
import { api, array, type RequestOf, type ResponseOf, since, TOPIC_ID } from "./schema.ts";

/** A setting of a topic: `segment.bytes`, `retention.ms`, … with its value in decimal. */
const SETTING = {
  name: { type: "string", label: "setting name" },
  value: { type: "string", label: "setting value" },
} as const;

export const CreateTopic = api("CreateTopic", {
  request: {
    topic: "string",
    /** Number of partitions; 0 for the broker's default. */
    partitions: "u32",
    settings: array(SETTING, TOPIC_SETTINGS_MAX),
  },
  response: { partitions: "u32", topicId: TOPIC_ID },
});

export const ListTopics = api("ListTopics", {
  request: pageFields(3),
  response: {
    topics: array({
      name: "string",
      partitions: "u32",
      /** Whether it belongs to the broker. */
      internal: "bool",
      topicId: TOPIC_ID,
      /** Number of its partitions that are offline; 0 when the broker does not say it. */
      offline: since(4, "u32", 0),
    }),
    more: moreField(3),
  },
});

export const DescribeTopic = api("DescribeTopic", {
  request: {
    topic: "string",
    /**
     * Whether a missing topic is created first, as a Produce would, if the broker creates topics by itself. A
     * producer asks so: before it knows the number of partitions it can't tell where a key belongs.
     */
    createIfMissing: "bool",
  },
  response: {
    name: "string",
    internal: "bool",
    /** The settings that it was created with. */
    settings: array(SETTING),
    partitions: array({
      partition: "u32",
      /** Offset of the first record that is still there. */
      logStartOffset: "i64",
      /** Offset after the last record that may be read. */
      highWatermark: "i64",
      /** Offset that the next record gets. */
      logEndOffset: "i64",
      segments: "u32",
      /** Size of the segments' logs. */
      bytes: "i64",
      /** Why it is offline; then its offsets are -1. Empty if it is online, or the broker does not say it. */
      offline: since(3, "string", ""),
    }),
    topicId: TOPIC_ID,
  },
});

export const DeleteTopic = api("DeleteTopic", { request: { topic: "string" }, response: {} });

export type CreateTopicRequest = RequestOf<typeof CreateTopic>;
export type ListTopicsRequest = RequestOf<typeof ListTopics>;
export type ListedTopic = ResponseOf<typeof ListTopics>["topics"][number];
export type DescribeTopicRequest = RequestOf<typeof DescribeTopic>;
export type DeleteTopicRequest = RequestOf<typeof DeleteTopic>;
