// Quotas over real sockets. The rates are so low that no wait ends during a test, and none is waited for.
import { expect, test } from "bun:test";
import { Fetch as KafkaFetch } from "../../src/protocol/kafka/fetch.js";
import { Metadata } from "../../src/protocol/kafka/metadata.js";
import { Produce as KafkaProduce } from "../../src/protocol/kafka/produce.js";
import { CreateTopics, DeleteTopics } from "../../src/protocol/kafka/topics.js";
import { CreateTopic, DescribeTopic } from "../../src/protocol/native/topics.js";
import { ZERO_UUID } from "../../src/record/bytes.js";
import type { QuotaEntity, QuotaValues } from "../../src/security/quota.js";
import { Authenticate } from "../../src/protocol/native/authenticate.js";
import {
  batchOf,
  errorOf,
  pingFrame,
  type Session,
  startBroker,
  type TestBroker,
} from "../support/broker.js";
import { KafkaClient } from "../support/kafka-client.js";
import { until } from "../support/until.js";
import { encodeProduceRequest } from "../support/whole-frames.js";
import { createCredential } from "../support/credentials.js";

async function setQuota(
  { broker }: TestBroker,
  entity: QuotaEntity,
  values: QuotaValues,
): Promise<void> {
  await broker.context.quotas.change(() => [{ entity, values }]);
}

const EVERYONE = { user: null };
const ONE_BYTE = { producer_byte_rate: 1 };

/** Produces more than a window of a byte per second; the connection is muted afterwards. */
async function overuse(running: TestBroker, session: Session): Promise<void> {
  const before = running.broker.mutedConnections;
  expect(await session.produce("t", 0, batchOf("x".repeat(100)))).toBeGreaterThanOrEqual(0);
  expect(running.broker.mutedConnections).toBe(before + 1);
}

/** Resolves when the broker has handled all that arrived before. */
async function settle(running: TestBroker): Promise<void> {
  using other = await running.session();
  for (let i = 0; i < 3; i++) await other.ping();
}

test("who uses too much is answered, and served again when its quota is lifted", async () => {
  await using running = await startBroker();
  await setQuota(running, EVERYONE, ONE_BYTE);
  using session = await running.session();
  await overuse(running, session);
  const received = session.client.bytesReceived;
  const ping = session.ping();
  await settle(running);
  expect(session.client.bytesReceived).toBe(received);
  await setQuota(running, EVERYONE, {});
  await ping;
  expect(running.broker.mutedConnections).toBe(0);
  expect([...running.broker.metrics.throttles.keys()]).toEqual(["ANONYMOUS"]);
  expect(running.broker.metrics.throttles.get("ANONYMOUS")!.requests).toBe(1);
});

test("a Kafka client is told how long it has to wait, by its client id", async () => {
  await using running = await startBroker();
  await setQuota(running, { "client-id": "test" }, { producer_byte_rate: 10 });
  using client = await KafkaClient.connect(running.broker.port);
  const records: [Uint8Array] = [batchOf("x".repeat(1_000))];
  const request = {
    ...{ transactionalId: null, acks: 1, timeoutMs: 1_000 },
    topicData: [{ name: "t", topicId: "", partitionData: [{ index: 0, records }] }],
  };
  const { throttleTimeMs } = await client.call(KafkaProduce, 9, request as never);
  // About 1,100 bytes, of which a window of 11 s pays 110.
  expect(throttleTimeMs).toBeGreaterThan(90_000);
  expect(throttleTimeMs).toBeLessThan(110_000);
  expect(running.broker.mutedConnections).toBe(1);
});

test("a fetch counts the bytes that it sends, and returns no more than a second's worth", async () => {
  await using running = await startBroker();
  using session = await running.session();
  for (let i = 0; i < 20; i++) await session.produce("t", 0, batchOf("x".repeat(100)));
  await setQuota(running, EVERYONE, { consumer_byte_rate: 400 });
  const { batches } = await session.fetch({ topic: "t" });
  expect(batches.length).toBeLessThanOrEqual(400);
  expect(running.broker.mutedConnections).toBe(0);
  const fetched = { topic: "t", offset: 20, maxWaitMs: 20, minBytes: 1 };
  for (let i = 0; i < 5; i++) await session.fetch(fetched);
  expect(running.broker.mutedConnections).toBe(0);
  for (let i = 0; i < 15 && running.broker.mutedConnections === 0; i++) {
    await session.fetch({ topic: "t" });
  }
  expect(running.broker.mutedConnections).toBe(1);
  using kafka = await KafkaClient.connect(running.broker.port);
  const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 };
  const { throttleTimeMs } = await kafka.call(KafkaFetch, 11, {
    ...{ maxWaitMs: 0, minBytes: 1, maxBytes: 1_000_000, isolationLevel: 0 },
    ...{ sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [], rackId: "" },
    topics: [{ topic: "t", partitions: [partition] }],
  } as never);
  expect(throttleTimeMs).toBeGreaterThan(0);
});

test("a muted connection keeps little of what is sent ahead, and is not idle", async () => {
  await using running = await startBroker({ idleTimeoutMs: 40 });
  await setQuota(running, EVERYONE, ONE_BYTE);
  using session = await running.session();
  await overuse(running, session);
  using idle = await running.session();
  const batch = batchOf("x".repeat(1024 * 1024));
  for (let i = 0; i < 4; i++) {
    session.client.send(encodeProduceRequest(10 + i, { topic: "t", partition: 0, batch }));
  }
  await idle.client.closed;
  await until(() => running.broker.inflight.keptBytes > 0);
  expect(running.broker.inflight.keptBytes).toBeLessThanOrEqual(1024 * 1024);
  expect(running.broker.inflight.workingBytes).toBe(0);
  expect(running.broker.mutedConnections).toBe(1);
});

test("a muted connection ends when its client leaves, when the broker stops, and with its login", async () => {
  await using running = await startBroker();
  await setQuota(running, EVERYONE, ONE_BYTE);
  {
    using leaving = await running.session();
    await overuse(running, leaving);
    leaving.client.close();
    await leaving.client.closed;
  }
  using revoked = await running.session();
  await overuse(running, revoked);
  const credentials = { "SCRAM-SHA-256": await createCredential("SCRAM-SHA-256", "s3cret") };
  await running.broker.context.security.change(() => ({
    usersSet: [{ name: "ann", credentials }],
  }));
  await revoked.client.closed;
  await running.broker.context.security.change(() => ({ usersDeleted: ["ann"] }));
  using stopped = await running.session();
  await overuse(running, stopped);
  await running.broker.stop();
  await stopped.client.closed;
});

test("time counts as a percentage, whatever the request, and waits for it are short", async () => {
  await using running = await startBroker();
  await setQuota(running, EVERYONE, { request_percentage: 1e-9 });
  using client = await KafkaClient.connect(running.broker.port);
  const request = {
    ...{ topics: null, allowAutoTopicCreation: false },
    ...{ includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false },
  };
  const ask = async () => (await client.call(Metadata, 9, request)).throttleTimeMs;
  // What a request took may be known only after its answer.
  expect((await ask()) || (await ask())).toBe(1_000);
});

test("topics are created and deleted at a limited rate, in both protocols", async () => {
  await using running = await startBroker();
  await setQuota(running, EVERYONE, { controller_mutation_rate: 1e-6 });
  using session = await running.session();
  const create = (topic: string): Promise<unknown> =>
    session.call(
      (id) => CreateTopic.encodeRequest(id, { topic, partitions: 2, settings: [] }),
      (payload) => {
        const error = errorOf(payload);
        if (error !== undefined) throw new Error(error);
      },
    );
  await create("first");
  using client = await KafkaClient.connect(running.broker.port);
  const topic = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  const ask = async (version: number, name: string) => {
    const topics = [{ ...topic, name }];
    const response = await client.call(CreateTopics, version, {
      ...{ topics, timeoutMs: 1_000, validateOnly: false },
    });
    return [response.topics[0]!.errorCode, response.throttleTimeMs > 0];
  };
  expect(await ask(6, "second")).toEqual([89, true]);
  expect(running.broker.context.registry.find("second")).toBeUndefined();
  using old = await KafkaClient.connect(running.broker.port);
  const response = await old.call(DeleteTopics, 4, {
    ...{ topics: [], topicNames: ["first"], timeoutMs: 1_000 },
  });
  expect([response.responses[0]!.errorCode, response.throttleTimeMs > 0]).toEqual([0, true]);
  using other = await running.session();
  const frame = CreateTopic.encodeRequest(1, { topic: "third", partitions: 1, settings: [] });
  other.client.send(frame);
  expect(errorOf(await other.client.response(1))).toStartWith("THROTTLING_QUOTA_EXCEEDED");
});

test("topics created by use count for the rate, once, and their clients wait", async () => {
  await using running = await startBroker();
  await setQuota(running, EVERYONE, { controller_mutation_rate: 1e-6 });
  const wantWait = async (client: KafkaClient): Promise<boolean> => {
    const topics = [{ topicId: ZERO_UUID, name: "by-metadata" }];
    const response = await client.call(Metadata, 12, {
      ...{ topics, allowAutoTopicCreation: true },
      ...{ includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false },
    });
    expect(response.topics[0]?.errorCode).toBe(0);
    return response.throttleTimeMs > 0;
  };
  {
    using client = await KafkaClient.connect(running.broker.port);
    expect(await wantWait(client)).toBe(true);
  }
  {
    using client = await KafkaClient.connect(running.broker.port);
    expect(await wantWait(client)).toBe(false);
  }
  for (const name of ["by-produce", "by-description"]) {
    await setQuota(running, EVERYONE, { controller_mutation_rate: 2e-6 });
    await setQuota(running, EVERYONE, { controller_mutation_rate: 1e-6 });
    using session = await running.session();
    if (name === "by-produce") await session.produce(name, 0, batchOf("a"));
    else {
      await session.call(
        (id) => DescribeTopic.encodeRequest(id, { topic: name, createIfMissing: true }),
        DescribeTopic.decodeResponse,
      );
    }
    await until(() => running.broker.mutedConnections === 1);
    session.client.close();
    await until(() => running.broker.mutedConnections === 0);
  }
});

test("connections from one address are limited, in number and in rate, with a reason", async () => {
  await using running = await startBroker({ maxConnectionsPerIp: 2 });
  const refusal = async (): Promise<string | undefined> => {
    using session = await running.session();
    session.client.send(pingFrame(1));
    return errorOf(await session.client.response(0));
  };
  {
    using first = await running.session();
    using second = await running.session();
    await Promise.all([first.ping(), second.ping()]);
    expect(await refusal()).toBe("TOO_MANY_CONNECTIONS: connection limit of 127.0.0.1 reached (2)");
  }
  await until(() => running.broker.connections === 0);
  await setQuota(running, { ip: "127.0.0.1" }, { connection_creation_rate: 1 });
  for (let i = 0; i < 12; i++) {
    using session = await running.session();
    await session.ping();
    session.client.close();
    await session.client.closed;
  }
  expect(await refusal()).toContain("its quota connection_creation_rate (1/s)");
});

test("a user has a limited number of connections", async () => {
  await using running = await startBroker({ maxConnectionsPerUser: 1 });
  const credentials = { "SCRAM-SHA-256": await createCredential("SCRAM-SHA-256", "s3cret") };
  await running.broker.context.security.change(() => ({
    usersSet: [{ name: "ann", credentials }],
  }));
  const logIn = async (session: Session): Promise<void> => {
    const message = Buffer.from("\0ann\0s3cret");
    await session.call(
      (id) => Authenticate.encodeRequest(id, { mechanism: "PLAIN", message }),
      Authenticate.decodeResponse,
    );
  };
  using first = await running.session();
  await logIn(first);
  await first.ping();
  using second = await running.session();
  await logIn(second);
  second.client.send(pingFrame(9));
  expect(errorOf(await second.client.response(0))).toBe(
    "TOO_MANY_CONNECTIONS: connection limit of user 'ann' reached (1)",
  );
  await first.ping();
});
