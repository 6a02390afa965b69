// How far behind a group was in the last hour, per partition. Nothing is sampled: what the group had committed at a time is
// read from the log of committed offsets, and where a partition ended is looked up by time. So it costs nothing until
// somebody asks, and it is there after a restart.
//
// A time is found by the timestamps of the records, which their producers choose unless the topic says LogAppendTime. Records
// deleted since are not counted.
// Leaves to others: reading the commits (groups/offsets/offset-history.ts), and showing it (http/).
import { RustLogError } from "../errors.js";
import {
  HISTORY_MS,
  NO_OFFSET,
  type OffsetHistory,
  UNKNOWN_OFFSET,
} from "../groups/offsets/offset-history.js";
import { nextTurn } from "../log/event-loop.js";
import type { ServiceContext } from "./context.js";
import { type GroupPartition, lagOf } from "./group-lag.js";
import { describeGroup } from "./groups.js";
import { LOOKUPS_PER_TURN, logEndsAt, LookupTurns } from "./log-ends.js";

/** Intervals that the hour is divided into, finest first: with many partitions there are fewer. */
const INTERVALS = [60, 30, 12] as const;

/** Times looked up for one answer. */
const LOOKUPS_MAX = 15_000;

/** A partition at each time. */
interface PartitionHistory {
  readonly topic: string;
  readonly partition: number;
  readonly logStartOffset: number;
  /** Offset after the last record. */
  readonly ends: readonly number[];
  /** What was committed: NO_OFFSET (-1) for nothing, UNKNOWN_OFFSET (NaN) where the log does not tell. */
  readonly committed: readonly number[];
  /** UNKNOWN_OFFSET where the committed offset is. */
  readonly lags: readonly number[];
}

export interface GroupHistory {
  /** Milliseconds since the epoch, ascending; the last one is now. */
  readonly times: readonly number[];
  readonly partitions: readonly PartitionHistory[];
}

/**
 * The last hour of a group until `nowMs`. Rejects with the errors of `describeGroup`, and with INVALID_REQUEST for a group with
 * too many partitions and when it is aborted.
 */
export async function readGroupHistory(
  context: ServiceContext,
  group: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<GroupHistory> {
  const partitions: GroupPartition[] = [];
  for (const partition of await describeGroup(context, group)) {
    partitions.push(partition);
    if (partitions.length * lookupsFor(INTERVALS.at(-1)!) > LOOKUPS_MAX) throw tooLarge(group);
    if (partitions.length % LOOKUPS_PER_TURN === 0) await nextTurn();
  }
  const times = timesUntil(nowMs, partitions.length);
  // Most groups that nobody reads have committed nothing since.
  const isOld = partitions.every(({ commitTimestamp }) => isSteady(commitTimestamp, times));
  const commits = isOld ? undefined : await context.offsets.history({ group, times, signal });
  const turns = new LookupTurns(signal);
  const histories: PartitionHistory[] = [];
  for (const partition of partitions) {
    const history = await partitionHistory(context, { partition, times, commits }, turns);
    if (history !== undefined) histories.push(history);
  }
  return { times, partitions: histories };
}

function lookupsFor(intervals: number): number {
  return intervals + 1;
}

function timesUntil(nowMs: number, partitions: number): number[] {
  const intervals =
    INTERVALS.find((each) => partitions * lookupsFor(each) <= LOOKUPS_MAX) ?? INTERVALS.at(-1)!;
  const from = nowMs - HISTORY_MS;
  return Array.from({ length: intervals + 1 }, (_, i) => from + (i * HISTORY_MS) / intervals);
}

/** Whether a commit was made before all of the times. */
function isSteady(commitTimestamp: number, [first = 0]: readonly number[]): boolean {
  return commitTimestamp >= 0 && commitTimestamp <= first;
}

interface Asked {
  readonly partition: GroupPartition;
  readonly times: readonly number[];
  readonly commits: OffsetHistory | undefined;
}

/** Undefined if the partition is gone. */
async function partitionHistory(
  context: ServiceContext,
  { partition: now, times, commits }: Asked,
  turns: LookupTurns,
): Promise<PartitionHistory | undefined> {
  const { topic, partition, logStartOffset, committedOffset, commitTimestamp } = now;
  try {
    const ends = await logEndsAt(context, now, times, turns);
    const committed = isSteady(commitTimestamp, times)
      ? times.map(() => committedOffset)
      : [...(commits?.of(topic, partition) ?? sinceCommit(now, times))];
    // The present is known, and may be newer than what was read.
    committed[committed.length - 1] = committedOffset;
    const lags = committed.map((offset, i) =>
      Number.isNaN(offset)
        ? UNKNOWN_OFFSET
        : lagOf({ committedOffset: offset, logStartOffset, highWatermark: ends[i]! }),
    );
    return { topic, partition, logStartOffset, ends, committed, lags };
  } catch (error) {
    const isGone = error instanceof RustLogError && error.code !== "INVALID_REQUEST";
    if (!isGone) throw error;
    return undefined;
  }
}

/** Without a log of commits, only the last one is known. */
function sinceCommit(
  { committedOffset, commitTimestamp }: GroupPartition,
  times: readonly number[],
): number[] {
  return times.map((ms) =>
    committedOffset !== NO_OFFSET && ms >= commitTimestamp ? committedOffset : UNKNOWN_OFFSET,
  );
}

function tooLarge(group: string): RustLogError {
  const most = Math.floor(LOOKUPS_MAX / lookupsFor(INTERVALS.at(-1)!));
  const message = `group '${group}' reads more than ${most} partitions, for which there is no history`;
  return new RustLogError("INVALID_REQUEST", message);
}
