// Requests that arrive in pieces are answered as if each had arrived whole, wherever they are split.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { decodeResponse, encodeRequest } from "../../../src/protocol/kafka/headers.js";
import type { Api, Fields, WriteOf } from "../../../src/protocol/kafka/schema.js";
import { ZERO_UUID } from "../../../src/record/bytes.js";
import { batchOf, startBroker, type TestBroker } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { RawClient } from "../../support/raw-client.js";

const { ApiVersions, DescribeConfigs, Fetch, ListOffsets, Metadata, Produce } = KAFKA_APIS;
const TOPIC = "split";

let running: TestBroker;
let other: KafkaClient;

beforeAll(async () => {
  running = await startBroker({ flush: { kind: "never" }, defaultPartitions: 3 });
  other = await KafkaClient.connect(running.broker.port);
  await roundTrip();
});

afterAll(async () => {
  other[Symbol.dispose]();
  await running[Symbol.asyncDispose]();
});

/** A request on another connection. Once it is answered, the broker has read all that was sent before. */
async function roundTrip(): Promise<void> {
  await other.call(Metadata, 12, METADATA);
}

function frame<Q extends Fields, R extends Fields>(
  api: Api<Q, R>,
  apiVersion: number,
  correlationId: number,
  value: WriteOf<Q>,
): Uint8Array {
  return encodeRequest(api, { apiVersion, correlationId, clientId: "split" }, value);
}

const METADATA = {
  topics: [{ name: TOPIC, topicId: ZERO_UUID }],
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
};
const LAST_ID = 5;

/** One request after the other, flexible and not. */
const STREAM = new Uint8Array(
  Buffer.concat([
    frame(ApiVersions, 3, 1, { clientSoftwareName: "split", clientSoftwareVersion: "1.0" }),
    frame(Metadata, 12, 2, METADATA),
    frame(ListOffsets, 1, 3, {
      ...{ replicaId: -1, isolationLevel: 0, timeoutMs: 1_000 },
      topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    }),
    frame(Fetch, 12, 4, {
      ...{ maxWaitMs: 0, minBytes: 1, maxBytes: 1_000, isolationLevel: 0 },
      ...{ sessionId: 0, forgottenTopicsData: [], rackId: "" },
      topics: [
        {
          topic: TOPIC,
          topicId: ZERO_UUID,
          partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }],
        },
      ],
    }),
    frame(DescribeConfigs, 4, LAST_ID, {
      resources: [{ resourceType: 2, resourceName: TOPIC, configurationKeys: ["retention.ms"] }],
      includeSynonyms: true,
      includeDocumentation: false,
    }),
  ]),
);

async function answersOf(client: RawClient): Promise<string[]> {
  await client.response(LAST_ID);
  const payloads = await Promise.all(client.order.map((id) => client.response(id)));
  return payloads.map((payload) => Buffer.from(payload).toString("hex"));
}

test("a request is answered alike, whole or in two pieces, split at each byte", async () => {
  using whole = await RawClient.connect(running.broker.port);
  const expected = await answersOf(whole.send(STREAM));
  const clients = await Promise.all(
    Array.from(STREAM.subarray(1), () => RawClient.connect(running.broker.port)),
  );
  for (const [i, client] of clients.entries()) client.send(STREAM.subarray(0, i + 1));
  await roundTrip();
  for (const [i, client] of clients.entries()) client.send(STREAM.subarray(i + 1));
  for (const client of clients) {
    expect(await answersOf(client)).toEqual(expected);
    client.close();
  }
});

test("a request is answered that arrives byte by byte", async () => {
  using whole = await RawClient.connect(running.broker.port);
  const expected = await answersOf(whole.send(STREAM));
  using client = await RawClient.connect(running.broker.port);
  for (const byte of STREAM) {
    client.send(Uint8Array.of(byte));
    await roundTrip();
  }
  expect(await answersOf(client)).toEqual(expected);
});

test("a Produce is carried out alike, split at each byte around a partition", async () => {
  const topic = "pieces";
  const batches = ["a", "b", "c"].map((letter) => batchOf(letter.repeat(3_000)));
  const produce = frame(Produce, 9, LAST_ID, {
    ...{ transactionalId: null, acks: 1, timeoutMs: 1_000 },
    topicData: [
      {
        name: topic,
        topicId: ZERO_UUID,
        partitionData: batches.map((batch, index) => ({ index, records: [batch] as const })),
      },
    ],
  });
  await other.call(Metadata, 12, { ...METADATA, topics: [{ name: topic, topicId: ZERO_UUID }] });
  // From the end of the first batch to the header of the second: a length, an index, and another length.
  const end = Buffer.from(produce).indexOf(batches[0]!) + batches[0]!.length;
  const splits = Array.from({ length: 24 }, (_, i) => end - 4 + i);
  for (const [round, at] of splits.entries()) {
    using client = await RawClient.connect(running.broker.port);
    client.send(produce.subarray(0, at));
    await roundTrip();
    client.send(produce.subarray(at));
    const { value } = decodeResponse(Produce, 9, await client.response(LAST_ID));
    const rows = value.responses[0]!.partitionResponses;
    const seen = rows.map(({ index, errorCode, baseOffset }) => [index, errorCode, baseOffset]);
    expect([at, seen]).toEqual([at, [0, 1, 2].map((index) => [index, 0, round])]);
  }
});
