// One partition: its log, how far it may be read (the high watermark), and who waits for that to move.
// Leaves to others: acknowledging appends (appender.ts), bytes on disk (log/log.ts), names and settings
// (topic-registry.ts), sockets.
import { RustLogError } from "../errors.ts";
import { NO_TAIL } from "../record/bytes.ts";
import { reasonOf } from "../log/disk/disk.ts";
import type { Log } from "../log/log.ts";
import type { LogContext, LogPosition } from "../log/log-context.ts";
import type { LogRead } from "../log/segment/log-slice.ts";
import type { SegmentList } from "../log/segment/segment-list.ts";
import type { CleanSegment } from "../log/recovery/recovery.ts";
import { Appender } from "./appender.ts";
import type { FlushPolicy } from "./flush-policy.ts";
import { WaitQueue } from "./wait-queue.ts";

/** What a partition tells of itself. */
export interface PartitionDescription {
  readonly partition: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  readonly logEndOffset: number;
  readonly segments: number;
  readonly bytes: number;
}

/** What a partition is made of. */
export interface PartitionLayout {
  readonly context: LogContext;
  readonly segments: SegmentList;
  /** The high watermark, and where in the segments it is. */
  readonly end: LogPosition;
}

/** The log of one partition, as clients see it. */
export class Partition {
  readonly topic: string;
  readonly index: number;
  /** Tells it from an offline one (offline-partition.ts), which has a reason here. */
  readonly offline = undefined;
  readonly #log: Log;
  readonly #segments: SegmentList;
  readonly #appender: Appender;
  readonly #onFatal: (error: Error) => void;
  /** Fetches that wait for bytes, by how many must have become readable since the start. */
  readonly #waitingForBytes = new WaitQueue();
  /** Fetches past the high watermark, by the offset that it must reach. */
  readonly #waitingForOffset = new WaitQueue();
  #sealing: Promise<void> | undefined;
  #closed = false;
  #isDeleted = false;
  #retention: Promise<number> | undefined;
  #failure: RustLogError | undefined;

  /** `onFatal` is called when a failure of the disk makes it unsafe to go on. */
  constructor(
    topic: string,
    index: number,
    log: Log,
    flush: FlushPolicy,
    onFatal: (error: Error) => void,
  ) {
    this.topic = topic;
    this.index = index;
    this.#log = log;
    this.#segments = log.parts.segments;
    this.#appender = new Appender(this.name, log, flush, {
      advanced: () => this.#advanced(),
      failed: (error) => this.#fail(error),
    });
    this.#onFatal = onFatal;
  }

  /** `topic-index`, as in the messages of all Kafka-like systems. */
  get name(): string {
    return `${this.topic}-${this.index}`;
  }

  /** Offset of the first record that is still there. */
  get logStartOffset(): number {
    return this.#log.logStartOffset;
  }

  /** Offset after the last record that may be read; with policy `always`, the flushed end of the log. */
  get highWatermark(): number {
    return this.#appender.end.offset;
  }

  /** Offset that the next record gets. */
  get logEndOffset(): number {
    return this.#log.logEndOffset;
  }

  /** Length of all `.log` files, in bytes. */
  get bytes(): number {
    return this.#log.bytes;
  }

  /** Its segments and where what may be read of them ends, for those who look at them and change nothing. */
  get layout(): PartitionLayout {
    return { ...this.#log.parts, end: this.#appender.end };
  }

  get isDeleted(): boolean {
    return this.#isDeleted;
  }

  /** Whether the partition was closed or deleted, or its disk failed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Appends a batch that `checkProducedBatch` has passed, `tail` being what of it lies beyond `batch`, and stamps its base offset into the bytes, which
   * must not change until the promise settles. Resolves with the base offset once the flush policy is
   * satisfied; one that an idempotent producer sends again gets the base offset that it has. Rejects with
   * OUT_OF_ORDER_SEQUENCE, INVALID_PRODUCER_EPOCH, DISK_FULL (nothing was written; it may be sent again),
   * STORAGE_ERROR, UNKNOWN_TOPIC_OR_PARTITION (deleted meanwhile) or BROKER_STOPPING.
   */
  append(batch: Uint8Array, tail = NO_TAIL): Promise<number> {
    return this.#closed ? Promise.reject(this.#closedError()) : this.#appender.append(batch, tail);
  }

  /**
   * Whole batches below the high watermark from the one that holds `offset`: `bytesMax` bytes at most, but
   * one batch at least if there is any. At or past the high watermark: nothing, and it is `nextOffset`.
   * Throws OFFSET_OUT_OF_RANGE below the log start, CORRUPT_MESSAGE where the log is damaged.
   */
  read(offset: number, bytesMax: number): LogRead {
    if (this.#closed) throw this.#closedError();
    const { highWatermark } = this;
    if (offset >= highWatermark) return { slices: [], bytes: 0, nextOffset: highWatermark };
    if (offset < this.logStartOffset) {
      throw new RustLogError(
        "OFFSET_OUT_OF_RANGE",
        `${this.name}: offset ${offset} is below the log start: valid are ${this.logStartOffset} to ${this.highWatermark}`,
      );
    }
    try {
      return this.#log.read(offset, bytesMax, this.#appender.end);
    } finally {
      if (this.#segments.active.isDamaged) this.#sealDamaged();
    }
  }

  /** Where reading can go on after `read` threw CORRUPT_MESSAGE for `offset`: the high watermark at the latest. */
  offsetAfterDamage(offset: number): number {
    return this.#segments.offsetAfterDamage(offset, this.#appender.end);
  }

  /** Where in its files the batch is that holds `offset`, for messages; undefined if damage hides it. */
  placeOf(offset: number): string | undefined {
    return this.#segments.placeOf(offset, this.#appender.end);
  }

  /**
   * Calls `listener` once: when `bytes` more may be readable from `offset` than now, or when the partition closes. The
   * listener has to read to find out. Returns the function that unsubscribes it. An append costs nothing for listeners
   * whose bytes are not there yet.
   */
  whenMoreReadable(offset: number, bytes: number, listener: () => void): () => void {
    return offset > this.highWatermark
      ? this.#waitingForOffset.add(offset, listener)
      : this.#waitingForBytes.add(this.#appender.acknowledgedBytes + bytes, listener);
  }

  /** To be awaited before `offsetForTimestamp`, so that this takes little time; undefined if it would anyway. */
  prepareTimeSearch(timestamp: number): Promise<void> | undefined {
    return this.#closed ? undefined : this.#segments.prepareTimeSearch(timestamp);
  }

  /**
   * Base offset of the first batch that has a record at or after `timestamp` (ms), and the largest timestamp
   * in it; the high watermark and -1 when there is none.
   */
  offsetForTimestamp(timestamp: number): { offset: number; timestamp: number } {
    if (this.#closed) throw this.#closedError();
    return (
      this.#log.findTimestamp(timestamp, this.#appender.end) ?? {
        offset: this.highWatermark,
        timestamp: -1,
      }
    );
  }

  /** Offsets and sizes at this moment. */
  describe(): PartitionDescription {
    return {
      partition: this.index,
      logStartOffset: this.logStartOffset,
      highWatermark: this.highWatermark,
      logEndOffset: this.logEndOffset,
      segments: this.#log.segmentCount,
      bytes: this.bytes,
    };
  }

  /** Deletes what retention has run out for; returns the number of segments. */
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
      if (this.#log.isActiveExpired) await this.#appender.roll();
      return await this.#log.applyRetention(this.#appender.end);
    } catch (error) {
      // The topic was deleted meanwhile, and its directory renamed.
      if (this.#closed) return 0;
      throw error;
    }
  }

  /** Begins a new segment, once what was appended is flushed. Rejects as `append` does. */
  roll(): Promise<void> {
    return this.#closed ? Promise.reject(this.#closedError()) : this.#appender.roll();
  }

  /** Makes all that is acknowledged durable, whatever the flush policy. Rejects as `append` does. */
  sync(): Promise<void> {
    return this.#closed ? Promise.reject(this.#closedError()) : this.#appender.sync();
  }

  /** Deletes the sealed segments whose records are all below `offset`. */
  async deleteBefore(offset: number): Promise<void> {
    if (this.#closed) throw this.#closedError();
    await this.#log.deleteBefore(offset);
  }

  /**
   * Acknowledges what is pending, flushes, closes; resolves with the note that spares the next scan, undefined
   * if there must be one. A failed flush is told to `onFatal`.
   */
  async closeCleanly(): Promise<CleanSegment | undefined> {
    if (this.#closed) return undefined;
    this.#close();
    await this.#appender.settled();
    if (this.#failure !== undefined) return undefined;
    try {
      return await this.#log.closeCleanly();
    } catch (error) {
      const message = `${this.name}: the disk failed: ${reasonOf(error)}`;
      this.#fail(new RustLogError("STORAGE_ERROR", message, { cause: error }));
      return undefined;
    }
  }

  /**
   * Refuses what no flush has begun for, because the topic's directory was renamed: from now on no failure to find
   * a file there is one of the disk. To be followed by `closeForDeletion`.
   */
  refuseForDeletion(): void {
    const message = `topic '${this.topic}' was deleted`;
    this.#failure = new RustLogError("UNKNOWN_TOPIC_OR_PARTITION", message);
    this.#isDeleted = true;
    this.#closed = true;
    this.#appender.stop();
    this.#appender.refuse(this.#failure);
  }

  /** Closes without flushing, because the topic is deleted. Afterwards nothing uses its paths. */
  async closeForDeletion(): Promise<void> {
    if (!this.#isDeleted) this.refuseForDeletion();
    this.#close();
    await this.#appender.settled();
    await this.#retention?.catch(() => 0);
    this.#log.close();
  }

  /** No acknowledgement must depend on what is behind damage: the segment is sealed as it is. */
  #sealDamaged(): void {
    this.#sealing ??= this.#appender
      .roll()
      // The next append tries again, and is refused if there is no new segment.
      .catch(() => {})
      .finally(() => {
        this.#sealing = undefined;
      });
  }

  #fail(error: RustLogError): void {
    if (this.#isDeleted) return;
    this.#failure = error;
    this.#close();
    this.#onFatal(error);
  }

  #close(): void {
    this.#closed = true;
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
