// The path of one partition's appends to their acknowledgement: staged, pushed, flushed in groups.
// Leaves to others: who may append, and who waits for the high watermark (partition.ts).
import { RustLogError } from "../errors.js";
import { maxTimestamp, recordCount } from "../record/batch.js";
import { bytesOf, type Pieces } from "../record/bytes.js";
import { FlushFailure, reasonOf } from "../log/disk/disk.js";
import type { Log } from "../log/log.js";
import type { LogPosition } from "../log/log-context.js";
import { appendError } from "./append-error.js";
import type { FlushPolicy } from "./flush-policy.js";
import { OneAtATime } from "./one-at-a-time.js";

/** Learns how an append ended, from one call of either method, possibly before `append` returns. */
export interface AppendWaiter {
  /** `logAppendTimeMs` is the timestamp of all records if the topic has LogAppendTime, else -1. */
  appended(baseOffset: number, logAppendTimeMs: number): void;
  refused(error: RustLogError): void;
}

interface PendingAppend {
  readonly batch: Pieces;
  readonly bytes: number;
  readonly records: number;
  readonly waiter: AppendWaiter;
  baseOffset: number;
  logAppendTimeMs: number;
}

interface PendingRoll {
  readonly waiter: { readonly rolled: () => void; readonly refused: (error: RustLogError) => void };
}

interface AppenderListener {
  /** The readable end of the log has moved. */
  advanced(): void;
  /** The disk failed. Acknowledge and serve nothing more. */
  failed(error: RustLogError): void;
  /** Batches were written, or not; the log is unchanged then, and the next append tries again. */
  appended(error: RustLogError | undefined): void;
}

/** Index entries to save at a time: those of 64 KiB or more. Saving opens two files. */
const SAVED_ENTRIES_MIN = 16;

/**
 * An append passes through up to three queues:
 * - `waiting`: it arrived while the log was held, during a roll or while the kernel took a push in parts.
 * - `staged`: it is in the log's memory. Staged appends are pushed to the kernel together at the end of the turn.
 * - `pushed`: the kernel has it, but no flush covers it yet. Everything pushed during one flush shares the next, so
 *   writing continues while the disk flushes. After a flush the readable end moves and its appends are acknowledged.
 */
export class Appender {
  readonly #name: string;
  readonly #log: Log;
  readonly #flush: FlushPolicy;
  readonly #listener: AppenderListener;
  #waiting: PendingAppend[] = [];
  #staged: PendingAppend[] = [];
  #pushed: PendingAppend[] = [];
  #rolls: PendingRoll[] = [];
  /** Whether the log takes no appends right now. */
  #held = false;
  /** The loop that pushes and rolls, and the one that flushes, while they are running. */
  #pushing: Promise<void> | undefined;
  #flushing: Promise<void> | undefined;
  #failure: RustLogError | undefined;
  #end: LogPosition;
  #acknowledgedBytes = 0;
  #flushedOffset: number;
  #timer: Timer | undefined;
  /**
   * Serializes flushes and rolls. When the disk fails, the kernel reports it to only one of two concurrent flushes; the
   * other would vouch for lost data. So a failure must be recorded here before the next flush starts.
   */
  readonly #disk = new OneAtATime();
  #stopped = false;

  constructor(name: string, log: Log, flush: FlushPolicy, listener: AppenderListener) {
    this.#name = name;
    this.#log = log;
    this.#flush = flush;
    this.#listener = listener;
    // Recovery flushed everything that it kept, so all of it is readable.
    this.#end = log.pushedEnd;
    this.#flushedOffset = log.pushedEnd.offset;
  }

  /** The readable end of the log: the flushed end with policy `always`, else the written end. */
  get end(): LogPosition {
    return this.#end;
  }

  /** Bytes that became readable since the start. A batch that was sent twice may count twice. */
  get acknowledgedBytes(): number {
    return this.#acknowledgedBytes;
  }

  append(batch: Pieces, waiter: AppendWaiter): void {
    const bytes = bytesOf(batch);
    const records = recordCount(batch[0], 0);
    const pending = { batch, bytes, records, waiter, baseOffset: -1, logAppendTimeMs: -1 };
    const mustWait = this.#held || this.#waiting.length > 0 || this.#log.mustRoll(pending);
    if (mustWait) this.#waiting.push(pending);
    else this.#stage(pending);
    this.#start();
  }

  /** Starts a new segment once everything appended is flushed; see `Partition.roll`. */
  roll(): Promise<void> {
    return new Promise((rolled, refused) => {
      this.#rolls.push({ waiter: { rolled, refused } });
      this.#start();
    });
  }

  /** Makes everything acknowledged durable; see `Partition.sync`. */
  async sync(): Promise<void> {
    await this.#disk.run(async () => {
      await this.#syncLog([]);
      await this.#log.saveIndexes();
    });
  }

  /** Resolves when nothing is in flight. */
  async settled(): Promise<void> {
    while ((this.#pushing ?? this.#flushing ?? this.#disk.underWay) !== undefined) {
      await this.#pushing;
      await this.#flushing;
      await this.#disk.underWay;
    }
  }

  /** Rejects every append that no flush has started for, and all later ones. */
  refuse(error: RustLogError): void {
    this.#failure ??= error;
    for (const queue of [this.#pushed, this.#staged, this.#waiting, this.#rolls]) {
      // A topic may have thousands of partitions, most of them idle.
      if (queue.length > 0) rejectAll(queue.splice(0), error);
    }
  }

  /** Stops the flush timer. Appends in flight continue. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #stage(pending: PendingAppend): void {
    try {
      const [header] = pending.batch;
      const first = this.#log.findDuplicate(header);
      pending.baseOffset = first?.baseOffset ?? this.#log.append(pending.batch);
      const isStamped = this.#log.context.settings.timestampType === "LogAppendTime";
      pending.logAppendTimeMs = isStamped ? (first?.timestamp ?? maxTimestamp(header, 0)) : -1;
      if (pending.baseOffset < this.#end.offset) {
        pending.waiter.appended(pending.baseOffset, pending.logAppendTimeMs);
        return;
      }
      // A retry that arrives while the first copy waits for a flush waits for the same flush.
      this.#staged.push(pending);
    } catch (error) {
      pending.waiter.refused(appendError(this.#name, error));
    }
  }

  #start(): void {
    // Push at the end of this turn, so that batches from one chunk share a push.
    this.#pushing ??= Promise.resolve().then(() => this.#pushAndRoll());
  }

  async #pushAndRoll(): Promise<void> {
    try {
      for (;;) {
        const next = this.#waiting[0];
        if (this.#staged.length > 0) {
          const pushed = this.#pushStaged();
          if (pushed !== undefined) await pushed;
        } else if (this.#rolls.length > 0) await this.#rollLog();
        else if (next === undefined) break;
        else if (this.#log.mustRoll(next)) await this.#rollLog();
        this.#stageWaiting();
      }
    } finally {
      this.#pushing = undefined;
    }
  }

  #stageWaiting(): void {
    let taken = 0;
    for (const pending of this.#waiting) {
      if (this.#log.mustRoll(pending)) break;
      this.#stage(pending);
      taken++;
    }
    this.#waiting.splice(0, taken);
  }

  #pushStaged(): void | Promise<void> {
    const group = this.#staged;
    this.#staged = [];
    try {
      const pushed = this.#log.push();
      if (pushed !== undefined) return this.#waitForPush(pushed, group);
    } catch (error) {
      this.#pushFailed(group, error);
      return;
    }
    this.#pushDone(group);
  }

  async #waitForPush(pushed: Promise<void>, group: PendingAppend[]): Promise<void> {
    this.#held = true;
    try {
      await pushed;
    } catch (error) {
      this.#pushFailed(group, error);
      return;
    } finally {
      this.#held = false;
    }
    this.#pushDone(group);
  }

  #pushFailed(group: PendingAppend[], error: unknown): void {
    if (error instanceof RustLogError) this.#fail(error, group);
    else rejectAll(group, this.#refused(error));
  }

  #refused(error: unknown): RustLogError {
    const failure = appendError(this.#name, error);
    this.#listener.appended(failure);
    return failure;
  }

  #pushDone(group: PendingAppend[]): void {
    this.#listener.appended(undefined);
    if (this.#failure !== undefined) rejectAll(group, this.#failure);
    else if (this.#flush.kind === "always") {
      for (const pending of group) this.#pushed.push(pending);
      this.#flushing ??= this.#flushPushed();
    } else {
      this.#acknowledge(group, this.#log.pushedEnd);
      this.#flushLater();
    }
  }

  /** Starts a flush of acknowledged appends, or schedules one, as the policy requires. */
  #flushLater(): void {
    if (this.#stopped) return;
    if (this.#log.shouldFlushAhead && this.#disk.underWay === undefined) this.#flushInBackground();
    if (this.#flush.kind === "interval" && this.#timer === undefined) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#flushInBackground();
      }, this.#flush.ms);
    }
  }

  async #flushPushed(): Promise<void> {
    try {
      while (this.#pushed.length > 0) await this.#disk.run(() => this.#flushGroup());
    } finally {
      this.#flushing = undefined;
    }
  }

  async #flushGroup(): Promise<void> {
    const group = this.#pushed;
    this.#pushed = [];
    let end: LogPosition;
    try {
      end = await this.#syncLog(group);
    } catch {
      return; // Its appends are rejected already, and the listener was called.
    }
    this.#acknowledge(group, end);
    // Afterwards, because no answer depends on it, and rarely, because the next append waits for it.
    await this.#log.saveIndexes(SAVED_ENTRIES_MIN);
  }

  /** Flushes what was pushed and returns its end. A failure rejects the appends of `group` and all others. */
  async #syncLog(group: PendingAppend[]): Promise<LogPosition> {
    if (this.#failure !== undefined) {
      rejectAll(group, this.#failure);
      throw this.#failure;
    }
    const end = this.#log.pushedEnd;
    try {
      await this.#log.sync();
    } catch (error) {
      throw this.#fail(error, group);
    }
    this.#flushedOffset = end.offset;
    return end;
  }

  #acknowledge(group: readonly PendingAppend[], end: LogPosition): void {
    this.#end = end;
    for (const pending of group) {
      this.#acknowledgedBytes += pending.bytes;
      pending.waiter.appended(pending.baseOffset, pending.logAppendTimeMs);
    }
    this.#listener.advanced();
  }

  async #rollLog(): Promise<void> {
    this.#held = true;
    // Appends already pushed are acknowledged by their own flush, because the roll may fail.
    await this.#flushing;
    await this.#disk.run(() => this.#rollAlone());
  }

  async #rollAlone(): Promise<void> {
    const rolls = this.#rolls.splice(0);
    try {
      // After a failed flush all waiting appends are rejected, and nothing may be sealed.
      if (this.#failure !== undefined) return;
      await this.#log.roll();
    } catch (error) {
      if (error instanceof FlushFailure) rejectAll(rolls, this.#fail(error, []));
      else {
        const failure = this.#failure ?? this.#refused(error);
        rejectAll([...rolls, ...this.#waiting.splice(0)], failure);
      }
      return;
    } finally {
      this.#held = false;
    }
    this.#end = this.#log.pushedEnd;
    this.#flushedOffset = this.#end.offset;
    for (const { waiter } of rolls) waiter.rolled();
  }

  #flushInBackground(): void {
    if (this.#stopped || this.#flushedOffset >= this.#end.offset) return;
    // The listener has been called with the failure already.
    this.sync().catch(() => {});
  }

  /** After a failed flush the page cache can't be trusted: acknowledge and serve nothing more. */
  #fail(error: unknown, group: PendingAppend[]): RustLogError {
    const message = `${this.#name}: the disk failed: ${reasonOf(error)}`;
    const failure = this.#failure ?? new RustLogError("STORAGE_ERROR", message, { cause: error });
    rejectAll(group, failure);
    this.refuse(failure);
    this.stop();
    this.#listener.failed(failure);
    return failure;
  }
}

function rejectAll(pending: readonly (PendingAppend | PendingRoll)[], error: RustLogError): void {
  for (const { waiter } of pending) waiter.refused(error);
}
