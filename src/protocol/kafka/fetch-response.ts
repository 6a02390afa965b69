// The response to a Fetch, written by hand: batches are not copied into it, but follow its other bytes as slices of the
// log. A test holds this to the table (fetch.ts).
import type { OutboxEntry } from "../../net/outbox.js";
import { NO_BYTES } from "../../record/bytes.js";
import { Fetch } from "./fetch.js";
import { beginResponse, finishResponse, type RequestHeader } from "./headers.js";
import type { KafkaWriter } from "./writer.js";

/** What was read from one partition, or its error. */
export interface FetchedPartition {
  readonly partitionIndex: number;
  readonly errorCode: number;
  /** -1 for an error, like the log start offset. */
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly batches: readonly OutboxEntry[];
  /** Length of the batches. */
  readonly bytes: number;
}

export interface FetchedTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: readonly FetchedPartition[];
}

interface FetchAnswer {
  readonly errorCode: number;
  /** How long the client has to wait. */
  readonly throttleTimeMs: number;
  readonly topics: readonly FetchedTopic[];
  /** Whether the client reads committed records only, and expects a list of aborted transactions. */
  readonly isReadCommitted: boolean;
}

const NO_SESSION = 0;
const NO_REPLICA = -1;

/** The entries of a response frame, the first of which are bytes. */
export function encodeFetchResponse(
  header: Pick<RequestHeader, "apiVersion" | "correlationId">,
  answer: FetchAnswer,
): readonly [Uint8Array, ...OutboxEntry[]] {
  const { apiVersion: version } = header;
  const writer = beginResponse(Fetch, header);
  /** Where batches are inserted. */
  const inserts: { readonly at: number; readonly batches: readonly OutboxEntry[] }[] = [];
  let batchBytes = 0;
  writer.int32(answer.throttleTimeMs);
  if (version >= 7) {
    writer.int16(answer.errorCode);
    writer.int32(NO_SESSION);
  }
  writer.count(answer.topics.length);
  for (const topic of answer.topics) {
    if (version >= 13) writer.uuid(topic.topicId);
    else writer.string(topic.topic);
    writer.count(topic.partitions.length);
    for (const partition of topic.partitions) {
      writePartition(writer, version, partition, answer.isReadCommitted);
      if (partition.bytes > 0) inserts.push({ at: writer.length, batches: partition.batches });
      batchBytes += partition.bytes;
      endStruct(writer);
    }
    endStruct(writer);
  }
  endStruct(writer);
  const bytes = finishResponse(writer, batchBytes);
  // Copies, because a view takes longer than a copy of so few bytes (../scratch.ts).
  const entries: OutboxEntry[] = [];
  let from = 0;
  for (const { at, batches } of inserts) {
    entries.push(bytes.slice(from, at), ...batches);
    from = at;
  }
  if (from < bytes.length) entries.push(bytes.slice(from));
  return [(entries[0] ?? NO_BYTES) as Uint8Array, ...entries.slice(1)];
}

/** Everything of a partition but its batches, whose length comes last. */
function writePartition(
  writer: KafkaWriter,
  version: number,
  { partitionIndex, errorCode, highWatermark, logStartOffset, bytes }: FetchedPartition,
  isReadCommitted: boolean,
): void {
  writer.int32(partitionIndex);
  writer.int16(errorCode);
  writer.int64(highWatermark);
  writer.int64(highWatermark); // lastStableOffset: there are no transactions
  if (version >= 5) writer.int64(logStartOffset);
  writer.count(isReadCommitted ? 0 : -1); // abortedTransactions
  if (version >= 11) writer.int32(NO_REPLICA);
  writer.bytesLength(bytes);
}

/** No tagged fields. */
function endStruct(writer: KafkaWriter): void {
  if (writer.isFlexible) writer.uvarint(0);
}
