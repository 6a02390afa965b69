// OffsetCommit, OffsetFetch and ListOffsets.
// Leaves to others: the work (services/committed-offsets.ts, services/list-offsets.ts).
import {
  ListOffsets,
  OffsetCommit,
  OffsetFetch,
  type ListOffsetsRequest,
  type OffsetCommitRequest,
  type OffsetFetchEntry,
  type OffsetFetchRequest,
} from "../offsets.ts";
import * as committed from "../../../services/committed-offsets.ts";
import type { ServiceContext } from "../../../services/context.ts";
import { listOffset } from "../../../services/list-offsets.ts";
import { valuesOf } from "../../../services/outcome.ts";
import type { Exchange } from "./exchange.ts";

/** Memory for an entry of a commit beside the names: what it is decoded to, and a record without them. */
const COMMIT_ENTRY_BYTES = 500;

/** For a partition in which the group has committed nothing. */
const NO_OFFSET: OffsetFetchEntry = { offset: -1, commitTimestamp: -1 };

/** Answers an OffsetCommit request; the first entry that can't be committed is the error of them all. */
export async function commitOffsets(
  context: ServiceContext,
  exchange: Exchange,
  { group, offsets }: OffsetCommitRequest,
): Promise<void> {
  // Each entry becomes objects, and a record with the name of the group: the bytes of the request say little about it.
  exchange.charge(offsets.length * (COMMIT_ENTRY_BYTES + Buffer.byteLength(group)));
  valuesOf(await committed.commitOffsets(context, group, offsets));
  exchange.answer(OffsetCommit.encodeResponse(exchange.correlationId, {}));
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
