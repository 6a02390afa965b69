// Produce: one batch for each partition, answered when all are acknowledged.
// Leaves to others: the appends (services/produce.ts), and what a valid batch is (record/produced-batch.ts).
import { RustLogError } from "../../../errors.js";
import {
  attributes,
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  baseOffset,
  batchBytes,
  codecOf,
  magic,
  TRANSACTIONAL_BIT,
} from "../../../record/batch.js";
import { bytesOf, type Pieces } from "../../../record/bytes.js";
import type { ServiceContext } from "../../../services/context.js";
import { KeylessRecords } from "../../../services/record-check.js";
import type { Outcome } from "../../../services/outcome.js";
import type { PartitionBatch } from "../../../services/produce.js";
import { type Appended, produceAll } from "../../../services/produce-all.js";
import { RefusedTimestamps } from "../../../services/timestamp-check.js";
import { CODE, ERROR_LABELS, kafkaCode } from "../error-codes.js";
import { Produce, TOPIC_IDS_SINCE } from "../produce.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { Call } from "./call.js";

type Request = RequestOf<typeof Produce>;
type Topic = Request["topicData"][number];
type Response = ResponseOf<typeof Produce>;
type Row = Response["responses"][number]["partitionResponses"][number];

/** Before this version a client may not know zstd. */
const ZSTD_SINCE = 7;

/** Record errors repeated in the message of a row, as in Kafka. */
const SHOWN_RECORDS = 3;

/** Batches that are appended in one turn of the event loop. */
const BATCHES_AT_ONCE = 500;

/** A batch that can be appended, or the error of its partition. */
type Item = PartitionBatch | number;

/** Answers a call. Without acknowledgements it answers nothing, and an error ends the connection. */
export function produce(context: ServiceContext, call: Call): void | Promise<void> {
  const request = call.read(Produce);
  const fault = requestFault(request);
  const items: Item[] = [];
  const batches: PartitionBatch[] = [];
  for (const topic of request.topicData) {
    for (const partition of topic.partitionData) {
      const item = fault ?? itemOf(topic, partition, call.version);
      items.push(item);
      if (typeof item !== "number") batches.push(item);
    }
  }
  const done = (outcomes: readonly Outcome<Appended>[]): void => {
    let next = 0;
    const results = items.map((item) => (typeof item === "number" ? item : outcomes[next++]!));
    const failed = results.find((result) => !isAppended(result));
    call.produced();
    if (isAppended(results[0])) noteWrite(context, call, request);
    if (request.acks !== 0) call.respond(Produce, responseOf(request, results));
    else if (failed === undefined) call.answerNothing();
    else call.fail(unacknowledged(rowOf(0, failed)));
    // The batches are in files. One that was refused may be needed to undo a write.
    if (failed === undefined) call.freePayload();
  };
  return produceAll(context, batches, done, pauseOf(call, batches.length));
}

/** Long requests append in portions, and no other begins before they are done: it would overtake them. */
function pauseOf(call: Call, batches: number): (() => Promise<void>) | undefined {
  if (batches <= BATCHES_AT_ONCE) return undefined;
  call.runAlone();
  return () => call.connection.turns.nextPortion();
}

/** What ends the connection of a client that waits for no answer, as in Kafka. */
function unacknowledged({ errorCode, errorMessage }: Row): RustLogError {
  const why = errorMessage ?? ERROR_LABELS[errorCode & 0xff];
  return new RustLogError("INVALID_REQUEST", `a Produce without acknowledgements failed: ${why}`);
}

/** The error of a request as a whole. */
function requestFault({ acks, transactionalId, topicData }: Request): number | undefined {
  if (acks < -1 || acks > 1) return CODE.INVALID_REQUIRED_ACKS;
  const isTransactional = topicData.some(({ partitionData }) =>
    partitionData.some(({ records }) => records !== null && isTransactionalBatch(records)),
  );
  return isTransactional && transactionalId === null
    ? CODE.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    : undefined;
}

function isTransactionalBatch([head]: Pieces): boolean {
  if (head.length < BATCH_HEADER_BYTES || magic(head, 0) !== BATCH_MAGIC) return false;
  return (attributes(head, 0) & TRANSACTIONAL_BIT) !== 0;
}

function itemOf(
  { name: topic, topicId: id }: Topic,
  { index: partition, records: batch }: Topic["partitionData"][number],
  version: number,
): Item {
  if (batch === null) return CODE.INVALID_RECORD;
  const topicId = version < TOPIC_IDS_SINCE ? undefined : id;
  return batchFault(batch, version) ?? { topic, topicId, partition, batch };
}

/** Kafka's own rules for the batch of a request, beyond those of every protocol. */
function batchFault(batch: Pieces, version: number): number | undefined {
  const [head] = batch;
  const isOneBatch = head.length >= BATCH_HEADER_BYTES && batchBytes(head, 0) === bytesOf(batch);
  if (!isOneBatch || magic(head, 0) !== BATCH_MAGIC) return CODE.INVALID_RECORD;
  if (isTransactionalBatch(batch)) {
    return version < 11 ? CODE.INVALID_TXN_STATE : CODE.TRANSACTION_ABORTABLE;
  }
  const codec = codecOf(head, 0);
  if (codec === undefined || (codec === "zstd" && version < ZSTD_SINCE)) {
    return CODE.UNSUPPORTED_COMPRESSION;
  }
  return baseOffset(head, 0) === 0 ? undefined : CODE.INVALID_RECORD;
}

/** What became of a batch; a number is an error code. */
type Result = Outcome<Appended> | number;

function isAppended(result: Result | undefined): result is Appended {
  return result !== undefined && typeof result !== "number" && !(result instanceof RustLogError);
}

/** Notes what the client writes to. */
function noteWrite(
  { registry }: ServiceContext,
  { version, connection, beganMs }: Call,
  { topicData }: Request,
): void {
  const [{ name, topicId }] = topicData as [Topic];
  const topic = version < TOPIC_IDS_SINCE ? name : registry.byId(topicId)?.name;
  if (topic !== undefined) connection.client.writes.note(topic, topicData.length - 1, beganMs);
}

/** The rows of all partitions, in the order of the request. */
function responseOf({ topicData }: Request, results: readonly Result[]): Response {
  let next = 0;
  const responses = topicData.map(({ name, topicId, partitionData }) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index }) => rowOf(index, results[next++]!)),
  }));
  return { responses };
}

function rowOf(index: number, result: Result): Row {
  if (typeof result === "number") return failure(index, result, null);
  if (result instanceof KeylessRecords) return keylessRow(index, result);
  if (result instanceof RefusedTimestamps) return timestampsRow(index, result);
  if (result instanceof RustLogError) return failure(index, kafkaCode(result), result.message);
  const { baseOffset, logAppendTimeMs, logStartOffset } = result;
  return {
    ...{ index, errorCode: CODE.NONE, baseOffset, logAppendTimeMs, logStartOffset },
    recordErrors: [],
  };
}

function failure(index: number, errorCode: number, errorMessage: string | null): Row {
  return { index, errorCode, baseOffset: -1, logStartOffset: -1, recordErrors: [], errorMessage };
}

/** The text of each record is Kafka's, because clients show it; the other one names the setting. */
function timestampsRow(index: number, error: RefusedTimestamps): Row {
  return {
    ...failure(index, kafkaCode(error), error.message),
    recordErrors: error.records.map(({ index: batchIndex, timestamp }) => ({
      batchIndex,
      batchIndexErrorMessage:
        `Timestamp ${timestamp} of message with offset ${batchIndex} is out of range. ` +
        `The timestamp should be within ${error.range}`,
    })),
  };
}

/** In Kafka's words: clients report each of these records on its own. */
function keylessRow(index: number, error: KeylessRecords): Row {
  const text = `Compacted topic cannot accept message without key in topic partition ${error.partition}`;
  const shown = error.indexes
    .slice(0, SHOWN_RECORDS)
    .map((batchIndex) => `RecordError(batchIndex=${batchIndex}, message='${text}')`);
  const message =
    `One or more records have been rejected due to ${error.count} record errors in total, ` +
    `and only showing the first three errors at most: [${shown.join(", ")}]`;
  return {
    ...failure(index, kafkaCode(error), message),
    recordErrors: error.indexes.map((batchIndex) => ({ batchIndex, batchIndexErrorMessage: text })),
  };
}
