// CreateTopic, ListTopics, DescribeTopic, DeleteTopic, AlterTopic, DeleteRecords and CompactTopic.
// Leaves to others: topics themselves (topics/topic-registry.ts).
import { OFFSET_ENTRIES_MAX, TOPIC_SETTINGS_MAX } from "../../limits.js";
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
    /** Until version 3 its own settings; from then on all that have a value, with those that it leaves to the broker. */
    settings: array({
      ...SETTING,
      /** Who set the value: `topic`, `broker`, or `default` for nobody. */
      source: since(4, "string", "topic"),
    }),
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

/** Changes a topic: some of its own settings, its number of partitions, or both. All is checked before anything changes. */
export const AlterTopic = api("AlterTopic", {
  request: {
    topic: "string",
    settings: array(SETTING, TOPIC_SETTINGS_MAX),
    /** Settings that the topic leaves to the broker again. */
    deletedSettings: array({ name: { type: "string", label: "setting name" } }, TOPIC_SETTINGS_MAX),
    /** Number of partitions, more than now; 0 for no change. */
    partitions: "u32",
    /** Whether to make all checks, and to change nothing. */
    validateOnly: "bool",
  },
  response: {
    topicId: "uuid",
    previousPartitions: "u32",
    partitions: "u32",
    /** Its own settings afterwards. */
    settings: array(SETTING),
  },
});

/** Deletes the start of logs. All partitions are checked before the first one changes. */
export const DeleteRecords = api("DeleteRecords", {
  request: {
    partitions: array(
      {
        topic: "string",
        partition: "u32",
        /** The records below it are deleted; -1 for the high watermark. */
        offset: "i64",
        topicId: "uuid",
      },
      OFFSET_ENTRIES_MAX,
    ),
  },
  response: {
    /** In the order of the request. */
    partitions: array({ logStartOffset: "i64" }),
  },
});

/** States of the compaction of a partition, by their numbers in CompactTopic. */
export const COMPACTION_STATES = ["waiting", "running", "done", "failed"] as const;

/** Compacts partitions of a topic now. Requests with the same `runId` belong to one run, which the first of them begins. */
export const CompactTopic = api("CompactTopic", {
  request: {
    topic: "string",
    topicId: "uuid",
    /** Chosen at random by the client. */
    runId: "uuid",
    /** None means all. */
    partitions: array({ partition: "u32" }, OFFSET_ENTRIES_MAX),
    /** Time after which the response comes even if the run is not over, in milliseconds; at most a second. */
    waitMs: "u32",
  },
  response: {
    topicId: "uuid",
    isDone: "bool",
    /** In the order of the request. */
    partitions: array({
      partition: "u32",
      /** An index of COMPACTION_STATES. */
      state: "u8",
      /** Bytes of log read so far, and to read. */
      doneBytes: "i64",
      totalBytes: "i64",
      /** Of the compacted segments, before and after; 0 until it is done. */
      recordsBefore: "i64",
      recordsAfter: "i64",
      bytesBefore: "i64",
      bytesAfter: "i64",
      durationMs: "i64",
      /** Why it failed; empty if it has not. */
      error: "string",
    }),
  },
});

export type CompactTopicRequest = RequestOf<typeof CompactTopic>;
export type AlterTopicRequest = RequestOf<typeof AlterTopic>;
export type DeleteRecordsRequest = RequestOf<typeof DeleteRecords>;
export type CreateTopicRequest = RequestOf<typeof CreateTopic>;
export type ListTopicsRequest = RequestOf<typeof ListTopics>;
export type ListedTopic = ResponseOf<typeof ListTopics>["topics"][number];
export type DescribeTopicRequest = RequestOf<typeof DescribeTopic>;
export type DeleteTopicRequest = RequestOf<typeof DeleteTopic>;
