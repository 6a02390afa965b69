// Produce: appends batches to many partitions.
import { POSITION_ITEMS_MAX } from "../../limits.js";
import { ZERO_UUID } from "../../record/bytes.js";
import type { KafkaReader } from "./reader.js";
import {
  api,
  array,
  records,
  int16,
  int32,
  int64,
  string,
  Body,
  type ReadOf,
  struct,
  throttleTimeMs,
  uuid,
  type WriteOf,
} from "./schema.js";
import type { KafkaWriter } from "./writer.js";

/** The leader of a partition, for clients that asked another broker. */
export function currentLeader(since: number, tag: number) {
  return struct({ leaderId: int32(), leaderEpoch: int32() }, { since, tag });
}

/** Addresses of the brokers that are named as leaders. */
export function nodeEndpoints(since: number) {
  return array(
    { nodeId: int32(), host: string(), port: int32(), rack: string({ nullable: 0 }) },
    { since, tag: 0 },
  );
}

/** In Produce and Fetch, topics are named by their ids from this version on, and not by their names. */
export const TOPIC_IDS_SINCE = 13;

const TABLE = api({
  key: 0,
  versions: [3, 13],
  flexibleSince: 9,
  itemsMax: POSITION_ITEMS_MAX,
  request: {
    transactionalId: string({ nullable: 3 }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitionData: array({ index: int32(), records: records({ nullable: 0 }) }),
    }),
  },
  response: {
    responses: array({
      name: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64({ absent: -1 }),
        logStartOffset: int64({ since: 5, absent: -1 }),
        recordErrors: array(
          { batchIndex: int32(), batchIndexErrorMessage: string({ nullable: 8 }) },
          { since: 8 },
        ),
        errorMessage: string({ since: 8, nullable: 8, absent: null }),
        currentLeader: currentLeader(10, 0),
      }),
    }),
    throttleTimeMs: throttleTimeMs(),
    nodeEndpoints: nodeEndpoints(10),
  },
});

type Request = ReadOf<typeof TABLE.request.fields>;
type Response = WriteOf<typeof TABLE.response.fields>;
type PartitionResponse = Response["responses"][number]["partitionResponses"][number];

/** Interpreting the tables is slower than this code. test/protocol/kafka/fast-bodies.test.ts compares the two. */
export const Produce: typeof TABLE = {
  ...TABLE,
  request: new (class extends Body<typeof TABLE.request.fields> {
    override read(reader: KafkaReader, version: number): Request {
      return readRequest(reader, version);
    }
  })(TABLE.request.fields, TABLE.flexibleSince),
  response: new (class extends Body<typeof TABLE.response.fields> {
    override write(writer: KafkaWriter, value: Response, version: number): void {
      if (hasTags(value)) super.write(writer, value, version);
      else writeResponse(writer, value, version);
    }
  })(TABLE.response.fields, TABLE.flexibleSince),
};

function readRequest(reader: KafkaReader, version: number): Request {
  const transactionalId = reader.string(true);
  const acks = reader.int16();
  const timeoutMs = reader.int32();
  const topicData: Request["topicData"][number][] = [];
  const topics = reader.count(
    false,
    version >= TOPIC_IDS_SINCE ? 18 : reader.isFlexible ? 3 : 6,
    "topicData",
  );
  for (let i = 0; i < topics; i++) topicData.push(readTopic(reader, version));
  if (reader.isFlexible) reader.skipTags();
  return { transactionalId, acks, timeoutMs, topicData };
}

function readTopic(reader: KafkaReader, version: number): Request["topicData"][number] {
  const hasId = version >= TOPIC_IDS_SINCE;
  const name = hasId ? "" : (reader.string(false) ?? "");
  const topicId = hasId ? reader.uuid() : ZERO_UUID;
  const partitionData: Request["topicData"][number]["partitionData"][number][] = [];
  const partitions = reader.count(false, reader.isFlexible ? 6 : 8, "partitionData");
  for (let i = 0; i < partitions; i++) {
    partitionData.push({ index: reader.int32(), records: reader.records(true) });
    if (reader.isFlexible) reader.skipTags();
  }
  if (reader.isFlexible) reader.skipTags();
  return { name, topicId, partitionData };
}

/** Whether the response says more about leaders than this broker ever needs to. */
function hasTags({ responses, nodeEndpoints: endpoints }: Response): boolean {
  if (endpoints !== undefined && endpoints.length > 0) return true;
  return responses.some(({ partitionResponses }) =>
    partitionResponses.some(({ currentLeader: leader }) => leader !== undefined && leader !== null),
  );
}

function writeResponse(writer: KafkaWriter, value: Response, version: number): void {
  writer.count(value.responses.length);
  for (const { name, topicId, partitionResponses } of value.responses) {
    if (version >= TOPIC_IDS_SINCE) writer.uuid(topicId);
    else writer.string(name);
    writer.count(partitionResponses.length);
    for (const row of partitionResponses) writePartition(writer, row, version);
    endStruct(writer);
  }
  writer.int32(value.throttleTimeMs ?? 0);
  endStruct(writer);
}

function writePartition(writer: KafkaWriter, row: PartitionResponse, version: number): void {
  writer.int32(row.index);
  if (writer.errorCode === 0) writer.errorCode = row.errorCode;
  writer.int16(row.errorCode);
  writer.int64(row.baseOffset);
  writer.int64(row.logAppendTimeMs ?? -1);
  if (version >= 5) writer.int64(row.logStartOffset ?? -1);
  if (version >= 8) {
    writer.count(row.recordErrors.length);
    for (const { batchIndex, batchIndexErrorMessage } of row.recordErrors) {
      writer.int32(batchIndex);
      writer.string(batchIndexErrorMessage);
      endStruct(writer);
    }
    writer.string(row.errorMessage ?? null);
  }
  endStruct(writer);
}

/** No tagged fields. */
function endStruct(writer: KafkaWriter): void {
  if (writer.isFlexible) writer.uvarint(0);
}
