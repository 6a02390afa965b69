// What the members of groups ask: join, get an assignment, stay, leave.
// Leaves to others: the groups (groups/coordinator.ts), and administration (groups.ts).
import type { RustLogError } from "../errors.js";
import type {
  JoinAnswer,
  JoinRequest,
  JoinResult,
  MemberInGeneration,
  SyncRequest,
  SyncResult,
} from "../groups/classic-group.js";
import type { HeartbeatRequest, HeartbeatResponse } from "../groups/consumer-group.js";
import type { Abandon, Answer } from "../groups/group.js";
import type { ServiceContext } from "./context.js";

export type { HeartbeatRequest, HeartbeatResponse, JoinResult };

/** Joins a classic group. Returns how to end the wait if there is no answer yet. */
export function joinGroup(
  { groups }: ServiceContext,
  group: string,
  request: JoinRequest,
  answer: JoinAnswer,
): Abandon | undefined {
  return groups.join(group, request, answer);
}

/** Asks for a member's assignment, and brings all of them from the leader. Returns likewise. */
export function syncGroup(
  { groups }: ServiceContext,
  group: string,
  request: SyncRequest,
  answer: Answer<SyncResult>,
): Abandon | undefined {
  return groups.sync(group, request, answer);
}

/** Renews a member's session. Throws what the member has to know. */
export function heartbeat(
  { groups }: ServiceContext,
  group: string,
  member: MemberInGeneration,
): void {
  groups.heartbeat(group, member);
}

/**
 * The heartbeat of a member of a consumer group, with which it also joins, leaves, and says what it reads. The response says
 * what it may read. Throws or rejects with what the member has to know.
 */
export function consumerHeartbeat(
  { groups }: ServiceContext,
  group: string,
  request: HeartbeatRequest,
): HeartbeatResponse | Promise<HeartbeatResponse> {
  return groups.consumerHeartbeat(group, request);
}

/** Removes members. Returns the error of each, in order. Throws INVALID_GROUP. */
export function leaveGroup(
  { groups }: ServiceContext,
  group: string,
  members: readonly { readonly memberId: string; readonly instanceId: string | null }[],
): readonly (RustLogError | undefined)[] {
  return groups.leave(group, members);
}
