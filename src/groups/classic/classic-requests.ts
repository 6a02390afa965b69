// What members of Kafka's classic protocol ask, what they are answered, and what goes with them to a group of another type.
// Leaves to others: answering (classic-group.ts), and the wire (protocol/kafka/server/group-members.ts).
import { RustLogError } from "../../errors.js";
import {
  MEMBER_PROTOCOLS_MAX,
  REBALANCE_TIMEOUT_MS_MAX,
  SESSION_TIMEOUT_MS_MAX,
  SESSION_TIMEOUT_MS_MIN,
} from "../../limits.js";
import { MEMBER_NAME_LENGTH_MAX, type MemberClient } from "../group.js";

/** An assignor that a member can use, and what the member tells it. */
export interface Protocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

export interface JoinRequest extends MemberClient {
  /** Empty for a new member. */
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  /** In the order in which the member prefers them. */
  readonly protocols: readonly Protocol[];
  /**
   * Whether a new member is told its id first, and joins when it comes back with it. Otherwise a client that gives up and
   * tries again leaves a member behind each time.
   */
  readonly needsMemberId: boolean;
  /** Whether a new leader understands that it must not assign. */
  readonly maySkipAssignment: boolean;
}

export interface JoinedMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly metadata: Uint8Array;
}

export interface JoinResult {
  readonly memberId: string;
  readonly generation: number;
  readonly protocolType: string;
  readonly protocol: string;
  readonly leader: string;
  /** Whether the leader takes part in a generation that has its assignment already. */
  readonly skipAssignment: boolean;
  /** Only for the leader. */
  readonly members: readonly JoinedMember[];
}

export interface JoinFailure {
  readonly error: RustLogError;
  readonly memberId: string;
}

export type JoinAnswer = (outcome: JoinResult | JoinFailure) => void;

/** A member as a request names it. */
export interface MemberInGeneration {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly generation: number;
}

export interface SyncRequest extends MemberInGeneration {
  /** If stated, they must be the group's. */
  readonly protocolType: string | null;
  readonly protocol: string | null;
  /** From the leader only. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
}

export interface SyncResult {
  readonly protocolType: string;
  readonly protocol: string;
  readonly assignment: Uint8Array;
}

/** What is known of a member that uses the classic protocol: it joins again to get its next assignment. */
export interface ClassicMembership {
  readonly sessionTimeoutMs: number;
  /** At least one. */
  readonly protocols: readonly Protocol[];
}

/** A member of a classic group that becomes a consumer group. */
export interface ClassicMemberState extends ClassicMembership {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly assignment: Uint8Array;
}

/** A request is a view of everything that its connection received with it. */
export function copiesOf(protocols: readonly Protocol[]): Protocol[] {
  return protocols.map(({ name, metadata }) => ({ name, metadata: metadata.slice() }));
}

/** The time that a member may take to join again. */
export function rebalanceTimeoutOf({ rebalanceTimeoutMs, sessionTimeoutMs }: JoinRequest): number {
  // Version 0 of JoinGroup has only one of them.
  const timeoutMs = rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs;
  return Math.min(timeoutMs, REBALANCE_TIMEOUT_MS_MAX);
}

/** Throws INVALID_REQUEST. */
export function checkJoin({ protocols, instanceId }: JoinRequest): void {
  const invalid = (why: string) => new RustLogError("INVALID_REQUEST", why);
  if (protocols.length > MEMBER_PROTOCOLS_MAX) {
    throw invalid(
      `a member offers ${protocols.length} protocols, and ${MEMBER_PROTOCOLS_MAX} are allowed`,
    );
  }
  // Its member id begins with it, and must fit the record of the group.
  const length = instanceId?.length ?? 0;
  if (length <= MEMBER_NAME_LENGTH_MAX) return;
  throw invalid(
    `an instance id has ${length} characters, and ${MEMBER_NAME_LENGTH_MAX} are allowed`,
  );
}

/** Throws INVALID_SESSION_TIMEOUT. */
export function checkSessionTimeout(ms: number): void {
  if (ms >= SESSION_TIMEOUT_MS_MIN && ms <= SESSION_TIMEOUT_MS_MAX) return;
  throw new RustLogError(
    "INVALID_SESSION_TIMEOUT",
    `a session timeout of ${ms} ms is not between ${SESSION_TIMEOUT_MS_MIN} and ${SESSION_TIMEOUT_MS_MAX}`,
  );
}

export function unknownMember(group: string, memberId: string): RustLogError {
  const message = `group '${group}' has no member '${memberId}'`;
  return new RustLogError("UNKNOWN_MEMBER_ID", message);
}

export function fencedInstance(instanceId: string): RustLogError {
  const message = `another member has the instance id '${instanceId}' now`;
  return new RustLogError("FENCED_INSTANCE_ID", message);
}

export function rebalanceInProgress(group: string): RustLogError {
  return new RustLogError("REBALANCE_IN_PROGRESS", `group '${group}' is rebalancing`);
}

export function unavailable(group: string, cause: unknown): RustLogError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `group '${group}' could not be stored: ${reason}`;
  return new RustLogError("COORDINATOR_NOT_AVAILABLE", message, { cause });
}
