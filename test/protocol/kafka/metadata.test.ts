// ApiVersions and Metadata over a real socket, and what happens to requests that the broker does not have.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { ZERO_UUID } from "../../../src/record/bytes.js";
import { startBroker, type TestBroker } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { RawClient } from "../../support/raw-client.js";
import { HAS_IPV6 } from "../../support/ipv6.js";

const { ApiVersions, Metadata } = KAFKA_APIS;
const SOFTWARE = { clientSoftwareName: "test", clientSoftwareVersion: "1.0" };

let running: TestBroker;
let client: KafkaClient;

beforeAll(async () => {
  running = await startBroker({ defaultPartitions: 2 });
  client = await KafkaClient.connect(running.broker.port);
});

afterAll(async () => {
  client[Symbol.dispose]();
  await running[Symbol.asyncDispose]();
});

const FLAGS = {
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
};

function metadata(version: number, topics: { name?: string | null; topicId?: string }[] | null) {
  return client.call(Metadata, version, {
    topics: topics?.map(({ name = null, topicId = ZERO_UUID }) => ({ name, topicId })) ?? null,
    ...FLAGS,
  });
}

describe("ApiVersions", () => {
  test("lists the same APIs in every version", async () => {
    // Without Produce 0 in the list, older librdkafka sends everything uncompressed.
    const expected = Object.values(KAFKA_APIS).map(({ key, min, max }) => ({
      apiKey: key,
      minVersion: key === 0 ? 0 : min,
      maxVersion: max,
    }));
    for (let version = ApiVersions.min; version <= ApiVersions.max; version++) {
      const response = await client.call(ApiVersions, version, SOFTWARE);
      expect(response).toMatchObject({ errorCode: 0, apiKeys: expected, throttleTimeMs: 0 });
    }
  });

  test("in an unknown version gets the known ones, in the layout of version 0", async () => {
    // As Kafka 4.4 answers: error 35, and one row for key 18.
    const raw = await RawClient.connect(running.broker.port);
    raw.send(Uint8Array.of(0, 0, 0, 10, 0, 18, 0, 99, 0, 0, 0, 7, 0xff, 0xff));
    const answer = Buffer.from(await raw.response(7)).toString("hex");
    expect(answer).toBe("00000007002300000001001200000005");
    raw.close();
  });

  test("without a name of the client's software is invalid", async () => {
    const nameless = { clientSoftwareName: "", clientSoftwareVersion: "" };
    const { errorCode, apiKeys } = await client.call(ApiVersions, 3, nameless);
    expect({ errorCode, apiKeys }).toEqual({ errorCode: 42, apiKeys: [] });
  });
});

describe("Metadata", () => {
  test("names the address that the client used, and one cluster id", async () => {
    const { brokers, clusterId, controllerId } = await metadata(12, []);
    expect(brokers).toEqual([
      { nodeId: 1, host: "127.0.0.1", port: running.broker.port, rack: null },
    ]);
    expect(clusterId).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(controllerId).toBe(1);
  });

  test.skipIf(!HAS_IPV6)("names ::1 to a client that used it", async () => {
    using other = await KafkaClient.connect(running.broker.port, "::1");
    const { brokers } = await other.call(Metadata, 1, { ...FLAGS, topics: [] });
    expect(brokers).toMatchObject([{ host: "::1", port: running.broker.port }]);
  });

  test("names the advertised address instead, if there is one", async () => {
    await using advertised = await startBroker({ advertise: "[fd00::1]:19092" });
    using other = await KafkaClient.connect(advertised.broker.port);
    const { brokers } = await other.call(Metadata, 1, { ...FLAGS, topics: [] });
    expect(brokers).toMatchObject([{ host: "fd00::1", port: 19_092 }]);
  });

  test("creates a missing topic only if the client allows it", async () => {
    const ask = (name: string, allowAutoTopicCreation: boolean) =>
      client.call(Metadata, 12, {
        topics: [{ topicId: ZERO_UUID, name }],
        allowAutoTopicCreation,
        includeClusterAuthorizedOperations: false,
        includeTopicAuthorizedOperations: true,
      });
    expect((await ask("fresh", false)).topics).toMatchObject([{ errorCode: 3, name: "fresh" }]);
    const created = (await ask("fresh", true)).topics[0];
    expect(created).toMatchObject({ errorCode: 0, topicAuthorizedOperations: 3576 });
    expect(created?.partitions).toEqual(
      [0, 1].map((partitionIndex) => ({
        ...{ errorCode: 0, partitionIndex, leaderId: 1, leaderEpoch: 0 },
        ...{ replicaNodes: [1], isrNodes: [1], offlineReplicas: [] },
      })),
    );
    const byId = await metadata(12, [{ topicId: created?.topicId ?? "" }]);
    expect(byId.topics).toMatchObject([{ errorCode: 0, name: "fresh" }]);
  });

  test("of all topics is asked for with an empty list in version 0, and with null later", async () => {
    await metadata(9, [{ name: "one" }]);
    for (const [version, all] of [
      [0, []],
      [1, null],
      [13, null],
    ] as const) {
      const names = (await metadata(version, all === null ? null : [])).topics.map((it) => it.name);
      expect(names).toContain("one");
    }
    expect((await metadata(1, [])).topics).toEqual([]);
  });

  test("has an error for each topic that can't be described", async () => {
    const unknownId = "01020300-0000-0000-0000-000000000000";
    const invalid = await metadata(9, [{ name: "a b" }, { name: "" }]);
    expect(invalid.topics).toMatchObject([
      { errorCode: 17, name: "a b", partitions: [] },
      { errorCode: 17, name: "" },
    ]);
    const unknown = await metadata(12, [{ topicId: unknownId }]);
    expect(unknown.topics).toMatchObject([{ errorCode: 100, name: null, topicId: unknownId }]);
    const tooEarly = await metadata(11, [{ name: "", topicId: unknownId }]);
    expect(tooEarly).toMatchObject({ brokers: [], topics: [{ errorCode: 42 }] });
  });
});

describe("a request that the broker does not have", () => {
  test("ends the connection without a byte, and the log names it", async () => {
    for (const [key, version] of [
      [200, 0],
      [3, 99],
      [71, 0],
    ] as const) {
      const raw = await RawClient.connect(running.broker.port);
      const header = new DataView(new ArrayBuffer(14));
      header.setUint32(0, 10);
      header.setUint16(4, key);
      header.setUint16(6, version);
      header.setUint32(8, 1);
      header.setInt16(12, -1);
      raw.send(new Uint8Array(header.buffer));
      await raw.closed;
      expect(raw.bytesReceived).toBe(0);
    }
    expect(running.lines.join("\n")).toContain("API key 71, version 0");
  });

  test("is dropped together with all requests behind it", async () => {
    const other = await KafkaClient.connect(running.broker.port);
    other.send(ApiVersions, 0, SOFTWARE);
    other.raw.send(Uint8Array.of(0, 0, 0, 10, 0, 3, 0, 99, 0, 0, 0, 2, 0xff, 0xff));
    other.send(ApiVersions, 0, SOFTWARE);
    await other.raw.closed;
    expect(other.raw.order).toEqual([1]);
  });
});

test("answers leave in the order of the requests", async () => {
  const other = await KafkaClient.connect(running.broker.port);
  const ids = [
    other.send(Metadata, 9, {
      topics: [{ topicId: ZERO_UUID, name: "slow" }],
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    }),
    other.send(ApiVersions, 0, SOFTWARE),
    other.send(ApiVersions, 1, SOFTWARE),
  ];
  await other.raw.response(ids[2]!);
  expect(other.raw.order).toEqual(ids);
  other[Symbol.dispose]();
});
