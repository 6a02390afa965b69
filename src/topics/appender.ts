// The appends of one partition on their way to an acknowledgement: staged, pushed, flushed together.
// Leaves to others: who may append, and who wants to know how far the log can be read (partition.ts).
import { RustLogError } from "../errors.ts";
import { systemErrorCode } from "../storage/disk.ts";
import type { Log } from "../storage/log.ts";
import type { LogPosition } from "../storage/log-context.ts";
import type { FlushPolicy } from "./flush-policy.ts";

/** An append that is not acknowledged yet. */
interface PendingAppend {
  readonly batch: Uint8Array;
  readonly resolve: (baseOffset: number) => void;
  readonly reject: (error: RustLogError) => void;
  baseOffset: number;
}

/** Whom an appender tells of what happens. */
export interface AppenderListener {
  /** The log can be read further than before. */
  advanced(): void;
  /** The disk failed: nothing more must be acknowledged or served. */
  failed(error: RustLogError): void;
}

/**
 * Appends go through at most two queues. `waiting` holds those that came during a roll; `staged` those that
 * the log has but no flush covers yet. One loop empties both: push, flush, move the end of what may be read,
 * acknowledge, and again while there is something. All that arrives during one flush shares the next one.
 */
export class Appender {
  readonly #name: string;
  readonly #log: Log;
  readonly #flush: FlushPolicy;
  readonly #listener: AppenderListener;
  #staged: PendingAppend[] = [];
  #waiting: PendingAppend[] = [];
  #running: Promise<void> | undefined;
  #end: LogPosition;
  #flushedOffset: number;
  #timer: Timer | undefined;
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

  /** Appends a batch; see `Partition.append`. */
  append(batch: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      const pending = { batch, resolve, reject, baseOffset: -1 };
      if (this.#waiting.length > 0 || this.#log.mustRoll(batch.length)) this.#waiting.push(pending);
      else this.#stage(pending);
      // Begun at the end of this turn, so that batches which arrived in one chunk share a flush.
      this.#running ??= Promise.resolve().then(() => this.#run());
    });
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
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
      pending.baseOffset = duplicateOf ?? this.#log.append(pending.batch);
      this.#staged.push(pending);
    } catch (error) {
      pending.reject(this.#appendError(error));
    }
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
      else rejectAll(lost, this.#appendError(error));
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
    } else if (this.#flush.kind === "interval" && !this.#stopped) {
      this.#timer ??= setTimeout(() => void this.#flushInBackground(), this.#flush.ms);
    }
    this.#end = end;
    for (const pending of covered) pending.resolve(pending.baseOffset);
    this.#listener.advanced();
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
      if (isDiskFull(error)) rejectAll(this.#waiting.splice(0), this.#appendError(error));
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
    if (this.#stopped || this.#flushedOffset >= end.offset) return;
    try {
      await this.#log.sync();
      this.#flushedOffset = end.offset;
    } catch (error) {
      if (!this.#stopped) this.#fail(error, []);
    }
  }

  /** After a failed flush the page cache can't be trusted: nothing more is acknowledged or served. */
  #fail(error: unknown, group: PendingAppend[]): void {
    const message = `${this.#name}: the disk failed: ${describeError(error)}`;
    const failure = new RustLogError("STORAGE_ERROR", message, { cause: error });
    rejectAll([...group, ...this.#staged.splice(0), ...this.#waiting.splice(0)], failure);
    this.stop();
    this.#listener.failed(failure);
  }

  #appendError(error: unknown): RustLogError {
    if (error instanceof RustLogError) return error;
    if (isDiskFull(error)) {
      return new RustLogError(
        "DISK_FULL",
        `${this.#name}: no space left on the broker's disk; nothing of the batch was kept`,
        { cause: error },
      );
    }
    return new RustLogError("STORAGE_ERROR", `${this.#name}: ${describeError(error)}`, {
      cause: error,
    });
  }
}

function rejectAll(appends: readonly PendingAppend[], error: RustLogError): void {
  for (const pending of appends) pending.reject(error);
}

function isDiskFull(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
