// The plan of a consumer, made when it starts: which partitions it reads, from which offset to which.
// Leaves to others: reading them (fetcher, consumer).

import { RustLogError } from "../errors.js";
import { Admin } from "./admin.js";
import type { PartitionDescription } from "./admin-types.js";
import type { BrokerLink, RetryPolicy } from "./link.js";
import { type OffsetSpec, resolveOffset } from "./offset-spec.js";
import { isOffline, offlineError, unknownPartition } from "./partition-checks.js";
import { offsetForTimestamp } from "./time-lookup.js";
import type { TopicSource } from "./topic-change.js";

/** What to do if a position is outside of its partition. */
export type OutOfRangePolicy = "error" | "earliest" | "latest";

/** One offset for all partitions, or one for each. */
export type OffsetSpecs = OffsetSpec | ReadonlyMap<number, OffsetSpec>;

export interface ReadRequest {
  readonly topic: string;
  readonly partitions: readonly number[] | undefined;
  readonly offset: OffsetSpecs | undefined;
  readonly end: OffsetSpecs | undefined;
  readonly follow: boolean;
  readonly group: string | undefined;
  readonly onOutOfRange: OutOfRangePolicy;
  /** Whether a start that is one number has been found in another topic, so that it may be outside of this one. */
  readonly isReached?: boolean;
}

/** The range to read of one partition: from `start` up to, but not including, `end`, which can be infinite. */
export interface PartitionPlan {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
  /** Offset after the last readable record. */
  readonly highWatermark: number;
  /** The topic that the offsets belong to. */
  readonly source: TopicSource;
}

export interface ReadPlan {
  readonly partitions: readonly PartitionPlan[];
  /** The error for partitions that the broker can't serve, thrown once the others are read. */
  readonly offline: RustLogError | undefined;
}

/**
 * The plan for each partition, in the requested order. Throws UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID if the topic is
 * recreated meanwhile, and OFFSET_OUT_OF_RANGE if a start is outside of its partition and the policy is "error". One
 * number for several partitions is an error only if it is beyond all of them.
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
  const byNumber = new Map(described.partitions.map((row) => [row.partition, row]));
  const chosen = (request.partitions ?? [...byNumber.keys()]).map((index) => {
    const found = byNumber.get(index);
    if (found === undefined) throw unknownPartition(topic, index, described.partitions.length);
    return found;
  });
  const online = chosen.filter((row) => !isOffline(row));
  const row = chosen.find(isOffline);
  const offline = row === undefined ? undefined : offlineError(topic, row);
  // A consumer that follows would never reach the error, so throw it now.
  if (offline !== undefined && request.follow) throw offline;
  const committed = await committedOffsets(admin, request, online, topicId);
  // Another consumer of the group may have read on, and committed, since the topic was described.
  const isOld = online.some(({ highWatermark }, i) => (committed?.[i] ?? 0) > highWatermark);
  const partitions = isOld ? await describedAgain(admin, topic, topicId, online) : online;
  const isShared = request.isReached === true || isSharedOffset(request, partitions);
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
      return { partition, start, end: last, highWatermark: range.highWatermark, source };
    }),
  );
  return { partitions: plans, offline };
}

/** These partitions as they are now. Keeps what was known of one that is offline, and of a topic that was recreated. */
async function describedAgain(
  admin: Admin,
  topic: string,
  topicId: string | undefined,
  partitions: readonly PartitionDescription[],
): Promise<readonly PartitionDescription[]> {
  const described = await admin.describeTopic(topic);
  if (described.topicId !== topicId) return partitions;
  return partitions.map((old) => {
    const now = described.partitions.find(({ partition }) => partition === old.partition);
    return now === undefined || isOffline(now) ? old : now;
  });
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
 * A group reads from the larger of its committed offset and the requested one, as in the broker's fetch. "latest" applies
 * only to a group without a committed offset: otherwise it would skip the records that arrived while nobody was reading.
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
 * Whether one number is the start of several partitions and at least one of them reaches it. A partition that ends before
 * it returns nothing.
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

/** The error for a position outside of its partition. */
export function outOfRange(
  where: { readonly topic: string; readonly partition: number },
  offset: number,
  logStartOffset: number,
  highWatermark: number,
): RustLogError {
  return new RustLogError(
    "OFFSET_OUT_OF_RANGE",
    `topic '${where.topic}', partition ${where.partition}: offset ${offset} is not in ` +
      `${logStartOffset} to ${highWatermark}, the range of the partition`,
  );
}
