// One partition: its log, its high watermark, and the fetches that wait for new records.
// Leaves to others: acknowledging appends (appender.ts), bytes on disk (log/log.ts), names and settings
// (topic-registry.ts), sockets.
import { RustLogError } from "../errors.js";
import type { Pieces } from "../record/bytes.js";
import { type Disk, reasonOf } from "../log/disk/disk.js";
import type { Log } from "../log/log.js";
import type { LogPosition, LogSettings } from "../log/log-context.js";
import type { ProducerState } from "../log/producer-states.js";
import type { LogRead } from "../log/segment/log-slice.js";
import type { SegmentsView } from "../log/log-view.js";
import { isDamage } from "../log/segment/segment-lookup.js";
import type { TimestampMatch } from "../log/segment/time-lookup.js";
import type { CleanSegment } from "../log/recovery/noted-segment.js";
import { trimError } from "./append-error.js";
import { Appender, type AppendWaiter } from "./appender.js";
import { Faults } from "./faults.js";
import type { FlushPolicy } from "./flush-policy.js";
import { PartitionCompaction } from "./partition-compaction.js";
import { WaitQueue } from "./wait-queue.js";
import { deletedTopic } from "./topic-error.js";

export interface PartitionDescription {
  readonly partition: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  readonly logEndOffset: number;
  readonly segments: number;
  readonly bytes: number;
  /** Share of the bytes of sealed segments that is not compacted yet; only in compacted topics. */
  readonly dirtyRatio?: number | undefined;
}

interface PartitionLayout {
  readonly directory: string;
  readonly disk: Pick<Disk, "readFile" | "fileSize">;
  readonly segments: SegmentsView;
  /** The high watermark and its position in the segments. */
  readonly end: LogPosition;
}

interface PartitionOptions {
  readonly topic: string;
  readonly index: number;
  readonly log: Log;
  readonly flush: FlushPolicy;
  /** Called when a disk failure makes it unsafe to continue. */
  readonly onFatal: (error: Error) => void;
  /** Where to note what is wrong with it. */
  readonly faults?: Faults;
}

export class Partition {
  readonly topic: string;
  readonly index: number;
  /** Distinguishes it from an OfflinePartition, which has a reason here. */
  readonly offline = undefined;
  readonly compaction: PartitionCompaction;
  /** What is wrong with this partition and others. */
  readonly faults: Faults;
  readonly #log: Log;
  readonly #segments: SegmentsView;
  readonly #appender: Appender;
  readonly #onFatal: (error: Error) => void;
  /** Waiting fetches, keyed by the total of readable bytes since the start that each needs. */
  readonly #waitingForBytes = new WaitQueue();
  /** Fetches beyond the high watermark, keyed by the offset that it must reach. */
  readonly #waitingForOffset = new WaitQueue();
  #sealing: Promise<void> | undefined;
  #closed = false;
  #isDeleted = false;
  #retention: Promise<number> | undefined;
  #advancing: Promise<void> | undefined;
  #failure: RustLogError | undefined;

  constructor({ topic, index, log, flush, onFatal, faults = new Faults() }: PartitionOptions) {
    this.topic = topic;
    this.index = index;
    this.faults = faults;
    this.#log = log;
    this.#segments = log.segments;
    this.#appender = new Appender(this.name, log, flush, {
      advanced: () => this.#advanced(),
      failed: (error) => this.#fail(error),
      appended: (error) => this.faults.appended(this, error),
    });
    this.#onFatal = onFatal;
    this.compaction = new PartitionCompaction(log.compaction, {
      end: () => this.#appender.end,
      refusal: () => (this.#closed ? this.#closedError() : undefined),
      diskFailed: (failure) => this.#flushFailed(failure),
    });
  }

  /** `topic-index`, as in the messages of all Kafka-like systems. */
  get name(): string {
    return `${this.topic}-${this.index}`;
  }

  /** Offset of the first remaining record. */
  get logStartOffset(): number {
    return this.#log.logStartOffset;
  }

  /** Offset after the last readable record. With policy `always` this is the flushed end of the log. */
  get highWatermark(): number {
    return this.#appender.end.offset;
  }

  get logEndOffset(): number {
    return this.#log.logEndOffset;
  }

  /** Total size of the `.log` files. */
  get bytes(): number {
    return this.#segments.bytes;
  }

  /** The idempotent producers by id, least recently active first. */
  producers(): IterableIterator<[number, ProducerState]> {
    return this.#log.producers();
  }

  /** The segments and the readable end, for code that only looks at them. */
  get layout(): PartitionLayout {
    const { disk, directory } = this.#log.context;
    return { directory, disk, segments: this.#segments, end: this.#appender.end };
  }

  /** The settings that the log follows now. */
  get settings(): LogSettings {
    return this.#log.context.settings;
  }

  get isDeleted(): boolean {
    return this.#isDeleted;
  }

  /** Whether the partition was closed or deleted, or its disk failed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Appends a batch that passed `checkProducedBatch`, in one piece or several. Stamps the base offset in place; do not
   * touch the bytes until the waiter is called. It gets the base offset once the flush policy is satisfied; a retry by an
   * idempotent producer gets the original base offset. It is refused with OUT_OF_ORDER_SEQUENCE, INVALID_PRODUCER_EPOCH,
   * DISK_FULL (nothing was written; retry), STORAGE_ERROR, UNKNOWN_TOPIC_OR_PARTITION (deleted in the meantime) or
   * BROKER_STOPPING.
   */
  appendFor(waiter: AppendWaiter, batch: Pieces): void {
    if (this.#closed) waiter.refused(this.#closedError());
    else this.#appender.append(batch, waiter);
  }

  /** The same with a promise, for callers that append rarely. */
  append(...batch: Pieces): Promise<number> {
    return new Promise((appended, refused) => this.appendFor({ appended, refused }, batch));
  }

  /**
   * Returns whole batches below the high watermark, starting with the one that holds `offset`: up to `bytesMax` bytes,
   * but at least one batch if there is any. At or above the high watermark it returns no bytes and `nextOffset` is the
   * high watermark. Throws OFFSET_OUT_OF_RANGE below the log start, and CORRUPT_MESSAGE where the log is damaged.
   */
  read(offset: number, bytesMax: number): LogRead {
    if (this.#closed) throw this.#closedError();
    const { highWatermark } = this;
    if (offset >= highWatermark) return { slices: [], bytes: 0, nextOffset: highWatermark };
    if (offset < this.logStartOffset) {
      throw new RustLogError(
        "OFFSET_OUT_OF_RANGE",
        `${this.name}: offset ${offset} is below the log start; valid offsets are ${this.logStartOffset} to ${this.highWatermark}`,
      );
    }
    try {
      return this.#segments.read(offset, bytesMax, this.#appender.end);
    } catch (error) {
      if (isDamage(error)) {
        this.faults.note(this, { kind: "damage", offset, reason: reasonOf(error) });
      }
      throw error;
    } finally {
      if (this.#segments.active.isDamaged) this.#sealDamaged();
    }
  }

  /** Where to continue reading after `read` threw CORRUPT_MESSAGE for `offset`; at most the high watermark. */
  offsetAfterDamage(offset: number): number {
    return this.#segments.offsetAfterDamage(offset, this.#appender.end);
  }

  /** The file and position of the batch that holds `offset`, for messages; undefined if damage hides it. */
  placeOf(offset: number): string | undefined {
    return this.#segments.placeOf(offset, this.#appender.end);
  }

  /**
   * Calls `listener` once, when `bytes` more than now may be readable from `offset`, or when the partition closes; the
   * listener has to read to find out. Returns a function that unsubscribes. An append costs nothing for listeners whose
   * bytes are not there yet.
   */
  whenMoreReadable(offset: number, bytes: number, listener: () => void): () => void {
    return offset > this.highWatermark
      ? this.#waitingForOffset.add(offset, listener)
      : this.#waitingForBytes.add(this.#appender.acknowledgedBytes + bytes, listener);
  }

  /**
   * Await this before `offsetForTimestamp` or `findTimestamp`, which are quick then, also for earlier times. Undefined if they are
   * quick anyway.
   */
  prepareTimeSearch(timestamp: number, start = 0): Promise<void> | undefined {
    return this.#closed ? undefined : this.#segments.prepareTimeSearch(timestamp, start);
  }

  /**
   * Base offset of the first batch with a record at or after `timestamp` (ms), and the largest timestamp in that batch;
   * the high watermark and -1 if there is none.
   */
  offsetForTimestamp(timestamp: number): { offset: number; timestamp: number } {
    return this.findTimestamp(timestamp, 0) ?? { offset: this.highWatermark, timestamp: -1 };
  }

  /** The same from offset `start` on, by the headers of batches; undefined if there is none. */
  findTimestamp(timestamp: number, start: number): TimestampMatch | undefined {
    if (this.#closed) throw this.#closedError();
    return this.#log.findTimestamp(timestamp, this.#appender.end, start);
  }

  /**
   * Largest timestamp (ms) of any readable record, by the headers of batches; -Infinity if there are no records. Await
   * `prepareTimeSearch(OFFSET_MAX)` before.
   */
  newestTimestamp(): number {
    if (this.#closed) throw this.#closedError();
    return this.#log.newestTimestamp(this.#appender.end);
  }

  describe(): PartitionDescription {
    return {
      partition: this.index,
      logStartOffset: this.logStartOffset,
      highWatermark: this.highWatermark,
      logEndOffset: this.logEndOffset,
      segments: this.#segments.count,
      bytes: this.bytes,
      dirtyRatio: this.settings.compacts ? this.compaction.dirtyRatio : undefined,
    };
  }

  /** Deletes expired segments and returns their number. */
  async applyRetention(): Promise<number> {
    if (this.#closed) return 0;
    this.#retention ??= this.#retain().finally(() => {
      this.#retention = undefined;
    });
    return await this.#retention;
  }

  async #retain(): Promise<number> {
    try {
      // Without new records nothing else would roll it.
      if (this.#log.isActiveUnneeded) await this.#appender.roll();
      return await this.#log.applyRetention(this.#appender.end);
    } catch (error) {
      // The topic was deleted in the meantime, and its directory renamed.
      if (this.#closed) return 0;
      throw error;
    }
  }

  /** Starts a new segment once everything appended is flushed. Rejects as `append` does. */
  roll(): Promise<void> {
    return this.#closed ? Promise.reject(this.#closedError()) : this.#appender.roll();
  }

  /** Makes everything acknowledged durable, whatever the flush policy. Rejects as `append` does. */
  sync(): Promise<void> {
    return this.#closed ? Promise.reject(this.#closedError()) : this.#appender.sync();
  }

  /**
   * Deletes the records below `offset`, durably before readers see the change; does nothing below the log start.
   * `reclaim` frees their space. Rejects with OFFSET_OUT_OF_RANGE if `offset` is negative or above the high watermark,
   * and as `append` does.
   */
  async advanceLogStart(offset: number): Promise<void> {
    this.checkLogStart(offset);
    if (offset <= this.logStartOffset) return;
    await this.sync();
    if (this.#closed) throw this.#closedError();
    this.#advancing = this.#log.advanceLogStart(offset);
    try {
      await this.#advancing;
    } catch (error) {
      // The topic may have been deleted in the meantime, and its directory renamed.
      throw this.#closed ? this.#closedError() : trimError(this.name, error);
    }
  }

  /** Makes the checks of `advanceLogStart`. Throws OFFSET_OUT_OF_RANGE, and what a closed partition rejects with. */
  checkLogStart(offset: number): void {
    if (this.#closed) throw this.#closedError();
    const { highWatermark } = this;
    if (offset >= 0 && offset <= highWatermark) return;
    const message = `${this.name}: records can't be deleted up to offset ${offset}; expected 0 to ${highWatermark}`;
    throw new RustLogError("OFFSET_OUT_OF_RANGE", message);
  }

  /** Deletes the segments whose records are all below the log start, and expired ones; returns their number. */
  async reclaim(): Promise<number> {
    // A run that is under way may not have seen the log start.
    await this.#retention?.catch(() => 0);
    return await this.applyRetention();
  }

  /** Deletes sealed segments whose records are all below `offset`. */
  async deleteBefore(offset: number): Promise<void> {
    if (this.#closed) throw this.#closedError();
    await this.#log.deleteBefore(offset);
  }

  /**
   * Acknowledges pending appends, flushes and closes. Resolves with the note that saves the next start a scan;
   * undefined if a scan is needed. Calls `onFatal` if a flush fails.
   */
  async closeCleanly(): Promise<CleanSegment | undefined> {
    if (this.#closed) return undefined;
    this.#close();
    await this.compaction.settled();
    await this.#appender.settled();
    if (this.#failure !== undefined) return undefined;
    try {
      return await this.#log.closeCleanly();
    } catch (error) {
      this.#flushFailed(error);
      return undefined;
    }
  }

  /**
   * Rejects every append that no flush has started for, because the topic's directory was renamed: from now on a
   * missing file is not a disk failure. Call `closeForDeletion` next.
   */
  refuseForDeletion(failure = deletedTopic(this.topic)): void {
    this.#failure = failure;
    this.#isDeleted = true;
    this.#closed = true;
    this.compaction.abandon();
    this.#appender.stop();
    this.#appender.refuse(failure);
  }

  /** Closes without flushing, for a deleted topic. Its paths are not used afterwards. */
  async closeForDeletion(): Promise<void> {
    if (!this.#isDeleted) this.refuseForDeletion();
    this.#close();
    await this.#appender.settled();
    await this.compaction.settled();
    await this.#retention?.catch(() => 0);
    await this.#advancing?.catch(() => {});
    this.#log.close();
  }

  /** Seals the segment as it is, so that no acknowledged record depends on bytes after damage. */
  #sealDamaged(): void {
    this.#sealing ??= this.#appender
      .roll()
      // The next append tries again, and fails if there is no new segment.
      .catch(() => {})
      .finally(() => {
        this.#sealing = undefined;
      });
  }

  /** After a failure of the disk that no append has met. */
  #flushFailed(error: unknown): RustLogError {
    const message = `${this.name}: the disk failed: ${reasonOf(error)}`;
    const failure = new RustLogError("STORAGE_ERROR", message, { cause: error });
    this.#fail(failure);
    this.#appender.refuse(this.#failure ?? failure);
    return this.#failure ?? failure;
  }

  #fail(error: RustLogError): void {
    if (this.#isDeleted) return;
    this.#failure = error;
    this.#close();
    this.#onFatal(error);
  }

  #close(): void {
    this.#closed = true;
    this.compaction.stop();
    this.#appender.stop();
    this.#waitingForOffset.reach(Number.POSITIVE_INFINITY);
    this.#waitingForBytes.reach(Number.POSITIVE_INFINITY);
  }

  #advanced(): void {
    this.#waitingForOffset.reach(this.highWatermark);
    this.#waitingForBytes.reach(this.#appender.acknowledgedBytes);
  }

  #closedError(): RustLogError {
    return (
      this.#failure ?? new RustLogError("BROKER_STOPPING", `${this.name}: the broker is stopping`)
    );
  }
}
