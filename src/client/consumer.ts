// The consumer: hands out the records of some partitions, in order within each, and commits when told to.
// Leaves to others: where to start and end (consumer-plan), fetching ahead and retrying (fetcher, link).

import { RustLogError } from "../errors.ts";
import { BATCH_BYTES_HIGHEST } from "../limits.ts";
import { Admin } from "./admin.ts";
import { checkConsumerOptions } from "./consumer-check.ts";
import {
  type OffsetSpecs,
  type ReadPlan,
  planPartitions,
  type ReadRequest,
} from "./consumer-plan.ts";
import { type DamagedPolicy, type DamagedRecordsError, warnOfSkip } from "./damage.ts";
import type { ConsumedRecord, FetchedRecords } from "./fetched-records.ts";
import { type OutOfRangePolicy, PartitionFetcher, PORTIONS_AHEAD_MAX } from "./fetcher.ts";
import type { BrokerLink, RetryPolicy } from "./link.ts";
import { isTopicChanged, type TopicChangedError, warnOfTopicChange } from "./topic-change.ts";

const MiB = 1024 * 1024;

/** Smallest portion that a fetch asks for, however many partitions share the buffer. */
const PORTION_BYTES_MIN = 4096;

/** What a consumer reads, from where, to where, and how. */
export interface ConsumerOptions {
  readonly topic: string;
  /** Partitions to read; all of the topic without it. */
  readonly partitions?: readonly number[];
  /** Where to start: for all partitions, or by partition ("earliest" for those missing in the map, too). */
  readonly offset?: OffsetSpecs;
  /** Where to stop: the first offset that is not read any more. */
  readonly end?: OffsetSpecs;
  /** Whether to wait for new records (true), or to end at the high watermarks seen at the start. */
  readonly follow?: boolean;
  /**
   * Consumer group to start for: where it has committed, reading starts there, or at `offset` if that is
   * larger ("latest" is not: it only says where a group begins that has no commit). Enables `commit`.
   */
  readonly group?: string;
  /** Most bytes of one fetch, as far as `bufferBytesMax` allows (4 MiB). */
  readonly maxBytes?: number;
  /** Bytes that the broker waits for before it answers a fetch (1). */
  readonly minBytes?: number;
  /** How long the broker waits for them, in milliseconds: 1 to a day, of which it takes a minute (1,000). */
  readonly maxWaitMs?: number;
  /** Bytes fetched and not yet handed out, over all partitions, unless single batches are larger (64 MiB). */
  readonly bufferBytesMax?: number;
  /** How long retriable errors and lost connections are retried, in milliseconds (120,000). */
  readonly retryTimeoutMs?: number;
  /** What to do when a position is outside of what its partition holds ("error"). */
  readonly onOutOfRange?: OutOfRangePolicy;
  /**
   * What to do about records that can't be read: throw a DamagedRecordsError after the records before them
   * ("throw"), or skip them, report that to `onSkip`, and go on with the records after them.
   */
  readonly onDamaged?: DamagedPolicy;
  /** Told of each skip: topic, partition, offsets `from` up to but not including `to`, and why. Default: a warning of the process. */
  readonly onSkip?: (skipped: DamagedRecordsError) => void;
  /**
   * Told for each partition when the topic was deleted and recreated while it was read, or the broker has another data
   * directory, and reading goes on in the topic that has the name now, as `onOutOfRange` says. With "error", or
   * with an end, reading fails with a TopicChangedError instead. Default: a warning of the process.
   */
  readonly onTopicChanged?: (change: TopicChangedError) => void;
  /**
   * Whether each batch is checked against its CRC (true). The broker has checked it when it was written, and
   * those of a sealed segment when they are first read; false trusts the broker's memory and the network.
   */
  readonly checkCrcs?: boolean;
}

interface Portion {
  readonly fetcher: PartitionFetcher;
  readonly records: FetchedRecords;
}

/** Reads a topic. Made by `client.consumer()`. For one reader: calls must not overlap. */
export class Consumer implements AsyncIterable<ConsumedRecord>, AsyncDisposable {
  readonly topic: string;
  readonly group: string | undefined;
  readonly #link: BrokerLink;
  readonly #options: ConsumerOptions;
  readonly #onClosed: () => void;
  readonly #closing = new AbortController();
  #starting: Promise<void> | undefined;
  #fetchers = new Map<number, PartitionFetcher>();
  /** What came, in that order, which is fair to all partitions; an error stays at its place for good. */
  readonly #arrived: (Portion | RustLogError)[] = [];
  #current: Portion | undefined;
  #offline: RustLogError | undefined;
  /** Partitions that can't be read on, with the portion that holds the damage. */
  readonly #parked = new Map<PartitionFetcher, FetchedRecords>();
  #arrival: PromiseWithResolvers<void> | undefined;

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
   * Looks up partitions and where they start, and begins to fetch. The first `nextBatch` or iteration does
   * it too; call it to know positions before. Throws UNKNOWN_TOPIC_OR_PARTITION, OFFSET_OUT_OF_RANGE,
   * INVALID_GROUP. Idempotent; after an error it can be called again.
   */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /**
   * The records of one fetch of one partition; null when all ends are reached, or after `close`. If not
   * all records of the previous batch were walked, the same batch comes again, where the walk stopped: at once,
   * or, if its walk threw a DamagedRecordsError and the consumer does not follow, after those of the other partitions.
   * Throws what `start` throws, STORAGE_ERROR once all but offline partitions are read, CONNECTION_LOST or TIMED_OUT after `retryTimeoutMs`, and OFFSET_OUT_OF_RANGE.
   */
  async nextBatch(): Promise<FetchedRecords | null> {
    if (this.#closing.signal.aborted) return null;
    try {
      await this.start();
    } catch (error) {
      if (this.#closing.signal.aborted) return null;
      throw error;
    }
    const current = this.#current;
    if (current?.records.isDone === false) {
      if (this.#options.follow !== false || !current.records.hasFailed) return current.records;
      this.#parked.set(current.fetcher, current.records);
    } else current?.fetcher.portionRead();
    this.#current = undefined;
    for (;;) {
      if (this.#closing.signal.aborted) return null;
      const next = this.#takeArrived() ?? (this.#isFinished() ? this.#takeParked() : undefined);
      this.#current = next ?? undefined;
      if (next === null && this.#offline !== undefined) throw this.#offline;
      if (next !== undefined) return next?.records ?? null;
      this.#arrival = Promise.withResolvers();
      await this.#arrival.promise;
    }
  }

  /**
   * Record after record. Leaving the loop loses nothing: another loop goes on after the last record. Throws
   * what `nextBatch` throws, and DamagedRecordsError for records that can't be read.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<ConsumedRecord, void, undefined> {
    for (;;) {
      const records = await this.nextBatch();
      if (records === null) return;
      while (!this.#closing.signal.aborted && records.next()) yield records.record();
    }
  }

  /** The partitions that are read; none before `start`. */
  get partitions(): readonly number[] {
    return [...this.#fetchers.keys()];
  }

  /** Offset after the last record handed out, or where reading starts; undefined before `start`. */
  position(partition: number): number | undefined {
    return this.#fetchers.get(partition)?.position;
  }

  /** The id of the topic that a position belongs to; undefined before `start`, and with a broker without topic ids. */
  topicId(partition: number): string | undefined {
    return this.#fetchers.get(partition)?.source.topicId;
  }

  /**
   * Commits, for the group, the position of every partition of which records were handed out since the last
   * commit; all of them or none. Durable when it resolves. Throws INVALID_GROUP without a group, and UNKNOWN_TOPIC_ID
   * for records of a topic that was deleted: they never count for one that was created with its name.
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
    // While some partitions are still in a topic that was deleted, each topic has a commit of its own.
    const byTopic = Map.groupBy(moved, ({ fetcher }) => fetcher.source.topicId);
    for (const [topicId, entries] of byTopic) {
      const offsets = entries.map(({ fetcher: { topic, partition }, offset }) => {
        return { topic, topicId, partition, offset };
      });
      try {
        await admin.commitOffsets(this.group, offsets);
      } catch (error) {
        // The change is reported where it is found: nothing can be committed for that topic any more.
        const goesOn = (this.#options.onOutOfRange ?? "error") !== "error";
        if (!goesOn || !isTopicChanged(error)) throw error;
      }
      for (const { fetcher, offset } of entries) fetcher.committedPosition = offset;
    }
  }

  /** Ends reading: a pending or later `nextBatch` gives null, an iteration ends. Commits nothing. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#arrived.length = 0;
    this.#wake();
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
    // Each partition has its share of the buffer, whatever the others do.
    const { maxBytes = 4 * MiB, bufferBytesMax = 64 * MiB } = this.#options;
    const share = Math.floor(bufferBytesMax / (plans.length * PORTIONS_AHEAD_MAX));
    const options = {
      link: this.#link,
      policy,
      // No response brings more than the largest batch.
      maxBytes: Math.min(maxBytes, Math.max(share, PORTION_BYTES_MIN), BATCH_BYTES_HIGHEST),
      minBytes: Math.min(this.#options.minBytes ?? 1, BATCH_BYTES_HIGHEST),
      maxWaitMs: this.#options.maxWaitMs ?? 1000,
      onOutOfRange,
      checkCrcs: this.#options.checkCrcs ?? true,
      damage: {
        policy: this.#options.onDamaged ?? "throw",
        onSkip: this.#options.onSkip ?? warnOfSkip,
      },
      onTopicChanged: this.#options.onTopicChanged ?? warnOfTopicChange,
      onRecords: (fetcher: PartitionFetcher, records: FetchedRecords) => {
        this.#arrived.push({ fetcher, records });
        this.#wake();
      },
      onFailure: (error: RustLogError) => {
        this.#arrived.push(error);
        this.#wake();
      },
      onEnd: () => this.#wake(),
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

  /** What came first, except of parked partitions; throws if that is an error. */
  #takeArrived(): Portion | undefined {
    for (const [i, arrival] of this.#arrived.entries()) {
      if (arrival instanceof RustLogError) throw arrival;
      if (this.#parked.has(arrival.fetcher)) continue;
      this.#arrived.splice(i, 1);
      return arrival;
    }
    return undefined;
  }

  /** The partition that was parked first; null when none is. */
  #takeParked(): Portion | null {
    for (const [fetcher, records] of this.#parked) {
      this.#parked.delete(fetcher);
      return { fetcher, records };
    }
    return null;
  }

  /** Whether all partitions are, except the parked ones. */
  #isFinished(): boolean {
    for (const fetcher of this.#fetchers.values()) {
      if (!fetcher.isFinished && !this.#parked.has(fetcher)) return false;
    }
    return true;
  }

  #wake(): void {
    this.#arrival?.resolve();
    this.#arrival = undefined;
  }
}
