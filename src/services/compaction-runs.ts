// Runs of compaction that clients have asked for, each with the progress of its partitions.
// Leaves to others: who may ask (compact-topic.ts), and the compaction, one log at a time (topics/log-cleaner.ts).
import { RustLogError } from "../errors.js";
import type { AnyPartition } from "../topics/offline-partition.js";
import type { Compacted, LogCleaner } from "../topics/log-cleaner.js";
import type { Topic } from "../topics/topic.js";

export type CompactionState = "waiting" | "running" | "done" | "failed";

/** The compaction of one partition so far. */
export interface CompactionProgress extends Compacted {
  readonly partition: number;
  readonly state: CompactionState;
  /** Bytes of log read, and to read. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly durationMs: number;
  /** Why it failed. */
  readonly error: RustLogError | undefined;
}

/** Runs that are not over. They take turns, so more would only wait. */
const RUNS_MAX = 100;

/** Runs that are over, and of which somebody may still ask how they ended. */
const ENDED_RUNS_MAX = 100;

/** The runs that clients have asked for. */
export class CompactionRuns {
  readonly #cleaner: Pick<LogCleaner, "compactNow">;
  /** Oldest first. */
  readonly #runs = new Map<string, CompactionOfTopic>();

  constructor(cleaner: Pick<LogCleaner, "compactNow">) {
    this.#cleaner = cleaner;
  }

  /** The run with this id, if it began not too long ago. */
  find(runId: string): CompactionOfTopic | undefined {
    return this.#runs.get(runId);
  }

  /** Begins a run. Throws BROKER_OVERLOADED if too many are under way. */
  begin(runId: string, topic: Topic, partitions: readonly AnyPartition[]): CompactionOfTopic {
    this.#makeRoom();
    const run = new CompactionOfTopic(topic, partitions);
    this.#runs.set(runId, run);
    void run.start(this.#cleaner);
    return run;
  }

  #makeRoom(): void {
    const ended = [...this.#runs].filter(([, run]) => run.isDone);
    if (this.#runs.size - ended.length >= RUNS_MAX) {
      throw new RustLogError("BROKER_OVERLOADED", `${RUNS_MAX} compactions are under way already`);
    }
    for (const [id] of ended.slice(0, ended.length + 1 - ENDED_RUNS_MAX)) this.#runs.delete(id);
  }
}

/** The compaction of some partitions of a topic, one after another. */
export class CompactionOfTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly #partitions: readonly AnyPartition[];
  readonly #states: CompactionProgress[];
  readonly #ended = Promise.withResolvers<void>();
  #isDone = false;

  constructor({ name, id }: Topic, partitions: readonly AnyPartition[]) {
    this.topic = name;
    this.topicId = id;
    this.#partitions = partitions;
    this.#states = partitions.map(({ index }) => ({
      ...{ partition: index, state: "waiting", doneBytes: 0, totalBytes: 0, durationMs: 0 },
      ...{ recordsBefore: 0, recordsAfter: 0, bytesBefore: 0, bytesAfter: 0, error: undefined },
    }));
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  get partitions(): readonly CompactionProgress[] {
    return this.#states;
  }

  /** Resolves when the run is over, or after some time. */
  async wait(ms: number): Promise<void> {
    let timer: Timer | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([this.#ended.promise, timeout]);
    clearTimeout(timer);
  }

  /** Compacts. Never rejects: each partition has its own outcome. */
  async start(cleaner: Pick<LogCleaner, "compactNow">): Promise<void> {
    for (const [i, partition] of this.#partitions.entries()) {
      await this.#compact(cleaner, partition, (changes) => {
        this.#states[i] = { ...this.#states[i]!, ...changes };
      });
    }
    this.#isDone = true;
    this.#ended.resolve();
  }

  async #compact(
    cleaner: Pick<LogCleaner, "compactNow">,
    partition: AnyPartition,
    change: (changes: Partial<CompactionProgress>) => void,
  ): Promise<void> {
    let beganMs = performance.now();
    try {
      if (partition.offline !== undefined) throw partition.error();
      let state: CompactionState = "waiting";
      const compacted = await cleaner.compactNow(partition, (doneBytes, totalBytes) => {
        if (state === "waiting") beganMs = performance.now();
        state = "running";
        change({ state, doneBytes, totalBytes, durationMs: performance.now() - beganMs });
      });
      change({ ...compacted, state: "done", durationMs: performance.now() - beganMs });
    } catch (cause) {
      change({ state: "failed", error: failureToTell(partition, cause) });
    }
  }
}

/** Any failure is the partition's own: of the disk, or of a batch. */
function failureToTell({ name }: AnyPartition, cause: unknown): RustLogError {
  if (cause instanceof RustLogError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RustLogError("STORAGE_ERROR", `${name}: ${reason}`, { cause });
}
