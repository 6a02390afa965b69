// CreateTopics, DeleteTopics and CreatePartitions over a real socket, with the answers of Apache Kafka 4.4.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { TOPIC_CONFIG_NAMES } from "../../../src/topics/topic-configs.js";
import { ZERO_UUID } from "../../../src/record/bytes.js";
import { startBroker, type TestBroker } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";

const { CreatePartitions, CreateTopics, DeleteTopics } = KAFKA_APIS;

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

interface NewTopic {
  readonly name: string;
  readonly numPartitions?: number;
  readonly replicationFactor?: number;
  readonly assignments?: readonly (readonly [partitionIndex: number, ...brokerIds: number[]])[];
  readonly configs?: Readonly<Record<string, string | null>>;
}

function creation(topics: readonly NewTopic[], validateOnly: boolean) {
  return {
    topics: topics.map(({ name, numPartitions = 1, replicationFactor = 1, ...others }) => ({
      ...{ name, numPartitions, replicationFactor },
      assignments: (others.assignments ?? []).map(([partitionIndex, ...brokerIds]) => {
        return { partitionIndex, brokerIds };
      }),
      configs: Object.entries(others.configs ?? {}).map(([key, value]) => ({ name: key, value })),
    })),
    timeoutMs: 5_000,
    validateOnly,
  };
}

describe("CreateTopics", () => {
  const create = async (
    topics: readonly NewTopic[],
    { version = 7, validateOnly = false } = {},
  ) => {
    const request = creation(topics, validateOnly);
    return (await client.call(CreateTopics, version, request)).topics;
  };
  /** The error of one topic that must not be created. */
  const refused = async (topic: NewTopic, validateOnly = false) => {
    const before = registry().list().length;
    const [row, ...others] = await create([topic], { validateOnly });
    expect(others).toEqual([]);
    expect(row).toMatchObject({ name: topic.name, topicId: ZERO_UUID, topicConfigErrorCode: 0 });
    expect(row).toMatchObject({ numPartitions: -1, replicationFactor: -1, configs: [] });
    expect(registry().list()).toHaveLength(before);
    return [row?.errorCode, row?.errorMessage];
  };

  test("creates topics in every version, with what each version tells", async () => {
    for (let version = CreateTopics.min; version <= CreateTopics.max; version++) {
      const name = `v${version}`;
      const configs = { "retention.ms": "5000" };
      const [row] = await create([{ name, numPartitions: 3, configs }], { version });
      const topic = registry().find(name);
      expect([topic?.partitions.length, topic?.settings]).toEqual([3, configs]);
      expect(row).toMatchObject({ name, errorCode: 0, errorMessage: null });
      expect(row?.topicId).toBe(version < 7 ? ZERO_UUID : topic!.id);
      if (version < 5) continue;
      expect(row).toMatchObject({ numPartitions: 3, replicationFactor: 1 });
      expect(row?.configs?.map((config) => config.name)).toEqual([...TOPIC_CONFIG_NAMES]);
      const rows = new Map(row?.configs?.map((config) => [config.name, config]));
      const place = { readOnly: false, isSensitive: false };
      expect(rows.get("retention.ms")).toEqual({
        ...{ name: "retention.ms", value: "5000", configSource: 1, ...place },
      });
      expect(rows.get("cleanup.policy")).toEqual({
        ...{ name: "cleanup.policy", value: "delete", configSource: 5, ...place },
      });
    }
  });

  test("takes -1 for the default number of partitions and replicas", async () => {
    const [row] = await create([{ name: "defaults", numPartitions: -1, replicationFactor: -1 }]);
    expect(row).toMatchObject({ errorCode: 0, numPartitions: 2, replicationFactor: 1 });
  });

  test("creates a topic with one replica, however many are wanted", async () => {
    for (const replicationFactor of [3, 32_767]) {
      const [row] = await create([{ name: `rf${replicationFactor}`, replicationFactor }]);
      expect(row).toMatchObject({ errorCode: 0, replicationFactor: 1 });
    }
  });

  test("only validates if it is asked to", async () => {
    const topic = { name: "unmade", numPartitions: -1, configs: { "segment.bytes": "2048" } };
    for (let i = 0; i < 2; i++) {
      const [row] = await create([topic], { validateOnly: true });
      expect(row).toMatchObject({ errorCode: 0, errorMessage: null, numPartitions: 2 });
      expect(row?.configs).toContainEqual(
        expect.objectContaining({ name: "segment.bytes", value: "2048", configSource: 1 }),
      );
      expect(registry().find("unmade")).toBeUndefined();
    }
    const unknown = { name: "unmade", configs: { nope: "1" } };
    expect(await refused(unknown, true)).toEqual([40, "Unknown topic config name: nope"]);
  });

  test("says why it refuses a topic", async () => {
    await registry().create("pa", 1, {});
    await registry().create("co_l.x", 1, {});
    const rf0 = "Replication factor must be larger than 0, or -1 to use the default value.";
    const parts0 = "Number of partitions was set to an invalid non-positive value.";
    const invalid = "Topic name is invalid: ";
    const characters =
      "contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'";
    const long = "x".repeat(250);
    const cases: [NewTopic, number, string][] = [
      [{ name: "pa" }, 36, "Topic 'pa' already exists."],
      [{ name: "pa", configs: { nope: "1" } }, 36, "Topic 'pa' already exists."],
      [{ name: "rf", replicationFactor: 0 }, 38, rf0],
      [{ name: "rf", replicationFactor: -2 }, 38, rf0],
      [{ name: "parts", numPartitions: 0 }, 37, parts0],
      [{ name: "parts", numPartitions: -2 }, 37, parts0],
      [{ name: "a b" }, 17, `${invalid}'a b' ${characters}`],
      [{ name: "" }, 17, `${invalid}the empty string is not allowed`],
      [{ name: ".." }, 17, `${invalid}'..' is not allowed`],
      [
        { name: long },
        17,
        `${invalid}the length of '${long}' is longer than the max allowed length 249`,
      ],
      [{ name: "co.l_x" }, 17, "Topic 'co.l_x' collides with existing topic: co_l.x"],
      [{ name: "pa6", configs: { nope: "1" } }, 40, "Unknown topic config name: nope"],
      [
        { name: "pa6", configs: { "retention.ms": "x" } },
        40,
        "Invalid value x for configuration retention.ms: Not a number of type LONG",
      ],
      [
        { name: "pa6", configs: { "retention.ms": null } },
        40,
        "Null value not supported for topic configs: retention.ms",
      ],
      [
        { name: "__transaction_state" },
        17,
        "topic '__transaction_state' can't be created: it belongs to the broker",
      ],
    ];
    for (const [topic, code, message] of cases) {
      expect(await refused(topic)).toEqual([code, message]);
    }
    const many = "Excessively large number of partitions per request.";
    const [row] = await create([{ name: "y".repeat(32_767) }], { version: 2 });
    const bound = "…' is longer than the max allowed length 249";
    expect([row?.errorCode, row?.errorMessage?.slice(-bound.length)]).toEqual([17, bound]);
    expect(await refused({ name: "many", numPartitions: 10_001 })).toEqual([44, many]);
  });

  test("takes assignments to this broker, without a number of partitions and replicas", async () => {
    const manual = { name: "placed", numPartitions: -1, replicationFactor: -1 };
    const [row] = await create([
      {
        ...manual,
        assignments: [
          ...([
            [1, 1],
            [0, 1],
          ] as const),
        ],
      },
    ]);
    expect(row).toMatchObject({ errorCode: 0, numPartitions: 2, replicationFactor: 1 });
    const stated = { name: "other", assignments: [[0, 1]] as const };
    expect((await refused({ ...stated, replicationFactor: -1 }))[0]).toBe(42);
    expect((await refused({ ...stated, numPartitions: -1 }))[0]).toBe(42);
    const wrong = [
      [[0]],
      [[0, 2]],
      [[0, 1, 1]],
      [[1, 1]],
      [
        [0, 1],
        [0, 1],
      ],
      [
        [0, 1],
        [2, 1],
      ],
    ] as const;
    for (const assignments of wrong) {
      expect((await refused({ ...manual, name: "other", assignments }))[0]).toBe(39);
    }
  });

  test("answers each topic on its own: one that is there twice, two that collide, any other", async () => {
    const names = ["pa7", "zz.a", "pa7", "zz_a", "__foo"];
    const rows = await create(names.map((name) => ({ name })));
    expect(rows.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ["pa7", 42],
      ["zz.a", 0],
      ["zz_a", 0],
      ["__foo", 0],
    ]);
    expect(rows[0]?.errorMessage).toBe("Duplicate topic name.");
    expect(registry().find("pa7")).toBeUndefined();
    const again = await create([{ name: "zz.a" }, { name: "zz_a" }]);
    expect(again.map(({ errorCode }) => errorCode)).toEqual([36, 36]);
  });
});

test("a strict broker refuses a replication factor above 1", async () => {
  await using strict = await startBroker({ strictReplicationFactor: true });
  using other = await KafkaClient.connect(strict.broker.port);
  const topics = [1, 3].map((replicationFactor) => ({
    name: `rf${replicationFactor}`,
    replicationFactor,
  }));
  const rows = (await other.call(CreateTopics, 7, creation(topics, false))).topics;
  expect(rows.map(({ errorCode, errorMessage }) => [errorCode, errorMessage])).toEqual([
    [0, null],
    [
      38,
      "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because " +
        "only 1 broker(s) are registered or some brokers have all their log directories cordoned.",
    ],
  ]);
});

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
    expect([registry().find("a"), registry().find("b")]).toEqual([undefined, undefined]);
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

test("requests for thousands of topics are answered completely, in order", async () => {
  const names = Array.from({ length: 2_500 }, (_, i) => `none-${i}`);
  const removed = await client.call(DeleteTopics, 5, {
    ...{ topics: [], topicNames: names, timeoutMs: 1_000 },
  });
  expect(removed.responses.map(({ name }) => name)).toEqual(names);
  const grown = await client.call(CreatePartitions, 3, {
    topics: names.map((name) => ({ name, count: 2, assignments: null })),
    ...{ timeoutMs: 1_000, validateOnly: false },
  });
  expect(grown.results.map(({ name }) => name)).toEqual(names);
  const wrong = names.map((name) => ({ name, numPartitions: 0 }));
  const { topics } = await client.call(CreateTopics, 7, creation(wrong, false));
  expect(topics.map(({ name }) => name)).toEqual(names);
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
    await registry().create("moved", 1, {});
    const refused = async (...assignments: number[][]) => {
      const [code, message] = await grow("moved", 3, { assignments });
      expect(code).toBe(39);
      return message;
    };
    expect(await refused([1])).toBe(
      "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.",
    );
    expect(await refused([1], [])).toContain("empty replica list");
    expect(await refused([1], [1, 1])).toContain("includes the broker 1 more than once");
    expect(await refused([1], [1, 2])).toContain("broker 2, but no such broker");
    expect(await grow("moved", 3, { assignments: [[1], [1]] })).toEqual([0, null]);
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
