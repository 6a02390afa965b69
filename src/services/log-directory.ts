// The log directory: its file system, and what each partition has in it.
// Leaves to others: counting the bytes (topics/partition.ts).
import type { ServiceContext } from "./context.js";

export interface PartitionSize {
  readonly topic: string;
  readonly partition: number;
  /** Total size of its log files. */
  readonly bytes: number;
}

/**
 * The sizes of the partitions that are named and online, by topic; of all without `asked`. The caller may yield between
 * two.
 */
export function* partitionSizes(
  { registry }: ServiceContext,
  asked?: ReadonlyMap<string, ReadonlySet<number>>,
): Generator<PartitionSize, void> {
  for (const { name, online } of registry.list()) {
    const indexes = asked?.get(name);
    if (asked !== undefined && indexes === undefined) continue;
    for (const { index, bytes } of online) {
      if (indexes?.has(index) !== false) yield { topic: name, partition: index, bytes };
    }
  }
}
