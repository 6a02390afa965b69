// The consumer: returns the records of some partitions, in order within each, and commits on request.
// Leaves to others: where to start and end (consumer-plan), fetching ahead and retrying (fetcher, link).

import { RustLogError } from "../errors.js";
import { Admin } from "./admin.js";
import { checkConsumerOptions, type ConsumerOptions } from "./consumer-options.js";
import { planPartitions, type ReadPlan, type ReadRequest } from "./consumer-plan.js";
import type { ConsumedRecord, FetchedRecords } from "./fetched-records.js";
import { fetchSettings, PartitionFetcher } from "./fetcher.js";
import type { BrokerLink, RetryPolicy } from "./link.js";
import { type Portion, PortionQueue } from "./portion-queue.js";
import { isTopicChanged, warnOfTopicChange } from "./topic-change.js";

/** Reads a topic. Created by `client.consumer()`. For one reader: calls must not overlap. */
export class Consumer implements AsyncIterable<ConsumedRecord>, AsyncDisposable {
  readonly topic: string;
  readonly group: string | undefined;
  readonly #link: BrokerLink;
  readonly #options: ConsumerOptions;
  readonly #onClosed: () => void;
  readonly #closing = new AbortController();
  #starting: Promise<void> | undefined;
  #fetchers = new Map<number, PartitionFetcher>();
  readonly #queue = new PortionQueue();
  #offline: RustLogError | undefined;
  #hasWarned = false;
  /** Partitions that stopped at damage, with the portion that contains it. */
  readonly #parked = new Map<PartitionFetcher, FetchedRecords>();

  /** @internal Use `client.consumer()`. */
  constructor(link: BrokerLink, options: ConsumerOptions, onClosed: () => void) {
    checkConsumerOptions(options);
    this.topic = options.topic;
    this.group = options.group;
    this.#link = link;
    this.#options = options;
    this.#onClosed = onClosed;
  }

  /**
   * Looks up the partitions and their start offsets, and starts to fetch. The first `nextBatch` or iteration does the same;
   * call it to know the positions earlier. Throws UNKNOWN_TOPIC_OR_PARTITION, OFFSET_OUT_OF_RANGE, INVALID_GROUP.
   * Idempotent; it can be called again after an error.
   */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /**
   * The records of one fetch of one partition; null when all ends are reached, or after `close`. If you did not read all
   * records of the previous batch, the same batch is returned again from where you stopped: immediately, or, after a
   * DamagedRecordsError without `follow`, once the other partitions are read. Throws what `start` throws, STORAGE_ERROR
   * once all but offline partitions are read, CONNECTION_LOST or TIMED_OUT after `retryTimeoutMs`, and OFFSET_OUT_OF_RANGE.
   */
  async nextBatch(): Promise<FetchedRecords | null> {
    if (this.#closing.signal.aborted) return null;
    try {
      await this.start();
    } catch (error) {
      if (this.#closing.signal.aborted) return null;
      throw error;
    }
    const { current } = this.#queue;
    if (current?.records.isDone === false) {
      if (this.#options.follow !== false || !current.records.hasFailed) return current.records;
      this.#parked.set(current.fetcher, current.records);
    } else current?.fetcher.portionRead();
    this.#queue.current = undefined;
    for (;;) {
      if (this.#closing.signal.aborted) return null;
      const arrived = this.#queue.take((fetcher) => !this.#parked.has(fetcher));
      const next = arrived ?? (this.#isFinished() ? this.#takeParked() : undefined);
      this.#queue.current = next ?? undefined;
      if (next === null && this.#offline !== undefined) throw this.#offline;
      if (next !== undefined) return next?.records ?? null;
      await this.#queue.arrival();
    }
  }

  /**
   * Iterates over the records. Leaving the loop loses nothing: another loop continues after the last record. Throws what
   * `nextBatch` throws, and DamagedRecordsError for unreadable records.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<ConsumedRecord, void, undefined> {
    for (;;) {
      const records = await this.nextBatch();
      if (records === null) return;
      while (!this.#closing.signal.aborted && records.next()) yield records.record();
    }
  }

  /** The partitions being read; empty before `start`. */
  get partitions(): readonly number[] {
    return [...this.#fetchers.keys()];
  }

  /** Offset after the last returned record, or the start offset; undefined before `start`. */
  position(partition: number): number | undefined {
    return this.#fetchers.get(partition)?.position;
  }

  /** Id of the topic that a position belongs to; undefined before `start`, and if the broker does not support topic ids. */
  topicId(partition: number): string | undefined {
    return this.#fetchers.get(partition)?.source.topicId;
  }

  /**
   * Commits the positions of all partitions that returned records since the last commit, all or none. They are durable when
   * it resolves. Throws INVALID_GROUP without a group, and UNKNOWN_TOPIC_ID for a topic that was deleted: its positions
   * never count for a new topic of the same name. Emits a process warning, once, if another client commits for the same
   * partitions of the group.
   */
  async commit(): Promise<void> {
    if (this.group === undefined) {
      throw new RustLogError(
        "INVALID_GROUP",
        `a consumer without a group has nothing to commit for`,
      );
    }
    const moved = [...this.#fetchers.values()]
      .filter(({ position, committedPosition }) => position !== committedPosition)
      .map((fetcher) => ({ fetcher, offset: fetcher.position }));
    const admin = new Admin(this.#link, { retryMs: this.#retryMs });
    // While some partitions are still in a deleted topic, each topic gets its own commit.
    const byTopic = Map.groupBy(moved, ({ fetcher }) => fetcher.source.topicId);
    for (const [topicId, entries] of byTopic) {
      const offsets = entries.map(({ fetcher: { topic, partition }, offset }) => {
        return { topic, topicId, partition, offset };
      });
      try {
        const { isShared } = await admin.commitOffsets(this.group, offsets);
        if (isShared) this.#warnOfRival();
      } catch (error) {
        // Nothing can be committed for that topic any more. The fetcher reports the change.
        const goesOn = (this.#options.onOutOfRange ?? "error") !== "error";
        if (!goesOn || !isTopicChanged(error)) throw error;
      }
      for (const { fetcher, offset } of entries) fetcher.committedPosition = offset;
    }
  }

  #warnOfRival(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    process.emitWarning(
      `another client has just committed for the same partitions of '${this.topic}' with group '${this.group}'. If both ` +
        "read them, both get every record, and each overwrites the other's commits; balance: true would share the partitions",
      "RustLogWarning",
    );
  }

  /** Stops reading: a pending or later `nextBatch` returns null, and iterations end. Does not commit. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#queue.drop();
    this.#queue.wake();
    this.#onClosed();
  }

  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #retryMs(): number {
    return this.#options.retryTimeoutMs ?? 120_000;
  }

  async #start(): Promise<void> {
    const { topic, partitions, offset, end, group, onOutOfRange = "error" } = this.#options;
    const policy = { retryMs: this.#retryMs, signal: this.#closing.signal };
    const follow = this.#options.follow ?? true;
    const request = { topic, partitions, offset, end, follow, group, onOutOfRange };
    const { partitions: plans, offline } = await this.#plan(request, policy);
    this.#offline = offline;
    const options = {
      ...fetchSettings(this.#options, () => plans.length),
      link: this.#link,
      policy,
      onTopicChanged: this.#options.onTopicChanged ?? warnOfTopicChange,
      onRecords: (fetcher: PartitionFetcher, records: FetchedRecords) =>
        this.#queue.push(fetcher, records),
      onFailure: (error: RustLogError) => this.#queue.fail(error),
      onEnd: () => this.#queue.wake(),
    };
    this.#fetchers = new Map(
      plans.map((plan) => [plan.partition, new PartitionFetcher(topic, plan, options)]),
    );
    for (const fetcher of this.#fetchers.values()) fetcher.fill();
  }

  async #plan(request: ReadRequest, policy: RetryPolicy): Promise<ReadPlan> {
    try {
      return await planPartitions(this.#link, request, policy);
    } catch (error) {
      // It was recreated between two questions: nothing has been read of the old one yet.
      if (isTopicChanged(error)) return await planPartitions(this.#link, request, policy);
      throw error;
    }
  }

  /** The partition that was parked first; null if there is none. */
  #takeParked(): Portion | null {
    for (const [fetcher, records] of this.#parked) {
      this.#parked.delete(fetcher);
      return { fetcher, records };
    }
    return null;
  }

  /** Whether all partitions except the parked ones have ended. */
  #isFinished(): boolean {
    for (const fetcher of this.#fetchers.values()) {
      if (!fetcher.isFinished && !this.#parked.has(fetcher)) return false;
    }
    return true;
  }
}
