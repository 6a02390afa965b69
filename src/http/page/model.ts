// What the page knows about the broker, updated by its events and read by the views.
// Leaves to others: listening to events (events.ts), drawing.
import { compareNaturally } from "../../natural-order.js";
import { LogShape } from "./log/log-shape.js";
import { InRates } from "./topics/rates.js";
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

/** Time between two samples, in milliseconds. */
export const SAMPLE_MS = 1000 / PARTS_PER_SECOND;

/** Bytes per second in each direction. */
export interface Rate {
  readonly received: number;
  readonly sent: number;
}

/** The partitions of one topic, with what is asked of all of them on every frame. */
class TopicShapes {
  readonly shapes: LogShape[] = [];
  bytes = 0;
  /** Counted by their offsets. */
  records = 0;
  /** Largest timestamp of a record that is known, in milliseconds since 1970. */
  newestMs: number | null = null;
  #longest: number | undefined = 0;

  /** Bytes of the longest partition. */
  get longest(): number {
    // Not by spreading: there may be tens of thousands.
    this.#longest ??= this.shapes.reduce((most, { state }) => Math.max(most, bytesOf(state)), 0);
    return this.#longest;
  }

  update(state: PartitionState): void {
    const shape = this.shapes[state.partition];
    const before = shape === undefined ? 0 : bytesOf(shape.state);
    const after = bytesOf(state);
    this.bytes += after - before;
    this.records += recordsOf(state) - (shape === undefined ? 0 : recordsOf(shape.state));
    if (state.newestMs !== null) this.newestMs = Math.max(this.newestMs ?? 0, state.newestMs);
    if (after < before && before === this.#longest) this.#longest = undefined;
    else if (this.#longest !== undefined) this.#longest = Math.max(this.#longest, after);
    // If the log end went back, this is another topic of the same name.
    if (shape !== undefined && shape.state.logEnd <= state.logEnd) shape.update(state);
    else this.shapes[state.partition] = new LogShape(state);
  }

  /** Forgets a partition of which nothing is known any more. */
  forget(partition: number): void {
    const state = this.shapes[partition]?.state;
    if (state === undefined) return;
    delete this.shapes[partition];
    this.bytes -= bytesOf(state);
    this.records -= recordsOf(state);
    this.newestMs = null;
    this.#longest = undefined;
    for (const { state: other } of Object.values(this.shapes)) {
      if (other.newestMs !== null) this.newestMs = Math.max(this.newestMs ?? 0, other.newestMs);
    }
  }
}

const NO_GROUPS: readonly GroupOffset[] = [];

/** The broker's state as received in events. */
export class Model {
  readonly #shapes = new Map<string, TopicShapes>();
  #groups = new Map<string, GroupOffset[]>();
  #topics: readonly TopicState[] = [];
  #groupsState: GroupsState | undefined;
  #totals: Totals | undefined;
  #rates: Rate[] = [];
  #bytes = 0;
  /** What arrives in each topic. */
  readonly inRates = new InRates();
  overview: Overview | undefined;

  /** The topics by name, internal ones last. */
  get topics(): readonly TopicState[] {
    return this.#topics;
  }

  get totals(): Totals | undefined {
    return this.#totals;
  }

  /** Traffic of the last minute, newest last. */
  get rates(): readonly Rate[] {
    return this.#rates;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The shape of a partition; undefined if it does not exist. */
  shape(topic: string, partition: number): LogShape | undefined {
    return this.#shapes.get(topic)?.shapes[partition];
  }

  /** The first groups; undefined before they have arrived. */
  get groupsState(): GroupsState | undefined {
    return this.#groupsState;
  }

  groups(topic: string, partition: number): readonly GroupOffset[] {
    return this.#groups.get(keyOf(topic, partition)) ?? NO_GROUPS;
  }

  /** Bytes of a topic. */
  bytesOf(topic: string): number {
    return this.#shapes.get(topic)?.bytes ?? 0;
  }

  /** Records of a topic, counted by their offsets. */
  recordsOf(topic: string): number {
    return this.#shapes.get(topic)?.records ?? 0;
  }

  /** Largest timestamp of a record of a topic, in milliseconds since 1970; null if it is not known. */
  newestMsOf(topic: string): number | null {
    return this.#shapes.get(topic)?.newestMs ?? null;
  }

  /** Bytes of the longest partition of a topic. */
  longest(topic: string): number {
    return this.#shapes.get(topic)?.longest ?? 0;
  }

  /** Replaces the topics. Their partitions follow in ticks. */
  reset(overview: Overview): void {
    const ids = new Map(overview.topics.map(({ name, id }) => [name, id]));
    for (const { name, id } of this.#topics) if (ids.get(name) !== id) this.#remove(name);
    for (const topic of overview.topics) this.#forgetOffline(topic);
    this.overview = overview;
    this.#topics = overview.topics.toSorted(
      (a, b) => Number(a.internal) - Number(b.internal) || compareNaturally(a.name, b.name),
    );
    // A clock that went back means that the broker restarted, and its counters too.
    if ((this.#totals?.atMs ?? 0) > overview.totals.atMs) this.#totals = undefined;
    this.#count(overview.totals);
  }

  update(tick: Tick): void {
    for (const state of tick.partitions) this.#update(state);
    this.#count(tick.totals);
    this.inRates.heard(tick.totals.atMs);
    if (tick.groups !== undefined) this.#setGroups(tick.groups);
  }

  #setGroups(state: GroupsState): void {
    this.#groupsState = state;
    const { offsets } = state;
    this.#groups = Map.groupBy(offsets, ({ topic, partition }) => keyOf(topic, partition));
  }

  /**
   * The broker does not respond: nothing is known to be received or sent now. When it does again, its rates start over:
   * what it received meanwhile was not received at one moment.
   */
  lost(): void {
    this.#totals = undefined;
    this.inRates.lost();
    this.#add({ received: 0, sent: 0 });
  }

  #update(state: PartitionState): void {
    const known = this.#shapes.get(state.topic);
    const shapes = known ?? new TopicShapes();
    const before = shapes.shapes[state.partition]?.state;
    if (before !== undefined) this.inRates.count(before, state);
    if (known === undefined) this.#shapes.set(state.topic, shapes);
    this.#bytes -= shapes.bytes;
    shapes.update(state);
    this.#bytes += shapes.bytes;
  }

  /** They were not offline before the broker restarted. */
  #forgetOffline({ name, offline }: TopicState): void {
    const shapes = this.#shapes.get(name);
    if (shapes === undefined) return;
    this.#bytes -= shapes.bytes;
    for (const { partition } of offline) shapes.forget(partition);
    this.#bytes += shapes.bytes;
  }

  #remove(topic: string): void {
    const shapes = this.#shapes.get(topic);
    this.#shapes.delete(topic);
    this.#bytes -= shapes?.bytes ?? 0;
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
    this.#add({
      received: (totals.receivedBytes - before.receivedBytes) / seconds,
      sent: (totals.sentBytes - before.sentBytes) / seconds,
    });
  }

  #add(rate: Rate): void {
    this.#rates.push(rate);
    const length = HISTORY_SECONDS * PARTS_PER_SECOND;
    if (this.#rates.length > length) this.#rates = this.#rates.slice(-length);
  }
}

function bytesOf({ sealedBytes, activeBytes }: PartitionState): number {
  return sealedBytes + activeBytes;
}

function recordsOf({ logStart, highWatermark }: PartitionState): number {
  return highWatermark - logStart;
}

function keyOf(topic: string, partition: number): string {
  return `${topic} ${partition}`;
}
