// How many records of a topic there are in each part of a time, by the ends of its log: no record is read, and nothing that was
// deleted is counted. The records of a batch are taken to be spread evenly over its time, which its header has. In a compacted
// topic the offsets that are gone count too.
// Leaves to others: the lookups (services/log-ends.ts), and drawing (http/page/records/).
import { RustLogError } from "../../errors.js";
import { OFFSET_MAX } from "../../limits.js";
import {
  baseOffset,
  baseTimestamp,
  hasLogAppendTime,
  newestTimestamp,
  nextOffset,
} from "../../record/batch.js";
import { deleteHorizon } from "../../record/delete-horizon.js";
import type { Partition } from "../../topics/partition.js";
import type { ServiceContext } from "../context.js";
import { logEndsAt, LookupTurns } from "../log-ends.js";
import { partitionOf } from "../named-partition.js";
import { browsedPartitions } from "./browse.js";
import { headerAt } from "./log-pieces.js";

/** Parts that the time is divided into; fewer for a topic with many partitions. */
const PARTS = [60, 24] as const;

/** Times looked up for one answer. */
const TIME_LOOKUPS_MAX = 15_000;

/** Segments that a search by time may have to open for one answer: each has an index by time. */
const TIMED_SEGMENTS_MAX = 10_000;

export interface TimeQuery {
  readonly topic: string;
  /** Undefined for all. */
  readonly partition: number | undefined;
  /** The time in milliseconds since 1970; undefined for that of the oldest record, and of the newest one. */
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
}

export interface RecordsOverTime {
  /** Milliseconds since 1970; null if there are no records. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** Records in each part of the time, all parts of the same length. */
  readonly counts: readonly number[];
}

/** Rejects as `browse` does, and with INVALID_REQUEST for a topic of very many segments. */
export async function recordsOverTime(
  context: ServiceContext,
  query: TimeQuery,
  signal: AbortSignal,
): Promise<RecordsOverTime> {
  const partitions = browsedPartitions(context, query.topic, query.partition);
  const segments = partitions.reduce((sum, { layout }) => sum + layout.segments.count, 0);
  if (segments > TIMED_SEGMENTS_MAX) {
    const message = `there are ${segments} segments, and at most ${TIMED_SEGMENTS_MAX} are looked at; choose a partition`;
    throw new RustLogError("INVALID_REQUEST", message);
  }
  const turns = new LookupTurns(signal);
  const from = query.fromMs ?? (await oldestMs(context, partitions, turns));
  const to = query.toMs ?? (await newestMs(context, partitions, turns));
  if (from === undefined || to === undefined || from > to) {
    return { fromMs: null, toMs: null, counts: [] };
  }
  const times = timesOf(from, Math.max(to, from + 1), partitions.length);
  const counts = new Array<number>(times.length - 1).fill(0);
  for (const partition of partitions) {
    const { topic, index, logStartOffset, highWatermark } = partition;
    const named = { topic, partition: index, highWatermark };
    const ends = await logEndsAt(context, named, [...times, Number.POSITIVE_INFINITY], turns);
    for (const [i, ms] of times.entries()) {
      if (ends[i]! >= highWatermark) break;
      await turns.next(0);
      const batch = timesAt(current(context, partition), ends[i]!);
      if (batch !== undefined) ends[i] = endWithin(batch, ends[i]!, ms);
    }
    // Records that are older than those before them belong to the first part.
    if (query.fromMs === undefined) ends[0] = Math.min(logStartOffset, ends[0]!);
    for (const i of counts.keys()) counts[i]! += ends[i + 1]! - ends[i]!;
  }
  return { fromMs: from, toMs: times.at(-1)!, counts };
}

/** The beginning of each part, and the end of the last one. A record of the very first time is in the first part. */
function timesOf(from: number, to: number, partitions: number): number[] {
  const parts = PARTS.find((each) => partitions * (each + 1) <= TIME_LOOKUPS_MAX) ?? PARTS.at(-1)!;
  const times = Array.from({ length: parts + 1 }, (_, i) => from + (i * (to - from)) / parts);
  times[0] = from - 1;
  return times;
}

/** By the first batch of each partition. */
async function oldestMs(
  context: ServiceContext,
  partitions: readonly Partition[],
  turns: LookupTurns,
): Promise<number | undefined> {
  let oldest: number | undefined;
  for (const partition of partitions) {
    await turns.next(partition.layout.segments.count);
    await partition.prepareTimeSearch(0);
    const match = current(context, partition).findTimestamp(0, 0);
    if (match === undefined) continue;
    const { firstMs = match.timestamp } = timesAt(current(context, partition), match.offset) ?? {};
    oldest = Math.min(oldest ?? OFFSET_MAX, firstMs);
  }
  return oldest;
}

async function newestMs(
  context: ServiceContext,
  partitions: readonly Partition[],
  turns: LookupTurns,
): Promise<number | undefined> {
  let newest = Number.NEGATIVE_INFINITY;
  for (const partition of partitions) {
    await turns.next(partition.layout.segments.count);
    await partition.prepareTimeSearch(OFFSET_MAX);
    newest = Math.max(newest, current(context, partition).newestTimestamp());
  }
  return newest < 0 ? undefined : newest;
}

interface BatchTimes {
  /** Offset after the batch. */
  readonly next: number;
  readonly first: number;
  /** Its first timestamp, and its largest one. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** What the header of the batch that holds `offset` says; undefined if damage hides it. */
function timesAt(partition: Partition, offset: number): BatchTimes | undefined {
  const header = headerAt(partition, offset);
  if (header === undefined) return undefined;
  const lastMs = newestTimestamp(header, 0);
  // Otherwise the first timestamp is not that of a record.
  const hasFirst = !hasLogAppendTime(header, 0) && deleteHorizon(header, 0) === undefined;
  const firstMs = hasFirst ? Math.max(0, Math.min(baseTimestamp(header, 0), lastMs)) : lastMs;
  return { first: baseOffset(header, 0), next: nextOffset(header, 0), firstMs, lastMs };
}

/** Where the log ended at `ms`, which is before the last timestamp of the batch that holds `offset`. */
function endWithin(
  { first, next, firstMs, lastMs }: BatchTimes,
  offset: number,
  ms: number,
): number {
  if (ms < firstMs || lastMs <= firstMs) return offset;
  const part = Math.min(1, (ms - firstMs) / (lastMs - firstMs));
  return Math.max(offset, Math.floor(first + part * (next - first)));
}

/** The partition as it is now: it may have been deleted meanwhile. */
function current(context: ServiceContext, { topic, index }: Partition): Partition {
  return partitionOf(context, "READ", { topic, partition: index });
}
