// One pass of retention over all topics. A failure in one partition is reported once, and the pass continues.
// Leaves to others: when a pass is due (the broker), and which segments are deleted (log/retention.ts).
import { reasonOf } from "../log/disk/disk.js";
import { Portions } from "../log/event-loop.js";
import type { Partition } from "./partition.js";
import type { Topic } from "./topic.js";

/** Partitions checked per turn of the event loop. */
const PORTION = 64;

/** The fault last reported for a partition. Cleared when a pass succeeds. */
export type RetentionFaults = WeakMap<Partition, string>;

/** Deletes expired segments and returns their number. */
export async function applyRetention(
  topics: readonly Topic[],
  faults: RetentionFaults,
  report: (line: string) => void,
): Promise<number> {
  const portions = new Portions(PORTION);
  let deleted = 0;
  for (const topic of topics) {
    for (const partition of topic.online) {
      deleted += await retain(partition, faults, report, () => partition.applyRetention());
      await portions.next();
    }
  }
  return deleted;
}

/** Deletes segments of one partition and returns their number. A failure is reported once and counts as none. */
export async function retain(
  partition: Partition,
  faults: RetentionFaults,
  report: (line: string) => void,
  work: () => Promise<number>,
): Promise<number> {
  try {
    const deleted = await work();
    if (faults.delete(partition)) partition.faults.clear(partition, "retention");
    return deleted;
  } catch (error) {
    const reason = reasonOf(error);
    if (faults.get(partition) !== reason) {
      report(`${partition.name}: old segments could not be deleted: ${reason}`);
    }
    faults.set(partition, reason);
    partition.faults.note(partition, { kind: "retention", reason });
    return 0;
  }
}
