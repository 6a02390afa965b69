// OffsetCommit, OffsetFetch and OffsetDelete: where groups continue.
import { NONE } from "./offsets.js";
import { api, array, bool, int16, int32, int64, string, throttleTimeMs, uuid } from "./schema.js";

/** Topics have names until version 9, and ids from 10 on. */
const TOPIC = {
  name: string({ until: 9 }),
  topicId: uuid({ since: 10 }),
};

export const OffsetCommit = api({
  key: 8,
  versions: [2, 10],
  flexibleSince: 8,
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ absent: NONE }),
    memberId: string(),
    groupInstanceId: string({ since: 7, nullable: 7, absent: null }),
    /** Ignored: the broker decides how long commits are kept. */
    retentionTimeMs: int64({ since: 2, until: 4, absent: NONE }),
    topics: array({
      ...TOPIC,
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ since: 6, absent: NONE }),
        committedMetadata: string({ nullable: 0 }),
      }),
    }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(3),
    topics: array({
      ...TOPIC,
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
});

/** Versions until 7 are about one group, whose fields are empty in later ones. */
export const OffsetFetch = api({
  key: 9,
  versions: [1, 10],
  flexibleSince: 6,
  request: {
    groupId: string({ until: 7 }),
    /** Null for all of the group's. */
    topics: array({ name: string(), partitionIndexes: array(int32()) }, { until: 7, nullable: 2 }),
    groups: array(
      {
        groupId: string(),
        memberId: string({ since: 9, nullable: 9, absent: null }),
        memberEpoch: int32({ since: 9, absent: NONE }),
        topics: array({ ...TOPIC, partitionIndexes: array(int32()) }, { nullable: 8 }),
      },
      { since: 8 },
    ),
    /** Ignored: nothing is unstable without transactions. */
    requireStable: bool({ since: 7 }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(3),
    topics: array(
      {
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32({ since: 5, absent: NONE }),
          metadata: string({ nullable: 0 }),
          errorCode: int16(),
        }),
      },
      { until: 7 },
    ),
    errorCode: int16({ since: 2, until: 7, absent: 0 }),
    groups: array(
      {
        groupId: string(),
        topics: array({
          ...TOPIC,
          partitions: array({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ absent: NONE }),
            metadata: string({ nullable: 8 }),
            errorCode: int16(),
          }),
        }),
        errorCode: int16(),
      },
      { since: 8 },
    ),
  },
});

export const OffsetDelete = api({
  key: 47,
  versions: [0, 0],
  request: {
    groupId: string(),
    topics: array({ name: string(), partitions: array({ partitionIndex: int32() }) }),
  },
  response: {
    errorCode: int16(),
    throttleTimeMs: throttleTimeMs(),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
});
