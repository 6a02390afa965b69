// The states of a classic group, and its way from one generation to the next: a rebalance. When it begins, who takes part in
// the next generation, and when each member has its assignment.
// Leaves to others: who may come and go (classic-group.ts), the members (classic-members.ts), and when their answers are
// given (classic-answers.ts).
//
//                    a member joins                       all members joined, or the time is up
//   Empty ──────────────────────────▶ PreparingRebalance ─────────────────────────────────────▶ CompletingRebalance
//     ▲      no members left             │         ▲         a member joins or goes                     │
//     └──────────────────────────────────┘         ├────────────────────────────────────────────────────┤
//                                                  │                                                    │ the leader sends
//                                                Stable ◀──────────────────────────────────────────────┘ the assignments
import { RustLogError } from "../../errors.js";
import { NO_BYTES } from "../../record/bytes.js";
import { Deadline, type GroupClock } from "../group-clock.js";
import type { GroupRecord } from "../group-record.js";
import { type GroupObserver, type GroupState, STORE_AGAIN_MS } from "../group.js";
import type { ClassicAnswers } from "./classic-answers.js";
import {
  type ClassicMember,
  type ClassicMembers,
  metadataOf,
  renewSession,
} from "./classic-members.js";
import {
  type JoinResult,
  rebalanceInProgress,
  type SyncResult,
  unavailable,
  unknownMember,
} from "./classic-requests.js";
import type { PendingMembers } from "./pending-members.js";

export interface RebalanceContext {
  readonly clock: GroupClock;
  /** Time that an empty group waits for more members, in milliseconds. */
  readonly initialRebalanceDelayMs: number;
  /** The ids that were given out in all groups. */
  readonly pending: PendingMembers;
  readonly observer: GroupObserver;
}

/** What a rebalance needs from its group. */
interface RebalanceGroup {
  readonly name: string;
  /** Runs a change of the group, and then gives the answers. */
  run(change: () => void): void;
  /** Stores the group, with these assignments instead of those that members have. */
  store(assignmentOf?: (member: ClassicMember) => Uint8Array): Promise<void>;
}

/** Kafka's generations are 32 bits. */
const GENERATION_MAX = 2 ** 31 - 1;

export class ClassicRebalance {
  readonly #group: RebalanceGroup;
  readonly #context: RebalanceContext;
  readonly #members: ClassicMembers;
  readonly #answers: ClassicAnswers;
  #state: GroupState = "Empty";
  /** When the state began, in milliseconds since the epoch. */
  #stateSince: number;
  #generation = 0;
  #protocol: string | null = null;
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

  constructor(
    group: RebalanceGroup,
    context: RebalanceContext,
    members: ClassicMembers,
    answers: ClassicAnswers,
  ) {
    this.#group = group;
    this.#context = context;
    this.#members = members;
    this.#answers = answers;
    const timer = (call: () => void): Deadline =>
      new Deadline(context.clock, () => group.run(call));
    this.#joinTimer = timer(() => this.#joinTimeIsUp());
    this.#syncTimer = timer(() => this.#syncTimeIsUp());
    this.#pendingTimer = timer(() => this.completeIfReady());
    this.#stateSince = context.clock.time();
  }

  get state(): GroupState {
    return this.#state;
  }

  get stateSince(): number {
    return this.#stateSince;
  }

  get generation(): number {
    return this.#generation;
  }

  /** The assignor that all members can use; null if there are none. */
  get protocol(): string | null {
    return this.#protocol;
  }

  /** Whether the leader has sent the assignments of this generation. */
  get isAssigned(): boolean {
    return this.#assigning === this.#generation;
  }

  /** Throws ILLEGAL_GENERATION if a member has missed the beginning of this one. */
  checkGeneration({ generation }: { readonly generation: number }): void {
    if (generation === this.#generation) return;
    throw new RustLogError(
      "ILLEGAL_GENERATION",
      `group '${this.#group.name}' is in generation ${this.#generation}, not ${generation}`,
    );
  }

  /** Continues where the group was when it was stored, with the members that it had. */
  restore({ generation, protocol, currentStateTimestamp }: GroupRecord): void {
    this.#generation = generation;
    this.#protocol = protocol;
    this.#stateSince = currentStateTimestamp;
    if (this.#members.size > 0) this.#state = "Stable";
  }

  /** More members are coming: an initial rebalance waits for them. */
  expectMore(): void {
    this.#hasNewMember = true;
  }

  /** A member came, or changed what it says. */
  memberCame(): void {
    if (this.#state === "PreparingRebalance") this.completeIfReady();
    else this.begin();
  }

  membersWent(): void {
    if (this.#state === "PreparingRebalance") this.completeIfReady();
    else if (this.#state !== "Empty") this.begin();
  }

  /** Begins a rebalance: every member has to join again. */
  begin(): void {
    this.#isInitial = this.#state === "Empty";
    if (this.#state === "CompletingRebalance") {
      const error = rebalanceInProgress(this.#group.name);
      for (const member of this.#members) {
        this.#members.setAssignment(member, NO_BYTES);
        this.#answers.endSync(member, error);
      }
    } else this.#rebalanceSince = this.#context.clock.now();
    this.#syncTimer.clear();
    this.#enter("PreparingRebalance");
    const timeoutMs = this.#members.rebalanceTimeoutMs;
    if (!this.#isInitial) {
      this.#joinTimer.set(timeoutMs);
      this.completeIfReady();
      return;
    }
    this.#hasNewMember = false;
    const delayMs = this.#context.initialRebalanceDelayMs;
    this.#initialLeftMs = Math.max(0, timeoutMs - delayMs);
    if (delayMs === 0) this.#completeJoin();
    else this.#joinTimer.set(delayMs);
  }

  /** Begins the next generation if all that it waits for are here. */
  completeIfReady(): void {
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

  /** A member has asked for its assignment. */
  synced(member: ClassicMember): void {
    if (!member.mustSync) return;
    member.mustSync = false;
    if (--this.#missingSyncs === 0) this.#syncTimer.clear();
  }

  /** Gives a member time to ask for its assignment, unless it has. */
  awaitSync({ mustSync }: ClassicMember): void {
    if (mustSync) this.#syncTimer.set(this.#members.rebalanceTimeoutMs);
  }

  /** Stores the assignments, and then hands them out. */
  assign(byMember: ReadonlyMap<string, Uint8Array>): void {
    const generation = this.#generation;
    const isCurrent = (): boolean =>
      this.#state === "CompletingRebalance" && this.#generation === generation;
    const of = ({ id }: ClassicMember): Uint8Array => byMember.get(id) ?? NO_BYTES;
    this.#assigning = generation;
    this.#group.store(of).then(
      () =>
        this.#group.run(() => {
          if (!isCurrent()) return;
          this.#enter("Stable");
          for (const member of this.#members) {
            this.#members.setAssignment(member, of(member));
            this.#answers.endSync(member, this.assigned(member));
          }
          const ms = this.#context.clock.now() - this.#rebalanceSince;
          this.#context.observer.rebalanced("classic", ms);
        }),
      (error: unknown) =>
        this.#group.run(() => {
          if (this.#assigning === generation) this.#assigning = undefined;
          if (!isCurrent()) return;
          const failure = unavailable(this.#group.name, error);
          for (const member of this.#members) this.#answers.endSync(member, failure);
          this.begin();
        }),
    );
  }

  /** Removes a member that is silent, or too slow. */
  expire(member: ClassicMember): void {
    this.remove(member, unknownMember(this.#group.name, member.id));
    this.#context.observer.expired("classic");
  }

  /** Removes a member; `error` is what it is told if it waits. */
  remove(member: ClassicMember, error: RustLogError): void {
    this.#answers.endWaits(member, error);
    if (this.#state === "CompletingRebalance" || this.#state === "Stable") this.synced(member);
    member.session.clear();
    this.#members.remove(member);
  }

  /** The group has ended. */
  end(): void {
    this.#state = "Dead";
  }

  /** Stops all timers. */
  close(): void {
    this.#joinTimer.clear();
    this.#syncTimer.clear();
    this.#pendingTimer.clear();
  }

  /** What a member is told about the generation; the leader also who the members are. */
  joined(member: ClassicMember, withMembers: boolean): JoinResult {
    return {
      memberId: member.id,
      generation: this.#generation,
      protocolType: this.#members.protocolType,
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

  /** What a member is told to read. */
  assigned({ assignment }: ClassicMember): SyncResult {
    return { protocolType: this.#members.protocolType, protocol: this.#protocol ?? "", assignment };
  }

  /** Tries until it succeeds, because nobody is left to ask again. */
  #storeEmpty(): void {
    this.#group.store().catch(() => {
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

  /** Whether a client has an id with which it is about to join. */
  #waitsForPending(): boolean {
    const expiresInMs = this.#context.pending.nextExpiry(this.#group.name);
    if (expiresInMs === undefined) return false;
    this.#pendingTimer.set(expiresInMs);
    return true;
  }

  /** Begins the next generation with the members that have joined again. */
  #completeJoin(): void {
    for (const member of [...this.#members]) {
      if (!member.hasJoined && member.instanceId === null) this.expire(member);
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
      renewSession(member);
      if (member.join === undefined) continue;
      const isLeader = member.id === this.#members.leader;
      this.#answers.endJoin(member, this.joined(member, isLeader));
    }
    this.#syncTimer.set(this.#members.rebalanceTimeoutMs);
  }

  /** Members that did not ask for their assignment in time are gone. */
  #syncTimeIsUp(): void {
    if (this.#state !== "CompletingRebalance" && this.#state !== "Stable") return;
    const missing = [...this.#members].filter(({ mustSync }) => mustSync);
    if (missing.length === 0) return;
    for (const member of missing) this.expire(member);
    this.begin();
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

  #enter(state: GroupState): void {
    this.#state = state;
    this.#stateSince = this.#context.clock.time();
  }
}
