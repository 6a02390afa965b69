// The consumer groups that a changed topic concerns: those that name it, and those with an expression that matches it. They
// are told a few at a time.
// Leaves to others: which topics an expression matches (topic-patterns.ts), and what a group does then (consumer-group.ts).
import { nextTurn } from "../../log/event-loop.js";
import type { TopicRegistry } from "../../topics/topic-registry.js";
import type { ConsumerGroup } from "./consumer-group.js";
import { TopicPatterns } from "./topic-patterns.js";

/** Groups that are told about a changed topic in a turn of the event loop. */
const GROUPS_PER_TURN = 20;

export class TopicSubscribers {
  readonly #registry: TopicRegistry;
  /** The expressions that members subscribe with. */
  readonly patterns: TopicPatterns<ConsumerGroup>;
  /** By a topic that a member names. */
  readonly #subscribers = new Map<string, Set<ConsumerGroup>>();
  /** The groups to tell about changed topics. */
  readonly #changed = new Set<ConsumerGroup>();
  #telling: Promise<void> | undefined;

  constructor(registry: TopicRegistry) {
    this.#registry = registry;
    this.patterns = new TopicPatterns({
      names: () => registry.list().flatMap(({ name, internal }) => (internal ? [] : [name])),
      exists: (name) => registry.find(name) !== undefined,
      onChanged: (group) => this.#tellSoon([group]),
    });
    registry.onChanged((name) => this.#topicChanged(name));
  }

  /** A member of a group subscribes to a topic by its name, or the last one that did has stopped. */
  subscribed(group: ConsumerGroup, topic: string, isSubscribed: boolean): void {
    const groups = this.#subscribers.get(topic);
    if (isSubscribed) {
      if (groups === undefined) this.#subscribers.set(topic, new Set([group]));
      else groups.add(group);
      return;
    }
    groups?.delete(group);
    if (groups?.size === 0) this.#subscribers.delete(topic);
  }

  /** A group without members need not be told. */
  forget(group: ConsumerGroup): void {
    this.#changed.delete(group);
  }

  #topicChanged(name: string): void {
    const topic = this.#registry.find(name);
    if (topic === undefined) this.patterns.topicDeleted(name);
    else if (!topic.internal) this.patterns.topicChanged(name);
    this.#tellSoon(this.#subscribers.get(name) ?? []);
  }

  #tellSoon(groups: Iterable<ConsumerGroup>): void {
    for (const group of groups) this.#changed.add(group);
    if (this.#changed.size === 0) return;
    this.#telling ??= this.#tell().finally(() => {
      this.#telling = undefined;
    });
  }

  async #tell(): Promise<void> {
    await nextTurn();
    let told = 0;
    for (const group of this.#changed) {
      this.#changed.delete(group);
      group.topicChanged();
      if (++told % GROUPS_PER_TURN === 0) await nextTurn();
    }
  }
}
