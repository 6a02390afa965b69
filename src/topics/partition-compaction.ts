// The compaction of one partition, with its high watermark and its errors.
// Leaves to others: the log's side of it (log/compaction/log-compaction.ts), and when to compact (the broker).
import type { RustLogError } from "../errors.js";
import type {
  CompactionExtent,
  CompactionOptions,
  CompactionOutcome,
  CompactionRange,
  CompactionRun,
  LogCompaction,
} from "../log/compaction/log-compaction.js";
import { FlushFailure } from "../log/disk/disk.js";
import type { LogPosition } from "../log/log-context.js";

/** What compaction needs from its partition. */
interface PartitionState {
  /** The high watermark and its position. */
  end(): LogPosition;
  /** Why a closed partition refuses; undefined while it is open. */
  refusal(): RustLogError | undefined;
  /** A flush has failed. Returns the error for those who wait. */
  diskFailed(failure: FlushFailure): RustLogError;
}

export class PartitionCompaction {
  readonly #log: LogCompaction;
  readonly #partition: PartitionState;
  #settled: Promise<unknown> | undefined;

  constructor(log: LogCompaction, partition: PartitionState) {
    this.#log = log;
    this.#partition = partition;
  }

  /** How much of the log is compacted. */
  get extent(): CompactionExtent {
    return this.#log.extent(this.#partition.end());
  }

  /** Records below it were compacted. */
  get firstDirtyOffset(): number {
    return this.#log.firstDirtyOffset;
  }

  /** Changes whenever new segments have taken the place of old ones. */
  get revision(): number {
    return this.#log.revision;
  }

  /** Share of the bytes of sealed segments that is not compacted yet. */
  get dirtyRatio(): number {
    const { cleanBytes, dirtyBytes } = this.extent;
    return dirtyBytes === 0 ? 0 : dirtyBytes / (cleanBytes + dirtyBytes);
  }

  /** How much may be compacted now. Rejects if the partition is closed. */
  async range(minLagMs: number): Promise<CompactionRange> {
    this.#check();
    return await this.#log.range(this.#partition.end(), minLagMs);
  }

  /**
   * The smallest timestamp (ms) among the first batches of sealed segments that are not compacted yet; undefined if there
   * are none. Throws if the partition is closed.
   */
  get oldestDirtyTimestamp(): number | undefined {
    this.#check();
    return this.#log.oldestDirtyTimestamp(this.#partition.end());
  }

  /**
   * Compacts all that may be compacted; undefined if there is nothing. `run` does the work. Rejects if that fails, if
   * there is no space or a compaction is under way, leaving the log as it is; and if the partition is closed meanwhile.
   */
  async compact(
    run: CompactionRun,
    options: CompactionOptions,
  ): Promise<CompactionOutcome | undefined> {
    this.#check();
    const compacting = this.#compact(run, options);
    this.#settled = Promise.allSettled([this.#settled, compacting]);
    return await compacting;
  }

  /** Tells a run to end, because the partition is closed. Await `settled` next. */
  stop(): void {
    this.#log.stop();
  }

  /** The same, because the topic was deleted: no file is touched any more. */
  abandon(): void {
    this.#log.abandon();
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#settled;
  }

  async #compact(
    run: CompactionRun,
    options: CompactionOptions,
  ): Promise<CompactionOutcome | undefined> {
    try {
      return await this.#log.compact(run, options, this.#partition.end());
    } catch (error) {
      if (error instanceof FlushFailure) throw this.#partition.diskFailed(error);
      throw this.#partition.refusal() ?? error;
    }
  }

  #check(): void {
    const refusal = this.#partition.refusal();
    if (refusal !== undefined) throw refusal;
  }
}
