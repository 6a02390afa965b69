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
} from "../groups/classic/classic-requests.js";
import type { HeartbeatRequest, HeartbeatResponse } from "../groups/consumer/consumer-requests.js";
import type { TopicView } from "../groups/consumer/consumer-member.js";
import type { Abandon, Answer } from "../groups/group.js";
import type { ServiceContext } from "./context.js";
import { failureOf } from "./outcome.js";
import { requireOnGroup, requireOnTopic } from "./permissions.js";

export type { HeartbeatRequest, HeartbeatResponse, JoinResult };

/** Joins a classic group. Returns how to end the wait if there is no answer yet. */
export function joinGroup(
  context: ServiceContext,
  group: string,
  request: JoinRequest,
  answer: JoinAnswer,
): Abandon | undefined {
  const refusal = refusalOf(context, group);
  if (refusal === undefined) return context.groups.join(group, request, answer);
  answer({ error: refusal, memberId: request.memberId });
  return undefined;
}

/** Asks for a member's assignment, and brings all of them from the leader. Returns likewise. */
export function syncGroup(
  context: ServiceContext,
  group: string,
  request: SyncRequest,
  answer: Answer<SyncResult>,
): Abandon | undefined {
  const refusal = refusalOf(context, group);
  if (refusal === undefined) return context.groups.sync(group, request, answer);
  answer(refusal);
  return undefined;
}

/** Renews a member's session. Throws what the member has to know. */
export function heartbeat(
  context: ServiceContext,
  group: string,
  member: MemberInGeneration,
): void {
  requireOnGroup(context, "READ", group);
  context.groups.heartbeat(group, member);
}

/**
 * The heartbeat of a member of a consumer group, with which it also joins, leaves, and says what it reads. The response says
 * what it may read. Throws or rejects with what the member has to know.
 */
export function consumerHeartbeat(
  context: ServiceContext,
  group: string,
  request: HeartbeatRequest,
): HeartbeatResponse | Promise<HeartbeatResponse> {
  requireOnGroup(context, "READ", group);
  for (const topic of request.topicNames ?? []) requireOnTopic(context, "DESCRIBE", topic);
  return context.groups.consumerHeartbeat(group, { ...request, view: viewOf(context) });
}

/** What a regular expression of the caller may match: the topics that it may describe. */
function viewOf({ caller, security }: ServiceContext): TopicView | undefined {
  if (caller.login === undefined) return undefined;
  return {
    key: `${caller.principal} ${caller.host}`,
    get version() {
      return security.authorizer.version;
    },
    sees: (topic) => caller.may("DESCRIBE", "TOPIC", topic),
  };
}

/** Removes members. Returns the error of each, in order. Throws INVALID_GROUP. */
export function leaveGroup(
  context: ServiceContext,
  group: string,
  members: readonly { readonly memberId: string; readonly instanceId: string | null }[],
): readonly (RustLogError | undefined)[] {
  requireOnGroup(context, "READ", group);
  return context.groups.leave(group, members);
}

function refusalOf(context: ServiceContext, group: string): RustLogError | undefined {
  try {
    requireOnGroup(context, "READ", group);
    return undefined;
  } catch (error) {
    return failureOf(error);
  }
}
