// Who should read which partition: the assignors that the broker has for consumer groups, under Kafka's names.
// Leaves to others: which topics a member subscribes to, and getting from one assignment to the next without two owners
// of a partition (current-assignment.ts).
//
//   uniform   as many partitions for each member as possible; what a member has it keeps, unless it has too many
//   range     topic by topic, consecutive partitions for each member, so that members with the same subscription read the
//             same partitions of topics with the same number of partitions
import type { Assignment } from "./assignment.js";

export interface AssignableTopic {
  readonly id: string;
  readonly partitions: number;
}

export interface AssignableMember {
  readonly id: string;
  readonly instanceId: string | null;
  /** What it subscribes to. Members with the same subscription should share one array: it makes assigning faster. */
  readonly topics: readonly AssignableTopic[];
  /** What it should have read until now. */
  readonly target: Assignment;
}

/** Assigns every partition of a subscribed topic to one member that subscribes to it. Members without one are left out. */
export type Assignor = (members: readonly AssignableMember[]) => ReadonlyMap<string, Assignment>;

export const DEFAULT_ASSIGNOR = "uniform";

/** By name; the first one is the default. */
export const ASSIGNORS: ReadonlyMap<string, Assignor> = new Map([
  [DEFAULT_ASSIGNOR, assignUniformly],
  ["range", assignRanges],
]);

/** Members with the same subscription. */
interface Class {
  readonly topics: readonly AssignableTopic[];
  readonly members: Load[];
}

/** What a member gets. */
interface Load {
  readonly member: AssignableMember;
  readonly of: Class;
  readonly topics: Map<string, number[]>;
  count: number;
}

interface Partition {
  readonly topicId: string;
  readonly index: number;
}

function classesOf(members: readonly AssignableMember[]): Class[] {
  const byTopics = new Map<readonly AssignableTopic[], Class>();
  for (const member of members) {
    const its = byTopics.get(member.topics) ?? { topics: member.topics, members: [] };
    byTopics.set(member.topics, its);
    its.members.push({ member, of: its, topics: new Map(), count: 0 });
  }
  return [...byTopics.values()];
}

function give(load: Load, { topicId, index }: Partition): void {
  const partitions = load.topics.get(topicId);
  if (partitions === undefined) load.topics.set(topicId, [index]);
  else partitions.push(index);
  load.count++;
}

function resultOf(classes: readonly Class[]): Map<string, Assignment> {
  const result = new Map<string, Assignment>();
  for (const { members } of classes) {
    for (const { member, topics, count } of members) {
      if (count === 0) continue;
      for (const partitions of topics.values()) partitions.sort((a, b) => a - b);
      result.set(member.id, topics);
    }
  }
  return result;
}

function assignUniformly(members: readonly AssignableMember[]): ReadonlyMap<string, Assignment> {
  const classes = classesOf(members);
  const [only] = classes;
  if (only === undefined) return new Map();
  if (classes.length === 1) shareEqually(only);
  else new Balance(classes).run();
  return resultOf(classes);
}

/** All members subscribe to the same topics, so each of them gets the same number of partitions, or one more. */
function shareEqually({ topics, members }: Class): void {
  const owned = new Map(topics.map(({ id, partitions }) => [id, new Uint8Array(partitions)]));
  let total = 0;
  for (const { partitions } of topics) total += partitions;
  const quota = Math.floor(total / members.length);
  /** Members that may have one more than the others. */
  let extras = total % members.length;
  for (const load of members) {
    for (const [topicId, partitions] of load.member.target) {
      const isOwned = owned.get(topicId);
      for (const index of partitions) {
        if (isOwned === undefined || index >= isOwned.length || isOwned[index] === 1) continue;
        if (load.count > quota || (load.count === quota && extras === 0)) break;
        if (load.count === quota) extras--;
        isOwned[index] = 1;
        give(load, { topicId, index });
      }
    }
  }
  // One partition for each member in turn, so that the partitions of a topic are spread.
  let at = 0;
  const hasRoom = ({ count }: Load): boolean => count < quota || (count === quota && extras > 0);
  for (const { id: topicId, partitions } of topics) {
    const isOwned = owned.get(topicId)!;
    for (let index = 0; index < partitions; index++) {
      if (isOwned[index] === 1) continue;
      while (!hasRoom(members[at]!)) at = (at + 1) % members.length;
      const load = members[at]!;
      if (load.count === quota) extras--;
      give(load, { topicId, index });
      at = (at + 1) % members.length;
    }
  }
}

/** The members of a class by the number of their partitions. */
class Ranking {
  readonly #byCount = new Map<number, Set<Load>>();
  #least = 0;

  constructor(loads: readonly Load[]) {
    this.#byCount.set(0, new Set(loads));
  }

  least(): Load {
    for (;;) {
      for (const load of this.#byCount.get(this.#least) ?? []) return load;
      this.#least++;
    }
  }

  moved(load: Load, from: number): void {
    this.#byCount.get(from)?.delete(load);
    const same = this.#byCount.get(load.count);
    if (same === undefined) this.#byCount.set(load.count, new Set([load]));
    else same.add(load);
    this.#least = Math.min(this.#least, load.count);
  }
}

/**
 * Members subscribe to different topics. In the end, no partition could move from a member to another one that subscribes
 * to its topic and has at least two fewer.
 */
class Balance {
  readonly #classes: readonly Class[];
  readonly #rankings = new Map<Class, Ranking>();
  readonly #subscribers = new Map<string, Class[]>();

  constructor(classes: readonly Class[]) {
    this.#classes = classes;
    for (const each of classes) {
      this.#rankings.set(each, new Ranking(each.members));
      for (const { id } of each.topics) {
        const known = this.#subscribers.get(id);
        if (known === undefined) this.#subscribers.set(id, [each]);
        else known.push(each);
      }
    }
  }

  run(): void {
    this.#giveRest(this.#keep());
    while (this.#level());
  }

  /** Members keep what they have, if they still subscribe to it. Returns the topics, and which partitions are kept. */
  #keep(): Map<string, Uint8Array> {
    const owned = new Map<string, Uint8Array>();
    for (const { topics, members } of this.#classes) {
      const subscribed = new Set(topics.map(({ id }) => id));
      for (const { id, partitions } of topics) {
        if (!owned.has(id)) owned.set(id, new Uint8Array(partitions));
      }
      for (const load of members) {
        for (const [topicId, partitions] of load.member.target) {
          const isOwned = owned.get(topicId);
          if (isOwned === undefined || !subscribed.has(topicId)) continue;
          for (const index of partitions) {
            if (index >= isOwned.length || isOwned[index] === 1) continue;
            isOwned[index] = 1;
            this.#give(load, { topicId, index });
          }
        }
      }
    }
    return owned;
  }

  /** Topics with few subscribers first: the others can still make up for it. */
  #giveRest(owned: ReadonlyMap<string, Uint8Array>): void {
    const topics = [...owned].map(([topicId, isOwned]) => {
      const subscribers = this.#subscribers.get(topicId)!;
      const count = subscribers.reduce((sum, { members }) => sum + members.length, 0);
      return { topicId, isOwned, count };
    });
    topics.sort((a, b) => a.count - b.count);
    for (const { topicId, isOwned } of topics) {
      for (let index = 0; index < isOwned.length; index++) {
        if (isOwned[index] === 0) this.#give(this.#leastOf(topicId), { topicId, index });
      }
    }
  }

  /**
   * Moves partitions to members with fewer, from the members with the most first. Each move makes the sum of the squares of
   * the counts smaller, so this ends. Returns whether any partition moved.
   */
  #level(): boolean {
    const byCount: Load[][] = [];
    const queue = (load: Load): void => {
      const same = byCount[load.count];
      if (same === undefined) byCount[load.count] = [load];
      else same.push(load);
    };
    for (const { members } of this.#classes) members.forEach(queue);
    let hasMoved = false;
    for (let count = byCount.length - 1; count > 1; count--) {
      const loads = byCount[count] ?? [];
      for (let load = loads.pop(); load !== undefined; load = loads.pop()) {
        if (load.count !== count) continue;
        const receiver = this.#moveOne(load);
        if (receiver === undefined) continue;
        hasMoved = true;
        queue(load);
        queue(receiver);
      }
    }
    return hasMoved;
  }

  /** Moves a partition to the member with the fewest that can have one; returns that member, if it is worth it. */
  #moveOne(from: Load): Load | undefined {
    let least: Load | undefined;
    let topicId = "";
    for (const id of from.topics.keys()) {
      const candidate = this.#leastOf(id);
      if (candidate.count >= (least ?? from).count) continue;
      least = candidate;
      topicId = id;
    }
    if (least === undefined || least.count + 1 >= from.count) return undefined;
    const partitions = from.topics.get(topicId)!;
    const index = partitions.pop()!;
    if (partitions.length === 0) from.topics.delete(topicId);
    from.count--;
    this.#rankings.get(from.of)!.moved(from, from.count + 1);
    this.#give(least, { topicId, index });
    return least;
  }

  #leastOf(topicId: string): Load {
    let least: Load | undefined;
    for (const each of this.#subscribers.get(topicId)!) {
      const candidate = this.#rankings.get(each)!.least();
      if (least === undefined || candidate.count < least.count) least = candidate;
    }
    return least!;
  }

  #give(load: Load, partition: Partition): void {
    give(load, partition);
    this.#rankings.get(load.of)!.moved(load, load.count - 1);
  }
}

/** Members with an instance id come first, by that id, because they keep it when they restart. */
function assignRanges(members: readonly AssignableMember[]): ReadonlyMap<string, Assignment> {
  const classes = classesOf([...members].sort(compareMembers));
  const subscribers = new Map<string, { partitions: number; loads: Load[] }>();
  for (const each of classes) {
    for (const { id, partitions } of each.topics) {
      const known = subscribers.get(id);
      if (known === undefined) subscribers.set(id, { partitions, loads: [...each.members] });
      else known.loads.push(...each.members);
    }
  }
  for (const [topicId, { partitions, loads }] of subscribers) {
    if (classes.length > 1) loads.sort((a, b) => compareMembers(a.member, b.member));
    const quota = Math.floor(partitions / loads.length);
    const extras = partitions % loads.length;
    let index = 0;
    for (let i = 0; i < loads.length && index < partitions; i++) {
      const end = index + quota + (i < extras ? 1 : 0);
      for (; index < end; index++) give(loads[i]!, { topicId, index });
    }
  }
  return resultOf(classes);
}

function compareMembers(a: AssignableMember, b: AssignableMember): number {
  if (a.instanceId !== null && b.instanceId !== null) return a.instanceId < b.instanceId ? -1 : 1;
  if (a.instanceId !== null) return -1;
  if (b.instanceId !== null) return 1;
  return a.id < b.id ? -1 : 1;
}
