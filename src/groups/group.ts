// What all kinds of groups have in common, and the words of the answers that they give.
// Leaves to others: the kinds (classic-group.ts), and finding them (coordinator.ts).
import type { RustLogError } from "../errors.js";

/** Who makes the assignment: a member of a classic group, the broker for a consumer group. */
export type GroupType = "classic" | "consumer";

/** Longest member id, instance id or rack id, in characters. */
export const MEMBER_NAME_LENGTH_MAX = 1_000;

/** Kafka's names. */
export type GroupState =
  | "Empty"
  | "PreparingRebalance"
  | "CompletingRebalance"
  | "Assigning"
  | "Reconciling"
  | "Stable"
  | "Dead";

/** The application that a member is part of. */
export interface MemberClient {
  /** Name that the application gave its client; may be empty. */
  readonly clientId: string;
  /** Its address. */
  readonly clientHost: string;
}

/** Who commits. A commit without membership has generation -1 and an empty member id. */
export interface CommittingMember {
  readonly memberId: string;
  /** Its generation; in a consumer group, its member epoch. */
  readonly generation: number;
  readonly instanceId: string | null;
  /** What it commits for; undefined if that does not matter. */
  readonly partitions?: readonly { readonly topic: string; readonly partition: number }[];
}

/** Who commits without membership. */
export const NO_MEMBER: CommittingMember = { memberId: "", generation: -1, instanceId: null };

export interface MemberDescription extends MemberClient {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** What the member subscribes to, in the format of the group's protocol. */
  readonly metadata: Uint8Array;
  /** What the member was assigned, in the same format. */
  readonly assignment: Uint8Array;
}

export interface GroupOverview {
  readonly group: string;
  readonly type: GroupType;
  readonly state: GroupState;
  /** `consumer` for consumers; empty if the group never had members. */
  readonly protocolType: string;
}

/** A group without its members, which may be many. */
export interface GroupDescription extends GroupOverview {
  /** How the assignment is made: the name of an assignor. Empty unless all members agree on one. */
  readonly protocol: string;
  readonly generation: number;
  /** The epoch of the last assignment; undefined in a classic group. */
  readonly assignmentEpoch: number | undefined;
}

/** A group with members, or one that is about to have some. */
export interface Group {
  readonly name: string;
  readonly type: GroupType;
  readonly state: GroupState;
  readonly protocolType: string;
  readonly memberCount: number;
  describe(): GroupDescription;
  /** Throws unless this member may commit now, and counts as a heartbeat of it. */
  checkCommit(member: CommittingMember): void;
  /** Whether a member reads the topic, so that the group's offsets of it are in use. */
  isSubscribedTo(topic: string): boolean;
  /** Removes members that were silent for longer than this, in milliseconds, although their sessions are not over. */
  expireSilent(ms: number): void;
  /** Cancels all timers. */
  close(): void;
}

/** Counts what happens in groups. */
export interface GroupObserver {
  /** A rebalance is over: from the change that caused it until each member has its partitions. */
  rebalanced(type: GroupType, ms: number): void;
  /** A member was removed because it was silent, or too slow in a rebalance. */
  expired(type: GroupType): void;
}

/** Receives the outcome of a request, once. */
export type Answer<T> = (outcome: T | RustLogError) => void;

/** Ends the wait of a request whose client is gone, without an answer. */
export type Abandon = () => void;

/** After a failure, time until a group without members is stored again, in milliseconds: nobody is left to ask for it. */
export const STORE_AGAIN_MS = 10_000;
