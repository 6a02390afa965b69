// Compacts the logs of compacted topics in the background, the dirtiest first and one at a time, and on demand.
// Leaves to others: which part of a log may be compacted and putting the result in place (log/compaction/), and the
// thread that does the work (log/compaction/compaction-thread.ts).
//
// A log is due if more than min.cleanable.dirty.ratio of its sealed bytes is dirty, or if it has a dirty record that is
// older than max.compaction.lag.ms. As in Kafka, the share of dirty bytes decides which comes first.
import { reasonOf } from "../log/disk/disk.js";
import { Portions } from "../log/event-loop.js";
import type { CompactionRunner } from "../log/compaction/compaction-thread.js";
import type { CompactionOutcome } from "../log/compaction/log-compaction.js";
import { RustLogError } from "../errors.js";
import { OneAtATime } from "./one-at-a-time.js";
import type { Partition } from "./partition.js";
import type { TopicRegistry } from "./topic-registry.js";

/** Learns of runs, for the metrics. */
export interface CompactionObserver {
  compacted(outcome: CompactionOutcome, ms: number): void;
  compactionFailed(): void;
}

interface CleanerContext {
  readonly registry: Pick<TopicRegistry, "list">;
  readonly runner: CompactionRunner;
  /** Memory for the map of keys, in bytes. */
  readonly mapBytes: number;
  /** Time between two searches for logs that are due, in milliseconds. */
  readonly checkMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly report: (line: string) => void;
  readonly observer: CompactionObserver;
  /** How long a log is kept as it is, if that is longer than min.compaction.lag.ms says, in milliseconds. */
  readonly keptMs?: (partition: Partition) => number;
  /** Called when files were deleted that may have been mapped. */
  readonly onFilesDeleted?: (() => void) | undefined;
}

/** What the compaction of one log saved. */
export interface Compacted {
  readonly recordsBefore: number;
  readonly recordsAfter: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** Progress of the run of a log, in bytes to read. */
export type OnCompactionProgress = (doneBytes: number, totalBytes: number) => void;

interface DueLog {
  readonly partition: Partition;
  readonly dirtyShare: number;
}

/** The last failure of a log. */
interface Fault {
  readonly reason: string;
  readonly failures: number;
  /** Not tried again before. */
  readonly retryMs: number;
}

/** Logs looked at per turn of the event loop. */
const PORTION = 64;

/** Pause after a failure, in milliseconds; it doubles with each further one. */
const RETRY_MS = 30_000;

const RETRY_MS_MAX = 60 * 60_000;

const NOTHING: Compacted = { recordsBefore: 0, recordsAfter: 0, bytesBefore: 0, bytesAfter: 0 };

export class LogCleaner {
  readonly #context: CleanerContext;
  readonly #turns = new OneAtATime();
  readonly #faults = new WeakMap<Partition, Fault>();
  /** Logs with batches that can't be opened, which was reported. */
  readonly #unopened = new WeakSet<Partition>();
  /** Damage that was reported. */
  readonly #damage = new WeakMap<Partition, string>();
  #timer: Timer | undefined;
  #pass: Promise<void> | undefined;
  #isStopped = false;
  /** Runs that are under way or wait for their turn. */
  #demanded = 0;

  constructor(context: CleanerContext) {
    this.#context = context;
  }

  /** Begins to look for logs that are due. */
  start(): void {
    this.#timer = setInterval(() => this.cleanSoon(), this.#context.checkMs);
  }

  /** Looks for logs that are due now, without waiting for the time to do so. */
  cleanSoon(): void {
    this.cleanDue().catch((error: unknown) =>
      this.#context.report(`compacted topics could not be searched: ${reasonOf(error)}`),
    );
  }

  /** Ends the current run, and begins no other. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#pass?.catch(() => {});
    await this.#turns.underWay;
    await this.#context.runner.rest();
  }

  /** Compacts all logs that are due. Failures are reported, and tried again later. */
  cleanDue(): Promise<void> {
    this.#pass ??= this.#cleanDue().finally(() => {
      this.#pass = undefined;
    });
    return this.#pass;
  }

  /**
   * Compacts everything in a log that is older than min.compaction.lag.ms, whether or not it is due: begins a new segment,
   * because only sealed ones are compacted, and waits for its turn. Rejects with why the log can't be compacted.
   */
  async compactNow(
    partition: Partition,
    onProgress: OnCompactionProgress = () => {},
  ): Promise<Compacted> {
    this.#demanded++;
    try {
      return await this.#turns.run(async () => {
        this.#checkStopped();
        await partition.roll();
        const { minCompactionLagMs } = partition.settings;
        const compacted = await this.#compact(partition, minCompactionLagMs, onProgress);
        this.#succeeded(partition);
        return compacted;
      });
    } finally {
      this.#demanded--;
      await this.#rest();
    }
  }

  async #cleanDue(): Promise<void> {
    // Each log once, so that the pass ends.
    const done = new Set<Partition>();
    let due: DueLog[] = [];
    let searchedMs = Number.NEGATIVE_INFINITY;
    try {
      while (!this.#isStopped) {
        if (due.length === 0 || this.#context.now() - searchedMs > this.#context.checkMs) {
          due = await this.#search(done);
          searchedMs = this.#context.now();
        }
        const next = due.pop();
        if (next === undefined) return;
        done.add(next.partition);
        await this.#turns.run(() => this.#cleanOne(next.partition));
      }
    } finally {
      await this.#rest();
    }
  }

  /** Gives back the memory of the runner, unless it is needed at once. */
  async #rest(): Promise<void> {
    if (this.#demanded === 0 && this.#turns.underWay === undefined) {
      await this.#context.runner.rest();
    }
  }

  /** The logs that are due, the dirtiest last; of equally dirty ones, the first by name comes later. */
  async #search(done: ReadonlySet<Partition>): Promise<DueLog[]> {
    const portions = new Portions(PORTION);
    const due: DueLog[] = [];
    for (const { logSettings, online } of this.#context.registry.list()) {
      await portions.next();
      if (!logSettings.current.compacts) continue;
      for (const partition of online) {
        await portions.next();
        if (this.#isStopped) return [];
        if (done.has(partition) || !this.#mayTry(partition)) continue;
        const dirtyShare = await this.#dirtyShareIfDue(partition);
        if (dirtyShare !== undefined) due.push({ partition, dirtyShare });
      }
    }
    return due.reverse().sort((a, b) => a.dirtyShare - b.dirtyShare);
  }

  #mayTry(partition: Partition): boolean {
    const fault = this.#faults.get(partition);
    return !partition.closed && (fault === undefined || fault.retryMs <= this.#context.now());
  }

  /** The dirty share of the bytes that may be compacted now; undefined if the log is not due. */
  async #dirtyShareIfDue(partition: Partition): Promise<number | undefined> {
    const { minDirtyRatio, maxCompactionLagMs } = partition.settings;
    const now = this.#context.now();
    const before = now - maxCompactionLagMs;
    try {
      // Without new records nothing else would seal them.
      if ((partition.layout.segments.active.firstAppendMs ?? now) < before) await partition.roll();
      const isForced =
        (partition.compaction.oldestDirtyTimestamp ?? Number.POSITIVE_INFINITY) < before;
      const { cleanBytes, dirtyBytes } = await partition.compaction.range(
        this.#minLagMs(partition),
      );
      if (dirtyBytes === 0) return undefined;
      const share = dirtyBytes / (cleanBytes + dirtyBytes);
      return isForced || share > minDirtyRatio ? share : undefined;
    } catch (error) {
      this.#failed(partition, error);
      return undefined;
    }
  }

  async #cleanOne(partition: Partition): Promise<void> {
    try {
      if (partition.closed) return;
      await this.#compact(partition, this.#minLagMs(partition), () => {});
      this.#succeeded(partition);
    } catch (error) {
      this.#failed(partition, error);
    }
  }

  /** Age of the records that may be compacted without being asked to. */
  #minLagMs(partition: Partition): number {
    return Math.max(partition.settings.minCompactionLagMs, this.#context.keptMs?.(partition) ?? 0);
  }

  /** Runs until everything is compacted that may be, which takes several runs if the map is too small for all keys. */
  async #compact(
    partition: Partition,
    minLagMs: number,
    onProgress: OnCompactionProgress,
  ): Promise<Compacted> {
    let total: Compacted | undefined;
    for (;;) {
      const outcome = await this.#run(partition, minLagMs, onProgress);
      if (outcome === undefined) return total ?? NOTHING;
      const { firstDirtyOffset, endOffset, stats, bytesBefore, bytesAfter } = outcome;
      const removed = stats.recordsRead - stats.recordsKept;
      total = {
        recordsBefore: stats.recordsKept + removed + removedBy(total),
        recordsAfter: stats.recordsKept,
        bytesBefore: total?.bytesBefore ?? bytesBefore,
        bytesAfter,
      };
      this.#reportUnopened(partition, stats.batchesUnopened);
      this.#reportDamage(partition, stats.damage);
      noteUncompacted(partition, stats);
      if (firstDirtyOffset >= endOffset) return total;
    }
  }

  async #run(
    partition: Partition,
    minLagMs: number,
    onProgress: OnCompactionProgress,
  ): Promise<CompactionOutcome | undefined> {
    const { runner, mapBytes, observer, onFilesDeleted } = this.#context;
    const { deleteRetentionMs } = partition.settings;
    const { firstDirtyOffset, cleanBytes, dirtyBytes } = partition.compaction.extent;
    const totalBytes = cleanBytes + 2 * dirtyBytes;
    const beganMs = performance.now();
    const outcome = await partition.compaction.compact(
      (job, isStopped) =>
        runner.run(
          job,
          () => isStopped() || this.#isStopped,
          (bytes) => onProgress(Math.min(bytes, totalBytes), totalBytes),
        ),
      { minLagMs, deleteRetentionMs, mapBytes },
    );
    if (outcome === undefined) return undefined;
    if (outcome.firstDirtyOffset <= firstDirtyOffset) {
      throw new Error("the run made no progress; raise --compaction-memory");
    }
    observer.compacted(outcome, performance.now() - beganMs);
    if (outcome.bytesAfter !== outcome.bytesBefore) onFilesDeleted?.();
    return outcome;
  }

  #succeeded(partition: Partition): void {
    if (this.#faults.delete(partition)) partition.faults.clear(partition, "compaction");
  }

  /** A failure is reported once, until there is another. */
  #failed(partition: Partition, error: unknown): void {
    if (partition.closed || this.#isStopped) return;
    const { now, report, observer } = this.#context;
    const reason = reasonOf(error);
    const before = this.#faults.get(partition);
    observer.compactionFailed();
    if (before?.reason !== reason) {
      report(`${partition.name}: could not be compacted: ${reason}; tried again later`);
    }
    partition.faults.note(partition, { kind: "compaction", reason });
    const failures = (before?.failures ?? 0) + 1;
    const pauseMs = Math.min(RETRY_MS * 2 ** (failures - 1), RETRY_MS_MAX);
    this.#faults.set(partition, { reason, failures, retryMs: now() + pauseMs });
  }

  #reportUnopened(partition: Partition, batches: number): void {
    if (batches === 0 || this.#unopened.has(partition)) return;
    this.#unopened.add(partition);
    this.#context.report(
      `${partition.name}: ${batches} batches can't be opened, so compaction keeps them, and all tombstones after them`,
    );
  }

  #reportDamage(partition: Partition, damage: readonly string[]): void {
    const reason = damage.join("; ");
    if (reason === (this.#damage.get(partition) ?? "")) return;
    this.#damage.set(partition, reason);
    if (reason === "") return;
    this.#context.report(
      `${partition.name}: ${reason}; compaction keeps such a segment as it is, and all tombstones after it`,
    );
  }

  #checkStopped(): void {
    if (this.#isStopped) throw new RustLogError("BROKER_STOPPING", "the broker is stopping");
  }
}

/** What compaction has left as it is, because it can't be read. */
function noteUncompacted(
  partition: Partition,
  { damage, batchesUnopened }: CompactionOutcome["stats"],
): void {
  const unopened = batchesUnopened === 0 ? [] : [`${batchesUnopened} batches can't be opened`];
  const reason = [...damage, ...unopened].join("; ");
  if (reason === "") partition.faults.clear(partition, "uncompacted");
  else partition.faults.note(partition, { kind: "uncompacted", reason });
}

function removedBy(compacted: Compacted | undefined): number {
  return compacted === undefined ? 0 : compacted.recordsBefore - compacted.recordsAfter;
}
