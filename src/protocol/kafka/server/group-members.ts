// FindCoordinator, JoinGroup, SyncGroup, Heartbeat and LeaveGroup: what the members of groups send.
// Leaves to others: the groups (groups/coordinator.ts), and waiting (group-answers.ts).
import type { ServiceContext } from "../../../services/context.js";
import * as services from "../../../services/group-membership.js";
import { ERRORS } from "../../../errors.js";
import { isPermitted } from "../../../services/permissions.js";
import { REFUSALS } from "../../../security/permission.js";
import { CODE } from "../error-codes.js";
import {
  COORDINATOR,
  type FindCoordinator,
  type Heartbeat,
  JoinGroup,
  type LeaveGroup,
  SyncGroup,
} from "../groups.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { Call } from "./call.js";
import { NODE_ID } from "./cluster-of-one.js";
import { codeOf, groupCode, respondLater } from "./group-answers.js";

/** First version of JoinGroup in which a new member is told its id before it joins. */
const JOIN_NEEDS_MEMBER_ID = 4;

/** First version of JoinGroup in which an error has no protocol, rather than an empty one. */
const JOIN_HAS_NULL_PROTOCOL = 7;

/** First version of JoinGroup with skipAssignment. */
const JOIN_SKIPS_ASSIGNMENT = 9;

/** First version of SyncGroup that has to name the protocol of the group. */
const SYNC_NAMES_PROTOCOL = 5;

/** First version of FindCoordinator that asks for several. */
const FIND_SEVERAL = 4;

/** First version of LeaveGroup with several members. */
const LEAVE_SEVERAL = 3;

/** Members that leave in a turn of the event loop, with one rebalance for all of them. */
const LEAVING_AT_ONCE = 1_000;

export function findCoordinator(
  context: ServiceContext,
  { key, keyType, coordinatorKeys }: RequestOf<typeof FindCoordinator>,
  { version, connection }: Call,
): ResponseOf<typeof FindCoordinator> {
  // A client with a transactional id learns from InitProducerId that there are no transactions.
  const isKnown = keyType === COORDINATOR.group || keyType === COORDINATOR.transaction;
  const found = { errorCode: CODE.NONE, nodeId: NODE_ID, ...connection.advertised };
  const find = (name: string, nothingWrong: string) => {
    const refusal = isKnown ? refusalToFind(context, keyType, name) : undefined;
    if (refusal !== undefined) return { ...NOWHERE, ...refusal };
    if (isKnown) return { ...found, errorMessage: nothingWrong };
    const errorMessage = unknownType(name, keyType);
    return { ...NOWHERE, errorCode: CODE.INVALID_REQUEST, errorMessage };
  };
  if (version < FIND_SEVERAL) return { ...find(key, "NONE"), coordinators: [] };
  return { coordinators: coordinatorKeys.map((each) => ({ key: each, ...find(each, "") })) };
}

const NOWHERE = { nodeId: -1, host: "", port: -1 };

/** Why a client may not look for this coordinator. */
function refusalToFind(
  context: ServiceContext,
  keyType: number,
  name: string,
): { readonly errorCode: number; readonly errorMessage: string } | undefined {
  const type = keyType === COORDINATOR.group ? "GROUP" : "TRANSACTIONAL_ID";
  if (isPermitted(context, "DESCRIBE", type, name)) return undefined;
  const code = REFUSALS[type];
  return { errorCode: ERRORS[code].wire, errorMessage: `${code}: ${name.slice(0, 100)}` };
}

function unknownType(key: string, type: number): string {
  return `no coordinator of type ${type} exists for ${key.slice(0, 100)}`;
}

export function joinGroup(context: ServiceContext, call: Call): void {
  const request = call.read(JoinGroup);
  const { groupId, groupInstanceId: instanceId, memberId, protocolType } = request;
  const { sessionTimeoutMs, rebalanceTimeoutMs, protocols } = request;
  const { connection, version } = call;
  const failure = joinFailure.bind(undefined, version);
  respondLater(call, JoinGroup, failure(CODE.NOT_COORDINATOR, memberId), (respond) =>
    services.joinGroup(
      context,
      groupId,
      {
        ...{ memberId, instanceId, sessionTimeoutMs, rebalanceTimeoutMs, protocolType, protocols },
        clientId: connection.client.id ?? "",
        clientHost: `/${connection.client.address}`,
        needsMemberId: version >= JOIN_NEEDS_MEMBER_ID,
        maySkipAssignment: version >= JOIN_SKIPS_ASSIGNMENT,
      },
      (outcome) => {
        if ("error" in outcome) respond(failure(groupCode(outcome.error), outcome.memberId));
        else respond(joined(outcome));
      },
    ),
  );
}

function joined({
  generation,
  protocol,
  members,
  ...rest
}: services.JoinResult): ResponseOf<typeof JoinGroup> {
  return {
    ...{ errorCode: CODE.NONE, generationId: generation, protocolName: protocol, ...rest },
    members: members.map(({ instanceId, ...member }) => ({
      ...member,
      groupInstanceId: instanceId,
    })),
  };
}

function joinFailure(
  version: number,
  errorCode: number,
  memberId: string,
): ResponseOf<typeof JoinGroup> {
  const protocolName = version >= JOIN_HAS_NULL_PROTOCOL ? null : "";
  return {
    ...{ errorCode, memberId, protocolName, leader: "", skipAssignment: false, members: [] },
  };
}

export function syncGroup(context: ServiceContext, call: Call): void {
  const request = call.read(SyncGroup);
  const { groupId, memberId, groupInstanceId: instanceId, generationId: generation } = request;
  const { protocolType, protocolName: protocol, assignments } = request;
  if (call.version >= SYNC_NAMES_PROTOCOL && (protocolType === null || protocol === null)) {
    call.respond(SyncGroup, syncFailure(CODE.INCONSISTENT_GROUP_PROTOCOL));
    return;
  }
  respondLater(call, SyncGroup, syncFailure(CODE.NOT_COORDINATOR), (respond) =>
    services.syncGroup(
      context,
      groupId,
      { memberId, instanceId, generation, protocolType, protocol, assignments },
      (outcome) => {
        if ("code" in outcome) respond(syncFailure(groupCode(outcome)));
        else respond({ ...outcome, errorCode: CODE.NONE, protocolName: outcome.protocol });
      },
    ),
  );
}

function syncFailure(errorCode: number): ResponseOf<typeof SyncGroup> {
  return { errorCode, assignment: new Uint8Array(0) };
}

export function heartbeat(
  context: ServiceContext,
  request: RequestOf<typeof Heartbeat>,
  { connection }: Call,
): ResponseOf<typeof Heartbeat> {
  const { groupId, memberId, groupInstanceId: instanceId, generationId: generation } = request;
  const member = { memberId, instanceId, generation };
  const errorCode = codeOf(() => services.heartbeat(context, groupId, member));
  if (errorCode === CODE.NONE) connection.client.group = groupId;
  return { errorCode };
}

export async function leaveGroup(
  context: ServiceContext,
  { groupId, memberId, members }: RequestOf<typeof LeaveGroup>,
  { version, connection }: Call,
): Promise<ResponseOf<typeof LeaveGroup>> {
  const leaving =
    version >= LEAVE_SEVERAL
      ? members.map((each) => ({ memberId: each.memberId, instanceId: each.groupInstanceId }))
      : [{ memberId, instanceId: null }];
  connection.client.group = undefined;
  const codes: number[] = [];
  for (let at = 0; at === 0 || at < leaving.length; at += LEAVING_AT_ONCE) {
    if (at > 0) await connection.turns.nextPortion();
    const errorCode = codeOf(() => {
      const portion = leaving.slice(at, at + LEAVING_AT_ONCE);
      for (const error of services.leaveGroup(context, groupId, portion)) {
        codes.push(error === undefined ? CODE.NONE : groupCode(error));
      }
    });
    if (errorCode !== CODE.NONE) return { errorCode, members: [] };
  }
  if (version < LEAVE_SEVERAL) return { errorCode: codes[0] ?? CODE.NONE, members: [] };
  const rows = leaving.map(({ instanceId, ...each }, i) => ({
    ...each,
    groupInstanceId: instanceId,
    errorCode: codes[i] ?? CODE.NONE,
  }));
  return { errorCode: CODE.NONE, members: rows };
}
