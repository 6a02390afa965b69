// What the two kinds of consumers have in common: the partitions that are read, the portions that wait, and who has which
// of them in hand. Pauses, seeks, and keeps what was returned apart from what was processed.
// Leaves to others: which partitions to read (consumer, balanced-consumer), fetching (fetcher), commits.
//
// A hand is somebody who reads: the caller of `nextBatch`, or one of the handlers of a loop that run at the same time. A
// hand has one portion, and no two hands have portions of the same partition, so the records of each stay in order.

import { RustLogError } from "../errors.js";
import { unlessAborted } from "./abort.js";
import { Admin } from "./admin.js";
import type { PartitionOffset, TopicPartition } from "./admin-types.js";
import { checkArray, checkNatural, checkObject, checkString } from "./argument-check.js";
import type { ConsumerEvents } from "./consumer-events.js";
import type { FetchOptions } from "./consumer-options.js";
import type { PartitionPlan } from "./consumer-plan.js";
import type { ConsumerStats, PartitionProgress } from "./consumer-stats.js";
import type { DamagedRecordsError } from "./damage.js";
import { warnOfSkip } from "./damage.js";
import { Events } from "./events.js";
import type { ConsumedRecord, FetchedRecords } from "./fetched-records.js";
import { fetchSettings, PartitionFetcher } from "./fetcher.js";
import type { BrokerLink } from "./link.js";
import { checkOffsetSpec, type OffsetSpec } from "./offset-spec.js";
import { type Portion, PortionQueue } from "./portion-queue.js";
import type { TopicChangedError } from "./topic-change.js";

/** A partition that is being read. */
export interface Reading {
  readonly partition: TopicPartition;
  readonly fetcher: PartitionFetcher;
  /** Ends fetching. */
  readonly stopping: AbortController;
}

/** Somebody who reads. */
export class Hand {
  portion: Portion | undefined;
  /** Whether a seek has made the portion void. */
  isVoid = false;
  /** Whether the application may be working on a record. */
  isBusy = false;
}

interface ReaderOptions<K, V> {
  readonly link: BrokerLink;
  readonly fetch: FetchOptions<K, V>;
  readonly retryMs: number;
  /** Whether reading goes on at the ends of the partitions. */
  readonly follows: boolean;
  /** Called before the first record is read; idempotent. */
  readonly start: () => Promise<void>;
  /** Called when reading continues in a topic that replaced the previous one; without it, that is an error. */
  readonly onTopicChanged?: (change: TopicChangedError) => void;
  /** Called when fetching a partition fails. */
  readonly onFailure: (reading: Reading, error: RustLogError) => void;
}

const EVENTS: readonly (keyof ConsumerEvents)[] = [
  "assigned",
  "revoked",
  "committed",
  "lag",
  "skipped",
  "topicChanged",
  "error",
];

export class PartitionReader<K, V> {
  readonly events = new Events<ConsumerEvents>(EVENTS);
  /** Ends reading. */
  readonly closing = new AbortController();
  /** Thrown instead of the next records. */
  failure: RustLogError | undefined;
  /** Thrown once all partitions are read. */
  finalError: RustLogError | undefined;
  readonly #options: ReaderOptions<K, V>;
  readonly #fetchOptions: FetchOptions<K, V>;
  /** By name of topic and partition. */
  readonly #readings = new Map<string, Reading>();
  readonly #queue = new PortionQueue();
  /** Partitions that stopped at damage, with the portion that contains it. */
  readonly #parked = new Map<PartitionFetcher, Portion>();
  /** The hand of the caller of `nextBatch`. */
  readonly #caller = new Hand();
  readonly #hands = new Set<Hand>([this.#caller]);
  /** Resolves when a hand asks for its next record, or goes. */
  #movedOn: PromiseWithResolvers<void> | undefined;
  #counters = { records: 0, batches: 0, bytes: 0, skips: 0, commits: 0 };

  constructor(options: ReaderOptions<K, V>) {
    this.#options = options;
    const onSkip = options.fetch.onSkip ?? warnOfSkip;
    this.#fetchOptions = {
      ...options.fetch,
      onSkip: (skipped: DamagedRecordsError) => {
        this.#counters.skips += 1;
        this.events.emit("skipped", skipped);
        onSkip(skipped);
      },
    };
  }

  get isClosed(): boolean {
    return this.closing.signal.aborted;
  }

  get readings(): readonly Reading[] {
    return [...this.#readings.values()];
  }

  get assignment(): readonly TopicPartition[] {
    return this.readings.map(({ partition }) => partition);
  }

  reading({ topic, partition }: TopicPartition): Reading | undefined {
    return this.#readings.get(keyOf(topic, partition));
  }

  /** Adds a partition. Its fetcher waits for the first `fill`. */
  add(topic: string, plan: PartitionPlan): Reading {
    const { link, retryMs, fetch, onTopicChanged, onFailure } = this.#options;
    const stopping = new AbortController();
    const { partition, source } = plan;
    const fetcher = new PartitionFetcher(topic, plan, {
      ...fetchSettings(this.#fetchOptions, () => this.#readings.size),
      ...{ link, policy: { retryMs, signal: stopping.signal } },
      deserializers: fetch.deserializers,
      onTopicChanged:
        onTopicChanged === undefined
          ? undefined
          : (change) => {
              this.events.emit("topicChanged", change);
              onTopicChanged(change);
            },
      onRecords: (from, records) => this.#queue.push({ fetcher: from, records }),
      onFailure: (_, error) => onFailure(reading, error),
      onEnd: () => this.#queue.wake(),
    });
    const reading = { partition: { topic, partition, topicId: source.topicId }, fetcher, stopping };
    this.#readings.set(keyOf(topic, partition), reading);
    return reading;
  }

  /** Ends fetching, and drops what was fetched but not returned. */
  stop(readings: readonly Reading[]): void {
    for (const { stopping } of readings) stopping.abort();
    const fetchers = new Set(readings.map(({ fetcher }) => fetcher));
    this.#queue.drop(fetchers);
    for (const { portion } of this.#hands) {
      if (portion !== undefined && fetchers.has(portion.fetcher)) portion.records.stop();
    }
  }

  /** Forgets partitions that were stopped. */
  remove(readings: readonly Reading[]): void {
    for (const { partition, fetcher } of readings) {
      const key = keyOf(partition.topic, partition.partition);
      if (this.#readings.get(key)?.fetcher !== fetcher) continue;
      this.#readings.delete(key);
      this.#counters.records += fetcher.records;
    }
    this.wake();
  }

  /** Lets callers that wait for records look again. */
  wake(): void {
    this.#queue.wake();
  }

  /** An error of a partition, thrown after everything that was fetched before. */
  failAfterRecords({ fetcher }: Reading, error: RustLogError): void {
    this.#queue.fail(fetcher, error);
  }

  /** Stops everything; callers that wait for records get null. */
  close(): void {
    this.closing.abort();
    this.stop(this.readings);
    this.#queue.drop();
    this.wake();
  }

  /** The next records for a hand; null when all ends are reached, after `close`, and once `stopping` is aborted. */
  async next(hand = this.#caller, stopping?: AbortSignal): Promise<FetchedRecords<K, V> | null> {
    const isOver = (): boolean => this.isClosed || stopping?.aborted === true;
    if (!isOver()) await this.#started(stopping, isOver);
    this.moveOn(hand);
    if (isOver()) return null;
    const held = this.#lookAgain(hand);
    if (held !== undefined) return held;
    for (;;) {
      if (isOver()) return null;
      if (this.failure !== undefined) throw this.failure;
      const isFree = this.#isFree();
      const arrived = this.#queue.take(isFree);
      const next = arrived ?? (this.#isFinished() ? this.#takeParked() : undefined);
      if (next !== undefined && next !== null) return this.#hand(next, hand);
      if (next === null) {
        // The other hands have reached the end too.
        this.wake();
        if (this.finalError !== undefined) throw this.finalError;
        return null;
      }
      await this.#queue.arrival();
    }
  }

  /** Iterates over the records, for the caller. */
  async *iterate(): AsyncGenerator<ConsumedRecord<K, V>, void, undefined> {
    const hand = this.#caller;
    try {
      for (;;) {
        const records = await this.next(hand);
        if (records === null) return;
        const { fetcher } = hand.portion!;
        while (!this.isClosed && !fetcher.isPaused) {
          const record = records.nextRecord();
          if (record === undefined) break;
          hand.isBusy = true;
          yield record;
          this.moveOn(hand);
        }
      }
    } finally {
      hand.isBusy = false;
    }
  }

  /** Notes that a hand is done with all records that it was given. */
  moveOn(hand: Hand): void {
    const { portion } = hand;
    if (portion !== undefined && !hand.isVoid) {
      portion.fetcher.processedPosition = portion.fetcher.position;
    }
    hand.isBusy = false;
    this.#announceMove();
  }

  #announceMove(): void {
    if (this.#movedOn === undefined) return;
    this.#movedOn.resolve();
    this.#movedOn = undefined;
  }

  /** Resolves when a hand moves on, or is removed. */
  movedOn(): Promise<void> {
    this.#movedOn ??= Promise.withResolvers();
    return this.#movedOn.promise;
  }

  /** Whether the application may be working on a record. */
  get isBusy(): boolean {
    return [...this.#hands].some(({ isBusy }) => isBusy);
  }

  /** Whether a hand has a portion of one of these partitions, all of which may not be processed. */
  holds(readings: readonly Reading[]): boolean {
    return [...this.#hands].some(({ portion, isVoid, isBusy }) => {
      return (isBusy || !isVoid) && readings.some(({ fetcher }) => fetcher === portion?.fetcher);
    });
  }

  /** Adds hands. What the caller of `nextBatch` had not read goes to the first of them. */
  addHands(count: number): readonly Hand[] {
    this.#letGo(this.#caller);
    const hands = Array.from({ length: count }, () => new Hand());
    for (const hand of hands) this.#hands.add(hand);
    return hands;
  }

  /** Removes a hand; what it has not read goes to the next. */
  removeHand(hand: Hand): void {
    this.#letGo(hand);
    this.#hands.delete(hand);
    this.#announceMove();
  }

  /** Whether a loop reads. */
  get hasLoop(): boolean {
    return this.#hands.size > 1;
  }

  /** Gives back what a hand was given since it last moved on. */
  rewind(hand: Hand): void {
    const { portion } = hand;
    hand.isBusy = false;
    if (portion === undefined || hand.isVoid) return;
    const { fetcher } = portion;
    const { committedPosition } = fetcher;
    this.#seek(fetcher, fetcher.processedPosition);
    fetcher.committedPosition = committedPosition;
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { fetcher } of this.#chosen(partitions)) fetcher.pause();
  }

  resume(partitions: readonly TopicPartition[] = this.paused): void {
    for (const { fetcher } of this.#chosen(partitions)) fetcher.resume();
    this.wake();
  }

  get paused(): readonly TopicPartition[] {
    const paused = this.readings.filter(({ fetcher }) => fetcher.isPaused);
    return paused.map(({ partition }) => partition);
  }

  async seek(place: TopicPartition, to: OffsetSpec): Promise<void> {
    checkPlace(place);
    checkOffsetSpec("the offset to seek to", to);
    await this.#options.start();
    const { link, retryMs } = this.#options;
    const { topic, partition } = place;
    const known = this.#require(place);
    if (typeof to === "number") {
      this.#seek(known.fetcher, to);
      return;
    }
    const policy = { retryMs, signal: known.stopping.signal };
    const [found] = await new Admin(link, policy).offsetsFor(topic, to, [partition]);
    const { offset, topicId } = found!;
    const { fetcher } = this.#require(place);
    this.#seek(fetcher, offset, { topicId, logDirectoryId: link.info.logDirectoryId });
  }

  /** Notes a commit. */
  committed(offsets: readonly PartitionOffset[]): void {
    this.#counters.commits += 1;
    this.events.emit("committed", offsets);
  }

  get stats(): ConsumerStats {
    const partitions = this.readings.map((reading) => progressOf(reading.fetcher));
    const now = this.readings.reduce((sum, { fetcher }) => sum + fetcher.records, 0);
    const { records, ...rest } = this.#counters;
    const lag = partitions.reduce((sum, progress) => sum + progress.lag, 0);
    return { records: records + now, ...rest, lag, partitions };
  }

  async #started(stopping: AbortSignal | undefined, isOver: () => boolean): Promise<void> {
    try {
      await unlessAborted(this.#options.start(), stopping);
    } catch (error) {
      if (!isOver()) throw error;
    }
  }

  /** The portion that the hand has, unless it is read, or must wait. */
  #lookAgain(hand: Hand): FetchedRecords<K, V> | undefined {
    const { portion, isVoid } = hand;
    if (portion === undefined) return undefined;
    const { fetcher, records } = portion;
    const isParked = !this.#options.follows && records.hasFailed;
    if (!isVoid && !records.isDone && !isParked && !fetcher.isPaused) {
      hand.isBusy = true;
      return records as FetchedRecords<K, V>;
    }
    if (!isVoid && isParked) this.#parked.set(fetcher, portion);
    else this.#letGo(hand);
    hand.portion = undefined;
    return undefined;
  }

  /** Takes the portion from a hand: the next one reads the rest. */
  #letGo(hand: Hand): void {
    const { portion, isVoid } = hand;
    hand.portion = undefined;
    if (portion === undefined || isVoid) return;
    if (portion.records.isDone) portion.fetcher.portionRead();
    else this.#queue.putBack(portion);
  }

  #hand(portion: Portion, hand: Hand): FetchedRecords<K, V> {
    const { fetcher, records } = portion;
    hand.portion = portion;
    hand.isVoid = false;
    hand.isBusy = true;
    this.#counters.batches += 1;
    this.#counters.bytes += records.bytes;
    if (this.events.has("lag")) this.events.emit("lag", progressOf(fetcher));
    return records as FetchedRecords<K, V>;
  }

  /** Tells which partitions a hand may read: those that are neither paused nor in another hand. */
  #isFree(): (fetcher: PartitionFetcher) => boolean {
    const held = this.hasLoop
      ? new Set([...this.#hands].map(({ portion }) => portion?.fetcher))
      : undefined;
    return (fetcher) =>
      !fetcher.isPaused && !this.#parked.has(fetcher) && held?.has(fetcher) !== true;
  }

  /** The partition that was parked first; null if there is none. */
  #takeParked(): Portion | null {
    for (const [fetcher, portion] of this.#parked) {
      this.#parked.delete(fetcher);
      return portion;
    }
    return null;
  }

  /** Whether all partitions except the parked ones have ended. */
  #isFinished(): boolean {
    // Topics may come.
    if (this.#options.follows && this.#readings.size === 0) return false;
    for (const { fetcher } of this.#readings.values()) {
      if (!fetcher.isFinished && !this.#parked.has(fetcher)) return false;
    }
    return true;
  }

  #seek(fetcher: PartitionFetcher, ...to: Parameters<PartitionFetcher["seek"]>): void {
    this.#queue.drop(new Set([fetcher]));
    this.#parked.delete(fetcher);
    for (const hand of this.#hands) {
      if (hand.portion?.fetcher !== fetcher) continue;
      hand.portion.records.stop();
      hand.isVoid = true;
    }
    fetcher.seek(...to);
    this.wake();
  }

  #chosen(partitions: readonly TopicPartition[]): readonly Reading[] {
    checkArray("INVALID_REQUEST", "partitions", partitions);
    return partitions.flatMap((place) => {
      checkPlace(place);
      return this.reading(place) ?? [];
    });
  }

  #require(place: TopicPartition): Reading {
    const reading = this.reading(place);
    if (reading !== undefined) return reading;
    const { topic, partition } = place;
    throw new RustLogError(
      "INVALID_REQUEST",
      `the consumer does not read partition ${partition} of topic '${topic}'`,
      { help: "The property `assignment` lists what it reads." },
    );
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic} ${partition}`;
}

function checkPlace(place: TopicPartition): void {
  checkObject("INVALID_REQUEST", "a partition", place);
  checkString("INVALID_TOPIC", "topic of a partition", place.topic);
  checkNatural("INVALID_REQUEST", "partition", place.partition);
}

function progressOf(fetcher: PartitionFetcher): PartitionProgress {
  const { topic, partition, position, highWatermark, isPaused } = fetcher;
  const lag = Math.max(0, highWatermark - position);
  return { topic, partition, position, highWatermark, lag, isPaused };
}
