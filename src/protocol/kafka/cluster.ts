// DescribeCluster, DescribeLogDirs, and what moves leaders and replicas between brokers.
import { OPERATIONS_NOT_ASKED } from "./metadata.js";
import { api, array, bool, int8, int16, int32, int64, string, throttleTimeMs } from "./schema.js";

/** Who answers a DescribeCluster. */
export const ENDPOINT = { broker: 1, controller: 2 } as const;

export const DescribeCluster = api({
  key: 60,
  versions: [0, 2],
  flexibleSince: 0,
  request: {
    includeClusterAuthorizedOperations: bool(),
    endpointType: int8({ since: 1, absent: ENDPOINT.broker }),
    includeFencedBrokers: bool({ since: 2 }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    errorCode: int16(),
    errorMessage: string({ nullable: 0 }),
    endpointType: int8({ since: 1 }),
    clusterId: string(),
    controllerId: int32(),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: 0 }),
      isFenced: bool({ since: 2 }),
    }),
    clusterAuthorizedOperations: int32({ absent: OPERATIONS_NOT_ASKED }),
  },
});

export const DescribeLogDirs = api({
  key: 35,
  versions: [1, 5],
  flexibleSince: 2,
  request: {
    /** Null for all. */
    topics: array({ topic: string(), partitions: array(int32()) }, { nullable: 0 }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    errorCode: int16({ since: 3 }),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          isFutureKey: bool(),
        }),
      }),
      totalBytes: int64({ since: 4 }),
      usableBytes: int64({ since: 4 }),
      isCordoned: bool({ since: 5 }),
    }),
  },
});

/** Whether only the first replica may be elected, or in an emergency any. */
export const ELECTION = { preferred: 0, unclean: 1 } as const;

export const ElectLeaders = api({
  key: 43,
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    electionType: int8({ since: 1 }),
    /** Null for all. */
    topicPartitions: array({ topic: string(), partitions: array(int32()) }, { nullable: 0 }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    errorCode: int16({ since: 1 }),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({
        partitionId: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: 0 }),
      }),
    }),
  },
});

export const AlterPartitionReassignments = api({
  key: 45,
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    timeoutMs: int32(),
    allowReplicationFactorChange: bool({ since: 1, absent: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        /** Null to cancel a reassignment. */
        replicas: array(int32(), { nullable: 0 }),
      }),
    }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    allowReplicationFactorChange: bool({ since: 1, absent: true }),
    errorCode: int16(),
    errorMessage: string({ nullable: 0 }),
    responses: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: 0 }),
      }),
    }),
  },
});

export const ListPartitionReassignments = api({
  key: 46,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    timeoutMs: int32(),
    /** Null for all. */
    topics: array({ name: string(), partitionIndexes: array(int32()) }, { nullable: 0 }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    errorCode: int16(),
    errorMessage: string({ nullable: 0 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: array(int32()),
        addingReplicas: array(int32()),
        removingReplicas: array(int32()),
      }),
    }),
  },
});
