// The members of a classic group: their order, which instance each one is, what they have in common, and what they take.
// Leaves to others: when they come and go, and what they are told (classic-group.ts, classic-rebalance.ts).
import { RustLogError } from "../../errors.js";
import { GROUP_METADATA_BYTES_MAX } from "../../limits.js";
import { NO_BYTES } from "../../record/bytes.js";
import type { MemberDeadline } from "../group-clock.js";
import {
  CLASSIC_MEMBER_BYTES,
  type GroupMemory,
  keptBytes,
  PROTOCOL_BYTES,
} from "../group-memory.js";
import type { Answer, MemberClient } from "../group.js";
import {
  copiesOf,
  fencedInstance,
  type JoinAnswer,
  type JoinRequest,
  type Protocol,
  rebalanceTimeoutOf,
  type SyncResult,
  unknownMember,
} from "./classic-requests.js";
import { subscribedTopics } from "./consumer-protocol.js";

export interface MemberSize {
  /** What it says about itself, in bytes. */
  readonly said: number;
  /** Memory that it takes, without its assignment. */
  readonly memory: number;
}

export interface ClassicMember extends MemberClient {
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

export class ClassicMembers implements Iterable<ClassicMember> {
  readonly #group: string;
  readonly #memory: GroupMemory;
  readonly #byId = new Map<string, ClassicMember>();
  /** Members with an instance id: their current member id. */
  readonly #static = new Map<string, string>();
  /** How many members have each protocol. */
  readonly #supporters = new Map<string, number>();
  /** What the members say about themselves, in bytes. */
  #said = 0;
  /** Members that have joined the next generation. */
  #joins = 0;
  #subscribed:
    { readonly protocol: string | null; readonly topics: ReadonlySet<string> } | undefined;
  /** What all members are; `consumer` for consumers, empty if the group never had members. */
  protocolType = "";
  /** The id of the member that assigns. */
  leader: string | null = null;

  constructor(group: string, memory: GroupMemory) {
    this.#group = group;
    this.#memory = memory;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Number of members that have joined the next generation. */
  get joins(): number {
    return this.#joins;
  }

  /** In the order in which they came. Members may be removed while the caller iterates. */
  [Symbol.iterator](): IterableIterator<ClassicMember> {
    return this.#byId.values();
  }

  get(id: string): ClassicMember | undefined {
    return this.#byId.get(id);
  }

  /** The member that is an instance now. */
  ofInstance(instanceId: string | null): ClassicMember | undefined {
    return instanceId === null ? undefined : this.#byId.get(this.#static.get(instanceId) ?? "");
  }

  /** The member that a request names. Throws UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID. */
  find({
    memberId,
    instanceId,
  }: {
    readonly memberId: string;
    readonly instanceId: string | null;
  }): ClassicMember {
    if (instanceId !== null) {
      const current = this.#static.get(instanceId);
      if (current !== undefined && current !== memberId) throw fencedInstance(instanceId);
      if (current === undefined) throw unknownMember(this.#group, memberId);
    }
    const member = this.#byId.get(memberId);
    if (member === undefined) throw unknownMember(this.#group, memberId);
    return member;
  }

  /** Adds a member, whose size was checked. */
  insert(member: ClassicMember): void {
    this.#byId.set(member.id, member);
    this.#account(NO_SIZE, member.size);
    if (member.instanceId !== null) this.#static.set(member.instanceId, member.id);
    this.leader ??= member.id;
    this.#count(member.protocols, 1);
    this.#subscribed = undefined;
  }

  /** Takes over what a member says about itself now. Throws GROUP_MAX_SIZE_REACHED. */
  update(member: ClassicMember, request: JoinRequest): void {
    const size = this.checkSize(request, member.id, member.size);
    this.#account(member.size, size);
    member.size = size;
    member.rebalanceTimeoutMs = rebalanceTimeoutOf(request);
    member.sessionTimeoutMs = request.sessionTimeoutMs;
    this.#count(member.protocols, -1);
    member.protocols = copiesOf(request.protocols);
    this.#count(member.protocols, 1);
    this.#subscribed = undefined;
  }

  /** Puts one static member in the place of another; in the order of the members as well. */
  exchange(old: ClassicMember, member: ClassicMember): void {
    const all = [...this.#byId.values()];
    this.#byId.clear();
    for (const each of all) {
      const now = each === old ? member : each;
      this.#byId.set(now.id, now);
    }
    if (member.instanceId !== null) this.#static.set(member.instanceId, member.id);
    if (this.leader === old.id) this.leader = member.id;
    this.#account(old.size, member.size);
    this.#count(old.protocols, -1);
    this.#count(member.protocols, 1);
    member.mustSync = old.mustSync;
    this.setJoined(old, false);
    this.#subscribed = undefined;
  }

  /** Removes a member. If it was the leader, the first one of the others is. */
  remove(member: ClassicMember): void {
    this.#byId.delete(member.id);
    const { instanceId } = member;
    if (instanceId !== null && this.#static.get(instanceId) === member.id) {
      this.#static.delete(instanceId);
    }
    this.setJoined(member, false);
    this.#count(member.protocols, -1);
    this.#account(member.size, NO_SIZE);
    this.setAssignment(member, NO_BYTES);
    if (this.leader === member.id) this.leader = this.#byId.keys().next().value ?? null;
    this.#subscribed = undefined;
  }

  /** Gives all memory back. The members go on elsewhere. */
  release(): void {
    for (const member of this.#byId.values()) {
      this.#account(member.size, NO_SIZE);
      this.setAssignment(member, NO_BYTES);
    }
  }

  setJoined(member: ClassicMember, hasJoined: boolean): void {
    if (member.hasJoined === hasJoined) return;
    member.hasJoined = hasJoined;
    this.#joins += hasJoined ? 1 : -1;
  }

  setAssignment(member: ClassicMember, assignment: Uint8Array): void {
    const bytes = keptBytes(assignment.length - member.assignment.length);
    this.#memory.add(bytes);
    member.assignment = assignment;
  }

  /**
   * The size of a member as a request describes it, which replaces one with the size `before`. Throws
   * GROUP_MAX_SIZE_REACHED if the group says too much then, or the groups of the broker take too much memory.
   */
  checkSize(request: JoinRequest, memberId: string, before = NO_SIZE): MemberSize {
    const size = sizeOf(request, memberId);
    if (this.#said + size.said - before.said > GROUP_METADATA_BYTES_MAX) {
      const message = `group '${this.#group}' would have more than ${GROUP_METADATA_BYTES_MAX} bytes of subscriptions (GROUP_METADATA_BYTES_MAX)`;
      throw new RustLogError("GROUP_MAX_SIZE_REACHED", message);
    }
    this.#memory.check(size.memory - before.memory);
    return size;
  }

  /** Throws GROUP_MAX_SIZE_REACHED if there is no place for a member that joins. */
  checkRoom(memberId: string, membersMax: number, isRebalancing: boolean): void {
    const member = this.#byId.get(memberId);
    // Members that did not join again will be gone when the rebalance is over.
    const isIn = isRebalancing ? member?.hasJoined === true : member !== undefined;
    const isFull = (isRebalancing ? this.#joins : this.size) >= membersMax;
    if (isIn || !isFull) return;
    const message = `group '${this.#group}' has ${membersMax} members, the maximum`;
    throw new RustLogError("GROUP_MAX_SIZE_REACHED", message);
  }

  /** Throws INCONSISTENT_GROUP_PROTOCOL unless the others can work with a member that joins. */
  checkProtocols({ protocolType, protocols }: JoinRequest): void {
    const isEmpty = this.size === 0;
    const isSupported = isEmpty
      ? protocolType !== "" && protocols.length > 0
      : protocolType === this.protocolType && protocols.some(({ name }) => this.#isCommon(name));
    if (isSupported) return;
    const common = [...this.#supporters.keys()].filter((name) => this.#isCommon(name)).join(", ");
    throw new RustLogError(
      "INCONSISTENT_GROUP_PROTOCOL",
      isEmpty
        ? `a member of group '${this.#group}' must name its protocols`
        : `members of group '${this.#group}' have the protocols ${common} of type '${this.protocolType}'`,
    );
  }

  /** Of the protocols that all members have, the one that most of them prefer. */
  selectProtocol(): string {
    const votes = new Map<string, number>();
    for (const { protocols } of this.#byId.values()) {
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
    return this.#supporters.get(protocol) === this.#byId.size;
  }

  /** The topics that members subscribe to, if they are consumers and use this protocol. */
  topics(protocol: string | null): ReadonlySet<string> {
    if (this.#subscribed?.protocol !== protocol) this.#subscribed = undefined;
    this.#subscribed ??= {
      protocol,
      topics: subscribedTopics([...this.#byId.values()].map((each) => metadataOf(each, protocol))),
    };
    return this.#subscribed.topics;
  }

  /** The longest one of a member. */
  get rebalanceTimeoutMs(): number {
    let timeoutMs = 0;
    for (const member of this.#byId.values()) {
      timeoutMs = Math.max(timeoutMs, member.rebalanceTimeoutMs);
    }
    return timeoutMs;
  }

  #account(before: MemberSize, after: MemberSize): void {
    this.#said += after.said - before.said;
    this.#memory.add(after.memory - before.memory);
  }

  #count(protocols: readonly Protocol[], change: 1 | -1): void {
    for (const name of new Set(protocols.map((each) => each.name))) {
      const count = (this.#supporters.get(name) ?? 0) + change;
      if (count === 0) this.#supporters.delete(name);
      else this.#supporters.set(name, count);
    }
  }
}

/** Restarts the session timeout of a member. */
export function renewSession(member: ClassicMember): void {
  member.session.set(member.sessionTimeoutMs);
}

/** The same protocols, the group's first. */
export function preferring(
  protocols: readonly Protocol[],
  name: string | null,
): readonly Protocol[] {
  const first = protocols.filter((each) => each.name === name);
  return [...first, ...protocols.filter((each) => each.name !== name)];
}

export function metadataOf({ protocols }: ClassicMember, protocol: string | null): Uint8Array {
  return protocols.find(({ name }) => name === protocol)?.metadata ?? NO_BYTES;
}

export function haveSame(a: readonly Protocol[], b: readonly Protocol[]): boolean {
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

export function sizeOf(request: JoinRequest, memberId: string): MemberSize {
  const { clientId, clientHost, instanceId, protocolType, protocols } = request;
  let said = MEMBER_FIELDS_BYTES + Buffer.byteLength(protocolType);
  for (const name of [clientId, clientHost, memberId, instanceId ?? ""]) {
    said += Buffer.byteLength(name);
  }
  for (const { name, metadata } of protocols) said += Buffer.byteLength(name) + metadata.length;
  const fixed = CLASSIC_MEMBER_BYTES + protocols.length * PROTOCOL_BYTES;
  return { said, memory: fixed + keptBytes(said) };
}
