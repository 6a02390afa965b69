// A topic that is deleted and recreated, or a broker with other data, under a consumer: it is reported, the policy for
// offsets out of range is applied, and no commit for the old topic reaches the new one.
import { describe, expect, test } from "bun:test";
import { connect } from "../../src/client/client.js";
import { TopicChangedError } from "../../src/client/topic-change.js";
import { batchOf, startBroker } from "../support/broker.js";
import { errorOf, fill, range, setUp, TOPIC } from "../support/consumer-setup.js";
import { FakeBroker } from "../support/fake-broker.js";
import { until } from "../support/until.js";

/** Reads `count` records; returns their offsets. */
async function read(
  records: AsyncIterable<{ readonly offset: number }>,
  count: number,
): Promise<number[]> {
  const offsets: number[] = [];
  for await (const { offset } of records) {
    offsets.push(offset);
    if (offsets.length === count) break;
  }
  return offsets;
}

describe("a topic that is recreated while it is read", () => {
  test("ends reading with an error that says what happened, after the fetched records", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 5);
    const consumer = t.consumer({ follow: true });
    expect(await read(consumer, 2)).toEqual([0, 1]);
    // The next records are awaited.
    await until(() => t.broker.requests.filter((name) => name === "Fetch").length >= 2);
    t.broker.recreate(TOPIC);
    fill(t.broker, 0, 20);
    expect(await read(consumer, 3)).toEqual([2, 3, 4]);
    const error = await errorOf(read(consumer, 1));
    expect(error).toBeInstanceOf(TopicChangedError);
    expect(error).toMatchObject({ code: "UNKNOWN_TOPIC_ID", partition: 0, position: 5 });
    expect(error.message).toContain("was deleted and recreated");
    expect(error.message).toContain("partition 0 was read up to offset 5");
  });

  test.each([
    ["earliest", 0],
    ["latest", 20],
  ] as const)("with %s goes on there in the new topic, and reports it", async (policy, start) => {
    await using t = await setUp();
    fill(t.broker, 0, 5);
    const changes: TopicChangedError[] = [];
    const consumer = t.consumer({
      follow: true,
      onOutOfRange: policy,
      onTopicChanged: (change) => changes.push(change),
    });
    expect(await read(consumer, 5)).toEqual(range(0, 5));
    const before = consumer.topicId(0);
    t.broker.recreate(TOPIC);
    fill(t.broker, 0, 20);
    const next = read(consumer, 3);
    await until(() => changes.length > 0);
    fill(t.broker, 0, ...Array<number>(5).fill(1));
    expect(await next).toEqual(range(start, start + 3));
    expect(changes).toEqual([expect.objectContaining({ position: 5, resumedAt: start })]);
    expect(consumer.topicId(0)).toBe(t.broker.topicId(TOPIC));
    expect(consumer.topicId(0)).not.toBe(before);
  });

  test("with an end is always an error: the end belongs to the old topic", async () => {
    await using t = await setUp();
    fill(t.broker, 0, 5, 5);
    const consumer = t.consumer({ maxBytes: 1, onOutOfRange: "earliest" });
    expect(await read(consumer, 1)).toEqual([0]);
    t.broker.recreate(TOPIC);
    fill(t.broker, 0, 3);
    expect((await errorOf(read(consumer, 20))).code).toBe("UNKNOWN_TOPIC_ID");
  });

  test("accepts no commit of the old topic, and all of the new one", async () => {
    await using broker = await startBroker();
    await using client = await connect({ broker: broker.broker.address, retryBackoffMs: 1 });
    using session = await broker.session();
    const admin = client.admin();
    await session.produce("t", 0, batchOf(...range(0, 10).map(String)));
    const strict = client.consumer({ topic: "t", group: "strict" });
    const lenient = client.consumer({
      topic: "t",
      group: "lenient",
      onOutOfRange: "earliest",
      onTopicChanged: () => {},
    });
    expect(await read(strict, 5)).toEqual(range(0, 5));
    expect(await read(lenient, 10)).toEqual(range(0, 10));
    await admin.deleteTopic("t");
    await session.produce("t", 0, batchOf(...range(0, 30).map(String)));
    expect((await errorOf(strict.commit())).code).toBe("UNKNOWN_TOPIC_ID");
    await lenient.commit();
    for (const group of ["strict", "lenient"]) {
      const [row] = await admin.fetchOffsets(group, [{ topic: "t", partition: 0 }]);
      expect([group, row?.offset]).toEqual([group, undefined]);
    }
    expect(await read(lenient, 3)).toEqual(range(0, 3));
    await lenient.commit();
    const [row] = await admin.fetchOffsets("lenient", [{ topic: "t", partition: 0 }]);
    expect(row?.offset).toBe(3);
  });

  test("is waited for with a policy, if it is deleted and later recreated", async () => {
    await using broker = await startBroker({ autoCreateTopics: false });
    await using client = await connect({ broker: broker.broker.address, retryBackoffMs: 1 });
    using session = await broker.session();
    const admin = client.admin();
    await admin.createTopic("t");
    const consumer = client.consumer({
      topic: "t",
      onOutOfRange: "earliest",
      onTopicChanged: () => {},
    });
    await consumer.start();
    await session.produce("t", 0, batchOf("0"));
    expect(await read(consumer, 1)).toEqual([0]);
    await admin.deleteTopic("t");
    const next = read(consumer, 2);
    await session.ping();
    await admin.createTopic("t");
    await session.produce("t", 0, batchOf("0", "1"));
    expect(await next).toEqual([0, 1]);
  });
});

describe("a broker that restarts with another data directory", () => {
  test.each([undefined, 1])("is noticed, also one that has only version %p", async (apiVersion) => {
    for (const onOutOfRange of ["error", "earliest"] as const) {
      using first = new FakeBroker({ apiVersion, logDirectoryId: "first" });
      fill(first, 0, 5);
      await using client = await connect({ broker: first.address, retryBackoffMs: 1 });
      const changes: string[] = [];
      const consumer = client.consumer({
        topic: TOPIC,
        onOutOfRange,
        onTopicChanged: ({ message }) => changes.push(message),
      });
      expect(await read(consumer, 5)).toEqual(range(0, 5));
      first[Symbol.dispose]();
      using second = new FakeBroker({ port: first.port, apiVersion, logDirectoryId: "second" });
      fill(second, 0, 9);
      if (onOutOfRange === "error") {
        const { code, message } = await errorOf(read(consumer, 1));
        expect(code).toBe("UNKNOWN_TOPIC_ID");
        changes.push(message);
      } else expect(await read(consumer, 9)).toEqual(range(0, 9));
      expect(changes).toHaveLength(1);
      expect(changes[0]).toContain("has another data directory than before (second, before first)");
      expect(changes[0]).toContain("partition 0 was read up to offset 5");
    }
  });
});

describe("a producer", () => {
  test("continues in a recreated topic, with the next sequence numbers", async () => {
    await using broker = await startBroker();
    await using client = await connect({ broker: broker.broker.address, retryBackoffMs: 1 });
    const admin = client.admin();
    const producer = client.producer({ lingerMs: 0 });
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 5; i++) {
        expect((await producer.send("t", { value: `${i}` })).offset).toBe(i);
      }
      const many = range(0, 20).map((i) => producer.send("t", { value: `${i}` }));
      expect((await Promise.all(many)).map(({ offset }) => offset)).toEqual(range(5, 25));
      await admin.deleteTopic("t");
      await admin.createTopic("t");
    }
  });

  test("continues with a broker that has another data directory", async () => {
    const first = new FakeBroker({ logDirectoryId: "first" });
    await using client = await connect({ broker: first.address, retryBackoffMs: 1 });
    const producer = client.producer({ lingerMs: 0 });
    for (let i = 0; i < 5; i++) await producer.send(TOPIC, { value: `${i}` });
    first[Symbol.dispose]();
    using _second = new FakeBroker({ port: first.port, logDirectoryId: "second" });
    for (let i = 0; i < 5; i++) {
      expect((await producer.send(TOPIC, { value: `${i}` })).offset).toBe(i);
    }
  });
});
