// One partition: its log, the flushes that acknowledge appends, the high watermark, and who waits for it.
// Leaves to others: bytes on disk (storage/log.ts), names and settings (topic-registry.ts), sockets.
import { RustLogError } from "../errors.ts";
import { systemErrorCode } from "../storage/disk.ts";
import type { Log } from "../storage/log.ts";
import type { LogPosition } from "../storage/log-context.ts";
import type { LogRead } from "../storage/log-slice.ts";
import type { CleanSegment } from "../storage/recovery.ts";
import type { FlushPolicy } from "./flush-policy.ts";

/** What a partition tells of itself. */
export interface PartitionDescription {
  readonly partition: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  readonly logEndOffset: number;
  readonly segments: number;
  readonly bytes: number;
}

/** An append that is not acknowledged yet. */
interface PendingAppend {
  readonly batch: Uint8Array;
  readonly resolve: (baseOffset: number) => void;
  readonly reject: (error: RustLogError) => void;
  baseOffset: number;
}

/**
 * Appends go through at most two queues. `waiting` holds those that came during a roll; `staged` those that
 * the log has but no flush covers yet. One loop empties both: push, flush, move the high watermark,
 * acknowledge, and again while there is something. All that arrives during one flush shares the next one.
 */
export class Partition {
  readonly topic: string;
  readonly index: number;
  readonly #log: Log;
  readonly #flush: FlushPolicy;
  readonly #onFatal: (error: Error) => void;
  readonly #listeners = new Set<() => void>();
  #staged: PendingAppend[] = [];
  #waiting: PendingAppend[] = [];
  #running: Promise<void> | undefined;
  #end: LogPosition;
  #flushedOffset: number;
  #timer: Timer | undefined;
  #closed = false;
  #failure: RustLogError | undefined;

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
    this.#flush = flush;
    this.#onFatal = onFatal;
    // Recovery has flushed what it kept, so all of it is below the high watermark.
    this.#end = log.pushedEnd;
    this.#flushedOffset = log.pushedEnd.offset;
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
    return this.#end.offset;
  }

  /** Offset that the next record gets. */
  get logEndOffset(): number {
    return this.#log.logEndOffset;
  }

  /** Length of all `.log` files, in bytes. */
  get bytes(): number {
    return this.#log.bytes;
  }

  /** Whether the partition was closed or deleted, or its disk failed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Appends a batch that `checkProducedBatch` has passed, and stamps its base offset into the bytes, which
   * must not change until the promise settles. Resolves with the base offset once the flush policy is
   * satisfied; one that an idempotent producer sends again gets the base offset that it has. Rejects with
   * OUT_OF_ORDER_SEQUENCE, INVALID_PRODUCER_EPOCH, DISK_FULL (nothing was written; it may be sent again), STORAGE_ERROR,
   * UNKNOWN_TOPIC_OR_PARTITION (deleted meanwhile) or BROKER_STOPPING.
   */
  append(batch: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(this.#closedError());
        return;
      }
      const pending = { batch, resolve, reject, baseOffset: -1 };
      if (this.#waiting.length > 0 || this.#log.mustRoll(batch.length)) this.#waiting.push(pending);
      else this.#stage(pending);
      // Begun at the end of this turn, so that batches which arrived in one chunk share a flush.
      this.#running ??= Promise.resolve().then(() => this.#run());
    });
  }

  /**
   * Whole batches below the high watermark from the one that holds `offset`: `bytesMax` bytes at most, but
   * one batch at least if there is any. At or past the high watermark: nothing, and it is `nextOffset`.
   * Throws OFFSET_OUT_OF_RANGE below the log start, CORRUPT_MESSAGE where the log is damaged.
   */
  read(offset: number, bytesMax: number): LogRead {
    if (this.#closed) throw this.#closedError();
    if (offset >= this.#end.offset) return { slices: [], bytes: 0, nextOffset: this.#end.offset };
    if (offset < this.logStartOffset) {
      throw new RustLogError(
        "OFFSET_OUT_OF_RANGE",
        `${this.name}: offset ${offset} is below the log start: valid are ${this.logStartOffset} to ${this.highWatermark}`,
      );
    }
    return this.#log.read(offset, bytesMax, this.#end);
  }

  /** Bytes that may be read from `offset`; counting stops once there are `enough`. */
  bytesAvailable(offset: number, enough: number): number {
    if (offset >= this.#end.offset || offset < this.logStartOffset) return 0;
    return this.read(offset, enough).bytes;
  }

  /**
   * Calls `listener` after each move of the high watermark, and when the partition closes (`closed` is true
   * then). Returns the function that ends this.
   */
  onAdvance(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Base offset of the first batch that has a record at or after `timestamp` (ms), and the largest timestamp
   * in it; the high watermark and -1 when there is none.
   */
  offsetForTimestamp(timestamp: number): { offset: number; timestamp: number } {
    if (this.#closed) throw this.#closedError();
    return (
      this.#log.findTimestamp(timestamp, this.#end) ?? { offset: this.#end.offset, timestamp: -1 }
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
  applyRetention(): Promise<number> {
    return this.#closed ? Promise.resolve(0) : this.#log.applyRetention();
  }

  /** Begins a new segment now, once what was appended is flushed. For the compaction of internal topics. */
  async roll(): Promise<void> {
    await this.#settled();
    await this.#log.roll();
  }

  /** Makes all that is acknowledged durable, whatever the flush policy. */
  async sync(): Promise<void> {
    await this.#settled();
    await this.#log.sync();
  }

  /** Deletes the sealed segments whose records are all below `offset`. */
  deleteBefore(offset: number): Promise<void> {
    return this.#log.deleteBefore(offset);
  }

  /** Acknowledges what is pending, flushes, closes; resolves with the note that spares the next scan. */
  async closeCleanly(): Promise<CleanSegment | undefined> {
    if (this.#closed) return undefined;
    this.#close();
    await this.#settled();
    if (this.#failure !== undefined) return undefined;
    return await this.#log.closeCleanly();
  }

  /** Closes without flushing, because the topic is deleted: what is pending is refused. */
  async closeForDeletion(): Promise<void> {
    this.#failure = new RustLogError(
      "UNKNOWN_TOPIC_OR_PARTITION",
      `topic '${this.topic}' was deleted`,
    );
    this.#close();
    await this.#settled();
    this.#log.close();
  }

  #stage(pending: PendingAppend): void {
    try {
      const duplicateOf = this.#log.findDuplicate(pending.batch);
      if (duplicateOf !== undefined && duplicateOf < this.#end.offset) {
        pending.resolve(duplicateOf);
        return;
      }
      // A batch that is sent again while its first copy waits for a flush waits for the same one.
      pending.baseOffset = duplicateOf ?? this.#log.append(pending.batch);
      this.#staged.push(pending);
    } catch (error) {
      pending.reject(this.#appendError(error));
    }
  }

  async #settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#staged.length > 0 || this.#waiting.length > 0) {
        if (this.#staged.length > 0) await this.#flushStaged();
        else await this.#rollForWaiting();
      }
    } finally {
      this.#running = undefined;
    }
  }

  async #flushStaged(): Promise<void> {
    const group = this.#staged;
    this.#staged = [];
    try {
      const pushed = this.#log.push();
      if (pushed !== undefined) await pushed;
    } catch (error) {
      // What was staged behind this group got its offsets from it, and was taken back with it.
      const lost = [...group, ...this.#staged.splice(0)];
      if (error instanceof RustLogError) this.#fail(error, lost);
      else this.#rejectAll(lost, this.#appendError(error));
      return;
    }
    const end = this.#log.pushedEnd;
    const covered = [...group, ...this.#staged.splice(0, this.#countBelow(end.offset))];
    if (this.#flush.kind === "always") {
      try {
        await this.#log.sync();
      } catch (error) {
        this.#fail(error, covered);
        return;
      }
      this.#flushedOffset = end.offset;
    } else if (this.#flush.kind === "interval") {
      this.#timer ??= setTimeout(() => void this.#flushInBackground(), this.#flush.ms);
    }
    this.#end = end;
    for (const pending of covered) pending.resolve(pending.baseOffset);
    for (const listener of [...this.#listeners]) listener();
  }

  /** Number of staged appends that an asynchronous push has taken along. */
  #countBelow(offset: number): number {
    let count = 0;
    while ((this.#staged[count]?.baseOffset ?? offset) < offset) count++;
    return count;
  }

  async #rollForWaiting(): Promise<void> {
    try {
      await this.#log.roll();
    } catch (error) {
      if (isDiskFull(error)) this.#rejectAll(this.#waiting.splice(0), this.#appendError(error));
      else this.#fail(error, []);
      return;
    }
    this.#end = this.#log.pushedEnd;
    this.#flushedOffset = this.#end.offset;
    // At least one fits, because an empty segment takes any batch.
    const waiting = this.#waiting;
    let taken = 0;
    for (const pending of waiting) {
      if (this.#log.mustRoll(pending.batch.length)) break;
      this.#stage(pending);
      taken++;
    }
    waiting.splice(0, taken);
  }

  async #flushInBackground(): Promise<void> {
    this.#timer = undefined;
    const end = this.#end;
    if (this.#closed || this.#flushedOffset >= end.offset) return;
    try {
      await this.#log.sync();
      this.#flushedOffset = end.offset;
    } catch (error) {
      if (!this.#closed) this.#fail(error, []);
    }
  }

  /** After a failed flush the page cache can't be trusted: nothing more is acknowledged or served. */
  #fail(error: unknown, group: PendingAppend[]): void {
    const message = `${this.name}: the disk failed: ${describeError(error)}`;
    this.#failure = new RustLogError("STORAGE_ERROR", message, { cause: error });
    this.#rejectAll(
      [...group, ...this.#staged.splice(0), ...this.#waiting.splice(0)],
      this.#failure,
    );
    this.#close();
    this.#onFatal(this.#failure);
  }

  #close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const listener of [...this.#listeners]) listener();
    this.#listeners.clear();
  }

  #rejectAll(appends: readonly PendingAppend[], error: RustLogError): void {
    for (const pending of appends) pending.reject(error);
  }

  #appendError(error: unknown): RustLogError {
    if (error instanceof RustLogError) return error;
    if (isDiskFull(error)) {
      return new RustLogError(
        "DISK_FULL",
        `${this.name}: no space left on the broker's disk; nothing of the batch was kept`,
        { cause: error },
      );
    }
    return new RustLogError("STORAGE_ERROR", `${this.name}: ${describeError(error)}`, {
      cause: error,
    });
  }

  #closedError(): RustLogError {
    return (
      this.#failure ?? new RustLogError("BROKER_STOPPING", `${this.name}: the broker is stopping`)
    );
  }
}

function isDiskFull(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
