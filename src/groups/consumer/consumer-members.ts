// The members of a consumer group: which of them a request means, what they say about themselves, how long they may be
// silent, and what they take in memory.
// Leaves to others: when they come and go (consumer-group.ts), what they subscribe to (group-subscriptions.ts), and what they
// read (current-assignment.ts).
import { RustLogError } from "../../errors.js";
import { REBALANCE_TIMEOUT_MS_MAX } from "../../limits.js";
import type { ClassicMembership, MemberInGeneration } from "../classic/classic-requests.js";
import { type GroupClock, MemberDeadline } from "../group-clock.js";
import {
  CONSUMER_MEMBER_BYTES,
  type GroupMemory,
  keptBytes,
  PROTOCOL_BYTES,
} from "../group-memory.js";
import { type Assignment, difference, NOTHING } from "./assignment.js";
import {
  type ConsumerMember,
  JOINING,
  type MemberIdentity,
  type Subscription,
} from "./consumer-member.js";
import type { HeartbeatRequest } from "./consumer-requests.js";
import { type GroupNotes, NOTED } from "./group-notes.js";

interface MembersContext {
  readonly clock: GroupClock;
  /** A member that is silent for this long is removed. */
  readonly sessionTimeoutMs: number;
  readonly membersMax: number;
  /** The account of all groups. */
  readonly memory: GroupMemory;
  /** Called with the change in the number of members. */
  readonly onMembers: (members: number) => void;
}

export class ConsumerMembers implements Iterable<ConsumerMember> {
  readonly #group: string;
  readonly #context: MembersContext;
  readonly #notes: GroupNotes;
  readonly #onExpired: (member: ConsumerMember) => void;
  readonly #byId = new Map<string, ConsumerMember>();
  /** Members with an instance id, by it. */
  readonly #static = new Map<string, ConsumerMember>();
  /** Members that use the classic protocol. */
  #classic = 0;

  /** `onExpired` is called when a member was silent for too long, or was told to do something and did not. */
  constructor(
    group: string,
    context: MembersContext,
    notes: GroupNotes,
    onExpired: (member: ConsumerMember) => void,
  ) {
    this.#group = group;
    this.#context = context;
    this.#notes = notes;
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Number of members that use the classic protocol. */
  get classicCount(): number {
    return this.#classic;
  }

  /** In the order in which they came. Members may be removed while the caller iterates. */
  [Symbol.iterator](): IterableIterator<ConsumerMember> {
    return this.#byId.values();
  }

  get(id: string): ConsumerMember | undefined {
    return this.#byId.get(id);
  }

  /** The member that is an instance now. */
  ofInstance(instanceId: string | null): ConsumerMember | undefined {
    return instanceId === null ? undefined : this.#static.get(instanceId);
  }

  /** The member that a request names. Throws UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID. */
  find(memberId: string, instanceId: string | null): ConsumerMember {
    if (instanceId !== null) {
      const member = this.#static.get(instanceId);
      if (member === undefined) {
        throw new RustLogError(
          "UNKNOWN_MEMBER_ID",
          `group '${this.#group}' has no instance '${instanceId}'`,
        );
      }
      if (member.id === memberId) return member;
      throw new RustLogError(
        "FENCED_INSTANCE_ID",
        `instance '${instanceId}' of group '${this.#group}' is now member '${member.id}', not '${memberId}'`,
      );
    }
    const member = this.#byId.get(memberId);
    if (member !== undefined) return member;
    throw new RustLogError(
      "UNKNOWN_MEMBER_ID",
      `group '${this.#group}' has no member '${memberId}'`,
    );
  }

  /** The same for a heartbeat with the member's epoch, and what it reads. Throws FENCED_MEMBER_EPOCH too. */
  inEpoch(
    { memberId, memberEpoch, instanceId }: HeartbeatRequest,
    owned?: Assignment,
  ): ConsumerMember {
    const member = this.find(memberId, instanceId);
    const { epoch, previousEpoch, assigned, revoking } = member.position;
    if (memberEpoch === epoch) return member;
    // The response with the new epoch may have been lost.
    const isRepeated = memberEpoch === previousEpoch && memberEpoch < epoch;
    if (isRepeated && owned !== undefined) {
      if (difference(difference(owned, assigned), revoking).size === 0) return member;
    }
    throw new RustLogError(
      "FENCED_MEMBER_EPOCH",
      `member '${memberId}' of group '${this.#group}' has epoch ${epoch}, not ${memberEpoch}: it must give up its partitions and join again`,
    );
  }

  /** The same for a request of the classic protocol. Throws ILLEGAL_GENERATION too. */
  inGeneration({ memberId, instanceId, generation }: MemberInGeneration): ConsumerMember {
    const member = this.find(memberId, instanceId);
    if (member.classic === undefined) {
      const message = `member '${memberId}' of group '${this.#group}' does not use the classic protocol`;
      throw new RustLogError("UNKNOWN_MEMBER_ID", message);
    }
    const { epoch } = member.position;
    if (generation === epoch) return member;
    const message = `member '${memberId}' of group '${this.#group}' is in generation ${epoch}, not ${generation}`;
    throw new RustLogError("ILLEGAL_GENERATION", message);
  }

  /** Throws GROUP_MAX_SIZE_REACHED if there is no place, or no memory, for one more. */
  checkRoom(memberId: string, identity: Named): void {
    if (this.#byId.size >= this.#context.membersMax) {
      throw new RustLogError(
        "GROUP_MAX_SIZE_REACHED",
        `group '${this.#group}' has ${this.#byId.size} members, which is the limit`,
      );
    }
    this.#context.memory.check(bytesOfMember(memberId, identity));
  }

  /** Throws GROUP_MAX_SIZE_REACHED if there is no memory for longer names of a member. */
  checkNames(member: ConsumerMember, request: HeartbeatRequest): void {
    const { memberId, instanceId, rackId, clientId, clientHost } = request;
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

  /** Throws GROUP_MAX_SIZE_REACHED if there is no memory for longer protocols of a member. */
  checkProtocols(member: ConsumerMember | undefined, said: Protocols): void {
    this.#context.memory.check(bytesOfClassic(said) - bytesOfClassic(member?.classic));
  }

  /** Adds a member, for which there is room. */
  add(
    id: string,
    identity: MemberIdentity & Pick<ConsumerMember, "classic">,
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
      session: new MemberDeadline(clock, () => this.#onExpired(member)),
      revocation: new MemberDeadline(clock, () => this.#onExpired(member)),
      classic: undefined,
      bytes: bytesOfMember(id, identity),
      catchUp: new MemberDeadline(clock, () => this.#onExpired(member)),
      wake: undefined,
    };
    this.#byId.set(id, member);
    this.#context.memory.add(member.bytes);
    this.#context.onMembers(1);
    if (member.instanceId !== null) this.#static.set(member.instanceId, member);
    this.#notes.member(id, NOTED.ALL);
    this.setClassic(member, identity.classic);
    return member;
  }

  /** Gives a static member another member id, which no other member has. */
  rename(member: ConsumerMember, id: string): void {
    this.#notes.member(member.id, NOTED.ALL);
    this.#byId.delete(member.id);
    member.id = id;
    this.#byId.set(id, member);
    this.#accountForNames(member);
    this.#notes.member(id, NOTED.ALL);
  }

  remove(member: ConsumerMember): void {
    clearDeadlines(member);
    this.setClassic(member, undefined);
    this.#byId.delete(member.id);
    this.#context.memory.add(-member.bytes);
    this.#context.onMembers(-1);
    if (member.instanceId !== null) this.#static.delete(member.instanceId);
    this.#notes.member(member.id, NOTED.ALL);
  }

  /** Takes over what a request says about its member, except its subscription. */
  update(member: ConsumerMember, request: HeartbeatRequest): void {
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
    if (!isNew) return;
    this.#accountForNames(member);
    this.#notes.member(member.id, NOTED.METADATA);
  }

  /** Sets what is known of a member of the classic protocol; undefined if it uses the consumer protocol. */
  setClassic(member: ConsumerMember, classic: ClassicMembership | undefined): void {
    const before = member.classic;
    if (before === undefined && classic === undefined) return;
    member.classic = classic;
    if (before === undefined) this.#classic++;
    if (classic === undefined) {
      this.#classic--;
      member.catchUp.clear();
    }
    this.#context.memory.add(bytesOfClassic(classic) - bytesOfClassic(before));
    this.#notes.member(member.id, NOTED.METADATA);
  }

  /** Restarts the session timeout of a member. */
  renew(member: ConsumerMember, ownTimeoutMs = member.classic?.sessionTimeoutMs): void {
    member.session.set(ownTimeoutMs ?? this.#context.sessionTimeoutMs);
  }

  /** Stops all timers, and gives all memory back. */
  close(): void {
    for (const member of this.#byId.values()) {
      clearDeadlines(member);
      this.#context.memory.add(-member.bytes - bytesOfClassic(member.classic));
    }
    this.#context.onMembers(-this.#byId.size);
  }

  #accountForNames(member: ConsumerMember): void {
    const bytes = bytesOfMember(member.id, member);
    this.#context.memory.add(bytes - member.bytes);
    member.bytes = bytes;
  }
}

type Named = Pick<ConsumerMember, "instanceId" | "rackId" | "clientId" | "clientHost">;

function bytesOfMember(id: string, { instanceId, rackId, clientId, clientHost }: Named): number {
  let bytes = 0;
  for (const name of [id, clientId, clientHost, instanceId ?? "", rackId ?? ""]) {
    bytes += Buffer.byteLength(name);
  }
  return CONSUMER_MEMBER_BYTES + keptBytes(bytes);
}

type Protocols = Pick<ClassicMembership, "protocols">;

function bytesOfClassic(classic: Protocols | undefined): number {
  let bytes = 0;
  for (const { name, metadata } of classic?.protocols ?? []) {
    bytes += PROTOCOL_BYTES + keptBytes(Buffer.byteLength(name) + metadata.length);
  }
  return bytes;
}

function clearDeadlines({ session, revocation, catchUp }: ConsumerMember): void {
  for (const deadline of [session, revocation, catchUp]) deadline.clear();
}
