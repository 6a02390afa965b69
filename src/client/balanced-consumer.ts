// The balanced consumer: reads the partitions that its group gives it, and hands them over without losing or repeating
// records.
// Leaves to others: membership and assignment (group-membership), where to start (consumer-plan), fetching (fetcher).
//
// A handover: stop fetching, drop what was fetched ahead, wait until the application asks for its next record and so is
// done with the last one, call `onRevoked`, commit, and only then let the broker give the partition to another member.

import { RustLogError } from "../errors.js";
import type { PartitionOffset, TopicPartition } from "./admin-types.js";
import {
  type BalancedConsumerOptions,
  checkBalancedOptions,
  namesOf,
  patternOf,
} from "./balanced-options.js";
import { pause } from "./backoff.js";
import { planPartitions, type PartitionPlan } from "./consumer-plan.js";
import type { ConsumedRecord, FetchedRecords } from "./fetched-records.js";
import { asRustLogError } from "./failure.js";
import { fetchSettings, PartitionFetcher } from "./fetcher.js";
import { type AssignedPartition, GroupMembership } from "./group-membership.js";
import type { BrokerLink, RetryPolicy } from "./link.js";
import { PortionQueue } from "./portion-queue.js";
import { isTopicChanged } from "./topic-change.js";

const SESSION_TIMEOUT_MS = 10_000;
const REBALANCE_TIMEOUT_MS = 60_000;

/** How long `close` tries to commit, in milliseconds. */
const CLOSE_RETRY_MS = 5_000;

/** How long `close` waits for the application to be done with its last record, in milliseconds. */
const CLOSE_WAIT_MS = 100;

/** A partition that is being read. */
interface Reading {
  readonly partition: AssignedPartition;
  readonly fetcher: PartitionFetcher;
  /** Ends fetching. */
  readonly stopping: AbortController;
}

/** Shares the partitions of topics with the other members of its group. Created by `client.consumer()`. For one reader: calls must not overlap. */
export class BalancedConsumer implements AsyncIterable<ConsumedRecord>, AsyncDisposable {
  readonly group: string;
  readonly #link: BrokerLink;
  readonly #options: BalancedConsumerOptions;
  readonly #onClosed: () => void;
  readonly #membership: GroupMembership;
  readonly #closing = new AbortController();
  readonly #queue = new PortionQueue();
  #starting: Promise<void> | undefined;
  /** By name of topic and partition. */
  #readings = new Map<string, Reading>();
  #failure: RustLogError | undefined;
  /** Whether the application may be working on a record. */
  #isBusy = false;
  /** Resolves when the application asks for its next record. */
  #movedOn = Promise.withResolvers<void>();
  #callbacks = 0;
  #closed: Promise<void> | undefined;

  /** @internal Use `client.consumer()`. */
  constructor(link: BrokerLink, options: BalancedConsumerOptions, onClosed: () => void) {
    checkBalancedOptions(options);
    this.group = options.group;
    this.#link = link;
    this.#options = options;
    this.#onClosed = onClosed;
    const membership = {
      link,
      retryMs: this.#retryMs,
      group: options.group,
      clientId: options.clientId ?? "rustlog",
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
  }

  /**
   * Joins the group. The first `nextBatch` or iteration does the same. Throws INVALID_GROUP, INVALID_REGULAR_EXPRESSION,
   * GROUP_MAX_SIZE_REACHED, and UNSUPPORTED_VERSION if the broker can't share partitions. Idempotent.
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
  async nextBatch(): Promise<FetchedRecords | null> {
    if (this.#closing.signal.aborted) {
      this.#moveOn();
      return null;
    }
    try {
      await this.start();
    } catch (error) {
      if (this.#closing.signal.aborted) return null;
      throw error;
    }
    this.#moveOn();
    const { current } = this.#queue;
    if (current?.records.isDone === false) {
      this.#isBusy = true;
      return current.records;
    }
    this.#queue.current = undefined;
    current?.fetcher.portionRead();
    for (;;) {
      if (this.#closing.signal.aborted) return null;
      if (this.#failure !== undefined) throw this.#failure;
      this.#queue.current = this.#queue.take();
      if (this.#queue.current !== undefined) {
        this.#isBusy = true;
        return this.#queue.current.records;
      }
      await this.#queue.arrival();
    }
  }

  /**
   * Iterates over the records. Asking for the next one says that the one before is processed. Leaving the loop loses
   * nothing: another loop continues after the last record. Throws what `nextBatch` throws.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<ConsumedRecord, void, undefined> {
    try {
      for (;;) {
        const records = await this.nextBatch();
        if (records === null) return;
        while (!this.#closing.signal.aborted && records.next()) {
          this.#isBusy = true;
          yield records.record();
          this.#moveOn();
        }
      }
    } finally {
      this.#isBusy = false;
    }
  }

  /** The partitions that this consumer reads now. */
  get assignment(): readonly TopicPartition[] {
    return [...this.#readings.values()].map(({ partition }) => partition);
  }

  /** Offset after the last returned record of a partition, or its start offset; undefined if it is not assigned. */
  position({ topic, partition }: TopicPartition): number | undefined {
    return this.#readings.get(keyOf(topic, partition))?.fetcher.position;
  }

  /**
   * Commits the positions of all partitions that returned records since the last commit, or `offsets`. They are durable
   * when it resolves. Partitions that are no longer assigned are left out: `onRevoked` has named them, or will.
   */
  commit(offsets?: readonly PartitionOffset[]): Promise<void> {
    const chosen =
      offsets === undefined
        ? [...this.#readings.values()].map(({ fetcher }) => ({ fetcher, offset: fetcher.position }))
        : offsets.flatMap(({ topic, partition, offset }) => {
            const reading = this.#readings.get(keyOf(topic, partition));
            return reading === undefined ? [] : [{ fetcher: reading.fetcher, offset }];
          });
    return this.#commit(chosen, { retryMs: this.#retryMs });
  }

  /**
   * Hands all partitions over and leaves the group: a pending or later `nextBatch` returns null. Waits up to 100 ms for the
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
    this.#closing.abort();
    const readings = [...this.#readings.values()];
    this.#stop(readings);
    this.#queue.drop();
    this.#queue.wake();
    if (this.#isBusy && this.#callbacks === 0) await this.#untilIdle();
    this.#movedOn.resolve();
    try {
      // A callback that closes the consumer can't be waited for.
      if (this.#callbacks === 0) await this.#membership.settled();
      if (this.#failure === undefined) {
        const left = [...this.#readings.values()];
        await this.#handOver(left, { retryMs: Math.min(this.#retryMs, CLOSE_RETRY_MS) });
      }
    } finally {
      await this.#membership.leave();
      this.#readings.clear();
      this.#onClosed();
    }
  }

  get #retryMs(): number {
    return this.#options.retryTimeoutMs ?? 120_000;
  }

  #moveOn(): void {
    const fetcher = this.#queue.current?.fetcher;
    if (fetcher !== undefined) fetcher.processedPosition = fetcher.position;
    this.#isBusy = false;
    this.#movedOn.resolve();
    this.#movedOn = Promise.withResolvers();
  }

  async #assign(partitions: readonly AssignedPartition[], lost: AbortSignal): Promise<void> {
    const isOver = (): boolean => lost.aborted || this.#closing.signal.aborted;
    if (isOver()) return;
    const byTopic = Map.groupBy(partitions, ({ topic }) => topic);
    const planned = await Promise.all([...byTopic].map(([, rows]) => this.#plan(rows)));
    if (isOver()) return;
    const readings = planned.flat().map((plan) => this.#reading(plan));
    for (const reading of readings) {
      const { topic, partition } = reading.partition;
      this.#readings.set(keyOf(topic, partition), reading);
    }
    if (readings.length === 0) return;
    await this.#call(
      this.#options.onAssigned,
      readings.map(({ partition }) => partition),
    );
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
    const policy = { retryMs: this.#retryMs, signal: this.#closing.signal };
    try {
      const { partitions } = await planPartitions(this.#link, request, policy);
      return partitions
        .filter(({ source }) => source.topicId === topicId)
        .map((plan) => ({ ...plan, topic }));
    } catch (error) {
      // The next assignment lacks it.
      if (isGone(error) || this.#closing.signal.aborted) return [];
      throw error;
    }
  }

  #reading({ topic, ...plan }: PartitionPlan & { readonly topic: string }): Reading {
    const stopping = new AbortController();
    const settings = fetchSettings(this.#options, () => this.#readings.size);
    const fetcher = new PartitionFetcher(topic, plan, {
      ...settings,
      link: this.#link,
      policy: { retryMs: this.#retryMs, signal: stopping.signal },
      onTopicChanged: undefined,
      onRecords: (from, records) => this.#queue.push(from, records),
      // A deleted topic is taken from all its readers.
      onFailure: (error) => isGone(error) || this.#fail(error),
      onEnd: () => {},
    });
    // "latest" means something else for the next reader, so the start is committed too.
    if ((this.#options.offset ?? "earliest") !== "earliest") fetcher.committedPosition = -1;
    const partition = { topic, topicId: plan.source.topicId ?? "", partition: plan.partition };
    return { partition, fetcher, stopping };
  }

  /** Gives partitions up. Does nothing more once the session is lost: everything is lost then. */
  async #revoke(partitions: readonly AssignedPartition[], lost: AbortSignal): Promise<void> {
    const readings = partitions.flatMap(({ topic, partition }) => {
      return this.#readings.get(keyOf(topic, partition)) ?? [];
    });
    this.#stop(readings);
    await this.#untilMovedOn(readings, lost);
    // Then close() hands over everything.
    if (lost.aborted || this.#closing.signal.aborted) return;
    await this.#handOver(readings, { retryMs: this.#retryMs });
  }

  /** Calls `onRevoked`, commits, and forgets the partitions. */
  async #handOver(readings: readonly Reading[], policy: RetryPolicy): Promise<void> {
    if (readings.length === 0) return;
    const partitions = readings.map(({ partition }) => partition);
    await this.#call(this.#options.onRevoked, partitions, "handover");
    if (this.#options.commitOnHandover !== false) {
      const processed = readings
        .map(({ fetcher }) => ({ fetcher, offset: fetcher.processedPosition }))
        .filter(({ fetcher, offset }) => offset > fetcher.committedPosition);
      await this.#commit(processed, policy);
    }
    for (const { topic, partition } of partitions) this.#readings.delete(keyOf(topic, partition));
  }

  #lose(): () => Promise<void> {
    const readings = [...this.#readings.values()];
    this.#readings.clear();
    this.#stop(readings);
    return async () => {
      if (readings.length === 0) return;
      const partitions = readings.map(({ partition }) => partition);
      await this.#call(this.#options.onRevoked, partitions, "lost");
    };
  }

  /** Ends fetching, and drops what was fetched but not returned. */
  #stop(readings: readonly Reading[]): void {
    for (const { stopping } of readings) stopping.abort();
    const fetchers = new Set(readings.map(({ fetcher }) => fetcher));
    this.#queue.drop(fetchers);
    const { current } = this.#queue;
    if (current !== undefined && fetchers.has(current.fetcher)) current.records.stop();
  }

  /** Waits for the application if it is busy with a record of these partitions. */
  async #untilMovedOn(readings: readonly Reading[], lost: AbortSignal): Promise<void> {
    const { current } = this.#queue;
    if (!readings.some(({ fetcher }) => fetcher === current?.fetcher)) return;
    if (this.#closing.signal.aborted) return;
    const { promise, resolve } = this.#movedOn;
    lost.addEventListener("abort", () => resolve(), { once: true });
    await promise;
  }

  /** Waits a moment for the application to ask for its next record. It may be the one that closes. */
  async #untilIdle(): Promise<void> {
    const waited = new AbortController();
    void this.#movedOn.promise.then(() => waited.abort());
    await pause(CLOSE_WAIT_MS, waited.signal);
  }

  async #commit(
    entries: readonly { readonly fetcher: PartitionFetcher; readonly offset: number }[],
    policy: RetryPolicy,
  ): Promise<void> {
    const moved = entries.filter(({ fetcher, offset }) => offset !== fetcher.committedPosition);
    const mine = () =>
      moved.filter(({ fetcher: { topic, partition }, fetcher }) => {
        return this.#readings.get(keyOf(topic, partition))?.fetcher === fetcher;
      });
    const offsets = () =>
      mine().map(({ fetcher: { topic, partition, source }, offset }) => {
        return { topic, topicId: source.topicId, partition, offset };
      });
    try {
      if (!(await this.#membership.commit(offsets, policy))) return;
    } catch (error) {
      if (!isGone(error)) throw error;
      // Without the deleted topic, the commit of the others is valid.
      const byTopic = [...Map.groupBy(moved, ({ fetcher }) => fetcher.topic).values()];
      if (byTopic.length > 1) for (const rows of byTopic) await this.#commit(rows, policy);
      return;
    }
    for (const { fetcher, offset } of moved) fetcher.committedPosition = offset;
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
    if (this.#failure !== undefined || this.#closing.signal.aborted) return;
    this.#failure = asRustLogError(error);
    this.#stop([...this.#readings.values()]);
    this.#queue.wake();
    void this.#membership.leave();
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic} ${partition}`;
}

/** Whether an error says that the topic was deleted. */
function isGone(error: unknown): boolean {
  if (isTopicChanged(error)) return true;
  return error instanceof RustLogError && error.code === "UNKNOWN_TOPIC_OR_PARTITION";
}
