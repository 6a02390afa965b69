// A group whose assignment the broker makes (KIP-848): members, epochs, and who reads which partition. Synchronous: what
// the group must remember is noted, and stored by others before a member hears of it.
// Leaves to others: the steps of one member (consumer-member.ts), who should read what (target-assignment.ts), who may read a
// partition now (partition-holders.ts), subscriptions (group-subscriptions.ts), what members of the classic protocol say
// (classic-consumers.ts), the records (consumer-group-record.ts), and storing them (consumer-groups.ts).
//
// The group epoch grows with each change of the members, their subscriptions, or the partitions of their topics. Then the
// target assignment is computed again, and each member gets there by its own heartbeats.
import { RustLogError } from "../errors.js";
import { MEMBER_TOPICS_MAX, REBALANCE_TIMEOUT_MS_MAX } from "../limits.js";
import {
  type Assignment,
  assignmentOf,
  difference,
  filtered,
  isSame,
  listOf,
  NOTHING,
} from "./assignment.js";
import {
  classicRecordOf,
  commonProtocols,
  encodedAssignment,
  storedFromClassic,
  withIds,
} from "./classic-consumers.js";
import type {
  JoinRequest,
  JoinResult,
  MemberInGeneration,
  SyncRequest,
  SyncResult,
} from "./classic-requests.js";
import {
  type ClassicMembership,
  type ClassicMemberState,
  type ConsumerMember,
  JOINING,
  LEFT_EPOCH,
  MEMBER_STATE,
  nextPosition,
  type Position,
  type Subscription,
} from "./consumer-member.js";
import { type ConsumerSubscription, decodeSubscription } from "./consumer-protocol.js";
import {
  type ConsumerGroupDescription,
  type HeartbeatRequest,
  type HeartbeatResponse,
  LEAVE_STATIC_EPOCH,
  type StoredGroup,
  type StoredMember,
} from "./consumer-requests.js";
import type {
  CommittingMember,
  Group,
  GroupDescription,
  GroupObserver,
  GroupState,
} from "./group.js";
import { type GroupClock, MemberDeadline } from "./group-clock.js";
import {
  CONSUMER_MEMBER_BYTES,
  type GroupMemory,
  keptBytes,
  PROTOCOL_BYTES,
} from "./group-memory.js";
import { GroupNotes, NOTED, type Notes } from "./group-notes.js";
import type { GroupRecord } from "./group-record.js";
import { GroupSubscriptions, type SubscriptionContext } from "./group-subscriptions.js";
import { PartitionHolders } from "./partition-holders.js";
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
  readonly protocolType = "consumer";
  readonly #context: ConsumerGroupContext;
  readonly #members = new Map<string, ConsumerMember>();
  readonly #static = new Map<string, ConsumerMember>();
  readonly #subscriptions: GroupSubscriptions;
  readonly #holders = new PartitionHolders<ConsumerMember>();
  /** 0 is the epoch of a member that joins, and 1, as in Kafka, that of a group nobody has joined yet. */
  #groupEpoch = 1;
  /** Members that use the classic protocol. */
  #classic = 0;
  /** Members that read exactly what the target assignment gives them. */
  #settled = 0;
  readonly #target: TargetAssignment;
  /** When the group was last stable, while it is not. */
  #rebalanceSince: number | undefined;
  readonly #notes = new GroupNotes();
  /** Of the topics that members may see, when they were last looked at. */
  #viewVersion = 0;

  constructor(name: string, context: ConsumerGroupContext) {
    this.name = name;
    this.#context = context;
    const { topics, patterns, memory } = context;
    this.#subscriptions = new GroupSubscriptions({
      ...{ topics, memory },
      topicsOf: (pattern) => patterns.topicsOf(pattern),
      onTopic: (topic, isNamed) => context.onSubscribed(this, topic, isNamed),
      onPattern: (pattern, isUsed) => {
        if (isUsed) patterns.use(pattern, this);
        else patterns.unuse(pattern, this);
        this.#notes.pattern(pattern);
      },
    });
    this.#target = new TargetAssignment({
      ...{ clock: context.clock, memory, subscriptions: this.#subscriptions },
      members: this.#members,
      onDue: () => {
        this.#assign();
        context.onChange(this);
      },
      onNoMemory: () => context.onNoMemory(this),
    });
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
    return this.#members.size > 0 && this.#classic === this.#members.size;
  }

  /** The group as a classic one. Only if all members use the classic protocol. */
  toClassic(): GroupRecord {
    const { protocolType } = this;
    const { clock, topics, sessionTimeoutMs } = this.#context;
    const currentStateTimestamp = clock.time();
    const state = { protocolType, generation: this.#groupEpoch, currentStateTimestamp };
    return classicRecordOf(state, topics, [...this.#members.values()], sessionTimeoutMs);
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
    return this.#settled < this.#members.size ? "Reconciling" : "Stable";
  }

  member(id: string): Readonly<ConsumerMember> | undefined {
    return this.#members.get(id);
  }

  /** A member's heartbeat; also how it joins and leaves. Throws without any change. */
  heartbeat(request: HeartbeatRequest): HeartbeatResponse {
    if (request.memberEpoch < 0) return this.#leave(request);
    this.#checkSubscription(request);
    this.#checkNames(request);
    const owned = request.owned === null ? undefined : assignmentOf(request.owned);
    const isJoining = request.memberEpoch === 0;
    const member = isJoining ? this.#join(request) : this.#find(request, owned);
    const before = member.position;
    this.#setClassic(member, undefined);
    const hasSubscriptionChanged = this.#update(member, request);
    if (hasSubscriptionChanged) this.#changed();
    else this.#requireAssignment();
    this.#reconcile(member, request.memberEpoch, owned, hasSubscriptionChanged);
    this.#renew(member, request.sessionTimeoutMs);
    this.#noteRebalance();
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
    const { instanceId, clientId, clientHost, sessionTimeoutMs } = request;
    // Version 0 of JoinGroup has only one of them.
    const rebalanceTimeoutMs =
      request.rebalanceTimeoutMs < 0 ? sessionTimeoutMs : request.rebalanceTimeoutMs;
    const { topics, owned, rackId } = this.#subscriptionOf(request);
    const memberId = request.memberId === "" ? newMemberId : request.memberId;
    const joining = {
      ...{ memberId, memberEpoch: 0, instanceId, rackId, rebalanceTimeoutMs, clientId, clientHost },
      ...{ topicNames: topics, pattern: "", assignor: null, owned: [] },
    };
    this.#checkSubscription(joining);
    this.#checkNames(joining);
    const before = instanceId === null ? undefined : this.#static.get(instanceId);
    const known = this.#members.get(memberId) ?? before;
    this.#context.memory.check(bytesOf(request) - bytesOf(known?.classic));
    if (before !== undefined && before.id !== memberId && request.memberId !== "") {
      this.#known(memberId, instanceId);
    }
    const member =
      before !== undefined && before.id !== memberId
        ? this.#replace(before, memberId)
        : this.#join(joining);
    // A request is a view of everything that its connection received with it.
    const protocols = request.protocols.map(({ name, metadata }) => ({
      name,
      metadata: metadata.slice(),
    }));
    this.#setClassic(member, { sessionTimeoutMs, protocols });
    const hasSubscriptionChanged = this.#update(member, joining);
    if (hasSubscriptionChanged) this.#changed();
    else this.#requireAssignment();
    const reads = assignmentOf(withIds(this.#context.topics, owned));
    this.#reconcile(member, member.position.epoch, reads, hasSubscriptionChanged);
    this.#renew(member);
    this.#noteRebalance();
    member.catchUp.set(member.rebalanceTimeoutMs);
    return {
      ...{ memberId, generation: member.position.epoch, protocolType: this.protocolType },
      ...{ protocol: protocols[0]?.name ?? "", leader: "", skipAssignment: false, members: [] },
    };
  }

  /** SyncGroup, likewise: what a member may read. */
  syncClassic(request: SyncRequest): SyncResult {
    const member = this.#classicMember(request);
    const protocol = member.classic?.protocols[0]?.name ?? "";
    if (
      (request.protocolType ?? this.protocolType) !== this.protocolType ||
      (request.protocol ?? protocol) !== protocol
    ) {
      const message = `member '${member.id}' of group '${this.name}' uses protocol '${protocol}' of type '${this.protocolType}'`;
      throw new RustLogError("INCONSISTENT_GROUP_PROTOCOL", message);
    }
    const { epoch, state } = member.position;
    if (epoch < this.#target.epoch && state !== MEMBER_STATE.UNREVOKED) this.#callBack(member);
    member.catchUp.clear();
    this.#renew(member);
    const { protocolType } = this;
    return { protocolType, protocol, assignment: encodedAssignment(this.#context.topics, member) };
  }

  /** Heartbeat, likewise. Throws REBALANCE_IN_PROGRESS if the member must join again to get its next assignment. */
  heartbeatClassic(request: MemberInGeneration): void {
    const member = this.#classicMember(request);
    this.#renew(member);
    const { epoch, state, assigned } = member.position;
    const isBehind = epoch < this.#target.epoch || state === MEMBER_STATE.UNREVOKED;
    if (isBehind || (state === MEMBER_STATE.UNRELEASED && this.#canHaveMore(member, assigned))) {
      this.#callBack(member);
    }
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
    const member = this.#known(memberId, instanceId);
    const { epoch } = member.position;
    if (generation === epoch) return;
    if (generation > 0 && generation < epoch && partitions.length > 0) {
      const isHeld = partitions.every((each) => this.#isHeldSince(member, each, generation));
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

  expireSilent(ms: number): void {
    for (const member of [...this.#members.values()]) {
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
      members: [...this.#members.values()].map(({ id, instanceId, clientId, clientHost }) => ({
        ...{ memberId: id, instanceId, clientId, clientHost },
        metadata: new Uint8Array(),
        assignment: new Uint8Array(),
      })),
    };
  }

  describeConsumers(): ConsumerGroupDescription {
    return {
      group: this.name,
      state: this.state,
      groupEpoch: this.#groupEpoch,
      assignmentEpoch: this.#target.epoch,
      assignor: this.#target.assignorName,
      members: [...this.#members.values()].map((member) => ({
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
      })),
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
    for (const member of this.#members.values()) clearDeadlines(member);
    this.#subscriptions.close();
    this.#target.close();
    this.#notes.close();
    for (const { classic, bytes } of this.#members.values()) {
      this.#context.memory.add(-bytes - bytesOf(classic));
    }
    this.#context.onMembers(-this.#members.size);
  }

  #intervalFor({ position }: ConsumerMember): number {
    const heartbeatIntervalMs = this.#context.heartbeatIntervalMs();
    const waits =
      position.state === MEMBER_STATE.UNRELEASED || this.#groupEpoch > this.#target.epoch;
    return waits ? Math.min(WAITING_HEARTBEAT_MS, heartbeatIntervalMs) : heartbeatIntervalMs;
  }

  // Joining and leaving

  #join(request: HeartbeatRequest): ConsumerMember {
    const { memberId, instanceId } = request;
    const known = this.#members.get(memberId);
    const before = instanceId === null ? undefined : this.#static.get(instanceId);
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
    if (this.#members.size >= this.#context.membersMax) {
      throw new RustLogError(
        "GROUP_MAX_SIZE_REACHED",
        `group '${this.name}' has ${this.#members.size} members, which is the limit`,
      );
    }
    this.#context.memory.check(bytesOfMember(memberId, request));
    return this.#add(
      memberId,
      { ...request, classic: undefined },
      this.#subscriptions.join([], ""),
    );
  }

  /** Throws GROUP_MAX_SIZE_REACHED if there is no memory for longer names of a member. */
  #checkNames(request: HeartbeatRequest): void {
    const { memberId, instanceId, rackId, clientId, clientHost } = request;
    const member = this.#members.get(memberId) ?? this.#static.get(instanceId ?? "");
    if (member === undefined) return;
    const isSame =
      clientId === member.clientId &&
      clientHost === member.clientHost &&
      (instanceId ?? member.instanceId) === member.instanceId &&
      (rackId ?? member.rackId) === member.rackId &&
      memberId === member.id;
    if (isSame) return;
    const names = {
      ...{ clientId, clientHost, rackId: rackId ?? member.rackId },
      instanceId: instanceId ?? member.instanceId,
    };
    this.#context.memory.check(bytesOfMember(memberId, names) - member.bytes);
  }

  #accountForNames(member: ConsumerMember): void {
    const bytes = bytesOfMember(member.id, member);
    this.#context.memory.add(bytes - member.bytes);
    member.bytes = bytes;
  }

  /** A static member continues under a new member id, with what it had. */
  #replace(member: ConsumerMember, id: string): ConsumerMember {
    const other = this.#members.get(id);
    if (other !== undefined) this.#remove(other);
    this.#notes.member(member.id, NOTED.ALL);
    this.#members.delete(member.id);
    member.id = id;
    this.#members.set(id, member);
    this.#accountForNames(member);
    this.#notes.member(id, NOTED.ALL);
    this.#place(member, { ...member.position, epoch: 0, previousEpoch: 0 });
    return member;
  }

  #add(
    id: string,
    identity: Omit<StoredMember, "id" | "position" | "target" | "topicNames" | "pattern">,
    subscription: Subscription,
  ): ConsumerMember {
    const { clock } = this.#context;
    const member: ConsumerMember = {
      id,
      instanceId: identity.instanceId,
      rackId: identity.rackId,
      clientId: identity.clientId,
      clientHost: identity.clientHost,
      rebalanceTimeoutMs: identity.rebalanceTimeoutMs,
      assignor: identity.assignor,
      subscription,
      position: JOINING,
      target: NOTHING,
      session: new MemberDeadline(clock, () => this.#expire(member)),
      revocation: new MemberDeadline(clock, () => this.#expire(member)),
      classic: undefined,
      bytes: bytesOfMember(id, identity),
      catchUp: new MemberDeadline(clock, () => this.#expire(member)),
      wake: undefined,
    };
    this.#members.set(id, member);
    this.#context.memory.add(member.bytes);
    this.#context.onMembers(1);
    if (member.instanceId !== null) this.#static.set(member.instanceId, member);
    if (this.#isSettled(member)) this.#settled++;
    this.#notes.member(id, NOTED.ALL);
    this.#setClassic(member, identity.classic);
    return member;
  }

  #find(
    { memberId, memberEpoch, instanceId }: HeartbeatRequest,
    owned?: Assignment,
  ): ConsumerMember {
    const member = this.#known(memberId, instanceId);
    const { epoch, previousEpoch, assigned, revoking } = member.position;
    if (memberEpoch === epoch) return member;
    // The response with the new epoch may have been lost.
    const isRepeated = memberEpoch === previousEpoch && memberEpoch < epoch;
    if (isRepeated && owned !== undefined) {
      if (difference(difference(owned, assigned), revoking).size === 0) return member;
    }
    throw new RustLogError(
      "FENCED_MEMBER_EPOCH",
      `member '${memberId}' of group '${this.name}' has epoch ${epoch}, not ${memberEpoch}: it must give up its partitions and join again`,
    );
  }

  #known(memberId: string, instanceId: string | null): ConsumerMember {
    if (instanceId !== null) {
      const member = this.#static.get(instanceId);
      if (member === undefined) {
        throw new RustLogError(
          "UNKNOWN_MEMBER_ID",
          `group '${this.name}' has no instance '${instanceId}'`,
        );
      }
      if (member.id === memberId) return member;
      throw new RustLogError(
        "FENCED_INSTANCE_ID",
        `instance '${instanceId}' of group '${this.name}' is now member '${member.id}', not '${memberId}'`,
      );
    }
    const member = this.#members.get(memberId);
    if (member !== undefined) return member;
    throw new RustLogError("UNKNOWN_MEMBER_ID", `group '${this.name}' has no member '${memberId}'`);
  }

  #leave({ memberId, memberEpoch, instanceId }: HeartbeatRequest): HeartbeatResponse {
    const member = this.#known(memberId, instanceId);
    if (instanceId !== null && memberEpoch === LEAVE_STATIC_EPOCH) {
      // It may come back under another member id, and then has its partitions again.
      this.#place(member, { ...member.position, epoch: LEFT_EPOCH, revoking: NOTHING });
      member.revocation.clear();
    } else {
      this.#remove(member);
      this.#memberWent();
    }
    return { memberId, memberEpoch, ...LEAVING };
  }

  /** Removes a member for an administrator, who may name it by its instance alone. Returns why it can't be removed. */
  removeMember({
    memberId,
    instanceId,
  }: {
    readonly memberId: string;
    readonly instanceId: string | null;
  }): RustLogError | undefined {
    const named = instanceId === null ? undefined : this.#static.get(instanceId);
    try {
      this.#remove(
        memberId === "" && named !== undefined ? named : this.#known(memberId, instanceId),
      );
    } catch (error) {
      if (error instanceof RustLogError) return error;
      throw error;
    }
    this.#memberWent();
    return undefined;
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
    clearDeadlines(member);
    this.#setClassic(member, undefined);
    if (this.#isSettled(member)) this.#settled--;
    this.#members.delete(member.id);
    this.#context.memory.add(-member.bytes);
    this.#context.onMembers(-1);
    if (member.instanceId !== null) this.#static.delete(member.instanceId);
    this.#notes.member(member.id, NOTED.ALL);
    this.#subscriptions.leave(member.subscription);
    this.#hold(member, NOTHING, NOTHING);
    this.#wake(member);
  }

  // Members of the classic protocol

  /** The subscription of a member that joins. Throws INCONSISTENT_GROUP_PROTOCOL. */
  #subscriptionOf({ protocolType, protocols }: JoinRequest): ConsumerSubscription {
    const common = commonProtocols(this.#members.values());
    const isKnown = this.#classic === 0 || protocols.some(({ name }) => common.includes(name));
    const [first] = protocols;
    if (protocolType === this.protocolType && first !== undefined && isKnown) {
      return decodeSubscription(first.metadata);
    }
    const message = `members of group '${this.name}' have the protocols ${common.join(", ")} of type '${this.protocolType}'`;
    throw new RustLogError("INCONSISTENT_GROUP_PROTOCOL", message);
  }

  #classicMember({ memberId, instanceId, generation }: MemberInGeneration): ConsumerMember {
    const member = this.#known(memberId, instanceId);
    if (member.classic === undefined) {
      const message = `member '${memberId}' of group '${this.name}' does not use the classic protocol`;
      throw new RustLogError("UNKNOWN_MEMBER_ID", message);
    }
    const { epoch } = member.position;
    if (generation === epoch) return member;
    const message = `member '${memberId}' of group '${this.name}' is in generation ${epoch}, not ${generation}`;
    throw new RustLogError("ILLEGAL_GENERATION", message);
  }

  /** Tells a member to join again, for which it has its rebalance timeout. */
  #callBack(member: ConsumerMember): never {
    member.catchUp.begin(member.rebalanceTimeoutMs);
    const message = `group '${this.name}' has a new assignment for member '${member.id}', which must join again`;
    throw new RustLogError("REBALANCE_IN_PROGRESS", message);
  }

  /** Whether a partition that the member waits for is free. */
  #canHaveMore(member: ConsumerMember, assigned: Assignment): boolean {
    for (const [topicId, partitions] of difference(member.target, assigned)) {
      if (partitions.some((partition) => this.#holders.of(topicId, partition) === undefined)) {
        return true;
      }
    }
    return false;
  }

  #setClassic(member: ConsumerMember, classic: ClassicMembership | undefined): void {
    const before = member.classic;
    if (before === undefined && classic === undefined) return;
    member.classic = classic;
    if (before === undefined) this.#classic++;
    if (classic === undefined) {
      this.#classic--;
      member.catchUp.clear();
    }
    this.#context.memory.add(bytesOf(classic) - bytesOf(before));
    this.#notes.member(member.id, NOTED.METADATA);
  }

  #renew(member: ConsumerMember, ownTimeoutMs = member.classic?.sessionTimeoutMs): void {
    member.session.set(ownTimeoutMs ?? this.#context.sessionTimeoutMs);
  }

  // Subscriptions

  /** Takes over what a request says about its member. Returns whether it subscribes to something else now. */
  #update(member: ConsumerMember, request: HeartbeatRequest): boolean {
    const { instanceId, rackId, rebalanceTimeoutMs, assignor, clientId, clientHost } = request;
    let isNew = clientId !== member.clientId || clientHost !== member.clientHost;
    if (isNew) Object.assign(member, { clientId, clientHost });
    if (instanceId !== null && instanceId !== member.instanceId) {
      if (member.instanceId !== null) this.#static.delete(member.instanceId);
      this.#static.set(instanceId, member);
      member.instanceId = instanceId;
      isNew = true;
    }
    if (rackId !== null && rackId !== member.rackId) {
      member.rackId = rackId;
      isNew = true;
    }
    const timeoutMs = Math.min(Math.max(rebalanceTimeoutMs, 0), REBALANCE_TIMEOUT_MS_MAX);
    if (rebalanceTimeoutMs !== -1 && timeoutMs !== member.rebalanceTimeoutMs) {
      member.rebalanceTimeoutMs = timeoutMs;
      isNew = true;
    }
    if (assignor !== null && assignor !== member.assignor) {
      member.assignor = assignor;
      isNew = true;
    }
    if (isNew) this.#accountForNames(member);
    const hasSubscriptionChanged = this.#subscribe(member, request);
    if (isNew || hasSubscriptionChanged) this.#notes.member(member.id, NOTED.METADATA);
    // The very first assignment: a member may join without any topic.
    return hasSubscriptionChanged || this.#target.epoch === 0;
  }

  #checkSubscription({ memberId, instanceId, topicNames, pattern, view }: HeartbeatRequest): void {
    if (topicNames === null) return;
    if (topicNames.length > MEMBER_TOPICS_MAX) {
      throw new RustLogError(
        "INVALID_REQUEST",
        `a member names ${topicNames.length} topics, and ${MEMBER_TOPICS_MAX} are allowed`,
      );
    }
    const member = this.#members.get(memberId) ?? this.#static.get(instanceId ?? "");
    this.#subscriptions.check(member?.subscription, topicNames, pattern ?? "", view);
  }

  #subscribe(member: ConsumerMember, { topicNames, pattern, view }: HeartbeatRequest): boolean {
    const before = member.subscription;
    member.subscription = this.#subscriptions.change(before, topicNames, pattern, view);
    const version = member.subscription.view?.version ?? this.#viewVersion;
    const isSeenAnew = version !== this.#viewVersion;
    this.#viewVersion = version;
    return isSeenAnew || member.subscription !== before;
  }

  // The target assignment

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

  #assign(): void {
    const targets = this.#target.compute(this.#groupEpoch);
    for (const member of this.#members.values()) {
      const target = targets.get(member.id) ?? NOTHING;
      if (isSame(target, member.target)) continue;
      member.target = target;
      this.#notes.member(member.id, NOTED.TARGET);
    }
    this.#notes.assignmentEpoch();
    this.#noteTargets();
    for (const member of this.#members.values()) {
      if (member.wake !== undefined && this.#hasNews(member)) this.#wake(member);
    }
  }

  /** Notes who should read which partition, and who is there already. */
  #noteTargets(): void {
    this.#target.noteTargets();
    this.#settled = 0;
    for (const member of this.#members.values()) if (this.#isSettled(member)) this.#settled++;
  }

  get #isTargetComplete(): boolean {
    return this.#target.epoch >= this.#groupEpoch && this.#target.isComplete;
  }

  // The current assignment

  #reconcile(
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
    this.#place(member, position);
    if (position.state === MEMBER_STATE.UNREVOKED) {
      member.revocation.set(member.rebalanceTimeoutMs);
    } else member.revocation.clear();
  }

  #place(member: ConsumerMember, position: Position): void {
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
        if (next !== undefined && next !== member) this.#wake(next);
      });
    }
    const { epoch } = member.position;
    this.#holders.take(member, assigned, epoch);
    this.#holders.take(member, revoking, epoch);
  }

  #isHeldSince(
    member: ConsumerMember,
    { topic, partition }: { readonly topic: string; readonly partition: number },
    epoch: number,
  ): boolean {
    const topicId = this.#context.topics.find(topic)?.id ?? "";
    if (this.#holders.of(topicId, partition) !== member) return false;
    return (this.#holders.since(topicId, partition) ?? epoch + 1) <= epoch;
  }

  #isSettled({ position }: ConsumerMember): boolean {
    return position.state === MEMBER_STATE.STABLE && position.epoch === this.#target.epoch;
  }

  #hasNews({ position, target }: ConsumerMember): boolean {
    return position.epoch !== this.#target.epoch && !isSame(position.assigned, target);
  }

  #wake(member: ConsumerMember): void {
    const { wake } = member;
    member.wake = undefined;
    wake?.();
  }

  #load({ groupEpoch, assignmentEpoch, members }: StoredGroup): void {
    this.#groupEpoch = groupEpoch;
    this.#target.epoch = assignmentEpoch;
    for (const each of members) this.#restoreMember(each);
    this.#noteTargets();
  }

  #restoreMember(stored: StoredMember): void {
    const { topicNames, pattern } = stored;
    const shared = this.#subscriptions.join(topicNames, pattern);
    const member = this.#add(stored.id, stored, shared);
    member.target = stored.target;
    // If damaged records name two holders of a partition, the first keeps it.
    const kept = (held: Assignment): Assignment =>
      filtered(held, (topicId) => (partition) => {
        return this.#holders.of(topicId, partition) === undefined;
      });
    const { assigned, revoking } = stored.position;
    this.#place(member, { ...stored.position, assigned: kept(assigned), revoking: kept(revoking) });
    this.#renew(member);
    if (stored.position.state === MEMBER_STATE.UNREVOKED) {
      member.revocation.set(member.rebalanceTimeoutMs);
    }
  }
}

function bytesOfMember(
  id: string,
  {
    instanceId,
    rackId,
    clientId,
    clientHost,
  }: Pick<ConsumerMember, "instanceId" | "rackId" | "clientId" | "clientHost">,
): number {
  let bytes = 0;
  for (const name of [id, clientId, clientHost, instanceId ?? "", rackId ?? ""]) {
    bytes += Buffer.byteLength(name);
  }
  return CONSUMER_MEMBER_BYTES + keptBytes(bytes);
}

function bytesOf(classic: Pick<ClassicMembership, "protocols"> | undefined): number {
  let bytes = 0;
  for (const { name, metadata } of classic?.protocols ?? []) {
    bytes += PROTOCOL_BYTES + keptBytes(Buffer.byteLength(name) + metadata.length);
  }
  return bytes;
}

function clearDeadlines({ session, revocation, catchUp }: ConsumerMember): void {
  for (const deadline of [session, revocation, catchUp]) deadline.clear();
}
