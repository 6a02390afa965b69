// A topic that changes while clients use it. Leaves to others: the changes themselves (topics/topic-change.test.ts).
import { expect, spyOn, test } from "bun:test";
import { Admin } from "../../src/client/admin.js";
import { KAFKA_APIS } from "../../src/protocol/kafka/apis.js";
import { setUp } from "../support/client-setup.js";
import { KafkaClient } from "../support/kafka-client.js";
import { until } from "../support/until.js";

const { CreatePartitions, DeleteRecords, IncrementalAlterConfigs } = KAFKA_APIS;

const ROUNDS = 20;
const RECORDS_A_ROUND = 25;
const TOPIC = 2;
const SET = 0;

test("producers and consumers see no error while settings, partitions and log starts change", async () => {
  await using running = await setUp({ segmentBytes: 4_096 });
  const { broker, client, admin } = running;
  await admin.createTopic("t", { partitions: 1 });
  const producer = client.producer({ metadataMaxAgeMs: 1 });
  using kafka = await KafkaClient.connect(broker.port);
  const consumer = client.consumer({ topic: "t", partitions: [0], follow: true, maxWaitMs: 5 });
  const offsets: number[] = [];
  const reading = (async () => {
    for await (const { offset } of consumer) offsets.push(offset);
  })();

  const codes: (number | undefined)[] = [];
  const used = new Set<number>();
  for (let round = 0; round < ROUNDS; round++) {
    const sent = Array.from({ length: RECORDS_A_ROUND }, (_, i) =>
      producer.send("t", { key: `key ${i}`, value: "x".repeat(100) }),
    );
    const configs = [{ name: "segment.bytes", configOperation: SET, value: String(1_024 + round) }];
    const place = { resourceType: TOPIC, resourceName: "t" };
    const altered = await kafka.call(IncrementalAlterConfigs, 1, {
      ...{ resources: [{ ...place, configs }], validateOnly: false },
    });
    codes.push(...altered.responses.map(({ errorCode }) => errorCode));
    if (round % 5 === 4) {
      const topics = [{ name: "t", count: 2 + Math.floor(round / 5), assignments: null }];
      const request = { topics, timeoutMs: 5_000, validateOnly: false };
      const { results } = await kafka.call(CreatePartitions, 3, request);
      codes.push(...results.map(({ errorCode }) => errorCode));
    }
    // Only what the consumer has read, as Kafka Streams does.
    const partitions = [{ partitionIndex: 0, offset: offsets.length }];
    const request = { topics: [{ name: "t", partitions }], timeoutMs: 5_000 };
    const trimmed = await kafka.call(DeleteRecords, 2, request);
    codes.push(...trimmed.topics.flatMap((it) => it.partitions.map((row) => row.errorCode)));
    for (const { partition } of await Promise.all(sent)) used.add(partition);
  }
  await producer.close();

  expect(new Set(codes)).toEqual(new Set([0]));
  const { partitions, settings } = await admin.describeTopic("t");
  expect(settings["segment.bytes"]).toBe(String(1_024 + ROUNDS - 1));
  expect(partitions).toHaveLength(5);
  const total = partitions.reduce((sum, { highWatermark }) => sum + highWatermark, 0);
  expect(total).toBe(ROUNDS * RECORDS_A_ROUND);
  expect([...used].length).toBeGreaterThan(1);
  const end = partitions[0]!.highWatermark;
  expect(partitions[0]!.logStartOffset).toBeGreaterThan(0);
  await until(() => offsets.length >= end);
  await consumer.close();
  await reading;
  expect(offsets).toEqual(Array.from({ length: end }, (_, i) => i));
});

test("a consumer of a group starts although another one commits a newer offset meanwhile", async () => {
  await using running = await setUp();
  const { client, admin } = running;
  await admin.createTopic("moving", { partitions: 1 });
  const producer = client.producer();
  await producer.send("moving", { value: "old" });
  const consumer = client.consumer({ topic: "moving", group: "g", follow: true });
  // The consumer has learned where the partition ends. Before it asks for its offset, another one reads a new record.
  const { fetchOffsets } = Admin.prototype;
  using spy = spyOn(Admin.prototype, "fetchOffsets");
  spy.mockImplementationOnce(async function (this: Admin, ...args) {
    await producer.send("moving", { value: "new" });
    await admin.commitOffsets("g", [{ topic: "moving", partition: 0, offset: 2 }]);
    return await fetchOffsets.apply(this, args);
  });
  await consumer.start();
  expect(consumer.position(0)).toBe(2);
  await consumer.close();
  await producer.close();
});
