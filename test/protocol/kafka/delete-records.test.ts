// DeleteRecords over a real socket, with the answers of Apache Kafka 4.4.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { startBroker, type TestBroker } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { batchOf } from "../../support/log-fixture.js";

const { DeleteRecords } = KAFKA_APIS;

let running: TestBroker;
let client: KafkaClient;

beforeAll(async () => {
  running = await startBroker({});
  client = await KafkaClient.connect(running.broker.port);
});

afterAll(async () => {
  client[Symbol.dispose]();
  await running[Symbol.asyncDispose]();
});

/** Deletes records of partition 0, and returns the low watermark and the error code. */
async function trim(name: string, offset: number, version: number = DeleteRecords.max) {
  const partitions = [{ partitionIndex: 0, offset }];
  const request = { topics: [{ name, partitions }], timeoutMs: 1_000 };
  const { topics, throttleTimeMs } = await client.call(DeleteRecords, version, request);
  expect([throttleTimeMs, topics.map((topic) => topic.name)]).toEqual([0, [name]]);
  const { partitionIndex, lowWatermark, errorCode } = topics[0]!.partitions[0]!;
  expect(partitionIndex).toBe(0);
  return [lowWatermark, errorCode];
}

test("moves the log start, in every version", async () => {
  const { registry } = running.broker.context;
  await registry.create("pb", 1, {});
  const partition = registry.partition("pb", 0);
  for (let i = 0; i < 25; i++) await partition.append(batchOf(["v"]));
  for (let version = DeleteRecords.min; version <= DeleteRecords.max; version++) {
    expect(await trim("pb", 2 + version, version)).toEqual([2 + version, 0]);
  }
  expect(await trim("pb", 1)).toEqual([4, 0]);
  expect(await trim("pb", 26)).toEqual([-1, 1]);
  expect(await trim("pb", -2)).toEqual([-1, 1]);
  expect(await trim("nope", 0)).toEqual([-1, 3]);
  expect(await trim("pb", -1)).toEqual([25, 0]);
  expect(partition.logStartOffset).toBe(25);
});

test("has a row for each partition of each topic, and is refused for an internal topic", async () => {
  const { registry } = running.broker.context;
  await registry.create("rows", 2, {});
  await registry.create("__consumer_offsets", 1, {});
  const partitions = [7, 1, 0].map((partitionIndex) => ({ partitionIndex, offset: -1 }));
  const response = await client.call(DeleteRecords, 2, {
    topics: [
      { name: "rows", partitions },
      { name: "__consumer_offsets", partitions: partitions.slice(2) },
      { name: "none", partitions: [] },
    ],
    timeoutMs: 1_000,
  });
  const row = (partitionIndex: number, lowWatermark: number, errorCode: number) => {
    return { partitionIndex, lowWatermark, errorCode };
  };
  expect(response.topics).toEqual([
    { name: "rows", partitions: [row(7, -1, 3), row(1, 0, 0), row(0, 0, 0)] },
    { name: "__consumer_offsets", partitions: [row(0, -1, 17)] },
    { name: "none", partitions: [] },
  ]);
});
