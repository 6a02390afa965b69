// The balanced consumer: reads the partitions that its group gives it, and hands them over without losing or repeating
// records.
// Leaves to others: membership and assignment (group-membership), where to start (consumer-plan), fetching (fetcher).
//
// A handover: stop fetching, drop what was fetched ahead, wait until the application asks for its next record and so is
// done with the last one, call `onRevoked`, commit, and only then let the broker give the partition to another member.

import type { PartitionOffset, TopicPartition } from "./admin-types.js";
import {
  type BalancedConsumerOptions,
  checkBalancedOptions,
  namesOf,
  patternOf,
} from "./balanced-options.js";
import { pause } from "./backoff.js";
import { type Commit, commitsOf, newCommits, offsetsOf, processedCommits } from "./commits.js";
import type { ConsumerEvents } from "./consumer-events.js";
import { planPartitions, type PartitionPlan } from "./consumer-plan.js";
import type { ConsumerStats } from "./consumer-stats.js";
import type { Listener } from "./events.js";
import type { ConsumedRecord, FetchedRecords } from "./fetched-records.js";
import { asRustLogError } from "./failure.js";
import { type AssignedPartition, GroupMembership } from "./group-membership.js";
import type { BrokerLink, RetryPolicy } from "./link.js";
import type { OffsetSpec } from "./offset-spec.js";
import type { PartitionConsumer } from "./partition-consumer.js";
import { PartitionReader, type Reading } from "./reader.js";
import {
  type BatchHandler,
  eachBatch,
  eachMessage,
  type LoopOptions,
  type MessageHandler,
} from "./record-loop.js";
import { isTopicGone } from "./topic-change.js";

const SESSION_TIMEOUT_MS = 10_000;
const REBALANCE_TIMEOUT_MS = 60_000;

/** How long `close` tries to commit, in milliseconds. */
const CLOSE_RETRY_MS = 5_000;

/** How long `close` waits for the application to be done with its last record, in milliseconds. */
const CLOSE_WAIT_MS = 100;

/** Shares the partitions of topics with the other members of its group. Created by `client.consumer()`. For one reader: calls must not overlap. */
export class BalancedConsumer<K = Uint8Array, V = Uint8Array> implements PartitionConsumer<K, V> {
  readonly group: string;
  readonly #link: BrokerLink;
  readonly #options: BalancedConsumerOptions<K, V>;
  readonly #onClosed: () => void;
  readonly #membership: GroupMembership;
  readonly #reader: PartitionReader<K, V>;
  #starting: Promise<void> | undefined;
  #callbacks = 0;
  #closed: Promise<void> | undefined;

  /** @internal Use `client.consumer()`. */
  constructor(link: BrokerLink, options: BalancedConsumerOptions<K, V>, onClosed: () => void) {
    checkBalancedOptions(options);
    this.group = options.group;
    this.#link = link;
    this.#options = options;
    const onAbort = (): void => {
      this.close().catch((error: unknown) => {
        this.#reader.events.emit("error", asRustLogError(error));
      });
    };
    this.#onClosed = () => {
      options.signal?.removeEventListener("abort", onAbort);
      onClosed();
    };
    this.#reader = new PartitionReader<K, V>({
      ...{ link, fetch: options, retryMs: this.#retryMs, follows: true },
      start: () => this.start(),
      // A deleted topic is taken from all its readers.
      onFailure: (_, error) => isTopicGone(error) || this.#fail(error),
    });
    const membership = {
      link,
      retryMs: this.#retryMs,
      group: options.group,
      clientId: options.clientId ?? "rustlog",
      instanceId: options.instanceId ?? "",
      topics: namesOf(options.topics),
      pattern: patternOf(options.topics),
      sessionTimeoutMs: options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? REBALANCE_TIMEOUT_MS,
    };
    this.#membership = new GroupMembership(membership, {
      assign: (partitions, lost) => this.#assign(partitions, lost),
      revoke: (partitions, lost) => this.#revoke(partitions, lost),
      lose: () => this.#lose(),
      fail: (error) => this.#fail(error),
    });
    if (options.signal?.aborted) onAbort();
    else options.signal?.addEventListener("abort", onAbort, { once: true });
  }

  /**
   * Joins the group. The first `nextBatch` or iteration does the same. Throws INVALID_GROUP, INVALID_REGULAR_EXPRESSION,
   * GROUP_MAX_SIZE_REACHED, UNRELEASED_INSTANCE_ID if another member has the instance id for longer than the session timeout,
   * and UNSUPPORTED_VERSION if the broker can't share partitions. Idempotent.
   */
  start(): Promise<void> {
    this.#starting ??= this.#membership.join().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /**
   * The records of one fetch of one partition; null after `close`. If you did not read all records of the previous batch,
   * the same batch is returned again from where you stopped. A batch ends early if its partition is handed over. The call
   * says that all records returned so far are processed. Throws what `start` throws, DamagedRecordsError, STORAGE_ERROR,
   * OFFSET_OUT_OF_RANGE, CONNECTION_LOST or TIMED_OUT after `retryTimeoutMs`, and what callbacks throw.
   */
  nextBatch(): Promise<FetchedRecords<K, V> | null> {
    return this.#reader.next();
  }

  /**
   * Iterates over the records. Asking for the next one says that the one before is processed. Leaving the loop loses
   * nothing: another loop continues after the last record. Throws what `nextBatch` throws.
   */
  [Symbol.asyncIterator](): AsyncGenerator<ConsumedRecord<K, V>, void, undefined> {
    return this.#reader.iterate();
  }

  eachMessage(handler: MessageHandler<K, V>, options?: LoopOptions): Promise<void> {
    return eachMessage(this.#loopConsumer, handler, options);
  }

  eachBatch(handler: BatchHandler<K, V>, options?: LoopOptions): Promise<void> {
    return eachBatch(this.#loopConsumer, handler, options);
  }

  /** The partitions that this consumer reads now. */
  get assignment(): readonly TopicPartition[] {
    return this.#reader.assignment;
  }

  /** Offset after the last returned record of a partition, or its start offset; undefined if it is not assigned. */
  position(of: TopicPartition): number | undefined {
    return this.#reader.reading(of)?.fetcher.position;
  }

  /**
   * Commits the positions of all partitions that returned records since the last commit, or `offsets`. They are durable
   * when it resolves. Partitions that are no longer assigned are left out: `onRevoked` has named them, or will.
   */
  commit(offsets?: readonly PartitionOffset[]): Promise<void> {
    return this.#commit(commitsOf(this.#reader, offsets), { retryMs: this.#retryMs });
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#reader.pause(partitions);
  }

  resume(partitions?: readonly TopicPartition[]): void {
    this.#reader.resume(partitions);
  }

  get paused(): readonly TopicPartition[] {
    return this.#reader.paused;
  }

  seek(partition: TopicPartition, to: OffsetSpec): Promise<void> {
    return this.#reader.seek(partition, to);
  }

  on<Name extends keyof ConsumerEvents>(
    event: Name,
    listener: Listener<ConsumerEvents[Name]>,
  ): () => void {
    return this.#reader.events.on(event, listener);
  }

  get stats(): ConsumerStats {
    return this.#reader.stats;
  }

  /**
   * Hands all partitions over and leaves the group (as a static member, to come back): a pending or later `nextBatch` returns null. Waits up to 100 ms for the
   * application to ask for another record, and commits as at any handover: without having asked, or called `commit`, the
   * last record is left to the others.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#reader.close();
    if (this.#reader.isBusy && this.#callbacks === 0) await this.#untilIdle();
    try {
      // A callback that closes the consumer can't be waited for.
      if (this.#callbacks === 0) await this.#membership.settled();
      if (this.#reader.failure === undefined) {
        const left = this.#reader.readings;
        await this.#handOver(left, { retryMs: Math.min(this.#retryMs, CLOSE_RETRY_MS) });
      }
    } finally {
      await this.#membership.leave();
      this.#reader.remove(this.#reader.readings);
      this.#onClosed();
    }
  }

  get #retryMs(): number {
    return this.#options.retryTimeoutMs ?? 120_000;
  }

  get #loopConsumer() {
    const policy = { retryMs: this.#retryMs };
    return {
      reader: this.#reader,
      commitProcessed: () => this.#commit(processedCommits(this.#reader.readings), policy),
    };
  }

  async #assign(partitions: readonly AssignedPartition[], lost: AbortSignal): Promise<void> {
    const isOver = (): boolean => lost.aborted || this.#reader.isClosed;
    if (isOver()) return;
    const byTopic = Map.groupBy(partitions, ({ topic }) => topic);
    const planned = await Promise.all([...byTopic].map(([, rows]) => this.#plan(rows)));
    if (isOver()) return;
    const readings = planned.flat().map((plan) => this.#reading(plan));
    if (readings.length === 0) return;
    const added = readings.map(({ partition }) => partition);
    this.#reader.events.emit("assigned", added);
    await this.#call(this.#options.onAssigned, added);
    for (const { fetcher } of readings) fetcher.fill();
  }

  /** Where to start in partitions of one topic; nothing if that topic was deleted in the meantime. */
  async #plan(
    rows: readonly AssignedPartition[],
  ): Promise<(PartitionPlan & { readonly topic: string })[]> {
    const { topic, topicId } = rows[0]!;
    const { group, offset, onOutOfRange = "error" } = this.#options;
    const request = {
      topic,
      partitions: rows.map(({ partition }) => partition),
      ...{ offset, end: undefined, follow: true, group, onOutOfRange },
    };
    const policy = { retryMs: this.#retryMs, signal: this.#reader.closing.signal };
    try {
      const { partitions } = await planPartitions(this.#link, request, policy);
      return partitions
        .filter(({ source }) => source.topicId === topicId)
        .map((plan) => ({ ...plan, topic }));
    } catch (error) {
      // The next assignment lacks it.
      if (isTopicGone(error) || this.#reader.isClosed) return [];
      throw error;
    }
  }

  #reading({ topic, ...plan }: PartitionPlan & { readonly topic: string }): Reading {
    const reading = this.#reader.add(topic, plan);
    // "latest" means something else for the next reader, so the start is committed too.
    if ((this.#options.offset ?? "earliest") !== "earliest") reading.fetcher.committedPosition = -1;
    return reading;
  }

  /** Gives partitions up. Does nothing more once the session is lost: everything is lost then. */
  async #revoke(partitions: readonly AssignedPartition[], lost: AbortSignal): Promise<void> {
    const readings = partitions.flatMap((place) => this.#reader.reading(place) ?? []);
    this.#reader.stop(readings);
    await this.#untilMovedOn(readings, lost);
    // Then close() hands over everything.
    if (lost.aborted || this.#reader.isClosed) return;
    await this.#handOver(readings, { retryMs: this.#retryMs });
  }

  /** Calls `onRevoked`, commits, and forgets the partitions. */
  async #handOver(readings: readonly Reading[], policy: RetryPolicy): Promise<void> {
    if (readings.length === 0) return;
    const partitions = readings.map(({ partition }) => partition);
    await this.#call(this.#options.onRevoked, partitions, "handover");
    if (this.#options.commitOnHandover !== false) {
      await this.#commit(processedCommits(readings), policy);
    }
    this.#reader.remove(readings);
    this.#reader.events.emit("revoked", partitions, "handover");
  }

  #lose(): () => Promise<void> {
    const { readings } = this.#reader;
    this.#reader.stop(readings);
    this.#reader.remove(readings);
    return async () => {
      if (readings.length === 0) return;
      const partitions = readings.map(({ partition }) => partition);
      this.#reader.events.emit("revoked", partitions, "lost");
      await this.#call(this.#options.onRevoked, partitions, "lost");
    };
  }

  /** Waits for the application if it is busy with records of these partitions. */
  async #untilMovedOn(readings: readonly Reading[], lost: AbortSignal): Promise<void> {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const over = AbortSignal.any([lost, this.#reader.closing.signal]);
    over.addEventListener("abort", () => resolve(), { once: true });
    while (this.#reader.holds(readings) && !over.aborted) {
      await Promise.race([this.#reader.movedOn(), ended]);
    }
  }

  /** Waits a moment for the application to ask for its next record. It may be the one that closes. */
  async #untilIdle(): Promise<void> {
    const waited = new AbortController();
    const timeout = pause(CLOSE_WAIT_MS, waited.signal).then(() => true);
    let isLate: boolean | undefined;
    while (this.#reader.isBusy && isLate !== true) {
      isLate = await Promise.race([timeout, this.#reader.movedOn().then(() => false)]);
    }
    waited.abort();
  }

  async #commit(entries: readonly Commit[], policy: RetryPolicy): Promise<void> {
    const moved = newCommits(entries);
    const mine = () =>
      moved.filter(({ fetcher }) => this.#reader.reading(fetcher)?.fetcher === fetcher);
    const offsets = () => offsetsOf(mine());
    try {
      if (!(await this.#membership.commit(offsets, policy))) return;
    } catch (error) {
      if (!isTopicGone(error)) throw error;
      // Without the deleted topic, the commit of the others is valid.
      const byTopic = [...Map.groupBy(moved, ({ fetcher }) => fetcher.topic).values()];
      if (byTopic.length > 1) for (const rows of byTopic) await this.#commit(rows, policy);
      return;
    }
    for (const { fetcher, offset } of moved) fetcher.committedPosition = offset;
    this.#reader.committed(offsets());
  }

  async #call<Arguments extends unknown[]>(
    callback: ((...args: Arguments) => void | Promise<void>) | undefined,
    ...args: Arguments
  ): Promise<void> {
    this.#callbacks++;
    try {
      await callback?.(...args);
    } finally {
      this.#callbacks--;
    }
  }

  /** Ends the consumer. The others take over its partitions. */
  #fail(error: unknown): void {
    if (this.#reader.failure !== undefined || this.#reader.isClosed) return;
    const failure = asRustLogError(error);
    this.#reader.failure = failure;
    this.#reader.stop(this.#reader.readings);
    this.#reader.wake();
    this.#reader.events.emit("error", failure);
    void this.#membership.leave();
  }
}
