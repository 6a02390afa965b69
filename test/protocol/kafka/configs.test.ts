// DescribeConfigs, AlterConfigs and IncrementalAlterConfigs over a real socket, with the answers of Apache Kafka 4.4.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { TOPIC_CONFIG_NAMES } from "../../../src/topics/topic-configs.js";
import { startBroker, type TestBroker } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";

const { AlterConfigs, DescribeConfigs, IncrementalAlterConfigs } = KAFKA_APIS;

const TOPIC = 2;
const BROKER = 4;
const LOGGER = 8;
const CLIENT_METRICS = 16;
const GROUP = 32;

const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;

const STATIC = 4;
const DEFAULT = 5;
const OWN = 1;

let running: TestBroker;
let client: KafkaClient;

beforeAll(async () => {
  running = await startBroker({
    ...{ retentionMs: 5_400_000, defaultPartitions: 3, retentionCheckMs: 60_000 },
    topicDefaults: { "log.message.timestamp.before.max.ms": "9000000" },
  });
  client = await KafkaClient.connect(running.broker.port);
});

afterAll(async () => {
  client[Symbol.dispose]();
  await running[Symbol.asyncDispose]();
});

function create(name: string, settings: Readonly<Record<string, string>> = {}) {
  return running.broker.context.registry.create(name, 1, settings);
}

/** Describes one resource. */
async function described(
  resourceType: number,
  resourceName: string,
  configurationKeys: readonly string[] | null = null,
  version: number = DescribeConfigs.max,
) {
  const { results } = await client.call(DescribeConfigs, version, {
    resources: [{ resourceType, resourceName, configurationKeys }],
    includeSynonyms: true,
    includeDocumentation: true,
  });
  expect(results).toMatchObject([{ resourceType, resourceName }]);
  const [result] = results;
  const configs = new Map((result?.configs ?? []).map((config) => [config.name, config]));
  return { errorCode: result?.errorCode, errorMessage: result?.errorMessage, configs };
}

type Change = readonly [name: string, operation: number, value: string | null];

/** Changes configs of one resource, and returns the error code and message. */
async function altered(
  resourceType: number,
  resourceName: string,
  changes: readonly Change[],
  { version = IncrementalAlterConfigs.max as number, validateOnly = false } = {},
) {
  const configs = changes.map(([name, configOperation, value]) => ({
    name,
    configOperation,
    value,
  }));
  const { responses } = await client.call(IncrementalAlterConfigs, version, {
    resources: [{ resourceType, resourceName, configs }],
    validateOnly,
  });
  expect(responses).toMatchObject([{ resourceType, resourceName }]);
  return [responses[0]?.errorCode, responses[0]?.errorMessage] as const;
}

function ownSettings(topic: string) {
  return running.broker.context.registry.find(topic)?.settings;
}

describe("DescribeConfigs of a topic", () => {
  test("has every config with type, source, synonyms and documentation, in every version", async () => {
    await create("all", { "retention.bytes": "7", "min.insync.replicas": "1" });
    for (let version = DescribeConfigs.min; version <= DescribeConfigs.max; version++) {
      const { errorCode, errorMessage, configs } = await described(TOPIC, "all", null, version);
      expect([errorCode, errorMessage]).toEqual([0, ""]);
      expect([...configs.keys()]).toEqual([...TOPIC_CONFIG_NAMES]);
      for (const { value, readOnly, isSensitive } of configs.values()) {
        expect([typeof value, readOnly, isSensitive]).toEqual(["string", false, false]);
      }
      const typed = version >= 3;
      expect(configs.get("retention.bytes")).toEqual({
        ...{ name: "retention.bytes", value: "7", readOnly: false, isSensitive: false },
        ...{ configSource: OWN, configType: typed ? 5 : 0 },
        synonyms: [
          { name: "retention.bytes", value: "7", source: OWN },
          { name: "log.retention.bytes", value: "-1", source: DEFAULT },
        ],
        documentation: typed ? expect.stringContaining("negative for no limit") : "",
      });
      expect(configs.get("cleanup.policy")).toMatchObject({
        ...{ value: "delete", configSource: DEFAULT, configType: typed ? 7 : 0 },
        synonyms: [{ name: "log.cleanup.policy", value: "delete", source: DEFAULT }],
      });
    }
  });

  test("names the broker's options as the source of what they set", async () => {
    await create("options");
    const { configs } = await described(TOPIC, "options", ["retention.ms", "flush.messages"]);
    expect(configs.get("retention.ms")).toMatchObject({ value: "5400000", configSource: STATIC });
    expect(configs.get("retention.ms")?.synonyms).toEqual([
      { name: "log.retention.ms", value: "5400000", source: STATIC },
      { name: "log.retention.ms", value: "-1", source: DEFAULT },
      { name: "log.retention.minutes", value: "90", source: STATIC },
      { name: "log.retention.minutes", value: "-1", source: DEFAULT },
      { name: "log.retention.hours", value: "-1", source: DEFAULT },
    ]);
    expect(configs.get("flush.messages")).toMatchObject({ value: "1", configSource: DEFAULT });
    const name = "message.timestamp.before.max.ms";
    const other = (await described(TOPIC, "options", [name])).configs.get(name);
    expect(other).toMatchObject({ value: "9000000", configSource: STATIC });
    expect(other?.synonyms).toEqual([
      { name: `log.${name}`, value: "9000000", source: STATIC },
      { name: `log.${name}`, value: "9223372036854775807", source: DEFAULT },
    ]);
  });

  test("has only the keys asked for, and no synonyms or documentation unless asked", async () => {
    await create("keys");
    const { configs } = await described(TOPIC, "keys", ["retention.ms", "nope"]);
    expect([...configs.keys()]).toEqual(["retention.ms"]);
    expect((await described(TOPIC, "keys", [])).configs.size).toBe(TOPIC_CONFIG_NAMES.length);
    const { results } = await client.call(DescribeConfigs, 4, {
      resources: [
        { resourceType: TOPIC, resourceName: "keys", configurationKeys: ["preallocate"] },
      ],
      includeSynonyms: false,
      includeDocumentation: false,
    });
    expect(results[0]?.configs).toMatchObject([{ synonyms: [], documentation: null }]);
  });

  test("that is missing, invalid or repeated is an error in its own place", async () => {
    await create("here");
    const resource = (resourceName: string) => ({
      ...{ resourceType: TOPIC, resourceName, configurationKeys: ["preallocate"] },
    });
    const { results } = await client.call(DescribeConfigs, 4, {
      resources: ["nope", "here", "a b", "", "here"].map(resource),
      includeSynonyms: false,
      includeDocumentation: false,
    });
    const errors = results.map(({ errorCode, configs }) => [errorCode, configs.length]);
    expect(errors).toEqual([
      [3, 0],
      [0, 1],
      [17, 0],
      [17, 0],
      [42, 0],
    ]);
    expect(results[0]?.errorMessage).toBe("");
  });
});

describe("DescribeConfigs of the broker", () => {
  test("has its options under Kafka's names, read-only, by name", async () => {
    const { errorCode, configs } = await described(BROKER, "1");
    const { broker, dataDir } = running;
    expect(errorCode).toBe(0);
    expect([...configs.keys()]).toEqual([...configs.keys()].sort());
    expect([...configs.values()].every(({ readOnly }) => readOnly)).toBe(true);
    const shown = (name: string) => {
      const config = configs.get(name);
      return [config?.value, config?.configSource, config?.configType];
    };
    const address = `PLAINTEXT://127.0.0.1:${broker.port}`;
    for (const [name, value, source, type] of [
      ["advertised.listeners", address, STATIC, 7],
      ["auto.create.topics.enable", "true", DEFAULT, 1],
      ["compression.type", "producer", DEFAULT, 2],
      ["default.replication.factor", "1", DEFAULT, 3],
      ["listeners", address, STATIC, 7],
      ["log.cleanup.policy", "delete", DEFAULT, 7],
      ["log.dirs", dataDir, STATIC, 7],
      ["log.message.timestamp.before.max.ms", "9000000", STATIC, 5],
      ["log.retention.check.interval.ms", "60000", STATIC, 5],
      ["log.retention.hours", null, STATIC, 3],
      ["log.retention.minutes", "90", STATIC, 3],
      ["log.retention.ms", "5400000", STATIC, 5],
      ["log.segment.bytes", "268435456", DEFAULT, 3],
      ["log.roll.hours", "168", DEFAULT, 3],
      ["message.max.bytes", "8388608", DEFAULT, 3],
      ["node.id", "1", DEFAULT, 3],
      ["num.partitions", "3", STATIC, 3],
    ] as const) {
      expect([name, ...shown(name)]).toEqual([name, value, source, type]);
    }
  });

  test("has only the keys asked for", async () => {
    const { configs } = await described(BROKER, "1", ["num.partitions", "nope"]);
    expect([...configs.keys()]).toEqual(["num.partitions"]);
    expect(configs.get("num.partitions")?.synonyms).toEqual([
      { name: "num.partitions", value: "3", source: STATIC },
      { name: "num.partitions", value: "1", source: DEFAULT },
    ]);
  });
});

test.each([
  [BROKER, "", 0, ""],
  [BROKER, "7", 42, "Unexpected broker id, expected 1 or empty string, but received 7"],
  [BROKER, "x", 42, "Broker id must be an integer, but it is: x"],
  [LOGGER, "1", 0, ""],
  [LOGGER, "", 42, "Broker id must not be empty"],
  [LOGGER, "7", 42, "Unexpected broker id, expected 1 but received 7"],
  [LOGGER, "x", 42, "Broker id must be an integer, but it is: x"],
  [CLIENT_METRICS, "x", 0, ""],
  [CLIENT_METRICS, "", 42, "Client metrics subscription name must not be empty"],
  [GROUP, "g", 0, ""],
  [GROUP, "", 42, "Group name must not be empty"],
  [99, "x", 42, "Unknown resource type 99"],
  [0, "x", 42, "Unknown resource type 0"],
])(
  "DescribeConfigs of type %d, name %j: error %d, no configs",
  async (type, name, code, message) => {
    const { errorCode, errorMessage, configs } = await described(type, name);
    expect([errorCode, errorMessage, configs.size]).toEqual([code, message, 0]);
  },
);

describe("IncrementalAlterConfigs", () => {
  test("sets and deletes in every version, and the change is effective at once", async () => {
    for (let version = 0; version <= IncrementalAlterConfigs.max; version++) {
      const name = `set${version}`;
      const topic = await create(name, { "segment.ms": "5" });
      const changes = [
        ["retention.ms", SET, " 1000 "],
        ["segment.ms", DELETE, null],
        ["cleanup.policy", DELETE, "ignored"],
        ["nope", DELETE, null],
      ] as const;
      expect(await altered(TOPIC, name, changes, { version })).toEqual([0, null]);
      expect(ownSettings(name)).toEqual({ "retention.ms": "1000" });
      expect(topic.logSettings.current.retentionMs).toBe(1000);
    }
  });

  test("appends to lists and subtracts from them, starting with the default", async () => {
    await create("lists");
    const name = "leader.replication.throttled.replicas";
    const steps = [
      [APPEND, "0:1, 1:1", "0:1,1:1"],
      [APPEND, "1:1,2:1", "0:1,1:1,2:1"],
      [SUBTRACT, "1:1,7:7", "0:1,2:1"],
      [SUBTRACT, "0:1,2:1", ""],
    ] as const;
    for (const [operation, value, expected] of steps) {
      expect(await altered(TOPIC, "lists", [[name, operation, value]])).toEqual([0, null]);
      expect(ownSettings("lists")).toEqual({ [name]: expected });
    }
    for (const [operation, value, expected] of [
      [APPEND, "compact", "delete,compact"],
      [SUBTRACT, "delete", "compact"],
      [SUBTRACT, "compact", ""],
    ] as const) {
      const change = ["cleanup.policy", operation, value] as const;
      expect(await altered(TOPIC, "lists", [change])).toEqual([0, null]);
      expect(ownSettings("lists")?.["cleanup.policy"]).toBe(expected);
    }
  });

  test.each<[string, Change[], number, string]>([
    ["t", [["nope", SET, "1"]], 40, "Unknown topic config name: nope"],
    [
      "t",
      [["retention.ms", SET, "x"]],
      40,
      "Invalid value x for configuration retention.ms: Not a number of type LONG",
    ],
    [
      "t",
      [["retention.ms", APPEND, "x"]],
      40,
      "Can't APPEND to key retention.ms because its type is not LIST.",
    ],
    [
      "t",
      [["nope", SUBTRACT, "x"]],
      40,
      "Can't SUBTRACT to key nope because its type is not LIST.",
    ],
    [
      "t",
      [["cleanup.policy", APPEND, "compress"]],
      40,
      "Invalid value compress for configuration cleanup.policy: String must be one of: compact, delete",
    ],
    ["t", [["retention.ms", SET, null]], 42, "Null value not supported for : retention.ms"],
    ["t", [["cleanup.policy", APPEND, null]], 42, "Null value not supported for : cleanup.policy"],
    [
      "t",
      [
        ["retention.ms", SET, "5"],
        ["retention.ms", SET, "6"],
      ],
      42,
      "Error due to duplicate config keys",
    ],
    ["t", [["retention.ms", 9, "5"]], 42, "Unknown config operation 9"],
    ["missing", [["retention.ms", SET, "5"]], 3, "The topic 'missing' does not exist."],
    ["", [["retention.ms", SET, "5"]], 42, "Default topic resources are not allowed"],
  ])(
    "of topic %j: %j is error %d, and nothing is applied",
    async (name, changes, code, message) => {
      const { registry } = running.broker.context;
      if (registry.find("t") === undefined) await create("t", { "segment.ms": "5" });
      for (const validateOnly of [true, false]) {
        expect(await altered(TOPIC, name, [...changes, PASSING], { validateOnly })).toEqual([
          code,
          message,
        ]);
        expect(ownSettings("t")).toEqual({ "segment.ms": "5" });
      }
    },
  );

  test("only validates if asked to", async () => {
    await create("validate");
    const outcome = await altered(TOPIC, "validate", [PASSING], { validateOnly: true });
    expect(outcome).toEqual([0, null]);
    expect(ownSettings("validate")).toEqual({});
  });

  test("of an internal topic is refused", async () => {
    await create("__consumer_offsets");
    const [code] = await altered(TOPIC, "__consumer_offsets", [PASSING]);
    expect(code).toBe(17);
  });

  test("alters each resource by itself, and none that is repeated", async () => {
    await create("one");
    await create("two");
    const configs = [{ name: "retention.bytes", configOperation: SET, value: "7" }];
    const resource = (resourceName: string) => ({ resourceType: TOPIC, resourceName, configs });
    const { responses } = await client.call(IncrementalAlterConfigs, 1, {
      resources: ["one", "gone", "two", "two"].map(resource),
      validateOnly: false,
    });
    const repeated = "Each resource must appear at most once.";
    expect(responses.map(({ errorCode, errorMessage }) => [errorCode, errorMessage])).toEqual([
      [0, null],
      [3, "The topic 'gone' does not exist."],
      [42, repeated],
      [42, repeated],
    ]);
    expect([ownSettings("one"), ownSettings("two")]).toEqual([{ "retention.bytes": "7" }, {}]);
  });
});

const PASSING: Change = ["retention.bytes", SET, "7"];

test.each<[number, string, Change[], number, string | null]>([
  [
    BROKER,
    "1",
    [["log.dirs", SET, "/x"]],
    42,
    "Cannot update these configs dynamically: [log.dirs]",
  ],
  [
    BROKER,
    "",
    [["log.dirs", SET, "/x"]],
    42,
    "Cannot update these configs dynamically: [log.dirs]",
  ],
  [BROKER, "1", [], 0, null],
  [BROKER, "7", [["a", SET, "5"]], 42, "Unexpected broker id, expected 1, but received 7"],
  [BROKER, "x", [["a", SET, "5"]], 42, "Node id must be an integer, but it is: x"],
  [LOGGER, "1", [["a.b", SET, "INFO"]], 40, "Logger a.b does not exist!"],
  [GROUP, "g", [["nope", SET, "5"]], 40, "Unknown group config name: nope"],
  [CLIENT_METRICS, "m", [["a", SET, "5"]], 40, "Unknown client metrics config name: a"],
  [99, "x", [["a", SET, "5"]], 42, "Unknown resource type 99"],
])(
  "IncrementalAlterConfigs of type %d, name %j: %j is error %d",
  async (type, name, changes, code, message) => {
    expect(await altered(type, name, changes)).toEqual([code, message]);
  },
);

describe("AlterConfigs", () => {
  async function replaced(
    resourceName: string,
    configs: Readonly<Record<string, string | null>>,
    { version = AlterConfigs.max as number, validateOnly = false, resourceType = TOPIC } = {},
  ) {
    const { responses } = await client.call(AlterConfigs, version, {
      resources: [
        {
          ...{ resourceType, resourceName },
          configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
        },
      ],
      validateOnly,
    });
    return [responses[0]?.errorCode, responses[0]?.errorMessage] as const;
  }

  test("replaces all of a topic's own configs, in every version", async () => {
    for (let version = 0; version <= AlterConfigs.max; version++) {
      const name = `replace${version}`;
      await create(name, { "segment.ms": "5" });
      const configs = { "retention.ms": "6", "min.insync.replicas": "1" };
      expect(await replaced(name, configs, { version, validateOnly: true })).toEqual([0, null]);
      expect(ownSettings(name)).toEqual({ "segment.ms": "5" });
      expect(await replaced(name, configs, { version })).toEqual([0, null]);
      expect(ownSettings(name)).toEqual(configs);
      expect(await replaced(name, {}, { version })).toEqual([0, null]);
      expect(ownSettings(name)).toEqual({});
    }
  });

  test("applies nothing if one config is invalid", async () => {
    await create("keep", { "segment.ms": "5" });
    expect(await replaced("keep", { "retention.ms": "6", nope: "1" })).toEqual([
      40,
      "Unknown topic config name: nope",
    ]);
    expect(await replaced("keep", { "retention.ms": null })).toEqual([
      42,
      "Null value not supported for : retention.ms",
    ]);
    expect(ownSettings("keep")).toEqual({ "segment.ms": "5" });
    expect(await replaced("gone", {})).toEqual([3, "The topic 'gone' does not exist."]);
    expect(await replaced("1", { "log.dirs": "/x" }, { resourceType: BROKER })).toEqual([
      42,
      "Cannot update these configs dynamically: [log.dirs]",
    ]);
    expect(await replaced("1", { "a.b": "INFO" }, { resourceType: LOGGER })).toEqual([
      42,
      "Unknown resource type 8",
    ]);
  });
});

test("a config that was altered is there after a restart", async () => {
  await using first = await startBroker();
  await first.broker.context.registry.create("kept", 1, { "segment.ms": "5" });
  const other = await KafkaClient.connect(first.broker.port);
  await other.call(IncrementalAlterConfigs, 1, {
    resources: [
      {
        ...{ resourceType: TOPIC, resourceName: "kept" },
        configs: [{ name: "max.message.bytes", configOperation: SET, value: "100" }],
      },
    ],
    validateOnly: false,
  });
  other[Symbol.dispose]();
  await first.broker.stop();
  await using second = await startBroker({ dataDir: first.dataDir });
  expect(second.broker.context.registry.find("kept")).toMatchObject({
    settings: { "segment.ms": "5", "max.message.bytes": "100" },
    batchBytesMax: 100,
  });
});
