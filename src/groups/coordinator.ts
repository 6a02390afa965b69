// The coordinator: all groups with members, by name, and their way into memory and out of it.
// Leaves to others: what happens in a group (classic-group.ts, consumer-group.ts), and storing records and offsets
// (offset-store.ts).
//
// A group is in memory while it has members. Otherwise there is only its record, or only its committed offsets, and both say
// the same: Empty.
import { randomUUID } from "node:crypto";
import { RustLogError } from "../errors.js";
import { GROUP_MEMBERS_MAX, GROUPS_WITH_MEMBERS_MAX, MEMBER_PROTOCOLS_MAX } from "../limits.js";
import { nextTurn } from "../log/event-loop.js";
import type { TopicRegistry } from "../topics/topic-registry.js";
import { ClassicGroup, type ClassicGroupContext } from "./classic-group.js";
import {
  type JoinAnswer,
  type JoinRequest,
  type MemberInGeneration,
  type SyncRequest,
  type SyncResult,
  unknownMember,
} from "./classic-requests.js";
import { ConsumerGroup } from "./consumer-group.js";
import type {
  ConsumerGroupDescription,
  ConsumerMemberDescription,
  HeartbeatRequest,
  HeartbeatResponse,
} from "./consumer-requests.js";
import { ConsumerGroups, MEMBER_NAME_LENGTH_MAX } from "./consumer-groups.js";
import { consumerGroupKey, isConsumerGroupKey } from "./consumer-group-record.js";
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
import type { GroupClock } from "./group-clock.js";
import { groupBytes, GroupMemory } from "./group-memory.js";
import {
  decodeGroupRecord,
  encodeGroupKey,
  encodeGroupRecord,
  GROUP_KEY_VERSION,
  type GroupRecord,
  keyVersion,
} from "./group-record.js";
import type { GroupRecordChange } from "./group-record-table.js";
import { OffsetExpiry } from "./offset-expiry.js";
import { groupNotFound, OffsetStore } from "./offset-store.js";
import type { OffsetRow } from "./offset-table.js";
import { PendingMembers } from "./pending-members.js";

/** Groups looked at in a turn of the event loop. */
const GROUPS_PER_TURN = 1_000;

/** Groups without members and offsets whose records are deleted in one batch. */
const GROUPS_PER_BATCH = 500;

/**
 * After so many groups have lost their last member, those without offsets are deleted ahead of time: somebody joins and
 * leaves under ever new names.
 */
const UNUSED_GROUPS_MAX = 100_000;

/**
 * While memory is scarce, a member that is silent for so long is removed, in milliseconds. Clients send heartbeats every few
 * seconds, however long their session is.
 */
const SILENT_MS = 60_000;

/** Time between two searches for such members, in milliseconds. */
const RECLAIM_MS = 5_000;

/** Groups searched in a turn of the event loop. */
const SILENT_GROUPS_PER_TURN = 100;

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
  /** The last write of a group's records. */
  readonly #writes = new Map<string, Promise<void>>();
  readonly #memory: GroupMemory;
  readonly #pending: PendingMembers;
  readonly #offsetExpiry: OffsetExpiry;
  readonly #unusedGroupsMax: number;
  #cancelExpiry: (() => void) | undefined;
  #isExpiring = false;
  /** Groups whose last member has gone since unused ones were looked for. */
  #emptiedGroups = 0;
  #expiry: Promise<void> = Promise.resolve();
  #isClosed = false;
  #reclaim: Promise<void> | undefined;
  /** Set from one search for silent members until the next may begin. */
  #cancelReclaim: (() => void) | undefined;

  private constructor(context: CoordinatorContext) {
    this.#context = context;
    this.#unusedGroupsMax = context.unusedGroupsMax ?? UNUSED_GROUPS_MAX;
    this.#offsetExpiry = new OffsetExpiry({
      ...{ offsets: context.offsets, clock: context.clock, report: context.report },
      retentionMs: context.offsetsRetentionMs ?? -1,
      idleSince: (row) => this.#idleSince(row),
      isStopped: () => this.#isClosed,
    });
    const { registry, clock, observer = NO_OBSERVER, report } = context;
    const { initialRebalanceDelayMs, membersMax = GROUP_MEMBERS_MAX } = context;
    this.#pending = new PendingMembers(clock);
    this.#memory = new GroupMemory(context.memoryBytesMax, () => this.#reclaimSoon());
    this.#classic = {
      ...{ clock, initialRebalanceDelayMs, membersMax, observer },
      ...{ memory: this.#memory, pending: this.#pending },
      newMemberId: (name) => `${name}-${randomUUID()}`,
      store: (group, record) => this.write(group, () => this.#classicRecords(group, record)),
      emptied: (group) => this.#emptied(group),
    };
    this.#consumers = new ConsumerGroups({
      ...{ registry, clock, membersMax, observer, report },
      memory: this.#memory,
      write: (group, records) => this.write(group, records),
      replaced: (group) => this.#tombstones(group, (version) => version === GROUP_KEY_VERSION),
      classicOnly: (group) => this.#toClassic(group),
      emptied: (group) => this.#emptied(group),
    });
  }

  /** Restores the groups that have members. Their sessions begin now. */
  static async open(context: CoordinatorContext): Promise<GroupCoordinator> {
    const coordinator = new GroupCoordinator(context);
    let seen = 0;
    for (const group of context.offsets.groupRecords.groups()) {
      await coordinator.#restore(group);
      if (++seen % GROUPS_PER_TURN === 0) await nextTurn();
    }
    coordinator.#scheduleExpiry();
    return coordinator;
  }

  /** Stops all timers. Requests that wait have been ended by whoever sent them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelExpiry?.();
    this.#cancelReclaim?.();
    await this.#expiry;
    await this.#reclaim;
    // A write that completes may give a member a new session, so the timers end after the last one.
    while (this.#writes.size > 0) await Promise.all(this.#writes.values());
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
    if (group === undefined && this.#isEmptyConsumerGroup(name)) {
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
    if (this.#isEmptyConsumerGroup(name)) {
      return { group: name, type: "consumer", state: "Empty", protocolType: "consumer" };
    }
    const record = this.#record(name);
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
    const generation = this.#record(name)?.generation ?? 0;
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
    return this.#groups.has(name) || this.#context.offsets.groupRecords.has(name);
  }

  /** Names of all groups that have members or a record; those that only have offsets are in the table of offsets. */
  *names(): Generator<string, void> {
    const { groupRecords } = this.#context.offsets;
    yield* groupRecords.groups();
    for (const name of this.#groups.keys()) if (!groupRecords.has(name)) yield name;
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
    const hasRecords = offsets.groupRecords.has(name);
    if (hasRecords) await this.write(name, () => this.#tombstones(name, () => true));
    try {
      await offsets.deleteGroup(name);
    } catch (error) {
      const isMissing = error instanceof RustLogError && error.code === "GROUP_NOT_FOUND";
      if (!isMissing || !(hasRecords || group !== undefined)) throw error;
    }
  }

  /** Writes records of a group, one write after another. `changes` is called when it is their turn. */
  write(name: string, changes: () => readonly GroupRecordChange[]): Promise<void> {
    const before = this.#writes.get(name);
    const { offsets } = this.#context;
    const write =
      before === undefined
        ? offsets.writeGroupRecords(changes())
        : before.then(() => offsets.writeGroupRecords(changes()));
    this.#follow(name, write, (error) => {
      const reason = error instanceof Error ? error.message : String(error);
      this.#context.report(`group '${name}' could not be stored: ${reason}`);
    });
    return write;
  }

  /** Lets later writes of a group wait for this one. */
  #follow(name: string, write: Promise<void>, onFailed: (error: unknown) => void): void {
    const settled = write.catch(onFailed).finally(() => {
      if (this.#writes.get(name) === settled) this.#writes.delete(name);
    });
    this.#writes.set(name, settled);
  }

  /** Tombstones for the records of a group whose key has a version to be deleted. */
  #tombstones(name: string, isDeleted: (keyVersion: number) => boolean): GroupRecordChange[] {
    const tombstones: GroupRecordChange[] = [];
    for (const [key] of this.#context.offsets.groupRecords.of(name)) {
      if (isDeleted(keyVersion(key))) tombstones.push([key, null]);
    }
    return tombstones;
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
    if (!this.#context.offsets.groupRecords.has(name)) return;
    if (++this.#emptiedGroups === this.#unusedGroupsMax && !this.#isExpiring) {
      this.#scheduleExpiry(0);
    }
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
    const group = new ClassicGroup(name, this.#classic, this.#record(name));
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
      if (this.#isEmptyConsumerGroup(name)) throw unknownMember(name, memberId);
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
    if (this.#groups.get(name) !== group) return this.#writes.get(name) ?? Promise.resolve();
    const record = group.toClassic();
    group.close();
    const classic = new ClassicGroup(name, this.#classic, record);
    this.#keep(classic);
    const written = this.write(name, () => this.#classicRecords(name, record));
    classic.rebalance();
    return written;
  }

  #classicRecords(name: string, record: GroupRecord): GroupRecordChange[] {
    const tombstones = this.#tombstones(name, isConsumerGroupKey);
    return [...tombstones, [encodeGroupKey(name), encodeGroupRecord(record)]];
  }

  /** A consumer group without members, as it was stored, or a new one. */
  #storedConsumerGroup(name: string): ConsumerGroup {
    const records = this.#context.offsets.groupRecords.of(name);
    return this.#consumers.empty(name, this.#consumers.decode(name, records));
  }

  /** Whether a group without members was a consumer group, by its records. */
  #isEmptyConsumerGroup(name: string): boolean {
    const { groupRecords } = this.#context.offsets;
    return groupRecords.get(name, consumerGroupKey(name)) !== undefined;
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

  /** The record of a classic group. */
  #record(name: string): GroupRecord | undefined {
    const value = this.#context.offsets.groupRecords.get(name, encodeGroupKey(name));
    return value === undefined ? undefined : decodeGroupRecord(value);
  }

  async #restore(name: string): Promise<void> {
    const record = this.#record(name);
    if (record !== undefined) {
      if (record.members.length === 0) return;
      this.#keep(new ClassicGroup(name, this.#classic, record));
      return;
    }
    const { groupRecords } = this.#context.offsets;
    const stored = this.#consumers.decode(name, groupRecords.of(name));
    if (stored === undefined || stored.members.length === 0) return;
    this.#keep(await this.#consumers.restore(name, stored));
  }

  #scheduleExpiry(ms = this.#offsetExpiry.checkMs): void {
    this.#cancelExpiry?.();
    this.#cancelExpiry = this.#context.clock.after(ms, () => {
      this.#isExpiring = true;
      this.#emptiedGroups = 0;
      this.#expiry = this.#offsetExpiry
        .run()
        .then(() => this.#expireRecords())
        .catch((error: unknown) =>
          this.#context.report(`unused groups were not removed: ${String(error)}`),
        )
        .then(() => {
          this.#isExpiring = false;
          const isSoon = this.#emptiedGroups >= this.#unusedGroupsMax;
          if (!this.#isClosed) this.#scheduleExpiry(isSoon ? 0 : undefined);
        });
    });
  }

  /** While memory is scarce, looks for members that are silent, now and then. */
  #reclaimSoon(): void {
    if (this.#isClosed || this.#cancelReclaim !== undefined) return;
    this.#cancelReclaim = this.#context.clock.after(RECLAIM_MS, () => {
      this.#reclaim = this.#expireSilent().finally(() => {
        this.#cancelReclaim = undefined;
        if (this.#memory.isScarce) this.#reclaimSoon();
      });
    });
  }

  async #expireSilent(): Promise<void> {
    let seen = 0;
    for (const group of this.#groups.values()) {
      if (this.#isClosed) return;
      group.expireSilent(SILENT_MS);
      if (++seen % SILENT_GROUPS_PER_TURN > 0) continue;
      // Those that lost their last member are being stored.
      await Promise.all(this.#writes.values());
      await nextTurn();
    }
  }

  /**
   * Since when no member uses an offset; undefined if one does or may. As in Kafka, except that every commit renews, even one
   * without membership after the members have left.
   */
  #idleSince({ group: name, topic, commitTimestamp }: OffsetRow): number | undefined {
    const group = this.#groups.get(name);
    if (group === undefined || group.memberCount === 0) {
      return Math.max(commitTimestamp, this.#record(name)?.currentStateTimestamp ?? -1);
    }
    const isKnown =
      group.type === "consumer" || (group.state === "Stable" && group.protocolType === "consumer");
    return isKnown && !group.isSubscribedTo(topic) ? commitTimestamp : undefined;
  }

  /** Deletes the records of groups that have neither members nor offsets. */
  async #expireRecords(): Promise<void> {
    const { groupRecords } = this.#context.offsets;
    let unused: string[] = [];
    let seen = 0;
    for (const name of groupRecords.groups()) {
      if (this.#isClosed) return;
      if (this.#isUnused(name)) unused.push(name);
      if (unused.length === GROUPS_PER_BATCH) {
        await this.#deleteRecords(unused);
        unused = [];
      }
      if (++seen % GROUPS_PER_TURN === 0) await nextTurn();
    }
    await this.#deleteRecords(unused);
  }

  async #deleteRecords(names: readonly string[]): Promise<void> {
    // Some may have been joined since.
    const unused = names.filter((name) => this.#isUnused(name));
    if (unused.length === 0) return;
    const tombstones = unused.flatMap((name) => this.#tombstones(name, () => true));
    const written = this.#context.offsets.writeGroupRecords(tombstones);
    for (const name of unused) this.#follow(name, written, () => {});
    await written;
  }

  #isUnused(name: string): boolean {
    const isInUse = this.#groups.has(name) || this.#writes.has(name);
    return !isInUse && this.#context.offsets.topicsOf(name).length === 0;
  }
}

/** Throws INVALID_REQUEST. */
function checkJoin({ protocols, instanceId }: JoinRequest): void {
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
