// OffsetCommit, OffsetFetch and OffsetDelete, as Kafka 4.4 answers them.
// Leaves to others: the tables (facts.test.ts), and storing the offsets (groups/, services/).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { ZERO_UUID } from "../../../src/record/bytes.js";
import { startBroker, type TestBroker } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { Random } from "../../support/random.js";
import { SimulatedDisk } from "../../support/simulated-disk.js";

const { OffsetCommit, OffsetDelete, OffsetFetch } = KAFKA_APIS;

const UNKNOWN_ID = "01234567-89ab-4def-8123-456789abcdef";

const disk = new SimulatedDisk(new Random(1));
let running: TestBroker;
let client: KafkaClient;
let id: string;

beforeAll(async () => {
  running = await startBroker({}, disk);
  client = await KafkaClient.connect(running.broker.port);
  const { registry } = running.broker.context;
  ({ id } = await registry.create("t", 3, {}));
  await registry.create("u", 1, {});
});

afterAll(async () => {
  client[Symbol.dispose]();
  await running[Symbol.asyncDispose]();
});

interface Entry {
  readonly topic?: string;
  readonly topicId?: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly epoch?: number;
  readonly metadata?: string | null;
}

interface How {
  readonly version?: number;
  readonly generation?: number;
  readonly memberId?: string;
}

/** Errors by partition, in the order of the entries. */
async function commit(
  group: string,
  entries: readonly Entry[],
  { version = 9, generation = -1, memberId = "" }: How = {},
): Promise<number[]> {
  const response = await client.call(OffsetCommit, version, {
    groupId: group,
    generationIdOrMemberEpoch: generation,
    memberId,
    topics: entries.map((entry) => ({
      name: entry.topic ?? "t",
      topicId: entry.topicId ?? id,
      partitions: [
        {
          partitionIndex: entry.partition ?? 0,
          committedOffset: entry.offset ?? 5,
          committedLeaderEpoch: entry.epoch ?? -1,
          committedMetadata: entry.metadata === undefined ? "" : entry.metadata,
        },
      ],
    })),
  });
  return response.topics.flatMap(({ partitions }) => partitions.map((it) => it.errorCode));
}

interface Topic {
  readonly name?: string;
  readonly topicId?: string;
  readonly partitionIndexes: readonly number[];
}

/** The error of the group, and its rows as [topic, partition, offset, epoch, metadata, error]. */
async function fetched(group: string, topics: readonly Topic[] | null, version = 9) {
  const asked =
    topics?.map((topic) => ({ name: "t", topicId: version < 10 ? ZERO_UUID : id, ...topic })) ??
    null;
  const request =
    version < 8
      ? { groupId: group, topics: asked, groups: [] }
      : { groupId: "", topics: [], groups: [{ groupId: group, topics: asked }] };
  const response = await client.call(OffsetFetch, version, { ...request, requireStable: true });
  const answer = version < 8 ? response : response.groups[0]!;
  const rows = answer.topics.flatMap((topic) =>
    topic.partitions.map((it) => [
      version < 10 ? topic.name : "topicId" in topic && topic.topicId,
      ...[it.partitionIndex, it.committedOffset, it.committedLeaderEpoch, it.metadata],
      it.errorCode,
    ]),
  );
  return [answer.errorCode, ...rows];
}

const partitions = (...partitionIndexes: number[]) => [{ partitionIndexes }];

async function deleted(group: string, topics: readonly { topic?: string; of: number[] }[]) {
  const response = await client.call(OffsetDelete, 0, {
    groupId: group,
    topics: topics.map(({ topic = "t", of }) => ({
      name: topic,
      partitions: of.map((partitionIndex) => ({ partitionIndex })),
    })),
  });
  const rows = response.topics.flatMap((row) => row.partitions.map((it) => it.errorCode));
  return [response.errorCode, ...rows];
}

describe("OffsetCommit", () => {
  test("stores offset, leader epoch and metadata in every version", async () => {
    for (let version = OffsetCommit.min; version <= OffsetCommit.max; version++) {
      const group = `v${version}`;
      const entry = { offset: 100 + version, epoch: 3, metadata: `m${version}` };
      expect(await commit(group, [entry], { version })).toEqual([0]);
      const epoch = version < 6 ? -1 : 3;
      expect(await fetched(group, partitions(0))).toEqual([
        0,
        ["t", 0, 100 + version, epoch, `m${version}`, 0],
      ]);
    }
  });

  test("takes any offset and epoch, as Kafka does", async () => {
    for (const offset of [5_000, -1, -5, Number.MAX_SAFE_INTEGER]) {
      expect(await commit("any", [{ offset, epoch: -5, metadata: null }])).toEqual([0]);
      expect(await fetched("any", partitions(0))).toEqual([0, ["t", 0, offset, -5, "", 0]]);
    }
  });

  test("refuses an offset that would be stored as another one", async () => {
    const entries = [{ offset: 2 ** 53 }, { offset: -(2 ** 62) }, { partition: 1 }];
    expect(await commit("huge", entries)).toEqual([28, 28, 0]);
    expect(await fetched("huge", null)).toEqual([0, ["t", 1, 5, -1, "", 0]]);
  });

  test("stores what is valid, and has an error for each of the others", async () => {
    const entries = [
      { partition: 0, offset: 1 },
      { partition: 9 },
      { partition: -1 },
      { partition: 1, offset: 2, metadata: "x".repeat(4097) },
      { topic: "nope" },
      { topic: "a b" },
      { topic: "u", offset: 4 },
    ];
    expect(await commit("some", entries)).toEqual([0, 3, 3, 12, 3, 3, 0]);
    expect(await fetched("some", null)).toEqual([
      0,
      ["t", 0, 1, -1, "", 0],
      ["u", 0, 4, -1, "", 0],
    ]);
  });

  test("limits metadata in units of UTF-16, as Kafka does", async () => {
    const long = ["é".repeat(4096), "é".repeat(4097), "😀".repeat(2048), "😀".repeat(2049)];
    const errors = await commit(
      "long",
      long.map((metadata) => ({ metadata })),
    );
    expect(errors).toEqual([0, 12, 0, 12]);
    expect(await fetched("long", partitions(0))).toEqual([0, ["t", 0, 5, -1, long[2]!, 0]]);
  });

  test("names topics by id since version 10", async () => {
    const entries = [{ topicId: id }, { topicId: UNKNOWN_ID }, { topicId: ZERO_UUID }];
    expect(await commit("ids", entries, { version: 10 })).toEqual([0, 100, 100]);
    expect(await fetched("ids", null, 10)).toEqual([0, [id, 0, 5, -1, "", 0]]);
  });

  test("keeps the last offset of a partition that is named twice", async () => {
    expect(await commit("twice", [{ offset: 7 }, { offset: 3 }, { offset: 6 }])).toEqual([0, 0, 0]);
    expect(await fetched("twice", null)).toEqual([0, ["t", 0, 6, -1, "", 0]]);
  });

  test("may be of the group without a name, and of names up to 249 bytes", async () => {
    expect(await commit("", [{}])).toEqual([0]);
    expect(await fetched("", null)).toEqual([0, ["t", 0, 5, -1, "", 0]]);
    expect(await commit("x".repeat(249), [{}])).toEqual([0]);
    expect(await commit("x".repeat(250), [{}, { partition: 9 }])).toEqual([24, 3]);
  });

  test("leaves topics without partitions out", async () => {
    const topics = [{ name: "t", topicId: id, partitions: [] }];
    const request = { groupId: "none", memberId: "", topics };
    expect(await client.call(OffsetCommit, 9, request)).toMatchObject({ topics: [] });
  });

  test("without membership may name a member, as Kafka allows it for a group without members", async () => {
    expect(await commit("simple", [{}], { memberId: "x" })).toEqual([0]);
    expect(await commit("new", [{}], { generation: 0, version: 8 })).toEqual([22]);
    expect(await commit("new", [{}], { generation: 0, version: 9 })).toEqual([69]);
    expect(await commit("new", [{ partition: 9 }], { generation: 0 })).toEqual([3]);
  });

  test("on a full disk has an error after which clients try again", async () => {
    disk.setCapacity(disk.usedBytes + 30);
    expect(await commit("full", [{}, { partition: 9 }])).toEqual([15, 3]);
    disk.setCapacity(Number.POSITIVE_INFINITY);
    expect(await fetched("full", null)).toEqual([0]);
    expect(await commit("full", [{}])).toEqual([0]);
  });

  test("applies pipelined commits in their order, whatever their size", async () => {
    const ids: number[] = [];
    for (let offset = 0; offset < 60; offset++) {
      // Every tenth is long, and so runs alone.
      const copies = offset % 10 === 0 ? 600 : 1;
      const it = { partitionIndex: 0, committedOffset: offset, committedMetadata: "" };
      const topics = [{ name: "t", topicId: id, partitions: Array(copies).fill(it) }];
      ids.push(client.send(OffsetCommit, 9, { groupId: "order", memberId: "", topics }));
    }
    const last = { groupId: "", topics: [], groups: [{ groupId: "order", topics: null }] };
    const response = await client.call(OffsetFetch, 9, { ...last, requireStable: false });
    expect(response.groups[0]!.topics[0]!.partitions[0]!.committedOffset).toBe(59);
    expect(ids).toHaveLength(60);
  });
});

describe("OffsetFetch", () => {
  test("answers about what is not there with -1 and no error, in every version", async () => {
    await commit("there", [{ partition: 1, offset: 8, epoch: 0, metadata: "m" }]);
    for (let version = OffsetFetch.min; version <= OffsetFetch.max; version++) {
      const topic = version < 10 ? "t" : id;
      const epoch = version < 5 ? -1 : 0;
      expect(await fetched("there", partitions(1, 2, 77), version)).toEqual([
        0,
        [topic, 1, 8, epoch, "m", 0],
        [topic, 2, -1, -1, "", 0],
        [topic, 77, -1, -1, "", 0],
      ]);
      expect(await fetched("nobody", partitions(0), version)).toEqual([
        0,
        [topic, 0, -1, -1, "", 0],
      ]);
    }
    expect(await fetched("there", [{ name: "nope", partitionIndexes: [0] }])).toEqual([
      0,
      ["nope", 0, -1, -1, "", 0],
    ]);
    expect(await fetched("there", [{ topicId: UNKNOWN_ID, partitionIndexes: [0] }], 10)).toEqual([
      0,
      [UNKNOWN_ID, 0, -1, -1, "", 100],
    ]);
  });

  test("has everything of a group if no topics are named, and nothing of an unknown one", async () => {
    const entries = [{ partition: 2 }, { topic: "u", offset: 1 }, { partition: 0, metadata: "m" }];
    await commit("all", entries);
    for (let version = 2; version <= 9; version++) {
      expect(await fetched("all", null, version)).toEqual([
        0,
        ["t", 0, 5, -1, "m", 0],
        ["t", 2, 5, -1, "", 0],
        ["u", 0, 1, -1, "", 0],
      ]);
      expect(await fetched("all", [], version)).toEqual([0]);
      expect(await fetched("nobody", null, version)).toEqual([0]);
    }
  });

  test("asks about several groups, also about one twice", async () => {
    await commit("first", [{ offset: 1 }]);
    await commit("second", [{ offset: 2 }]);
    const groups = ["first", "nobody", "second", "first"].map((groupId) => ({
      ...{ groupId, topics: null },
    }));
    const request = { groupId: "", topics: [], groups, requireStable: false };
    const response = await client.call(OffsetFetch, 8, request);
    const offsets = response.groups.map(({ groupId, topics }) => [
      groupId,
      topics[0]?.partitions[0]?.committedOffset,
    ]);
    expect(offsets).toEqual([
      ["first", 1],
      ["nobody", undefined],
      ["second", 2],
      ["first", 1],
    ]);
  });
});

describe("OffsetDelete", () => {
  test("deletes what is committed, and has an error for what does not exist", async () => {
    await commit("less", [{}, { partition: 1 }, { partition: 2 }, { topic: "u" }]);
    const asked = [{ topic: "nope", of: [0] }, { of: [9, 0, 0, 2] }];
    expect(await deleted("less", asked)).toEqual([0, 3, 3, 0, 0, 0]);
    expect(await fetched("less", null)).toEqual([
      0,
      ["t", 1, 5, -1, "", 0],
      ["u", 0, 5, -1, "", 0],
    ]);
  });

  test("is refused for a group that does not exist or has no name", async () => {
    expect(await deleted("nobody", [{ of: [0] }])).toEqual([69]);
    expect(await deleted("nobody", [{ topic: "nope", of: [0] }])).toEqual([69]);
    expect(await deleted("", [{ of: [0] }])).toEqual([24]);
  });

  test("deletes the group with its last offset", async () => {
    await commit("last", [{}]);
    expect(await deleted("last", [{ of: [0] }])).toEqual([0, 0]);
    expect(await deleted("last", [{ of: [0] }])).toEqual([69]);
  });
});

test("commits of a topic are gone once it is deleted, and don't belong to the next of its name", async () => {
  const { registry } = running.broker.context;
  const { id: before } = await registry.create("brief", 1, {});
  await commit("brief", [{ topic: "brief", topicId: before }]);
  await registry.delete("brief");
  expect(await fetched("brief", [{ name: "brief", partitionIndexes: [0] }])).toEqual([
    0,
    ["brief", 0, -1, -1, "", 0],
  ]);
  await registry.create("brief", 1, {});
  expect(await commit("brief", [{ topicId: before }], { version: 10 })).toEqual([100]);
  expect(await fetched("brief", null)).toEqual([0]);
});
