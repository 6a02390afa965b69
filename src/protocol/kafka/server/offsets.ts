// ListOffsets and OffsetForLeaderEpoch.
// Leaves to others: finding the offsets (services/list-offsets.ts, services/record-times.ts).
import { RustLogError } from "../../../errors.js";
import { LEADER_EPOCH } from "../../../record/batch.js";
import type { ServiceContext } from "../../../services/context.js";
import {
  listOffset,
  TIMESTAMP_EARLIEST,
  TIMESTAMP_LATEST,
} from "../../../services/list-offsets.js";
import { partitionOf } from "../../../services/named-partition.js";
import { firstRecordFrom, newestRecord, type RecordTime } from "../../../services/record-times.js";
import { CODE, kafkaCode } from "../error-codes.js";
import { type ListOffsets, NONE, type OffsetForLeaderEpoch } from "../offsets.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { Call } from "./call.js";
import { leaderEpochFault } from "./cluster-of-one.js";

type ListRequest = RequestOf<typeof ListOffsets>;
type ListResponse = ResponseOf<typeof ListOffsets>;
type ListedRow = ListResponse["topics"][number]["partitions"][number];
type Asked = ListRequest["topics"][number]["partitions"][number];

type EpochRequest = RequestOf<typeof OffsetForLeaderEpoch>;
type EpochResponse = ResponseOf<typeof OffsetForLeaderEpoch>;
type EpochRow = EpochResponse["topics"][number]["partitions"][number];

/** Timestamps with a meaning of their own, beside those of the native protocol. */
const TIMESTAMP_NEWEST = -3;
/** Tiered storage is not supported, so every record is local, and none is tiered or will be. */
const TIMESTAMP_EARLIEST_LOCAL = -4;
const TIMESTAMP_LATEST_TIERED = -5;
const TIMESTAMP_EARLIEST_PENDING_UPLOAD = -6;

/** The first version with each of them. */
const SINCE: Readonly<Record<number, number>> = {
  [TIMESTAMP_LATEST]: 1,
  [TIMESTAMP_EARLIEST]: 1,
  [TIMESTAMP_NEWEST]: 7,
  [TIMESTAMP_EARLIEST_LOCAL]: 8,
  [TIMESTAMP_LATEST_TIERED]: 9,
  [TIMESTAMP_EARLIEST_PENDING_UPLOAD]: 11,
};

/** Partitions answered before other requests get a turn. */
const PORTION_PARTITIONS = 500;

export async function listOffsets(
  context: ServiceContext,
  { topics }: ListRequest,
  call: Call,
): Promise<ListResponse> {
  const repeated = repeatedPartitions(topics);
  const rows: ListResponse["topics"][number][] = [];
  let answered = 0;
  for (const { name, partitions } of topics) {
    const found: ListedRow[] = [];
    for (const asked of partitions) {
      const isRepeated = repeated.has(placeOf(name, asked.partitionIndex));
      found.push(
        isRepeated
          ? refused(asked, CODE.INVALID_REQUEST)
          : await listed(context, name, asked, call),
      );
      if (++answered % PORTION_PARTITIONS === 0) await call.connection.turns.nextPortion();
    }
    rows.push({ name, partitions: found });
  }
  return { topics: rows };
}

/** Names of the partitions that a request names more than once: it is not clear which of the answers would count. */
function repeatedPartitions(topics: ListRequest["topics"]): ReadonlySet<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { name, partitions } of topics) {
    for (const { partitionIndex } of partitions) {
      const place = placeOf(name, partitionIndex);
      if (seen.has(place)) repeated.add(place);
      seen.add(place);
    }
  }
  return repeated;
}

function placeOf(topic: string, partition: number): string {
  return `${partition} ${topic}`;
}

async function listed(
  context: ServiceContext,
  topic: string,
  asked: Asked,
  { version, connection }: Call,
): Promise<ListedRow> {
  const { partitionIndex, currentLeaderEpoch, timestamp } = asked;
  if (timestamp < 0 && version < (SINCE[timestamp] ?? Number.POSITIVE_INFINITY)) {
    return refused(asked, CODE.UNSUPPORTED_VERSION);
  }
  try {
    const named = { topic, partition: partitionIndex };
    partitionOf(context, "DESCRIBE", named);
    const fault = leaderEpochFault(currentLeaderEpoch);
    if (fault !== undefined) return refused(asked, fault);
    // Searching takes long, and nobody would read the answer.
    const found = connection.isGone ? undefined : await find(context, named, timestamp);
    return {
      partitionIndex,
      errorCode: CODE.NONE,
      timestamp: found?.timestamp ?? NONE,
      offset: found?.offset ?? NONE,
      leaderEpoch: found === undefined ? NONE : LEADER_EPOCH,
    };
  } catch (error) {
    if (error instanceof RustLogError) return refused(asked, kafkaCode(error));
    throw error;
  }
}

async function find(
  context: ServiceContext,
  named: { readonly topic: string; readonly partition: number },
  timestamp: number,
): Promise<RecordTime | undefined> {
  switch (timestamp) {
    case TIMESTAMP_LATEST:
      return await listOffset(context, { ...named, timestamp: TIMESTAMP_LATEST });
    case TIMESTAMP_EARLIEST:
    case TIMESTAMP_EARLIEST_LOCAL:
      return await listOffset(context, { ...named, timestamp: TIMESTAMP_EARLIEST });
    case TIMESTAMP_NEWEST:
      return await newestRecord(context, named);
    case TIMESTAMP_LATEST_TIERED:
    case TIMESTAMP_EARLIEST_PENDING_UPLOAD:
      return undefined;
    default:
      return await firstRecordFrom(context, named, timestamp);
  }
}

function refused({ partitionIndex }: Asked, errorCode: number): ListedRow {
  return { partitionIndex, errorCode, timestamp: NONE, offset: NONE, leaderEpoch: NONE };
}

export async function offsetForLeaderEpoch(
  context: ServiceContext,
  { topics }: EpochRequest,
  call: Call,
): Promise<EpochResponse> {
  const rows: EpochResponse["topics"][number][] = [];
  let answered = 0;
  for (const { topic, partitions } of topics) {
    const found: EpochRow[] = [];
    for (const asked of partitions) {
      found.push(endOfEpoch(context, topic, asked));
      if (++answered % PORTION_PARTITIONS === 0) await call.connection.turns.nextPortion();
    }
    rows.push({ topic, partitions: found });
  }
  return { topics: rows };
}

function endOfEpoch(
  context: ServiceContext,
  topic: string,
  asked: EpochRequest["topics"][number]["partitions"][number],
): EpochRow {
  const { partition, currentLeaderEpoch, leaderEpoch } = asked;
  const row = { partition, leaderEpoch: NONE, endOffset: NONE };
  try {
    const { highWatermark } = partitionOf(context, "DESCRIBE", { topic, partition });
    const errorCode = leaderEpochFault(currentLeaderEpoch) ?? CODE.NONE;
    if (errorCode !== CODE.NONE || leaderEpoch !== LEADER_EPOCH) return { ...row, errorCode };
    return { partition, errorCode, leaderEpoch, endOffset: highWatermark };
  } catch (error) {
    if (error instanceof RustLogError) return { ...row, errorCode: kafkaCode(error) };
    throw error;
  }
}
