// What retention would delete under other settings: numbers for a person who is about to change them.
// Leaves to others: retention itself (log/retention.ts), and changing settings (alter-topic.ts).
import { RustLogError } from "../errors.js";
import type { LogSettings } from "../log/log-context.js";
import { Portions } from "../log/event-loop.js";
import type { Partition } from "../topics/partition.js";
import { resolveSettings } from "../topics/topic-settings.js";
import { checkTopicChanges, type ConfigChange } from "./configs.js";
import type { ServiceContext } from "./context.js";

interface Deleted {
  readonly segments: number;
  readonly bytes: number;
  /** Counted by their offsets. */
  readonly records: number;
}

interface RetentionForecast extends Deleted {
  /** Partitions that lose records. */
  readonly partitions: number;
  /** Partitions of which nothing can be said, because they are offline or damaged. */
  readonly unknown: number;
}

/** Partitions looked at per turn of the event loop: a search by time may have to open files. */
const PARTITIONS_PER_TURN = 16;

const NOTHING: Deleted = { segments: 0, bytes: 0, records: 0 };

/**
 * What the next check of retention would delete from a topic after these changes; changes nothing. Rejects with what
 * `changeTopicConfigs` rejects with before it changes anything. Ends early when the caller has gone.
 */
export async function retentionForecast(
  context: ServiceContext,
  name: string,
  changes: readonly ConfigChange[],
  signal: AbortSignal,
): Promise<RetentionForecast> {
  const { registry } = context;
  const { topic, settings: own } = checkTopicChanges(context, name, changes);
  const settings = resolveSettings(own, registry.logDefaults);
  const portions = new Portions(PARTITIONS_PER_TURN);
  const sum = { ...NOTHING, partitions: 0, unknown: topic.offline.length };
  for (const partition of topic.online) {
    if (signal.aborted) break;
    try {
      const deleted = await deletedFrom(partition, settings, registry.now());
      sum.segments += deleted.segments;
      sum.bytes += deleted.bytes;
      sum.records += deleted.records;
      if (deleted.segments > 0) sum.partitions++;
    } catch (error) {
      if (!(error instanceof RustLogError)) throw error;
      sum.unknown++;
    }
    await portions.next();
  }
  return sum;
}

/** As retention decides, except that it looks at the headers of batches without checking the CRCs. */
async function deletedFrom(
  partition: Partition,
  settings: LogSettings,
  nowMs: number,
): Promise<Deleted> {
  const { deletes, retentionMs, retentionBytes } = settings;
  if (!deletes) return NOTHING;
  const expiredTo = retentionMs < 0 ? 0 : await expiredBelow(partition, nowMs - retentionMs);
  const { segments: list } = partition.layout;
  const { logStartOffset, logEndOffset } = partition;
  const total = list.bytes;
  if (expiredTo === Number.POSITIVE_INFINITY) {
    // All of it, also the active segment, which is sealed first.
    const records = logEndOffset - logStartOffset;
    return { segments: total === 0 ? 0 : list.count, bytes: total, records };
  }
  let [segments, bytes, keptFrom] = [0, 0, logStartOffset];
  for (const { fileBytes, endOffset } of list.sealed) {
    const isTooLarge = retentionBytes >= 0 && total - bytes - fileBytes >= retentionBytes;
    if (!isTooLarge && endOffset > expiredTo) break;
    segments++;
    bytes += fileBytes;
    keptFrom = Math.max(keptFrom, endOffset);
  }
  return { segments, bytes, records: keptFrom - logStartOffset };
}

/** Offset of the first batch with a record at or after a time; infinite if there is none. */
async function expiredBelow(partition: Partition, timestamp: number): Promise<number> {
  const from = Math.max(0, timestamp);
  await partition.prepareTimeSearch(from);
  return partition.findTimestamp(from, 0)?.offset ?? Number.POSITIVE_INFINITY;
}
