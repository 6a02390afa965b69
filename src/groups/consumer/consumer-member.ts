// A member of a consumer group, and the steps that take it from what it reads to what it should read (KIP-848).
// Leaves to others: the members together (consumer-members.ts), who should read what (target-assignment.ts), and when a step
// is taken (current-assignment.ts).
//
// A member first gives up what it should not read any more. Until it says that it has (UNREVOKED) it keeps its epoch. Then
// it gets the new epoch, and those of its new partitions that no other member reads. It waits for the others (UNRELEASED).
import type { ClassicMembership } from "../classic/classic-requests.js";
import type { MemberDeadline } from "../group-clock.js";
import {
  type Assignment,
  difference,
  filtered,
  intersection,
  isSame,
  NOTHING,
  union,
} from "./assignment.js";

/** Kafka's numbers, which are stored. */
export const MEMBER_STATE = { STABLE: 0, UNREVOKED: 1, UNRELEASED: 2 } as const;

export type MemberState = (typeof MEMBER_STATE)[keyof typeof MEMBER_STATE];

/** The epoch of a static member that has left and may come back. */
export const LEFT_EPOCH = -2;

/** Which topics a member may see. It says what is true now, and `key` is the same for members that may see the same. */
export interface TopicView {
  readonly key: string;
  /** Changes whenever another topic may be seen. */
  readonly version: number;
  sees(topic: string): boolean;
}

/** What members subscribe to. Members that subscribe to the same share it. */
export interface Subscription {
  /** Identifies it within its group. */
  readonly key: string;
  readonly names: ReadonlySet<string>;
  /** A regular expression; empty for none. */
  readonly pattern: string;
  /** The topics that the expression may match; undefined for all. */
  readonly view: TopicView | undefined;
}

/** What a member says about itself. */
export interface MemberIdentity {
  instanceId: string | null;
  rackId: string | null;
  clientId: string;
  clientHost: string;
  /** Time that it may take to give up partitions. */
  rebalanceTimeoutMs: number;
  /** The assignor that it asks for. */
  assignor: string | null;
}

/** Where a member is on its way. */
export interface Position {
  readonly state: MemberState;
  readonly epoch: number;
  /** The epoch that the member had before, which it still has if the response with the new one is lost. */
  readonly previousEpoch: number;
  /** What it may read. */
  readonly assigned: Assignment;
  /** What it must give up, and may still read until it says that it does not. */
  readonly revoking: Assignment;
}

export interface ConsumerMember extends MemberIdentity {
  id: string;
  subscription: Subscription;
  position: Position;
  /** What it should read, as of the group's assignment epoch. */
  target: Assignment;
  readonly session: MemberDeadline;
  readonly revocation: MemberDeadline;
  /** Memory that it takes, without what it subscribes to and reads. */
  bytes: number;
  /** Undefined for a member of the consumer protocol. */
  classic: ClassicMembership | undefined;
  /** Until when a member of the classic protocol must have joined again, or asked for its assignment. */
  readonly catchUp: MemberDeadline;
  /** Called once when the next heartbeat would tell the member something new. */
  wake: (() => void) | undefined;
}

export const JOINING: Position = {
  state: MEMBER_STATE.STABLE,
  epoch: 0,
  previousEpoch: 0,
  assigned: NOTHING,
  revoking: NOTHING,
};

/** Wakes a member that waits for news. */
export function wakeMember(member: Pick<ConsumerMember, "wake">): void {
  const call = member.wake;
  member.wake = undefined;
  call?.();
}

export interface Surroundings {
  /** The epoch that the member has, as it says itself. Responses with later ones may have been lost. */
  readonly memberEpoch: number;
  readonly targetEpoch: number;
  /** Whether the member subscribes to a topic that exists. */
  readonly isSubscribed: (topicId: string) => boolean;
  /** Whether no other member may still read a partition. */
  readonly isFree: (topicId: string, partition: number) => boolean;
}

/**
 * The next position of a member; the same one if nothing changes. `owned` is what the member says it reads; undefined if it
 * did not say.
 */
export function nextPosition(
  { position, target }: Pick<ConsumerMember, "position" | "target">,
  around: Surroundings,
  owned: Assignment | undefined,
  hasSubscriptionChanged: boolean,
): Position {
  switch (position.state) {
    case MEMBER_STATE.STABLE:
      if (position.epoch !== around.targetEpoch)
        return towardsTarget(position, target, around, owned);
      return hasSubscriptionChanged ? withoutUnsubscribed(position, around, owned) : position;
    case MEMBER_STATE.UNREVOKED:
      if (!mayRead(owned, position.revoking)) return towardsTarget(position, target, around, owned);
      return hasSubscriptionChanged ? withoutUnsubscribed(position, around, owned) : position;
    case MEMBER_STATE.UNRELEASED:
      return towardsTarget(position, target, around, owned);
  }
}

function towardsTarget(
  position: Position,
  target: Assignment,
  { memberEpoch, targetEpoch, isSubscribed, isFree }: Surroundings,
  owned: Assignment | undefined,
): Position {
  const wanted = subscribedOf(target, isSubscribed);
  const kept = intersection(position.assigned, wanted);
  const revoking = difference(position.assigned, kept);
  if (mayRead(owned, revoking)) {
    const { epoch } = position;
    const state = MEMBER_STATE.UNREVOKED;
    return { state, epoch, previousEpoch: memberEpoch, assigned: kept, revoking };
  }
  const missing = difference(wanted, kept);
  let isComplete = true;
  const granted = filtered(missing, (topicId) => (partition) => {
    const free = isFree(topicId, partition);
    isComplete &&= free;
    return free;
  });
  const state = isComplete ? MEMBER_STATE.STABLE : MEMBER_STATE.UNRELEASED;
  if (position.state === state && position.epoch === targetEpoch && granted.size === 0) {
    if (revoking.size === 0) return position;
  }
  return {
    state,
    epoch: targetEpoch,
    previousEpoch: memberEpoch,
    assigned: union(kept, granted),
    revoking: NOTHING,
  };
}

/** Gives up topics that the member no longer subscribes to, before there is a new target. */
function withoutUnsubscribed(
  position: Position,
  { memberEpoch, isSubscribed }: Surroundings,
  owned: Assignment | undefined,
): Position {
  const assigned = subscribedOf(position.assigned, isSubscribed);
  if (isSame(assigned, position.assigned)) return position;
  const { epoch } = position;
  const revoking = union(position.revoking, difference(position.assigned, assigned));
  if (mayRead(owned, revoking)) {
    return { state: MEMBER_STATE.UNREVOKED, epoch, previousEpoch: memberEpoch, assigned, revoking };
  }
  return { ...position, previousEpoch: memberEpoch, assigned };
}

function subscribedOf(
  assignment: Assignment,
  isSubscribed: (topicId: string) => boolean,
): Assignment {
  for (const topicId of assignment.keys()) {
    if (isSubscribed(topicId)) continue;
    return filtered(assignment, (each) => {
      const isKept = isSubscribed(each);
      return () => isKept;
    });
  }
  return assignment;
}

/** Whether a member may still read some of these partitions: it says so, or does not say what it reads. */
function mayRead(owned: Assignment | undefined, partitions: Assignment): boolean {
  if (partitions.size === 0) return false;
  return owned === undefined || intersection(owned, partitions).size > 0;
}
