// The heartbeat of a member that leaves the assignment to the broker, in the form of the native protocol: the member says
// everything each time, and the response has its whole assignment. It may wait until that changes.
// Leaves to others: who reads what (groups/consumer/consumer-group.ts).
import { RustLogError } from "../errors.js";
import type { TopicPartitions } from "../groups/consumer/assignment.js";
import type { HeartbeatRequest, HeartbeatResponse } from "../groups/consumer/consumer-requests.js";
import { SESSION_TIMEOUT_MS_MAX, SESSION_TIMEOUT_MS_MIN } from "../limits.js";
import type { ServiceContext } from "./context.js";
import { consumerHeartbeat } from "./group-membership.js";

/** Heartbeats that fit a session timeout, so that one or two may be lost. */
const HEARTBEATS_PER_SESSION = 3;

export interface BalancedRequest extends HeartbeatRequest {
  readonly topicNames: readonly string[];
  readonly pattern: string;
  readonly owned: readonly TopicPartitions[];
  readonly sessionTimeoutMs: number;
}

export interface BalancedResponse extends Omit<HeartbeatResponse, "assignment"> {
  readonly assignment: readonly (TopicPartitions & { readonly topic: string })[];
}

/**
 * Takes a heartbeat. Rejects as `consumerHeartbeat` does, and with INVALID_SESSION_TIMEOUT. Partitions of topics that were
 * deleted in the meantime are left out.
 */
export async function balancedHeartbeat(
  context: ServiceContext,
  group: string,
  request: BalancedRequest,
): Promise<BalancedResponse> {
  const { registry } = context;
  const { sessionTimeoutMs, memberEpoch } = request;
  if (memberEpoch >= 0) checkSessionTimeout(sessionTimeoutMs);
  const { assignment = [], ...response } = await consumerHeartbeat(context, group, request);
  const named = assignment.flatMap((each) => {
    const topic = registry.byId(each.topicId)?.name;
    return topic === undefined ? [] : [{ ...each, topic }];
  });
  const intervalMsMax = Math.floor(sessionTimeoutMs / HEARTBEATS_PER_SESSION);
  const heartbeatIntervalMs = Math.min(response.heartbeatIntervalMs, intervalMsMax);
  return { ...response, heartbeatIntervalMs, assignment: named };
}

/** Whether a response says something that the member's own request did not. One that has left hears nothing more. */
export function isNews(request: BalancedRequest, response: BalancedResponse): boolean {
  if (request.memberEpoch < 0 || request.memberEpoch !== response.memberEpoch) return true;
  return namesOf(request.owned) !== namesOf(response.assignment);
}

/** Calls `wake` once a member's heartbeat would say something new; undefined cancels an earlier call. */
export function onNews(
  { groups }: ServiceContext,
  group: string,
  memberId: string,
  wake: (() => void) | undefined,
): void {
  groups.onNews(group, memberId, wake);
}

function namesOf(partitions: readonly TopicPartitions[]): string {
  return partitions
    .filter((each) => each.partitions.length > 0)
    .map((each) => `${each.topicId} ${[...each.partitions].sort((a, b) => a - b).join()}`)
    .sort()
    .join("\n");
}

function checkSessionTimeout(ms: number): void {
  if (ms >= SESSION_TIMEOUT_MS_MIN && ms <= SESSION_TIMEOUT_MS_MAX) return;
  throw new RustLogError(
    "INVALID_SESSION_TIMEOUT",
    `a session timeout of ${ms} ms; expected ${SESSION_TIMEOUT_MS_MIN} to ${SESSION_TIMEOUT_MS_MAX}`,
  );
}
