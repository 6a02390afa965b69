// CreateTopic, ListTopics, DescribeTopic and DeleteTopic.
// Leaves to others: topics themselves (topics/topic-registry.ts).
import { TOPIC_SETTINGS_MAX } from "../../limits.js";
import { moreField, pageFields } from "./page.js";
import { api, array, type RequestOf, type ResponseOf, since, TOPIC_ID } from "./schema.js";

/** A setting of a topic: `segment.bytes`, `retention.ms`, … with a decimal value. */
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
      internal: "bool",
      topicId: TOPIC_ID,
      /** Number of offline partitions; 0 if the broker does not report it. */
      offline: since(4, "u32", 0),
    }),
    more: moreField(3),
  },
});

export const DescribeTopic = api("DescribeTopic", {
  request: {
    topic: "string",
    /**
     * Whether to create a missing topic first, as a Produce would, if the broker creates topics automatically.
     * Producers use this, because a key's partition depends on the number of partitions.
     */
    createIfMissing: "bool",
  },
  response: {
    name: "string",
    internal: "bool",
    /** Its own settings; the broker's defaults are not listed. */
    settings: array(SETTING),
    partitions: array({
      partition: "u32",
      /** Offset of the first remaining record. */
      logStartOffset: "i64",
      /** Offset after the last readable record. */
      highWatermark: "i64",
      logEndOffset: "i64",
      segments: "u32",
      /** Total size of the `.log` files, in bytes. */
      bytes: "i64",
      /**
       * Why the partition is offline; its offsets are -1 then. Empty if it is online, or if the broker does not report
       * it.
       */
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
