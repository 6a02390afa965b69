// Where a broker listens: on the address it is told, and on both loopback addresses when one of them is meant.
import { describe, expect, test } from "bun:test";
import { parseAdvertised } from "../../src/net/address.js";
import { listenOn } from "../../src/net/listen.js";
import { pingFrame, startBroker } from "../support/broker.js";
import { HAS_IPV6 } from "../support/ipv6.js";

const FLAGS = { host: "--host", port: "--port" };

/** Sockets that only take note; `failing` gives the system's error for a host and port. */
function machine(failing: (host: string, port: number) => string | undefined = () => undefined) {
  const opened: string[] = [];
  const stopped: string[] = [];
  let free = 50_000;
  const listen = (host: string, port: number) => {
    const taken = port === 0 ? free++ : port;
    const code = failing(host, taken);
    if (code !== undefined) throw Object.assign(new Error("it failed"), { code });
    opened.push(`${host} ${taken}`);
    return { port: taken, stop: () => stopped.push(`${host} ${taken}`) };
  };
  return { opened, stopped, listen };
}

describe("the addresses of a host", () => {
  const hosts: [string, string[]][] = [
    ["localhost", ["127.0.0.1 9092", "::1 9092"]],
    ["127.0.0.1", ["127.0.0.1 9092", "::1 9092"]],
    ["::1", ["::1 9092", "127.0.0.1 9092"]],
    ["127.0.0.2", ["127.0.0.2 9092"]],
    ["0.0.0.0", ["0.0.0.0 9092"]],
    ["broker.example", ["broker.example 9092"]],
  ];
  for (const [host, addresses] of hosts) {
    test(`${host} are ${addresses.join(" and ")}`, () => {
      const { opened, listen } = machine();
      listenOn({ host, port: 9092, flags: FLAGS }, listen);
      expect(opened).toEqual(addresses);
    });
  }

  test("have the same port, also if any free one will do", () => {
    const taken = machine((host, port) =>
      host === "::1" && port < 50_002 ? "EADDRINUSE" : undefined,
    );
    const sockets = listenOn({ host: "localhost", port: 0, flags: FLAGS }, taken.listen);
    expect(sockets.map(({ port }) => port)).toEqual([50_002, 50_002]);
    expect(taken.stopped).toEqual(["127.0.0.1 50000", "127.0.0.1 50001"]);
  });

  test("are fewer on a machine without IPv6", () => {
    for (const code of ["EADDRNOTAVAIL", "EAFNOSUPPORT"]) {
      const { listen } = machine((host) => (host === "::1" ? code : undefined));
      expect(listenOn({ host: "127.0.0.1", port: 0, flags: FLAGS }, listen)).toHaveLength(1);
    }
  });

  test("must both be free: another program on one of them would get some of the clients", () => {
    const { stopped, listen } = machine((host) => (host === "::1" ? "EADDRINUSE" : undefined));
    const start = () => listenOn({ host: "localhost", port: 9092, flags: FLAGS }, listen);
    expect(start).toThrow("[::1]:9092 is in use: stop the program that has it, or choose another");
    expect(stopped).toEqual(["127.0.0.1 9092"]);
  });

  test("are not tried forever when no port is free on both", () => {
    const { opened, stopped, listen } = machine((host) =>
      host === "::1" ? "EADDRINUSE" : undefined,
    );
    const start = () => listenOn({ host: "localhost", port: 0, flags: FLAGS }, listen);
    expect(start).toThrow("is in use");
    expect(stopped).toEqual(opened);
  });
});

test.skipIf(!HAS_IPV6)(
  "a broker on loopback serves both addresses, and stops on both",
  async () => {
    const ports: number[] = [];
    {
      await using started = await startBroker();
      const { port } = started.broker;
      for (const hostname of ["127.0.0.1", "::1"]) {
        const answered = Promise.withResolvers<number>();
        const socket = await Bun.connect({
          ...{ hostname, port },
          socket: { data: (_, bytes) => answered.resolve(bytes.length) },
        });
        socket.write(pingFrame(1));
        expect(await answered.promise).toBeGreaterThan(0);
        socket.end();
      }
      ports.push(port);
    }
    for (const hostname of ["127.0.0.1", "::1"]) {
      const again = Bun.connect({ hostname, port: ports[0]!, socket: { data() {} } });
      await expect(again).rejects.toThrow();
    }
  },
);

describe("an address for clients", () => {
  test("has a host and a port", () => {
    expect(parseAdvertised("broker.example:19092")).toEqual({
      host: "broker.example",
      port: 19_092,
    });
    expect(parseAdvertised("10.1.2.3:1")).toEqual({ host: "10.1.2.3", port: 1 });
    expect(parseAdvertised("[fd00::1]:9092")).toEqual({ host: "fd00::1", port: 9092 });
    expect(parseAdvertised("my_broker:9092").host).toBe("my_broker");
  });

  for (const text of [
    ...["", "broker", ":9092", "broker:", "broker:0", "broker:65536", "broker:x", "fd00::1:9092"],
    ...["[broker]:9092", "[10.0.0.1]:9092", "a b:1", "http://broker:9092"],
    ...["[fe80::1]", "PLAINTEXT://broker:9092", "broker.:", ".broker:1"],
  ]) {
    test(`'${text}' is refused, naming the flag`, () => {
      expect(() => parseAdvertised(text)).toThrow(`--advertise '${text}' is not an address`);
    });
  }

  for (const text of [
    "0.0.0.0:9092",
    "[::]:9092",
    "0:9092",
    "[0:0::0]:9092",
    "[::ffff:0.0.0.0]:1",
  ]) {
    test(`${text} is refused, because no client can connect to it`, () => {
      expect(() => parseAdvertised(text)).toThrow("no client can connect to it");
    });
  }
});
