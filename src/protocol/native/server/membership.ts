// GroupHeartbeat: answered at once if there is news for the member, and otherwise when there is, or its time is up.
// Leaves to others: the groups (services/balanced-heartbeat.ts).
import type { Wait } from "../../../net/inflight.js";
import { ZERO_UUID } from "../../../record/bytes.js";
import {
  type BalancedRequest,
  type BalancedResponse,
  balancedHeartbeat,
  isNews,
  onNews,
} from "../../../services/balanced-heartbeat.js";
import type { ServiceContext } from "../../../services/context.js";
import { GroupHeartbeat, type GroupHeartbeatRequest } from "../membership.js";
import type { Exchange } from "./exchange.js";

/** Answers a GroupHeartbeat request. */
export async function groupHeartbeat(
  context: ServiceContext,
  exchange: Exchange,
  { group, maxWaitMs, ...fields }: GroupHeartbeatRequest,
): Promise<void> {
  const { connection } = exchange;
  const request = requestOf(fields, `/${connection.client.address}`);
  const response = await balancedHeartbeat(context, group, request);
  connection.client.group = request.memberEpoch < 0 ? undefined : group;
  const mayWait = maxWaitMs > 0 && connection.mayWait && !isNews(request, response);
  if (!mayWait) return answer(exchange, response);
  // Not longer, so that the member's session does not end in the meantime.
  const waitMs = Math.min(maxWaitMs, response.heartbeatIntervalMs);
  await nextNews(context, exchange, { group, memberId: request.memberId, waitMs });
  // The connection is closed: the member's session ends, or it asks again on another one.
  if (connection.isGone) return exchange.answerNothing();
  answer(exchange, await balancedHeartbeat(context, group, request));
}

function requestOf(
  { instanceId, topics, owned, ...rest }: Omit<GroupHeartbeatRequest, "group" | "maxWaitMs">,
  clientHost: string,
): BalancedRequest {
  return {
    ...rest,
    instanceId: instanceId === "" ? null : instanceId,
    rackId: null,
    topicNames: topics.map(({ topic }) => topic),
    assignor: null,
    owned: owned.map(({ topicId = ZERO_UUID, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partition }) => partition),
    })),
    clientHost,
  };
}

/** Resolves when there is news for a member, its time is up, or its connection ends. */
function nextNews(
  context: ServiceContext,
  { connection }: Exchange,
  member: { readonly group: string; readonly memberId: string; readonly waitMs: number },
): Promise<void> {
  const { group, memberId, waitMs } = member;
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      connection.inflight.removeWait(wait);
      onNews(context, group, memberId, undefined);
      resolve();
    };
    const timer = setTimeout(end, waitMs);
    const wait: Wait = { finish: end, cancel: end };
    connection.inflight.addWait(wait);
    onNews(context, group, memberId, () => connection.turns.whenTime(end));
  });
}

function answer(exchange: Exchange, { assignment, ...response }: BalancedResponse): void {
  const rows = assignment.map(({ topic, topicId, partitions }) => ({
    ...{ topic, topicId },
    partitions: partitions.map((partition) => ({ partition })),
  }));
  exchange.answer(
    GroupHeartbeat.encodeResponse(exchange.correlationId, { ...response, assignment: rows }),
  );
}
