// What members of a consumer group ask, what they are answered, and how such a group is described and stored.
// Leaves to others: answering (consumer-group.ts), the wires (protocol/), and the records (consumer-group-record.ts).
import { RustLogError } from "../../errors.js";
import { type GroupState, MEMBER_NAME_LENGTH_MAX } from "../group.js";
import { listOf, type TopicPartitions } from "./assignment.js";
import { ASSIGNORS } from "./assignors.js";
import { type ConsumerMember, LEFT_EPOCH, type TopicView } from "./consumer-member.js";

export interface HeartbeatRequest {
  readonly memberId: string;
  /** The member's epoch; 0 to join, -1 to leave, -2 for a static member that may come back. */
  readonly memberEpoch: number;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  /** -1 if it has not changed. */
  readonly rebalanceTimeoutMs: number;
  /** Undefined for the coordinator's. */
  readonly sessionTimeoutMs?: number;
  /** Null if they have not changed. */
  readonly topicNames: readonly string[] | null;
  /** A regular expression; empty for none, null if it has not changed. */
  readonly pattern: string | null;
  /** Null for the default, or if it has not changed. */
  readonly assignor: string | null;
  /** What the member reads; null if it has not changed. */
  readonly owned: readonly TopicPartitions[] | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** The topics that the member may see; undefined for all. */
  readonly view?: TopicView | undefined;
}

export interface HeartbeatResponse {
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly heartbeatIntervalMs: number;
  /** What the member may read; undefined if it has not changed. */
  readonly assignment: readonly TopicPartitions[] | undefined;
}

/** The epoch in a request of a static member that leaves for a while. Any other that leaves has -1. */
export const LEAVE_STATIC_EPOCH = LEFT_EPOCH;

export interface ConsumerMemberDescription {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly memberEpoch: number;
  readonly clientId: string;
  readonly clientHost: string;
  readonly topicNames: readonly string[];
  readonly pattern: string;
  /** Whether it uses the classic protocol. */
  readonly isClassic: boolean;
  readonly assignment: readonly TopicPartitions[];
  readonly target: readonly TopicPartitions[];
}

export function describedMember(member: ConsumerMember): ConsumerMemberDescription {
  return {
    memberId: member.id,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.position.epoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    topicNames: [...member.subscription.names],
    pattern: member.subscription.pattern,
    isClassic: member.classic !== undefined,
    assignment: listOf(member.position.assigned),
    target: listOf(member.target),
  };
}

export interface ConsumerGroupDescription {
  readonly group: string;
  readonly state: GroupState;
  readonly groupEpoch: number;
  readonly assignmentEpoch: number;
  readonly assignor: string;
  readonly members: readonly ConsumerMemberDescription[];
}

/** A member as it is restored. */
export type StoredMember = Pick<
  ConsumerMember,
  | "id"
  | "instanceId"
  | "rackId"
  | "clientId"
  | "clientHost"
  | "rebalanceTimeoutMs"
  | "assignor"
  | "position"
  | "target"
  | "classic"
> & { readonly topicNames: readonly string[]; readonly pattern: string };

export interface StoredGroup {
  readonly groupEpoch: number;
  readonly assignmentEpoch: number;
  readonly members: readonly StoredMember[];
}

/** Throws INVALID_REQUEST or UNSUPPORTED_ASSIGNOR. */
export function checkHeartbeat(request: HeartbeatRequest): void {
  const { memberId, memberEpoch, instanceId, rackId, assignor } = request;
  if (memberId === "") throw invalid("it has no member id");
  for (const name of [memberId, instanceId, rackId]) {
    if (name === "") throw invalid("the instance id or the rack id is empty");
    if (name !== null && name.length > MEMBER_NAME_LENGTH_MAX) {
      throw invalid(
        `a name has ${name.length} characters, and ${MEMBER_NAME_LENGTH_MAX} are allowed`,
      );
    }
  }
  if (memberEpoch < LEAVE_STATIC_EPOCH) throw invalid(`there is no member epoch ${memberEpoch}`);
  if (memberEpoch === LEAVE_STATIC_EPOCH && instanceId === null) {
    throw invalid("only a member with an instance id can leave for a while");
  }
  if (memberEpoch === 0) {
    if (request.rebalanceTimeoutMs === -1) throw invalid("it joins without a rebalance timeout");
    if (request.owned === null || request.owned.length > 0) {
      throw invalid("it joins with partitions, which it must give up first");
    }
    if (request.topicNames === null && request.pattern === null) {
      throw invalid("it joins without a subscription");
    }
  }
  if (assignor !== null && !ASSIGNORS.has(assignor)) {
    const all = [...ASSIGNORS.keys()].join(", ");
    throw new RustLogError(
      "UNSUPPORTED_ASSIGNOR",
      `the broker has no assignor '${assignor}', but ${all}`,
    );
  }
}

function invalid(why: string): RustLogError {
  return new RustLogError("INVALID_REQUEST", `invalid heartbeat of a member: ${why}`);
}
