// Produce and Fetch over a real socket, and the hand-written response of Fetch against its table.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { encodeFetchResponse } from "../../../src/protocol/kafka/fetch-response.js";
import { decodeResponse, encodeResponse } from "../../../src/protocol/kafka/headers.js";
import { stampProducer } from "../../../src/record/batch.js";
import { RecordCursor } from "../../../src/record/cursor.js";
import { joined, ZERO_UUID } from "../../../src/record/bytes.js";
import { startBroker, type TestBroker } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { batchOf } from "../../support/log-fixture.js";
import { until } from "../../support/until.js";

const { Fetch, Metadata, Produce } = KAFKA_APIS;

let running: TestBroker;
let client: KafkaClient;
/** Ids of the topics, by name. */
const ids = new Map<string, string>();

beforeAll(async () => {
  running = await startBroker({ defaultPartitions: 3 });
  client = await KafkaClient.connect(running.broker.port);
});

afterAll(async () => {
  client[Symbol.dispose]();
  await running[Symbol.asyncDispose]();
});

async function create(name: string): Promise<string> {
  const { topics } = await client.call(Metadata, 12, {
    topics: [{ name, topicId: ZERO_UUID }],
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
  const id = topics[0]?.topicId ?? "";
  ids.set(name, id);
  return id;
}

interface Sent {
  readonly topic: string;
  readonly partition?: number;
  readonly batch: Uint8Array | null;
}

function produceRequest(sent: readonly Sent[], acks = -1, transactionalId: string | null = null) {
  return {
    ...{ transactionalId, acks, timeoutMs: 1_000 },
    topicData: sent.map(({ topic, partition = 0, batch }) => ({
      name: topic,
      topicId: ids.get(topic) ?? ZERO_UUID,
      partitionData: [{ index: partition, records: batch === null ? null : ([batch] as const) }],
    })),
  };
}

async function produce(version: number, sent: readonly Sent[], acks?: number) {
  const { responses } = await client.call(Produce, version, produceRequest(sent, acks));
  return responses.flatMap(({ partitionResponses }) => partitionResponses);
}

interface Position {
  readonly topic: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly bytesMax?: number;
  readonly epoch?: number;
}

function fetchRequest(positions: readonly Position[], options = {}) {
  return {
    ...{ maxWaitMs: 0, minBytes: 1, maxBytes: 1 << 20, isolationLevel: 0 },
    ...{ sessionId: 0, forgottenTopicsData: [], rackId: "" },
    topics: positions.map(({ topic, partition = 0, offset = 0, bytesMax = 1 << 20, epoch }) => ({
      topic,
      topicId: ids.get(topic) ?? ZERO_UUID,
      partitions: [
        { partition, fetchOffset: offset, partitionMaxBytes: bytesMax, currentLeaderEpoch: epoch },
      ],
    })),
    ...options,
  };
}

async function fetch(version: number, positions: readonly Position[], options = {}) {
  const { responses } = await client.call(Fetch, version, fetchRequest(positions, options));
  return responses.flatMap(({ partitions }) => partitions);
}

/** The first byte of the values in a batch is enough to tell batches apart; here, their lengths. */
const lengths = (rows: readonly { readonly records: readonly Uint8Array[] | null }[]) =>
  rows.map(({ records }) => records?.reduce((sum, piece) => sum + piece.length, 0));

describe("Produce", () => {
  test("appends in every version, by name and by id, and Fetch returns the same bytes", async () => {
    await create("all");
    let offset = 0;
    for (let version = Produce.min; version <= Produce.max; version++) {
      const batch = batchOf([`v${version}`, "x"]);
      const [row] = await produce(version, [{ topic: "all", batch }]);
      expect(row).toMatchObject({ index: 0, errorCode: 0, baseOffset: offset });
      offset += 2;
    }
    const sent = batchOf(["last"]);
    await produce(9, [{ topic: "all", partition: 1, batch: sent }]);
    for (let version = Fetch.min; version <= Fetch.max; version++) {
      const [row] = await fetch(version, [{ topic: "all", partition: 1 }]);
      expect(row).toMatchObject({ errorCode: 0, highWatermark: 1, lastStableOffset: 1 });
      expect(Buffer.from(joined(row!.records!)).subarray(8)).toEqual(Buffer.from(sent).subarray(8));
    }
  });

  test("answers each partition for itself", async () => {
    await create("some");
    const damaged = batchOf(["x"]);
    damaged.fill(9, damaged.length - 1);
    const moved = batchOf(["y"]);
    moved[7] = 5;
    const rows = await produce(9, [
      { topic: "some", batch: batchOf(["a"]) },
      { topic: "some", partition: 9, batch: batchOf(["b"]) },
      { topic: "nowhere", batch: batchOf(["c"]) },
      { topic: "some", batch: damaged },
      { topic: "some", batch: moved },
      { topic: "some", batch: null },
      { topic: "some", batch: new Uint8Array(0) },
      { topic: "some", batch: Uint8Array.of(...batchOf(["d"]), ...batchOf(["e"])) },
      { topic: "some", batch: batchOf(["f"]).subarray(0, 65) },
      { topic: "__consumer_offsets", batch: batchOf(["g"]) },
      { topic: "some", partition: 2, batch: batchOf(["h"]) },
    ]);
    expect(rows.map((row) => row.errorCode)).toEqual([0, 3, 3, 2, 87, 87, 87, 87, 87, 17, 0]);
    expect(rows[1]).toMatchObject({ baseOffset: -1, logStartOffset: -1 });
    expect(await running.broker.context.registry.find("nowhere")).toBeUndefined();
  });

  test("tells the time of a topic with LogAppendTime, and which timestamps are out of range", async () => {
    const { registry } = running.broker.context;
    ids.set(
      "stamped",
      (await registry.create("stamped", 1, { "message.timestamp.type": "LogAppendTime" })).id,
    );
    await create("checked");
    const before = Date.now();
    for (let version = Produce.min; version <= Produce.max; version++) {
      const [stamped] = await produce(version, [
        { topic: "stamped", batch: batchOf(["a"], 2 ** 50) },
      ]);
      expect(stamped?.errorCode).toBe(0);
      expect(stamped?.logAppendTimeMs).toBeWithin(before, Date.now() + 1);
      const [plain] = await produce(version, [{ topic: "checked", batch: batchOf(["a"]) }]);
      expect(plain).toMatchObject({ errorCode: 0, logAppendTimeMs: -1 });
      const [late] = await produce(version, [
        { topic: "checked", batch: batchOf(["a", "b"], 2 ** 50) },
      ]);
      expect(late).toMatchObject({ errorCode: 32, baseOffset: -1 });
      const places = late?.recordErrors.map(({ batchIndex }) => batchIndex);
      expect(places).toEqual(version < 8 ? [] : [0, 1]);
      if (version >= 8) expect(late?.errorMessage).toContain("message.timestamp.after.max.ms");
    }
    const [row] = await fetch(9, [{ topic: "stamped" }]);
    const cursor = new RecordCursor().reset(joined(row!.records!));
    expect(cursor.next()).toBe(true);
    expect(cursor.timestamp).toBeWithin(before, Date.now() + 1);
  });

  test("by an unknown id, with unknown acknowledgements, or in a transaction is an error", async () => {
    await create("odd");
    const batch = batchOf(["a"]);
    ids.set("gone", "01020300-0000-0000-0000-000000000000");
    expect(await produce(13, [{ topic: "gone", batch }])).toMatchObject([{ errorCode: 100 }]);
    // Java sends the id of zeros if it does not know the topic's, and then looks it up.
    expect(await produce(13, [{ topic: "no id", batch }])).toMatchObject([{ errorCode: 100 }]);
    expect(await produce(9, [{ topic: "odd", batch }], 2)).toMatchObject([{ errorCode: 21 }]);
    const transactional = batchOf(["b"]);
    transactional[22]! |= 0x10;
    const codeOf = async (version: number, id: string | null) => {
      const request = produceRequest([{ topic: "odd", batch: transactional }], -1, id);
      const { responses } = await client.call(Produce, version, request);
      return responses[0]?.partitionResponses[0]?.errorCode;
    };
    expect(await codeOf(9, null)).toBe(53);
    expect(await codeOf(9, "tx")).toBe(48);
    expect(await codeOf(11, "tx")).toBe(120);
  });

  test("without acknowledgements has no answer, and an error ends the connection", async () => {
    await create("silent");
    const other = await KafkaClient.connect(running.broker.port);
    other.send(Produce, 9, produceRequest([{ topic: "silent", batch: batchOf(["a"]) }], 0));
    const all = {
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    };
    const next = other.send(Metadata, 9, { topics: [], ...all });
    await other.raw.response(next);
    expect(other.raw.order).toEqual([next]);
    expect(await fetch(9, [{ topic: "silent" }])).toMatchObject([{ highWatermark: 1 }]);
    other.send(
      Produce,
      9,
      produceRequest([{ topic: "silent", partition: 7, batch: batchOf(["a"]) }], 0),
    );
    await other.raw.closed;
    expect(other.raw.order).toEqual([next]);
    const why = "a Produce without acknowledgements failed: topic 'silent' has no partition 7";
    expect(running.lines.join("\n")).toContain(why);
  });

  test("is pipelined, in the order of the requests", async () => {
    await create("piped");
    const other = await KafkaClient.connect(running.broker.port);
    const batches = [0, 1, 2, 3, 4].map((i) => {
      const batch = batchOf([`${i}`]);
      stampProducer(batch, { producerId: 7, producerEpoch: 0, baseSequence: i });
      return batch;
    });
    const sent = batches.map((batch) =>
      other.send(Produce, 9, produceRequest([{ topic: "piped", batch }])),
    );
    const rows = await Promise.all(sent.map((id) => other.raw.response(id)));
    const offsets = rows.map(
      (payload) =>
        decodeResponse(Produce, 9, payload).value.responses[0]?.partitionResponses[0]?.baseOffset,
    );
    expect(offsets).toEqual([0, 1, 2, 3, 4]);
    expect(other.raw.order).toEqual(sent);
    other[Symbol.dispose]();
  });

  test("takes a batch that arrives in many chunks, among others", async () => {
    await create("large");
    const large = batchOf(["z".repeat(1_500_000)]);
    const sent = [
      { topic: "large", batch: batchOf(["a"]) },
      { topic: "large", partition: 1, batch: large },
      { topic: "large", partition: 2, batch: batchOf(["b"]) },
    ];
    expect((await produce(9, sent)).map((row) => row.errorCode)).toEqual([0, 0, 0]);
    const [row] = await fetch(11, [{ topic: "large", partition: 1 }]);
    expect(Buffer.from(joined(row!.records!)).subarray(61)).toEqual(
      Buffer.from(large).subarray(61),
    );
  });
});

describe("Fetch", () => {
  test("stays below both limits, and returns at least one batch", async () => {
    await create("limits");
    const batch = batchOf(["m".repeat(900)]);
    const size = batch.length;
    for (const partition of [0, 1, 1, 2]) await produce(9, [{ topic: "limits", partition, batch }]);
    const all = [0, 1, 2].map((partition) => ({ topic: "limits", partition }));
    expect(lengths(await fetch(9, all))).toEqual([size, 2 * size, size]);
    expect(lengths(await fetch(9, all, { maxBytes: 1 }))).toEqual([size, 0, 0]);
    expect(lengths(await fetch(9, all, { maxBytes: 2 * size }))).toEqual([size, size, 0]);
    const small = all.map((position) => ({ ...position, bytesMax: 1 }));
    expect(lengths(await fetch(9, small))).toEqual([size, 0, 0]);
    expect(lengths(await fetch(9, [small[1]!, small[0]!]))).toEqual([size, 0]);
  });

  test("has an error for each position that can't be read", async () => {
    await create("bounds");
    await produce(9, [{ topic: "bounds", batch: batchOf(["a"]) }]);
    const rows = await fetch(12, [
      { topic: "bounds", offset: 2 },
      { topic: "bounds", offset: -1 },
      { topic: "missing" },
      { topic: "bounds", partition: 9 },
      { topic: "bounds", epoch: 5 },
      { topic: "bounds", offset: 1 },
      { topic: "bounds", epoch: 0 },
    ]);
    expect(rows.map((row) => row.errorCode)).toEqual([1, 1, 3, 3, 75, 0, 0]);
    expect(rows[0]).toMatchObject({ highWatermark: -1, lastStableOffset: -1, logStartOffset: -1 });
    expect(rows[5]).toMatchObject({ highWatermark: 1, logStartOffset: 0 });
    ids.set("gone", "01020300-0000-0000-0000-000000000000");
    expect(await fetch(13, [{ topic: "gone" }])).toMatchObject([{ errorCode: 100 }]);
    expect(await fetch(13, [{ topic: "no id" }])).toMatchObject([{ errorCode: 100 }]);
  });

  test("tells clients that read committed records only that nothing was aborted", async () => {
    await create("committed");
    const [uncommitted] = await fetch(12, [{ topic: "committed" }]);
    const [committed] = await fetch(12, [{ topic: "committed" }], { isolationLevel: 1 });
    expect(uncommitted?.abortedTransactions).toBeNull();
    expect(committed?.abortedTransactions).toEqual([]);
  });

  test("refuses sessions", async () => {
    await create("sessions");
    const ask = (sessionId: number, sessionEpoch: number) =>
      client.call(Fetch, 12, fetchRequest([{ topic: "sessions" }], { sessionId, sessionEpoch }));
    expect(await ask(0, 0)).toMatchObject({ errorCode: 0, sessionId: 0 });
    expect(await ask(77, 3)).toMatchObject({ errorCode: 70, responses: [] });
    expect(await ask(0, 3)).toMatchObject({ errorCode: 70 });
    // The end of a session is a full fetch, whatever its id.
    expect(await ask(77, -1)).toMatchObject({ errorCode: 0, responses: [{ topic: "sessions" }] });
  });

  test("waits for records, and holds what its client sends next", async () => {
    await create("waiting");
    const other = await KafkaClient.connect(running.broker.port);
    const long = { maxWaitMs: 60_000 };
    const positions = [0, 1, 2].map((partition) => ({ topic: "waiting", partition }));
    const waiting = other.send(Fetch, 12, fetchRequest(positions, long));
    const behind = other.send(Metadata, 9, {
      topics: [],
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    });
    await until(() => running.broker.inflight.waits === 1);
    await produce(9, [{ topic: "waiting", partition: 2, batch: batchOf(["now"]) }]);
    const payload = await other.raw.response(waiting);
    await other.raw.response(behind);
    expect(other.raw.order).toEqual([waiting, behind]);
    const rows = decodeResponse(Fetch, 12, payload).value.responses.flatMap((it) => it.partitions);
    expect(rows.map((row) => row.highWatermark)).toEqual([0, 0, 1]);
    other[Symbol.dispose]();
  });

  test("of a client that leaves ends its wait", async () => {
    await create("leaving");
    const other = await KafkaClient.connect(running.broker.port);
    other.send(Fetch, 12, fetchRequest([{ topic: "leaving" }], { maxWaitMs: 60_000 }));
    await until(() => running.broker.inflight.waits === 1);
    other.raw.terminate();
    await until(() => running.broker.inflight.waits === 0);
  });
});

test("the hand-written response is what the table writes", () => {
  const partition = (partitionIndex: number, bytes: number, errorCode = 0) => ({
    ...{ partitionIndex, errorCode, highWatermark: 12, logStartOffset: 3, bytes },
    batches: bytes === 0 ? [] : [new Uint8Array(bytes - 1).fill(7), Uint8Array.of(8)],
  });
  const topics = [
    { topic: "a", topicId: crypto.randomUUID(), partitions: [partition(0, 5), partition(1, 0, 3)] },
    { topic: "bb", topicId: crypto.randomUUID(), partitions: [partition(2, 300)] },
    { topic: "c", topicId: crypto.randomUUID(), partitions: [] },
  ];
  for (const isReadCommitted of [false, true]) {
    for (let version = Fetch.min; version <= Fetch.max; version++) {
      for (const some of [topics, []]) {
        const header = { apiVersion: version, correlationId: 99 };
        const entries = encodeFetchResponse(header, {
          ...{ errorCode: 0, throttleTimeMs: version, topics: some, isReadCommitted },
        });
        const expected = encodeResponse(Fetch, header, {
          ...{ errorCode: 0, sessionId: 0, throttleTimeMs: version },
          responses: some.map((topic) => ({
            ...topic,
            partitions: topic.partitions.map(({ batches, ...row }) => ({
              ...row,
              lastStableOffset: row.highWatermark,
              abortedTransactions: isReadCommitted ? [] : null,
              records: [new Uint8Array(0), ...batches] as const,
            })),
          })),
        });
        const [first, ...rest] = entries as readonly [Uint8Array, ...Uint8Array[]];
        expect(Buffer.from(joined([first, ...rest]))).toEqual(Buffer.from(expected));
      }
    }
  }
});
