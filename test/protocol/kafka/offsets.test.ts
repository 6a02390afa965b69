// ListOffsets and OffsetForLeaderEpoch, as Kafka 4.4 answers them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { CODECS } from "../../../src/record/batch.js";
import { BatchEncoder } from "../../../src/record/encoder.js";
import { startBroker, type TestBroker } from "../../support/broker.js";
import { END_OFFSET, makeGapDirectory, OFFSETS, timestampAt } from "../../support/gap-log.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { tempDir } from "../../support/tmp.js";

const { ListOffsets, OffsetForLeaderEpoch } = KAFKA_APIS;

const LATEST = -1;
const EARLIEST = -2;
const NEWEST = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;
const EARLIEST_PENDING_UPLOAD = -6;

const directory = tempDir();
let running: TestBroker;
let client: KafkaClient;

beforeAll(async () => {
  await makeGapDirectory(directory.path);
  running = await startBroker({ dataDir: directory.path });
  client = await KafkaClient.connect(running.broker.port);
  const { registry } = running.broker.context;
  await registry.create("empty", 1, {});
  const { online } = await registry.create("t", 1, {});
  // Offsets 0 to 4, 5 to 9, and so on; each batch starts with its newest record.
  for (const [i, codec] of CODECS.entries()) {
    const encoder = new BatchEncoder({ codec });
    for (const ms of [9, 1, 2, 3, 4]) encoder.append(1_000 + 10 * i + ms, null, "value");
    await online[0]!.append(encoder.finish());
  }
});

afterAll(async () => {
  client[Symbol.dispose]();
  await running[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

/** Error, timestamp, offset and leader epoch of one partition. */
async function listed(
  timestamp: number,
  { version = 11, topic = "t", partition = 0, epoch = -1, isolationLevel = 0 } = {},
): Promise<readonly number[]> {
  const asked = { partitionIndex: partition, currentLeaderEpoch: epoch, timestamp };
  const topics = [{ name: topic, partitions: [asked] }];
  const request = { replicaId: -1, isolationLevel, topics, timeoutMs: 1_000 };
  const response = await client.call(ListOffsets, version, request);
  const { errorCode, timestamp: found, offset, leaderEpoch } = response.topics[0]!.partitions[0]!;
  return [errorCode, found, offset, leaderEpoch];
}

const NOTHING = [0, -1, -1, -1];

describe("ListOffsets", () => {
  test("has the ends of a log in every version, with an epoch since version 4", async () => {
    for (let version = ListOffsets.min; version <= ListOffsets.max; version++) {
      const epoch = version < 4 ? expect.anything() : 0;
      expect(await listed(LATEST, { version })).toEqual([0, -1, 25, epoch]);
      expect(await listed(EARLIEST, { version })).toEqual([0, -1, 0, epoch]);
    }
    expect(await listed(LATEST, { topic: "empty" })).toEqual([0, -1, 0, 0]);
  });

  test("leads a time to the first record at or after it, in batches of every codec", async () => {
    for (let i = 0; i < CODECS.length; i++) {
      const base = 1_000 + 10 * i;
      expect(await listed(base)).toEqual([0, base + 9, 5 * i, 0]);
      expect(await listed(base + 9)).toEqual([0, base + 9, 5 * i, 0]);
    }
    expect(await listed(0, { version: 1 })).toMatchObject([0, 1_009, 0, expect.anything()]);
    expect(await listed(5_000)).toEqual(NOTHING);
    expect(await listed(5, { topic: "empty" })).toEqual(NOTHING);
  });

  test("finds the newest record", async () => {
    expect(await listed(NEWEST)).toEqual([0, 1_049, 20, 0]);
    expect(await listed(NEWEST, { topic: "empty" })).toEqual(NOTHING);
  });

  test("has only local records, none of them tiered", async () => {
    expect(await listed(EARLIEST_LOCAL)).toEqual([0, -1, 0, 0]);
    expect(await listed(LATEST_TIERED)).toEqual(NOTHING);
    expect(await listed(EARLIEST_PENDING_UPLOAD)).toEqual(NOTHING);
  });

  test("refuses a special time that the version does not have", async () => {
    const refused = [35, -1, -1, -1];
    expect(await listed(NEWEST, { version: 6 })).toEqual(refused);
    expect(await listed(EARLIEST_LOCAL, { version: 7 })).toEqual(refused);
    expect(await listed(LATEST_TIERED, { version: 8 })).toEqual(refused);
    expect(await listed(EARLIEST_PENDING_UPLOAD, { version: 10 })).toEqual(refused);
    expect(await listed(-7)).toEqual(refused);
  });

  test("has no transactions, so committed records are all records", async () => {
    expect(await listed(LATEST, { isolationLevel: 1 })).toEqual([0, -1, 25, 0]);
    expect(await listed(1_049, { isolationLevel: 1 })).toEqual([0, 1_049, 20, 0]);
  });

  test("compares the client's leader epoch", async () => {
    expect(await listed(LATEST, { epoch: 0 })).toEqual([0, -1, 25, 0]);
    expect(await listed(LATEST, { epoch: 5 })).toEqual([75, -1, -1, -1]);
    expect(await listed(LATEST, { epoch: -2 })).toEqual([74, -1, -1, -1]);
  });

  test("has an error for each partition that does not exist, or is named twice", async () => {
    expect(await listed(LATEST, { topic: "nope" })).toEqual([3, -1, -1, -1]);
    expect(await listed(LATEST, { partition: 7 })).toEqual([3, -1, -1, -1]);
    expect(await listed(LATEST, { partition: -1 })).toEqual([3, -1, -1, -1]);
    const ask = (partitionIndex: number) => ({ partitionIndex, timestamp: LATEST });
    const topics = [
      { name: "t", partitions: [ask(0), ask(1)] },
      { name: "empty", partitions: [ask(0)] },
      { name: "t", partitions: [ask(0)] },
    ];
    const request = { replicaId: -1, isolationLevel: 0, topics, timeoutMs: 0 };
    const response = await client.call(ListOffsets, 9, request);
    expect(
      response.topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorCode)),
    ).toEqual([[42, 3], [0], [42]]);
  });

  test("passes over what compaction has removed", async () => {
    const topic = "gaps";
    expect(await listed(LATEST, { topic })).toEqual([0, -1, END_OFFSET, 0]);
    for (let offset = 0; offset < END_OFFSET; offset++) {
      const found = OFFSETS.find((candidate) => candidate >= offset) ?? -1;
      expect(await listed(timestampAt(offset), { topic })).toEqual([
        0,
        timestampAt(found),
        found,
        0,
      ]);
    }
    const last = OFFSETS.at(-1)!;
    expect(await listed(NEWEST, { topic })).toEqual([0, timestampAt(last), last, 0]);
  });
});

describe("OffsetForLeaderEpoch", () => {
  async function endOf(
    leaderEpoch: number,
    { topic = "t", partition = 0, epoch = -1, version = 4 } = {},
  ): Promise<readonly number[]> {
    const partitions = [{ partition, currentLeaderEpoch: epoch, leaderEpoch }];
    const request = { topics: [{ topic, partitions }] };
    const response = await client.call(OffsetForLeaderEpoch, version, request);
    const row = response.topics[0]!.partitions[0]!;
    expect(row.partition).toBe(partition);
    return [row.errorCode, row.leaderEpoch, row.endOffset];
  }

  test("ends the only epoch where the log ends", async () => {
    for (let version = OffsetForLeaderEpoch.min; version <= OffsetForLeaderEpoch.max; version++) {
      expect(await endOf(0, { version })).toEqual([0, 0, 25]);
    }
    expect(await endOf(0, { topic: "empty" })).toEqual([0, 0, 0]);
  });

  test("knows no other epoch", async () => {
    expect(await endOf(1)).toEqual([0, -1, -1]);
    expect(await endOf(-1)).toEqual([0, -1, -1]);
  });

  test("has the errors of ListOffsets", async () => {
    expect(await endOf(0, { epoch: 5 })).toEqual([75, -1, -1]);
    expect(await endOf(0, { epoch: -2 })).toEqual([74, -1, -1]);
    expect(await endOf(0, { topic: "nope" })).toEqual([3, -1, -1]);
    expect(await endOf(0, { partition: 1 })).toEqual([3, -1, -1]);
  });
});
