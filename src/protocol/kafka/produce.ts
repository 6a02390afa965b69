// Produce: appends batches to many partitions.
import { POSITION_ITEMS_MAX } from "../../limits.js";
import {
  api,
  array,
  records,
  int16,
  int32,
  int64,
  string,
  struct,
  throttleTimeMs,
  uuid,
} from "./schema.js";

/** The leader of a partition, for clients that asked another broker. */
export function currentLeader(since: number, tag: number) {
  return struct({ leaderId: int32(), leaderEpoch: int32() }, { since, tag });
}

/** Addresses of the brokers that are named as leaders. */
export function nodeEndpoints(since: number) {
  return array(
    { nodeId: int32(), host: string(), port: int32(), rack: string({ nullable: 0 }) },
    { since, tag: 0 },
  );
}

/** In Produce and Fetch, topics are named by their ids from this version on, and not by their names. */
export const TOPIC_IDS_SINCE = 13;

export const Produce = api({
  key: 0,
  versions: [3, 13],
  flexibleSince: 9,
  itemsMax: POSITION_ITEMS_MAX,
  request: {
    transactionalId: string({ nullable: 3 }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitionData: array({ index: int32(), records: records({ nullable: 0 }) }),
    }),
  },
  response: {
    responses: array({
      name: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64({ absent: -1 }),
        logStartOffset: int64({ since: 5, absent: -1 }),
        recordErrors: array(
          { batchIndex: int32(), batchIndexErrorMessage: string({ nullable: 8 }) },
          { since: 8 },
        ),
        errorMessage: string({ since: 8, nullable: 8, absent: null }),
        currentLeader: currentLeader(10, 0),
      }),
    }),
    throttleTimeMs: throttleTimeMs(),
    nodeEndpoints: nodeEndpoints(10),
  },
});
