import { describe, expect, test } from "bun:test";
import { Fetch } from "../../src/protocol/native/fetch.js";
import { API, encodeRequest } from "../../src/protocol/native/messages.js";
import { batchOf, errorOf, recordsIn, startBroker } from "../support/broker.js";
import { concat } from "../support/bytes.js";

const FOREVER_MS = 60_000;

describe("a fetch that waits", () => {
  test("is woken by a produce, and does not block later requests", async () => {
    await using broker = await startBroker();
    using reader = await broker.session();
    using writer = await broker.session();
    await writer.produce("t", 0, batchOf("first"));
    const waiting = reader.fetch({ topic: "t", offset: 1, maxWaitMs: FOREVER_MS });
    const id = reader.lastId;
    await reader.ping();
    expect(reader.client.has(id)).toBe(false);
    await writer.produce("t", 0, batchOf("second"));
    const fetched = await waiting;
    expect(recordsIn(fetched.batches)).toEqual(["1:second"]);
    expect(fetched).toMatchObject({ startOffset: 1, nextOffset: 2, highWatermark: 2 });
  });

  test("does not block later requests even if it is one of thousands", async () => {
    await using broker = await startBroker();
    using reader = await broker.session();
    await reader.produce("t", 0, batchOf("a"));
    const waiting = (id: number) =>
      Fetch.encodeRequest(id, {
        ...{ group: "", topic: "t", partition: 0, offset: 0 },
        ...{ maxBytes: 1_000_000, minBytes: 1_000_000, maxWaitMs: FOREVER_MS },
      });
    // More than half of what a connection may have: it is not paused for that, and more than one turn's work.
    const frames = Array.from({ length: 4_000 }, (_, i) => waiting(i + 1_000));
    reader.client.send(concat(frames));
    await reader.ping();
    expect(reader.client.has(1_000)).toBe(false);
  });

  test("is answered once if thousands wait for the same batch, in portions between pings", async () => {
    await using broker = await startBroker();
    using reader = await broker.session();
    using writer = await broker.session();
    await writer.produce("t", 0, batchOf("first"));
    const waiting = (id: number) =>
      Fetch.encodeRequest(id, {
        ...{ group: "", topic: "t", partition: 0, offset: 1 },
        ...{ maxBytes: 1_000_000, minBytes: 1, maxWaitMs: FOREVER_MS },
      });
    const ids = Array.from({ length: 3_000 }, (_, i) => i + 1_000);
    reader.client.send(concat(ids.map(waiting)));
    await reader.ping();
    await writer.produce("t", 0, batchOf("second"));
    await Promise.all(ids.map((id) => reader.client.response(id)));
    const fetched = Fetch.decodeResponse(await reader.client.response(3_999));
    expect(recordsIn(fetched.batches)).toEqual(["1:second"]);
    expect(reader.client.order.filter((id) => id >= 1_000)).toHaveLength(3_000);
    expect(broker.broker.inflight.waits).toBe(0);
    expect(broker.broker.inflight.workingBytes).toBe(0);
  });

  test("waits for minBytes", async () => {
    await using broker = await startBroker();
    using reader = await broker.session();
    using writer = await broker.session();
    const batch = batchOf("0123456789");
    await writer.produce("t", 0, batch);
    const minBytes = batch.length * 3;
    const waiting = reader.fetch({ topic: "t", minBytes, maxWaitMs: FOREVER_MS });
    const id = reader.lastId;
    await writer.produce("t", 0, batch.slice());
    await reader.ping();
    expect(reader.client.has(id)).toBe(false);
    await writer.produce("t", 0, batch.slice());
    expect(recordsIn((await waiting).batches)).toHaveLength(3);
  });

  test("does not wait for more than maxBytes", async () => {
    await using broker = await startBroker();
    using session = await broker.session();
    await session.produce("t", 0, batchOf("a"));
    const request = { topic: "t", maxBytes: 10, minBytes: 1_000_000, maxWaitMs: FOREVER_MS };
    expect(recordsIn((await session.fetch(request)).batches)).toEqual(["0:a"]);
  });

  test("answers with the available data when its time is up", async () => {
    await using broker = await startBroker();
    using session = await broker.session();
    await session.produce("t", 0, batchOf("a"));
    const late = await session.fetch({ topic: "t", minBytes: 1_000_000, maxWaitMs: 20 });
    expect(recordsIn(late.batches)).toEqual(["0:a"]);
    const empty = await session.fetch({ topic: "t", offset: 1, maxWaitMs: 20 });
    expect(empty).toMatchObject({ nextOffset: 1, highWatermark: 1, batches: new Uint8Array(0) });
  });

  test("ends with its client, and leaves nothing behind", async () => {
    await using broker = await startBroker();
    using writer = await broker.session();
    await writer.produce("t", 0, batchOf("a"));
    for (const leave of ["close", "terminate"] as const) {
      using reader = await broker.session();
      const waiting = reader.fetch({ topic: "t", offset: 1, maxWaitMs: FOREVER_MS });
      const lost = waiting.catch(String);
      await reader.ping();
      reader.client[leave]();
      expect(await lost).toContain("connection ended");
      await reader.client.closed;
    }
    while (broker.broker.connections > 1) await writer.ping();
    // Wakes whatever might still wait: a forgotten fetch would answer to a connection that is gone.
    await writer.produce("t", 0, batchOf("b"));
    expect(broker.broker.connections).toBe(1);
    expect(broker.lines).toEqual([]);
  });

  test("is answered immediately when its client sends FIN", async () => {
    await using broker = await startBroker();
    using writer = await broker.session();
    await writer.produce("t", 0, batchOf("a"));
    using reader = await broker.session();
    const { client } = reader;
    const waiting = reader.fetch({ topic: "t", minBytes: 1_000_000, maxWaitMs: FOREVER_MS });
    const answer = client.response(reader.lastId);
    client.shutdown();
    expect(recordsIn(Fetch.decodeResponse(await answer).batches)).toEqual(["0:a"]);
    await waiting;
    await client.closed;
  });

  test("ends with an error when its topic is deleted", async () => {
    await using broker = await startBroker();
    using reader = await broker.session();
    using writer = await broker.session();
    await writer.produce("t", 0, batchOf("a"));
    const waiting = reader.fetch({ topic: "t", offset: 1, maxWaitMs: FOREVER_MS });
    const told = waiting.catch(String);
    const answer = reader.client.response(reader.lastId);
    await reader.ping();
    const deleted = writer.call(
      (id) => encodeRequest(API.DeleteTopic, id, (b) => b.string("t")),
      errorOf,
    );
    expect(await told).toContain("was deleted");
    expect(errorOf(await answer)).toStartWith("UNKNOWN_TOPIC_OR_PARTITION");
    expect(await deleted).toBeUndefined();
  });

  test("is answered when the broker stops", async () => {
    await using broker = await startBroker();
    using reader = await broker.session();
    await reader.produce("t", 0, batchOf("a"));
    const waiting = reader.fetch({ topic: "t", minBytes: 1_000_000, maxWaitMs: FOREVER_MS });
    await reader.ping();
    const stopped = broker.broker.stop();
    expect(recordsIn((await waiting).batches)).toEqual(["0:a"]);
    await stopped;
  });

  test("is woken with a thousand others on its connection by one produce", async () => {
    await using broker = await startBroker();
    using reader = await broker.session();
    using writer = await broker.session();
    await writer.produce("t", 0, batchOf("a"));
    const waiting = Array.from({ length: 1_000 }, () =>
      reader.fetch({ topic: "t", offset: 1, maxWaitMs: FOREVER_MS }),
    );
    await reader.ping();
    await writer.produce("t", 0, batchOf("b"));
    for (const fetched of await Promise.all(waiting)) {
      expect(recordsIn(fetched.batches)).toEqual(["1:b"]);
    }
  });
});
