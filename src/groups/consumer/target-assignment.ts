// The target assignment of a consumer group: who should read which partition, and when that is computed again.
// Leaves to others: how partitions are shared out (assignors.ts), and the way of the members there (current-assignment.ts).
//
// A small group gets a new assignment with every change. A large one collects changes, because an assignment takes time.
import { Deadline, type GroupClock } from "../group-clock.js";
import { assignmentBytes, type GroupMemory } from "../group-memory.js";
import { type Assignment, countOf, isSame, NOTHING } from "./assignment.js";
import { type AssignableMember, ASSIGNORS, DEFAULT_ASSIGNOR } from "./assignors.js";
import type { ConsumerMember } from "./consumer-member.js";
import { type GroupNotes, NOTED } from "./group-notes.js";
import type { GroupSubscriptions } from "./group-subscriptions.js";

/** Longest time from one target assignment to the next, in milliseconds: a large group collects changes. */
const ASSIGNMENT_INTERVAL_MS_MAX = 1_000;

/** Up to this many members and partitions, every change causes a new assignment at once. */
const ASSIGNED_AT_ONCE = 1_000;

/** Beyond that, members and partitions that may be assigned per millisecond: the interval between two assignments. */
const ASSIGNED_PER_MS = 100;

interface TargetContext {
  readonly clock: GroupClock;
  readonly memory: GroupMemory;
  readonly subscriptions: GroupSubscriptions;
  readonly members: Iterable<ConsumerMember>;
  readonly notes: GroupNotes;
  /** Called when a new assignment is due. */
  readonly onDue: () => void;
  /** Called when there is no memory for an assignment. */
  readonly onNoMemory: () => void;
}

export class TargetAssignment {
  readonly #context: TargetContext;
  /** By topic id. */
  readonly #owners = new Map<string, (ConsumerMember | undefined)[]>();
  /** Members and partitions. */
  #size = 0;
  /** Memory of the assignment, and of what follows from it. */
  #bytes = 0;
  #assignedAtMs = Number.NEGATIVE_INFINITY;
  readonly #deadline: Deadline;
  #isDue = false;
  /** The group epoch for which it was computed; 0 before the first time. */
  epoch = 0;

  constructor(context: TargetContext) {
    this.#context = context;
    this.#deadline = new Deadline(context.clock, () => {
      this.#isDue = false;
      context.onDue();
    });
  }

  /** Who should read a partition. */
  ownerOf(topicId: string, partition: number): ConsumerMember | undefined {
    return this.#owners.get(topicId)?.[partition];
  }

  /** Whether to compute it now for a group epoch; otherwise it is due later, unless there is one for this epoch. */
  require(groupEpoch: number): boolean {
    if (groupEpoch === this.epoch || this.#isDue) return false;
    const interval =
      this.#size < ASSIGNED_AT_ONCE
        ? 0
        : Math.min(ASSIGNMENT_INTERVAL_MS_MAX, this.#size / ASSIGNED_PER_MS);
    const dueInMs = this.#assignedAtMs + interval - this.#context.clock.now();
    // A member can't have epoch 0, so there must be an assignment before the first one is answered.
    if (dueInMs <= 0 || this.epoch === 0) return true;
    this.#isDue = true;
    this.#deadline.set(dueInMs);
    return false;
  }

  cancel(): void {
    this.#isDue = false;
    this.#deadline.clear();
  }

  /** Computes it for a group epoch, and gives each member its target. */
  compute(groupEpoch: number): void {
    this.cancel();
    const { members, notes, clock } = this.#context;
    const assignable = this.#assignable();
    const assign = ASSIGNORS.get(this.assignorName)!;
    const result = this.#withinMemory(assignable, assign(assignable));
    this.#size = assignable.length;
    for (const assignment of result.values()) this.#size += countOf(assignment);
    this.epoch = groupEpoch;
    notes.assignmentEpoch();
    this.#assignedAtMs = clock.now();
    for (const member of members) {
      const target = result.get(member.id) ?? NOTHING;
      if (isSame(target, member.target)) continue;
      member.target = target;
      notes.member(member.id, NOTED.TARGET);
    }
    this.#noteOwners();
  }

  /** Continues with the targets that the members had when they were stored. */
  restore(assignmentEpoch: number): void {
    this.epoch = assignmentEpoch;
    this.#noteOwners();
  }

  /** The assignor that most members ask for. */
  get assignorName(): string {
    const votes = new Map<string, number>();
    for (const { assignor } of this.#context.members) {
      if (assignor !== null) votes.set(assignor, (votes.get(assignor) ?? 0) + 1);
    }
    let name = DEFAULT_ASSIGNOR;
    for (const each of ASSIGNORS.keys()) {
      if ((votes.get(each) ?? 0) > (votes.get(name) ?? 0)) name = each;
    }
    return name;
  }

  /** Whether it has exactly the partitions of the topics that members subscribe to. */
  get isComplete(): boolean {
    const subscribed = new Set<string>();
    for (const topics of this.#context.subscriptions.assignable().values()) {
      for (const { id, partitions } of topics) {
        if (subscribed.has(id)) continue;
        subscribed.add(id);
        const owners = this.#owners.get(id) ?? [];
        if (owners.length !== partitions || owners.includes(undefined)) return false;
      }
    }
    for (const topicId of this.#owners.keys()) if (!subscribed.has(topicId)) return false;
    return true;
  }

  /** Stops the timer, and gives all memory back. */
  close(): void {
    this.cancel();
    this.#context.memory.add(-this.#bytes);
  }

  /** Notes who should read which partition, and accounts for the memory of it. */
  #noteOwners(): void {
    this.#owners.clear();
    let bytes = 0;
    for (const member of this.#context.members) {
      bytes += bytesOf(member.target);
      for (const [topicId, partitions] of member.target) {
        const owners = this.#owners.get(topicId) ?? [];
        this.#owners.set(topicId, owners);
        for (const partition of partitions) owners[partition] = member;
      }
    }
    this.#context.memory.add(bytes - this.#bytes);
    this.#bytes = bytes;
  }

  #assignable(): AssignableMember[] {
    const { members, subscriptions } = this.#context;
    const topics = subscriptions.assignable();
    return [...members].map(({ id, instanceId, subscription, target }) => ({
      ...{ id, instanceId, target },
      topics: topics.get(subscription) ?? [],
    }));
  }

  /** An assignment if there is memory for it; otherwise the one before, without what is new. */
  #withinMemory(
    members: readonly AssignableMember[],
    result: ReadonlyMap<string, Assignment>,
  ): ReadonlyMap<string, Assignment> {
    const { memory, onNoMemory } = this.#context;
    let bytes = -this.#bytes;
    for (const assignment of result.values()) bytes += bytesOf(assignment);
    if (memory.hasRoomFor(bytes)) return result;
    onNoMemory();
    return new Map(members.map(({ id, target }) => [id, target]));
  }
}

function bytesOf(assignment: Assignment): number {
  return assignmentBytes(assignment.size, countOf(assignment));
}
