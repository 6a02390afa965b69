// A group whose assignment the broker makes (KIP-848): what happens, in which order, when a member joins, sends a heartbeat,
// commits, leaves or is silent, in its own protocol or the classic one. Synchronous: what the group must remember is noted,
// and stored by others before a member hears of it.
// Leaves to others: the members as a collection (consumer-members.ts), subscriptions (group-subscriptions.ts), who should read
// what (target-assignment.ts), who may read what now (current-assignment.ts), what members of the classic protocol say
// (classic-consumers.ts), the records (consumer-group-record.ts), and storing them (consumer-groups.ts).
//
// The group epoch grows with each change of the members, their subscriptions, or the partitions of their topics. Then the
// target assignment is computed again, and each member gets there by its own heartbeats.
import { RustLogError } from "../../errors.js";
import {
  type ClassicMemberState,
  copiesOf,
  type JoinRequest,
  type JoinResult,
  type MemberInGeneration,
  type SyncRequest,
  type SyncResult,
} from "../classic/classic-requests.js";
import type { GroupClock } from "../group-clock.js";
import type { GroupMemory } from "../group-memory.js";
import type { GroupRecord } from "../group-record.js";
import type {
  CommittingMember,
  Group,
  GroupDescription,
  GroupObserver,
  GroupState,
} from "../group.js";
import { type Assignment, assignmentOf, isSame, listOf, NOTHING } from "./assignment.js";
import {
  classicRecordOf,
  CONSUMER_TYPE,
  encodedAssignment,
  joiningOf,
  protocolFor,
  storedFromClassic,
  subscriptionOf,
  withIds,
} from "./classic-consumers.js";
import { type ConsumerMember, LEFT_EPOCH, MEMBER_STATE, wakeMember } from "./consumer-member.js";
import { ConsumerMembers } from "./consumer-members.js";
import {
  type ConsumerGroupDescription,
  type ConsumerMemberDescription,
  describedMember,
  type HeartbeatRequest,
  type HeartbeatResponse,
  LEAVE_STATIC_EPOCH,
  type StoredGroup,
  type StoredMember,
} from "./consumer-requests.js";
import { CurrentAssignment } from "./current-assignment.js";
import { GroupNotes, NOTED, type Notes } from "./group-notes.js";
import { GroupSubscriptions, type SubscriptionContext } from "./group-subscriptions.js";
import { TargetAssignment } from "./target-assignment.js";

export interface ConsumerGroupContext {
  readonly topics: SubscriptionContext["topics"];
  readonly patterns: {
    topicsOf(pattern: string): ReadonlySet<string>;
    use(pattern: string, user: ConsumerGroup): void;
    unuse(pattern: string, user: ConsumerGroup): void;
  };
  readonly clock: GroupClock;
  /** A member that is silent for this long is removed. */
  readonly sessionTimeoutMs: number;
  /** How often members should send heartbeats. */
  readonly heartbeatIntervalMs: () => number;
  readonly membersMax: number;
  /** The account of all groups. */
  readonly memory: GroupMemory;
  /** Called with the change in the number of members. */
  readonly onMembers: (members: number) => void;
  readonly observer: GroupObserver;
  /** Called when something is to be stored that no request waits for. */
  readonly onChange: (group: ConsumerGroup) => void;
  /** Called when there is no memory for an assignment. */
  readonly onNoMemory: (group: ConsumerGroup) => void;
  /** Called when the first member subscribes to a topic by its name, and when the last one has stopped. */
  readonly onSubscribed: (group: ConsumerGroup, topic: string, isSubscribed: boolean) => void;
}

/** Heartbeats come more often while a member waits for partitions, in milliseconds. */
const WAITING_HEARTBEAT_MS = 500;

const LEAVING = { heartbeatIntervalMs: 0, assignment: undefined };

export class ConsumerGroup implements Group {
  readonly name: string;
  readonly type = "consumer";
  readonly protocolType = CONSUMER_TYPE;
  readonly #context: ConsumerGroupContext;
  readonly #notes = new GroupNotes();
  readonly #members: ConsumerMembers;
  readonly #subscriptions: GroupSubscriptions;
  readonly #target: TargetAssignment;
  readonly #current: CurrentAssignment;
  /** 0 is the epoch of a member that joins, and 1, as in Kafka, that of a group nobody has joined yet. */
  #groupEpoch = 1;
  /** When the group was last stable, while it is not. */
  #rebalanceSince: number | undefined;

  constructor(name: string, context: ConsumerGroupContext) {
    this.name = name;
    this.#context = context;
    const { topics, patterns, memory, clock } = context;
    const notes = this.#notes;
    const members = new ConsumerMembers(name, context, notes, (member) => this.#expire(member));
    const subscriptions = new GroupSubscriptions({
      ...{ topics, memory },
      topicsOf: (pattern) => patterns.topicsOf(pattern),
      onTopic: (topic, isNamed) => context.onSubscribed(this, topic, isNamed),
      onPattern: (pattern, isUsed) => {
        if (isUsed) patterns.use(pattern, this);
        else patterns.unuse(pattern, this);
        notes.pattern(pattern);
      },
    });
    this.#members = members;
    this.#subscriptions = subscriptions;
    this.#target = new TargetAssignment({
      ...{ clock, memory, subscriptions, members, notes },
      onDue: () => {
        this.#assign();
        context.onChange(this);
      },
      onNoMemory: () => context.onNoMemory(this),
    });
    this.#current = new CurrentAssignment(this.#target, subscriptions, notes);
  }

  /** The group as it was stored. Members have their whole session timeout to continue. */
  static restore(name: string, context: ConsumerGroupContext, stored: StoredGroup): ConsumerGroup {
    const group = new ConsumerGroup(name, context);
    group.#load(stored);
    group.#notes.take();
    if (group.#members.size > 0 && !group.#isTargetComplete) group.#changed();
    return group;
  }

  /**
   * A classic group as a group that the broker assigns; its members keep what they read. The member that
   * causes this is about to join, so there is no new assignment yet. Throws INCONSISTENT_GROUP_PROTOCOL if a member is not a
   * consumer.
   */
  static fromClassic(
    name: string,
    context: ConsumerGroupContext,
    generation: number,
    classic: readonly ClassicMemberState[],
  ): ConsumerGroup {
    const stored = storedFromClassic(context.topics, generation, classic);
    const group = new ConsumerGroup(name, context);
    group.#load(stored);
    group.#notes.groupEpoch();
    group.#notes.assignmentEpoch();
    return group;
  }

  /** Whether all members use the classic protocol, so that the group can be a classic one again. */
  get isClassicOnly(): boolean {
    return this.#members.size > 0 && this.#members.classicCount === this.#members.size;
  }

  /** The group as a classic one. Only if all members use the classic protocol. */
  toClassic(): GroupRecord {
    const { protocolType } = this;
    const { clock, topics, sessionTimeoutMs } = this.#context;
    const currentStateTimestamp = clock.time();
    const state = { protocolType, generation: this.#groupEpoch, currentStateTimestamp };
    return classicRecordOf(state, topics, [...this.#members], sessionTimeoutMs);
  }

  get memberCount(): number {
    return this.#members.size;
  }

  get groupEpoch(): number {
    return this.#groupEpoch;
  }

  get assignmentEpoch(): number {
    return this.#target.epoch;
  }

  get state(): GroupState {
    if (this.#members.size === 0) return "Empty";
    if (this.#groupEpoch > this.#target.epoch) return "Assigning";
    return this.#current.settledCount < this.#members.size ? "Reconciling" : "Stable";
  }

  member(id: string): Readonly<ConsumerMember> | undefined {
    return this.#members.get(id);
  }

  /** A member's heartbeat; also how it joins and leaves. Throws without any change. */
  heartbeat(request: HeartbeatRequest): HeartbeatResponse {
    if (request.memberEpoch < 0) return this.#leave(request);
    this.#check(request);
    const owned = request.owned === null ? undefined : assignmentOf(request.owned);
    const isJoining = request.memberEpoch === 0;
    const member = isJoining ? this.#join(request) : this.#members.inEpoch(request, owned);
    const before = member.position;
    this.#members.setClassic(member, undefined);
    this.#advance(member, request, request.memberEpoch, owned);
    const { position } = member;
    const isFull =
      request.rebalanceTimeoutMs !== -1 &&
      (request.topicNames !== null || request.pattern !== null) &&
      owned !== undefined;
    const tells = isJoining || isFull || !isSame(before.assigned, position.assigned);
    return {
      memberId: member.id,
      memberEpoch: position.epoch,
      heartbeatIntervalMs: this.#intervalFor(member),
      assignment: tells ? listOf(position.assigned) : undefined,
    };
  }

  /**
   * Calls `wake` once as soon as a heartbeat of the member would tell it something new, also if the member is removed.
   * Replaces an earlier call; undefined cancels it.
   */
  onNews(memberId: string, wake: (() => void) | undefined): void {
    const member = this.#members.get(memberId);
    if (member !== undefined) member.wake = wake;
    else wake?.();
  }

  /**
   * JoinGroup of a member that uses the classic protocol. `newMemberId` is its id if it has none. Throws what the member has to
   * know, without any change.
   */
  joinClassic(request: JoinRequest, newMemberId: string): JoinResult {
    const { instanceId, sessionTimeoutMs } = request;
    const memberId = request.memberId === "" ? newMemberId : request.memberId;
    const subscription = subscriptionOf(this.name, this.#members, request);
    const joining = joiningOf(request, memberId, subscription);
    this.#check(joining);
    const before = this.#members.ofInstance(instanceId);
    this.#members.checkProtocols(this.#members.get(memberId) ?? before, request);
    const hasOtherId = before !== undefined && before.id !== memberId;
    // Only a client without an id takes the place of a member.
    if (hasOtherId && request.memberId !== "") this.#members.find(memberId, instanceId);
    const member = hasOtherId ? this.#replace(before, memberId) : this.#join(joining);
    const protocols = copiesOf(request.protocols);
    this.#members.setClassic(member, { sessionTimeoutMs, protocols });
    const owned = assignmentOf(withIds(this.#context.topics, subscription.owned));
    this.#advance(member, joining, member.position.epoch, owned);
    member.catchUp.set(member.rebalanceTimeoutMs);
    return {
      ...{ memberId, generation: member.position.epoch, protocolType: this.protocolType },
      ...{ protocol: protocols[0]?.name ?? "", leader: "", skipAssignment: false, members: [] },
    };
  }

  /** SyncGroup, likewise: what a member may read. */
  syncClassic(request: SyncRequest): SyncResult {
    const member = this.#members.inGeneration(request);
    const protocol = protocolFor(this.name, member, request);
    const { epoch, state } = member.position;
    if (epoch < this.#target.epoch && state !== MEMBER_STATE.UNREVOKED) this.#callBack(member);
    member.catchUp.clear();
    this.#members.renew(member);
    const { protocolType } = this;
    return { protocolType, protocol, assignment: encodedAssignment(this.#context.topics, member) };
  }

  /** Heartbeat, likewise. Throws REBALANCE_IN_PROGRESS if the member must join again to get its next assignment. */
  heartbeatClassic(request: MemberInGeneration): void {
    const member = this.#members.inGeneration(request);
    this.#members.renew(member);
    if (this.#current.canGoOn(member)) this.#callBack(member);
  }

  /**
   * A member that has not heard of its new epoch may still commit for partitions that it had before, and has: it need not
   * fail because others came and went (KIP-1251).
   */
  checkCommit({ memberId, generation, instanceId, partitions = [] }: CommittingMember): void {
    if (memberId === "" && generation < 0) {
      if (this.#members.size === 0) return;
      throw new RustLogError(
        "UNKNOWN_MEMBER_ID",
        `group '${this.name}' has members, so only they can commit`,
      );
    }
    const member = this.#members.find(memberId, instanceId);
    const { epoch } = member.position;
    if (generation === epoch) return;
    if (generation > 0 && generation < epoch && partitions.length > 0) {
      const isHeld = partitions.every(({ topic, partition }) => {
        const topicId = this.#context.topics.find(topic)?.id ?? "";
        return this.#current.isHeldSince(generation, member, topicId, partition);
      });
      if (isHeld) return;
    }
    throw new RustLogError(
      member.classic === undefined ? "STALE_MEMBER_EPOCH" : "ILLEGAL_GENERATION",
      `member '${memberId}' of group '${this.name}' has epoch ${epoch}, not ${generation}`,
    );
  }

  isSubscribedTo(topic: string): boolean {
    return this.#subscriptions.has(topic);
  }

  /** Removes a member for an administrator, who may name it by its instance alone. Returns why it can't be removed. */
  removeMember({
    memberId,
    instanceId,
  }: {
    readonly memberId: string;
    readonly instanceId: string | null;
  }): RustLogError | undefined {
    const named = memberId === "" ? this.#members.ofInstance(instanceId) : undefined;
    try {
      this.#remove(named ?? this.#members.find(memberId, instanceId));
    } catch (error) {
      if (error instanceof RustLogError) return error;
      throw error;
    }
    this.#memberWent();
    return undefined;
  }

  expireSilent(ms: number): void {
    for (const member of [...this.#members]) {
      if (member.session.sinceMs > ms) this.#expire(member);
    }
  }

  /** A topic that a member subscribes to was created or deleted, or has more partitions. */
  topicChanged(): void {
    this.#changed();
    this.#context.onChange(this);
  }

  describe(): GroupDescription {
    const { name, type, state, protocolType } = this;
    return {
      ...{ group: name, type, state, protocolType },
      protocol: this.#target.assignorName,
      generation: this.#groupEpoch,
      assignmentEpoch: this.#target.epoch,
    };
  }

  /** The members as they are now, each described when it is taken: the caller may yield between two. */
  *described(): Generator<ConsumerMemberDescription, void> {
    for (const member of [...this.#members]) yield describedMember(member);
  }

  describeConsumers(): ConsumerGroupDescription {
    return {
      group: this.name,
      state: this.state,
      groupEpoch: this.#groupEpoch,
      assignmentEpoch: this.#target.epoch,
      assignor: this.#target.assignorName,
      members: [...this.described()],
    };
  }

  /** Whether the group must remember something that is not stored. */
  get hasNotes(): boolean {
    return !this.#notes.isEmpty;
  }

  takeNotes(): Notes {
    return this.#notes.take();
  }

  /** Notes that could not be stored. */
  returnNotes(notes: Notes): void {
    this.#notes.giveBack(notes);
  }

  /** Whether a member subscribes with the expression. */
  usesPattern(pattern: string): boolean {
    return this.#subscriptions.hasPattern(pattern);
  }

  /** The topics that match an expression. */
  matches(pattern: string): readonly string[] {
    return [...this.#context.patterns.topicsOf(pattern)].sort();
  }

  close(): void {
    this.#members.close();
    this.#subscriptions.close();
    this.#target.close();
    this.#notes.close();
  }

  #intervalFor({ position }: ConsumerMember): number {
    const heartbeatIntervalMs = this.#context.heartbeatIntervalMs();
    const waits =
      position.state === MEMBER_STATE.UNRELEASED || this.#groupEpoch > this.#target.epoch;
    return waits ? Math.min(WAITING_HEARTBEAT_MS, heartbeatIntervalMs) : heartbeatIntervalMs;
  }

  #join(request: HeartbeatRequest): ConsumerMember {
    const { memberId, instanceId } = request;
    const known = this.#members.get(memberId);
    const before = this.#members.ofInstance(instanceId);
    if (before !== undefined && before !== known) {
      // One of the classic protocol does not say that it leaves for a while.
      if (before.position.epoch !== LEFT_EPOCH && before.classic === undefined) {
        throw new RustLogError(
          "UNRELEASED_INSTANCE_ID",
          `instance '${instanceId}' of group '${this.name}' is member '${before.id}', so '${memberId}' can't be it`,
        );
      }
      return this.#replace(before, memberId);
    }
    if (known !== undefined) return known;
    this.#members.checkRoom(memberId, request);
    return this.#add(
      memberId,
      { ...request, classic: undefined },
      this.#subscriptions.join([], ""),
    );
  }

  /** A static member continues under a new member id, with what it had. */
  #replace(member: ConsumerMember, id: string): ConsumerMember {
    const other = this.#members.get(id);
    if (other !== undefined) this.#remove(other);
    this.#members.rename(member, id);
    this.#current.place(member, { ...member.position, epoch: 0, previousEpoch: 0 });
    return member;
  }

  #add(...args: Parameters<ConsumerMembers["add"]>): ConsumerMember {
    const member = this.#members.add(...args);
    this.#current.add(member);
    return member;
  }

  #leave({ memberId, memberEpoch, instanceId }: HeartbeatRequest): HeartbeatResponse {
    const member = this.#members.find(memberId, instanceId);
    if (instanceId !== null && memberEpoch === LEAVE_STATIC_EPOCH) {
      // It may come back under another member id, and then has its partitions again.
      this.#current.place(member, { ...member.position, epoch: LEFT_EPOCH, revoking: NOTHING });
      member.revocation.clear();
    } else {
      this.#remove(member);
      this.#memberWent();
    }
    return { memberId, memberEpoch, ...LEAVING };
  }

  /** Removes a member that is silent, or does not give up its partitions. */
  #expire(member: ConsumerMember): void {
    this.#remove(member);
    this.#context.observer.expired(this.type);
    this.#memberWent();
    this.#context.onChange(this);
  }

  #memberWent(): void {
    // A group that becomes a classic one keeps its epoch: its members can commit until they join again.
    if (!this.isClassicOnly) this.#changed();
  }

  #remove(member: ConsumerMember): void {
    this.#members.remove(member);
    this.#subscriptions.leave(member.subscription);
    this.#current.remove(member);
    wakeMember(member);
  }

  /** Tells a member to join again, for which it has its rebalance timeout. */
  #callBack(member: ConsumerMember): never {
    member.catchUp.begin(member.rebalanceTimeoutMs);
    const message = `group '${this.name}' has a new assignment for member '${member.id}', which must join again`;
    throw new RustLogError("REBALANCE_IN_PROGRESS", message);
  }

  /** Throws what keeps a request from changing anything. */
  #check(request: HeartbeatRequest): void {
    const member =
      this.#members.get(request.memberId) ?? this.#members.ofInstance(request.instanceId);
    this.#subscriptions.check(member?.subscription, request);
    if (member !== undefined) this.#members.checkNames(member, request);
  }

  /** Takes over what a member says, and takes it as far as it can go. */
  #advance(
    member: ConsumerMember,
    request: HeartbeatRequest,
    memberEpoch: number,
    owned: Assignment | undefined,
  ): void {
    this.#members.update(member, request);
    const hasSubscriptionChanged = this.#subscriptions.update(member, request);
    if (hasSubscriptionChanged) this.#notes.member(member.id, NOTED.METADATA);
    // The very first assignment: a member may join without any topic.
    const needsAssignment = hasSubscriptionChanged || this.#target.epoch === 0;
    if (needsAssignment) this.#changed();
    else this.#requireAssignment();
    this.#current.reconcile(member, memberEpoch, owned, needsAssignment);
    this.#members.renew(member, request.sessionTimeoutMs);
    this.#noteRebalance();
  }

  #changed(): void {
    this.#groupEpoch++;
    this.#notes.groupEpoch();
    if (this.#members.size === 0) this.#target.cancel();
    else this.#requireAssignment();
    this.#noteRebalance();
  }

  /** Tells the observer of a rebalance that is over. One without members left has no end. */
  #noteRebalance(): void {
    const { state } = this;
    if (state !== "Stable" && state !== "Empty") {
      this.#rebalanceSince ??= this.#context.clock.now();
      return;
    }
    const since = this.#rebalanceSince;
    this.#rebalanceSince = undefined;
    if (since === undefined || state === "Empty") return;
    this.#context.observer.rebalanced(this.type, this.#context.clock.now() - since);
  }

  /** Makes a target assignment for the group epoch, unless there is one, or soon. */
  #requireAssignment(): void {
    if (this.#target.require(this.#groupEpoch)) this.#assign();
  }

  /** Makes it, and wakes the members for whom it has news. */
  #assign(): void {
    this.#target.compute(this.#groupEpoch);
    this.#current.targetChanged(this.#members);
    for (const member of this.#members) {
      if (member.wake !== undefined && this.#current.hasNews(member)) wakeMember(member);
    }
  }

  get #isTargetComplete(): boolean {
    return this.#target.epoch >= this.#groupEpoch && this.#target.isComplete;
  }

  #load({ groupEpoch, assignmentEpoch, members }: StoredGroup): void {
    this.#groupEpoch = groupEpoch;
    for (const each of members) this.#restoreMember(each);
    this.#target.restore(assignmentEpoch);
    this.#current.targetChanged(this.#members);
  }

  #restoreMember(stored: StoredMember): void {
    const { topicNames, pattern } = stored;
    const shared = this.#subscriptions.join(topicNames, pattern);
    const member = this.#add(stored.id, stored, shared);
    member.target = stored.target;
    this.#current.restore(member, stored.position);
    this.#members.renew(member);
  }
}
