// What the page gets to know of the work of clients: topics written and read, and groups, by either protocol and for visitors who
// may see only some of it. Leaves to others: the rest of a connection (connections.test.ts).
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ConnectionsState } from "../../../src/http/page/connections/connection-wire.js";
import type { GroupDetail } from "../../../src/http/page/groups/group-wire.js";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { ConsumerGroupHeartbeat } from "../../../src/protocol/kafka/consumer-groups.js";
import { GroupHeartbeat } from "../../../src/protocol/native/membership.js";
import { ZERO_UUID } from "../../../src/record/bytes.js";
import { batchOf, type Session } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { type PageSample, startPage } from "../../support/page-sample.js";
import { addUsers, logInOnPage } from "../../support/page-users.js";
import { until } from "../../support/until.js";

let page: PageSample;

beforeAll(async () => {
  page = await startPage();
  for (const topic of ["orders", "audit"]) await page.broker.context.registry.create(topic, 1, {});
});
afterAll(() => page[Symbol.asyncDispose]());

const count = (expected: number) => until(() => page.broker.connections === expected);

async function list(query = ""): Promise<ConnectionsState> {
  const response = await fetch(`${page.url}api/connections?${query}`);
  return (await response.json()) as ConnectionsState;
}

/** What the first connection, of the oldest, works on. */
async function work(query = "") {
  const { writes, reads, group } = (await list(`order=since&${query}`)).connections[0]!;
  return { writes, reads, group };
}

const use = (topic: string | null, more = 0, ...others: string[]) => ({ topic, others, more });

const NOTHING = { writes: null, reads: null, group: null };

/** Topics of a Kafka request. */
function topicsOf(names: readonly string[]) {
  const { registry } = page.broker.context;
  return names.map((name) => ({ name, topicId: registry.find(name)?.id ?? ZERO_UUID }));
}

function produceKafka(client: KafkaClient, version: number, ...names: string[]) {
  const partitionData = [{ index: 0, records: [batchOf("x")] as const }];
  const topicData = topicsOf(names).map((topic) => ({ ...topic, partitionData }));
  const request = { transactionalId: null, acks: -1, timeoutMs: 1_000, topicData };
  return client.call(KAFKA_APIS.Produce, version, request);
}

function fetchKafka(client: KafkaClient, version: number, ...names: string[]) {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }];
  return client.call(KAFKA_APIS.Fetch, version, {
    ...{ maxWaitMs: 0, minBytes: 1, maxBytes: 1_000, isolationLevel: 0 },
    ...{ sessionId: 0, forgottenTopicsData: [], rackId: "" },
    topics: topicsOf(names).map(({ name: topic, topicId }) => ({ topic, topicId, partitions })),
  });
}

function beat(session: Session, memberEpoch: number, clientId = "us") {
  const member = { group: "billing", memberId: clientId, memberEpoch, instanceId: "", clientId };
  const times = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 5_000, maxWaitMs: 0 };
  const topics = { topics: [{ topic: "orders" }], pattern: "", owned: [] };
  return session.call(
    (id) => GroupHeartbeat.encodeRequest(id, { ...member, ...times, ...topics }),
    GroupHeartbeat.decodeResponse,
  );
}

function beatKafka(client: KafkaClient, memberEpoch: number, groupId = "shipping") {
  return client.call(ConsumerGroupHeartbeat, 1, {
    ...{ groupId, memberId: "k", memberEpoch, instanceId: null, rackId: null },
    ...{ rebalanceTimeoutMs: 5_000, subscribedTopicNames: ["audit"], subscribedTopicRegex: null },
    ...{ serverAssignor: null, topicPartitions: [] },
  });
}

test("a native member is found by its group, unless its host has several", async () => {
  const members = async () => {
    const answer = await fetch(`${page.url}api/groups/state?group=billing`);
    return ((await answer.json()) as GroupDetail).members.map(
      ({ clientId, connectedMs, isNamed }) => [clientId, connectedMs !== null, isNamed],
    );
  };
  using session = await page.running.session();
  await beat(session, 0);
  expect(await members()).toEqual([["us", true, false]]);
  using other = await page.running.session();
  await beat(other, 0, "them");
  expect(await members()).toEqual([
    ["them", false, false],
    ["us", false, false],
  ]);
  await beat(session, -1);
  await beat(other, -1, "them");
});

test("a native client has the topics of its last requests that were not refused, and its group", async () => {
  await count(0);
  using session = await page.running.session();
  await session.ping();
  expect(await work()).toEqual(NOTHING);
  await session.produce("orders", 0, batchOf("x"));
  await session.fetch({ topic: "audit" });
  await beat(session, 0);
  const busy = {
    ...{ writes: use("orders"), reads: use("audit") },
    group: "billing",
  };
  expect(await work()).toEqual(busy);
  // Refused ones change nothing.
  await session.produce("orders", 9, batchOf("x")).catch(() => {});
  await session.fetch({ topic: "none" }).catch(() => {});
  expect(await work()).toEqual(busy);
  await beat(session, -1);
  expect((await work()).group).toBeNull();
});

test("a fetch that waits says what is read", async () => {
  await count(0);
  using session = await page.running.session();
  session.fetch({ topic: "orders", offset: 1_000, maxWaitMs: 60_000 }).catch(() => {});
  await until(() => page.broker.inflight.waits === 1);
  expect(await work()).toEqual({ ...NOTHING, reads: use("orders") });
});

test("a Kafka client has the first topic of a request, and how many more there were", async () => {
  await count(0);
  using client = await KafkaClient.connect(page.broker.port);
  for (const version of [9, KAFKA_APIS.Produce.max]) {
    await produceKafka(client, version, "orders", "audit");
    expect((await work()).writes).toMatchObject({ topic: "orders", more: 1 });
    await produceKafka(client, version, "audit");
    expect((await work()).writes).toEqual(use("audit", 0, "orders"));
  }
  for (const version of [9, KAFKA_APIS.Fetch.max]) {
    await fetchKafka(client, version, "audit", "orders");
    expect((await work()).reads).toMatchObject({ topic: "audit", more: 1 });
    await fetchKafka(client, version, "orders");
    expect((await work()).reads).toEqual(use("orders", 0, "audit"));
  }
  await fetchKafka(client, 9, "none");
  await produceKafka(client, 9, "none");
  expect(await work()).toEqual({
    ...{ writes: use("audit", 0, "orders"), reads: use("orders", 0, "audit") },
    group: null,
  });
  // A topic that is not the last one counts, too.
  expect((await list("filter=writes:orders")).matching).toBe(1);
});

test("a Kafka member is found on the connection that reads, unless several groups fit", async () => {
  await count(0);
  using reader = await KafkaClient.connect(page.broker.port);
  await fetchKafka(reader, 9, "audit");
  using member = await KafkaClient.connect(page.broker.port);
  await beatKafka(member, 0);
  using writer = await KafkaClient.connect(page.broker.port);
  await produceKafka(writer, 9, "orders");
  expect((await list("filter=group:shipping")).matching).toBe(2);
  using session = await page.running.session();
  await beat(session, 0);
  expect((await work()).group).toBe("shipping");
  expect((await list("by=group&order=name")).sums).toMatchObject([
    { name: null, connections: 1 },
    { name: "billing", connections: 1 },
    { name: "shipping", connections: 2 },
  ]);
  using other = await KafkaClient.connect(page.broker.port);
  await beatKafka(other, 0, "returns");
  expect((await work()).group).toBeNull();
  await beatKafka(other, -1, "returns");
  expect((await work()).group).toBe("shipping");
  await beatKafka(member, -1);
  expect((await work()).group).toBeNull();
  await beat(session, -1);
});

test("connections are filtered and summed by what they work on, by its exact name or a part of it", async () => {
  await count(0);
  using one = await page.running.session();
  using two = await page.running.session();
  using three = await page.running.session();
  await one.produce("orders", 0, batchOf("x"));
  await two.produce("orders", 0, batchOf("x"));
  await three.fetch({ topic: "orders" });
  const matching = async (filter: string) => (await list(`filter=${filter}`)).matching;
  expect(await matching("writes:orders")).toBe(2);
  expect(await matching("reads:orders")).toBe(1);
  expect(await matching("writes:order")).toBe(0);
  expect(await matching("ORDER")).toBe(3);
  const { sums } = await list("by=writes&order=-connections");
  expect(sums).toMatchObject([
    { name: "orders", connections: 2 },
    { name: null, connections: 1 },
  ]);
  expect((await list("order=-writes")).connections.map(({ writes }) => writes?.topic)).toEqual([
    ...["orders", "orders", undefined],
  ]);
});

test("who may see connections learns no name of a topic or group that is not theirs to see", async () => {
  await using secured = await startPage();
  const { context } = secured.broker;
  for (const topic of ["orders", "secret"]) await context.registry.create(topic, 1, {});
  using session = await secured.running.session();
  await session.produce("secret", 0, batchOf("x"));
  await session.fetch({ topic: "orders" });
  await session.fetch({ topic: "secret" });
  await beat(session, 0);
  await addUsers(context, {
    monitor: ["DESCRIBE CLUSTER kafka-cluster", "DESCRIBE TOPIC orders"],
  });
  const { fetch: send } = await logInOnPage(secured.url, "monitor");
  const ask = async (query: string) => {
    const response = await send(`api/connections?${query}`);
    const text = await response.text();
    expect(text).not.toContain("secret");
    expect(text).not.toContain("billing");
    return JSON.parse(text) as ConnectionsState;
  };
  expect((await ask("")).connections).toMatchObject([
    { writes: use(null), reads: use("orders"), group: null },
  ]);
  for (const filter of ["writes:secret", "secret", "group:billing", "billing"]) {
    expect((await ask(`filter=${filter}`)).matching).toBe(0);
  }
  expect((await ask("by=writes")).sums).toMatchObject([{ name: null, connections: 1 }]);
  expect((await ask("by=group")).sums).toMatchObject([{ name: null, connections: 1 }]);
});

test("a topic that was deleted is not shown any more", async () => {
  await count(0);
  await page.broker.context.registry.create("gone", 1, {});
  using session = await page.running.session();
  await session.produce("gone", 0, batchOf("x"));
  expect((await work()).writes?.topic).toBe("gone");
  await page.broker.context.registry.delete("gone");
  expect(await work()).toEqual(NOTHING);
});
