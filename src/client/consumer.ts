// The consumer: returns the records of some partitions, in order within each, and commits on request.
// Leaves to others: which topics and partitions there are (subscription), where to start and end (consumer-plan), who reads
// what (reader), fetching ahead and retrying (fetcher, link).

import { RustLogError } from "../errors.js";
import { OFFSET_ENTRIES_MAX } from "../limits.js";
import { unlessAborted } from "./abort.js";
import { Admin } from "./admin.js";
import type { PartitionOffset, TopicPartition } from "./admin-types.js";
import { pause } from "./backoff.js";
import { type Commit, commitsOf, newCommits, offsetsOf, processedCommits } from "./commits.js";
import { checkConsumerOptions, type ConsumerOptions, topicsOf } from "./consumer-options.js";
import type { ConsumerEvents } from "./consumer-events.js";
import type { ConsumerStats } from "./consumer-stats.js";
import type { Listener } from "./events.js";
import { asRustLogError } from "./failure.js";
import type { ConsumedRecord, FetchedRecords } from "./fetched-records.js";
import type { BrokerLink } from "./link.js";
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
import { Subscription } from "./subscription.js";
import { isTopicChanged, isTopicGone, warnOfTopicChange } from "./topic-change.js";

/** How long `close` waits for the running handlers of a loop, in milliseconds. */
const CLOSE_WAIT_MS = 100;

/** Reads topics. Created by `client.consumer()`. For one reader: calls must not overlap. */
export class Consumer<K = Uint8Array, V = Uint8Array> implements PartitionConsumer<K, V> {
  readonly group: string | undefined;
  readonly #link: BrokerLink;
  readonly #options: ConsumerOptions<K, V>;
  readonly #onClosed: () => void;
  readonly #reader: PartitionReader<K, V>;
  readonly #subscription: Subscription;
  #starting: Promise<void> | undefined;
  #loop: Promise<void> | undefined;
  #hasWarned = false;

  /** @internal Use `client.consumer()`. */
  constructor(link: BrokerLink, options: ConsumerOptions<K, V>, onClosed: () => void) {
    checkConsumerOptions(options);
    this.group = options.group;
    this.#link = link;
    this.#options = options;
    const onAbort = (): void => void this.close();
    this.#onClosed = () => {
      options.signal?.removeEventListener("abort", onAbort);
      onClosed();
    };
    this.#reader = new PartitionReader<K, V>({
      ...{ link, fetch: options, retryMs: this.#retryMs, follows: options.follow ?? true },
      start: () => this.start(),
      onTopicChanged: options.onTopicChanged ?? warnOfTopicChange,
      onFailure: (reading, error) => this.#partitionFailed(reading, error),
    });
    this.#subscription = new Subscription(link, options, {
      retryMs: this.#retryMs,
      signal: this.#reader.closing.signal,
    });
    if (options.signal?.aborted) onAbort();
    else options.signal?.addEventListener("abort", onAbort, { once: true });
  }

  /** The topic that it reads. Throws INVALID_REQUEST if it was made with `topics`. */
  get topic(): string {
    const { topic } = this.#options;
    if (topic !== undefined) return topic;
    throw new RustLogError("INVALID_REQUEST", "a consumer of several topics has no `topic`", {
      help: "Use `assignment`, and name the topic of a partition: { topic, partition }.",
    });
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
  nextBatch(): Promise<FetchedRecords<K, V> | null> {
    return this.#reader.next();
  }

  /**
   * Iterates over the records. Leaving the loop loses nothing: another loop continues after the last record. Throws what
   * `nextBatch` throws, and DamagedRecordsError for unreadable records.
   */
  [Symbol.asyncIterator](): AsyncGenerator<ConsumedRecord<K, V>, void, undefined> {
    return this.#reader.iterate();
  }

  eachMessage(handler: MessageHandler<K, V>, options?: LoopOptions): Promise<void> {
    return this.#run(eachMessage(this.#loopConsumer, handler, options));
  }

  eachBatch(handler: BatchHandler<K, V>, options?: LoopOptions): Promise<void> {
    return this.#run(eachBatch(this.#loopConsumer, handler, options));
  }

  get assignment(): readonly TopicPartition[] {
    return this.#reader.assignment;
  }

  /** The partitions being read of its one `topic`; empty before `start`. */
  get partitions(): readonly number[] {
    const { topic } = this;
    return this.assignment.filter((it) => it.topic === topic).map(({ partition }) => partition);
  }

  /**
   * Offset after the last returned record, or the start offset; undefined before `start`. A number stands for a partition of
   * its one `topic`.
   */
  position(of: number | TopicPartition): number | undefined {
    return this.#readingOf(of)?.fetcher.position;
  }

  /** Id of the topic that a position belongs to; undefined before `start`, and if the broker does not support topic ids. */
  topicId(of: number | TopicPartition): string | undefined {
    return this.#readingOf(of)?.fetcher.source.topicId;
  }

  /**
   * Commits the positions of all partitions that returned records since the last commit, or `offsets`, all or none (up to
   * 10,000 partitions, which are one request). They are durable when it resolves. In a loop, records whose handlers still run are left out. Throws INVALID_GROUP without a group,
   * and UNKNOWN_TOPIC_ID for a topic that was deleted: its positions never count for a new topic of the same name. Emits a
   * process warning, once, if another client commits for the same partitions of the group.
   */
  async commit(offsets?: readonly PartitionOffset[]): Promise<void> {
    if (this.group === undefined) {
      throw new RustLogError(
        "INVALID_GROUP",
        `a consumer without a group has nothing to commit for`,
      );
    }
    await this.#commit(this.group, commitsOf(this.#reader, offsets));
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
   * Stops reading: a pending or later `nextBatch` returns null, and iterations and loops end. Waits up to 100 ms for the
   * running handlers of a loop, which commits what they have processed. Commits nothing else.
   */
  async close(): Promise<void> {
    if (this.#reader.isClosed) return;
    this.#reader.close();
    await Promise.race([this.#loop, this.#loop && pause(CLOSE_WAIT_MS)]);
    this.#onClosed();
  }

  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #retryMs(): number {
    return this.#options.retryTimeoutMs ?? 120_000;
  }

  get #loopConsumer() {
    const { group } = this;
    return {
      reader: this.#reader,
      commitProcessed:
        group === undefined
          ? undefined
          : () => this.#commit(group, processedCommits(this.#reader.readings)),
    };
  }

  async #run(loop: Promise<void>): Promise<void> {
    this.#loop = loop.catch(() => {});
    try {
      await loop;
    } finally {
      this.#loop = undefined;
    }
  }

  #readingOf(of: number | TopicPartition): Reading | undefined {
    const place = typeof of === "number" ? { topic: this.topic, partition: of } : of;
    return this.#reader.reading(place);
  }

  async #commit(group: string, commits: readonly Commit[]): Promise<void> {
    const moved = newCommits(commits);
    if (moved.length === 0) return;
    const admin = new Admin(this.#link, { retryMs: this.#retryMs });
    // Together, unless a topic was deleted: then each topic gets its own commit, and so does each of two with one name.
    try {
      for (let i = 0; i < moved.length; i += OFFSET_ENTRIES_MAX) {
        await this.#send(admin, group, moved.slice(i, i + OFFSET_ENTRIES_MAX));
      }
      return;
    } catch (error) {
      if (!isTopicChanged(error)) throw error;
    }
    const byTopic = Map.groupBy(newCommits(moved), ({ fetcher }) => fetcher.source.topicId);
    let failure: RustLogError | undefined;
    for (const entries of byTopic.values()) {
      try {
        await this.#send(admin, group, entries);
      } catch (error) {
        if (!isTopicChanged(error)) throw error;
        // Nothing can be committed for that topic any more. The fetcher reports the change.
        const goesOn = (this.#options.onOutOfRange ?? "error") !== "error";
        const isNamed = entries.some(({ fetcher }) => this.#subscription.hasName(fetcher.topic));
        if (isNamed && !goesOn) failure ??= error;
        for (const { fetcher, offset } of entries) fetcher.committedPosition = offset;
      }
    }
    if (failure !== undefined) throw failure;
  }

  async #send(admin: Admin, group: string, commits: readonly Commit[]): Promise<void> {
    const offsets = offsetsOf(commits);
    const { isShared } = await admin.commitOffsets(group, offsets);
    for (const { fetcher, offset } of commits) fetcher.committedPosition = offset;
    this.#reader.committed(offsets);
    if (isShared) this.#warnOfRival();
  }

  #warnOfRival(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const topics = topicsOf(this.#options).map(String).join("', '");
    process.emitWarning(
      `another client has just committed for the same partitions of '${topics}' with group '${this.group}'. If both ` +
        "read them, both get every record, and each overwrites the other's commits; balance: true would share the partitions",
      "RustLogWarning",
    );
  }

  async #start(): Promise<void> {
    const { plans, offline } = await this.#subscription.start();
    if (this.#reader.isClosed) return;
    this.#reader.finalError = offline;
    this.#add(plans);
    if (this.#subscription.canGrow) void this.#follow();
  }

  #add(plans: Awaited<ReturnType<Subscription["added"]>>): void {
    const readings = plans.map(({ topic, ...plan }) => this.#reader.add(topic, plan));
    if (readings.length === 0) return;
    this.#reader.events.emit(
      "assigned",
      readings.map(({ partition }) => partition),
    );
    for (const { fetcher } of readings) fetcher.fill();
  }

  /** Notices topics and partitions that are added. */
  async #follow(): Promise<void> {
    const { signal } = this.#reader.closing;
    for (;;) {
      await pause(this.#options.metadataMaxAgeMs ?? 300_000, signal);
      if (signal.aborted) return;
      try {
        const known = this.#reader.assignment;
        const plans = await unlessAborted(this.#subscription.added(known), signal);
        if (!signal.aborted && plans !== undefined) this.#add(plans);
      } catch {
        // A topic may be gone, or the broker away: those who fetch say so. The next look-up tries again.
      }
    }
  }

  #partitionFailed(reading: Reading, error: RustLogError): void {
    const { topic } = reading.partition;
    if (isTopicGone(error) && !this.#subscription.hasName(topic)) {
      // As with all topics that match a pattern: it was there for as long as it existed.
      this.#reader.stop([reading]);
      this.#reader.remove([reading]);
      this.#reader.events.emit("revoked", [reading.partition], "lost");
      return;
    }
    this.#reader.failAfterRecords(reading, asRustLogError(error));
    this.#reader.events.emit("error", error);
  }
}
