// What a cluster of one answers about itself over a real socket, with the answers of Apache Kafka 4.4.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { statfs } from "node:fs/promises";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { ZERO_UUID } from "../../../src/record/bytes.js";
import { startBroker, type TestBroker } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { batchOf } from "../../support/log-fixture.js";

const {
  AlterPartitionReassignments,
  DescribeAcls,
  DescribeClientQuotas,
  DescribeCluster,
  DescribeLogDirs,
  DescribeProducers,
  DescribeTopicPartitions,
  ElectLeaders,
  ListPartitionReassignments,
} = KAFKA_APIS;

let running: TestBroker;
let client: KafkaClient;

beforeAll(async () => {
  running = await startBroker();
  client = await KafkaClient.connect(running.broker.port);
  const { registry } = running.broker.context;
  await registry.create("pc", 3, {});
  await registry.create("pd", 1, {});
  const producer = { producerId: 7, producerEpoch: 2, baseSequence: 0 };
  await registry.partition("pc", 1).append(batchOf(["a", "b"], 1_000, producer));
});

afterAll(async () => {
  client[Symbol.dispose]();
  await running[Symbol.asyncDispose]();
});

describe("DescribeCluster", () => {
  const ask = (version: number, endpointType: number, asksOperations = false) =>
    client.call(DescribeCluster, version, {
      ...{ endpointType, includeFencedBrokers: false },
      includeClusterAuthorizedOperations: asksOperations,
    });

  test("names the one broker, in every version", async () => {
    for (let version = 0; version <= DescribeCluster.max; version++) {
      expect(await ask(version, 1, version > 0)).toMatchObject({
        ...{ errorCode: 0, errorMessage: null, controllerId: 1 },
        clusterId: expect.stringMatching(/^[\w-]{22}$/),
        brokers: [{ brokerId: 1, host: "127.0.0.1", port: running.broker.port, rack: null }],
        clusterAuthorizedOperations: version > 0 ? 8096 : -2147483648,
      });
    }
  });

  test("is not a controller", async () => {
    const nobody = { endpointType: 1, clusterId: "", controllerId: -1, brokers: [] };
    expect(await ask(1, 2)).toMatchObject({
      ...{ ...nobody, errorCode: 114 },
      errorMessage:
        "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER",
    });
    const unknown = { errorCode: 115, errorMessage: "Unsupported endpoint type 9" };
    expect(await ask(1, 9)).toMatchObject({ ...nobody, ...unknown });
  });
});

describe("DescribeLogDirs", () => {
  const ask = async (topics: [topic: string, ...number[]][] | null, version: number) => {
    const { results } = await client.call(DescribeLogDirs, version, {
      topics: topics?.map(([topic, ...partitions]) => ({ topic, partitions })) ?? null,
    });
    expect(results.length).toBe(1);
    return results[0]!;
  };
  const shown = ({ topics }: Awaited<ReturnType<typeof ask>>) =>
    topics.map(({ name, partitions }) => [name, ...partitions.map((it) => it.partitionIndex)]);

  test("has the size of every partition, in every version", async () => {
    for (let version = DescribeLogDirs.min; version <= DescribeLogDirs.max; version++) {
      const directory = await ask(null, version);
      expect(directory).toMatchObject({ errorCode: 0, logDir: running.dataDir, isCordoned: false });
      expect(shown(directory)).toEqual([
        ["pc", 0, 1, 2],
        ["pd", 0],
      ]);
      const written = running.broker.context.registry.partition("pc", 1).bytes;
      expect(written).toBeGreaterThan(60);
      expect(directory.topics[0]?.partitions[1]).toEqual({
        ...{ partitionIndex: 1, partitionSize: written, offsetLag: 0, isFutureKey: false },
      });
    }
  });

  test("has the size of the file system", async () => {
    const { totalBytes, usableBytes } = await ask([], 4);
    const { bsize, blocks } = await statfs(running.dataDir);
    expect(totalBytes).toBe(bsize * blocks);
    expect(usableBytes).toBeWithin(0, totalBytes + 1);
  });

  test("has only the partitions asked for that exist", async () => {
    expect(
      shown(
        await ask(
          [
            ["pc", 0, 7],
            ["nope", 0],
          ],
          1,
        ),
      ),
    ).toEqual([["pc", 0]]);
    expect(
      shown(
        await ask(
          [
            ["pc", 2],
            ["pd", 0],
            ["pc", 1, 2],
          ],
          4,
        ),
      ),
    ).toEqual([
      ["pc", 1, 2],
      ["pd", 0],
    ]);
    for (const topics of [[], [["pc"] as [string]]])
      expect(shown(await ask(topics, 1))).toEqual([]);
  });
});

describe("ElectLeaders", () => {
  const ask = (topics: [topic: string, ...number[]][] | null, version = 2, electionType = 0) =>
    client.call(ElectLeaders, version, {
      ...{ electionType, timeoutMs: 1_000 },
      topicPartitions: topics?.map(([topic, ...partitions]) => ({ topic, partitions })) ?? null,
    });

  test("has nothing to elect, in every version", async () => {
    for (let version = 0; version <= ElectLeaders.max; version++) {
      const response = await ask(
        [
          ["pc", 0, 9],
          ["nope", 0],
        ],
        version,
        version === 0 ? 0 : 1,
      );
      expect(response.errorCode).toBe(0);
      const unneeded = "Leader election not needed for topic partition.";
      expect(response.replicaElectionResults).toEqual([
        {
          topic: "pc",
          partitionResult: [
            { partitionId: 0, errorCode: 84, errorMessage: unneeded },
            { partitionId: 9, errorCode: 3, errorMessage: "No such partition as pc-9" },
          ],
        },
        {
          topic: "nope",
          partitionResult: [
            { partitionId: 0, errorCode: 3, errorMessage: "No such topic as nope" },
          ],
        },
      ]);
    }
  });

  test("lists all topics if none is named", async () => {
    const { errorCode, replicaElectionResults } = await ask(null);
    expect(errorCode).toBe(0);
    expect(replicaElectionResults).toEqual([
      { topic: "pc", partitionResult: [] },
      { topic: "pd", partitionResult: [] },
    ]);
  });

  test("of an unknown type is refused", async () => {
    const { errorCode, replicaElectionResults } = await ask([["pc", 0]], 2, 7);
    expect(errorCode).toBe(42);
    expect(replicaElectionResults[0]?.partitionResult).toEqual([
      { partitionId: 0, errorCode: 42, errorMessage: "Unknown election type 7" },
    ]);
  });
});

describe("AlterPartitionReassignments", () => {
  test.each<[string, number, number[] | null, number, string | null]>([
    ["pc", 0, [1], 0, null],
    ["pc", 0, null, 85, null],
    [
      "pc",
      0,
      [2],
      39,
      "The manual partition assignment includes broker 2, but no such broker is registered.",
    ],
    ["pc", 0, [1, 1], 39, "The manual partition assignment includes the broker 1 more than once."],
    ["pc", 0, [], 39, "The manual partition assignment includes an empty replica list."],
    ["pc", 9, [1], 3, "Unable to find partition pc:9."],
    ["nope", 0, [1], 3, "Unable to find a topic named nope."],
  ])(
    "of %s-%d to %j: error %d",
    async (name, partitionIndex, replicas, errorCode, errorMessage) => {
      for (let version = 0; version <= AlterPartitionReassignments.max; version++) {
        const response = await client.call(AlterPartitionReassignments, version, {
          ...{ timeoutMs: 1_000, allowReplicationFactorChange: version === 0 },
          topics: [{ name, partitions: [{ partitionIndex, replicas }] }],
        });
        expect(response).toEqual({
          ...{ throttleTimeMs: 0, errorCode: 0, errorMessage: null },
          allowReplicationFactorChange: version === 0,
          responses: [{ name, partitions: [{ partitionIndex, errorCode, errorMessage }] }],
        });
      }
    },
  );

  test("are never in progress", async () => {
    for (const topics of [null, [], [{ name: "nope", partitionIndexes: [0] }]]) {
      const response = await client.call(ListPartitionReassignments, 0, { timeoutMs: 1, topics });
      expect(response).toEqual({ throttleTimeMs: 0, errorCode: 0, errorMessage: null, topics: [] });
    }
  });
});

describe("DescribeTopicPartitions", () => {
  type Cursor = { readonly topicName: string; readonly partitionIndex: number } | null;

  const ask = async (
    names: string[],
    responsePartitionLimit = 2_000,
    at: [string, number][] = [],
  ) => {
    const cursors = at.map(([topicName, partitionIndex]) => ({ topicName, partitionIndex }));
    const response = await client.call(DescribeTopicPartitions, 0, {
      ...{ topics: names.map((name) => ({ name })), responsePartitionLimit },
      cursor: cursors[0] ?? null,
    });
    const rows = response.topics.map(({ errorCode, name, partitions }) =>
      errorCode === 0
        ? [name, ...partitions.map((it) => it.partitionIndex)]
        : [name, { errorCode }],
    );
    return [rows, response.nextCursor as Cursor] as const;
  };
  const next = (topicName: string, partitionIndex: number) => ({ topicName, partitionIndex });
  const ALL = [
    ["pc", 0, 1, 2],
    ["pd", 0],
  ];

  test("has a row for each partition", async () => {
    const { topics } = await client.call(DescribeTopicPartitions, 0, {
      ...{ topics: [{ name: "pd" }, { name: "nope" }], responsePartitionLimit: 10, cursor: null },
    });
    expect(topics).toEqual([
      {
        ...{ errorCode: 3, name: "nope", topicId: ZERO_UUID, isInternal: false, partitions: [] },
        topicAuthorizedOperations: 3576,
      },
      {
        ...{ errorCode: 0, name: "pd", isInternal: false, topicAuthorizedOperations: 3576 },
        topicId: running.broker.context.registry.find("pd")?.id ?? "",
        partitions: [
          {
            ...{ errorCode: 0, partitionIndex: 0, leaderId: 1, leaderEpoch: 0 },
            ...{ replicaNodes: [1], isrNodes: [1], offlineReplicas: [] },
            ...{ eligibleLeaderReplicas: [], lastKnownElr: [] },
          },
        ],
      },
    ]);
  });

  test("is sorted by name, and of all topics if none is named", async () => {
    for (const names of [[], ["pd", "pc"], ["pc", "pd", "pc"]]) {
      expect(await ask(names)).toEqual([ALL, null]);
    }
    const invalid = [
      ["", { errorCode: 17 }],
      ["a b", { errorCode: 17 }],
    ];
    expect(await ask(["a b", ""])).toEqual([invalid, null]);
  });

  test("stops at the limit, and says where to continue", async () => {
    const missing = ["nope", { errorCode: 3 }];
    expect(await ask(["pd", "pc", "nope"], 2)).toEqual([[missing, ["pc", 0, 1]], next("pc", 2)]);
    expect(await ask([], 2)).toEqual([[["pc", 0, 1]], next("pc", 2)]);
    expect(await ask([], 3)).toEqual([[["pc", 0, 1, 2]], next("pd", 0)]);
    expect(await ask([], 1)).toEqual([[["pc", 0]], next("pc", 1)]);
    for (const limit of [0, -1])
      expect(await ask(["pc"], limit)).toEqual([[["pc", 0]], next("pc", 1)]);
  });

  test("continues at the cursor", async () => {
    expect(await ask([], 1, [["pc", 2]])).toEqual([[["pc", 2]], next("pd", 0)]);
    expect(await ask(["pc"], 2_000, [["pc", 2]])).toEqual([[["pc", 2]], null]);
    expect(await ask(["pc"], 5, [["pc", 77]])).toEqual([[["pc"]], null]);
    expect(await ask([], 5, [["nope", 0]])).toEqual([ALL, null]);
    expect(await ask(["pd"], 5, [["pc", 2]])).toEqual([[["pd", { errorCode: 42 }]], null]);
    expect(await ask([], 5, [["pc", -1]])).toEqual([[], null]);
  });
});

test("DescribeProducers lists the idempotent producers of each partition", async () => {
  const { topics } = await client.call(DescribeProducers, 0, {
    topics: [
      { name: "pc", partitionIndexes: [0, 1, 9, 1] },
      { name: "nope", partitionIndexes: [0] },
      { name: "pd", partitionIndexes: [] },
    ],
  });
  const rows = topics.map(({ name, partitions }) => [
    name,
    ...partitions.map(({ errorCode, activeProducers }) => [errorCode, ...activeProducers]),
  ]);
  const producer = {
    ...{ producerId: 7, producerEpoch: 2, lastSequence: 1, lastTimestamp: 1_000 },
    ...{ coordinatorEpoch: -1, currentTxnStartOffset: -1 },
  };
  expect(rows).toEqual([["pc", [0], [0, producer], [3], [42]], ["nope", [3]], ["pd"]]);
});

describe("DescribeClientQuotas", () => {
  const EXACT = 0;
  const OF_DEFAULT = 1;
  const ANY = 2;
  type Component = readonly [entityType: string, matchType: number, match: string | null];

  const ask = async (components: readonly Component[], version = 1) => {
    const response = await client.call(DescribeClientQuotas, version, {
      components: components.map(([entityType, matchType, match]) => ({
        ...{ entityType, matchType, match },
      })),
      strict: false,
    });
    return [response.errorCode, response.errorMessage, response.entries];
  };

  test("finds none while there are none, in every version", async () => {
    for (const version of [0, 1]) {
      const filters: Component[][] = [
        [],
        [["user", EXACT, "x"]],
        [
          ["user", OF_DEFAULT, null],
          ["client-id", ANY, null],
        ],
        [["ip", EXACT, "x"]],
      ];
      for (const filter of filters) expect(await ask(filter, version)).toEqual([0, "", []]);
    }
  });

  test.each<[Component[], number, string]>([
    [[["nope", EXACT, "x"]], 35, "Unsupported entity type nope"],
    [[["", EXACT, "x"]], 42, "Invalid empty entity type."],
    [[["user", 7, "x"]], 42, "Unknown match type 7"],
    [
      [["user", EXACT, null]],
      42,
      "Request specified MATCH_TYPE_EXACT, but set match string to null.",
    ],
    [
      [["user", OF_DEFAULT, "x"]],
      42,
      "Request specified MATCH_TYPE_DEFAULT, but also specified a match string.",
    ],
    [
      [
        ["user", EXACT, "x"],
        ["user", EXACT, "y"],
      ],
      42,
      "Entity type user cannot appear more than once in the filter.",
    ],
    [
      [
        ["ip", EXACT, "1.2.3.4"],
        ["user", EXACT, "x"],
      ],
      42,
      "Invalid entity filter component combination. " +
        "IP filter component should not be used with user or clientId filter component.",
    ],
  ])("with the filter %j is error %d", async (components, code, message) => {
    expect(await ask(components)).toEqual([code, message, null]);
  });
});

test("DescribeAcls says that there are none, in every version", async () => {
  for (let version = DescribeAcls.min; version <= DescribeAcls.max; version++) {
    const response = await client.call(DescribeAcls, version, {
      ...{ resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1 },
      ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
    });
    expect(response).toEqual({
      ...{ throttleTimeMs: 0, errorCode: 54, resources: [] },
      errorMessage: "No Authorizer is configured on the broker",
    });
  }
});
