// Which partitions a consumer reads, from which offset, to which: decided once, when it starts.
// Leaves to others: reading them (fetcher, consumer).

import type { RustLogError } from "../errors.ts";
import { Admin, isOffline, offlineError, unknownPartition } from "./admin.ts";
import type { PartitionDescription } from "./admin-types.ts";
import { type OutOfRangePolicy, outOfRange } from "./fetcher.ts";
import type { BrokerLink, RetryPolicy } from "./link.ts";
import { type OffsetSpec, resolveOffset } from "./offset-spec.ts";
import { offsetForTimestamp } from "./time-lookup.ts";
import type { TopicSource } from "./topic-change.ts";

/** One spec for all partitions, or one for each. */
export type OffsetSpecs = OffsetSpec | ReadonlyMap<number, OffsetSpec>;

/** What is to be read. */
export interface ReadRequest {
  readonly topic: string;
  readonly partitions: readonly number[] | undefined;
  readonly offset: OffsetSpecs | undefined;
  readonly end: OffsetSpecs | undefined;
  readonly follow: boolean;
  readonly group: string | undefined;
  readonly onOutOfRange: OutOfRangePolicy;
}

/** What is read of one partition: from `start` up to, but not including, `end` (which may be infinite). */
export interface PartitionPlan {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
  /** The topic that the offsets belong to. */
  readonly source: TopicSource;
}

/** What is read of a topic. */
export interface ReadPlan {
  readonly partitions: readonly PartitionPlan[];
  /** The error for partitions that the broker can't serve; the others can be read first. */
  readonly offline: RustLogError | undefined;
}

/**
 * The plan for each partition, in the order asked for. Throws UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID if the topic
 * is recreated meanwhile, and OFFSET_OUT_OF_RANGE when a start is outside of what the partition holds and that is an error: one number for
 * several partitions is none as long as one of them goes that far.
 */
export async function planPartitions(
  link: BrokerLink,
  request: ReadRequest,
  policy: RetryPolicy,
): Promise<ReadPlan> {
  const { topic } = request;
  const admin = new Admin(link, policy);
  const described = await admin.describeTopic(topic);
  const { topicId } = described;
  const source = { topicId, logDirectoryId: link.info.logDirectoryId };
  const chosen = (request.partitions ?? described.partitions.map((row) => row.partition)).map(
    (index) => {
      const found = described.partitions.find((row) => row.partition === index);
      if (found === undefined) throw unknownPartition(topic, index, described.partitions.length);
      return found;
    },
  );
  const partitions = chosen.filter((row) => !isOffline(row));
  const row = chosen.find(isOffline);
  const offline = row === undefined ? undefined : offlineError(topic, row);
  // One that follows would never come to the error otherwise.
  if (offline !== undefined && request.follow) throw offline;
  const isShared = isSharedOffset(request, partitions);
  const committed = await committedOffsets(admin, request, partitions, topicId);
  const timeLookup = (partition: number) => (ms: number) =>
    offsetForTimestamp(link, { topic, partition, topicId }, ms, policy);
  const plans = await Promise.all(
    partitions.map(async (range, i): Promise<PartitionPlan> => {
      const { partition } = range;
      const byTime = timeLookup(partition);
      const spec = specFor(request.offset, partition);
      const asked = await resolveOffset(spec ?? "earliest", range, byTime);
      const start = startOf(request, range, spec, asked, committed?.[i], isShared);
      const endSpec = specFor(request.end, partition);
      const end =
        endSpec === undefined
          ? Number.POSITIVE_INFINITY
          : await resolveOffset(endSpec, range, byTime);
      const last = request.follow ? end : Math.min(end, range.highWatermark);
      return { partition, start, end: last, source };
    }),
  );
  return { partitions: plans, offline };
}

async function committedOffsets(
  admin: Admin,
  { topic, group }: ReadRequest,
  partitions: readonly PartitionDescription[],
  topicId: string | undefined,
): Promise<(number | undefined)[] | undefined> {
  if (group === undefined) return undefined;
  const rows = partitions.map(({ partition }) => ({ topic, partition, topicId }));
  return (await admin.fetchOffsets(group, rows)).map(({ offset }) => offset);
}

/**
 * As the broker's fetch does it, a group reads from the larger of its committed offset and the one asked
 * for. "latest" only says where a group begins that has not committed anything: it would skip what came
 * while nobody was reading.
 */
function startOf(
  request: ReadRequest,
  range: PartitionDescription,
  spec: OffsetSpec | undefined,
  asked: number,
  committed: number | undefined,
  isShared: boolean,
): number {
  const { logStartOffset, highWatermark } = range;
  const start =
    committed === undefined ? asked : spec === "latest" ? committed : Math.max(committed, asked);
  if (start >= logStartOffset && start <= highWatermark) return start;
  switch (request.onOutOfRange) {
    case "earliest":
      return logStartOffset;
    case "latest":
      return highWatermark;
    case "error":
      if (isShared) return start < logStartOffset ? logStartOffset : highWatermark;
      throw outOfRange(
        { topic: request.topic, partition: range.partition },
        start,
        logStartOffset,
        highWatermark,
      );
  }
}

/**
 * Whether one number stands for several partitions, at least one of which goes that far. They are not equally long:
 * each gives what it has from there on, and one that ends before it gives nothing.
 */
function isSharedOffset(
  { offset }: ReadRequest,
  partitions: readonly PartitionDescription[],
): boolean {
  if (typeof offset !== "number" || partitions.length < 2) return false;
  return partitions.some(({ highWatermark }) => offset <= highWatermark);
}

function specFor(specs: OffsetSpecs | undefined, partition: number): OffsetSpec | undefined {
  return specs instanceof Map ? specs.get(partition) : (specs as OffsetSpec | undefined);
}
