// OffsetCommit, OffsetFetch, OffsetDelete and ListOffsets.
// Leaves to others: the work (services/committed-offsets.ts, services/list-offsets.ts).
import {
  ListOffsets,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  type ListOffsetsRequest,
  type OffsetCommitRequest,
  type OffsetDeleteRequest,
  type OffsetFetchEntry,
  type OffsetFetchRequest,
} from "../offsets.js";
import * as committed from "../../../services/committed-offsets.js";
import type { ServiceContext } from "../../../services/context.js";
import { listOffset } from "../../../services/list-offsets.js";
import { valuesOf } from "../../../services/outcome.js";
import type { Exchange } from "./exchange.js";

/** Memory for an entry of a commit or deletion, without names: its decoded objects, and its record. */
const COMMIT_ENTRY_BYTES = 500;

/** For a partition without a committed offset. */
const NO_OFFSET: OffsetFetchEntry = { offset: -1, commitTimestamp: -1 };

/** Answers an OffsetCommit request. The first invalid entry fails the whole request. */
export async function commitOffsets(
  context: ServiceContext,
  exchange: Exchange,
  { group, offsets, memberId, memberEpoch }: OffsetCommitRequest,
): Promise<void> {
  // Each entry becomes objects and a record with the name of the group, so the request needs much more memory than its
  // bytes.
  exchange.charge(offsets.length * (COMMIT_ENTRY_BYTES + Buffer.byteLength(group)));
  const member = { memberId, generation: memberEpoch, instanceId: null };
  valuesOf(await committed.commitOffsets(context, group, offsets, member));
  exchange.connection.client.group = group;
  const { correlationId, apiVersion } = exchange;
  // Members share the partitions, so none has a rival.
  const isShared = memberId === "" && hasRival(context, exchange, group, offsets);
  exchange.answer(OffsetCommit.encodeResponse(correlationId, { isShared }, apiVersion));
}

function hasRival(
  { rivals }: ServiceContext,
  { connection }: Exchange,
  group: string,
  offsets: OffsetCommitRequest["offsets"],
): boolean {
  let isShared = false;
  for (const { topic, partition } of offsets) {
    if (rivals.committed(connection, group, topic, partition)) isShared = true;
  }
  return isShared;
}

/** Answers an OffsetFetch request. */
export function fetchOffsets(
  context: ServiceContext,
  exchange: Exchange,
  { group, partitions }: OffsetFetchRequest,
): void {
  const found = valuesOf(committed.fetchOffsets(context, group, partitions));
  const offsets = found.map((offset) => offset ?? NO_OFFSET);
  exchange.answer(OffsetFetch.encodeResponse(exchange.correlationId, { offsets }));
}

/** Answers an OffsetDelete request. The first invalid entry fails the whole request. */
export async function deleteOffsets(
  context: ServiceContext,
  exchange: Exchange,
  { group, partitions }: OffsetDeleteRequest,
): Promise<void> {
  exchange.charge(partitions.length * (COMMIT_ENTRY_BYTES + Buffer.byteLength(group)));
  const deleted = valuesOf(await committed.deleteOffsets(context, group, partitions));
  const offsets = deleted.map((offset) => offset ?? NO_OFFSET);
  exchange.answer(OffsetDelete.encodeResponse(exchange.correlationId, { offsets }));
}

/** Answers a ListOffsets request. */
export async function listOffsets(
  context: ServiceContext,
  exchange: Exchange,
  request: ListOffsetsRequest,
): Promise<void> {
  const { correlationId, apiVersion } = exchange;
  const found = await listOffset(context, request);
  exchange.answer(ListOffsets.encodeResponse(correlationId, found, apiVersion));
}
