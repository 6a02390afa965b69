// kafkajs as a `TestedClient`, in this process. Its consumer always joins a group, so records are read with the fetch of
// its brokers, which is what its consumer calls. The codecs that it lacks are plugged in as its documentation says.
import { type CompressionAlgorithmValue, compressionsAlgorithms } from "@platformatic/kafka";
import { readFileSync } from "node:fs";
import {
  CompressionCodecs,
  CompressionTypes,
  ConfigResourceTypes,
  Kafka,
  type KafkaConfig,
  logLevel,
  type SASLOptions,
} from "kafkajs";
import manifest from "kafkajs/package.json" with { type: "json" };
import {
  Absent,
  type TestedClient,
  KafkaError,
  type ReadRecord,
  type TestHeader,
  withErrorCodes,
} from "./client.js";
import { currentToken, type Login } from "./login.js";

const TOPIC_ALREADY_EXISTS = 36;

/** How long a call may take before it fails. */
const TIMEOUT_MS = 20_000;

/** The parts of kafkajs' cluster that its consumer uses, which have no types of their own. */
interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  findLeaderForPartitions(topic: string, partitions: number[]): Record<string, number[]>;
  findBroker(of: { nodeId: string }): Promise<FetchingBroker>;
}

interface FetchingBroker {
  fetch(request: {
    maxWaitTime: number;
    topics: {
      topic: string;
      partitions: { partition: number; fetchOffset: string; maxBytes: number }[];
    }[];
  }): Promise<{ responses: { partitions: { messages: FetchedMessage[] }[] }[] }>;
}

interface FetchedMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | null | (Buffer | null)[]>>;
}

const TYPES = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
} as const;

for (const name of ["snappy", "lz4", "zstd"] as const) {
  CompressionCodecs[TYPES[name]] = () => plugIn(name);
}

function plugIn(name: CompressionAlgorithmValue): {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
} {
  const codec = compressionsAlgorithms[name];
  return {
    compress: async ({ buffer }) => codec.compressSync(buffer),
    decompress: async (buffer) => codec.decompressSync(buffer),
  };
}

/** How to connect and to log in, as its documentation says. */
export function kafkajsSecurity(login: Login): Pick<KafkaConfig, "ssl" | "sasl"> {
  const { mechanism, user: username = "", password = "", ca, cert, key } = login;
  const ssl = ca !== undefined && {
    ca: readFileSync(ca, "utf8"),
    ...(cert !== undefined && key !== undefined
      ? { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") }
      : {}),
  };
  const sasl = ((): SASLOptions | undefined => {
    switch (mechanism) {
      case undefined:
        return undefined;
      case "PLAIN":
        return { mechanism: "plain", username, password };
      case "SCRAM-SHA-256":
        return { mechanism: "scram-sha-256", username, password };
      case "SCRAM-SHA-512":
        return { mechanism: "scram-sha-512", username, password };
      case "OAUTHBEARER":
        return {
          mechanism: "oauthbearer",
          oauthBearerProvider: async () => ({ value: currentToken(login) }),
        };
    }
  })();
  return { ssl, ...(sasl === undefined ? {} : { sasl }) };
}

/** Connects kafkajs to a broker. */
export async function connectKafkajs(broker: string, login: Login = {}): Promise<TestedClient> {
  const kafka = new Kafka({
    clientId: "kafkajs-test",
    brokers: [broker],
    ...kafkajsSecurity(login),
    logLevel: logLevel.NOTHING,
    requestTimeout: TIMEOUT_MS,
    retry: { retries: 1, initialRetryTime: 50 },
  });
  const admin = kafka.admin();
  await admin.connect();
  const offset: TestedClient["offset"] = async (topic, partition, at) => {
    if (at === "max") throw new Absent();
    if (typeof at === "number") {
      const found = await admin.fetchTopicOffsetsByTimestamp(topic, at);
      return Number(found.find((one) => one.partition === partition)?.offset ?? -1);
    }
    const found = (await admin.fetchTopicOffsets(topic)).find((one) => one.partition === partition);
    return Number((at === "earliest" ? found?.low : found?.high) ?? -1);
  };
  return withErrorCodes(
    {
      version: async () => manifest.version,
      create: async (topic, partitions, configs = {}) => {
        const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
        const topics = [{ topic, numPartitions: partitions, configEntries }];
        if (await admin.createTopics({ topics })) return;
        throw new KafkaError(TOPIC_ALREADY_EXISTS, "createTopics returned false");
      },
      partitions: async (topic) => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
        return topics[0]?.partitions.length ?? 0;
      },
      addPartitions: async (topic, count) => {
        await admin.createPartitions({ topicPartitions: [{ topic, count }] });
      },
      delete: async (topic) => {
        await admin.deleteTopics({ topics: [topic] });
      },
      produce: async (topic, records, { codec = "none", acks = -1, idempotent = false } = {}) => {
        const producer = kafka.producer({
          idempotent,
          createPartitioner: () => (chosen) => chosen.message.partition ?? 0,
          allowAutoTopicCreation: false,
        });
        await producer.connect();
        try {
          const messages = records.map(({ key, value, partition, timestamp, headers }) => ({
            key,
            value,
            partition,
            timestamp: `${timestamp}`,
            headers: groupHeaders(headers),
          }));
          const results = await producer.send({ topic, acks, compression: TYPES[codec], messages });
          if (acks === 0) return [];
          const next = new Map(
            results.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]),
          );
          return records.map(({ partition }) => {
            const assigned = next.get(partition) ?? Number.NaN;
            next.set(partition, assigned + 1);
            return assigned;
          });
        } finally {
          await producer.disconnect();
        }
      },
      consume: async (topic, partition, from, count, ready) => {
        let next = from === "latest" ? await offset(topic, partition, "latest") : from;
        ready?.();
        const cluster = await connectCluster(kafka);
        try {
          await cluster.addTargetTopic(topic);
          const [nodeId = ""] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
          const broker = await cluster.findBroker({ nodeId });
          const records: ReadRecord[] = [];
          const deadline = Date.now() + TIMEOUT_MS;
          while (records.length < count) {
            if (Date.now() > deadline) throw new Error(`${records.length} of ${count} records`);
            const partitions = [{ partition, fetchOffset: `${next}`, maxBytes: 1024 * 1024 }];
            const { responses } = await broker.fetch({
              maxWaitTime: 500,
              topics: [{ topic, partitions }],
            });
            for (const message of responses[0]?.partitions[0]?.messages ?? []) {
              if (Number(message.offset) < next) continue;
              next = Number(message.offset) + 1;
              if (records.length < count) records.push(readMessage(partition, message));
            }
          }
          return records;
        } finally {
          await cluster.disconnect();
        }
      },
      offset,
      configs: async (topic) => {
        const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }];
        const described = await admin.describeConfigs({ resources, includeSynonyms: false });
        const entries = described.resources[0]?.configEntries ?? [];
        return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
      },
      setConfig: async (topic, name, value) => {
        const resource = {
          type: ConfigResourceTypes.TOPIC,
          name: topic,
          configEntries: [{ name, value }],
        };
        await admin.alterConfigs({ validateOnly: false, resources: [resource] });
      },
      deleteRecords: async (topic, partition, before) => {
        // It does not look up where the partitions are.
        await admin.fetchTopicOffsets(topic);
        await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: `${before}` }] });
        return undefined;
      },
      brokers: async () => {
        const { brokers } = await admin.describeCluster();
        return brokers.map(({ nodeId, host, port }) => `${nodeId} ${host}:${port}`);
      },
      close: async () => {
        await admin.disconnect();
      },
    },
    codeOf,
  );
}

/** A cluster as `kafka.consumer()` makes it. */
async function connectCluster(kafka: Kafka): Promise<Cluster> {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === "private:Kafka:createCluster",
  );
  if (symbol === undefined) throw new Error("this version of kafkajs makes its clusters otherwise");
  const create: (options: object) => Cluster = Reflect.get(kafka, symbol);
  const cluster = create({ metadataMaxAge: 300_000, allowAutoTopicCreation: false });
  await cluster.connect();
  return cluster;
}

function groupHeaders(headers: readonly TestHeader[]): Record<string, Buffer | Buffer[]> {
  const grouped: Record<string, Buffer | Buffer[]> = {};
  for (const { name, value } of headers) {
    if (value === null) throw new Absent();
    const before = grouped[name];
    grouped[name] = before === undefined ? value : [before, value].flat();
  }
  return grouped;
}

function readMessage(partition: number, message: FetchedMessage): ReadRecord {
  const headers = Object.entries(message.headers).flatMap(([name, value]) =>
    [value].flat().map((one) => ({ name, value: one })),
  );
  const { key, value } = message;
  return {
    partition,
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    key,
    value,
    headers,
  };
}

interface MaybeNested {
  readonly code?: unknown;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
  readonly partitions?: readonly { readonly error?: unknown }[];
}

function codeOf(error: MaybeNested): number {
  if (typeof error.code === "number") return error.code;
  const inner = error.cause ?? error.errors?.[0] ?? error.partitions?.[0]?.error;
  return typeof inner === "object" && inner !== null ? codeOf(inner) : 0;
}
