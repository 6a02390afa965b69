// A dialect that has no error which belongs to no request, as Kafka's protocol: its connections are closed without a
// word, and the log says why.
import { describe, expect, test } from "bun:test";
import { BrokerMetrics } from "../../src/broker/metrics.js";
import { RustLogError } from "../../src/errors.js";
import type { Dialect, DialectConnection, Session } from "../../src/net/dialect.js";
import type { InflightRequest } from "../../src/net/inflight-request.js";
import { Listener, type ListenerOptions } from "../../src/net/listener.js";
import { anyPort } from "../support/any-port.js";
import { RawClient } from "../support/raw-client.js";
import { until } from "../support/until.js";
import { HAS_IPV6 } from "../support/ipv6.js";

const MiB = 1024 * 1024;

/** A request of the mute dialect: its first byte is 0, then comes a number, which is also the correlation id. */
function request(number: number, bytes = 5): Uint8Array {
  const frame = new Uint8Array(4 + bytes);
  const view = new DataView(frame.buffer);
  view.setUint32(0, bytes);
  view.setUint32(5, number);
  return frame;
}

function response(number: number): Uint8Array {
  const frame = new Uint8Array(8);
  const view = new DataView(frame.buffer);
  view.setUint32(0, 4);
  view.setUint32(4, number);
  return frame;
}

/** Holds every request until the test answers it; a request with number 0 has an invalid header. */
class MuteDialect implements Dialect {
  readonly name = "mute";
  readonly headerBytes = 5;
  readonly inOrder = true;
  readonly held: InflightRequest[] = [];
  connection: DialectConnection | undefined;

  speaks = (firstByte: number): boolean => firstByte === 0;
  requestBytesMax = (): number => 100;
  tooLongError = (bytes: number): RustLogError =>
    new RustLogError("INVALID_REQUEST", `${bytes} bytes are too long`);
  isSmall = (): boolean => true;
  encodeConnectionError = (): undefined => undefined;
  idle = (): Promise<void> => Promise.resolve();

  open(connection: DialectConnection): Session {
    this.connection = connection;
    return {
      dialect: this,
      mayTake: () => true,
      isKnown: true,
      user: undefined,
      spent: () => {},
      endReason: () => undefined,
      take: (taken, [head]) => {
        if (head[4] === 0) throw new RustLogError("UNSUPPORTED_VERSION", "there is no request 0");
        this.held.push(taken);
      },
      refuse: (_request, _head, error) => {
        throw error;
      },
    };
  }
}

function listen(overrides: Partial<ListenerOptions> = {}) {
  const mute = new MuteDialect();
  const metrics = new BrokerMetrics();
  const lines: string[] = [];
  const listener = new Listener({
    endpoints: [anyPort()],
    connectionsMax: 100,
    inflightBytesMax: 512 * MiB,
    idleTimeoutMs: 60_000,
    requiresLogin: false,
    loginTimeoutMs: 30_000,
    limits: { frameBytesMax: MiB, connectionBytesMax: 8 * MiB, connectionRequestsMax: 4096 },
    dialects: [mute],
    httpHint: "",
    metrics,
    log: (line) => lines.push(line),
    canOpenFiles: () => true,
    ...overrides,
  });
  return {
    mute,
    metrics,
    lines,
    listener,
    connect: () => RawClient.connect(listener.port),
    async [Symbol.asyncDispose]() {
      listener.terminate();
      await listener.stop(0);
    },
  };
}

describe("a connection that can't be told why it ends", () => {
  const reasons: [string, Uint8Array, string][] = [
    ["a request with an invalid header", request(0), "there is no request 0"],
    ["a request that is too long", request(2, 101), "101 bytes are too long"],
    ["a frame that is too long", Uint8Array.of(0x7f, 0, 0, 0, 0), "a frame of 2130706432 bytes"],
    ["an empty frame", Uint8Array.of(0, 0, 0, 0), "a frame of length 0"],
  ];
  for (const [what, bytes, reason] of reasons) {
    test(`is closed without a word after ${what}, and the log says why`, async () => {
      await using port = listen();
      const client = await port.connect();
      client.send(request(1));
      await until(() => port.mute.held.length === 1);
      client.send(bytes);
      await until(() => port.lines.length === 1);
      // What was asked before is answered first.
      port.mute.held[0]!.answer(response(1));
      await client.closed;
      expect(client.order).toEqual([1]);
      expect(client.bytesReceived).toBe(8);
      expect(port.lines[0]).toMatch(/^closed a mute connection from 127\.0\.0\.1:\d+: /);
      expect(port.lines[0]).toContain(reason);
      expect(port.metrics.connectionErrors()).toHaveLength(1);
      expect(port.listener.budget.workingBytes).toBe(0);
    });
  }

  test("still knows the client's address after the client has reset it", async () => {
    await using port = listen();
    const client = await port.connect();
    client.send(request(1));
    await until(() => port.mute.held.length === 1);
    client.terminate();
    await until(() => port.mute.connection!.isGone);
    expect(port.mute.connection!.client.description).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(port.mute.connection!.advertised.host).toBeString();
  });

  test("is closed by its session, which may have named the client", async () => {
    await using port = listen();
    const client = await port.connect();
    client.send(request(1), request(2));
    await until(() => port.mute.held.length === 2);
    const { client: named } = port.mute.connection!;
    named.id = "meter\n7";
    named.name = "franz-go";
    named.version = "v".repeat(10_000);
    expect(named.version).toBe("v".repeat(100));
    port.mute.held[0]!.answerNothing();
    port.mute.connection!.close(
      new RustLogError("INVALID_REQUEST", "no acknowledgement was asked for"),
    );
    port.mute.held[1]!.answer(response(2));
    await client.closed;
    expect(client.order).toEqual([2]);
    expect(port.lines[0]).toEndWith(
      `(client id "meter\\n7", franz-go ${"v".repeat(100)}): no acknowledgement was asked for`,
    );
  });

  test("is closed without a word when it is one too many", async () => {
    await using port = listen({ connectionsMax: 0 });
    const client = await port.connect();
    client.send(request(1));
    await client.closed;
    expect(client.bytesReceived).toBe(0);
    expect(port.lines.join()).toContain("connection limit reached (0)");
    expect(port.mute.held).toHaveLength(0);
  });

  test("is closed during a stop after its last answer; a later request gets none", async () => {
    await using port = listen();
    const client = await port.connect();
    client.send(request(1));
    await until(() => port.mute.held.length === 1);
    const stopped = port.listener.stop(10_000);
    client.send(request(2));
    await until(() => port.metrics.connectionErrors().length === 1);
    port.mute.held[0]!.answer(response(1));
    await stopped;
    await client.closed;
    expect(client.order).toEqual([1]);
    expect(port.lines).toEqual([]);
  });
});

describe("the addresses of a connection", () => {
  for (const [host, address] of [
    ["127.0.0.1", "127.0.0.1"],
    ["0.0.0.0", "127.0.0.1"],
    ["::", "127.0.0.1"],
  ] as const) {
    test.skipIf(host === "::" && !HAS_IPV6)(
      `are those that its client used, when the broker listens on ${host}`,
      async () => {
        await using port = listen({ endpoints: [anyPort({ host })] });
        const client = await port.connect();
        client.send(request(1));
        await until(() => port.mute.held.length === 1);
        expect(port.mute.connection).toMatchObject({
          advertised: { host: address, port: port.listener.port },
          client: { address },
        });
        const [connection] = port.listener.connections;
        expect(connection!.protocol).toBe("mute");
        port.mute.held[0]!.answer(response(1));
      },
    );
  }

  test("are not what clients are told if another one is advertised", async () => {
    const advertise = { host: "broker.example", port: 19_092 };
    await using port = listen({ endpoints: [anyPort({ advertise })] });
    const client = await port.connect();
    client.send(request(1));
    await until(() => port.mute.held.length === 1);
    expect(port.mute.connection!.advertised).toEqual(advertise);
    port.mute.held[0]!.answer(response(1));
  });
});
