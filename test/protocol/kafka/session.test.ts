// When the requests of a Kafka connection begin. Leaves to others: the order of responses (net/dialect.test.ts).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { POSITION_ITEMS_MAX } from "../../../src/limits.js";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { decodeResponse, encodeRequest } from "../../../src/protocol/kafka/headers.js";
import { joined, ZERO_UUID } from "../../../src/record/bytes.js";
import { batchOf, startBroker, type TestBroker } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { until } from "../../support/until.js";

const { Fetch, Metadata, Produce } = KAFKA_APIS;

let running: TestBroker;

beforeAll(async () => {
  running = await startBroker();
  await running.broker.context.registry.create("t", 1, {});
  await running.broker.context.registry.create("empty", 1, {});
});

afterAll(() => running[Symbol.asyncDispose]());

const connect = (): Promise<KafkaClient> => KafkaClient.connect(running.broker.port);

function produceOf(batches: number, topic = "t") {
  return {
    ...{ transactionalId: null, acks: -1, timeoutMs: 1_000 },
    topicData: [
      {
        ...{ name: topic, topicId: ZERO_UUID },
        partitionData: Array.from({ length: batches }, () => ({
          ...{ index: 0, records: [batchOf("v")] as const },
        })),
      },
    ],
  };
}

/** Asks for a partition, repeatedly, and waits up to a minute. */
function longFetch(topic: string, times: number) {
  const position = { partition: 0, fetchOffset: 0, logStartOffset: -1, partitionMaxBytes: 1_000 };
  const asked = { ...position, currentLeaderEpoch: -1, lastFetchedEpoch: -1 };
  return {
    ...{ replicaId: -1, maxWaitMs: 60_000, minBytes: 1, maxBytes: 1_000_000 },
    ...{ isolationLevel: 0, rackId: "", forgottenTopicsData: [] },
    ...{ sessionId: 0, sessionEpoch: -1 },
    topics: [
      {
        ...{ topic, topicId: ZERO_UUID },
        partitions: Array.from({ length: times }, () => asked),
      },
    ],
  };
}

test("what a client sends behind a waiting request takes none of the memory that requests share", async () => {
  using client = await connect();
  const { broker } = running;
  const waiting = client.send(Fetch, 4, longFetch("empty", 1));
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
  await other.call(Produce, 9, produceOf(1, "empty"));
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

const HEADER = { apiVersion: 4, correlationId: 1, clientId: "test" };

const KiB = 1024;
const SMALL = {
  ...{ maxBatchBytes: 8 * KiB, maxFrameBytes: 64 * KiB },
  ...{ maxConnectionBytes: 128 * KiB, maxInflightBytes: 512 * KiB },
};

test("what clients send behind waiting requests is limited over all connections", async () => {
  await using small = await startBroker(SMALL);
  const { broker } = small;
  await broker.context.registry.create("t", 1, {});
  const clients = await Promise.all(
    Array.from({ length: 12 }, () => KafkaClient.connect(broker.port)),
  );
  const names = Array.from({ length: 50 }, (_, i) => ({ name: `topic-${i}`, topicId: ZERO_UUID }));
  const behind = encodeRequest(Metadata, HEADER, {
    ...{ topics: names, allowAutoTopicCreation: false },
    ...{ includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false },
  });
  const waiting = encodeRequest(Fetch, HEADER, longFetch("t", 1));
  // In one write, so that the broker receives most of it at once.
  const all = joined([waiting, ...Array.from({ length: 80 }, () => behind)]);
  for (const { raw } of clients) raw.send(all);
  // How much of it the broker has read depends on the kernel. What it keeps must come below the limit in any case.
  const ended = (): number => clients.filter(({ raw }) => raw.ended).length;
  await until(() => broker.inflight.waits + ended() >= clients.length);
  await until(() => broker.inflight.keptBytes <= SMALL.maxInflightBytes / 2);
  for (const client of clients) client[Symbol.dispose]();
}, 30_000);

test("fetches of many partitions that wait for data don't keep others from beginning", async () => {
  await using small = await startBroker(SMALL);
  const { broker } = small;
  await broker.context.registry.create("t", 1, {});
  using first = await KafkaClient.connect(broker.port);
  using second = await KafkaClient.connect(broker.port);
  using third = await KafkaClient.connect(broker.port);
  first.send(Fetch, 4, longFetch("t", 300));
  await until(() => broker.inflight.waits === 1);
  // This one may not wait: together they would need more memory than waiting requests may.
  const { responses } = await second.call(Fetch, 4, longFetch("t", 300));
  expect(responses[0]?.partitions.length).toBe(300);
  const found = await third.call(Metadata, 4, {
    ...{ topics: [], allowAutoTopicCreation: false },
    ...{ includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false },
  });
  expect(found.brokers.length).toBe(1);
  expect(broker.inflight.waits).toBe(1);
});
