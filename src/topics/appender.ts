// The appends of one partition on their way to an acknowledgement: staged, pushed, flushed together.
// Leaves to others: who may append, and who wants to know how far the log can be read (partition.ts).
import { RustLogError } from "../errors.ts";
import { recordCount } from "../record/batch.ts";
import { type Tail, tailBytes } from "../record/bytes.ts";
import { FlushFailure, reasonOf } from "../log/disk/disk.ts";
import type { Log } from "../log/log.ts";
import type { LogPosition } from "../log/log-context.ts";
import { appendError } from "./append-error.ts";
import type { FlushPolicy } from "./flush-policy.ts";
import { OneAtATime } from "./one-at-a-time.ts";

/** An append that is not acknowledged yet. */
interface PendingAppend {
  readonly batch: Uint8Array;
  readonly tail: Tail;
  /** Length of the batch, tail and all. */
  readonly bytes: number;
  readonly records: number;
  readonly resolve: (baseOffset: number) => void;
  readonly reject: (error: RustLogError) => void;
  baseOffset: number;
}

/** A roll that was asked for. */
interface PendingRoll {
  readonly resolve: () => void;
  readonly reject: (error: RustLogError) => void;
}

/** Whom an appender tells of what happens. */
export interface AppenderListener {
  /** The log can be read further than before. */
  advanced(): void;
  /** The disk failed: nothing more must be acknowledged or served. */
  failed(error: RustLogError): void;
}

/**
 * Appends go through at most three queues. `waiting` holds those that came while the log took none: during a
 * roll, or while the kernel took a push in parts. `staged` holds those that the log has and the kernel has not:
 * at the end of a turn of the event loop they are pushed together. `pushed` holds those that the kernel has and no
 * flush covers yet; all that is pushed during one flush shares the next. So writing goes on while the disk
 * flushes. After a flush the end of what may be read moves, and its appends are acknowledged.
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
  /** Whether the log takes no appends at this moment. */
  #held = false;
  /** The loop that pushes and rolls, and the one that flushes, while they have something to do. */
  #pushing: Promise<void> | undefined;
  #flushing: Promise<void> | undefined;
  #failure: RustLogError | undefined;
  #end: LogPosition;
  #acknowledgedBytes = 0;
  #flushedOffset: number;
  #timer: Timer | undefined;
  /**
   * Flushes and rolls. When the disk fails, the kernel tells it to one of two flushes that end together; the other
   * would vouch for what is lost. So what fails has told of it here before the next one begins.
   */
  readonly #disk = new OneAtATime();
  #stopped = false;

  constructor(name: string, log: Log, flush: FlushPolicy, listener: AppenderListener) {
    this.#name = name;
    this.#log = log;
    this.#flush = flush;
    this.#listener = listener;
    // Recovery has flushed what it kept, so all of it may be read.
    this.#end = log.pushedEnd;
    this.#flushedOffset = log.pushedEnd.offset;
  }

  /** The end of what may be read: with policy `always` the flushed end of the log, else the written one. */
  get end(): LogPosition {
    return this.#end;
  }

  /** Bytes that became readable since the start; a batch that was sent twice may count twice. */
  get acknowledgedBytes(): number {
    return this.#acknowledgedBytes;
  }

  /** Appends a batch; see `Partition.append`. */
  append(batch: Uint8Array, tail: Tail): Promise<number> {
    return new Promise((resolve, reject) => {
      const bytes = batch.length + tailBytes(tail);
      const records = recordCount(batch, 0);
      const pending = { batch, tail, bytes, records, resolve, reject, baseOffset: -1 };
      const mustWait = this.#held || this.#waiting.length > 0 || this.#log.mustRoll(pending);
      if (mustWait) this.#waiting.push(pending);
      else this.#stage(pending);
      this.#start();
    });
  }

  /** Begins a new segment, once what was appended is flushed; see `Partition.roll`. */
  roll(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#rolls.push({ resolve, reject });
      this.#start();
    });
  }

  /** Makes all that is acknowledged durable; see `Partition.sync`. */
  async sync(): Promise<void> {
    await this.#disk.run(() => this.#syncLog([]));
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    while ((this.#pushing ?? this.#flushing ?? this.#disk.underWay) !== undefined) {
      await this.#pushing;
      await this.#flushing;
      await this.#disk.underWay;
    }
  }

  /** Refuses what no flush has begun for, and everything that comes. */
  refuse(error: RustLogError): void {
    this.#failure ??= error;
    for (const queue of [this.#pushed, this.#staged, this.#waiting, this.#rolls]) {
      rejectAll(queue.splice(0), error);
    }
  }

  /** Ends the flushes that a timer would begin. What is on its way goes on. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #stage(pending: PendingAppend): void {
    try {
      const duplicateOf = this.#log.findDuplicate(pending.batch);
      if (duplicateOf !== undefined && duplicateOf < this.#end.offset) {
        pending.resolve(duplicateOf);
        return;
      }
      // A batch that is sent again while its first copy waits for a flush waits for the same one.
      pending.baseOffset = duplicateOf ?? this.#log.append(pending.batch, pending.tail);
      this.#staged.push(pending);
    } catch (error) {
      pending.reject(appendError(this.#name, error));
    }
  }

  #start(): void {
    // Begun at the end of this turn, so that batches which arrived in one chunk share a push.
    this.#pushing ??= Promise.resolve().then(() => this.#pushAndRoll());
  }

  async #pushAndRoll(): Promise<void> {
    try {
      for (;;) {
        const next = this.#waiting[0];
        if (this.#staged.length > 0) await this.#pushStaged();
        else if (this.#rolls.length > 0) await this.#rollLog();
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

  async #pushStaged(): Promise<void> {
    const group = this.#staged;
    this.#staged = [];
    try {
      const pushed = this.#log.push();
      if (pushed !== undefined) {
        this.#held = true;
        await pushed;
      }
    } catch (error) {
      if (error instanceof RustLogError) this.#fail(error, group);
      else rejectAll(group, appendError(this.#name, error));
      return;
    } finally {
      this.#held = false;
    }
    if (this.#failure !== undefined) rejectAll(group, this.#failure);
    else if (this.#flush.kind === "always") {
      for (const pending of group) this.#pushed.push(pending);
      this.#flushing ??= this.#flushPushed();
    } else {
      this.#acknowledge(group, this.#log.pushedEnd);
      this.#flushLater();
    }
  }

  /** Begins the flush of what is acknowledged already, or sees to it that one begins. */
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
      return; // Its appends are refused by now, and the listener knows.
    }
    this.#acknowledge(group, end);
  }

  /** Flushes what was pushed; returns its end. A failure refuses the appends of `group` and all others. */
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
      pending.resolve(pending.baseOffset);
    }
    this.#listener.advanced();
  }

  async #rollLog(): Promise<void> {
    this.#held = true;
    // What was pushed is acknowledged by its own flush: the roll itself may be refused.
    await this.#flushing;
    await this.#disk.run(() => this.#rollAlone());
  }

  async #rollAlone(): Promise<void> {
    const rolls = this.#rolls.splice(0);
    try {
      // After a failed flush all that waits was refused, and nothing may be sealed any more.
      if (this.#failure !== undefined) return;
      await this.#log.roll();
    } catch (error) {
      if (error instanceof FlushFailure) rejectAll(rolls, this.#fail(error, []));
      else {
        // The log is as it was, and the next append tries again.
        const failure = this.#failure ?? appendError(this.#name, error);
        rejectAll([...rolls, ...this.#waiting.splice(0)], failure);
      }
      return;
    } finally {
      this.#held = false;
    }
    this.#end = this.#log.pushedEnd;
    this.#flushedOffset = this.#end.offset;
    for (const roll of rolls) roll.resolve();
  }

  #flushInBackground(): void {
    if (this.#stopped || this.#flushedOffset >= this.#end.offset) return;
    // A failure has been told to the listener already.
    this.sync().catch(() => {});
  }

  /** After a failed flush the page cache can't be trusted: nothing more is acknowledged or served. */
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
  for (const { reject } of pending) reject(error);
}
