// What the page knows about the broker, updated by its events and read by the views.
// Leaves to others: the connection (api.ts), drawing.
import { LogShape } from "./log/log-shape.js";
import type {
  GroupOffset,
  GroupsState,
  Overview,
  PartitionState,
  Tick,
  TopicState,
  Totals,
} from "./wire.js";

/** Seconds of traffic kept, and the samples per second. */
const HISTORY_SECONDS = 60;
const PARTS_PER_SECOND = 2;

/** Bytes per second in each direction. */
export interface Rate {
  readonly received: number;
  readonly sent: number;
}

/** The broker's state as received in events. */
export class Model {
  readonly #shapes = new Map<string, LogShape>();
  #groups = new Map<string, GroupOffset[]>();
  #totals: Totals | undefined;
  #rates: Rate[] = [];
  overview: Overview | undefined;

  /** The topics by name, internal ones last. */
  get topics(): readonly TopicState[] {
    const topics = [...(this.overview?.topics ?? [])];
    return topics.sort((a, b) => Number(a.internal) - Number(b.internal));
  }

  get totals(): Totals | undefined {
    return this.#totals;
  }

  /** Traffic of the last minute, newest last. */
  get rates(): readonly Rate[] {
    return this.#rates;
  }

  /** Whether any topic is compacted. */
  get isCompacting(): boolean {
    for (const { state } of this.#shapes.values()) if (state.compactedTo !== null) return true;
    return false;
  }

  get bytes(): number {
    let sum = 0;
    for (const { state } of this.#shapes.values()) sum += state.sealedBytes + state.activeBytes;
    return sum;
  }

  /** The shape of a partition; undefined if it does not exist. */
  shape(topic: string, partition: number): LogShape | undefined {
    return this.#shapes.get(keyOf(topic, partition));
  }

  groups(topic: string, partition: number): readonly GroupOffset[] {
    return this.#groups.get(keyOf(topic, partition)) ?? [];
  }

  /** Bytes of the longest partition of a topic. */
  longest(topic: TopicState): number {
    let longest = 0;
    for (let i = 0; i < topic.partitions; i++) {
      const state = this.shape(topic.name, i)?.state;
      if (state !== undefined) longest = Math.max(longest, state.sealedBytes + state.activeBytes);
    }
    return longest;
  }

  /** Replaces the topics. Their partitions follow in ticks. */
  reset(overview: Overview): void {
    const ids = new Map(overview.topics.map(({ name, id }) => [name, id]));
    for (const { name, id, partitions } of this.overview?.topics ?? []) {
      if (ids.get(name) === id) continue;
      for (let i = 0; i < partitions; i++) this.#shapes.delete(keyOf(name, i));
    }
    this.overview = overview;
    // A clock that went back means that the broker restarted, and its counters too.
    if ((this.#totals?.atMs ?? 0) > overview.totals.atMs) this.#totals = undefined;
    this.#count(overview.totals);
  }

  /** Applies changes, except to groups: the user's filter decides which of them are shown. */
  update(tick: Tick): void {
    for (const state of tick.partitions) this.#update(state);
    this.#count(tick.totals);
  }

  setGroups({ offsets }: GroupsState): void {
    this.#groups = Map.groupBy(offsets, ({ topic, partition }) => keyOf(topic, partition));
  }

  #update(state: PartitionState): void {
    const key = keyOf(state.topic, state.partition);
    const shape = this.#shapes.get(key);
    // If the log end went back, this is another topic of the same name.
    const isSame = shape !== undefined && shape.state.logEnd <= state.logEnd;
    if (isSame) shape.update(state);
    else this.#shapes.set(key, new LogShape(state));
  }

  #count(totals: Totals): void {
    const before = this.#totals;
    if (before === undefined) {
      this.#totals = totals;
      return;
    }
    const seconds = (totals.atMs - before.atMs) / 1000;
    if (seconds < 1 / PARTS_PER_SECOND) return;
    this.#totals = totals;
    this.#rates.push({
      received: (totals.receivedBytes - before.receivedBytes) / seconds,
      sent: (totals.sentBytes - before.sentBytes) / seconds,
    });
    const length = HISTORY_SECONDS * PARTS_PER_SECOND;
    if (this.#rates.length > length) this.#rates = this.#rates.slice(-length);
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic} ${partition}`;
}
