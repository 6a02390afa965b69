// ConsumerGroupHeartbeat and ConsumerGroupDescribe: groups whose assignment the broker makes (KIP-848).
import { OPERATIONS_NOT_ASKED } from "./metadata.js";
import {
  api,
  array,
  bool,
  int16,
  int32,
  int8,
  string,
  struct,
  throttleTimeMs,
  uuid,
} from "./schema.js";

/** What a client sends for a time that has not changed. */
const UNCHANGED = -1;

/** The first version in which a client makes up its own member id. */
export const CLIENT_NAMES_MEMBER = 1;

export const ConsumerGroupHeartbeat = api({
  key: 68,
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    instanceId: string({ nullable: 0, absent: null }),
    rackId: string({ nullable: 0, absent: null }),
    rebalanceTimeoutMs: int32({ absent: UNCHANGED }),
    /** Null for what has not changed; so are the next ones. */
    subscribedTopicNames: array(string(), { nullable: 0, absent: null }),
    subscribedTopicRegex: string({ since: 1, nullable: 1, absent: null }),
    serverAssignor: string({ nullable: 0, absent: null }),
    topicPartitions: array(
      { topicId: uuid(), partitions: array(int32()) },
      { nullable: 0, absent: null },
    ),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    errorCode: int16(),
    errorMessage: string({ nullable: 0, absent: null }),
    memberId: string({ nullable: 0, absent: null }),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    /** Null if it has not changed. */
    assignment: struct(
      { topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }) },
      { nullable: 0, absent: null },
    ),
  },
});

/** The protocol of a described member. */
export const MEMBER_TYPE = { unknown: -1, classic: 0, consumer: 1 } as const;

const namedPartitions = struct({
  topicPartitions: array({ topicId: uuid(), topicName: string(), partitions: array(int32()) }),
});

export const ConsumerGroupDescribe = api({
  key: 69,
  versions: [0, 1],
  flexibleSince: 0,
  request: { groupIds: array(string()), includeAuthorizedOperations: bool() },
  response: {
    throttleTimeMs: throttleTimeMs(),
    groups: array({
      errorCode: int16(),
      errorMessage: string({ nullable: 0, absent: null }),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: string({ nullable: 0, absent: null }),
        rackId: string({ nullable: 0, absent: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        subscribedTopicRegex: string({ nullable: 0, absent: null }),
        assignment: namedPartitions,
        targetAssignment: namedPartitions,
        memberType: int8({ since: 1, absent: MEMBER_TYPE.unknown }),
      }),
      authorizedOperations: int32({ absent: OPERATIONS_NOT_ASKED }),
    }),
  },
});
