// OffsetCommit, OffsetFetch, OffsetDelete and ListOffsets.
// Leaves to others: storing committed offsets (groups/), searching the log (log/).
import { OFFSET_ENTRIES_MAX } from "../../limits.js";
import { api, array, type RequestOf, type ResponseOf, since, TOPIC_ID } from "./schema.js";

// In requests, `topicId` is the topic that is meant, in case another topic has its name now.

export const OffsetCommit = api("OffsetCommit", {
  request: {
    group: "string",
    /** Each with the offset of the next record that the group wants. */
    offsets: array(
      { topic: "string", partition: "u32", offset: "i64", topicId: TOPIC_ID },
      OFFSET_ENTRIES_MAX,
    ),
    /** The member that commits, with its epoch; empty for a commit by no member of the group. */
    memberId: since(3, "string", ""),
    memberEpoch: since(3, "i64", -1),
  },
  response: {
    /**
     * Whether another client, still connected, has lately committed for one of the partitions, and neither is a member: both
     * read all of it.
     */
    isShared: since(4, "bool", false),
  },
});

/** The member fields of a commit that no member of the group makes. */
export const BY_NO_MEMBER = { memberId: "", memberEpoch: -1 } as const;

/** Asks for a group's committed offsets. */
export const OffsetFetch = api("OffsetFetch", {
  request: {
    group: "string",
    partitions: array({ topic: "string", partition: "u32", topicId: TOPIC_ID }, OFFSET_ENTRIES_MAX),
  },
  response: {
    /** In the order of the request; both fields are -1 if nothing is committed. */
    offsets: array({ offset: "i64", commitTimestamp: "i64" }),
  },
});

/** Deletes a group's committed offsets of some partitions, all or none. */
export const OffsetDelete = api("OffsetDelete", {
  request: {
    group: "string",
    partitions: array({ topic: "string", partition: "u32", topicId: "uuid" }, OFFSET_ENTRIES_MAX),
  },
  response: {
    /** In the order of the request: what was deleted, or -1 if nothing was committed. */
    offsets: array({ offset: "i64" }),
  },
});

/** Asks for the offset of a partition at a time. */
export const ListOffsets = api("ListOffsets", {
  request: {
    topic: "string",
    partition: "u32",
    /** Milliseconds since the epoch; -1 for the high watermark, -2 for the log start. */
    timestamp: "i64",
    topicId: TOPIC_ID,
  },
  response: {
    /** For a time: base offset of the first batch with a record at or after it, or the high watermark. */
    offset: "i64",
    /** For a time: the largest timestamp in that batch; -1 if there is none, and for -1 and -2. */
    timestamp: "i64",
    topicId: TOPIC_ID,
  },
});

export type OffsetCommitRequest = RequestOf<typeof OffsetCommit>;
export type OffsetFetchRequest = RequestOf<typeof OffsetFetch>;
export type OffsetDeleteRequest = RequestOf<typeof OffsetDelete>;
export type OffsetFetchEntry = ResponseOf<typeof OffsetFetch>["offsets"][number];
export type ListOffsetsRequest = RequestOf<typeof ListOffsets>;
