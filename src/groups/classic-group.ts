// A group of Kafka's classic protocol: its members agree on an assignor, one of them, the leader, assigns, and the broker
// hands the assignments out. The broker never looks into them.
// Leaves to others: the members as a collection (classic-members.ts), which groups there are (coordinator.ts), and storing
// them (offset-store.ts).
//
//                    a member joins                       all members joined, or the time is up
//   Empty ──────────────────────────▶ PreparingRebalance ─────────────────────────────────────▶ CompletingRebalance
//     ▲      no members left             │         ▲         a member joins or goes                     │
//     └──────────────────────────────────┘         ├────────────────────────────────────────────────────┤
//                                                  │                                                    │ the leader sends
//                                                Stable ◀──────────────────────────────────────────────┘ the assignments
//
// All work happens in the calls from outside and in timers, each of which leaves a consistent group. Answers to waiting
// requests are given at the end of a call, because their receiver may call again at once.
import { RustLogError } from "../errors.js";
import { NO_BYTES } from "../record/bytes.js";
import {
  type ClassicMember,
  ClassicMembers,
  haveSame,
  type MemberSize,
  metadataOf,
  preferring,
  rebalanceTimeoutOf,
  sizeOf,
} from "./classic-members.js";
import {
  checkSessionTimeout,
  copiesOf,
  fencedInstance,
  type JoinAnswer,
  type JoinRequest,
  type JoinResult,
  type MemberInGeneration,
  rebalanceInProgress,
  type SyncRequest,
  type SyncResult,
  unavailable,
  unknownMember,
} from "./classic-requests.js";
import type { ClassicMemberState } from "./consumer-member.js";
import {
  type Abandon,
  type Answer,
  type CommittingMember,
  type Group,
  type GroupDescription,
  type MemberDescription,
  type GroupObserver,
  type GroupState,
  STORE_AGAIN_MS,
} from "./group.js";
import { Deadline, type GroupClock, MemberDeadline } from "./group-clock.js";
import { type GroupMemory, keptBytes } from "./group-memory.js";
import type { GroupRecord } from "./group-record.js";
import type { PendingMembers } from "./pending-members.js";

/** What a group needs from the coordinator. */
export interface ClassicGroupContext {
  readonly clock: GroupClock;
  /** Time that an empty group waits for more members, in milliseconds. */
  readonly initialRebalanceDelayMs: number;
  /** Most members of a group. */
  readonly membersMax: number;
  /** An id for a new member, which begins with this name. */
  newMemberId(name: string): string;
  /** Stores the group. Resolves once a restart would find it. */
  store(group: string, record: GroupRecord): Promise<void>;
  /** The account of all groups. */
  readonly memory: GroupMemory;
  /** The ids that were given out in all groups. */
  readonly pending: PendingMembers;
  readonly observer: GroupObserver;
  /** Called when the group may have no members left, so that it need not stay in memory. */
  emptied(group: ClassicGroup): void;
}

export class ClassicGroup implements Group {
  readonly type = "classic";
  readonly name: string;
  readonly #context: ClassicGroupContext;
  #state: GroupState = "Empty";
  /** When the state began, in milliseconds since the epoch. */
  #stateSince: number;
  #generation = 0;
  #protocolType = "";
  #protocol: string | null = null;
  readonly #members: ClassicMembers;
  #missingSyncs = 0;
  /** The generation whose assignments are being stored, or were. */
  #assigning: number | undefined;
  /** Whether this rebalance is the first one of an empty group, which waits for a time, and not for members. */
  #isInitial = false;
  #initialLeftMs = 0;
  #hasNewMember = false;
  #rebalanceSince = 0;
  readonly #joinTimer: Deadline;
  readonly #syncTimer: Deadline;
  /** Set while nobody but clients with new ids is waited for: the first of their ids expires. */
  readonly #pendingTimer: Deadline;
  #answers: (() => void)[] = [];
  #stores = 0;
  #isStored = true;

  constructor(name: string, context: ClassicGroupContext, record?: GroupRecord) {
    this.name = name;
    this.#context = context;
    this.#members = new ClassicMembers(name, context.memory);
    this.#joinTimer = new Deadline(context.clock, () => this.#run(() => this.#joinTimeIsUp()));
    this.#syncTimer = new Deadline(context.clock, () => this.#run(() => this.#syncTimeIsUp()));
    this.#pendingTimer = new Deadline(context.clock, () =>
      this.#run(() => this.#completeJoinIfReady()),
    );
    this.#stateSince = record?.currentStateTimestamp ?? context.clock.time();
    if (record !== undefined) this.#restore(record);
  }

  get state(): GroupState {
    return this.#state;
  }

  get protocolType(): string {
    return this.#protocolType;
  }

  get generation(): number {
    return this.#generation;
  }

  get memberCount(): number {
    return this.#members.size;
  }

  /** Whether its record says all that there is to know, so that the group need not stay in memory. */
  get isIdle(): boolean {
    return this.#state === "Empty" && this.#stores === 0 && this.#isStored;
  }

  describe(): GroupDescription {
    return {
      group: this.name,
      type: this.type,
      state: this.#state,
      protocolType: this.#protocolType,
      protocol: this.#state === "Stable" ? (this.#protocol ?? "") : "",
      generation: this.#generation,
      assignmentEpoch: undefined,
    };
  }

  /** The members as they are now, each described when it is taken: the caller may yield between two. */
  *described(): Generator<MemberDescription, void> {
    for (const member of [...this.#members]) {
      const isSettled = this.#state === "Stable";
      yield {
        memberId: member.id,
        instanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        metadata: isSettled ? metadataOf(member, this.#protocol ?? "") : NO_BYTES,
        assignment: isSettled ? member.assignment : NO_BYTES,
      };
    }
  }

  isSubscribedTo(topic: string): boolean {
    if (this.#protocolType !== "consumer" || this.#members.size === 0) return false;
    return this.#members.topics(this.#protocol).has(topic);
  }

  close(): void {
    this.#joinTimer.clear();
    this.#syncTimer.clear();
    this.#pendingTimer.clear();
    for (const { session } of this.#members) session.clear();
  }

  expireSilent(ms: number): void {
    this.#run(() => {
      const before = this.#members.size;
      for (const member of [...this.#members]) {
        const isWaiting = member.join !== undefined || member.sync !== undefined;
        if (!isWaiting && member.session.sinceMs > ms) this.#expire(member);
      }
      if (this.#members.size < before) this.#membersWent();
    });
  }

  /** Begins a rebalance: all members must join again. */
  rebalance(): void {
    this.#run(() => this.#rebalance());
  }

  /** What members have, and what they said about themselves. */
  get memberStates(): readonly ClassicMemberState[] {
    return [...this.#members].map((member) => ({
      ...{ memberId: member.id, instanceId: member.instanceId, clientId: member.clientId },
      ...{ clientHost: member.clientHost, rebalanceTimeoutMs: member.rebalanceTimeoutMs },
      ...{ sessionTimeoutMs: member.sessionTimeoutMs, assignment: member.assignment },
      protocols: preferring(member.protocols, this.#protocol),
    }));
  }

  /** Ends the group, whose members continue in one of another type. Those that wait must join again. */
  handOver(): void {
    this.#run(() => {
      for (const member of this.#members) {
        this.#endWaits(member, rebalanceInProgress(this.name));
      }
      this.#members.release();
      this.#state = "Dead";
    });
    this.close();
  }

  /** Joins or joins again. Returns how to end the wait, if the request has to wait. */
  join(request: JoinRequest, answer: JoinAnswer): Abandon | undefined {
    return this.#run(() => {
      try {
        return this.#join(request, answer);
      } catch (error) {
        if (!(error instanceof RustLogError)) throw error;
        this.#say(answer, { error, memberId: request.memberId });
        return undefined;
      }
    });
  }

  /** Asks for the assignment of a generation, and brings it if the member is the leader. */
  sync(request: SyncRequest, answer: Answer<SyncResult>): Abandon | undefined {
    return this.#run(() => {
      try {
        return this.#sync(request, answer);
      } catch (error) {
        if (!(error instanceof RustLogError)) throw error;
        this.#say(answer, error);
        return undefined;
      }
    });
  }

  /** Renews a session. Throws if the member has to do something else. */
  heartbeat(request: MemberInGeneration): void {
    const member = this.#members.find(request);
    this.#checkGeneration(request);
    this.#renew(member);
    if (this.#state === "PreparingRebalance") throw rebalanceInProgress(this.name);
  }

  checkCommit(request: CommittingMember): void {
    const { memberId, instanceId, generation } = request;
    if (generation < 0 && this.#state === "Empty") return;
    if (generation < 0 && memberId === "" && instanceId === null) {
      const message = `group '${this.name}' has members, so only they may commit`;
      throw new RustLogError("UNKNOWN_MEMBER_ID", message);
    }
    const member = this.#members.find(request);
    this.#checkGeneration(request);
    if (this.#state === "CompletingRebalance") throw rebalanceInProgress(this.name);
    this.#renew(member);
  }

  /** Removes members. Returns the error of each, in order. */
  leave(
    leaving: readonly { readonly memberId: string; readonly instanceId: string | null }[],
  ): readonly (RustLogError | undefined)[] {
    return this.#run(() => {
      const before = this.#members.size;
      const outcomes = leaving.map((each) => {
        try {
          this.#leave(each);
          return undefined;
        } catch (error) {
          if (error instanceof RustLogError) return error;
          throw error;
        }
      });
      if (this.#members.size < before) this.#membersWent();
      return outcomes;
    });
  }

  /** Runs a change of the group, and then gives the answers. */
  #run<T>(change: () => T): T {
    const result = change();
    const answers = this.#answers;
    if (answers.length > 0) {
      this.#answers = [];
      for (const answer of answers) answer();
    }
    if (this.isIdle) this.#context.emptied(this);
    return result;
  }

  #say<T>(answer: (outcome: T) => void, outcome: T): void {
    this.#answers.push(() => answer(outcome));
  }

  #join(request: JoinRequest, answer: JoinAnswer): Abandon | undefined {
    const { memberId, instanceId } = request;
    checkSessionTimeout(request.sessionTimeoutMs);
    this.#checkSize(memberId);
    this.#checkProtocols(request);
    if (memberId === "") return this.#joinNew(request, answer);
    const { pending } = this.#context;
    if (pending.has(this.name, memberId)) {
      if (instanceId !== null) {
        const message = `member id '${memberId}' was given out to a member without an instance id`;
        throw new RustLogError("UNKNOWN_MEMBER_ID", message);
      }
      const size = this.#members.checkSize(request, memberId);
      pending.take(this.name, memberId);
      return this.#add(memberId, request, size, answer);
    }
    return this.#rejoin(this.#members.find(request), request, answer);
  }

  #joinNew(request: JoinRequest, answer: JoinAnswer): Abandon | undefined {
    const { instanceId, clientId, needsMemberId } = request;
    const memberId = this.#context.newMemberId(instanceId ?? clientId);
    if (instanceId !== null) {
      const replaced = this.#members.ofInstance(instanceId);
      if (replaced !== undefined) return this.#replace(replaced, memberId, request, answer);
    }
    if (instanceId !== null || !needsMemberId) {
      return this.#add(memberId, request, this.#members.checkSize(request, memberId), answer);
    }
    this.#context.pending.add(this.name, memberId, request.sessionTimeoutMs);
    // It is about to join, so an initial rebalance waits for it as for one that has joined.
    this.#hasNewMember = true;
    const message = `join group '${this.name}' again with the member id '${memberId}'`;
    const error = new RustLogError("MEMBER_ID_REQUIRED", message);
    this.#say(answer, { error, memberId });
    return undefined;
  }

  /** The caller has checked the size. */
  #add(
    id: string,
    request: JoinRequest,
    size: MemberSize,
    answer: JoinAnswer,
  ): Abandon | undefined {
    const member = this.#newMember(id, request, size);
    if (this.#members.size === 0) this.#protocolType = request.protocolType;
    this.#members.insert(member);
    this.#hasNewMember = true;
    const abandon = this.#waitForJoin(member, answer);
    this.#changed();
    return abandon;
  }

  #rejoin(member: ClassicMember, request: JoinRequest, answer: JoinAnswer): Abandon | undefined {
    const isUnchanged = haveSame(member.protocols, request.protocols);
    const isLeader = member.id === this.#members.leader;
    const repeats = this.#state === "CompletingRebalance" && isUnchanged;
    const keeps = this.#state === "Stable" && isUnchanged && !isLeader;
    if (repeats || keeps) {
      // It missed the answer to an earlier JoinGroup, or has nothing new to say.
      this.#renew(member);
      this.#say(answer, this.#joined(member, repeats && isLeader));
      return undefined;
    }
    this.#members.update(member, request);
    const abandon = this.#waitForJoin(member, answer);
    this.#changed();
    return abandon;
  }

  /** A static member has come back without its member id: the new one takes the place of the old one. */
  #replace(
    old: ClassicMember,
    id: string,
    request: JoinRequest,
    answer: JoinAnswer,
  ): Abandon | undefined {
    const size = this.#members.checkSize(request, id, old.size);
    const wasLeader = old.id === this.#members.leader;
    const member = this.#newMember(id, request, size);
    member.assignment = old.assignment;
    this.#endWaits(old, fencedInstance(request.instanceId ?? ""));
    this.#members.exchange(old, member);
    old.session.clear();
    // Before the group is stable, the leader may have been told the old id already, and would assign to it.
    if (this.#state !== "Stable" || this.#members.selectProtocol() !== this.#protocol) {
      const abandon = this.#waitForJoin(member, answer);
      this.#changed();
      return abandon;
    }
    const joined = this.#joined(member, wasLeader && request.maySkipAssignment);
    // A client that does not know skipAssignment would assign if it were told that it is the leader.
    const result = request.maySkipAssignment
      ? { ...joined, skipAssignment: wasLeader }
      : { ...joined, leader: wasLeader ? old.id : joined.leader };
    const beginSync = (): void => {
      if (member.mustSync) this.#syncTimer.set(this.#members.rebalanceTimeoutMs);
    };
    beginSync();
    // Its session and its time for a SyncGroup begin when it knows its id.
    this.#store().then(
      () =>
        this.#run(() => {
          if (this.#members.get(id) !== member) {
            // It was too slow, or yet another client has its place.
            const isReplaced = this.#members.ofInstance(member.instanceId) !== undefined;
            const error = isReplaced
              ? fencedInstance(member.instanceId ?? "")
              : unknownMember(this.name, id);
            this.#say(answer, { error, memberId: request.memberId });
            return;
          }
          this.#renew(member);
          beginSync();
          this.#say(answer, result);
        }),
      (error: unknown) =>
        this.#run(() => {
          if (this.#members.get(id) === member) {
            old.assignment = member.assignment;
            this.#members.exchange(member, old);
            member.session.clear();
            this.#renew(old);
          }
          this.#say(answer, { error: unavailable(this.name, error), memberId: request.memberId });
        }),
    );
    return undefined;
  }

  #sync(request: SyncRequest, answer: Answer<SyncResult>): Abandon | undefined {
    const member = this.#members.find(request);
    this.#checkGeneration(request);
    const { protocolType, protocol, assignments } = request;
    if (
      (protocolType !== null && protocolType !== this.#protocolType) ||
      (protocol !== null && protocol !== this.#protocol)
    ) {
      const message = `group '${this.name}' uses protocol '${this.#protocol}' of type '${this.#protocolType}'`;
      throw new RustLogError("INCONSISTENT_GROUP_PROTOCOL", message);
    }
    if (this.#state === "PreparingRebalance") throw rebalanceInProgress(this.name);
    this.#synced(member);
    if (this.#state === "Stable") {
      this.#renew(member);
      this.#say(answer, this.#assigned(member));
      return undefined;
    }
    // A leader that sends its assignments again gets those that are being stored.
    const assigns = member.id === this.#members.leader && this.#assigning !== this.#generation;
    if (assigns) {
      let bytes = 0;
      for (const { assignment } of assignments) bytes += assignment.length;
      this.#context.memory.check(keptBytes(bytes));
    }
    if (member.sync !== undefined) this.#say(member.sync, rebalanceInProgress(this.name));
    member.sync = answer;
    if (assigns) {
      this.#assign(new Map(assignments.map((each) => [each.memberId, each.assignment.slice()])));
    }
    return () => {
      if (member.sync !== answer) return;
      member.sync = undefined;
      this.#renew(member);
    };
  }

  /** Stores the assignments, and then hands them out. */
  #assign(byMember: ReadonlyMap<string, Uint8Array>): void {
    const generation = this.#generation;
    const isCurrent = (): boolean =>
      this.#state === "CompletingRebalance" && this.#generation === generation;
    const of = ({ id }: ClassicMember): Uint8Array => byMember.get(id) ?? NO_BYTES;
    this.#assigning = generation;
    this.#store(of).then(
      () =>
        this.#run(() => {
          if (!isCurrent()) return;
          this.#enter("Stable");
          for (const member of this.#members) {
            this.#members.setAssignment(member, of(member));
            const answer = member.sync;
            if (answer === undefined) continue;
            member.sync = undefined;
            this.#renew(member);
            this.#say(answer, this.#assigned(member));
          }
          const ms = this.#context.clock.now() - this.#rebalanceSince;
          this.#context.observer.rebalanced(this.type, ms);
        }),
      (error: unknown) =>
        this.#run(() => {
          if (this.#assigning === generation) this.#assigning = undefined;
          if (!isCurrent()) return;
          const failure = unavailable(this.name, error);
          for (const member of this.#members) this.#endSync(member, failure);
          this.#rebalance();
        }),
    );
  }

  #leave({
    memberId,
    instanceId,
  }: {
    readonly memberId: string;
    readonly instanceId: string | null;
  }): void {
    if (this.#context.pending.take(this.name, memberId)) {
      this.#completeJoinIfReady();
      return;
    }
    // A static member may be removed by someone who only knows its instance id.
    const known = memberId === "" ? this.#members.ofInstance(instanceId)?.id : memberId;
    const member = this.#members.find({ memberId: known ?? "", instanceId });
    this.#remove(member, unknownMember(this.name, member.id));
  }

  #sessionExpired(member: ClassicMember): void {
    if (member.join !== undefined || member.sync !== undefined) return;
    this.#expire(member);
    this.#membersWent();
  }

  /** Removes a member that is silent, or too slow. */
  #expire(member: ClassicMember): void {
    this.#remove(member, unknownMember(this.name, member.id));
    this.#context.observer.expired(this.type);
  }

  /** A member came, or changed what it says. */
  #changed(): void {
    if (this.#state === "PreparingRebalance") this.#completeJoinIfReady();
    else this.#rebalance();
  }

  #membersWent(): void {
    if (this.#state === "PreparingRebalance") this.#completeJoinIfReady();
    else if (this.#state !== "Empty") this.#rebalance();
  }

  /** Begins a rebalance: every member has to join again. */
  #rebalance(): void {
    this.#isInitial = this.#state === "Empty";
    if (this.#state === "CompletingRebalance") {
      const error = rebalanceInProgress(this.name);
      for (const member of this.#members) {
        this.#members.setAssignment(member, NO_BYTES);
        this.#endSync(member, error);
      }
    } else this.#rebalanceSince = this.#context.clock.now();
    this.#syncTimer.clear();
    this.#enter("PreparingRebalance");
    const timeoutMs = this.#members.rebalanceTimeoutMs;
    if (!this.#isInitial) {
      this.#joinTimer.set(timeoutMs);
      this.#completeJoinIfReady();
      return;
    }
    this.#hasNewMember = false;
    const delayMs = this.#context.initialRebalanceDelayMs;
    this.#initialLeftMs = Math.max(0, timeoutMs - delayMs);
    if (delayMs === 0) this.#completeJoin();
    else this.#joinTimer.set(delayMs);
  }

  /** Tries until it succeeds, because nobody is left to ask again. */
  #storeEmpty(): void {
    this.#store().catch(() => {
      if (this.#state === "Empty") this.#joinTimer.set(STORE_AGAIN_MS);
    });
  }

  #joinTimeIsUp(): void {
    if (this.#state === "Empty") this.#storeEmpty();
    if (this.#state !== "PreparingRebalance") return;
    if (this.#isInitial && this.#hasNewMember && this.#initialLeftMs > 0) {
      // More are coming.
      this.#hasNewMember = false;
      const delayMs = Math.min(this.#context.initialRebalanceDelayMs, this.#initialLeftMs);
      this.#initialLeftMs -= delayMs;
      this.#joinTimer.set(delayMs);
      return;
    }
    this.#completeJoin();
  }

  #completeJoinIfReady(): void {
    if (this.#state !== "PreparingRebalance") return;
    if (this.#members.size === 0) this.#completeJoin();
    else if (
      this.#members.joins === this.#members.size &&
      !this.#isInitial &&
      !this.#waitsForPending()
    ) {
      this.#completeJoin();
    }
  }

  /** Whether a client has an id with which it is about to join. */
  #waitsForPending(): boolean {
    const expiresInMs = this.#context.pending.nextExpiry(this.name);
    if (expiresInMs === undefined) return false;
    this.#pendingTimer.set(expiresInMs);
    return true;
  }

  /** Begins the next generation with the members that have joined again. */
  #completeJoin(): void {
    for (const member of [...this.#members]) {
      if (!member.hasJoined && member.instanceId === null) this.#expire(member);
    }
    if (this.#members.size > 0 && !this.#electLeader()) {
      // None of the members is here: they are static, or their connections have closed.
      this.#isInitial = false;
      this.#joinTimer.set(this.#members.rebalanceTimeoutMs);
      return;
    }
    this.#joinTimer.clear();
    this.#pendingTimer.clear();
    this.#generation = this.#generation === GENERATION_MAX ? 1 : this.#generation + 1;
    this.#missingSyncs = 0;
    if (this.#members.size === 0) {
      this.#protocol = null;
      this.#enter("Empty");
      this.#storeEmpty();
      return;
    }
    this.#protocol = this.#members.selectProtocol();
    this.#enter("CompletingRebalance");
    for (const member of this.#members) {
      this.#members.setJoined(member, false);
      member.mustSync = true;
      this.#missingSyncs++;
      this.#renew(member);
      const answer = member.join;
      if (answer === undefined) continue;
      member.join = undefined;
      this.#say(answer, this.#joined(member, member.id === this.#members.leader));
    }
    this.#syncTimer.set(this.#members.rebalanceTimeoutMs);
  }

  /** Members that did not ask for their assignment in time are gone. */
  #syncTimeIsUp(): void {
    if (this.#state !== "CompletingRebalance" && this.#state !== "Stable") return;
    const missing = [...this.#members].filter(({ mustSync }) => mustSync);
    if (missing.length === 0) return;
    for (const member of missing) this.#expire(member);
    this.#rebalance();
  }

  #synced(member: ClassicMember): void {
    if (!member.mustSync) return;
    member.mustSync = false;
    if (--this.#missingSyncs === 0) this.#syncTimer.clear();
  }

  /** Whether a leader has joined; the old one, if it is here. */
  #electLeader(): boolean {
    if (this.#members.get(this.#members.leader ?? "")?.join !== undefined) return true;
    for (const { id, join } of this.#members) {
      if (join === undefined) continue;
      this.#members.leader = id;
      return true;
    }
    return false;
  }

  #joined(member: ClassicMember, withMembers: boolean): JoinResult {
    return {
      memberId: member.id,
      generation: this.#generation,
      protocolType: this.#protocolType,
      protocol: this.#protocol ?? "",
      leader: this.#members.leader ?? "",
      skipAssignment: false,
      members: withMembers
        ? [...this.#members].map((each) => ({
            memberId: each.id,
            instanceId: each.instanceId,
            metadata: metadataOf(each, this.#protocol),
          }))
        : [],
    };
  }

  #assigned({ assignment }: ClassicMember): SyncResult {
    return { protocolType: this.#protocolType, protocol: this.#protocol ?? "", assignment };
  }

  #waitForJoin(member: ClassicMember, answer: JoinAnswer): Abandon {
    if (member.join !== undefined) {
      this.#say(member.join, { error: rebalanceInProgress(this.name), memberId: member.id });
    }
    member.join = answer;
    this.#members.setJoined(member, true);
    return () => {
      if (member.join !== answer) return;
      member.join = undefined;
      this.#renew(member);
    };
  }

  #renew(member: ClassicMember): void {
    member.session.set(member.sessionTimeoutMs);
  }

  #newMember(id: string, request: JoinRequest, size: MemberSize): ClassicMember {
    const member: ClassicMember = {
      id,
      instanceId: request.instanceId,
      clientId: request.clientId,
      clientHost: request.clientHost,
      rebalanceTimeoutMs: rebalanceTimeoutOf(request),
      sessionTimeoutMs: request.sessionTimeoutMs,
      protocols: copiesOf(request.protocols),
      assignment: NO_BYTES,
      size,
      join: undefined,
      hasJoined: false,
      sync: undefined,
      mustSync: false,
      session: new MemberDeadline(this.#context.clock, () =>
        this.#run(() => this.#sessionExpired(member)),
      ),
    };
    return member;
  }

  #remove(member: ClassicMember, error: RustLogError): void {
    this.#endWaits(member, error);
    if (this.#state === "CompletingRebalance" || this.#state === "Stable") this.#synced(member);
    member.session.clear();
    this.#members.remove(member);
  }

  #endWaits(member: ClassicMember, error: RustLogError): void {
    if (member.join !== undefined) {
      this.#say(member.join, { error, memberId: member.id });
      member.join = undefined;
    }
    this.#endSync(member, error);
  }

  #endSync(member: ClassicMember, error: RustLogError): void {
    const answer = member.sync;
    if (answer === undefined) return;
    member.sync = undefined;
    this.#renew(member);
    this.#say(answer, error);
  }

  #enter(state: GroupState): void {
    this.#state = state;
    this.#stateSince = this.#context.clock.time();
  }

  async #store(
    assignmentOf = ({ assignment }: ClassicMember): Uint8Array => assignment,
  ): Promise<void> {
    this.#stores++;
    this.#isStored = false;
    try {
      await this.#context.store(this.name, {
        protocolType: this.#protocolType,
        generation: this.#generation,
        protocol: this.#protocol,
        leader: this.#members.leader,
        currentStateTimestamp: this.#stateSince,
        members: [...this.#members].map((member) => ({
          memberId: member.id,
          instanceId: member.instanceId,
          clientId: member.clientId,
          clientHost: member.clientHost,
          rebalanceTimeoutMs: member.rebalanceTimeoutMs,
          sessionTimeoutMs: member.sessionTimeoutMs,
          metadata: metadataOf(member, this.#protocol),
          assignment: assignmentOf(member),
        })),
      });
      this.#isStored = true;
    } finally {
      this.#stores--;
      if (this.isIdle) this.#context.emptied(this);
    }
  }

  /** Members have as long as after a heartbeat. */
  #restore(record: GroupRecord): void {
    this.#generation = record.generation;
    this.#protocolType = record.protocolType;
    this.#protocol = record.protocol;
    this.#members.leader = record.leader;
    for (const { metadata, ...stored } of record.members) {
      const request = {
        ...stored,
        protocolType: record.protocolType,
        protocols: [{ name: record.protocol ?? "", metadata }],
        needsMemberId: false,
        maySkipAssignment: false,
      };
      const member = this.#newMember(stored.memberId, request, sizeOf(request, stored.memberId));
      this.#members.setAssignment(member, stored.assignment.slice());
      this.#members.insert(member);
      this.#renew(member);
    }
    if (this.#members.size > 0) this.#state = "Stable";
  }

  #checkGeneration({ generation }: { readonly generation: number }): void {
    if (generation === this.#generation) return;
    throw new RustLogError(
      "ILLEGAL_GENERATION",
      `group '${this.name}' is in generation ${this.#generation}, not ${generation}`,
    );
  }

  #checkSize(memberId: string): void {
    const { membersMax } = this.#context;
    const member = this.#members.get(memberId);
    // Members that did not join again will be gone when the rebalance is over.
    const isRebalancing = this.#state === "PreparingRebalance";
    const isIn = isRebalancing ? member?.hasJoined === true : member !== undefined;
    const isFull = (isRebalancing ? this.#members.joins : this.#members.size) >= membersMax;
    if (isIn || !isFull) return;
    const message = `group '${this.name}' has ${membersMax} members, the maximum`;
    throw new RustLogError("GROUP_MAX_SIZE_REACHED", message);
  }

  #checkProtocols({ protocolType, protocols }: JoinRequest): void {
    const isEmpty = this.#members.size === 0;
    const isSupported = isEmpty
      ? protocolType !== "" && protocols.length > 0
      : protocolType === this.#protocolType && this.#members.haveInCommon(protocols);
    if (isSupported) return;
    const common = this.#members.commonProtocols.join(", ");
    throw new RustLogError(
      "INCONSISTENT_GROUP_PROTOCOL",
      isEmpty
        ? `a member of group '${this.name}' must name its protocols`
        : `members of group '${this.name}' have the protocols ${common} of type '${this.#protocolType}'`,
    );
  }
}

/** Kafka's generations are 32 bits. */
const GENERATION_MAX = 2 ** 31 - 1;
