// A consumer of several topics, by name and by pattern, and what it notices of topics and partitions that come and go.
import { expect, test } from "bun:test";
import {
  type Client,
  type ConsumerOptions,
  connect,
  type TopicPartition,
} from "../../src/index.js";
import { codeOf, setUp } from "../support/client-setup.js";
import { FakeBroker } from "../support/fake-broker.js";
import { until } from "../support/until.js";

const textOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

/** Writes a record to each of these partitions. */
async function write(client: Client, ...places: string[]): Promise<void> {
  const producer = client.producer();
  for (const place of places) {
    const [topic = "", partition] = place.split("/");
    await producer.send(topic, { value: place, partition: Number(partition) });
  }
}

/** Reads in the background, and notes where each record was. */
function reading(client: Client, options: ConsumerOptions) {
  const consumer = client.consumer({ metadataMaxAgeMs: 5, maxWaitMs: 10_000, ...options });
  const seen: string[] = [];
  const ended = (async () => {
    for await (const record of consumer) seen.push(`${textOf(record)} ${record.offset}`);
  })();
  return { consumer, seen, ended };
}

test("several topics, by name and by pattern, are read to their ends", async () => {
  await using t = await setUp();
  for (const topic of ["a", "log-1", "log-2", "other"]) {
    await t.admin.createTopic(topic, { partitions: 2 });
  }
  await write(t.client, "a/0", "a/1", "log-1/0", "log-2/1", "other/0");
  const topics = ["a", /^LOG-/i];
  const all = reading(t.client, { topics, follow: false });
  await all.ended;
  expect(all.seen.sort()).toEqual(["a/0 0", "a/1 0", "log-1/0 0", "log-2/1 0"]);
  expect(all.consumer.assignment).toHaveLength(6);
  expect(all.consumer.position({ topic: "log-2", partition: 1 })).toBe(1);
  expect(() => all.consumer.topic).toThrow("a consumer of several topics has no `topic`");
  expect(() => all.consumer.position(0)).toThrow("has no `topic`");

  const some = reading(t.client, { topics, partitions: [1], follow: false });
  await some.ended;
  expect(some.seen.sort()).toEqual(["a/1 0", "log-2/1 0"]);
  const missing = t.client.consumer({ topics: ["a", "nothing"] });
  expect(await codeOf(missing.start())).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  const none = reading(t.client, { topics: [/^nothing/], follow: false });
  await none.ended;
  expect(none.seen).toEqual([]);
});

test("one number for all topics is an error only if it is beyond all of them", async () => {
  await using t = await setUp();
  for (const topic of ["a", "b"]) await t.admin.createTopic(topic, { partitions: 1 });
  await write(t.client, "a/0", "b/0", "b/0", "b/0");
  const topics = ["a", /^b$/];
  const { seen, ended } = reading(t.client, { topics, offset: 2, follow: false });
  await ended;
  expect(seen).toEqual(["b/0 2"]);
  const beyond = t.client.consumer({ topics, offset: 4 });
  expect(await codeOf(beyond.start())).toBe("OFFSET_OUT_OF_RANGE");
});

test("one commit stores the positions of all topics", async () => {
  await using t = await setUp();
  for (const topic of ["a", "b"]) await t.admin.createTopic(topic, { partitions: 1 });
  await write(t.client, "a/0", "b/0", "b/0");
  const options = { topics: ["a", "b"], group: "g", follow: false };
  const first = reading(t.client, options);
  await first.ended;
  const committed: string[] = [];
  first.consumer.on("committed", (offsets) => {
    for (const it of offsets) committed.push(`${textOf(it)} ${it.offset}`);
  });
  await first.consumer.commit();
  expect(committed.sort()).toEqual(["a/0 1", "b/0 2"]);
  await write(t.client, "b/0");
  const second = reading(t.client, options);
  await second.ended;
  expect(second.seen).toEqual(["b/0 2"]);
  await second.consumer.commit([{ topic: "a", partition: 0, offset: 0 }]);
  const offsets = await t.admin.fetchOffsets("g", second.consumer.assignment);
  expect(offsets.map(({ topic, offset }) => [topic, offset]).sort()).toEqual([
    ["a", 0],
    ["b", 2],
  ]);
});

test("a commit of more partitions than a request holds is several requests", async () => {
  using broker = new FakeBroker({ partitions: 5_001 });
  await using client = await connect({ broker: broker.address });
  const consumer = client.consumer({ topics: ["a", "b"], group: "g", follow: false });
  await consumer.start();
  await consumer.commit(consumer.assignment.map((place) => ({ ...place, offset: 1 })));
  expect(broker.commits.map(({ offsets }) => offsets.length)).toEqual([10_000, 2]);
  await consumer.commit(consumer.assignment.map((place) => ({ ...place, offset: 1 })));
  expect(broker.commits).toHaveLength(2);
});

test("a consumer that follows notices added partitions, and loses no record of them", async () => {
  await using t = await setUp();
  await t.admin.createTopic("t", { partitions: 1 });
  await write(t.client, "t/0");
  const { consumer, seen, ended } = reading(t.client, { topic: "t", offset: "latest" });
  const assigned: string[] = [];
  consumer.on("assigned", (partitions) => void assigned.push(partitions.map(textOf).join()));
  await consumer.start();
  await t.admin.alterTopic("t", { partitions: 3 });
  await write(t.client, "t/0", "t/1", "t/2");
  await until(() => seen.length === 3);
  expect(seen.sort()).toEqual(["t/0 1", "t/1 0", "t/2 0"]);
  expect(consumer.partitions).toEqual([0, 1, 2]);
  expect(assigned).toEqual(["t/0", "t/1,t/2"]);
  await consumer.close();
  await ended;
});

test("a pattern includes later topics, and leaves out deleted ones", async () => {
  await using t = await setUp();
  const { consumer, seen, ended } = reading(t.client, { topics: [/^log-/], group: "g" });
  const changes: string[] = [];
  consumer.on("assigned", (partitions) => void changes.push(`+${partitions.map(textOf).join()}`));
  consumer.on("revoked", (partitions, why) => {
    changes.push(`-${partitions.map(textOf).join()} ${why}`);
  });
  await consumer.start();
  await write(t.client, "log-1/0", "other/0");
  await until(() => seen.length === 1);
  await t.admin.deleteTopic("log-1");
  await until(() => changes.length === 2);
  await write(t.client, "log-1/0");
  await until(() => seen.length === 2);
  expect(seen).toEqual(["log-1/0 0", "log-1/0 0"]);
  expect(changes).toEqual(["+log-1/0", "-log-1/0 lost", "+log-1/0"]);
  await consumer.close();
  await ended;
});

test("a look-up that fails is repeated, and reading goes on", async () => {
  using broker = new FakeBroker({ partitions: 1 });
  await using client = await connect({ broker: broker.address, retries: 0, retryBackoffMs: 1 });
  const { consumer, ended } = reading(client, { topic: "t" });
  await consumer.start();
  broker.script("DescribeTopic", "cutBefore", "cutBefore");
  const count = (): number => broker.requests.filter((name) => name === "DescribeTopic").length;
  await until(() => count() >= 4);
  expect(consumer.partitions).toEqual([0]);
  await consumer.close();
  await ended;
});
