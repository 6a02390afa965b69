// A partition whose log cannot be opened, with the reason. It holds no files and serves nothing; the other
// partitions of the broker go on. Leaves to others: opening logs (topic.ts), and showing the reason.
import { RustLogError } from "../errors.ts";
import { FlushFailure, reasonOf } from "../log/disk/disk.ts";
import type { Partition, PartitionDescription } from "./partition.ts";
import { INTERNAL_PREFIX } from "./topic-settings.ts";

/** A partition that cannot be opened until the broker starts again. */
export class OfflinePartition {
  readonly topic: string;
  readonly index: number;
  /** Why it is offline, with the path. */
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

  /** Whether a flush failed, so that the page cache holds bytes that the disk may not have. */
  get hasFailedFlush(): boolean {
    return this.cause instanceof FlushFailure;
  }

  /** The error that its clients get. */
  error(): RustLogError {
    return new RustLogError(
      "STORAGE_ERROR",
      `${this.name} is offline: ${this.offline}; ${adviceFor(this.topic)}`,
      { cause: this.cause },
    );
  }

  /** What is known of it: nothing. An offset of -1 is none. */
  describe(): PartitionDescription {
    const { index: partition } = this;
    const offsets = { logStartOffset: -1, highWatermark: -1, logEndOffset: -1 };
    return { partition, ...offsets, segments: 0, bytes: 0 };
  }
}

/** A partition of a topic, which may be offline: then its `offline` is the reason, else undefined. */
export type AnyPartition = Partition | OfflinePartition;

/** Reports the partitions of a topic that are offline, in one line for each reason. */
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
  return topic.startsWith(INTERNAL_PREFIX)
    ? "repair that and restart the broker, or stop it and move the directory of the topic away"
    : "repair that and restart the broker, or delete the topic";
}
