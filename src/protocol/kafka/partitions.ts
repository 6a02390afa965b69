// DescribeTopicPartitions and DescribeProducers.
import { OPERATIONS_NOT_ASKED } from "./metadata.js";
import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  string,
  struct,
  throttleTimeMs,
  uuid,
} from "./schema.js";

/** A partition to continue with. */
const CURSOR = { topicName: string(), partitionIndex: int32() };

export const DescribeTopicPartitions = api({
  key: 75,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    /** None for all. */
    topics: array({ name: string() }),
    responsePartitionLimit: int32(),
    cursor: struct(CURSOR, { nullable: 0 }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    topics: array({
      errorCode: int16(),
      name: string({ nullable: 0 }),
      topicId: uuid(),
      isInternal: bool(),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32(),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        eligibleLeaderReplicas: array(int32(), { nullable: 0 }),
        lastKnownElr: array(int32(), { nullable: 0 }),
        offlineReplicas: array(int32()),
      }),
      topicAuthorizedOperations: int32({ absent: OPERATIONS_NOT_ASKED }),
    }),
    /** Where the next request should begin; null at the end. */
    nextCursor: struct(CURSOR, { nullable: 0 }),
  },
});

export const DescribeProducers = api({
  key: 61,
  versions: [0, 0],
  flexibleSince: 0,
  request: { topics: array({ name: string(), partitionIndexes: array(int32()) }) },
  response: {
    throttleTimeMs: throttleTimeMs(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: 0 }),
        activeProducers: array({
          producerId: int64(),
          producerEpoch: int32(),
          lastSequence: int32(),
          lastTimestamp: int64(),
          coordinatorEpoch: int32(),
          currentTxnStartOffset: int64(),
        }),
      }),
    }),
  },
});
