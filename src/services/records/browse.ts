// A page of the records of a topic: of one partition, or of all merged by time; newer or older ones from a place; all of them,
// or those that a search finds. Each answer does a bounded amount of work and says where the next one goes on.
// Leaves to others: one partition (partition-walk.ts), the order (selection.ts), and the pace (work-slices.ts).
//
// The merge is of what is there: of each partition in the order of its offsets, and of all partitions the one whose next record
// is the oldest. Where a page had to stop before it had seen every partition, it says so.
import { firstNotBefore } from "../../binary-search.js";
import { RustLogError } from "../../errors.js";
import { type OffsetSpec, offsetAt } from "../../offset-place.js";
import { isInternalTopic } from "../../topics/internal-topics.js";
import type { Partition } from "../../topics/partition.js";
import type { ServiceContext } from "../context.js";
import { partitionOf } from "../named-partition.js";
import { requireOnTopic } from "../permissions.js";
import { offsetFrom, SearchBudget } from "../record-times.js";
import {
  type Direction,
  type FoundItem,
  PartitionWalk,
  type WalkContext,
} from "./partition-walk.js";
import type { BatchSummary, RecordItem } from "./record-item.js";
import { RecordFields } from "./record-fields.js";
import { RecordMatch, type RecordSearch } from "./record-match.js";
import { Selection } from "./selection.js";
import { WorkSlices } from "./work-slices.js";

/** An offset in each partition, by its index; undefined for partitions that are left out. */
export type Positions = readonly (number | undefined)[];

/** The same place in all partitions, or one in each. */
export type Place = OffsetSpec | Positions;

export interface BrowseQuery {
  readonly topic: string;
  /** Undefined for all. */
  readonly partition: number | undefined;
  /** The range: from the first place to just before the second. */
  readonly from: Place;
  readonly to: Place;
  /** Where in the range to begin; by default at its start for newer records, and at its end for older ones. */
  readonly at: Positions | undefined;
  readonly direction: Direction;
  /** Items of an answer, at most 200. */
  readonly limit: number;
  readonly search: RecordSearch | undefined;
  /** Paths of JSON whose values are wanted of each record. */
  readonly fields?: readonly string[];
}

export interface RecordPage {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: number;
  /** In the order of the merge, the oldest first. */
  readonly items: readonly RecordItem[];
  /** The batches of the records. */
  readonly batches: readonly BatchSummary[];
  /** The range, as it is now. */
  readonly from: Positions;
  readonly to: Positions;
  /** What this page covers: its records, or what was searched. */
  readonly start: Positions;
  readonly end: Positions;
  /** Whether the work was used up before the page was full or the range was at its end. */
  readonly isCut: boolean;
  /** Partitions in which a time of the range was found only to the batch: to open all batches would have taken too much. */
  readonly inexact: number;
  /** Whether records of partitions that were not looked at yet may belong between those of the page. */
  readonly isOrderOpen: boolean;
  /** Records looked at, and bytes of log read, for this page. */
  readonly records: number;
  readonly bytes: number;
  /** Offsets of the range that are left in the direction of the page, and of all. */
  readonly offsetsLeft: number;
  readonly offsetsTotal: number;
  /** Whether the log has something before and after what this page covers, also beyond the range. */
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
  /** Values that were too large to be searched. */
  readonly unsearched: number;
  /** Partitions that can't be opened. */
  readonly offline: readonly number[];
}

/** Items of a page. */
export const PAGE_RECORDS_MAX = 200;

/** Partitions that are merged: each is looked at for each page. */
const MERGED_PARTITIONS_MAX = 500;

/**
 * The work of one page: bytes of log, and decompressed; time on the event loop; and time in which others wait for their answer,
 * because threads decompress, or clients are busy.
 */
const PAGE_BYTES_MAX = 16 * 1024 * 1024;
const PAGE_OPENED_BYTES_MAX = 64 * 1024 * 1024;
const PAGE_MS_MAX = 120;
const PAGE_ELAPSED_MS_MAX = 2_000;

/**
 * Reads a page. Rejects with TOPIC_AUTHORIZATION_FAILED, UNKNOWN_TOPIC_OR_PARTITION, STORAGE_ERROR if the partition is offline,
 * and INVALID_REQUEST for a search, a field or a place that can't be, or if `signal` is aborted.
 */
export async function browse(
  context: ServiceContext,
  query: BrowseQuery,
  signal: AbortSignal,
): Promise<RecordPage> {
  const { topic, direction, search } = query;
  const partitions = browsedPartitions(context, topic, query.partition);
  const match = search === undefined ? undefined : new RecordMatch(search);
  const { fields: paths = [] } = query;
  const fields = paths.length === 0 ? undefined : new RecordFields(paths);
  const { from, to, inexact } = await resolvedRange(context, partitions, query, signal);
  const slices = new WorkSlices(signal);
  // Searches follow one another without a pause of their own.
  if (match !== undefined) await slices.rest();
  const done = { records: 0, bytes: 0, openedBytes: 0 };
  const selection = new Selection<FoundItem>(Math.min(query.limit, PAGE_RECORDS_MAX));
  const walks = new Map<number, PartitionWalk>();
  const walkContext: WalkContext = {
    ...{ selection, match, slices, done, isInternal: isInternalTopic(topic), fields },
    evict: (selected) => walks.get(selected.partition)?.evicted(selected),
  };
  const start: (number | undefined)[] = [];
  const end: (number | undefined)[] = [];
  for (const partition of partitions) {
    const { index } = partition;
    const [first, last] = [from[index] ?? 0, Math.max(from[index] ?? 0, to[index] ?? 0)];
    const at = Math.min(
      last,
      Math.max(first, query.at?.[index] ?? (direction === "newer" ? first : last)),
    );
    start[index] = at;
    end[index] = at;
    walks.set(
      index,
      new PartitionWalk(
        partition,
        direction,
        at,
        direction === "newer" ? last : first,
        walkContext,
      ),
    );
  }
  const { isCut, isOrderOpen } = await merge([...walks.values()], walkContext);
  let offsetsLeft = 0;
  let offsetsTotal = 0;
  const reached = direction === "newer" ? end : start;
  for (const [index, walk] of walks) {
    reached[index] = walk.reached;
    const [first, last] = [from[index] ?? 0, to[index] ?? 0];
    offsetsTotal += Math.max(0, last - first);
    offsetsLeft += Math.max(0, direction === "newer" ? last - walk.reached : walk.reached - first);
  }
  const found = selection.items.map(({ item }) => item);
  if (direction === "older") found.reverse();
  const known = context.registry.find(topic);
  return {
    topic,
    topicId: known?.id ?? "",
    partitions: known?.partitions.length ?? 0,
    items: found.map(({ item }) => item),
    batches: batchesOf(found),
    ...{ records: done.records, bytes: done.bytes },
    ...{ from, to, inexact, start, end, isCut, isOrderOpen, offsetsLeft, offsetsTotal },
    hasOlder: partitions.some((each) => (start[each.index] ?? 0) > each.logStartOffset),
    hasNewer: partitions.some((each) => (end[each.index] ?? 0) < each.highWatermark),
    unsearched: match?.unsearched ?? 0,
    offline: (known?.partitions ?? [])
      .filter((each) => each.offline !== undefined)
      .map(({ index }) => index),
  };
}

/** Lets the walks go on by turns, the one whose next record is the first in the order of the merge. */
async function merge(
  walks: readonly PartitionWalk[],
  { selection, slices, done }: WalkContext,
): Promise<{ readonly isCut: boolean; readonly isOrderOpen: boolean }> {
  const isAlone = walks.length === 1;
  const queue = new KeyQueue();
  for (const walk of walks) {
    if (walk.isOver) continue;
    queue.push(walk, isAlone ? Number.NEGATIVE_INFINITY : walk.nextKey());
    await slices.pause();
  }
  let hasAdvanced = false;
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { walk, key } = next;
    if (selection.isBehind(key)) return { isCut: false, isOrderOpen: false };
    // Each answer gets somewhere, so that asking on comes to an end.
    if (hasAdvanced && isUsedUp(done, slices)) {
      const last = selection.items.at(-1)?.key ?? Number.NEGATIVE_INFINITY;
      for (const each of walks) each.interrupt();
      return { isCut: true, isOrderOpen: !isAlone && key < last };
    }
    await walk.advance();
    hasAdvanced = true;
    await slices.pause();
    if (!walk.isOver) queue.push(walk, isAlone ? key : walk.nextKey());
  }
  return { isCut: false, isOrderOpen: false };
}

function isUsedUp({ bytes, openedBytes }: WalkContext["done"], slices: WorkSlices): boolean {
  if (bytes > PAGE_BYTES_MAX || openedBytes > PAGE_OPENED_BYTES_MAX) return true;
  return slices.workedMs > PAGE_MS_MAX || slices.elapsedMs > PAGE_ELAPSED_MS_MAX;
}

interface Queued {
  readonly walk: PartitionWalk;
  readonly key: number;
}

/** Walks by key, the smallest first. */
class KeyQueue {
  /** Sorted, the smallest at the end. */
  readonly #queued: Queued[] = [];

  push(walk: PartitionWalk, key: number): void {
    const isLarger = (i: number): boolean => this.#queued[i]!.key > key;
    const at = firstNotBefore(this.#queued.length, isLarger);
    this.#queued.splice(at, 0, { walk, key });
  }

  pop(): Queued | undefined {
    return this.#queued.pop();
  }
}

/** The partitions that are read: those that are online; of one that is named, its error if it is not. Throws as `browse` rejects. */
/** The partitions that can be read. Throws as `browse` does. */
export function browsedPartitions(
  context: ServiceContext,
  topic: string,
  partition: number | undefined,
): readonly Partition[] {
  requireOnTopic(context, "READ", topic);
  const { registry } = context;
  if (partition !== undefined) return [partitionOf(context, "READ", { topic, partition })];
  const known = registry.find(topic);
  if (known === undefined) return [registry.partition(topic, 0)];
  const count = known.partitions.length;
  if (count > MERGED_PARTITIONS_MAX) {
    const message = `topic '${topic}' has ${count} partitions, and at most ${MERGED_PARTITIONS_MAX} are merged; choose one`;
    throw new RustLogError("INVALID_REQUEST", message);
  }
  return known.partitions.filter((each) => each.offline === undefined);
}

/** The range of each partition that is read. Rejects as `browse` does. */
export async function rangeOf(
  context: ServiceContext,
  { topic, partition, from, to }: Pick<BrowseQuery, "topic" | "partition" | "from" | "to">,
  signal: AbortSignal,
): Promise<readonly { readonly index: number; readonly first: number; readonly last: number }[]> {
  const partitions = browsedPartitions(context, topic, partition);
  const range = await resolvedRange(context, partitions, { from, to }, signal);
  if (range.inexact > 0) {
    const message = "to find this time would take too much: choose a partition, or an offset";
    throw new RustLogError("INVALID_REQUEST", message);
  }
  return partitions.map(({ index }) => ({
    index,
    first: range.from[index] ?? 0,
    last: range.to[index] ?? 0,
  }));
}

interface ResolvedRange {
  readonly from: Positions;
  readonly to: Positions;
  readonly inexact: number;
}

/** The offsets of a range, within what each partition has. */
async function resolvedRange(
  context: ServiceContext,
  partitions: readonly Partition[],
  { from, to }: Pick<BrowseQuery, "from" | "to">,
  signal: AbortSignal,
): Promise<ResolvedRange> {
  const budget = new SearchBudget(PAGE_OPENED_BYTES_MAX, PAGE_ELAPSED_MS_MAX);
  const search: TimeSearch = { budget, slices: new WorkSlices(signal), inexact: new Set() };
  return {
    from: await resolved(context, partitions, from, "start", search),
    to: await resolved(context, partitions, to, "end", search),
    inexact: search.inexact.size,
  };
}

interface TimeSearch {
  readonly budget: SearchBudget;
  readonly slices: WorkSlices;
  readonly inexact: Set<number>;
}

async function resolved(
  context: ServiceContext,
  partitions: readonly Partition[],
  place: Place,
  side: "start" | "end",
  { budget, slices, inexact }: TimeSearch,
): Promise<Positions> {
  const found: (number | undefined)[] = [];
  for (const partition of partitions) {
    const { topic, index, logStartOffset, highWatermark } = partition;
    let offset: number;
    if (isPositions(place)) offset = place[index] ?? logStartOffset;
    else {
      offset = await offsetAt(place, { logStartOffset, highWatermark }, async (timestamp) => {
        const named = { topic, partition: index };
        const record = await offsetFrom(context, named, timestamp, budget);
        if (record?.isExact === false) inexact.add(index);
        return record?.offset ?? partition.highWatermark;
      });
      await slices.pause();
    }
    // A start below the log start stays: the page says that those records were deleted.
    const lowest = side === "start" ? 0 : logStartOffset;
    found[index] = Math.min(Math.max(offset, lowest), partition.highWatermark);
  }
  return found;
}

function isPositions(place: Place): place is Positions {
  return Array.isArray(place);
}

function batchesOf(found: readonly FoundItem[]): BatchSummary[] {
  const batches = new Map<string, BatchSummary>();
  for (const { batch } of found) {
    if (batch !== undefined) batches.set(`${batch.partition} ${batch.base}`, batch);
  }
  return [...batches.values()];
}
