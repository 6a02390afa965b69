// Where a partition ended at some times in the past, by the timestamps of its batches. A few lookups take a turn of the event
// loop, and times between which nothing was written are not looked up one by one.
// Leaves to others: which times (group-history.ts, records/records-over-time.ts), and one lookup (topics/partition.ts).
import { checkNotCancelled } from "../cancelled.js";
import { nextTurn } from "../log/event-loop.js";
import type { Partition } from "../topics/partition.js";
import type { ServiceContext } from "./context.js";
import { type NamedPartition, partitionOf } from "./named-partition.js";

/** Times looked up in one turn of the event loop. */
export const LOOKUPS_PER_TURN = 25;

/** Segments that are worth a lookup: each lookup compares the timestamps of some. */
const SEGMENTS_PER_LOOKUP = 200;

/** Looks up some times in each turn of the event loop, until the request is cancelled. */
export class LookupTurns {
  readonly #signal: AbortSignal;
  #lookups = 0;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Must be awaited before each lookup, with the number of segments of the log. */
  async next(segments: number): Promise<void> {
    this.#lookups += 1 + segments / SEGMENTS_PER_LOOKUP;
    if (this.#lookups < LOOKUPS_PER_TURN) return;
    this.#lookups = 0;
    await nextTurn();
    checkNotCancelled(this.#signal);
  }
}

/**
 * The offset after the last record that was there at each of `times`, which ascend, in milliseconds since 1970. The last one is
 * not looked up: it stands for now, and has `highWatermark`. Rejects with the errors of `partitionOf`, and with INVALID_REQUEST
 * if the request is cancelled.
 */
export async function logEndsAt(
  context: ServiceContext,
  { topic, partition, highWatermark }: NamedPartition & { readonly highWatermark: number },
  times: readonly number[],
  turns: LookupTurns,
): Promise<number[]> {
  const found = (): Partition => partitionOf(context, "DESCRIBE", { topic, partition });
  const last = times.length - 1;
  await found().prepareTimeSearch(times[last - 1]!);
  const ends = new Array<number>(times.length).fill(highWatermark);
  const lookUp = async (at: number, from: number, to: number): Promise<void> => {
    await turns.next(found().layout.segments.count);
    // A record of this very time was there. Those that were written since are not counted.
    const match = found().findTimestamp(Math.floor(times[at]!) + 1, from);
    ends[at] = Math.min(match?.offset ?? to, to);
  };
  await lookUp(0, 0, highWatermark);
  const open: [number, number][] = [[0, last]];
  for (let range = open.pop(); range !== undefined; range = open.pop()) {
    const [low, high] = range;
    if (high - low < 2) continue;
    if (ends[low] === ends[high]) {
      ends.fill(ends[low]!, low, high);
      continue;
    }
    const middle = (low + high) >> 1;
    await lookUp(middle, ends[low]!, ends[high]!);
    open.push([low, middle], [middle, high]);
  }
  return ends;
}
