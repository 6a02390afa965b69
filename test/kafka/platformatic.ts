// @platformatic/kafka as a `TestedClient`, in this process. Its stream of messages always joins a group, so records are
// read with `consumer.fetch`, which that stream calls.
import {
  Admin,
  type ConnectionOptions,
  Consumer,
  IncrementalAlterConfigOperationTypes,
  ListOffsetTimestamps,
  Producer,
  type RecordsBatch,
  ConfigResourceTypes,
} from "@platformatic/kafka";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestedClient, type OffsetAt, type ReadRecord, withErrorCodes } from "./client.js";
import { currentToken, type Login } from "./login.js";

// Its package does not export its manifest.
const MANIFEST = join(import.meta.dir, "../../node_modules/@platformatic/kafka/package.json");
const VERSION: string = JSON.parse(readFileSync(MANIFEST, "utf8")).version;

const UNKNOWN_TOPIC_OR_PARTITION = 3;
const SASL_AUTHENTICATION_FAILED = 58;

/** How long a call may take before it fails. */
const TIMEOUT_MS = 20_000;

/** How to connect and to log in, as its documentation says. */
export function platformaticSecurity(login: Login): Pick<ConnectionOptions, "tls" | "sasl"> {
  const { mechanism, user, password, ca, cert, key } = login;
  return {
    ...(ca === undefined
      ? {}
      : {
          tls: {
            ca: readFileSync(ca),
            ...(cert !== undefined && key !== undefined
              ? { cert: readFileSync(cert), key: readFileSync(key) }
              : {}),
          },
        }),
    ...(mechanism === undefined
      ? {}
      : {
          sasl:
            mechanism === "OAUTHBEARER"
              ? { mechanism, token: () => currentToken(login) }
              : { mechanism, username: user ?? "", password: password ?? "" },
        }),
  };
}

/** Connects @platformatic/kafka to a broker. */
export async function connectPlatformatic(
  broker: string,
  login: Login = {},
): Promise<TestedClient> {
  const options = {
    clientId: "platformatic-test",
    bootstrapBrokers: [broker],
    ...platformaticSecurity(login),
    retries: 3,
    retryDelay: 50,
    timeout: TIMEOUT_MS,
  };
  const admin = new Admin(options);
  const offset = async (topic: string, partition: number, at: OffsetAt): Promise<number> => {
    const partitions = [{ partitionIndex: partition, timestamp: timestampOf(at) }];
    const listed = await admin.listOffsets({ topics: [{ name: topic, partitions }] });
    return Number(listed[0]?.partitions[0]?.offset ?? -1);
  };
  return withErrorCodes(
    {
      version: async () => VERSION,
      create: async (topic, partitions, configs = {}) => {
        const list = Object.entries(configs).map(([name, value]) => ({ name, value }));
        await admin.createTopics({ topics: [topic], partitions, replicas: 1, configs: list });
      },
      partitions: async (topic) => {
        const metadata = await admin.metadata({ topics: [topic], forceUpdate: true });
        return metadata.topics.get(topic)?.partitionsCount ?? 0;
      },
      addPartitions: async (topic, count) => {
        await admin.createPartitions({ topics: [{ name: topic, count }] });
      },
      delete: async (topic) => {
        await admin.deleteTopics({ topics: [topic] });
      },
      produce: async (topic, records, { codec = "none", acks = -1, idempotent = false } = {}) => {
        const producer = new Producer({ ...options, idempotent, autocreateTopics: false });
        try {
          const messages = records.map(({ key, value, partition, timestamp, headers }) => ({
            topic,
            partition,
            timestamp: BigInt(timestamp),
            // Its types know no null, but it sends null as null.
            key: key as Buffer,
            value: value as Buffer,
            headers: new Map(
              headers.map(({ name, value: content }) => [Buffer.from(name), content as Buffer]),
            ),
          }));
          const { offsets } = await producer.send({ messages, acks, compression: codec });
          if (acks === 0) return [];
          const next = new Map(offsets?.map((one) => [one.partition, Number(one.offset)]));
          return records.map(({ partition }) => {
            const assigned = next.get(partition) ?? Number.NaN;
            next.set(partition, assigned + 1);
            return assigned;
          });
        } finally {
          await producer.close();
        }
      },
      consume: async (topic, partition, from, count, ready) => {
        let next = from === "latest" ? await offset(topic, partition, "latest") : from;
        ready?.();
        // Each with fetch sessions of its own: a failed fetch leaves one unusable.
        const consumer = new Consumer({ ...options, groupId: "unused" });
        try {
          consumer.topics.track(topic);
          const metadata = await consumer.metadata({ topics: [topic], forceUpdate: true });
          const topicId = metadata.topics.get(topic)?.id ?? "";
          const records: ReadRecord[] = [];
          const deadline = Date.now() + TIMEOUT_MS;
          while (records.length < count) {
            if (Date.now() > deadline) throw new Error(`${records.length} of ${count} records`);
            const asked = {
              partition,
              fetchOffset: BigInt(next),
              currentLeaderEpoch: -1,
              lastFetchedEpoch: -1,
              partitionMaxBytes: 1024 * 1024,
            };
            const { responses } = await consumer.fetch({
              node: metadata.controllerId,
              maxWaitTime: 500,
              topics: [{ topicId, partitions: [asked] }],
            });
            const batches = responses[0]?.partitions[0]?.records ?? [];
            for (const record of batches.flatMap((batch) => readBatch(partition, batch))) {
              if (record.offset < next) continue;
              next = record.offset + 1;
              if (records.length < count) records.push(record);
            }
          }
          return records;
        } finally {
          await consumer.close(true);
        }
      },
      offset,
      configs: async (topic) => {
        const resources = [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }];
        const [described] = await admin.describeConfigs({ resources });
        return new Map(described?.configs.map(({ name, value }) => [name, value ?? ""]));
      },
      setConfig: async (topic, name, value) => {
        const configs = [
          { name, value, configOperation: IncrementalAlterConfigOperationTypes.SET },
        ];
        const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configs };
        await admin.incrementalAlterConfigs({ resources: [resource] });
      },
      deleteRecords: async (topic, partition, before) => {
        const partitions = [{ partition, offset: BigInt(before) }];
        const [deleted] = await admin.deleteRecords({ topics: [{ name: topic, partitions }] });
        return Number(deleted?.partitions[0]?.lowWatermark);
      },
      brokers: async () => {
        const { brokers } = await admin.metadata({ topics: [], forceUpdate: true });
        return [...brokers].map(([id, { host, port }]) => `${id} ${host}:${port}`);
      },
      close: async () => {
        await admin.close();
      },
    },
    codeOf,
  );
}

function timestampOf(at: OffsetAt): bigint {
  if (at === "earliest") return ListOffsetTimestamps.EARLIEST;
  if (at === "latest") return ListOffsetTimestamps.LATEST;
  if (at === "max") return ListOffsetTimestamps.MAX;
  return BigInt(at);
}

function readBatch(partition: number, batch: RecordsBatch): ReadRecord[] {
  return batch.records.map(({ offsetDelta, timestampDelta, key, value, headers }) => ({
    partition,
    offset: Number(batch.firstOffset) + offsetDelta,
    timestamp: Number(batch.firstTimestamp + timestampDelta),
    key,
    value,
    headers: headers.map(([name, content]) => ({ name: `${name}`, value: content })),
  }));
}

interface MaybeNested {
  readonly message?: string;
  readonly apiCode?: unknown;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
}

function codeOf(error: MaybeNested): number {
  if (typeof error.apiCode === "number") return error.apiCode;
  if (/authenticat/i.test(error.message ?? "")) return SASL_AUTHENTICATION_FAILED;
  // It hides the broker's code behind an error of its own.
  if (error.message?.startsWith("Unknown topic")) return UNKNOWN_TOPIC_OR_PARTITION;
  // One for each attempt.
  for (const inner of error.errors ?? [error.cause]) {
    const code = typeof inner === "object" && inner !== null ? codeOf(inner) : 0;
    if (code !== 0) return code;
  }
  return 0;
}
