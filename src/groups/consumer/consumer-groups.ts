// All consumer groups together: what they share, and when they are stored.
// Leaves to others: a group (consumer-group.ts), finding it (coordinator.ts), and which of them a changed topic concerns
// (topic-subscribers.ts).
import { RustLogError } from "../../errors.js";
import { CONSUMER_HEARTBEAT_INTERVAL_MS, CONSUMER_SESSION_TIMEOUT_MS } from "../../limits.js";
import type { TopicRegistry } from "../../topics/topic-registry.js";
import {
  type ClassicMemberState,
  checkSessionTimeout,
  type JoinAnswer,
  type JoinRequest,
  type SyncRequest,
  type SyncResult,
} from "../classic/classic-requests.js";
import { Deadline, type GroupClock } from "../group-clock.js";
import type { GroupMemory } from "../group-memory.js";
import type { GroupRecordChange } from "../group-record-table.js";
import { type Answer, type GroupObserver, STORE_AGAIN_MS } from "../group.js";
import { decodeConsumerGroup, encodeNotes } from "./consumer-group-record.js";
import { ConsumerGroup, type ConsumerGroupContext } from "./consumer-group.js";
import {
  checkHeartbeat,
  type HeartbeatRequest,
  type HeartbeatResponse,
  type StoredGroup,
} from "./consumer-requests.js";
import { TopicSubscribers } from "./topic-subscribers.js";

/** Shortest time between the heartbeats of a member, in milliseconds. */
const HEARTBEAT_MS_MIN = 1_000;

/** So that the members of all groups together send 200 heartbeats in a second, until they send one every five seconds. */
const HEARTBEAT_MS_PER_MEMBER = 5;

/** Most bytes of records that are written in one batch. */
const PORTION_BYTES = 4 * 1024 * 1024;

/** Shortest time between reports of missing memory, in milliseconds: they may concern all groups at once. */
const REPORT_INTERVAL_MS = 10 * 60_000;

export interface ConsumerGroupsContext {
  readonly registry: TopicRegistry;
  readonly clock: GroupClock;
  readonly membersMax: number;
  /** The account of all groups. */
  readonly memory: GroupMemory;
  /** Stores records of a group, after those of earlier calls. */
  readonly write: (group: string, records: () => readonly GroupRecordChange[]) => Promise<void>;
  /** Records to write together with those of a consumer group, now: they delete what it was before. */
  readonly replaced: (group: string) => readonly GroupRecordChange[];
  /** Called when all members use the classic protocol. Stores the group as a classic one; what it has noted is void. */
  readonly classicOnly: (group: ConsumerGroup) => Promise<void>;
  /** Called when a group has no members, and is stored. */
  readonly emptied: (group: ConsumerGroup) => void;
  readonly observer: GroupObserver;
  readonly report: (line: string) => void;
}

export class ConsumerGroups {
  readonly #context: ConsumerGroupsContext;
  readonly #subscribers: TopicSubscribers;
  readonly #patterns: TopicSubscribers["patterns"];
  readonly #group: ConsumerGroupContext;
  readonly #writes = new Map<ConsumerGroup, Promise<void>>();
  #reportedNoMemoryAt = Number.NEGATIVE_INFINITY;
  /** Groups without members that could not be stored. */
  readonly #unstored = new Set<ConsumerGroup>();
  readonly #storeAgain: Deadline;
  /** Of all groups. */
  #members = 0;

  constructor(context: ConsumerGroupsContext) {
    const { registry, clock, membersMax, memory, observer } = context;
    this.#context = context;
    this.#storeAgain = new Deadline(clock, () => {
      const groups = [...this.#unstored];
      this.#unstored.clear();
      for (const group of groups) this.#storeSoon(group);
    });
    this.#subscribers = new TopicSubscribers(registry);
    this.#patterns = this.#subscribers.patterns;
    this.#group = {
      ...{ topics: registry, patterns: this.#patterns, clock, membersMax, memory, observer },
      sessionTimeoutMs: CONSUMER_SESSION_TIMEOUT_MS,
      heartbeatIntervalMs: () => this.#heartbeatIntervalMs(),
      onMembers: (members) => {
        this.#members += members;
      },
      onChange: (group) => this.#storeSoon(group),
      onNoMemory: (group) => this.#reportNoMemory(group),
      onSubscribed: (group, topic, isSubscribed) =>
        this.#subscribers.subscribed(group, topic, isSubscribed),
    };
  }

  /** Stops the timer. */
  close(): void {
    this.#storeAgain.clear();
  }

  /** A group without members, with the epochs that were stored. */
  empty(name: string, stored: StoredGroup | undefined): ConsumerGroup {
    if (stored === undefined) return new ConsumerGroup(name, this.#group);
    return ConsumerGroup.restore(name, this.#group, { ...stored, members: [] });
  }

  /** Decodes the records of a consumer group; undefined if they are not those of one. */
  decode(
    name: string,
    records: Iterable<readonly [key: Uint8Array, value: Uint8Array]>,
  ): StoredGroup | undefined {
    return decodeConsumerGroup(records, ({ message }) => {
      this.#context.report(
        `group '${name}': a record was skipped, all others are kept: ${message}`,
      );
    });
  }

  async restore(name: string, stored: StoredGroup): Promise<ConsumerGroup> {
    const patterns = new Set(stored.members.map(({ pattern }) => pattern));
    const restored = await this.#with([...patterns], () =>
      ConsumerGroup.restore(name, this.#group, stored),
    );
    this.#storeSoon(restored);
    return restored;
  }

  /**
   * Runs `work`, which may subscribe a member with the expression of a request. Rejects or throws INVALID_REQUEST,
   * UNSUPPORTED_ASSIGNOR and INVALID_REGULAR_EXPRESSION.
   */
  checked<T>(request: HeartbeatRequest, work: () => T | Promise<T>): T | Promise<T> {
    checkHeartbeat(request);
    const { pattern } = request;
    return pattern === null || pattern === "" ? work() : this.#patterns.with(pattern, work);
  }

  /** A heartbeat; the response says nothing that is not stored. */
  heartbeat(
    group: ConsumerGroup,
    request: HeartbeatRequest,
  ): HeartbeatResponse | Promise<HeartbeatResponse> {
    try {
      const response = group.heartbeat(request);
      const stored = this.#stored(group);
      return stored === undefined ? response : stored.then(() => response);
    } catch (error) {
      // If the group was created for this member, it is not needed.
      if (group.isClassicOnly) this.#storeSoon(group);
      else this.#dropEmpty(group);
      throw error;
    }
  }

  /** Removes members for an administrator. Returns the error of each, in order. */
  remove(
    group: ConsumerGroup,
    members: readonly { readonly memberId: string; readonly instanceId: string | null }[],
  ): readonly (RustLogError | undefined)[] {
    const errors = members.map((member) => group.removeMember(member));
    this.#storeSoon(group);
    return errors;
  }

  /** The fewer members there are, the more often each is heard of, and the sooner it hears of the others. */
  #heartbeatIntervalMs(): number {
    const ms = this.#members * HEARTBEAT_MS_PER_MEMBER;
    return Math.min(CONSUMER_HEARTBEAT_INTERVAL_MS, Math.max(HEARTBEAT_MS_MIN, ms));
  }

  /** A classic group with members as a consumer group. Throws INCONSISTENT_GROUP_PROTOCOL. */
  convert(name: string, generation: number, members: readonly ClassicMemberState[]): ConsumerGroup {
    return ConsumerGroup.fromClassic(name, this.#group, generation, members);
  }

  /** JoinGroup of a member of the classic protocol. */
  joinClassic(
    group: ConsumerGroup,
    request: JoinRequest,
    newMemberId: string,
    answer: JoinAnswer,
  ): void {
    const { needsMemberId, instanceId } = request;
    try {
      checkSessionTimeout(request.sessionTimeoutMs);
      if (request.memberId === "" && instanceId === null && needsMemberId) {
        const message = `join group '${group.name}' again with the member id '${newMemberId}'`;
        const error = new RustLogError("MEMBER_ID_REQUIRED", message);
        answer({ error, memberId: newMemberId });
        return;
      }
      const result = group.joinClassic(request, newMemberId);
      this.#afterwards(
        group,
        () => answer(result),
        (error) => answer({ error, memberId: result.memberId }),
      );
    } catch (error) {
      if (!(error instanceof RustLogError)) throw error;
      answer({ error, memberId: request.memberId });
    }
  }

  /** SyncGroup, likewise. */
  syncClassic(group: ConsumerGroup, request: SyncRequest, answer: Answer<SyncResult>): void {
    const result = group.syncClassic(request);
    this.#afterwards(group, () => answer(result), answer);
  }

  /** Calls `then` once everything that the group knows now is stored. */
  #afterwards(
    group: ConsumerGroup,
    then: () => void,
    otherwise: (error: RustLogError) => void,
  ): void {
    const stored = this.#stored(group);
    if (stored === undefined) {
      then();
      return;
    }
    stored.then(then, (error: unknown) => {
      if (!(error instanceof RustLogError)) throw error;
      otherwise(error);
    });
  }

  /** Resolves once everything that the group knows now is stored; undefined if it is already. */
  #stored(group: ConsumerGroup): Promise<void> | undefined {
    if (group.isClassicOnly) {
      group.takeNotes();
      return this.#context.classicOnly(group).catch((error: unknown) => {
        const message = `group '${group.name}' can't be stored`;
        throw new RustLogError("COORDINATOR_NOT_AVAILABLE", message, { cause: error });
      });
    }
    const running = this.#writes.get(group);
    if (running === undefined) return this.#writeIfNoted(group);
    // If it fails, its records are written again with the next ones.
    return running.catch(() => {}).then(() => this.#writes.get(group) ?? this.#writeIfNoted(group));
  }

  #storeSoon(group: ConsumerGroup): void {
    // The coordinator reports what fails, and the next request tries again.
    this.#stored(group)?.catch(() => {});
  }

  #writeIfNoted(group: ConsumerGroup): Promise<void> | undefined {
    return group.hasNotes && !group.isClassicOnly ? this.#write(group) : undefined;
  }

  #write(group: ConsumerGroup): Promise<void> {
    const { write, replaced, clock } = this.#context;
    const notes = group.takeNotes();
    const records = encodeNotes(group, notes, clock.time());
    const writes = portionsOf(records).map((portion, i) =>
      write(group.name, () => (i === 0 ? [...replaced(group.name), ...portion] : portion)),
    );
    const written = Promise.all(writes)
      .then(() => {})
      .catch((error: unknown) => {
        group.returnNotes(notes);
        this.#storeAgainLater(group);
        const message = `group '${group.name}' can't be stored`;
        throw new RustLogError("COORDINATOR_NOT_AVAILABLE", message, { cause: error });
      })
      .finally(() => {
        this.#writes.delete(group);
        this.#dropEmpty(group);
      });
    this.#writes.set(group, written);
    return written;
  }

  #reportNoMemory({ name }: ConsumerGroup): void {
    const { clock, memory, report } = this.#context;
    if (clock.now() < this.#reportedNoMemoryAt + REPORT_INTERVAL_MS) return;
    this.#reportedNoMemoryAt = clock.now();
    report(
      `group '${name}' keeps its assignment as it is, without new partitions: ${memory.limit}`,
    );
  }

  #storeAgainLater(group: ConsumerGroup): void {
    if (group.memberCount > 0 || !group.hasNotes) return;
    if (this.#unstored.size === 0) this.#storeAgain.set(STORE_AGAIN_MS);
    this.#unstored.add(group);
  }

  #dropEmpty(group: ConsumerGroup): void {
    if (group.memberCount > 0 || group.hasNotes || this.#writes.has(group)) return;
    this.#subscribers.forget(group);
    this.#context.emptied(group);
  }

  async #with<T>(patterns: readonly string[], work: () => T): Promise<T> {
    const [first, ...others] = patterns;
    if (first === undefined) return work();
    if (first === "") return await this.#with(others, work);
    try {
      return await this.#patterns.with(first, () => this.#with(others, work));
    } catch (error) {
      if (!(error instanceof RustLogError)) throw error;
      this.#context.report(error.message);
      return await this.#with(others, work);
    }
  }
}

/** What fits a batch. Almost always it is one: only a very large group with long names has more to say at once. */
function portionsOf(records: readonly GroupRecordChange[]): (readonly GroupRecordChange[])[] {
  const portions: GroupRecordChange[][] = [];
  let bytes = 0;
  for (const record of records) {
    const [key, value] = record;
    bytes += key.length + (value?.length ?? 0);
    const portion = portions.at(-1);
    if (portion === undefined || bytes > PORTION_BYTES) {
      portions.push([record]);
      bytes = key.length + (value?.length ?? 0);
    } else portion.push(record);
  }
  return portions;
}
