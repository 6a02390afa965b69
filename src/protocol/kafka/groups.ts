// Groups: who coordinates them, what their members send, and what administrators ask.
import { OPERATIONS_NOT_ASKED } from "./metadata.js";
import { api, array, bool, bytes, int8, int16, int32, string, throttleTimeMs } from "./schema.js";

/** What a coordinator is looked for. */
export const COORDINATOR = { group: 0, transaction: 1 } as const;

export const FindCoordinator = api({
  key: 10,
  versions: [0, 6],
  flexibleSince: 3,
  request: {
    key: string({ until: 3 }),
    keyType: int8({ since: 1, absent: COORDINATOR.group }),
    coordinatorKeys: array(string(), { since: 4 }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(1),
    errorCode: int16({ until: 3, absent: 0 }),
    errorMessage: string({ since: 1, until: 3, nullable: 1, absent: null }),
    nodeId: int32({ until: 3, absent: 0 }),
    host: string({ until: 3, absent: "" }),
    port: int32({ until: 3, absent: 0 }),
    coordinators: array(
      {
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: 4 }),
      },
      { since: 4 },
    ),
  },
});

export const JoinGroup = api({
  key: 11,
  versions: [0, 9],
  flexibleSince: 6,
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    /** -1 in the version without it, where it is the session timeout. */
    rebalanceTimeoutMs: int32({ since: 1, absent: -1 }),
    memberId: string(),
    groupInstanceId: string({ since: 5, nullable: 5, absent: null }),
    protocolType: string(),
    protocols: array({ name: string(), metadata: bytes() }),
    reason: string({ since: 8, nullable: 8, absent: null }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(2),
    errorCode: int16(),
    generationId: int32({ absent: -1 }),
    protocolType: string({ since: 7, nullable: 7, absent: null }),
    protocolName: string({ nullable: 7 }),
    leader: string(),
    skipAssignment: bool({ since: 9 }),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string({ since: 5, nullable: 5, absent: null }),
      metadata: bytes(),
    }),
  },
});

export const Heartbeat = api({
  key: 12,
  versions: [0, 4],
  flexibleSince: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ since: 3, nullable: 3, absent: null }),
  },
  response: { throttleTimeMs: throttleTimeMs(1), errorCode: int16() },
});

export const LeaveGroup = api({
  key: 13,
  versions: [0, 5],
  flexibleSince: 4,
  request: {
    groupId: string(),
    memberId: string({ until: 2 }),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string({ nullable: 3, absent: null }),
        reason: string({ since: 5, nullable: 5, absent: null }),
      },
      { since: 3 },
    ),
  },
  response: {
    throttleTimeMs: throttleTimeMs(1),
    errorCode: int16(),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string({ nullable: 3, absent: null }),
        errorCode: int16(),
      },
      { since: 3 },
    ),
  },
});

export const SyncGroup = api({
  key: 14,
  versions: [0, 5],
  flexibleSince: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ since: 3, nullable: 3, absent: null }),
    protocolType: string({ since: 5, nullable: 5, absent: null }),
    protocolName: string({ since: 5, nullable: 5, absent: null }),
    assignments: array({ memberId: string(), assignment: bytes() }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(1),
    errorCode: int16(),
    protocolType: string({ since: 5, nullable: 5, absent: null }),
    protocolName: string({ since: 5, nullable: 5, absent: null }),
    assignment: bytes(),
  },
});

export const DescribeGroups = api({
  key: 15,
  versions: [0, 6],
  flexibleSince: 5,
  request: { groups: array(string()), includeAuthorizedOperations: bool({ since: 3 }) },
  response: {
    throttleTimeMs: throttleTimeMs(1),
    groups: array({
      errorCode: int16(),
      errorMessage: string({ since: 6, nullable: 6, absent: null }),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string({ since: 4, nullable: 4, absent: null }),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32({ since: 3, absent: OPERATIONS_NOT_ASKED }),
    }),
  },
});

export const ListGroups = api({
  key: 16,
  versions: [0, 5],
  flexibleSince: 3,
  request: {
    /** Empty for all. */
    statesFilter: array(string(), { since: 4 }),
    typesFilter: array(string(), { since: 5 }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(1),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string({ since: 4 }),
      groupType: string({ since: 5 }),
    }),
  },
});

export const DeleteGroups = api({
  key: 42,
  versions: [0, 3],
  flexibleSince: 2,
  request: { groupsNames: array(string()) },
  response: {
    throttleTimeMs: throttleTimeMs(),
    results: array({
      groupId: string(),
      errorCode: int16(),
      errorMessage: string({ since: 3, nullable: 3, absent: null }),
    }),
  },
});
