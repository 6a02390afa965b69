// The current assignment of a consumer group: what each member may read now, and its way to the target assignment.
// Leaves to others: a step of a member (consumer-member.ts), who holds each partition (partition-holders.ts), and who should
// read it (target-assignment.ts).
import { type Assignment, difference, filtered, isSame, NOTHING } from "./assignment.js";
import {
  type ConsumerMember,
  MEMBER_STATE,
  nextPosition,
  type Position,
  wakeMember,
} from "./consumer-member.js";
import { type GroupNotes, NOTED } from "./group-notes.js";
import type { GroupSubscriptions } from "./group-subscriptions.js";
import { PartitionHolders } from "./partition-holders.js";
import type { TargetAssignment } from "./target-assignment.js";

export class CurrentAssignment {
  readonly #target: TargetAssignment;
  readonly #subscriptions: GroupSubscriptions;
  readonly #notes: GroupNotes;
  readonly #holders = new PartitionHolders<ConsumerMember>();
  /** Members that read exactly what the target assignment gives them. */
  #settled = 0;

  constructor(target: TargetAssignment, subscriptions: GroupSubscriptions, notes: GroupNotes) {
    this.#target = target;
    this.#subscriptions = subscriptions;
    this.#notes = notes;
  }

  /** Number of members that read exactly what the target assignment gives them. */
  get settledCount(): number {
    return this.#settled;
  }

  /** Takes note of a new member. */
  add(member: ConsumerMember): void {
    if (this.#isSettled(member)) this.#settled++;
  }

  /** Frees what a member had that is gone. */
  remove(member: ConsumerMember): void {
    if (this.#isSettled(member)) this.#settled--;
    this.#hold(member, NOTHING, NOTHING);
  }

  /** Takes note of a new target assignment. */
  targetChanged(members: Iterable<ConsumerMember>): void {
    this.#settled = 0;
    for (const member of members) if (this.#isSettled(member)) this.#settled++;
  }

  /**
   * Takes a member as far towards its target as it can go now. `memberEpoch` is the epoch that the member says it has, and
   * `owned` what it says it reads; undefined if it did not say.
   */
  reconcile(
    member: ConsumerMember,
    memberEpoch: number,
    owned: Assignment | undefined,
    hasSubscriptionChanged: boolean,
  ): void {
    const around = {
      memberEpoch,
      targetEpoch: this.#target.epoch,
      isSubscribed: (topicId: string) => this.#subscriptions.includes(member.subscription, topicId),
      isFree: (topicId: string, partition: number) => {
        const holder = this.#holders.of(topicId, partition);
        return holder === undefined || holder === member;
      },
    };
    const position = nextPosition(member, around, owned, hasSubscriptionChanged);
    if (position === member.position) return;
    this.place(member, position);
    if (position.state === MEMBER_STATE.UNREVOKED) {
      member.revocation.set(member.rebalanceTimeoutMs);
    } else member.revocation.clear();
  }

  /** Puts a member into a position, in which it holds the partitions that it may read. */
  place(member: ConsumerMember, position: Position): void {
    const before = member.position;
    if (this.#isSettled(member)) this.#settled--;
    member.position = position;
    if (this.#isSettled(member)) this.#settled++;
    this.#notes.member(member.id, NOTED.CURRENT);
    if (isSame(before.assigned, position.assigned) && isSame(before.revoking, position.revoking)) {
      return;
    }
    this.#hold(member, position.assigned, position.revoking, before);
  }

  /** The position of a member that is restored. If damaged records name two holders of a partition, the first keeps it. */
  restore(member: ConsumerMember, position: Position): void {
    const kept = (held: Assignment): Assignment =>
      filtered(held, (topicId) => (partition) => {
        return this.#holders.of(topicId, partition) === undefined;
      });
    const { assigned, revoking, state } = position;
    this.place(member, { ...position, assigned: kept(assigned), revoking: kept(revoking) });
    if (state === MEMBER_STATE.UNREVOKED) member.revocation.set(member.rebalanceTimeoutMs);
  }

  /** Whether the member had the partition already in an epoch, and has it. */
  isHeldSince(epoch: number, member: ConsumerMember, topicId: string, partition: number): boolean {
    if (this.#holders.of(topicId, partition) !== member) return false;
    return (this.#holders.since(topicId, partition) ?? epoch + 1) <= epoch;
  }

  /** Whether a member could go on: it has a new target, must say that it gave something up, or can have what it waits for. */
  canGoOn(member: ConsumerMember): boolean {
    const { epoch, state } = member.position;
    if (epoch < this.#target.epoch || state === MEMBER_STATE.UNREVOKED) return true;
    return state === MEMBER_STATE.UNRELEASED && this.#canHaveMore(member);
  }

  /** Whether a new target assignment has something else for a member than it reads. */
  hasNews({ position, target }: ConsumerMember): boolean {
    return position.epoch !== this.#target.epoch && !isSame(position.assigned, target);
  }

  /** Whether a partition that the member waits for is free. */
  #canHaveMore({ target, position }: ConsumerMember): boolean {
    for (const [topicId, partitions] of difference(target, position.assigned)) {
      if (partitions.some((partition) => this.#holders.of(topicId, partition) === undefined)) {
        return true;
      }
    }
    return false;
  }

  /** Makes a member the holder of these partitions, and of no others. */
  #hold(
    member: ConsumerMember,
    assigned: Assignment,
    revoking: Assignment,
    before: Position = member.position,
  ): void {
    for (const held of [before.assigned, before.revoking]) {
      const freed = difference(difference(held, assigned), revoking);
      this.#holders.release(member, freed, (topicId, partition) => {
        const next = this.#target.ownerOf(topicId, partition);
        if (next !== undefined && next !== member) wakeMember(next);
      });
    }
    const { epoch } = member.position;
    this.#holders.take(member, assigned, epoch);
    this.#holders.take(member, revoking, epoch);
  }

  #isSettled({ position }: ConsumerMember): boolean {
    return position.state === MEMBER_STATE.STABLE && position.epoch === this.#target.epoch;
  }
}
