// ConsumerGroupHeartbeat and ConsumerGroupDescribe.
// Leaves to others: the groups (services/group-membership.ts, services/groups.ts).
import { randomUUID } from "node:crypto";
import { RustLogError } from "../../../errors.js";
import type { ServiceContext } from "../../../services/context.js";
import { consumerHeartbeat, type HeartbeatResponse } from "../../../services/group-membership.js";
import { describeConsumerGroup } from "../../../services/groups.js";
import {
  CLIENT_NAMES_MEMBER,
  type ConsumerGroupDescribe,
  type ConsumerGroupHeartbeat,
  MEMBER_TYPE,
} from "../consumer-groups.js";
import { CODE } from "../error-codes.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { Call } from "./call.js";
import { authorizedOperations } from "./authorized-operations.js";
import { groupCode } from "./group-answers.js";
import { Portions } from "./portions.js";

type Request = RequestOf<typeof ConsumerGroupHeartbeat>;
type Response = ResponseOf<typeof ConsumerGroupHeartbeat>;
type Described = ResponseOf<typeof ConsumerGroupDescribe>["groups"][number];

/** Memory of the parts of a described group, approximately. */
const GROUP_BYTES = 200;
const MEMBER_BYTES = 500;
const TOPIC_BYTES = 100;
const PARTITION_BYTES = 8;

export function consumerGroupHeartbeat(
  context: ServiceContext,
  request: Request,
  { connection, version }: Call,
): Response | Promise<Response> {
  const { groupId, memberEpoch, instanceId, rackId, rebalanceTimeoutMs } = request;
  const isNamed = request.memberId !== "" || version >= CLIENT_NAMES_MEMBER || memberEpoch !== 0;
  if (groupId === "") {
    return refused(new RustLogError("INVALID_REQUEST", "the name of the group is empty"));
  }
  try {
    const response = consumerHeartbeat(context, groupId, {
      memberId: isNamed ? request.memberId : randomUUID(),
      ...{ memberEpoch, instanceId, rackId, rebalanceTimeoutMs },
      topicNames: request.subscribedTopicNames,
      pattern: request.subscribedTopicRegex,
      assignor: request.serverAssignor,
      owned: request.topicPartitions,
      clientId: connection.client.id ?? "",
      clientHost: `/${connection.client.address}`,
    });
    const accepted = (now: HeartbeatResponse): Response => {
      connection.client.group = memberEpoch < 0 ? undefined : groupId;
      return told(now);
    };
    return response instanceof Promise ? response.then(accepted, refused) : accepted(response);
  } catch (error) {
    return refused(error);
  }
}

function told({ assignment, ...rest }: HeartbeatResponse): Response {
  const topicPartitions = assignment === undefined ? undefined : { topicPartitions: assignment };
  return { errorCode: CODE.NONE, ...rest, assignment: topicPartitions ?? null };
}

function refused(error: unknown): Response {
  if (!(error instanceof RustLogError)) throw error;
  const { message: errorMessage } = error;
  return { errorCode: groupCode(error), errorMessage, memberEpoch: 0, heartbeatIntervalMs: 0 };
}

export async function consumerGroupDescribe(
  context: ServiceContext,
  { groupIds, includeAuthorizedOperations }: RequestOf<typeof ConsumerGroupDescribe>,
  call: Call,
): Promise<ResponseOf<typeof ConsumerGroupDescribe>> {
  const groups: Described[] = [];
  const portions = new Portions(call.connection.turns);
  for (const groupId of groupIds) {
    const row = rowOf(context, groupId);
    call.charge(GROUP_BYTES + membersBytes(row));
    const isTold = includeAuthorizedOperations && row.errorCode === CODE.NONE;
    groups.push(
      isTold
        ? { ...row, authorizedOperations: authorizedOperations(context, "GROUP", groupId) }
        : row,
    );
    await portions.next(1 + row.members.length);
  }
  return { groups };
}

/** Memory of the members in a response, approximately. */
function membersBytes({ members }: Described): number {
  let bytes = 0;
  for (const { subscribedTopicNames, assignment, targetAssignment } of members) {
    bytes += MEMBER_BYTES + subscribedTopicNames.length * TOPIC_BYTES;
    for (const { partitions } of [
      ...assignment.topicPartitions,
      ...targetAssignment.topicPartitions,
    ]) {
      bytes += TOPIC_BYTES + partitions.length * PARTITION_BYTES;
    }
  }
  return bytes;
}

function rowOf(context: ServiceContext, groupId: string): Described {
  try {
    const { state, groupEpoch, assignmentEpoch, assignor, members } = describeConsumerGroup(
      context,
      groupId,
    );
    return {
      ...{ errorCode: CODE.NONE, groupId, groupState: state, groupEpoch, assignmentEpoch },
      assignorName: assignor,
      members: members.map(({ topicNames, pattern, isClassic, assignment, target, ...member }) => ({
        ...member,
        subscribedTopicNames: topicNames,
        subscribedTopicRegex: pattern,
        assignment: { topicPartitions: assignment },
        targetAssignment: { topicPartitions: target },
        memberType: isClassic ? MEMBER_TYPE.classic : MEMBER_TYPE.consumer,
      })),
    };
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    return {
      ...{ errorCode: groupCode(error), errorMessage: error.message, groupId, groupState: "" },
      ...{ groupEpoch: 0, assignmentEpoch: 0, assignorName: "", members: [] },
    };
  }
}
