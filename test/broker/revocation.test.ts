// A login that does not hold any more ends its connections, whatever they are waiting for.
import { expect, test } from "bun:test";
import { Fetch as KafkaFetch } from "../../src/protocol/kafka/fetch.js";
import { JoinGroup } from "../../src/protocol/kafka/groups.js";
import { SaslAuthenticate, SaslHandshake } from "../../src/protocol/kafka/sasl.js";
import { Authenticate } from "../../src/protocol/native/authenticate.js";
import { Fetch } from "../../src/protocol/native/fetch.js";
import { ZERO_UUID } from "../../src/record/bytes.js";
import type { Acl } from "../../src/security/acl.js";
import { batchOf, type Session, startBroker, type TestBroker } from "../support/broker.js";
import { ManualClock } from "../support/manual-clock.js";
import { KafkaClient } from "../support/kafka-client.js";
import { until } from "../support/until.js";
import { createCredential } from "../support/credentials.js";

function allow(resourceType: "TOPIC" | "GROUP"): Acl {
  return {
    ...{ resourceType, resourceName: "*", patternType: "LITERAL" },
    ...{ principal: "User:ann", host: "*", operation: "ALL", permissionType: "ALLOW" },
  };
}

/** Adds ann, or changes her password. */
async function setAnn({ broker }: TestBroker, password: string): Promise<void> {
  const credential = await createCredential("SCRAM-SHA-256", password);
  await broker.context.security.change(() => ({
    usersSet: [
      { name: "ann", credentials: { "SCRAM-SHA-256": credential } },
      { name: "bob", credentials: { "SCRAM-SHA-256": credential } },
    ],
    aclsAdded: [allow("TOPIC"), allow("GROUP")],
  }));
}

const MESSAGE = Buffer.from("\0ann\0s3cret");

async function nativeSession(running: TestBroker): Promise<Session> {
  const session = await running.session();
  const request = { mechanism: "PLAIN", message: MESSAGE };
  await session.call((id) => Authenticate.encodeRequest(id, request), Authenticate.decodeResponse);
  return session;
}

async function kafkaClient({ broker }: TestBroker): Promise<KafkaClient> {
  const client = await KafkaClient.connect(broker.port);
  await client.call(SaslHandshake, 1, { mechanism: "PLAIN" });
  await client.call(SaslAuthenticate, 2, { authBytes: MESSAGE });
  return client;
}

const WAITING_FETCH = {
  ...{ group: "", topic: "t", partition: 0, offset: 1 },
  ...{ maxBytes: 1_000_000, minBytes: 1, maxWaitMs: 60_000 },
};

function kafkaFetch(topic: string) {
  const partition = { partition: 0, fetchOffset: 1, partitionMaxBytes: 1_000_000 };
  return {
    ...{ replicaId: -1, maxWaitMs: 60_000, minBytes: 1, maxBytes: 1_000_000, isolationLevel: 0 },
    ...{ sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [], rackId: "" },
    topics: [{ topic, topicId: ZERO_UUID, partitions: [partition] }],
  };
}

function join(groupId: string, memberId: string) {
  return {
    ...{ groupId, sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 60_000 },
    ...{ memberId, groupInstanceId: null, protocolType: "consumer" },
    ...{ protocols: [{ name: "range", metadata: new Uint8Array(4) }], reason: null },
  };
}

test("a new password ends the connections of the user, also while their requests wait", async () => {
  const clock = new ManualClock();
  const options = { flush: { kind: "never" }, groupInitialRebalanceDelayMs: 0 } as const;
  await using running = await startBroker(options, undefined, clock);
  await setAnn(running, "s3cret");
  using native = await nativeSession(running);
  using kafka = await kafkaClient(running);
  using leader = await kafkaClient(running);
  using joiner = await kafkaClient(running);
  await native.produce("t", 0, batchOf("a"));
  native.client.send(Fetch.encodeRequest(1_000, WAITING_FETCH));
  const fetchId = kafka.send(KafkaFetch, 11, kafkaFetch("t"));
  // A second member makes the leader's group wait for the leader, which does not come.
  const first = await leader.call(JoinGroup, 9, join("g", ""));
  await leader.call(JoinGroup, 9, join("g", first.memberId));
  const second = await joiner.call(JoinGroup, 9, join("g", ""));
  const joinId = joiner.send(JoinGroup, 9, join("g", second.memberId));
  await until(() => running.broker.inflight.waits === 3);
  await setAnn(running, "another");
  await Promise.all([native.client, kafka.raw, joiner.raw, leader.raw].map(({ closed }) => closed));
  expect(native.client.has(1_000)).toBe(false);
  expect(kafka.raw.has(fetchId)).toBe(false);
  expect(joiner.raw.has(joinId)).toBe(false);
  expect(running.broker.inflight.waits).toBe(0);
  expect(running.lines.filter((line) => line.includes("bug"))).toEqual([]);
  // The members are still in the group: they leave by their timeouts, as those that lost their connections do.
  const { groups } = running.broker.context;
  expect(groups.memberCount("g")).toBeGreaterThan(0);
  clock.advance(60_000);
  expect(groups.memberCount("g")).toBe(0);
});

test("a deleted user gets nothing of a long answer that waits for its socket", async () => {
  await using running = await startBroker({ flush: { kind: "never" } });
  await setAnn(running, "s3cret");
  using session = await nativeSession(running);
  const batch = batchOf("x".repeat(1024 * 1024));
  for (let i = 0; i < 8; i++) await session.produce("t", 0, batch);
  session.client.pause();
  const request = { ...WAITING_FETCH, offset: 0, maxBytes: 8_000_000, maxWaitMs: 0 };
  for (let i = 0; i < 4; i++) session.client.send(Fetch.encodeRequest(2_000 + i, request));
  const [connection] = running.broker.clients;
  await until(() => (connection?.sentBytes ?? 0) > 100_000);
  await running.broker.context.security.change(() => ({ usersDeleted: ["ann"] }));
  await until(() => running.broker.connections === 0);
  session.client.resume();
  await session.client.closed;
  expect(session.client.bytesReceived).toBeLessThan(4 * 8 * 1024 * 1024);
});

test("nobody else logs in on the connection of a user, but the user may again", async () => {
  await using running = await startBroker({ flush: { kind: "never" } });
  await setAnn(running, "s3cret");
  using native = await nativeSession(running);
  using kafka = await kafkaClient(running);
  const again = { mechanism: "PLAIN", message: MESSAGE };
  native.client.send(Fetch.encodeRequest(1_000, { ...WAITING_FETCH, offset: 0 }));
  await native.call((id) => Authenticate.encodeRequest(id, again), Authenticate.decodeResponse);
  expect(await native.produce("t", 0, batchOf("a"))).toBe(0);
  await kafka.call(SaslHandshake, 1, { mechanism: "PLAIN" });
  expect(await kafka.call(SaslAuthenticate, 2, { authBytes: MESSAGE })).toMatchObject({
    errorCode: 0,
  });
  const other = { mechanism: "PLAIN", message: Buffer.from("\0bob\0s3cret") };
  const refused = native.call(
    (id) => Authenticate.encodeRequest(id, other),
    Authenticate.decodeResponse,
  );
  expect(refused).rejects.toThrow("belongs to User:ann");
  await native.client.closed;
  await kafka.call(SaslHandshake, 1, { mechanism: "PLAIN" });
  const answer = await kafka.call(SaslAuthenticate, 2, { authBytes: other.message });
  expect(answer.errorCode).toBe(34);
  await kafka.raw.closed;
});
