// The coordinator: all groups with members, by name, and their way into memory and out of it.
// Leaves to others: what happens in a group (classic-group.ts, consumer-group.ts), what is stored of it (group-store.ts), and
// removing what is no longer used (group-expiry.ts, silent-members.ts).
//
// A group is in memory while it has members. Otherwise there is only its record, or only its committed offsets, and both say
// the same: Empty.
import { randomUUID } from "node:crypto";
import { RustLogError } from "../errors.js";
import { GROUP_MEMBERS_MAX, GROUPS_WITH_MEMBERS_MAX } from "../limits.js";
import { nextTurn } from "../log/event-loop.js";
import type { TopicRegistry } from "../topics/topic-registry.js";
import { ClassicGroup, type ClassicGroupContext } from "./classic/classic-group.js";
import {
  checkJoin,
  type JoinAnswer,
  type JoinRequest,
  type MemberInGeneration,
  type SyncRequest,
  type SyncResult,
  unknownMember,
} from "./classic/classic-requests.js";
import { PendingMembers } from "./classic/pending-members.js";
import { ConsumerGroup } from "./consumer/consumer-group.js";
import { ConsumerGroups } from "./consumer/consumer-groups.js";
import type {
  ConsumerGroupDescription,
  ConsumerMemberDescription,
  HeartbeatRequest,
  HeartbeatResponse,
} from "./consumer/consumer-requests.js";
import type { GroupClock } from "./group-clock.js";
import { GroupExpiry } from "./group-expiry.js";
import { groupBytes, GroupMemory } from "./group-memory.js";
import { GroupStore } from "./group-store.js";
import type {
  Abandon,
  Answer,
  CommittingMember,
  Group,
  GroupDescription,
  MemberDescription,
  GroupObserver,
  GroupOverview,
  GroupType,
} from "./group.js";
import { groupNotFound, OffsetStore } from "./offsets/offset-store.js";
import { SilentMembers } from "./silent-members.js";

/** Groups restored in a turn of the event loop. */
const GROUPS_PER_TURN = 1_000;

const NO_OBSERVER: GroupObserver = { rebalanced: () => {}, expired: () => {} };

export interface CoordinatorContext {
  readonly registry: TopicRegistry;
  readonly offsets: OffsetStore;
  readonly clock: GroupClock;
  /** Time that an empty group waits for more members, in milliseconds. */
  readonly initialRebalanceDelayMs: number;
  readonly membersMax?: number;
  /** How long offsets are kept that no member uses, in milliseconds; -1, the default, for ever. */
  readonly offsetsRetentionMs?: number;
  /** For tests. */
  readonly unusedGroupsMax?: number;
  readonly memoryBytesMax?: number;
  readonly observer?: GroupObserver;
  readonly report: (line: string) => void;
}

export class GroupCoordinator {
  readonly #context: CoordinatorContext;
  readonly #groups = new Map<string, Group>();
  readonly #classic: ClassicGroupContext;
  readonly #consumers: ConsumerGroups;
  readonly #store: GroupStore;
  readonly #memory: GroupMemory;
  readonly #pending: PendingMembers;
  readonly #expiry: GroupExpiry;
  readonly #silentMembers: SilentMembers;

  private constructor(context: CoordinatorContext) {
    this.#context = context;
    const { registry, offsets, clock, observer = NO_OBSERVER, report } = context;
    const { initialRebalanceDelayMs, membersMax = GROUP_MEMBERS_MAX } = context;
    const store = new GroupStore(offsets, report);
    const memory = new GroupMemory(context.memoryBytesMax, () => this.#silentMembers.searchSoon());
    const pending = new PendingMembers(clock);
    this.#store = store;
    this.#memory = memory;
    this.#pending = pending;
    this.#silentMembers = new SilentMembers({
      ...{ clock, memory, store },
      groups: () => this.#groups.values(),
    });
    const { offsetsRetentionMs, unusedGroupsMax } = context;
    this.#expiry = new GroupExpiry({
      ...{ offsets, store, clock, offsetsRetentionMs, unusedGroupsMax, report },
      find: (name) => this.#groups.get(name),
    });
    this.#classic = {
      ...{ clock, initialRebalanceDelayMs, membersMax, observer, memory, pending },
      newMemberId: (name) => `${name}-${randomUUID()}`,
      store: (group, record) => store.write(group, () => store.classicRecords(group, record)),
      emptied: (group) => this.#emptied(group),
    };
    this.#consumers = new ConsumerGroups({
      ...{ registry, clock, membersMax, observer, report, memory },
      write: (group, records) => store.write(group, records),
      replaced: (group) => store.classicTombstones(group),
      classicOnly: (group) => this.#toClassic(group),
      emptied: (group) => this.#emptied(group),
    });
  }

  /** Restores the groups that have members. Their sessions begin now. */
  static async open(context: CoordinatorContext): Promise<GroupCoordinator> {
    const coordinator = new GroupCoordinator(context);
    let seen = 0;
    for (const group of coordinator.#store.names()) {
      await coordinator.#restore(group);
      if (++seen % GROUPS_PER_TURN === 0) await nextTurn();
    }
    coordinator.#expiry.schedule();
    return coordinator;
  }

  /** Stops all timers. The protocols have ended the requests that wait. */
  async close(): Promise<void> {
    await Promise.all([this.#expiry.close(), this.#silentMembers.close()]);
    // A write that completes may give a member a new session, so the timers end after the last one.
    while (this.#store.isWriting) await this.#store.written();
    await nextTurn();
    for (const group of this.#groups.values()) group.close();
    this.#consumers.close();
    this.#pending.close();
  }

  /** Number of groups in memory. */
  get size(): number {
    return this.#groups.size;
  }

  /** Memory that groups and members are accounted for, in bytes. */
  get memoryBytes(): number {
    return this.#memory.bytes;
  }

  /** JoinGroup. Returns how to end the wait, if the request has to wait. */
  join(name: string, request: JoinRequest, answer: JoinAnswer): Abandon | undefined {
    const { memberId } = request;
    try {
      OffsetStore.checkGroup(name);
      checkJoin(request);
      const group = this.#groups.get(name);
      if (group instanceof ConsumerGroup && group.memberCount > 0) {
        const newMemberId = this.#classic.newMemberId(request.instanceId ?? request.clientId);
        this.#consumers.joinClassic(group, request, newMemberId, answer);
        return undefined;
      }
      return this.#classicGroup(name, memberId).join(request, answer);
    } catch (error) {
      if (!(error instanceof RustLogError)) throw error;
      answer({ error, memberId });
      return undefined;
    }
  }

  /** SyncGroup, likewise. */
  sync(name: string, request: SyncRequest, answer: Answer<SyncResult>): Abandon | undefined {
    try {
      OffsetStore.checkGroup(name);
      const group = this.#groups.get(name);
      if (group instanceof ConsumerGroup) {
        this.#consumers.syncClassic(group, request, answer);
        return undefined;
      }
      return this.#knownClassicGroup(name, request.memberId).sync(request, answer);
    } catch (error) {
      if (!(error instanceof RustLogError)) throw error;
      answer(error);
      return undefined;
    }
  }

  /** Heartbeat. Throws what the member has to know. */
  heartbeat(name: string, member: MemberInGeneration): void {
    OffsetStore.checkGroup(name);
    const group = this.#groups.get(name);
    if (group instanceof ConsumerGroup) group.heartbeatClassic(member);
    else this.#knownClassicGroup(name, member.memberId).heartbeat(member);
  }

  /** LeaveGroup. Returns the error of each member, in order. */
  leave(
    name: string,
    members: readonly { readonly memberId: string; readonly instanceId: string | null }[],
  ): readonly (RustLogError | undefined)[] {
    OffsetStore.checkGroup(name);
    const group = this.#groups.get(name);
    if (group instanceof ClassicGroup) return group.leave(members);
    if (group instanceof ConsumerGroup) return this.#consumers.remove(group, members);
    return members.map(({ memberId }) =>
      this.#pending.take(name, memberId) ? undefined : unknownMember(name, memberId),
    );
  }

  /**
   * The heartbeat of a member of a consumer group, with which it also joins and leaves. Rejects or throws what the member has
   * to know: GROUP_NOT_FOUND, UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, UNRELEASED_INSTANCE_ID, FENCED_INSTANCE_ID,
   * GROUP_MAX_SIZE_REACHED, UNSUPPORTED_ASSIGNOR, INVALID_REGULAR_EXPRESSION, INVALID_REQUEST, COORDINATOR_NOT_AVAILABLE.
   */
  consumerHeartbeat(
    name: string,
    request: HeartbeatRequest,
  ): HeartbeatResponse | Promise<HeartbeatResponse> {
    OffsetStore.checkGroup(name);
    return this.#consumers.checked(request, () =>
      this.#consumers.heartbeat(this.#consumerGroup(name, request), request),
    );
  }

  /** Calls `wake` once there is news for a member of a consumer group, as `ConsumerGroup.onNews` does. */
  onNews(name: string, memberId: string, wake: (() => void) | undefined): void {
    const group = this.#groups.get(name);
    if (group instanceof ConsumerGroup) group.onNews(memberId, wake);
    else wake?.();
  }

  /** Throws GROUP_NOT_FOUND if there is no consumer group of this name. */
  describeConsumers(name: string): ConsumerGroupDescription {
    const group = this.#groups.get(name);
    if (group instanceof ConsumerGroup) return group.describeConsumers();
    if (group === undefined && this.#store.isConsumer(name)) {
      return this.#storedConsumerGroup(name).describeConsumers();
    }
    if (!this.has(name)) {
      throw new RustLogError("GROUP_NOT_FOUND", `group '${name}' does not exist`);
    }
    throw new RustLogError("GROUP_NOT_FOUND", `group '${name}' is not a consumer group`);
  }

  /**
   * Throws unless a commit is allowed: UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, FENCED_INSTANCE_ID, REBALANCE_IN_PROGRESS,
   * STALE_MEMBER_EPOCH; and GROUP_NOT_FOUND for a member of a group that does not exist. Counts as a heartbeat.
   */
  checkCommit(name: string, member: CommittingMember): void {
    const group = this.#groups.get(name);
    if (group !== undefined) {
      group.checkCommit(member);
      return;
    }
    // Like Kafka, whatever member id comes with it.
    if (member.generation < 0) return;
    if (!this.has(name)) throw groupNotFound(name);
    throw unknownMember(name, member.memberId);
  }

  /** Throws unless a member may fetch offsets. As in Kafka, only members of a consumer group are checked. */
  checkFetch(name: string, member: CommittingMember): void {
    const group = this.#groups.get(name);
    const isMember = member.memberId !== "" || member.generation >= 0;
    if (group?.type === "consumer" && isMember) group.checkCommit(member);
  }

  /** Whether a group exists: it has members, a record, or offsets. */
  has(name: string): boolean {
    return this.isKnown(name) || this.#context.offsets.topicsOf(name).length > 0;
  }

  /** Number of members of a group. */
  memberCount(name: string): number {
    return this.#groups.get(name)?.memberCount ?? 0;
  }

  /** Whether a member reads the topic. */
  isSubscribedTo(name: string, topic: string): boolean {
    return this.#groups.get(name)?.isSubscribedTo(topic) ?? false;
  }

  /** The groups in memory. Groups may come and go while the caller iterates. */
  inMemory(): IterableIterator<Group> {
    return this.#groups.values();
  }

  /** A group in memory. */
  find(name: string): Group | undefined {
    return this.#groups.get(name);
  }

  overview(name: string): GroupOverview | undefined {
    const group = this.#groups.get(name);
    if (group !== undefined) {
      const { type, state, protocolType } = group;
      return { group: name, type, state, protocolType };
    }
    if (this.#store.isConsumer(name)) {
      return { group: name, type: "consumer", state: "Empty", protocolType: "consumer" };
    }
    const record = this.#store.classic(name);
    const exists =
      record !== undefined ||
      this.#context.offsets.topicsOf(name).length > 0 ||
      this.#pending.isExpected(name);
    if (!exists) return undefined;
    const protocolType = record?.protocolType ?? "";
    return { group: name, type: "classic", state: "Empty", protocolType };
  }

  /** Undefined if the group does not exist. */
  describe(name: string): GroupDescription | undefined {
    const group = this.#groups.get(name);
    if (group !== undefined) return group.describe();
    const overview = this.overview(name);
    if (overview === undefined) return undefined;
    const generation = this.#store.classic(name)?.generation ?? 0;
    const assignmentEpoch =
      overview.type === "consumer"
        ? this.#storedConsumerGroup(name).describe().assignmentEpoch
        : undefined;
    return { ...overview, protocol: "", generation, assignmentEpoch };
  }

  /** The members of a group, one after another, if it is a classic one: the caller may yield between two. */
  classicMembers(name: string): Iterable<MemberDescription> {
    const group = this.#groups.get(name);
    return group instanceof ClassicGroup ? group.described() : [];
  }

  /** Likewise if it is a consumer group. */
  consumerMembers(name: string): Iterable<ConsumerMemberDescription> {
    const group = this.#groups.get(name);
    return group instanceof ConsumerGroup ? group.described() : [];
  }

  /** Whether `names` has the group. */
  isKnown(name: string): boolean {
    return this.#groups.has(name) || this.#store.has(name);
  }

  /** Names of all groups that have members or a record; those that only have offsets are in the table of offsets. */
  *names(): Generator<string, void> {
    yield* this.#store.names();
    for (const name of this.#groups.keys()) if (!this.#store.has(name)) yield name;
  }

  /**
   * Deletes a group without members: its record and its offsets. Rejects with NON_EMPTY_GROUP, GROUP_NOT_FOUND, and the
   * errors of the offset store.
   */
  async delete(name: string): Promise<void> {
    const { offsets } = this.#context;
    offsets.checkOnline();
    const group = this.#groups.get(name);
    if (group !== undefined && group.memberCount > 0) {
      throw new RustLogError("NON_EMPTY_GROUP", `group '${name}' has members`);
    }
    // Still in memory if it could not be stored when its last member went: it must not be stored later.
    this.#drop(name);
    const hasRecords = this.#store.has(name);
    if (hasRecords) await this.#store.write(name, () => this.#store.tombstones(name));
    try {
      await offsets.deleteGroup(name);
    } catch (error) {
      const isMissing = error instanceof RustLogError && error.code === "GROUP_NOT_FOUND";
      if (!isMissing || !(hasRecords || group !== undefined)) throw error;
    }
  }

  /** Keeps a group in memory, in the place of another one of its name. */
  #keep(group: Group): void {
    this.#forget(group.name);
    this.#groups.set(group.name, group);
    this.#memory.add(groupBytes(group.name, group.type));
  }

  #forget(name: string): void {
    const group = this.#groups.get(name);
    if (group === undefined) return;
    this.#groups.delete(name);
    this.#memory.add(-groupBytes(name, group.type));
  }

  #drop(name: string): void {
    this.#groups.get(name)?.close();
    this.#forget(name);
  }

  /** A group that was stored late may have a successor of its name. */
  #emptied(group: Group): void {
    const { name } = group;
    if (this.#groups.get(name) !== group) return;
    this.#drop(name);
    if (this.#store.has(name)) this.#expiry.emptied();
  }

  /** The group that a JoinGroup names; created for a new member. */
  #classicGroup(name: string, memberId: string): ClassicGroup {
    // A member with an id comes back to a group that must exist.
    const known = this.#groups.get(name);
    const isGone =
      known !== undefined && !(known instanceof ClassicGroup) && known.memberCount === 0;
    const isNew = memberId === "" || this.#pending.has(name, memberId);
    if ((known !== undefined && !isGone) || !isNew) {
      return this.#knownClassicGroup(name, memberId);
    }
    this.#checkNewGroup(name, "classic");
    this.#drop(name);
    const group = new ClassicGroup(name, this.#classic, this.#store.classic(name));
    this.#keep(group);
    return group;
  }

  /** Throws UNKNOWN_MEMBER_ID if there is no such group. */
  #knownClassicGroup(name: string, memberId: string): ClassicGroup {
    const known = this.#groups.get(name);
    if (known === undefined) throw unknownMember(name, memberId);
    if (known instanceof ClassicGroup) return known;
    if (memberId !== "") throw unknownMember(name, memberId);
    const message = `group '${name}' is a ${known.type} group`;
    throw new RustLogError("INCONSISTENT_GROUP_PROTOCOL", message);
  }

  /** The group that a heartbeat names; created for a member that joins. */
  #consumerGroup(name: string, { memberId, memberEpoch }: HeartbeatRequest): ConsumerGroup {
    const isJoining = memberEpoch === 0;
    const known = this.#groups.get(name);
    if (known instanceof ConsumerGroup) return known;
    if (!isJoining) {
      if (this.#store.isConsumer(name)) throw unknownMember(name, memberId);
      throw new RustLogError(
        "GROUP_NOT_FOUND",
        `there is no consumer group '${name}' with members`,
      );
    }
    if (known instanceof ClassicGroup && known.memberCount > 0) return this.#toConsumers(known);
    this.#checkNewGroup(name, "consumer");
    this.#drop(name);
    const group = this.#storedConsumerGroup(name);
    this.#keep(group);
    return group;
  }

  /** Makes a classic group one that the broker assigns; its members stay (KIP-848's online migration). */
  #toConsumers(classic: ClassicGroup): ConsumerGroup {
    const { name, protocolType, generation } = classic;
    if (protocolType !== "consumer") {
      const message = `group '${name}' has members of type '${protocolType}', which are not consumers`;
      throw new RustLogError("GROUP_NOT_FOUND", message);
    }
    let group: ConsumerGroup;
    try {
      group = this.#consumers.convert(name, generation, classic.memberStates);
    } catch (error) {
      if (!(error instanceof RustLogError)) throw error;
      throw new RustLogError(
        "GROUP_NOT_FOUND",
        `group '${name}' can't be converted: ${error.message}`,
      );
    }
    this.#keep(group);
    classic.handOver();
    return group;
  }

  /** The reverse: all members left use the classic protocol, and assign among themselves again. */
  #toClassic(group: ConsumerGroup): Promise<void> {
    const { name } = group;
    if (this.#groups.get(name) !== group) return this.#store.writeOf(name) ?? Promise.resolve();
    const record = group.toClassic();
    group.close();
    const classic = new ClassicGroup(name, this.#classic, record);
    this.#keep(classic);
    const written = this.#store.write(name, () => this.#store.classicRecords(name, record));
    classic.rebalance();
    return written;
  }

  /** A consumer group without members, as it was stored, or a new one. */
  #storedConsumerGroup(name: string): ConsumerGroup {
    return this.#consumers.empty(name, this.#consumers.decode(name, this.#store.recordsOf(name)));
  }

  #checkNewGroup(name: string, type: GroupType): void {
    this.#checkOnline(name);
    this.#memory.check(groupBytes(name, type));
    if (this.#groups.size < GROUPS_WITH_MEMBERS_MAX) return;
    const message = `the broker has ${GROUPS_WITH_MEMBERS_MAX} groups with members, the maximum`;
    throw new RustLogError("GROUP_MAX_SIZE_REACHED", message);
  }

  #checkOnline(name: string): void {
    try {
      this.#context.offsets.checkOnline();
    } catch (error) {
      const message = `group '${name}' can't be stored`;
      throw new RustLogError("COORDINATOR_NOT_AVAILABLE", message, { cause: error });
    }
  }

  async #restore(name: string): Promise<void> {
    const record = this.#store.classic(name);
    if (record !== undefined) {
      if (record.members.length === 0) return;
      this.#keep(new ClassicGroup(name, this.#classic, record));
      return;
    }
    const stored = this.#consumers.decode(name, this.#store.recordsOf(name));
    if (stored === undefined || stored.members.length === 0) return;
    this.#keep(await this.#consumers.restore(name, stored));
  }
}
