// When the requests of a Kafka connection begin. Leaves to others: the order of responses (net/dialect.test.ts).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { POSITION_ITEMS_MAX } from "../../../src/limits.js";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { decodeResponse } from "../../../src/protocol/kafka/headers.js";
import { ZERO_UUID } from "../../../src/record/bytes.js";
import { batchOf, startBroker, type TestBroker } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { until } from "../../support/until.js";

const { Fetch, Metadata, Produce } = KAFKA_APIS;

let running: TestBroker;

beforeAll(async () => {
  running = await startBroker();
  await running.broker.context.registry.create("t", 1, {});
});

afterAll(() => running[Symbol.asyncDispose]());

const connect = (): Promise<KafkaClient> => KafkaClient.connect(running.broker.port);

function produceOf(batches: number) {
  return {
    ...{ transactionalId: null, acks: -1, timeoutMs: 1_000 },
    topicData: [
      {
        ...{ name: "t", topicId: ZERO_UUID },
        partitionData: Array.from({ length: batches }, () => ({
          ...{ index: 0, records: [batchOf("v")] as const },
        })),
      },
    ],
  };
}

test("what a client sends behind a waiting request takes none of the memory that requests share", async () => {
  using client = await connect();
  const { broker } = running;
  const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 };
  const waiting = client.send(Fetch, 4, {
    ...{ replicaId: -1, maxWaitMs: 60_000, minBytes: 1, maxBytes: 1_000_000 },
    ...{ isolationLevel: 0, rackId: "", forgottenTopicsData: [] },
    ...{ sessionId: 0, sessionEpoch: -1 },
    topics: [
      {
        ...{ topic: "t", topicId: ZERO_UUID },
        partitions: [
          { ...partition, currentLeaderEpoch: -1, lastFetchedEpoch: -1, logStartOffset: -1 },
        ],
      },
    ],
  });
  await until(() => broker.inflight.waits === 1);
  const names = Array.from({ length: 2_000 }, (_, i) => ({ name: `n${i}`, topicId: ZERO_UUID }));
  const behind = Array.from({ length: 20 }, () =>
    client.send(Metadata, 4, {
      ...{ topics: names, allowAutoTopicCreation: false },
      ...{ includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false },
    }),
  );
  await until(() => broker.metrics.receivedBytes > 20_000);
  expect(broker.inflight.workingBytes).toBeLessThan(2_000);
  using other = await connect();
  await other.call(Produce, 9, produceOf(1));
  await client.raw.response(behind.at(-1)!);
  expect(client.raw.order).toEqual([waiting, ...behind]);
});

test("a Produce of many batches appends in portions, and no other overtakes it", async () => {
  using client = await connect();
  const many = client.send(Produce, 9, produceOf(1_200));
  const one = client.send(Produce, 9, produceOf(1));
  const [first, second] = await Promise.all(
    [many, one].map(async (id) => decodeResponse(Produce, 9, await client.raw.response(id)).value),
  );
  const offsets = [first, second].flatMap(
    (it) => it?.responses[0]?.partitionResponses.map(({ baseOffset }) => baseOffset) ?? [],
  );
  const start = offsets[0]!;
  expect(offsets).toEqual(Array.from({ length: 1_201 }, (_, i) => start + i));
});

test("a Produce of more batches than there can be partitions ends the connection", async () => {
  using client = await connect();
  await expect(client.call(Produce, 9, produceOf(POSITION_ITEMS_MAX))).rejects.toThrow("ended");
});
