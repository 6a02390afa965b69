// Requests of Kafka's protocol that cost a broker much more than they cost their sender, for test/fairness.ts.
// Leaves to others: measuring the effect on another client.
import { KAFKA_APIS } from "../../src/protocol/kafka/apis.js";
import { decodeResponse, encodeRequest } from "../../src/protocol/kafka/headers.js";
import type { Api, Fields, ReadOf, WriteOf } from "../../src/protocol/kafka/schema.js";
import { ZERO_UUID } from "../../src/record/bytes.js";
import type { BrokerProcess } from "../support/binary.js";
import { batchOf } from "../support/broker.js";
import type { Heavy } from "./heavy-requests.js";
import { StuckClients } from "./stuck-clients.js";
import { concat } from "../support/bytes.js";

const TOPICS = 9_000;
const NAMES = Array.from({ length: TOPICS }, (_, i) => `topic-${String(i).padStart(5, "0")}`);

/** How long clients that never read are left alone, in milliseconds. */
const STUCK_MS = 5_000;

const NO_OPERATIONS = {
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
};

/** Connections that gather what they receive, without the copies of `RawClient`. */
async function ask(port: number, frame: Uint8Array): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const chunks: Uint8Array[] = [];
  let received = 0;
  let expected = Number.POSITIVE_INFINITY;
  let sent = 0;
  const pump = (socket: Bun.Socket): void => {
    sent += Math.max(0, socket.write(frame.subarray(sent)));
  };
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: pump,
      drain: pump,
      data(socket, chunk) {
        chunks.push(chunk);
        received += chunk.length;
        if (received === chunk.length) expected = 4 + new DataView(chunk.buffer).getUint32(0);
        if (received < expected) return;
        resolve(concat(chunks).subarray(4));
        socket.end();
      },
      close: () => reject(new Error("connection lost")),
    },
  });
  return await promise;
}

function frameOf<Q extends Fields, R extends Fields>(
  api: Api<Q, R>,
  request: WriteOf<Q>,
  apiVersion = api.max,
): Uint8Array {
  return encodeRequest(api, { apiVersion, correlationId: 1, clientId: "heavy" }, request);
}

/** Sends the same request on `count` connections together. */
async function together<Q extends Fields, R extends Fields>(
  { port }: BrokerProcess,
  count: number,
  api: Api<Q, R>,
  request: WriteOf<Q>,
  inspect?: (answer: ReadOf<R>) => string,
  version = api.max,
): Promise<string> {
  const frame = frameOf(api, request, version);
  const beganMs = performance.now();
  const answers = await Promise.all(
    Array.from({ length: count }, () =>
      ask(port, frame).then(
        (payload) =>
          `${payload.length} bytes ${inspect?.(decodeResponse(api, version, payload).value) ?? ""}`,
        (error: Error) => error.message,
      ),
    ),
  );
  const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1);
  return `answers in ${seconds} s: ${[...new Set(answers)].join(", ")}`;
}

function newTopics(names: readonly string[], validateOnly: boolean) {
  return {
    topics: names.map((name) => ({
      ...{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
    })),
    ...{ timeoutMs: 300_000, validateOnly },
  };
}

async function createTopics(broker: BrokerProcess): Promise<void> {
  const note = await together(
    broker,
    1,
    KAFKA_APIS.CreateTopics,
    newTopics(NAMES, false),
    (it) => String(it.topics.filter(({ errorCode }) => errorCode !== 0).length),
    4,
  );
  if (!note.endsWith(" 0")) throw new Error(`topics were not created: ${note}`);
}

async function createOne(broker: BrokerProcess): Promise<void> {
  await together(broker, 1, KAFKA_APIS.CreateTopics, newTopics(["t"], false));
}

const ALL_METADATA = { topics: null, allowAutoTopicCreation: false, ...NO_OPERATIONS };

function times<Item>(count: number, item: (i: number) => Item): Item[] {
  return Array.from({ length: count }, (_, i) => item(i));
}

const position = (partition: number) => ({
  ...{ partition, currentLeaderEpoch: -1, fetchOffset: 0, lastFetchedEpoch: -1 },
  ...{ logStartOffset: -1, partitionMaxBytes: 1_000_000 },
});

const fetchOf = (topics: readonly { readonly topic: string; readonly partitions: number[] }[]) => ({
  ...{ replicaId: -1, maxWaitMs: 500, minBytes: 1, maxBytes: 1_000_000, isolationLevel: 0 },
  ...{ sessionId: 0, sessionEpoch: -1, rackId: "", forgottenTopicsData: [], clusterId: null },
  topics: topics.map(({ topic, partitions }) => ({
    ...{ topic, topicId: ZERO_UUID, partitions: partitions.map(position) },
  })),
});

const onAll: Pick<Heavy, "args" | "prepare"> = {
  args: ["--flush", "never"],
  prepare: createTopics,
};
const onOne: Pick<Heavy, "args" | "prepare"> = { args: ["--flush", "never"], prepare: createOne };

/** All kinds. */
export const HEAVY_KAFKA: readonly Heavy[] = [
  {
    ...{ name: "kafka: CreateTopics of 9,000 topics", args: ["--flush", "never"] },
    prepare: async () => {},
    run: (broker) => together(broker, 1, KAFKA_APIS.CreateTopics, newTopics(NAMES, false)),
  },
  {
    ...{ name: "kafka: 4 x CreateTopics of 9,000 topics, validate only", prepare: async () => {} },
    run: (broker) => together(broker, 4, KAFKA_APIS.CreateTopics, newTopics(NAMES, true)),
  },
  {
    ...{ name: "kafka: 8 x Metadata of 9,000 topics", ...onAll },
    run: (broker) => together(broker, 8, KAFKA_APIS.Metadata, ALL_METADATA),
  },
  {
    ...{
      name: "kafka: 1,000 connections that never read their Metadata of 9,000 topics",
      ...onAll,
    },
    async run({ port }) {
      using stuck = await StuckClients.connect(port, 1_000, (client) => {
        client.pause();
        client.send(frameOf(KAFKA_APIS.Metadata, ALL_METADATA));
      });
      await Bun.sleep(STUCK_MS);
      return `${stuck.ended} connections were closed`;
    },
  },
  {
    ...{ name: "kafka: 4 x DescribeConfigs of 9,000 topics", ...onAll },
    run: (broker) =>
      together(broker, 4, KAFKA_APIS.DescribeConfigs, {
        resources: NAMES.map((resourceName) => ({
          ...{ resourceType: 2, resourceName, configurationKeys: null },
        })),
        ...{ includeSynonyms: true, includeDocumentation: true },
      }),
  },
  {
    ...{ name: "kafka: 8 x DescribeLogDirs of 9,000 topics", ...onAll },
    run: (broker) => together(broker, 8, KAFKA_APIS.DescribeLogDirs, { topics: null }),
  },
  {
    ...{ name: "kafka: 8 x ElectLeaders of 9,000 topics", ...onAll },
    run: (broker) =>
      together(broker, 8, KAFKA_APIS.ElectLeaders, {
        ...{ electionType: 0, topicPartitions: null, timeoutMs: 1_000 },
      }),
  },
  {
    ...{ name: "kafka: 8 x DescribeTopicPartitions of 9,000 topics", ...onAll },
    run: (broker) =>
      together(broker, 8, KAFKA_APIS.DescribeTopicPartitions, {
        ...{ topics: [], responsePartitionLimit: 2_000, cursor: null },
      }),
  },
  {
    ...{ name: "kafka: 8 x ListOffsets of one partition, 99,000 times", ...onOne },
    run: (broker) =>
      together(broker, 8, KAFKA_APIS.ListOffsets, {
        ...{ replicaId: -1, isolationLevel: 0, timeoutMs: 1_000 },
        topics: [
          {
            name: "t",
            partitions: times(99_000, () => ({
              ...{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 },
            })),
          },
        ],
      }),
  },
  {
    ...{ name: "kafka: 8 x OffsetForLeaderEpoch of one partition, 99,000 times", ...onOne },
    run: (broker) =>
      together(broker, 8, KAFKA_APIS.OffsetForLeaderEpoch, {
        ...{ replicaId: -1 },
        topics: [
          {
            topic: "t",
            partitions: times(99_000, () => ({
              ...{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 },
            })),
          },
        ],
      }),
  },
  {
    ...{ name: "kafka: 8 x Fetch of one partition, 9,999 times", ...onOne },
    run: ({ port }) => manyFetches(port, 8, [{ topic: "t", partitions: times(9_999, () => 0) }]),
  },
  {
    ...{ name: "kafka: 8 x Fetch of 9,000 topics", ...onAll },
    run: ({ port }) =>
      manyFetches(
        port,
        8,
        NAMES.map((topic) => ({ topic, partitions: [0] })),
      ),
  },
  {
    ...{ name: "kafka: 4 x Produce of 9,999 batches for one partition", ...onOne },
    run: (broker) =>
      together(
        broker,
        4,
        KAFKA_APIS.Produce,
        produceOf(9_999, "t"),
        (it) => String(it.responses[0]?.partitionResponses[0]?.errorCode),
        9,
      ),
  },
  {
    ...{ name: "kafka: 100 x Fetch of one partition, 9,999 times, that waits", ...onOne },
    async run({ port }) {
      const topics = [{ topic: "t", partitions: times(9_999, () => 0) }];
      const frame = frameOf(KAFKA_APIS.Fetch, { ...fetchOf(topics), maxWaitMs: 60_000 }, 12);
      using stuck = await StuckClients.connect(port, 100, (client) => client.send(frame));
      await Bun.sleep(STUCK_MS);
      const answer = await ask(port, frameOf(KAFKA_APIS.Metadata, ALL_METADATA));
      return `${stuck.ended} connections were closed; another got ${answer.length} bytes of Metadata`;
    },
  },
  {
    ...{ name: "kafka: AlterConfigs of 9,000 topics", ...onAll },
    run: (broker) =>
      together(broker, 1, KAFKA_APIS.AlterConfigs, {
        resources: NAMES.map((resourceName) => ({
          ...{ resourceType: 2, resourceName, configs: [{ name: "retention.ms", value: "1000" }] },
        })),
        validateOnly: false,
      }),
  },
  {
    ...{ name: "kafka: DeleteRecords of 9,000 topics", ...onAll },
    run: (broker) =>
      together(broker, 1, KAFKA_APIS.DeleteRecords, {
        topics: NAMES.map((name) => ({ name, partitions: [{ partitionIndex: 0, offset: -1 }] })),
        timeoutMs: 60_000,
      }),
  },
  {
    ...{ name: "kafka: DeleteTopics of 9,000 topics", ...onAll },
    run: (broker) =>
      together(broker, 1, KAFKA_APIS.DeleteTopics, {
        ...{ topics: NAMES.map((name) => ({ name, topicId: ZERO_UUID })), topicNames: [] },
        timeoutMs: 60_000,
      }),
  },
  {
    ...{ name: "kafka: 100 connections with 4,096 Metadata requests of 100 topics each", ...onAll },
    async run({ port }) {
      const some = {
        ...ALL_METADATA,
        topics: NAMES.slice(0, 100).map((name) => ({ name, topicId: ZERO_UUID })),
      };
      const frames = concat(times(4_096, () => frameOf(KAFKA_APIS.Metadata, some)));
      using stuck = await StuckClients.connect(port, 100, (client) => {
        client.send(frames);
      });
      await Bun.sleep(STUCK_MS);
      return `${stuck.ended} connections were closed`;
    },
  },
];

function produceOf(count: number, name: string) {
  const records = [batchOf("v")] as const;
  return {
    ...{ transactionalId: null, acks: -1, timeoutMs: 10_000 },
    topicData: [
      { name, topicId: ZERO_UUID, partitionData: times(count, () => ({ index: 0, records })) },
    ],
  };
}

async function manyFetches(
  port: number,
  count: number,
  topics: readonly { readonly topic: string; readonly partitions: number[] }[],
): Promise<string> {
  const frame = frameOf(KAFKA_APIS.Fetch, fetchOf(topics), 12);
  const answers = await Promise.all(
    times(count, () =>
      ask(port, frame).then(
        (payload) => `${payload.length} bytes`,
        (error: Error) => error.message,
      ),
    ),
  );
  return `answers: ${[...new Set(answers)].join(", ")}`;
}
