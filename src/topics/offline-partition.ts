// A partition whose log can't be opened, and why. It has no open files and serves nothing; all other partitions keep
// working. Leaves to others: opening logs (topic.ts), and showing the reason.
import { RustLogError } from "../errors.js";
import { FlushFailure, reasonOf } from "../log/disk/disk.js";
import type { Partition, PartitionDescription } from "./partition.js";
import { isInternalTopic } from "./internal-topics.js";

/** Stays offline until the broker restarts. */
export class OfflinePartition {
  readonly topic: string;
  readonly index: number;
  /** Why it is offline, including the path. */
  readonly offline: string;
  /** What opening it threw. */
  readonly cause: unknown;

  constructor(topic: string, index: number, directory: string, cause: unknown) {
    const reason = reasonOf(cause);
    this.topic = topic;
    this.index = index;
    this.offline = reason.includes(directory) ? reason : `${directory}: ${reason}`;
    this.cause = cause;
  }

  /** `topic-index`, as in the messages of all Kafka-like systems. */
  get name(): string {
    return `${this.topic}-${this.index}`;
  }

  /** Whether a flush failed, so that the page cache may hold bytes that the disk does not have. */
  get hasFailedFlush(): boolean {
    return this.cause instanceof FlushFailure;
  }

  error(): RustLogError {
    return new RustLogError(
      "STORAGE_ERROR",
      `${this.name} is offline: ${this.offline}; ${adviceFor(this.topic)}`,
      { cause: this.cause },
    );
  }

  /** Everything is unknown; -1 stands for an unknown offset. */
  describe(): PartitionDescription {
    const { index: partition } = this;
    const offsets = { logStartOffset: -1, highWatermark: -1, logEndOffset: -1 };
    return { partition, ...offsets, segments: 0, bytes: 0 };
  }
}

/** An online or offline partition; `offline` is the reason or undefined. */
export type AnyPartition = Partition | OfflinePartition;

/** Reports the offline partitions of a topic, one line per reason. */
export function reportOffline(
  offline: readonly OfflinePartition[],
  report: (line: string) => void,
): void {
  const byReason = Map.groupBy(offline, (partition) => partition.offline);
  for (const [reason, [first, ...others]] of byReason) {
    if (first === undefined) continue;
    const more = others.length === 0 ? "is" : `and ${others.length} more of its partitions are`;
    report(`${first.name} ${more} offline: ${reason}; ${adviceFor(first.topic)}`);
  }
}

function adviceFor(topic: string): string {
  return isInternalTopic(topic)
    ? "fix this and restart the broker, or stop it and move the topic's directory away"
    : "fix this and restart the broker, or delete the topic";
}
