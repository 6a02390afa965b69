// Connecting, the handshake, losing connections and reconnecting, against a scripted broker.
import { describe, expect, test } from "bun:test";
import { backoffMs } from "../../src/client/backoff.js";
import { connect } from "../../src/client/client.js";
import { BrokerLink, type Call, type LinkOptions } from "../../src/client/link.js";
import { parseBrokerAddress } from "../../src/client/broker-address.js";
import { RustLogError } from "../../src/errors.js";
import { API_NAMES, APIS } from "../../src/protocol/native/api-versions.js";
import { Ping } from "../../src/protocol/native/meta.js";
import { FakeBroker } from "../support/fake-broker.js";
import { until } from "../support/until.js";

const ping: Call<unknown> = {
  api: "Ping",
  encode: (id) => Ping.encodeRequest(id, {}),
  decode: Ping.decodeResponse,
};
const FOREVER = new Promise<void>(() => {});

function linkTo(broker: FakeBroker, options: Partial<LinkOptions> = {}) {
  const lost: string[] = [];
  const link = new BrokerLink(parseBrokerAddress(broker.address), {
    connectTimeoutMs: 5000,
    requestTimeoutMs: 5000,
    retries: 3,
    retryBackoffMs: 1,
    onConnectionLost: ({ code }) => lost.push(code),
    ...options,
  });
  return Object.assign(link, { lost, [Symbol.dispose]: () => link.close() });
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => "no error",
    (error: unknown) => error,
  );
  return error instanceof RustLogError ? error.code : String(error);
}

describe("a server of another protocol", () => {
  test.each([
    ["an HTTP server", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["an HTTP server", "<!DOCTYPE HTML><html>"],
    ["a TLS server", "\u0015\u0003\u0003\u0000\u0002\u0002\u0046"],
    ["an SSH server", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["a server of another protocol", "-ERR unknown command\r\n"],
  ])("is named: %s", async (kind, answer) => {
    let connections = 0;
    using server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: () => void connections++,
        data: (socket, request) => {
          // A line-based server sees a complete request, and does not wait for more.
          expect(Buffer.from(request).toString("latin1")).toContain("\r\n\r\n");
          socket.end(Buffer.from(answer, "latin1"));
        },
      },
    });
    const broker = `127.0.0.1:${server.port}`;
    const error = await connect({ broker }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RustLogError);
    expect(error).toMatchObject({
      code: "INVALID_CONFIG",
      message: `${broker} is ${kind}, not a RustLog broker`,
    });
    expect(connections).toBe(1);
  });

  test("that closes the connection immediately is probed", async () => {
    using server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end() },
    });
    const options = { broker: `127.0.0.1:${server.port}`, retries: 0 };
    const error = await connect(options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "CONNECTION_LOST" });
    expect((error as RustLogError).help).toContain("Is it a RustLog broker");
  });
});

describe("connecting", () => {
  test("a missing broker is CONNECTION_LOST, and the message has the address", async () => {
    const gone = new FakeBroker();
    const { address } = gone;
    gone[Symbol.dispose]();
    const attempt = connect({ broker: address, retries: 0 });
    await expect(attempt).rejects.toThrow(`cannot connect to ${address}: connection refused`);
    expect(await codeOf(attempt)).toBe("CONNECTION_LOST");
  });

  test("is retried as often as configured", async () => {
    const gone = new FakeBroker();
    const { address } = gone;
    gone[Symbol.dispose]();
    let attempts = 0;
    const options = { retries: 2, retryBackoffMs: 1, onConnectionLost: () => void attempts++ };
    expect(await codeOf(connect({ broker: address, ...options }))).toBe("CONNECTION_LOST");
    expect(attempts).toBe(3);
  });

  test("a broker without a common version is rejected, with both sides' versions in the message", async () => {
    using broker = new FakeBroker({ apiVersion: 9 });
    await expect(connect({ broker: broker.address })).rejects.toThrow(
      "supports version 9 of Produce, this client supports versions 1 to 2",
    );
  });

  test("requests have the highest version that both sides understand", async () => {
    for (const { apiVersion, maxVersion } of [{ apiVersion: 1 }, { maxVersion: 9 }]) {
      using broker = new FakeBroker({ apiVersion, maxVersion });
      using link = linkTo(broker);
      for (const api of API_NAMES) {
        let encoded = 0;
        const encode = (id: number, version: number): Uint8Array => {
          encoded = version;
          const frame = Ping.encodeRequest(id, {});
          frame[5] = version;
          return frame;
        };
        const decoded = await link.request({ api, encode, decode: (_, version) => version });
        const expected = apiVersion ?? APIS[api].versions.max;
        expect([api, encoded, decoded]).toEqual([api, expected, expected]);
      }
    }
  });

  test("a broker without ApiVersions gets version 1 of every API", async () => {
    using broker = new FakeBroker();
    broker.script("ApiVersions", new RustLogError("UNSUPPORTED_VERSION", "there is no key 14"));
    using link = linkTo(broker);
    const versions = await Promise.all(
      API_NAMES.map((api) => link.request({ ...ping, api, decode: (_, version) => version })),
    );
    expect(new Set(versions)).toEqual(new Set([1]));
    expect(link.info).toMatchObject({ brokerVersion: "unknown", logDirectoryId: "" });
  });

  test("a broker that accepts and never answers is TIMED_OUT", async () => {
    using broker = new FakeBroker();
    broker.script("ApiVersions", FOREVER);
    const options = { retries: 0, requestTimeoutMs: 10 };
    expect(await codeOf(connect({ broker: broker.address, ...options }))).toBe("TIMED_OUT");
  });

  test("an error without a request fails all requests", async () => {
    using broker = new FakeBroker();
    broker.script("ApiVersions", new RustLogError("TOO_MANY_CONNECTIONS", "10 of 10"));
    const attempt = connect({ broker: broker.address, retries: 0 });
    expect(await codeOf(attempt)).toBe("TOO_MANY_CONNECTIONS");
  });

  test("an invalid address is INVALID_CONFIG", async () => {
    expect(await codeOf(connect({ broker: "nowhere:port" }))).toBe("INVALID_CONFIG");
  });

  test("a time too long for a timer is INVALID_CONFIG", async () => {
    using broker = new FakeBroker();
    for (const ms of [0, Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const name of ["connectTimeoutMs", "requestTimeoutMs", "retryBackoffMs"]) {
        const attempt = connect({ broker: broker.address, [name]: ms });
        expect(await codeOf(attempt)).toBe("INVALID_CONFIG");
      }
    }
  });
});

describe("requests", () => {
  test("concurrent ones share one connection, and each gets its own response", async () => {
    using broker = new FakeBroker();
    using link = linkTo(broker);
    await Promise.all(Array.from({ length: 500 }, () => link.ping()));
    expect(broker.connections).toBe(1);
    expect(broker.requests.filter((name) => name === "Ping")).toHaveLength(500);
  });

  test("a slow response does not delay later ones", async () => {
    using broker = new FakeBroker();
    using link = linkTo(broker);
    const held = Promise.withResolvers<void>();
    broker.script("Ping", held.promise);
    const first = link.ping();
    await link.ping();
    held.resolve();
    await first;
  });

  test("continue on a new connection when the old one is lost", async () => {
    using broker = new FakeBroker();
    using link = linkTo(broker);
    broker.script("Ping", "cutBefore", "cutAfter");
    await link.ping();
    expect(broker.connections).toBe(3);
    expect(link.lost).toEqual(["CONNECTION_LOST", "CONNECTION_LOST"]);
  });

  test("without a response fail the connection, and are retried on another", async () => {
    using broker = new FakeBroker();
    using link = linkTo(broker, { requestTimeoutMs: 20 });
    broker.script("Ping", FOREVER);
    await link.ping();
    expect(link.lost).toEqual(["TIMED_OUT"]);
    expect(broker.connections).toBe(2);
  });

  test("that must not be repeated are not retried once they may have arrived", async () => {
    using broker = new FakeBroker();
    using link = linkTo(broker);
    broker.script("Ping", "cutAfter");
    const creating = link.request({ ...ping, repeatable: false });
    expect(await codeOf(creating)).toBe("CONNECTION_LOST");
    expect(broker.requests.filter((name) => name === "Ping")).toHaveLength(1);
  });

  test("that must not be repeated are retried if an error says that nothing was done", async () => {
    using broker = new FakeBroker();
    using link = linkTo(broker);
    broker.script("Ping", new RustLogError("BROKER_STOPPING", "a moment"));
    await link.request({ ...ping, repeatable: false });
    expect(broker.requests.filter((name) => name === "Ping")).toHaveLength(2);
  });

  test("with a final error fail immediately", async () => {
    using broker = new FakeBroker();
    using link = linkTo(broker);
    broker.script("Ping", new RustLogError("INVALID_REQUEST", "no"));
    expect(await codeOf(link.ping())).toBe("INVALID_REQUEST");
    expect(broker.connections).toBe(1);
  });

  test("end with the last error when their time is up", async () => {
    using broker = new FakeBroker();
    using link = linkTo(broker);
    broker.script(
      "Ping",
      ...Array.from({ length: 1000 }, () => new RustLogError("DISK_FULL", "x")),
    );
    expect(await codeOf(link.request(ping, { retryMs: 20 }))).toBe("DISK_FULL");
  });

  test("end when the link is closed", async () => {
    using broker = new FakeBroker();
    const link = linkTo(broker);
    broker.script("Ping", FOREVER);
    const pending = link.ping();
    await until(() => broker.requests.includes("Ping"));
    link.close();
    expect(await codeOf(pending)).toBe("CONNECTION_LOST");
    expect(await codeOf(link.ping())).toBe("CONNECTION_LOST");
  });
});

test("the wait before a retry doubles up to ten times the first, plus or minus a fifth", () => {
  const waits = [1, 2, 3, 4, 5, 50].map((failures) => backoffMs(failures, 100, () => 0.5));
  expect(waits).toEqual([100, 200, 400, 800, 1000, 1000]);
  expect(backoffMs(1, 100, () => 0)).toBeCloseTo(80);
  expect(backoffMs(1, 100, () => 1)).toBeCloseTo(120);
});
