// Fetch: batches of many partitions, immediately or when there are enough.
import { POSITION_ITEMS_MAX } from "../../limits.js";
import { currentLeader, nodeEndpoints } from "./produce.js";
import {
  api,
  array,
  int16,
  int32,
  int64,
  int8,
  records,
  string,
  struct,
  throttleTimeMs,
  uuid,
} from "./schema.js";

export const Fetch = api({
  key: 1,
  versions: [4, 18],
  flexibleSince: 12,
  itemsMax: POSITION_ITEMS_MAX,
  request: {
    clusterId: string({ since: 12, nullable: 12, tag: 0, absent: null }),
    replicaId: int32({ until: 14, absent: -1 }),
    replicaState: struct({ replicaId: int32(), replicaEpoch: int64() }, { since: 15, tag: 1 }),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32(),
    isolationLevel: int8(),
    sessionId: int32({ since: 7 }),
    sessionEpoch: int32({ since: 7, absent: -1 }),
    topics: array({
      topic: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ since: 9, absent: -1 }),
        fetchOffset: int64(),
        lastFetchedEpoch: int32({ since: 12, absent: -1 }),
        logStartOffset: int64({ since: 5, absent: -1 }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid({ since: 17, tag: 0 }),
        highWatermark: int64({ since: 18, tag: 1, absent: 2 ** 63 }),
      }),
    }),
    forgottenTopicsData: array(
      {
        topic: string({ until: 12 }),
        topicId: uuid({ since: 13 }),
        partitions: array(int32()),
      },
      { since: 7 },
    ),
    rackId: string({ since: 11 }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    errorCode: int16({ since: 7 }),
    sessionId: int32({ since: 7 }),
    responses: array({
      topic: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64(),
        logStartOffset: int64({ since: 5 }),
        divergingEpoch: struct({ epoch: int32(), endOffset: int64() }, { since: 12, tag: 0 }),
        currentLeader: currentLeader(12, 1),
        snapshotId: struct({ endOffset: int64(), epoch: int32() }, { since: 12, tag: 2 }),
        /** Null for a client that reads uncommitted records. */
        abortedTransactions: array({ producerId: int64(), firstOffset: int64() }, { nullable: 4 }),
        preferredReadReplica: int32({ since: 11, absent: -1 }),
        records: records({ nullable: 0 }),
      }),
    }),
    nodeEndpoints: nodeEndpoints(16),
  },
});
