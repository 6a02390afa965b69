// Metadata: the brokers of the cluster, and the partitions of topics with their leaders.
import { api, array, bool, int16, int32, string, throttleTimeMs, uuid } from "./schema.js";

/** Authorized operations, if the client did not ask for them. */
export const OPERATIONS_NOT_ASKED = -2147483648;

export const Metadata = api({
  key: 3,
  versions: [0, 13],
  flexibleSince: 9,
  request: {
    /** Null for all topics; in version 0 an empty array stands for all. */
    topics: array(
      { topicId: uuid({ since: 10 }), name: string({ nullable: 10 }) },
      { nullable: 1 },
    ),
    allowAutoTopicCreation: bool({ since: 4, absent: true }),
    includeClusterAuthorizedOperations: bool({ since: 8, until: 10 }),
    includeTopicAuthorizedOperations: bool({ since: 8 }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(3),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ since: 1, nullable: 1, absent: null }),
    }),
    clusterId: string({ since: 2, nullable: 2 }),
    controllerId: int32({ since: 1 }),
    topics: array({
      errorCode: int16(),
      name: string({ nullable: 12 }),
      topicId: uuid({ since: 10 }),
      isInternal: bool({ since: 1 }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ since: 7 }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32(), { since: 5 }),
      }),
      topicAuthorizedOperations: int32({ since: 8, absent: OPERATIONS_NOT_ASKED }),
    }),
    clusterAuthorizedOperations: int32({ since: 8, until: 10, absent: OPERATIONS_NOT_ASKED }),
    errorCode: int16({ since: 13, absent: 0 }),
  },
});
