import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { API, encodeRequest } from "../../src/protocol/native/messages.js";
import { batchOf, errorOf, pingFrame, recordsIn, startBroker } from "../support/broker.js";
import { RawClient } from "../support/raw-client.js";
import { encodeProduceRequest } from "../support/whole-frames.js";
import { concat } from "../support/bytes.js";

/** A frame with this payload, whatever it says. */
function frame(...payload: number[]): Uint8Array {
  return Uint8Array.from([0, 0, payload.length >> 8, payload.length & 0xff, ...payload]);
}

describe("requests on the wire", () => {
  test("split at every byte are answered as if they arrived whole", async () => {
    await using broker = await startBroker({ flush: { kind: "never" } });
    using session = await broker.session();
    const { client } = session;
    const batch = batchOf("split");
    let id = 100;
    const whole = concat([
      encodeProduceRequest(0, { topic: "t", partition: 0, batch }),
      pingFrame(0),
    ]);
    for (let at = 0; at <= whole.length; at++) {
      const produceId = ++id;
      const pingId = ++id;
      const bytes = concat([
        encodeProduceRequest(produceId, { topic: "t", partition: 0, batch }),
        pingFrame(pingId),
      ]);
      client.send(bytes.subarray(0, at));
      // An answer on another connection: the broker has turned its loop since the first part was sent.
      using other = await broker.session();
      await other.ping();
      client.send(bytes.subarray(at));
      expect(errorOf(await client.response(produceId))).toBeUndefined();
      expect(errorOf(await client.response(pingId))).toBeUndefined();
    }
    const fetched = await session.fetch({ topic: "t" });
    expect(fetched.highWatermark).toBe(whole.length + 1);
  });

  test("a frame that arrives one byte at a time is one request", async () => {
    await using broker = await startBroker();
    using client = await RawClient.connect(broker.broker.port);
    for (const byte of pingFrame(7)) client.send(Uint8Array.of(byte));
    expect(errorOf(await client.response(7))).toBeUndefined();
  });

  test("pipelined in one chunk are all answered, synchronous ones in the order sent", async () => {
    await using broker = await startBroker();
    using client = await RawClient.connect(broker.broker.port);
    const ids = Array.from({ length: 20_000 }, (_, i) => i + 1);
    client.send(concat(ids.map((id) => pingFrame(id))));
    await client.response(ids.length);
    expect(client.order).toEqual(ids);
  });

  test("sent before FIN are still answered, and then the broker closes", async () => {
    await using broker = await startBroker();
    using client = await RawClient.connect(broker.broker.port, { allowHalfOpen: true });
    const batch = batchOf("last words");
    client.send(encodeProduceRequest(1, { topic: "t", partition: 0, batch }), pingFrame(2));
    client.shutdown();
    expect(errorOf(await client.response(1))).toBeUndefined();
    expect(errorOf(await client.response(2))).toBeUndefined();
    await client.closed;
    using session = await broker.session();
    expect(recordsIn((await session.fetch({ topic: "t" })).batches)).toEqual(["0:last words"]);
  });
});

describe("invalid requests", () => {
  test("an unknown API or version is answered, and the connection stays open", async () => {
    await using broker = await startBroker();
    using client = await RawClient.connect(broker.broker.port);
    client.send(frame(99, 1, 0, 0, 0, 5), frame(API.Ping, 9, 0, 0, 0, 6), frame(0, 0, 0, 0, 0, 7));
    expect(errorOf(await client.response(5))).toStartWith("UNSUPPORTED_VERSION: there is no API");
    expect(errorOf(await client.response(6))).toStartWith(
      "UNSUPPORTED_VERSION: Ping has no version 9",
    );
    expect(errorOf(await client.response(7))).toStartWith("UNSUPPORTED_VERSION");
    client.send(pingFrame(8));
    expect(errorOf(await client.response(8))).toBeUndefined();
  });

  test("a malformed body is answered for every API, and the connection stays open", async () => {
    await using broker = await startBroker();
    using client = await RawClient.connect(broker.broker.port);
    for (const [name, key] of Object.entries(API)) {
      const id = 100 + key;
      // No API has a body of one byte.
      client.send(encodeRequest(key, id, (body) => body.u8(0xff)));
      expect(`${name} ${errorOf(await client.response(id))}`).toStartWith(
        `${name} INVALID_REQUEST`,
      );
    }
    client.send(pingFrame(1));
    expect(errorOf(await client.response(1))).toBeUndefined();
    expect(broker.lines.filter((line) => line.includes("bug"))).toEqual([]);
  });

  const broken: [string, Uint8Array, string][] = [
    ["a frame of length 0", Uint8Array.of(0, 0, 0, 0), "INVALID_REQUEST"],
    ["a frame over the limit", Uint8Array.of(0, 0xa0, 0, 1), "FRAME_TOO_LARGE"],
    ["a frame of 2^31 bytes", Uint8Array.of(0x80, 0, 0, 0), "FRAME_TOO_LARGE"],
    ["a frame of 2^32 - 1 bytes", Uint8Array.of(0xff, 0xff, 0xff, 0xff), "FRAME_TOO_LARGE"],
    ["a payload without an envelope", frame(API.Ping, 1), "INVALID_REQUEST"],
    ["HTTP", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"), "FRAME_TOO_LARGE"],
  ];
  for (const [what, bytes, code] of broken) {
    test(`${what}: earlier requests are answered, then the error with id 0, then the end`, async () => {
      await using broker = await startBroker();
      using client = await RawClient.connect(broker.broker.port);
      const batch = batchOf("before");
      client.send(
        concat([encodeProduceRequest(1, { topic: "t", partition: 0, batch }), pingFrame(2), bytes]),
        pingFrame(3),
      );
      expect(errorOf(await client.response(0))).toStartWith(code);
      await client.closed;
      expect(client.has(1)).toBe(true);
      expect(client.has(2)).toBe(true);
      expect(client.has(3)).toBe(false);
      using session = await broker.session();
      await session.ping();
    });
  }

  test("a frame of exactly the limit is accepted, one more byte is not", async () => {
    const maxFrameBytes = 4096;
    await using broker = await startBroker({ maxFrameBytes, maxBatchBytes: 2048 });
    using client = await RawClient.connect(broker.broker.port);
    const payload = new Uint8Array(maxFrameBytes);
    payload.set([API.Ping, 1, 0, 0, 0, 1]);
    client.send(Uint8Array.of(0, 0, 0x10, 0), payload);
    expect(errorOf(await client.response(1))).toStartWith("INVALID_REQUEST: field 'body'");
    client.send(Uint8Array.of(0, 0, 0x10, 1), payload, Uint8Array.of(0));
    expect(errorOf(await client.response(0))).toStartWith("FRAME_TOO_LARGE");
    await client.closed;
  });

  test("random bytes and mutated frames end at most their own connection", async () => {
    await using broker = await startBroker({
      flush: { kind: "never" },
      maxFrameBytes: 128 * 1024,
      maxBatchBytes: 64 * 1024,
    });
    const batch = batchOf("a", "b");
    const valid = concat([
      encodeProduceRequest(1, { topic: "t", partition: 0, batch }),
      pingFrame(2),
      ...Object.values(API).map((key) => encodeRequest(key, 3, (body) => body.string("x").u32(0))),
    ]);
    const mutated = fc
      .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
      .map((changes) => {
        const bytes = valid.slice();
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), async (bytes) => {
        const client = await RawClient.connect(broker.broker.port, { allowHalfOpen: true });
        client.send(bytes);
        client.shutdown();
        await client.closed;
      }),
      { numRuns: 200 },
    );
    using session = await broker.session();
    await session.ping();
    expect(broker.lines.filter((line) => line.includes("bug"))).toEqual([]);
  });
});
