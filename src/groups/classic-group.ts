// A group of Kafka's classic protocol: its members agree on an assignor, one of them, the leader, assigns, and the broker
// hands the assignments out. The broker never looks into them.
// Leaves to others: which groups there are (coordinator.ts), and storing them (offset-store.ts).
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
import {
  GROUP_METADATA_BYTES_MAX,
  REBALANCE_TIMEOUT_MS_MAX,
  SESSION_TIMEOUT_MS_MAX,
  SESSION_TIMEOUT_MS_MIN,
} from "../limits.js";
import { NO_BYTES } from "../record/bytes.js";
import {
  type Abandon,
  type Answer,
  type CommittingMember,
  type Group,
  type GroupDescription,
  type GroupObserver,
  type GroupState,
  type MemberClient,
  STORE_AGAIN_MS,
} from "./group.js";
import type { ClassicMemberState } from "./consumer-member.js";
import { Deadline, type GroupClock, MemberDeadline } from "./group-clock.js";
import {
  CLASSIC_MEMBER_BYTES,
  type GroupMemory,
  keptBytes,
  PROTOCOL_BYTES,
} from "./group-memory.js";
import type { PendingMembers } from "./pending-members.js";
import type { GroupRecord } from "./group-record.js";
import { subscribedTopics } from "./consumer-protocol.js";

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

interface MemberSize {
  /** What it says about itself, in bytes. */
  readonly said: number;
  /** Memory that it takes, without its assignment. */
  readonly memory: number;
}

interface Member extends MemberClient {
  readonly id: string;
  readonly instanceId: string | null;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  protocols: readonly Protocol[];
  assignment: Uint8Array;
  size: MemberSize;
  /** Set while its JoinGroup or SyncGroup waits. Its session does not end then. */
  join: JoinAnswer | undefined;
  /**
   * Whether it takes part in the next generation. Its connection may have closed since: it gets the answer when it joins
   * again on another one.
   */
  hasJoined: boolean;
  sync: Answer<SyncResult> | undefined;
  /** Whether it has not sent its SyncGroup of this generation. */
  mustSync: boolean;
  readonly session: MemberDeadline;
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
  #leader: string | null = null;
  readonly #members = new Map<string, Member>();
  /** Members with an instance id: their current member id. */
  readonly #static = new Map<string, string>();
  /** How many members have each protocol. */
  readonly #supporters = new Map<string, number>();
  /** What the members say about themselves, in bytes. */
  #said = 0;
  /** Members that have joined the next generation. */
  #joins = 0;
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
  #topics: ReadonlySet<string> | undefined;

  constructor(name: string, context: ClassicGroupContext, record?: GroupRecord) {
    this.name = name;
    this.#context = context;
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
    const isSettled = this.#state === "Stable";
    const protocol = this.#protocol ?? "";
    return {
      group: this.name,
      type: this.type,
      state: this.#state,
      protocolType: this.#protocolType,
      protocol: isSettled ? protocol : "",
      generation: this.#generation,
      members: [...this.#members.values()].map((member) => ({
        memberId: member.id,
        instanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        metadata: isSettled ? metadataOf(member, protocol) : NO_BYTES,
        assignment: isSettled ? member.assignment : NO_BYTES,
      })),
    };
  }

  isSubscribedTo(topic: string): boolean {
    if (this.#protocolType !== "consumer" || this.#members.size === 0) return false;
    this.#topics ??= subscribedTopics(
      [...this.#members.values()].map((member) => metadataOf(member, this.#protocol)),
    );
    return this.#topics.has(topic);
  }

  close(): void {
    this.#joinTimer.clear();
    this.#syncTimer.clear();
    this.#pendingTimer.clear();
    for (const { session } of this.#members.values()) session.clear();
  }

  /** Begins a rebalance: all members must join again. */
  rebalance(): void {
    this.#run(() => this.#rebalance());
  }

  /** What members have, and what they said about themselves. */
  get memberStates(): readonly ClassicMemberState[] {
    return [...this.#members.values()].map((member) => ({
      ...{ memberId: member.id, instanceId: member.instanceId, clientId: member.clientId },
      ...{ clientHost: member.clientHost, rebalanceTimeoutMs: member.rebalanceTimeoutMs },
      ...{ sessionTimeoutMs: member.sessionTimeoutMs, assignment: member.assignment },
      protocols: preferring(member.protocols, this.#protocol),
    }));
  }

  /** Ends the group, whose members continue in one of another type. Those that wait must join again. */
  handOver(): void {
    this.#run(() => {
      for (const member of this.#members.values()) {
        this.#endWaits(member, rebalanceInProgress(this.name));
        this.#setAssignment(member, NO_BYTES);
        this.#account(member.size, NO_SIZE);
      }
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
    const member = this.#memberOf(request);
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
    const member = this.#memberOf(request);
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
      const size = this.#checkMemory(request, memberId);
      pending.take(this.name, memberId);
      return this.#add(memberId, request, size, answer);
    }
    return this.#rejoin(this.#memberOf(request), request, answer);
  }

  #joinNew(request: JoinRequest, answer: JoinAnswer): Abandon | undefined {
    const { instanceId, clientId, needsMemberId } = request;
    const memberId = this.#context.newMemberId(instanceId ?? clientId);
    if (instanceId !== null) {
      const replaced = this.#members.get(this.#static.get(instanceId) ?? "");
      if (replaced !== undefined) return this.#replace(replaced, memberId, request, answer);
    }
    if (instanceId !== null || !needsMemberId) {
      return this.#add(memberId, request, this.#checkMemory(request, memberId), answer);
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
    this.#insert(member);
    this.#hasNewMember = true;
    const abandon = this.#waitForJoin(member, answer);
    this.#changed();
    return abandon;
  }

  #rejoin(member: Member, request: JoinRequest, answer: JoinAnswer): Abandon | undefined {
    const isUnchanged = isSame(member.protocols, request.protocols);
    const isLeader = member.id === this.#leader;
    const repeats = this.#state === "CompletingRebalance" && isUnchanged;
    const keeps = this.#state === "Stable" && isUnchanged && !isLeader;
    if (repeats || keeps) {
      // It missed the answer to an earlier JoinGroup, or has nothing new to say.
      this.#renew(member);
      this.#say(answer, this.#joined(member, repeats && isLeader));
      return undefined;
    }
    this.#update(member, request);
    const abandon = this.#waitForJoin(member, answer);
    this.#changed();
    return abandon;
  }

  /** A static member has come back without its member id: the new one takes the place of the old one. */
  #replace(old: Member, id: string, request: JoinRequest, answer: JoinAnswer): Abandon | undefined {
    const size = this.#checkMemory(request, id, old.size);
    const wasLeader = old.id === this.#leader;
    const member = this.#newMember(id, request, size);
    member.assignment = old.assignment;
    this.#endWaits(old, fencedInstance(request.instanceId ?? ""));
    this.#exchange(old, member);
    // Before the group is stable, the leader may have been told the old id already, and would assign to it.
    if (this.#state !== "Stable" || this.#selectProtocol() !== this.#protocol) {
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
      if (member.mustSync) this.#syncTimer.set(this.#rebalanceTimeoutMs());
    };
    beginSync();
    // Its session and its time for a SyncGroup begin when it knows its id.
    this.#store().then(
      () =>
        this.#run(() => {
          if (this.#members.get(id) !== member) {
            // It was too slow, or yet another client has its place.
            const isReplaced = this.#static.has(member.instanceId ?? "");
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
            this.#exchange(member, old);
            this.#renew(old);
          }
          this.#say(answer, { error: unavailable(this.name, error), memberId: request.memberId });
        }),
    );
    return undefined;
  }

  #sync(request: SyncRequest, answer: Answer<SyncResult>): Abandon | undefined {
    const member = this.#memberOf(request);
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
    const assigns = member.id === this.#leader && this.#assigning !== this.#generation;
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
    const of = ({ id }: Member): Uint8Array => byMember.get(id) ?? NO_BYTES;
    this.#assigning = generation;
    this.#store(of).then(
      () =>
        this.#run(() => {
          if (!isCurrent()) return;
          this.#enter("Stable");
          for (const member of this.#members.values()) {
            this.#setAssignment(member, of(member));
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
          for (const member of this.#members.values()) this.#endSync(member, failure);
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
    const known = memberId === "" && instanceId !== null ? this.#static.get(instanceId) : memberId;
    const member = this.#memberOf({ memberId: known ?? "", instanceId });
    this.#remove(member, unknownMember(this.name, member.id));
  }

  #sessionExpired(member: Member): void {
    if (member.join !== undefined || member.sync !== undefined) return;
    this.#expire(member);
    this.#membersWent();
  }

  /** Removes a member that is silent, or too slow. */
  #expire(member: Member): void {
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
      for (const member of this.#members.values()) {
        this.#setAssignment(member, NO_BYTES);
        this.#endSync(member, error);
      }
    } else this.#rebalanceSince = this.#context.clock.now();
    this.#syncTimer.clear();
    this.#enter("PreparingRebalance");
    const timeoutMs = this.#rebalanceTimeoutMs();
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
    else if (this.#joins === this.#members.size && !this.#isInitial && !this.#waitsForPending()) {
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
    for (const member of [...this.#members.values()]) {
      if (!member.hasJoined && member.instanceId === null) this.#expire(member);
    }
    if (this.#members.size > 0 && !this.#electLeader()) {
      // None of the members is here: they are static, or their connections have closed.
      this.#isInitial = false;
      this.#joinTimer.set(this.#rebalanceTimeoutMs());
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
    this.#protocol = this.#selectProtocol();
    this.#enter("CompletingRebalance");
    this.#joins = 0;
    for (const member of this.#members.values()) {
      member.hasJoined = false;
      member.mustSync = true;
      this.#missingSyncs++;
      this.#renew(member);
      const answer = member.join;
      if (answer === undefined) continue;
      member.join = undefined;
      this.#say(answer, this.#joined(member, member.id === this.#leader));
    }
    this.#syncTimer.set(this.#rebalanceTimeoutMs());
  }

  /** Members that did not ask for their assignment in time are gone. */
  #syncTimeIsUp(): void {
    if (this.#state !== "CompletingRebalance" && this.#state !== "Stable") return;
    const missing = [...this.#members.values()].filter(({ mustSync }) => mustSync);
    if (missing.length === 0) return;
    for (const member of missing) this.#expire(member);
    this.#rebalance();
  }

  #synced(member: Member): void {
    if (!member.mustSync) return;
    member.mustSync = false;
    if (--this.#missingSyncs === 0) this.#syncTimer.clear();
  }

  /** Whether a leader has joined; the old one, if it is here. */
  #electLeader(): boolean {
    if (this.#members.get(this.#leader ?? "")?.join !== undefined) return true;
    for (const { id, join } of this.#members.values()) {
      if (join === undefined) continue;
      this.#leader = id;
      return true;
    }
    return false;
  }

  /** Of the protocols that all members have, the one that most of them prefer. */
  #selectProtocol(): string {
    const votes = new Map<string, number>();
    for (const { protocols } of this.#members.values()) {
      const vote = protocols.find(({ name }) => this.#isCommon(name))?.name ?? "";
      votes.set(vote, (votes.get(vote) ?? 0) + 1);
    }
    let selected = "";
    let most = 0;
    for (const [name, count] of votes) {
      if (count <= most) continue;
      selected = name;
      most = count;
    }
    return selected;
  }

  #isCommon(protocol: string): boolean {
    return this.#supporters.get(protocol) === this.#members.size;
  }

  #joined(member: Member, withMembers: boolean): JoinResult {
    return {
      memberId: member.id,
      generation: this.#generation,
      protocolType: this.#protocolType,
      protocol: this.#protocol ?? "",
      leader: this.#leader ?? "",
      skipAssignment: false,
      members: withMembers
        ? [...this.#members.values()].map((each) => ({
            memberId: each.id,
            instanceId: each.instanceId,
            metadata: metadataOf(each, this.#protocol),
          }))
        : [],
    };
  }

  #assigned({ assignment }: Member): SyncResult {
    return { protocolType: this.#protocolType, protocol: this.#protocol ?? "", assignment };
  }

  #waitForJoin(member: Member, answer: JoinAnswer): Abandon {
    if (member.join !== undefined) {
      this.#say(member.join, { error: rebalanceInProgress(this.name), memberId: member.id });
    }
    member.join = answer;
    if (!member.hasJoined) this.#joins++;
    member.hasJoined = true;
    return () => {
      if (member.join !== answer) return;
      member.join = undefined;
      this.#renew(member);
    };
  }

  #renew(member: Member): void {
    member.session.set(member.sessionTimeoutMs);
  }

  #newMember(id: string, request: JoinRequest, size: MemberSize): Member {
    const member: Member = {
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

  #insert(member: Member): void {
    this.#members.set(member.id, member);
    this.#account(NO_SIZE, member.size);
    if (member.instanceId !== null) this.#static.set(member.instanceId, member.id);
    this.#leader ??= member.id;
    this.#count(member.protocols, 1);
    this.#topics = undefined;
  }

  #update(member: Member, request: JoinRequest): void {
    const size = this.#checkMemory(request, member.id, member.size);
    this.#account(member.size, size);
    member.size = size;
    member.rebalanceTimeoutMs = rebalanceTimeoutOf(request);
    member.sessionTimeoutMs = request.sessionTimeoutMs;
    this.#count(member.protocols, -1);
    member.protocols = copiesOf(request.protocols);
    this.#count(member.protocols, 1);
    this.#topics = undefined;
  }

  /** Puts one static member in the place of another; in the order of the members as well. */
  #exchange(old: Member, member: Member): void {
    const members = [...this.#members.values()];
    this.#members.clear();
    for (const each of members) {
      const now = each === old ? member : each;
      this.#members.set(now.id, now);
    }
    if (member.instanceId !== null) this.#static.set(member.instanceId, member.id);
    if (this.#leader === old.id) this.#leader = member.id;
    this.#account(old.size, member.size);
    this.#count(old.protocols, -1);
    this.#count(member.protocols, 1);
    member.mustSync = old.mustSync;
    this.#unjoin(old);
    old.session.clear();
    this.#topics = undefined;
  }

  #remove(member: Member, error: RustLogError): void {
    this.#members.delete(member.id);
    const { instanceId } = member;
    if (instanceId !== null && this.#static.get(instanceId) === member.id) {
      this.#static.delete(instanceId);
    }
    this.#endWaits(member, error);
    this.#unjoin(member);
    if (this.#state === "CompletingRebalance" || this.#state === "Stable") this.#synced(member);
    this.#count(member.protocols, -1);
    this.#account(member.size, NO_SIZE);
    this.#setAssignment(member, NO_BYTES);
    if (this.#leader === member.id) this.#leader = this.#members.keys().next().value ?? null;
    member.session.clear();
    this.#topics = undefined;
  }

  #endWaits(member: Member, error: RustLogError): void {
    if (member.join !== undefined) {
      this.#say(member.join, { error, memberId: member.id });
      member.join = undefined;
    }
    this.#endSync(member, error);
  }

  #unjoin(member: Member): void {
    if (!member.hasJoined) return;
    member.hasJoined = false;
    this.#joins--;
  }

  #endSync(member: Member, error: RustLogError): void {
    const answer = member.sync;
    if (answer === undefined) return;
    member.sync = undefined;
    this.#renew(member);
    this.#say(answer, error);
  }

  #count(protocols: readonly Protocol[], change: 1 | -1): void {
    for (const name of new Set(protocols.map((each) => each.name))) {
      const count = (this.#supporters.get(name) ?? 0) + change;
      if (count === 0) this.#supporters.delete(name);
      else this.#supporters.set(name, count);
    }
  }

  #rebalanceTimeoutMs(): number {
    let timeoutMs = 0;
    for (const member of this.#members.values()) {
      timeoutMs = Math.max(timeoutMs, member.rebalanceTimeoutMs);
    }
    return timeoutMs;
  }

  #enter(state: GroupState): void {
    this.#state = state;
    this.#stateSince = this.#context.clock.time();
  }

  async #store(assignmentOf = ({ assignment }: Member): Uint8Array => assignment): Promise<void> {
    this.#stores++;
    this.#isStored = false;
    try {
      await this.#context.store(this.name, {
        protocolType: this.#protocolType,
        generation: this.#generation,
        protocol: this.#protocol,
        leader: this.#leader,
        currentStateTimestamp: this.#stateSince,
        members: [...this.#members.values()].map((member) => ({
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
    this.#leader = record.leader;
    for (const { metadata, ...stored } of record.members) {
      const request = {
        ...stored,
        protocolType: record.protocolType,
        protocols: [{ name: record.protocol ?? "", metadata }],
        needsMemberId: false,
        maySkipAssignment: false,
      };
      const member = this.#newMember(stored.memberId, request, sizeOf(request, stored.memberId));
      this.#setAssignment(member, stored.assignment.slice());
      this.#insert(member);
      this.#renew(member);
    }
    if (this.#members.size > 0) this.#state = "Stable";
  }

  /** The member that a request names. Throws UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID. */
  #memberOf({
    memberId,
    instanceId,
  }: {
    readonly memberId: string;
    readonly instanceId: string | null;
  }): Member {
    if (instanceId !== null) {
      const current = this.#static.get(instanceId);
      if (current !== undefined && current !== memberId) throw fencedInstance(instanceId);
      if (current === undefined) throw unknownMember(this.name, memberId);
    }
    const member = this.#members.get(memberId);
    if (member === undefined) throw unknownMember(this.name, memberId);
    return member;
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
    const isFull = (isRebalancing ? this.#joins : this.#members.size) >= membersMax;
    if (isIn || !isFull) return;
    const message = `group '${this.name}' has ${membersMax} members, the maximum`;
    throw new RustLogError("GROUP_MAX_SIZE_REACHED", message);
  }

  #checkProtocols({ protocolType, protocols }: JoinRequest): void {
    const isEmpty = this.#members.size === 0;
    const isSupported = isEmpty
      ? protocolType !== "" && protocols.length > 0
      : protocolType === this.#protocolType && protocols.some(({ name }) => this.#isCommon(name));
    if (isSupported) return;
    const common = [...this.#supporters.keys()].filter((name) => this.#isCommon(name)).join(", ");
    throw new RustLogError(
      "INCONSISTENT_GROUP_PROTOCOL",
      isEmpty
        ? `a member of group '${this.name}' must name its protocols`
        : `members of group '${this.name}' have the protocols ${common} of type '${this.#protocolType}'`,
    );
  }

  /**
   * The size of a member as a request describes it, which replaces one with the size `before`. Throws
   * GROUP_MAX_SIZE_REACHED if the group says too much then, or the groups of the broker take too much memory.
   */
  #checkMemory(request: JoinRequest, memberId: string, before = NO_SIZE): MemberSize {
    const size = sizeOf(request, memberId);
    const { memory } = this.#context;
    if (this.#said + size.said - before.said > GROUP_METADATA_BYTES_MAX) {
      const message = `group '${this.name}' would have more than ${GROUP_METADATA_BYTES_MAX} bytes of subscriptions (GROUP_METADATA_BYTES_MAX)`;
      throw new RustLogError("GROUP_MAX_SIZE_REACHED", message);
    }
    memory.check(size.memory - before.memory);
    return size;
  }

  #account(before: MemberSize, after: MemberSize): void {
    this.#said += after.said - before.said;
    this.#context.memory.add(after.memory - before.memory);
  }

  #setAssignment(member: Member, assignment: Uint8Array): void {
    const bytes = keptBytes(assignment.length - member.assignment.length);
    this.#context.memory.add(bytes);
    member.assignment = assignment;
  }
}

/** Kafka's generations are 32 bits. */
const GENERATION_MAX = 2 ** 31 - 1;

/** A request is a view of everything that its connection received with it. */
function copiesOf(protocols: readonly Protocol[]): Protocol[] {
  return protocols.map(({ name, metadata }) => ({ name, metadata: metadata.slice() }));
}

/** The same protocols, the group's first. */
function preferring(protocols: readonly Protocol[], name: string | null): readonly Protocol[] {
  const first = protocols.filter((each) => each.name === name);
  return [...first, ...protocols.filter((each) => each.name !== name)];
}

function metadataOf({ protocols }: Member, protocol: string | null): Uint8Array {
  return protocols.find(({ name }) => name === protocol)?.metadata ?? NO_BYTES;
}

function isSame(a: readonly Protocol[], b: readonly Protocol[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ name, metadata }, i) => {
      const other = b[i]!;
      return name === other.name && Buffer.compare(metadata, other.metadata) === 0;
    })
  );
}

const NO_SIZE: MemberSize = { said: 0, memory: 0 };

/** What a record and the leader's answer need for a member beside what it says. */
const MEMBER_FIELDS_BYTES = 100;

function sizeOf(request: JoinRequest, memberId: string): MemberSize {
  const { clientId, clientHost, instanceId, protocolType, protocols } = request;
  let said = MEMBER_FIELDS_BYTES + Buffer.byteLength(protocolType);
  for (const name of [clientId, clientHost, memberId, instanceId ?? ""]) {
    said += Buffer.byteLength(name);
  }
  for (const { name, metadata } of protocols) said += Buffer.byteLength(name) + metadata.length;
  const fixed = CLASSIC_MEMBER_BYTES + protocols.length * PROTOCOL_BYTES;
  return { said, memory: fixed + keptBytes(said) };
}

function rebalanceTimeoutOf({ rebalanceTimeoutMs, sessionTimeoutMs }: JoinRequest): number {
  // Version 0 of JoinGroup has only one of them.
  const timeoutMs = rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs;
  return Math.min(timeoutMs, REBALANCE_TIMEOUT_MS_MAX);
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

function fencedInstance(instanceId: string): RustLogError {
  const message = `another member has the instance id '${instanceId}' now`;
  return new RustLogError("FENCED_INSTANCE_ID", message);
}

function rebalanceInProgress(group: string): RustLogError {
  return new RustLogError("REBALANCE_IN_PROGRESS", `group '${group}' is rebalancing`);
}

function unavailable(group: string, cause: unknown): RustLogError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `group '${group}' could not be stored: ${reason}`;
  return new RustLogError("COORDINATOR_NOT_AVAILABLE", message, { cause });
}
