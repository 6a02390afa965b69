import { describe, expect, test } from "bun:test";
import { Fetch, fetchResponseHeadBytes } from "../../src/protocol/native/fetch.js";
import { FRAME_LENGTH_BYTES } from "../../src/net/frame.js";
import { API, encodeRequest } from "../../src/protocol/native/messages.js";
import { Produce } from "../../src/protocol/native/produce.js";
import { FIELD, stampProducer } from "../../src/record/batch.js";
import { batchOf, errorOf, recordsIn, startBroker } from "../support/broker.js";
import { encodeProduceRequest } from "../support/whole-frames.js";
import { concat } from "../support/bytes.js";

describe("produce", () => {
  test("appends records that a fetch returns, and creates the topic", async () => {
    await using broker = await startBroker();
    using session = await broker.session();
    expect(await session.produce("greetings", 0, batchOf("hello", "from"))).toBe(0);
    expect(await session.produce("greetings", 0, batchOf("rustlog"))).toBe(2);
    const fetched = await session.fetch({ topic: "greetings" });
    expect(recordsIn(fetched.batches)).toEqual(["0:hello", "1:from", "2:rustlog"]);
    expect(fetched).toMatchObject({
      startOffset: 0,
      nextOffset: 3,
      highWatermark: 3,
      logStartOffset: 0,
    });
  });

  test("accepts large batches in any pieces, and stores them unchanged", async () => {
    await using broker = await startBroker();
    using session = await broker.session();
    const values = Array.from({ length: 12 }, (_, i) => `${i}:${"x".repeat(1_000_000 + i * 777)}`);
    const offsets = await Promise.all(
      values.map((value) => session.produce("large", 0, batchOf(value))),
    );
    expect(offsets).toEqual(values.map((_, i) => i));
    const found: string[] = [];
    while (found.length < values.length) {
      const { batches } = await session.fetch({ topic: "large", offset: found.length });
      found.push(...recordsIn(batches));
    }
    expect(found.every((record, i) => record === `${i}:${values[i]}`)).toBe(true);
  });

  test("keeps the order of one connection, also while the first request creates the topic", async () => {
    await using broker = await startBroker({ defaultPartitions: 2 });
    using session = await broker.session();
    const { client } = session;
    const count = 100;
    // All in one chunk, alternating between partitions of a topic that is not there.
    const frames = Array.from({ length: count }, (_, i) =>
      encodeProduceRequest(1000 + i, { topic: "new", partition: i % 2, batch: batchOf(`v${i}`) }),
    );
    client.send(concat(frames));
    for (let i = 0; i < count; i++) {
      const { baseOffset } = Produce.decodeResponse(await client.response(1000 + i));
      expect(baseOffset).toBe(Math.floor(i / 2));
    }
    for (const partition of [0, 1]) {
      const { batches } = await session.fetch({ topic: "new", partition });
      expect(recordsIn(batches)).toEqual(
        Array.from({ length: count / 2 }, (_, i) => `${i}:v${i * 2 + partition}`),
      );
    }
  });

  test("from many connections concurrently creates one topic", async () => {
    await using broker = await startBroker();
    const sessions = await Promise.all(Array.from({ length: 20 }, () => broker.session()));
    const offsets = await Promise.all(
      sessions.map((s, i) => s.produce("new", 0, batchOf(`v${i}`))),
    );
    expect(offsets.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    for (const session of sessions) session[Symbol.dispose]();
  });

  test("is not affected by an earlier one that failed to create its topic", async () => {
    await using broker = await startBroker();
    using session = await broker.session();
    const { client } = session;
    const request = { topic: "a/b", partition: 0, batch: batchOf("x") };
    client.send(
      encodeProduceRequest(1, request),
      encodeProduceRequest(2, request),
      encodeProduceRequest(3, { ...request, topic: "good" }),
    );
    expect(errorOf(await client.response(1))).toStartWith("INVALID_TOPIC");
    expect(errorOf(await client.response(2))).toStartWith("INVALID_TOPIC");
    expect(errorOf(await client.response(3))).toBeUndefined();
  });

  const batch = batchOf("value");
  const changed = (change: (bytes: Uint8Array) => void): Uint8Array => {
    const bytes = batch.slice();
    change(bytes);
    return bytes;
  };
  const ofProducer = (producerId: number, producerEpoch: number, baseSequence: number) =>
    changed((b) => stampProducer(b, { producerId, producerEpoch, baseSequence }));
  const refused: [string, string, number, Uint8Array, string][] = [
    ["an empty batch", "t", 0, new Uint8Array(0), "CORRUPT_MESSAGE"],
    ["half a batch", "t", 0, batch.subarray(0, 40), "CORRUPT_MESSAGE"],
    ["two batches", "t", 0, concat([batch, batch]), "CORRUPT_MESSAGE"],
    ["a batch of other bytes", "t", 0, changed((b) => b.fill(1, b.length - 2)), "CORRUPT_MESSAGE"],
    [
      "a batch of magic 1",
      "t",
      0,
      changed((b) => b.fill(1, FIELD.magic, FIELD.magic + 1)),
      "INVALID",
    ],
    ["a producer id beyond the safe integers", "t", 0, ofProducer(2 ** 53, 0, 0), "INVALID_RECORD"],
    ["a producer with a negative epoch", "t", 0, ofProducer(7, -1, 0), "INVALID_RECORD"],
    ["a producer with a negative sequence", "t", 0, ofProducer(7, 0, -1), "INVALID_RECORD"],
    ["a batch over the limit", "t", 0, batchOf("x".repeat(3000)), "MESSAGE_TOO_LARGE"],
    ["an internal topic", "__consumer_offsets", 0, batch, "INVALID_TOPIC"],
    ["a topic that can't be", "../t", 0, batch, "INVALID_TOPIC"],
    ["an empty topic name", "", 0, batch, "INVALID_TOPIC"],
    ["a partition that a new topic would not have", "t", 1, batch, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["a partition of 2^32 - 1", "t", 2 ** 32 - 1, batch, "UNKNOWN_TOPIC_OR_PARTITION"],
  ];
  test("refuses invalid requests, each with its error, and creates nothing", async () => {
    await using broker = await startBroker({ maxBatchBytes: 2048 });
    using session = await broker.session();
    for (const [what, topic, partition, bytes, code] of refused) {
      const answer = await session.call(
        (id) => encodeProduceRequest(id, { topic, partition, batch: bytes }),
        errorOf,
      );
      expect(`${what}: ${answer}`).toStartWith(`${what}: ${code}`);
    }
    const topics = await session.call(
      (id) => encodeRequest(API.ListTopics, id, () => {}),
      (payload) => payload.subarray(6),
    );
    expect([...topics]).toEqual([0, 0, 0, 0]);
  });

  test("to a missing topic is refused if the broker does not create topics", async () => {
    await using broker = await startBroker({ autoCreateTopics: false });
    using session = await broker.session();
    await expect(session.produce("t", 0, batchOf("x"))).rejects.toMatchObject({
      code: "UNKNOWN_TOPIC_OR_PARTITION",
    });
    await session.ping();
  });
});

describe("fetch", () => {
  test("returns whole batches within maxBytes, and always at least one", async () => {
    await using broker = await startBroker();
    using session = await broker.session();
    const batch = batchOf("0123456789");
    for (let i = 0; i < 5; i++) await session.produce("t", 0, batch.slice());
    const counts: number[] = [];
    for (const maxBytes of [0, 1, batch.length, 2 * batch.length + 1, 2 ** 32 - 1]) {
      counts.push(recordsIn((await session.fetch({ topic: "t", maxBytes })).batches).length);
    }
    expect(counts).toEqual([1, 1, 1, 2, 5]);
  });

  test("answers fit into the frame limit, whatever the request", async () => {
    const maxFrameBytes = 8 * 1024;
    await using broker = await startBroker({ maxFrameBytes, maxBatchBytes: 4096 });
    using session = await broker.session();
    for (let i = 0; i < 20; i++) await session.produce("t", 0, batchOf("x".repeat(1000)));
    const before = session.client.bytesReceived;
    const fetched = await session.fetch({ topic: "t", maxBytes: 2 ** 32 - 1 });
    expect(session.client.bytesReceived - before).toBeLessThanOrEqual(maxFrameBytes + 4);
    expect(fetched.nextOffset).toBeGreaterThan(4);
  });

  test("fills a frame to its last byte if there are enough batches", async () => {
    const batch = batchOf("x".repeat(1000));
    for (const version of [1, 2]) {
      const maxFrameBytes = fetchResponseHeadBytes(version) + 7 * batch.length;
      await using broker = await startBroker({ maxFrameBytes, maxBatchBytes: 4096 });
      using session = await broker.session();
      for (let i = 0; i < 9; i++) await session.produce("t", 0, batch.slice());
      const before = session.client.bytesReceived;
      const place = { group: "", topic: "t", partition: 0, offset: 0 };
      const fetched = await session.call(
        (id) =>
          Fetch.encodeRequest(
            id,
            { ...place, maxBytes: 2 ** 32 - 1, minBytes: 1, maxWaitMs: 0 },
            version,
          ),
        (payload) => Fetch.decodeResponse(payload, version),
      );
      expect(fetched.nextOffset).toBe(7);
      expect(session.client.bytesReceived - before).toBe(maxFrameBytes + FRAME_LENGTH_BYTES);
    }
  });

  test("starts at the batch that holds the offset; past the end returns nothing", async () => {
    await using broker = await startBroker();
    using session = await broker.session();
    await session.produce("t", 0, batchOf("a", "b", "c"));
    const inside = await session.fetch({ topic: "t", offset: 1 });
    expect(recordsIn(inside.batches)).toEqual(["0:a", "1:b", "2:c"]);
    for (const offset of [3, 1000, Number.MAX_SAFE_INTEGER]) {
      const past = await session.fetch({ topic: "t", offset });
      expect(past).toMatchObject({
        startOffset: offset,
        nextOffset: 3,
        batches: new Uint8Array(0),
      });
    }
  });

  test("refuses missing topics, partitions and offsets", async () => {
    await using broker = await startBroker();
    using session = await broker.session();
    await session.produce("t", 0, batchOf("a"));
    const wrong = [
      [{ topic: "t", offset: -1, maxWaitMs: 60_000 }, "OFFSET_OUT_OF_RANGE"],
      [{ topic: "u" }, "UNKNOWN_TOPIC_OR_PARTITION"],
      [{ topic: "t", partition: 1 }, "UNKNOWN_TOPIC_OR_PARTITION"],
      [{ topic: "t", group: "g".repeat(250) }, "INVALID_GROUP"],
    ] as const;
    for (const [request, code] of wrong) {
      const error = await session.fetch(request).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code });
    }
  });

  test("of megabytes across segments arrives byte for byte", async () => {
    await using broker = await startBroker({ flush: { kind: "never" }, segmentBytes: 1024 * 1024 });
    using session = await broker.session();
    const values = Array.from({ length: 60 }, (_, i) => `${i}:`.padEnd(100_000, "xyz"));
    for (const value of values) await session.produce("t", 0, batchOf(value));
    const { batches } = await session.fetch({ topic: "t", maxBytes: 9 * 1024 * 1024 });
    expect(recordsIn(batches)).toEqual(values.map((value, i) => `${i}:${value}`));
  });
});
