// Fetches one partition ahead of its reader: one fetch is in flight while the previous portion is being read.
// Leaves to others: returning records and the order of partitions (consumer), retries (link).

import { RustLogError } from "../errors.js";
import { BATCH_BYTES_HIGHEST } from "../limits.js";
import { Fetch, type FetchResponse, offsetAfterDamage } from "../protocol/native/fetch.js";
import { ListOffsets } from "../protocol/native/offsets.js";
import { type DamageHandling, DamagedRecordsError, warnOfSkip } from "./damage.js";
import { backoffMs, pause } from "./backoff.js";
import type { FetchOptions } from "./consumer-options.js";
import { type OutOfRangePolicy, outOfRange, type PartitionPlan } from "./consumer-plan.js";
import { asRustLogError } from "./failure.js";
import { FetchedRecords, type PositionHolder } from "./fetched-records.js";
import { type BrokerLink, callOf, type RetryPolicy } from "./link.js";
import type { Deserializers } from "./serialization.js";
import {
  isTopicChanged,
  otherDirectory,
  TopicChangedError,
  type TopicSource,
} from "./topic-change.js";

/** Most portions of one partition in memory: one being read, and one waiting or in flight. */
const PORTIONS_AHEAD_MAX = 2;

const MiB = 1024 * 1024;

/** Smallest size that a fetch requests, however many partitions share the buffer. */
const PORTION_BYTES_MIN = 4096;

interface FetchSettings {
  /** Depends on the number of partitions, which can change. */
  readonly maxBytes: () => number;
  readonly minBytes: number;
  readonly maxWaitMs: number;
  readonly onOutOfRange: OutOfRangePolicy;
  readonly checkCrcs: boolean;
  readonly damage: DamageHandling;
}

interface FetcherOptions extends FetchSettings {
  readonly link: BrokerLink;
  readonly policy: RetryPolicy & { readonly signal: AbortSignal };
  readonly deserializers: Deserializers<unknown, unknown> | undefined;
  /** Called when reading continues in a topic that replaced the previous one; without it, that is an error. */
  readonly onTopicChanged: ((change: TopicChangedError) => void) | undefined;
  /** Called with fetched records. The consumer reads them and then calls `portionRead`. */
  readonly onRecords: (
    fetcher: PartitionFetcher,
    records: FetchedRecords<unknown, unknown>,
  ) => void;
  /** Called when fetching ends with an error. */
  readonly onFailure: (fetcher: PartitionFetcher, error: RustLogError) => void;
  /** Called when fetching reaches the end. */
  readonly onEnd: () => void;
}

/** The options of a consumer as its fetchers need them. Each of its partitions has an equal share of the buffer. */
export function fetchSettings(
  options: FetchOptions<unknown, unknown>,
  partitions: () => number,
): FetchSettings {
  const { maxBytes = 4 * MiB, bufferBytesMax = 64 * MiB } = options;
  return {
    maxBytes: () => {
      const share = Math.floor(bufferBytesMax / (partitions() * PORTIONS_AHEAD_MAX));
      // No response is larger than the largest batch.
      return Math.min(maxBytes, Math.max(share, PORTION_BYTES_MIN), BATCH_BYTES_HIGHEST);
    },
    minBytes: Math.min(options.minBytes ?? 1, BATCH_BYTES_HIGHEST),
    maxWaitMs: options.maxWaitMs ?? 1000,
    onOutOfRange: options.onOutOfRange ?? "error",
    checkCrcs: options.checkCrcs ?? true,
    damage: { policy: options.onDamaged ?? "throw", onSkip: options.onSkip ?? warnOfSkip },
  };
}

/** Fetches one partition from `start` up to, but not including, `end`. */
export class PartitionFetcher implements PositionHolder {
  readonly topic: string;
  readonly partition: number;
  readonly end: number;
  /** Offset after the last returned record, or the start offset. */
  position: number;
  /** The topic that the position belongs to. */
  source: TopicSource;
  /** The position at the last commit, or at the start. */
  committedPosition: number;
  /** The position when the reader last asked for more: what is before it has been processed. */
  processedPosition: number;
  /** High watermark that the broker last reported. */
  highWatermark: number;
  /** Number of records returned. */
  records = 0;
  readonly #options: FetcherOptions;
  /** Offset of the next fetch; everything from `position` to here has been fetched. */
  #fetchOffset: number;
  /** The topic that the next fetch belongs to. */
  #fetchSource: TopicSource;
  /** Whether the position moves to `#fetchOffset` once the earlier portions are read. */
  #wasReset = false;
  #portions = 0;
  #isFetching = false;
  #hasFailed = false;
  #isPaused = false;
  /** Counts the seeks: a response to a fetch before the last one is void. */
  #seeks = 0;

  constructor(topic: string, plan: PartitionPlan, options: FetcherOptions) {
    this.topic = topic;
    this.partition = plan.partition;
    this.end = plan.end;
    this.position = plan.start;
    this.committedPosition = plan.start;
    this.processedPosition = plan.start;
    this.source = plan.source;
    this.highWatermark = plan.highWatermark;
    this.#fetchOffset = plan.start;
    this.#fetchSource = plan.source;
    this.#options = options;
  }

  /** Whether everything up to the end has been read. */
  get isFinished(): boolean {
    return this.#fetchOffset >= this.end && this.#portions === 0;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Sends no more fetches until `resume`. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.fill();
  }

  /** Goes on at an offset; portions fetched before are void. The next commit commits it, even if nothing was read. */
  seek(offset: number, source: TopicSource = this.source): void {
    this.#seeks += 1;
    this.#portions = 0;
    this.#isFetching = false;
    this.#hasFailed = false;
    this.#wasReset = false;
    this.#fetchOffset = offset;
    this.#fetchSource = source;
    this.position = offset;
    this.processedPosition = offset;
    this.committedPosition = -1;
    this.source = source;
    this.fill();
  }

  /** Notes that the last portion was read, which makes room for another one. */
  portionRead(): void {
    this.#portions -= 1;
    this.#followReset();
    this.fill();
  }

  /** Sends the next fetch, unless one is in flight, enough portions wait to be read, or the end is reached. */
  fill(): void {
    if (this.#isFetching || this.#hasFailed || this.#isPaused) return;
    if (this.#options.policy.signal.aborted) return;
    if (this.#portions >= PORTIONS_AHEAD_MAX || this.#fetchOffset >= this.end) return;
    this.#isFetching = true;
    void this.#fetch();
  }

  async #fetch(): Promise<void> {
    const seeks = this.#seeks;
    const isVoid = (): boolean => seeks !== this.#seeks;
    try {
      const response = await this.#request(isVoid);
      if (this.#options.policy.signal.aborted || isVoid()) return;
      if (response !== undefined) this.#take(response);
    } catch (error) {
      if (isVoid()) return;
      this.#hasFailed = true;
      if (!this.#options.policy.signal.aborted) {
        this.#options.onFailure(this, asRustLogError(error));
      }
    }
    this.#isFetching = false;
    if (this.#fetchOffset >= this.end) this.#options.onEnd();
    this.fill();
  }

  /** One fetch, repeated from the same offset if the connection is lost; undefined after a reset. */
  async #request(isVoid: () => boolean): Promise<FetchResponse | undefined> {
    const { link, policy, maxBytes, minBytes, maxWaitMs } = this.#options;
    const { topic, partition } = this;
    const offset = this.#fetchOffset;
    // Sent without the group: its committed offset was looked up at the start and must not change the position.
    const sizes = { maxBytes: maxBytes(), minBytes, maxWaitMs };
    const { topicId, logDirectoryId } = this.#fetchSource;
    const request = { group: "", topic, topicId, partition, offset, ...sizes };
    try {
      const response = await link.request({ ...callOf(Fetch, request), waitMs: maxWaitMs }, policy);
      if (link.info.logDirectoryId !== logDirectoryId) {
        throw otherDirectory(link, topic, logDirectoryId);
      }
      // The broker answers a position past the end with the end, so these records do not exist (any more).
      if (response.nextOffset >= offset) return response;
      throw outOfRange(this, offset, response.logStartOffset, response.highWatermark);
    } catch (error) {
      const { onOutOfRange } = this.#options;
      if (isVoid()) return undefined;
      if (error instanceof RustLogError && error.code === "CORRUPT_MESSAGE") {
        this.#passDamage(offset, error);
        return undefined;
      }
      if (isTopicChanged(error)) {
        const isSame = link.info.logDirectoryId === logDirectoryId;
        await this.#passChange(
          isSame ? error : otherDirectory(link, topic, logDirectoryId),
          isVoid,
        );
        return undefined;
      }
      if (onOutOfRange === "error") throw error;
      if (!(error instanceof RustLogError) || error.code !== "OFFSET_OUT_OF_RANGE") throw error;
      await this.#resetTo(onOutOfRange, isVoid);
      return undefined;
    }
  }

  #take(response: FetchResponse): void {
    const from = this.#fetchOffset;
    this.highWatermark = response.highWatermark;
    if (response.nextOffset === from) {
      if (response.batches.length === 0) return;
      throw new RustLogError(
        "CORRUPT_MESSAGE",
        `topic '${this.topic}', partition ${this.partition}: a fetch from offset ${from} returned only batches that end before it`,
      );
    }
    this.#hand(response);
  }

  /** Passes on a portion, which begins where the previous one ended. */
  #hand(response: FetchResponse, refused?: DamagedRecordsError): void {
    const { checkCrcs, damage, deserializers, onRecords } = this.#options;
    const options = {
      ...{ fromOffset: this.#fetchOffset, source: this.#fetchSource },
      ...{ checkCrcs, damage, deserializers },
    };
    this.#fetchOffset = response.nextOffset;
    this.#wasReset = false;
    this.#portions += 1;
    const portion = refused === undefined ? options : { ...options, refused };
    onRecords(this, new FetchedRecords(this, response, portion));
  }

  /** Handles a refusal of the broker to read from `offset`: passes on a portion that throws when read, or reports the skip. */
  #passDamage(offset: number, error: RustLogError): void {
    const to = offsetAfterDamage(error.message);
    // Without an offset to continue at, nothing can be skipped.
    if (to === undefined || to <= offset) throw error;
    const refused = new DamagedRecordsError(this, { batch: offset, from: offset, to }, error);
    // That portion throws when read, after the earlier portions and those of other partitions.
    if (this.#options.damage.policy === "throw") this.#hasFailed = true;
    const unknown = { startOffset: offset, highWatermark: to, logStartOffset: 0 };
    this.#hand({ ...unknown, nextOffset: to, batches: new Uint8Array(0) }, refused);
  }

  /**
   * The topic was replaced. Throws, or continues in the new topic as the policy for offsets out of range says. With an end,
   * which means nothing in the new topic, it always throws.
   */
  async #passChange(cause: RustLogError, isVoid: () => boolean): Promise<void> {
    const { onOutOfRange, onTopicChanged } = this.#options;
    const position = this.#fetchOffset;
    const read = { topic: this.topic, partition: this.partition, position };
    const isFinal = onTopicChanged === undefined || onOutOfRange === "error";
    if (isFinal || this.end !== Number.POSITIVE_INFINITY) {
      throw new TopicChangedError(read, cause);
    }
    await this.#resetOnceThere(onOutOfRange, isVoid);
    if (isVoid()) return;
    onTopicChanged(new TopicChangedError(read, cause, this.#fetchOffset));
  }

  /** Resets. A deleted topic may be recreated only a little later, so it is looked up again for a while. */
  async #resetOnceThere(where: "earliest" | "latest", isVoid: () => boolean): Promise<void> {
    const { link, policy } = this.#options;
    const until = performance.now() + (policy.retryMs ?? Number.POSITIVE_INFINITY);
    for (let failures = 1; ; failures++) {
      try {
        await this.#resetTo(where, isVoid);
        return;
      } catch (error) {
        const isMissing =
          error instanceof RustLogError && error.code === "UNKNOWN_TOPIC_OR_PARTITION";
        const wait = backoffMs(failures, link.options.retryBackoffMs);
        if (!isMissing || performance.now() + wait >= until) throw error;
        if (policy.signal.aborted || isVoid()) throw error;
        await pause(wait, policy.signal);
      }
    }
  }

  async #resetTo(where: "earliest" | "latest", isVoid: () => boolean): Promise<void> {
    const { link, policy } = this.#options;
    const { topic, partition } = this;
    const timestamp = where === "earliest" ? -2 : -1;
    const { offset, topicId } = await link.request(
      callOf(ListOffsets, { topic, partition, timestamp }),
      policy,
    );
    if (isVoid()) return;
    this.#fetchOffset = offset;
    this.#fetchSource = { topicId, logDirectoryId: link.info.logDirectoryId };
    this.#wasReset = true;
    this.#followReset();
  }

  /** Portions fetched before a reset are still returned; after them, the position is that of the reset. */
  #followReset(): void {
    if (!this.#wasReset || this.#portions > 0) return;
    this.#wasReset = false;
    this.position = this.#fetchOffset;
    this.source = this.#fetchSource;
  }
}
