// CreateTopics, DeleteTopics and CreatePartitions over a real socket, with the answers of Apache Kafka 4.4.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { ZERO_UUID } from "../../../src/record/bytes.js";
import { startBroker, type TestBroker } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";

const { CreatePartitions, DeleteTopics } = KAFKA_APIS;

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

const registry = () => running.broker.context.registry;

describe("DeleteTopics", () => {
  const byName = (version: number, ...topicNames: string[]) =>
    client.call(DeleteTopics, version, { topics: [], topicNames, timeoutMs: 1_000 });
  const remove = (...topics: { name?: string; topicId?: string }[]) =>
    client.call(DeleteTopics, 6, {
      topics: topics.map(({ name = null, topicId = ZERO_UUID }) => ({ name, topicId })),
      topicNames: [],
      timeoutMs: 1_000,
    });

  test("deletes by name in versions 1 to 5", async () => {
    for (let version = DeleteTopics.min; version <= 5; version++) {
      await registry().create("gone", 1, {});
      const errorMessage = version < 5 ? null : "This server does not host this topic-partition.";
      expect((await byName(version, "gone", "nope")).responses).toEqual([
        { name: "gone", topicId: ZERO_UUID, errorCode: 0, errorMessage: null },
        { name: "nope", topicId: ZERO_UUID, errorCode: 3, errorMessage },
      ]);
      expect(registry().find("gone")).toBeUndefined();
    }
  });

  test("deletes by name and by id in version 6, and answers with both", async () => {
    const a = await registry().create("a", 1, {});
    const b = await registry().create("b", 1, {});
    const { responses } = await remove({ name: "a" }, { topicId: b.id });
    expect(responses).toEqual([
      { name: "a", topicId: a.id, errorCode: 0, errorMessage: null },
      { name: "b", topicId: b.id, errorCode: 0, errorMessage: null },
    ]);
    expect(registry().list()).toEqual([]);
  });

  test("has a row for each topic that it does not delete", async () => {
    const { id } = await registry().create("kept", 1, {});
    await registry().create("__consumer_offsets", 1, {});
    const topicId = "05000000-0000-0000-0000-000000000000";
    const { responses } = await remove(
      { name: "nope" },
      { topicId },
      { name: "twice" },
      { name: "twice" },
      {},
      { name: "kept", topicId: id },
      { name: "__consumer_offsets" },
    );
    const row = (name: string | null, errorCode: number, errorMessage: string, of = ZERO_UUID) => {
      return { name, topicId: of, errorCode, errorMessage };
    };
    expect(responses).toEqual([
      row("nope", 3, "This server does not host this topic-partition."),
      row(null, 100, "This server does not host this topic ID.", topicId),
      row("twice", 42, "Duplicate topic name."),
      row(null, 42, "Neither topic name nor id were specified."),
      row("kept", 42, "You may not specify both topic name and topic id.", id),
      row(
        "__consumer_offsets",
        17,
        "topic '__consumer_offsets' can't be deleted: it belongs to the broker",
      ),
    ]);
    const again = await remove({ topicId: id }, { topicId: id });
    expect(again.responses).toEqual([row(null, 42, "Duplicate topic id.", id)]);
    const both = await remove({ name: "kept" }, { topicId: id });
    expect(both.responses.map((it) => it.errorCode)).toEqual([0, 42]);
    expect(registry().find("kept")).toBeUndefined();
  });
});

describe("CreatePartitions", () => {
  const grow = async (
    name: string,
    count: number,
    { version = 3 as number, validateOnly = false, assignments = null as number[][] | null } = {},
  ) => {
    const topic = {
      ...{ name, count },
      assignments: assignments?.map((brokerIds) => ({ brokerIds })) ?? null,
    };
    const request = { topics: [topic], timeoutMs: 1_000, validateOnly };
    const { results } = await client.call(CreatePartitions, version, request);
    expect(results.map((result) => result.name)).toEqual([name]);
    return [results[0]?.errorCode, results[0]?.errorMessage ?? null];
  };
  const count = (name: string) => registry().find(name)?.partitions.length;

  test("adds partitions in every version", async () => {
    await registry().create("grown", 1, {});
    for (let version = CreatePartitions.min; version <= CreatePartitions.max; version++) {
      expect(await grow("grown", 2 + version, { version })).toEqual([0, null]);
      expect(count("grown")).toBe(2 + version);
    }
  });

  test("refuses fewer, the same, too many, and topics that clients can't change", async () => {
    await registry().create("pc", 3, {});
    expect(await grow("pc", 2)).toEqual([
      ...[37, "The topic pc currently has 3 partition(s); 2 would not be an increase."],
    ]);
    expect(await grow("pc", 3)).toEqual([37, "Topic already has 3 partition(s)."]);
    expect(await grow("pc", -1)).toEqual([
      ...[37, "The topic pc currently has 3 partition(s); -1 would not be an increase."],
    ]);
    expect((await grow("pc", 10_001))[0]).toBe(37);
    expect(await grow("nope", 3)).toEqual([3, null]);
    expect((await grow("__transaction_state", 3))[0]).toBe(17);
    expect(count("pc")).toBe(3);
  });

  test("only validates if it is asked to", async () => {
    await registry().create("checked", 1, {});
    expect(await grow("checked", 2, { validateOnly: true })).toEqual([0, null]);
    expect(await grow("checked", 1, { validateOnly: true })).toEqual([
      ...[37, "Topic already has 1 partition(s)."],
    ]);
    expect(count("checked")).toBe(1);
  });

  test("takes assignments to this broker only", async () => {
    await registry().create("placed", 1, {});
    const refused = async (...assignments: number[][]) => {
      const [code, message] = await grow("placed", 3, { assignments });
      expect(code).toBe(39);
      return message;
    };
    expect(await refused([1])).toBe(
      "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.",
    );
    expect(await refused([1], [])).toContain("empty replica list");
    expect(await refused([1], [1, 1])).toContain("includes the broker 1 more than once");
    expect(await refused([1], [1, 2])).toContain("broker 2, but no such broker");
    expect(await grow("placed", 3, { assignments: [[1], [1]] })).toEqual([0, null]);
  });

  test("has one row for a topic that is there twice, and changes nothing", async () => {
    await registry().create("twice", 1, {});
    const topics = [2, 3].map((to) => ({ name: "twice", count: to, assignments: null }));
    const request = { topics, timeoutMs: 1_000, validateOnly: false };
    expect((await client.call(CreatePartitions, 3, request)).results).toEqual([
      { name: "twice", errorCode: 42, errorMessage: "Duplicate topic name." },
    ]);
    expect(count("twice")).toBe(1);
  });
});
