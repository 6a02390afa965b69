// ListGroups, DescribeGroups and DeleteGroups.
// Leaves to others: the groups (services/groups.ts).
import { RustLogError } from "../../../errors.js";
import type { ServiceContext } from "../../../services/context.js";
import * as services from "../../../services/groups.js";
import { CODE } from "../error-codes.js";
import type { DeleteGroups, DescribeGroups, ListGroups } from "../groups.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { Call } from "./call.js";
import { authorizedOperations } from "./authorized-operations.js";
import { codeOf, groupCode } from "./group-answers.js";
import { Portions } from "./portions.js";

/** Memory of a listed group, approximately. */
const GROUP_BYTES = 200;

/** Memory of a member, without its metadata and assignment. */
const MEMBER_BYTES = 500;

/** First version of DescribeGroups with an error for a group that does not exist. */
const DESCRIBE_FAILS = 6;

type Listed = ResponseOf<typeof ListGroups>["groups"][number];
type Described = ResponseOf<typeof DescribeGroups>["groups"][number];

export async function listGroups(
  context: ServiceContext,
  { statesFilter, typesFilter }: RequestOf<typeof ListGroups>,
  call: Call,
): Promise<ResponseOf<typeof ListGroups>> {
  const errorCode = codeOf(() => context.offsets.checkOnline());
  if (errorCode !== CODE.NONE) return { errorCode, groups: [] };
  const states = new Set(statesFilter.map((state) => state.toLowerCase()));
  const types = new Set(typesFilter.map((type) => type.toLowerCase()));
  const groups: Listed[] = [];
  const portions = new Portions(call.connection.turns);
  for (const { group, protocolType, state, type } of services.groupOverviews(context)) {
    await portions.next();
    if (states.size > 0 && !states.has(state.toLowerCase())) continue;
    if (types.size > 0 && !types.has(type)) continue;
    groups.push({ groupId: group, protocolType, groupState: state, groupType: type });
    call.charge(GROUP_BYTES);
  }
  return { errorCode, groups };
}

/** Memory of the members in a response, approximately. */
function membersBytes({ members }: Described): number {
  return members.reduce(
    (sum, { memberMetadata, memberAssignment }) =>
      sum + MEMBER_BYTES + memberMetadata.length + memberAssignment.length,
    0,
  );
}

export async function describeGroups(
  context: ServiceContext,
  { groups, includeAuthorizedOperations }: RequestOf<typeof DescribeGroups>,
  call: Call,
): Promise<ResponseOf<typeof DescribeGroups>> {
  const rows: Described[] = [];
  const portions = new Portions(call.connection.turns);
  for (const name of groups) {
    const row = rowOf(context, name, call.version);
    call.charge(GROUP_BYTES + membersBytes(row));
    const isTold = includeAuthorizedOperations && row.errorCode === CODE.NONE;
    rows.push(
      isTold ? { ...row, authorizedOperations: authorizedOperations(context, "GROUP", name) } : row,
    );
    await portions.next(1 + row.members.length);
  }
  return { groups: rows };
}

function rowOf(context: ServiceContext, groupId: string, version: number): Described {
  let group: ReturnType<typeof services.describeClassicGroup> | undefined;
  const none = { protocolType: "", protocolData: "", members: [] };
  try {
    group = services.describeClassicGroup(context, groupId);
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    const isMissing = error.code === "GROUP_NOT_FOUND";
    const errorCode = isMissing && version < DESCRIBE_FAILS ? CODE.NONE : groupCode(error);
    const errorMessage = isMissing && version < DESCRIBE_FAILS ? null : error.message;
    return { errorCode, errorMessage, groupId, groupState: isMissing ? "Dead" : "", ...none };
  }
  return {
    ...{ errorCode: CODE.NONE, errorMessage: null, groupId, groupState: group.state },
    ...{ protocolType: group.protocolType, protocolData: group.protocol },
    members: group.members.map(({ instanceId, metadata, assignment, ...member }) => ({
      ...member,
      groupInstanceId: instanceId,
      memberMetadata: metadata,
      memberAssignment: assignment,
    })),
  };
}

export async function deleteGroups(
  context: ServiceContext,
  { groupsNames }: RequestOf<typeof DeleteGroups>,
): Promise<ResponseOf<typeof DeleteGroups>> {
  const results: ResponseOf<typeof DeleteGroups>["results"][number][] = [];
  for (const groupId of new Set(groupsNames)) {
    try {
      await services.removeGroup(context, groupId);
      results.push({ groupId, errorCode: CODE.NONE, errorMessage: null });
    } catch (error) {
      if (!(error instanceof RustLogError)) throw error;
      results.push({ groupId, errorCode: groupCode(error), errorMessage: error.message });
    }
  }
  return { results };
}
