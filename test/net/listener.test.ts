import { describe, expect, test } from "bun:test";
import { BrokerMetrics } from "../../src/broker/metrics.js";
import { canOpenFiles } from "../../src/broker/open-files.js";
import { RustLogError } from "../../src/errors.js";
import { Listener, type ListenerOptions } from "../../src/net/listener.js";
import type { ByteSource } from "../../src/net/outbox.js";
import { encodeFetchResponseHead } from "../../src/protocol/native/fetch.js";
import { API, encodeRequest, encodeResponse } from "../../src/protocol/native/messages.js";
import { NativeDialect } from "../../src/protocol/native/server/dialect.js";
import type { Exchange } from "../../src/protocol/native/server/exchange.js";
import { anyPort } from "../support/any-port.js";
import { errorOf, pingFrame } from "../support/broker.js";
import { RawClient } from "../support/raw-client.js";
import { until } from "../support/until.js";
import { concat } from "../support/bytes.js";

const MiB = 1024 * 1024;

interface TestListener extends AsyncDisposable {
  readonly listener: Listener;
  readonly lines: string[];
  /** Requests that were dispatched and not answered by the default handler. */
  readonly held: Exchange[];
  connect(): Promise<RawClient>;
  /** Connects, and waits until the server has the connection. */
  connectServed(): Promise<RawClient>;
}

function pong(exchange: Exchange): void {
  exchange.answer(encodeResponse(exchange.correlationId, () => {}));
}

/** A listener whose Pings are answered at once, and whose other requests are held unless `dispatch` is given. */
function startListener(
  overrides: Partial<Omit<ListenerOptions, "limits">> & {
    limits?: Partial<ListenerOptions["limits"]>;
    dispatch?(exchange: Exchange): void;
    isKnown?: boolean;
  } = {},
): TestListener {
  const lines: string[] = [];
  const held: Exchange[] = [];
  const dispatch = (exchange: Exchange): void => {
    if (exchange.apiKey === API.Ping) pong(exchange);
    else held.push(exchange);
  };
  const { limits, ...others } = overrides;
  const metrics = new BrokerMetrics();
  const handle = overrides.dispatch ?? dispatch;
  const conversation = {
    ...{ dispatch: handle, user: undefined, throttle: undefined },
    isKnown: overrides.isKnown ?? true,
    endReason: () => undefined,
  };
  const dispatcher = { open: () => conversation, idle: () => Promise.resolve() };
  const listener = new Listener({
    endpoints: [anyPort()],
    connectionsMax: 100,
    inflightBytesMax: 512 * MiB,
    idleTimeoutMs: 60_000,
    requiresLogin: false,
    loginTimeoutMs: 30_000,
    limits: {
      frameBytesMax: MiB,
      connectionBytesMax: MiB,
      connectionRequestsMax: 4096,
      ...limits,
    },
    metrics,
    dialects: [new NativeDialect(dispatcher, metrics)],
    httpHint: "Not here.",
    canOpenFiles,
    log: (line) => lines.push(line),
    ...others,
  });
  const connect = (): Promise<RawClient> => RawClient.connect(listener.port);
  return {
    listener,
    lines,
    held,
    connect,
    async connectServed() {
      const client = await connect();
      client.send(pingFrame(0));
      await client.response(0);
      return client;
    },
    async [Symbol.asyncDispose]() {
      listener.terminate();
      await listener.stop(0);
    },
  };
}

/** A request that the test listener holds. */
function heldFrame(correlationId: number, bodyBytes = 0): Uint8Array {
  return encodeRequest(API.ListTopics, correlationId, (body) =>
    body.raw(new Uint8Array(bodyBytes)),
  );
}

/** A slice of `bytes` bytes, each read into one scratch buffer, which counts what was read of it. */
class FakeSlice implements ByteSource {
  static readonly #scratch = new Uint8Array(64 * 1024).fill(7);
  static bytesRead = 0;
  readonly bytes: number;

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  read(from: number, bytesMax: number): Uint8Array {
    const length = Math.min(bytesMax, this.bytes - from, FakeSlice.#scratch.length);
    FakeSlice.bytesRead += length;
    return FakeSlice.#scratch.subarray(0, length);
  }
}

function answerSliced(exchange: Exchange, slice: ByteSource): void {
  const head = { startOffset: 0, nextOffset: 0, highWatermark: 0, logStartOffset: 0 };
  exchange.answerWithLog(encodeFetchResponseHead(exchange.correlationId, head, slice.bytes), [
    slice,
  ]);
}

describe("the limit on connections", () => {
  test("refuses one more with the reason, keeps the others, and frees the place again", async () => {
    await using test = startListener({ connectionsMax: 2 });
    using first = await test.connectServed();
    using second = await test.connectServed();
    using third = await test.connect();
    third.send(pingFrame(1));
    expect(errorOf(await third.response(0))).toStartWith(
      "TOO_MANY_CONNECTIONS: connection limit reached (2)",
    );
    await third.closed;
    expect(third.has(1)).toBe(false);
    for (const client of [first, second]) {
      client.send(pingFrame(5));
      expect(errorOf(await client.response(5))).toBeUndefined();
    }
    second.close();
    await until(() => test.listener.connections.size === 1);
    using fourth = await test.connectServed();
    expect(fourth.ended).toBe(false);
  });
});

describe("the time for a login", () => {
  test("ends connections that have not logged in, also busy and silent ones", async () => {
    const options = { requiresLogin: true, loginTimeoutMs: 50 };
    await using test = startListener({ ...options, isKnown: false });
    using silent = await test.connect();
    using busy = await test.connect();
    let pings = 0;
    const pinging = setInterval(() => busy.send(pingFrame(++pings)), 5);
    await Promise.all([silent.closed, busy.closed]);
    clearInterval(pinging);
    expect(errorOf(await busy.response(0))).toContain("not logged in within 50 ms");
  });

  test("does not concern clients that have logged in, or need not", async () => {
    for (const requiresLogin of [true, false]) {
      await using test = startListener({ requiresLogin, loginTimeoutMs: 300 });
      using known = await test.connectServed();
      using silent = await test.connect();
      if (requiresLogin) await silent.closed;
      else {
        using later = await test.connectServed();
        await until(() => test.listener.connections.size === 3);
        expect(later.ended).toBe(false);
      }
      known.send(pingFrame(7));
      await known.response(7);
    }
  });
});

describe("the idle timeout", () => {
  test("closes a silent connection", async () => {
    await using test = startListener({ idleTimeoutMs: 20 });
    using silent = await test.connect();
    await silent.closed;
    using once = await test.connect();
    once.send(pingFrame(0));
    await once.closed;
    expect(test.listener.connections.size).toBe(0);
  });

  test("closes a connection that dribbles into a frame which never completes", async () => {
    await using test = startListener({ idleTimeoutMs: 50 });
    using dribbler = await test.connect();
    dribbler.send(Uint8Array.of(0, 0x0f, 0xff, 0xff));
    const dribble = setInterval(() => dribbler.send(Uint8Array.of(1)), 2);
    await dribbler.closed;
    clearInterval(dribble);
  });

  test("closes a connection that does not read its answers", async () => {
    await using test = startListener({
      idleTimeoutMs: 50,
      dispatch: (exchange) => answerSliced(exchange, new FakeSlice(64 * MiB)),
    });
    using stuck = await test.connect();
    stuck.pause();
    stuck.send(pingFrame(1));
    await until(() => test.listener.connections.size === 1);
    await until(() => test.listener.connections.size === 0);
  });

  test("spares a connection that awaits an answer", async () => {
    await using test = startListener({ idleTimeoutMs: 20 });
    const connectHeld = async (): Promise<RawClient> => {
      const client = await test.connect();
      client.send(heldFrame(1));
      await until(() => test.held.length === 1 || client.ended);
      // A busy machine may read the request only after the timeout.
      return test.held.length === 1 ? client : await connectHeld();
    };
    using waiting = await connectHeld();
    // These come later and are closed for being idle; the one that waits is looked at each time too.
    for (let i = 0; i < 3; i++) {
      using idle = await test.connect();
      idle.send(pingFrame(0));
      await idle.closed;
    }
    expect(waiting.ended).toBe(false);
    pong(test.held[0]!);
    expect(errorOf(await waiting.response(1))).toBeUndefined();
  });
});

describe("the work in flight on one connection", () => {
  test("is limited in number: reading stops at the limit and resumes below half of it", async () => {
    await using test = startListener({ limits: { connectionRequestsMax: 4 } });
    using client = await test.connect();
    client.send(concat(Array.from({ length: 10 }, (_, i) => heldFrame(i + 1))));
    await until(() => test.held.length > 0);
    const [connection] = test.listener.connections;
    expect(connection).toMatchObject({ isPaused: true, inflight: { requests: 4 } });
    client.send(pingFrame(11));
    for (let answered = 1; answered <= 10; answered++) {
      pong(test.held[answered - 1]!);
      await client.response(answered);
      expect(test.held.length - answered).toBeLessThanOrEqual(4);
    }
    expect(errorOf(await client.response(11))).toBeUndefined();
    expect(client.order.filter((id) => id !== 11)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(connection).toMatchObject({ isPaused: false, inflight: { requests: 0, bytes: 0 } });
  });

  test("is limited in bytes: an unread socket fills up, and the client must wait", async () => {
    await using test = startListener({ limits: { connectionBytesMax: 256 * 1024 } });
    using client = await test.connect();
    const frames = 400;
    for (let i = 1; i <= frames; i++) client.send(heldFrame(i, 64 * 1024));
    await until(() => [...test.listener.connections].some((connection) => connection.isPaused));
    const [connection] = test.listener.connections;
    // 25 MB are more than the kernel takes for a socket that nobody reads.
    expect(client.unsentBytes).toBeGreaterThan(0);
    let bytesMax = 0;
    for (let answered = 0; answered < frames; answered++) {
      await until(() => test.held.length > answered);
      bytesMax = Math.max(bytesMax, connection!.inflight.bytes);
      pong(test.held[answered]!);
    }
    await client.response(frames);
    expect(bytesMax).toBeGreaterThan(256 * 1024);
    expect(bytesMax).toBeLessThan(256 * 1024 + 65 * 1024);
  });

  test("includes small unread answers, so that their number is bounded too", async () => {
    await using test = startListener({ limits: { connectionRequestsMax: 64 } });
    using client = await test.connect();
    const count = 5_000;
    client.send(concat(Array.from({ length: count }, (_, i) => pingFrame(i + 1))));
    await client.response(count);
    expect(client.order).toHaveLength(count);
  });

  test("does not include log data: a client that never reads costs little, and others are served", async () => {
    await using test = startListener({
      limits: { connectionBytesMax: 24 * MiB },
      dispatch: (exchange) => {
        if (exchange.apiKey === API.Ping) pong(exchange);
        else answerSliced(exchange, new FakeSlice(8 * MiB));
      },
    });
    FakeSlice.bytesRead = 0;
    using stuck = await test.connect();
    stuck.pause();
    const requests = 16;
    stuck.send(concat(Array.from({ length: requests }, (_, i) => heldFrame(i + 1))));
    await until(() => [...test.listener.connections].some((connection) => connection.isPaused));
    const [connection] = test.listener.connections;
    using other = await test.connect();
    for (let i = 1; i <= 100; i++) {
      other.send(pingFrame(i));
      await other.response(i);
    }
    expect(connection!.inflight.bytes).toBeLessThanOrEqual(24 * MiB + 8 * MiB + 100);
    expect(connection!.inflight.requests).toBeLessThan(12);
    const unread = FakeSlice.bytesRead;
    expect(unread).toBeLessThan(32 * MiB); // what the kernel took, and no more
    stuck.resume();
    await stuck.response(requests);
    expect(stuck.bytesReceived).toBe(requests * (8 * MiB + 4 + 6 + 4 * 8 + 4));
  }, 30_000); // 128 MiB, on a machine that may be busy
});

describe("without free descriptors", () => {
  test("new connections are refused until there are some, and existing ones are served", async () => {
    let free = 100;
    await using test = startListener({
      idleTimeoutMs: 1_200,
      canOpenFiles: (count) => free >= count,
    });
    const { port } = test.listener;
    using there = await test.connectServed();
    const pinging = setInterval(() => there.send(pingFrame(1)), 5);
    try {
      free = 0;
      await until(() => test.lines.length === 1);
      expect(test.lines[0]).toStartWith("no more files can be opened");
      await expect(RawClient.connect(port)).rejects.toThrow();
      there.send(pingFrame(2));
      await there.response(2);
      // A single one that becomes free is not worth it.
      free = 1;
      there.send(pingFrame(3));
      await there.response(3);
      await expect(RawClient.connect(port)).rejects.toThrow();
      free = 100;
      await until(() => test.lines.length === 2);
      expect(test.listener.port).toBe(port);
      using late = await test.connectServed();
      expect(late.ended).toBe(false);
    } finally {
      clearInterval(pinging);
    }
  });
});

describe("an answer", () => {
  test("whose log can't be read closes its connection, and no other", async () => {
    await using test = startListener({
      dispatch(exchange) {
        if (exchange.apiKey === API.Ping) return pong(exchange);
        answerSliced(exchange, {
          bytes: 100,
          read() {
            throw new RustLogError("STORAGE_ERROR", "the segment was deleted");
          },
        });
      },
    });
    using other = await test.connectServed();
    using client = await test.connect();
    client.send(heldFrame(1));
    await client.closed;
    expect(client.has(1)).toBe(false);
    expect(test.lines.join()).toContain("the segment was deleted");
    other.send(pingFrame(2));
    expect(errorOf(await other.response(2))).toBeUndefined();
  });

  test("that is longer than a frame may be becomes an error", async () => {
    await using test = startListener({
      limits: { frameBytesMax: 100 },
      dispatch: (exchange) =>
        exchange.answer(
          encodeResponse(exchange.correlationId, (body) => body.raw(new Uint8Array(95))),
        ),
    });
    using client = await test.connect();
    client.send(pingFrame(1));
    expect(errorOf(await client.response(1))).toStartWith("FRAME_TOO_LARGE: the answer has 101");
  });

  test("given twice is sent once, and the bug is logged", async () => {
    await using test = startListener({
      dispatch(exchange) {
        pong(exchange);
        pong(exchange);
      },
    });
    using client = await test.connect();
    client.send(pingFrame(1), pingFrame(2));
    await client.response(2);
    expect(client.order).toEqual([1, 2]);
    expect(test.lines[0]).toContain("bug: request 1 was answered twice");
  });

  test("that keeps failing because of a bug is logged a few times, then counted", async () => {
    const test = startListener({
      dispatch: (exchange) => exchange.fail(new TypeError("a bug")),
    });
    const client = await test.connect();
    for (let id = 1; id <= 1000; id++) client.send(pingFrame(id));
    await client.response(1000);
    expect(test.lines).toHaveLength(5);
    await test[Symbol.asyncDispose]();
    expect(test.lines).toHaveLength(6);
    expect(test.lines[5]).toStartWith("995 more like this in the last 10 s: bug: request 1000");
  });

  test("to a client that has left is dropped", async () => {
    await using test = startListener();
    using client = await test.connect();
    client.send(heldFrame(1));
    await until(() => test.held.length === 1);
    client.terminate();
    await until(() => test.listener.connections.size === 0);
    pong(test.held[0]!);
    expect(test.lines).toEqual([]);
  });
});

describe("a stop", () => {
  test("answers requests in flight, refuses new ones, and then closes", async () => {
    await using test = startListener();
    using client = await test.connect();
    client.send(heldFrame(1));
    await until(() => test.held.length === 1);
    const stopped = test.listener.stop(10_000);
    client.send(pingFrame(2));
    expect(errorOf(await client.response(2))).toStartWith("BROKER_STOPPING");
    pong(test.held[0]!);
    expect(errorOf(await client.response(1))).toBeUndefined();
    await client.closed;
    await stopped;
    await expect(RawClient.connect(test.listener.port)).rejects.toThrow("connect");
  });

  test("resets connections that are not done after the grace time", async () => {
    await using test = startListener();
    using client = await test.connect();
    client.send(heldFrame(1));
    await until(() => test.held.length === 1);
    await test.listener.stop(10);
    await client.closed;
    expect(client.has(1)).toBe(false);
  });

  test("resets a client that does not leave after its last answer", async () => {
    await using test = startListener();
    using client = await RawClient.connect(test.listener.port, { allowHalfOpen: true });
    client.send(pingFrame(1));
    await client.response(1);
    await test.listener.stop(60_000);
    expect(test.listener.connections.size).toBe(0);
  });
});
