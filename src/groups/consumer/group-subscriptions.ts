// What the members of a consumer group subscribe to. Members with the same subscription share it, so that ten thousand of
// them are assigned as fast as one. The record of each member repeats it.
// Leaves to others: which topics match an expression (topic-patterns.ts).
import { RustLogError } from "../../errors.js";
import { MEMBER_TOPICS_MAX } from "../../limits.js";
import { ZERO_UUID } from "../../record/bytes.js";
import { type GroupMemory, keptBytes, NAMED_TOPIC_BYTES } from "../group-memory.js";
import type { AssignableTopic } from "./assignors.js";
import type { ConsumerMember, Subscription, TopicView } from "./consumer-member.js";

/** A topic as groups see it. */
export interface GroupTopic {
  readonly id: string;
  readonly name: string;
  readonly partitions: { readonly length: number };
}

export interface SubscriptionContext {
  readonly topics: {
    find(name: string): GroupTopic | undefined;
    byId(id: string): GroupTopic | undefined;
  };
  /** The topics that match a regular expression. */
  readonly topicsOf: (pattern: string) => ReadonlySet<string>;
  /** The account of all groups. */
  readonly memory: GroupMemory;
  /** Called when the first member names a topic, and when no member does any more. */
  readonly onTopic: (topic: string, isNamed: boolean) => void;
  /** The same for a regular expression. */
  readonly onPattern: (pattern: string, isUsed: boolean) => void;
}

/** What a request says about the subscription of its member; null for what has not changed. */
interface Subscribing {
  readonly topicNames: readonly string[] | null;
  readonly pattern: string | null;
  readonly view?: TopicView | undefined;
}

interface Shared extends Subscription {
  members: number;
  /** Memory that it takes once. */
  readonly sharedBytes: number;
  /** Memory that it takes for each member, in the member's record. */
  readonly memberBytes: number;
}

export class GroupSubscriptions {
  readonly #context: SubscriptionContext;
  readonly #shared = new Map<string, Shared>();
  /** How many different subscriptions name a topic, and have an expression. */
  readonly #topics = new Map<string, number>();
  readonly #patterns = new Map<string, number>();
  /** Of the topics that members may see, when they were last looked at. */
  #viewVersion = 0;

  constructor(context: SubscriptionContext) {
    this.#context = context;
  }

  /**
   * Throws INVALID_REQUEST if a member names too many topics, and GROUP_MAX_SIZE_REACHED if there is no memory for its
   * subscription in the place of another one. A member may always repeat what it has.
   */
  check(before: Subscription | undefined, { topicNames, pattern: said, view }: Subscribing): void {
    if (topicNames === null) return;
    if (topicNames.length > MEMBER_TOPICS_MAX) {
      throw new RustLogError(
        "INVALID_REQUEST",
        `a member names ${topicNames.length} topics, and ${MEMBER_TOPICS_MAX} are allowed`,
      );
    }
    const pattern = said ?? "";
    const { memory } = this.#context;
    // Finding out whether others have the same takes longer, and hardly ever matters.
    const { sharedBytes, memberBytes } = sizeOf(topicNames, pattern);
    if (sharedBytes + memberBytes <= memory.left) return;
    const key = keyOf(sorted(topicNames), pattern, view);
    if (key === before?.key) return;
    const known = this.#shared.get(key);
    memory.check(known === undefined ? sharedBytes + memberBytes : memberBytes);
  }

  /** The subscription of one more member. */
  join(topicNames: Iterable<string>, pattern: string, seen?: TopicView): Subscription {
    const names = sorted(topicNames);
    const key = keyOf(names, pattern, seen);
    const view = pattern === "" ? undefined : seen;
    const { memory, onTopic, onPattern } = this.#context;
    const known = this.#shared.get(key);
    if (known !== undefined) {
      memory.add(known.memberBytes);
      known.members++;
      return known;
    }
    const shared = { key, names, pattern, view, members: 1, ...sizeOf(names, pattern) };
    memory.add(shared.sharedBytes + shared.memberBytes);
    this.#shared.set(key, shared);
    for (const name of names) if (more(this.#topics, name)) onTopic(name, true);
    if (pattern !== "" && more(this.#patterns, pattern)) onPattern(pattern, true);
    return shared;
  }

  /** Removes a member from its subscription. */
  leave({ key, names, pattern }: Subscription): void {
    const { memory, onTopic, onPattern } = this.#context;
    const shared = this.#shared.get(key);
    if (shared === undefined) return;
    memory.add(-shared.memberBytes);
    if (--shared.members > 0) return;
    memory.add(-shared.sharedBytes);
    this.#shared.delete(key);
    for (const name of names) if (fewer(this.#topics, name)) onTopic(name, false);
    if (pattern !== "" && fewer(this.#patterns, pattern)) onPattern(pattern, false);
  }

  /**
   * Takes over what a member says. Returns whether it subscribes to something else now, or a topic came into view, or out of
   * it, since the last member said something.
   */
  update(
    member: Pick<ConsumerMember, "subscription">,
    { topicNames, pattern, view }: Subscribing,
  ): boolean {
    const before = member.subscription;
    member.subscription = this.#changed(before, topicNames, pattern, view);
    const version = member.subscription.view?.version ?? this.#viewVersion;
    const isSeenAnew = version !== this.#viewVersion;
    this.#viewVersion = version;
    return isSeenAnew || member.subscription !== before;
  }

  /** Whether a member subscribes to the topic. */
  has(topic: string): boolean {
    if (this.#topics.has(topic)) return true;
    for (const pattern of this.#patterns.keys()) {
      if (this.#context.topicsOf(pattern).has(topic)) return true;
    }
    return false;
  }

  hasPattern(pattern: string): boolean {
    return this.#patterns.has(pattern);
  }

  /** Whether a subscription is to this topic, and the topic exists. */
  includes({ names, pattern, view }: Subscription, topicId: string): boolean {
    const topic = this.#context.topics.byId(topicId);
    if (topic === undefined) return false;
    if (names.has(topic.name)) return true;
    if (pattern === "" || view?.sees(topic.name) === false) return false;
    return this.#context.topicsOf(pattern).has(topic.name);
  }

  /** The existing topics of each subscription, by name. Subscriptions to the same topics have the same list. */
  assignable(): ReadonlyMap<Subscription, readonly AssignableTopic[]> {
    const byIds = new Map<string, readonly AssignableTopic[]>();
    const bySubscription = new Map<Subscription, readonly AssignableTopic[]>();
    for (const subscription of this.#shared.values()) {
      const topics = this.#topicsOf(subscription);
      const ids = topics.map(({ id }) => id).join();
      const same = byIds.get(ids) ?? topics;
      byIds.set(ids, same);
      bySubscription.set(subscription, same);
    }
    return bySubscription;
  }

  /** Releases everything. */
  close(): void {
    const { memory, onTopic, onPattern } = this.#context;
    for (const { sharedBytes, memberBytes, members } of this.#shared.values()) {
      memory.add(-sharedBytes - members * memberBytes);
    }
    for (const topic of this.#topics.keys()) onTopic(topic, false);
    for (const pattern of this.#patterns.keys()) onPattern(pattern, false);
  }

  #changed(
    before: Subscription,
    topicNames: readonly string[] | null,
    pattern: string | null,
    view?: TopicView,
  ): Subscription {
    if (topicNames === null && pattern === null && before.view?.key === view?.key) return before;
    const names = topicNames === null ? before.names : sorted(topicNames);
    const nextPattern = pattern ?? before.pattern;
    if (keyOf(names, nextPattern, view) === before.key) return before;
    const next = this.join(names, nextPattern, view);
    this.leave(before);
    return next;
  }

  #topicsOf({ names, pattern, view }: Subscription): AssignableTopic[] {
    const { topics: all, topicsOf } = this.#context;
    const matching = [...topicsOf(pattern)].filter((name) => view?.sees(name) !== false);
    const wanted = pattern === "" ? names : new Set([...names, ...matching]);
    const topics: AssignableTopic[] = [];
    for (const name of sorted(wanted)) {
      const topic = all.find(name);
      // One that can't be opened has no id to be named by.
      if (topic === undefined || topic.id === ZERO_UUID) continue;
      topics.push({ id: topic.id, partitions: topic.partitions.length });
    }
    return topics;
  }
}

/** Counts one more; returns whether it is the first. */
function more(counts: Map<string, number>, key: string): boolean {
  const count = counts.get(key) ?? 0;
  counts.set(key, count + 1);
  return count === 0;
}

/** Counts one fewer; returns whether it was the last. */
function fewer(counts: Map<string, number>, key: string): boolean {
  const count = counts.get(key) ?? 0;
  if (count > 1) counts.set(key, count - 1);
  else counts.delete(key);
  return count <= 1;
}

function sizeOf(names: Iterable<string>, pattern: string) {
  let memberBytes = Buffer.byteLength(pattern);
  let sharedBytes = 0;
  for (const name of names) {
    memberBytes += Buffer.byteLength(name);
    sharedBytes += NAMED_TOPIC_BYTES;
  }
  return { memberBytes, sharedBytes: sharedBytes + keptBytes(memberBytes) };
}

function sorted(names: Iterable<string>): ReadonlySet<string> {
  return new Set([...names].sort());
}

/** The names must be sorted. */
function keyOf(names: ReadonlySet<string>, pattern: string, view: TopicView | undefined): string {
  const key = [pattern, ...names].join("\n");
  return pattern === "" || view === undefined ? key : `${key}\n\n${view.key}`;
}
