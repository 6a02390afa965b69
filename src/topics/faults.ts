// What is wrong with partitions, from when it is noticed until it is over: what the log says once, kept for those who ask
// later. Only partitions with a fault cost anything.
// Leaves to others: noticing (log/recovery/, partition.ts, log-cleaner.ts, retention-pass.ts), and telling people
// (services/problems.ts).
import type { RustLogError } from "../errors.js";
import type { LogFault } from "../log/log-context.js";

/** A partition, online or offline. */
export interface FaultyPartition {
  readonly topic: string;
  readonly index: number;
}

/** One thing that is wrong with a partition. */
export type Fault =
  | LogFault
  | {
      /**
       * `offline`: it could not be opened. `compaction` and `retention`: the last run failed. `uncompacted`: compaction
       * leaves something as it is.
       */
      readonly kind: "offline" | "compaction" | "retention" | "uncompacted";
      readonly reason: string;
    }
  | {
      /** The last batch was not written. */
      readonly kind: "refused";
      readonly reason: string;
      readonly isDiskFull: boolean;
    };

export type NotedFault = Fault & {
  /** When it was first and last noticed, in milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly lastMs: number;
};

/** Damaged places that are kept of one partition. */
const PLACES_MAX = 5;

export class Faults {
  readonly #now: () => number;
  readonly #byPartition = new Map<FaultyPartition, Map<string, NotedFault>>();

  /** `now` is in milliseconds since the epoch. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Notes a fault. Another one of the same kind takes its place, except that there may be several damaged places. */
  note(partition: FaultyPartition, fault: Fault): void {
    const faults = this.#byPartition.get(partition) ?? new Map<string, NotedFault>();
    const key = keyOf(fault);
    const before = faults.get(key);
    if (before === undefined && fault.kind === "damage" && placesOf(faults) >= PLACES_MAX) return;
    const lastMs = this.#now();
    faults.set(key, { ...fault, sinceMs: before?.sinceMs ?? lastMs, lastMs });
    this.#byPartition.set(partition, faults);
  }

  /** Notes why the last batch was not written, or that one was: `error` is undefined then. */
  appended(partition: FaultyPartition, error: RustLogError | undefined): void {
    if (error === undefined) this.#remove(partition, "refused");
    else {
      const isDiskFull = error.code === "DISK_FULL";
      this.note(partition, { kind: "refused", reason: error.message, isDiskFull });
    }
  }

  /** A fault is over. */
  clear(partition: FaultyPartition, kind: Exclude<Fault["kind"], "damage">): void {
    this.#remove(partition, kind);
  }

  /** Forgets partitions that are gone. */
  forget(partitions: readonly FaultyPartition[]): void {
    for (const partition of partitions) this.#byPartition.delete(partition);
  }

  /** All faults; those that are over are forgotten. The caller may yield between two. */
  *list(
    isOver: (partition: FaultyPartition, fault: NotedFault) => boolean,
  ): Generator<readonly [FaultyPartition, NotedFault], void> {
    for (const [partition, faults] of this.#byPartition) {
      for (const [key, fault] of faults) {
        if (isOver(partition, fault)) this.#remove(partition, key);
        else yield [partition, fault];
      }
    }
  }

  #remove(partition: FaultyPartition, key: string): void {
    if (this.#byPartition.size === 0) return;
    const faults = this.#byPartition.get(partition);
    if (faults?.delete(key) === true && faults.size === 0) this.#byPartition.delete(partition);
  }
}

function keyOf(fault: Fault): string {
  if (fault.kind === "damage") return `damage ${fault.offset}`;
  // Once there is space for it, the tail is truncated.
  return fault.kind === "untruncated" ? "truncated" : fault.kind;
}

function placesOf(faults: ReadonlyMap<string, NotedFault>): number {
  let count = 0;
  for (const { kind } of faults.values()) if (kind === "damage") count++;
  return count;
}
