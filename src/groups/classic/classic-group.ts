// A group of Kafka's classic protocol: its members agree on an assignor, one of them, the leader, assigns, and the broker
// hands the assignments out. The broker never looks into them.
// Leaves to others: the states and generations of the group (classic-rebalance.ts), the members as a collection
// (classic-members.ts), when answers are given (classic-answers.ts), and which groups there are (coordinator.ts).
//
// All work happens in the calls from outside and in timers, each of which leaves a consistent group.
import { RustLogError } from "../../errors.js";
import { NO_BYTES } from "../../record/bytes.js";
import { MemberDeadline } from "../group-clock.js";
import { type GroupMemory, keptBytes } from "../group-memory.js";
import type { GroupRecord } from "../group-record.js";
import type {
  Abandon,
  Answer,
  CommittingMember,
  Group,
  GroupDescription,
  GroupState,
  MemberDescription,
} from "../group.js";
import { ClassicAnswers } from "./classic-answers.js";
import {
  type ClassicMember,
  ClassicMembers,
  haveSame,
  type MemberSize,
  metadataOf,
  preferring,
  renewSession,
  sizeOf,
} from "./classic-members.js";
import { ClassicRebalance, type RebalanceContext } from "./classic-rebalance.js";
import {
  type ClassicMemberState,
  checkSessionTimeout,
  copiesOf,
  fencedInstance,
  type JoinAnswer,
  type JoinRequest,
  type MemberInGeneration,
  rebalanceInProgress,
  rebalanceTimeoutOf,
  type SyncRequest,
  type SyncResult,
  unavailable,
  unknownMember,
} from "./classic-requests.js";

/** What a group needs from the coordinator. */
export interface ClassicGroupContext extends RebalanceContext {
  /** Most members of a group. */
  readonly membersMax: number;
  /** An id for a new member, which begins with this name. */
  newMemberId(name: string): string;
  /** Stores the group. Resolves once a restart would find it. */
  store(group: string, record: GroupRecord): Promise<void>;
  /** The account of all groups. */
  readonly memory: GroupMemory;
  /** Called when the group may have no members left, so that it need not stay in memory. */
  emptied(group: ClassicGroup): void;
}

export class ClassicGroup implements Group {
  readonly type = "classic";
  readonly name: string;
  readonly #context: ClassicGroupContext;
  readonly #members: ClassicMembers;
  readonly #answers: ClassicAnswers;
  readonly #rebalance: ClassicRebalance;
  #stores = 0;
  #isStored = true;

  constructor(name: string, context: ClassicGroupContext, record?: GroupRecord) {
    this.name = name;
    this.#context = context;
    this.#members = new ClassicMembers(name, context.memory);
    this.#answers = new ClassicAnswers(name, this.#members);
    const group = {
      name,
      run: (change: () => void) => this.#run(change),
      store: (assignmentOf?: (member: ClassicMember) => Uint8Array) => this.#store(assignmentOf),
    };
    this.#rebalance = new ClassicRebalance(group, context, this.#members, this.#answers);
    if (record !== undefined) this.#restore(record);
  }

  get state(): GroupState {
    return this.#rebalance.state;
  }

  get protocolType(): string {
    return this.#members.protocolType;
  }

  get generation(): number {
    return this.#rebalance.generation;
  }

  get memberCount(): number {
    return this.#members.size;
  }

  /** Whether its record says all that there is to know, so that the group need not stay in memory. */
  get isIdle(): boolean {
    return this.#rebalance.state === "Empty" && this.#stores === 0 && this.#isStored;
  }

  describe(): GroupDescription {
    return {
      group: this.name,
      type: this.type,
      state: this.#rebalance.state,
      protocolType: this.#members.protocolType,
      protocol: this.#rebalance.state === "Stable" ? (this.#rebalance.protocol ?? "") : "",
      generation: this.#rebalance.generation,
      assignmentEpoch: undefined,
    };
  }

  /** The members as they are now, each described when it is taken: the caller may yield between two. */
  *described(): Generator<MemberDescription, void> {
    for (const member of [...this.#members]) {
      const isSettled = this.#rebalance.state === "Stable";
      yield {
        memberId: member.id,
        instanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        metadata: isSettled ? metadataOf(member, this.#rebalance.protocol ?? "") : NO_BYTES,
        assignment: isSettled ? member.assignment : NO_BYTES,
      };
    }
  }

  isSubscribedTo(topic: string): boolean {
    if (this.#members.protocolType !== "consumer" || this.#members.size === 0) return false;
    return this.#members.topics(this.#rebalance.protocol).has(topic);
  }

  close(): void {
    this.#rebalance.close();
    for (const { session } of this.#members) session.clear();
  }

  expireSilent(ms: number): void {
    this.#run(() => {
      const before = this.#members.size;
      for (const member of [...this.#members]) {
        const isWaiting = member.join !== undefined || member.sync !== undefined;
        if (!isWaiting && member.session.sinceMs > ms) this.#rebalance.expire(member);
      }
      if (this.#members.size < before) this.#rebalance.membersWent();
    });
  }

  /** Begins a rebalance: all members must join again. */
  rebalance(): void {
    this.#run(() => this.#rebalance.begin());
  }

  /** What members have, and what they said about themselves. */
  get memberStates(): readonly ClassicMemberState[] {
    return [...this.#members].map((member) => ({
      ...{ memberId: member.id, instanceId: member.instanceId, clientId: member.clientId },
      ...{ clientHost: member.clientHost, rebalanceTimeoutMs: member.rebalanceTimeoutMs },
      ...{ sessionTimeoutMs: member.sessionTimeoutMs, assignment: member.assignment },
      protocols: preferring(member.protocols, this.#rebalance.protocol),
    }));
  }

  /** Ends the group, whose members continue in one of another type. Those that wait must join again. */
  handOver(): void {
    this.#run(() => {
      for (const member of this.#members) {
        this.#answers.endWaits(member, rebalanceInProgress(this.name));
      }
      this.#members.release();
      this.#rebalance.end();
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
        this.#answers.say(answer, { error, memberId: request.memberId });
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
        this.#answers.say(answer, error);
        return undefined;
      }
    });
  }

  /** Renews a session. Throws if the member has to do something else. */
  heartbeat(request: MemberInGeneration): void {
    const member = this.#members.find(request);
    this.#rebalance.checkGeneration(request);
    renewSession(member);
    if (this.#rebalance.state === "PreparingRebalance") throw rebalanceInProgress(this.name);
  }

  checkCommit(request: CommittingMember): void {
    const { memberId, instanceId, generation } = request;
    if (generation < 0 && this.#rebalance.state === "Empty") return;
    if (generation < 0 && memberId === "" && instanceId === null) {
      const message = `group '${this.name}' has members, so only they may commit`;
      throw new RustLogError("UNKNOWN_MEMBER_ID", message);
    }
    const member = this.#members.find(request);
    this.#rebalance.checkGeneration(request);
    if (this.#rebalance.state === "CompletingRebalance") throw rebalanceInProgress(this.name);
    renewSession(member);
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
      if (this.#members.size < before) this.#rebalance.membersWent();
      return outcomes;
    });
  }

  /** Runs a change of the group, and then gives the answers. */
  #run<T>(change: () => T): T {
    const result = change();
    this.#answers.flush();
    if (this.isIdle) this.#context.emptied(this);
    return result;
  }

  #join(request: JoinRequest, answer: JoinAnswer): Abandon | undefined {
    const { memberId, instanceId } = request;
    checkSessionTimeout(request.sessionTimeoutMs);
    const isRebalancing = this.#rebalance.state === "PreparingRebalance";
    this.#members.checkRoom(memberId, this.#context.membersMax, isRebalancing);
    this.#members.checkProtocols(request);
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
    this.#rebalance.expectMore();
    const message = `join group '${this.name}' again with the member id '${memberId}'`;
    const error = new RustLogError("MEMBER_ID_REQUIRED", message);
    this.#answers.say(answer, { error, memberId });
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
    if (this.#members.size === 0) this.#members.protocolType = request.protocolType;
    this.#members.insert(member);
    this.#rebalance.expectMore();
    const abandon = this.#answers.waitForJoin(member, answer);
    this.#rebalance.memberCame();
    return abandon;
  }

  #rejoin(member: ClassicMember, request: JoinRequest, answer: JoinAnswer): Abandon | undefined {
    const isUnchanged = haveSame(member.protocols, request.protocols);
    const isLeader = member.id === this.#members.leader;
    const repeats = this.#rebalance.state === "CompletingRebalance" && isUnchanged;
    const keeps = this.#rebalance.state === "Stable" && isUnchanged && !isLeader;
    if (repeats || keeps) {
      // It missed the answer to an earlier JoinGroup, or has nothing new to say.
      renewSession(member);
      this.#answers.say(answer, this.#rebalance.joined(member, repeats && isLeader));
      return undefined;
    }
    this.#members.update(member, request);
    const abandon = this.#answers.waitForJoin(member, answer);
    this.#rebalance.memberCame();
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
    this.#answers.endWaits(old, fencedInstance(request.instanceId ?? ""));
    this.#members.exchange(old, member);
    old.session.clear();
    // Before the group is stable, the leader may have been told the old id already, and would assign to it.
    if (
      this.#rebalance.state !== "Stable" ||
      this.#members.selectProtocol() !== this.#rebalance.protocol
    ) {
      const abandon = this.#answers.waitForJoin(member, answer);
      this.#rebalance.memberCame();
      return abandon;
    }
    const joined = this.#rebalance.joined(member, wasLeader && request.maySkipAssignment);
    // A client that does not know skipAssignment would assign if it were told that it is the leader.
    const result = request.maySkipAssignment
      ? { ...joined, skipAssignment: wasLeader }
      : { ...joined, leader: wasLeader ? old.id : joined.leader };
    this.#rebalance.awaitSync(member);
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
            this.#answers.say(answer, { error, memberId: request.memberId });
            return;
          }
          renewSession(member);
          this.#rebalance.awaitSync(member);
          this.#answers.say(answer, result);
        }),
      (error: unknown) =>
        this.#run(() => {
          if (this.#members.get(id) === member) {
            old.assignment = member.assignment;
            this.#members.exchange(member, old);
            member.session.clear();
            renewSession(old);
          }
          this.#answers.say(answer, {
            error: unavailable(this.name, error),
            memberId: request.memberId,
          });
        }),
    );
    return undefined;
  }

  #sync(request: SyncRequest, answer: Answer<SyncResult>): Abandon | undefined {
    const member = this.#members.find(request);
    this.#rebalance.checkGeneration(request);
    const { protocolType, protocol, assignments } = request;
    if (
      (protocolType !== null && protocolType !== this.#members.protocolType) ||
      (protocol !== null && protocol !== this.#rebalance.protocol)
    ) {
      const message = `group '${this.name}' uses protocol '${this.#rebalance.protocol}' of type '${this.#members.protocolType}'`;
      throw new RustLogError("INCONSISTENT_GROUP_PROTOCOL", message);
    }
    if (this.#rebalance.state === "PreparingRebalance") throw rebalanceInProgress(this.name);
    this.#rebalance.synced(member);
    if (this.#rebalance.state === "Stable") {
      renewSession(member);
      this.#answers.say(answer, this.#rebalance.assigned(member));
      return undefined;
    }
    // A leader that sends its assignments again gets those that are being stored.
    const assigns = member.id === this.#members.leader && !this.#rebalance.isAssigned;
    if (assigns) {
      let bytes = 0;
      for (const { assignment } of assignments) bytes += assignment.length;
      this.#context.memory.check(keptBytes(bytes));
    }
    const abandon = this.#answers.waitForSync(member, answer);
    if (assigns) {
      this.#rebalance.assign(
        new Map(assignments.map((each) => [each.memberId, each.assignment.slice()])),
      );
    }
    return abandon;
  }

  #leave({
    memberId,
    instanceId,
  }: {
    readonly memberId: string;
    readonly instanceId: string | null;
  }): void {
    if (this.#context.pending.take(this.name, memberId)) {
      this.#rebalance.completeIfReady();
      return;
    }
    // A static member may be removed by someone who only knows its instance id.
    const known = memberId === "" ? this.#members.ofInstance(instanceId)?.id : memberId;
    const member = this.#members.find({ memberId: known ?? "", instanceId });
    this.#rebalance.remove(member, unknownMember(this.name, member.id));
  }

  #sessionExpired(member: ClassicMember): void {
    if (member.join !== undefined || member.sync !== undefined) return;
    this.#rebalance.expire(member);
    this.#rebalance.membersWent();
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

  async #store(
    assignmentOf = ({ assignment }: ClassicMember): Uint8Array => assignment,
  ): Promise<void> {
    this.#stores++;
    this.#isStored = false;
    try {
      await this.#context.store(this.name, {
        protocolType: this.#members.protocolType,
        generation: this.#rebalance.generation,
        protocol: this.#rebalance.protocol,
        leader: this.#members.leader,
        currentStateTimestamp: this.#rebalance.stateSince,
        members: [...this.#members].map((member) => ({
          memberId: member.id,
          instanceId: member.instanceId,
          clientId: member.clientId,
          clientHost: member.clientHost,
          rebalanceTimeoutMs: member.rebalanceTimeoutMs,
          sessionTimeoutMs: member.sessionTimeoutMs,
          metadata: metadataOf(member, this.#rebalance.protocol),
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
    this.#members.protocolType = record.protocolType;
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
      renewSession(member);
    }
    this.#rebalance.restore(record);
  }
}
