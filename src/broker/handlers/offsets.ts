// OffsetCommit, OffsetFetch and ListOffsets: what groups have read, and where in a log a moment is.
// Leaves to others: keeping committed offsets (groups/), searching the log (topics/partition.ts).
import { RustLogError } from "../../errors.ts";
import type { CommittedOffset } from "../../groups/offset-record.ts";
import { OffsetStore } from "../../groups/offset-store.ts";
import {
  encodeListOffsetsResponse,
  encodeOffsetCommitResponse,
  encodeOffsetFetchResponse,
  type ListOffsetsRequest,
  type OffsetCommitEntry,
  type OffsetCommitRequest,
  type OffsetFetchEntry,
  type OffsetFetchRequest,
} from "../../protocol/native/offsets.ts";
import type { Partition } from "../../topics/partition.ts";
import type { Exchange } from "../exchange.ts";
import type { BrokerServices } from "../services.ts";
import { partitionOf } from "./topic-identity.ts";

/** In a ListOffsets request, instead of a time: the high watermark. */
const TIMESTAMP_LATEST = -1;
/** In a ListOffsets request, instead of a time: the log start offset. */
const TIMESTAMP_EARLIEST = -2;

/** Memory for an entry of a commit beside the names: what it is decoded to, and a record without them. */
const COMMIT_ENTRY_BYTES = 500;

/** Answers an OffsetCommit request: every entry is checked before any is committed. */
export async function commitOffsets(
  services: BrokerServices,
  exchange: Exchange,
  request: OffsetCommitRequest,
): Promise<void> {
  const { registry, offsets } = services;
  OffsetStore.checkGroup(request.group);
  refuseRepeated(request.offsets);
  for (const entry of request.offsets) {
    const { topic, partition: index, offset } = entry;
    const partition = partitionOf(registry, entry);
    if (offset >= 0 && offset <= partition.highWatermark) continue;
    throw new RustLogError(
      "OFFSET_OUT_OF_RANGE",
      `offset ${offset} can't be committed for ${topic}-${index}: 0 to ${partition.highWatermark} are possible`,
    );
  }
  // Each entry becomes objects, and a record with the name of the group: the bytes of the request say little about it.
  const entryBytes = COMMIT_ENTRY_BYTES + Buffer.byteLength(request.group);
  exchange.charge(request.offsets.length * entryBytes);
  await offsets.commit(request.group, request.offsets);
  exchange.answer(encodeOffsetCommitResponse(exchange.correlationId, {}));
}

/** Throws INVALID_REQUEST if a partition is named twice: which of its two offsets is meant is not known. */
function refuseRepeated(offsets: readonly OffsetCommitEntry[]): void {
  const seen = new Map<string, Set<number>>();
  for (const { topic, partition } of offsets) {
    const partitions = seen.get(topic) ?? new Set<number>();
    seen.set(topic, partitions);
    if (partitions.has(partition)) {
      throw new RustLogError(
        "INVALID_REQUEST",
        `${topic}-${partition} is named twice: a commit has one offset for each partition`,
      );
    }
    partitions.add(partition);
  }
}

/** Answers an OffsetFetch request; a partition without a committed offset has -1. */
export function fetchOffsets(
  services: BrokerServices,
  exchange: Exchange,
  request: OffsetFetchRequest,
): void {
  OffsetStore.checkGroup(request.group);
  const offsets = request.partitions.map((named) => {
    const { topic, partition } = named;
    partitionOf(services.registry, named);
    return committedOrNone(services.offsets.fetch(request.group, topic, partition));
  });
  exchange.answer(encodeOffsetFetchResponse(exchange.correlationId, { offsets }));
}

export async function listOffsets(
  services: BrokerServices,
  exchange: Exchange,
  request: ListOffsetsRequest,
): Promise<void> {
  await partitionOf(services.registry, request).prepareTimeSearch(request.timestamp);
  // Found again: it may have been deleted meanwhile.
  const partition = partitionOf(services.registry, request);
  const topicId = services.registry.find(request.topic)?.id;
  const found = { ...findOffset(partition, request.timestamp), topicId };
  const { correlationId, apiVersion } = exchange;
  exchange.answer(encodeListOffsetsResponse(correlationId, found, apiVersion));
}

function findOffset(
  partition: Partition,
  timestamp: number,
): { offset: number; timestamp: number } {
  if (timestamp === TIMESTAMP_LATEST) return { offset: partition.highWatermark, timestamp: -1 };
  if (timestamp === TIMESTAMP_EARLIEST) return { offset: partition.logStartOffset, timestamp: -1 };
  if (timestamp >= 0) return partition.offsetForTimestamp(timestamp);
  throw new RustLogError(
    "INVALID_REQUEST",
    `timestamp ${timestamp} is none: milliseconds since 1970, ${TIMESTAMP_LATEST} for the latest offset ` +
      `or ${TIMESTAMP_EARLIEST} for the earliest are possible`,
  );
}

function committedOrNone(committed: CommittedOffset | undefined): OffsetFetchEntry {
  return committed ?? { offset: -1, commitTimestamp: -1 };
}
