import { describe, expect, test } from "bun:test";
import { type BrokerOptions, resolveOptions } from "../../src/broker/options.js";
import { startBroker } from "../support/broker.js";

const FILES = { tlsCert: "c", tlsKey: "k" };

function endpoints(options: Partial<BrokerOptions>) {
  const resolved = resolveOptions({ dataDir: "/tmp/x", ...options });
  return resolved.endpoints.map(({ isTls, host, port, advertise }) => ({
    ...{ isTls, at: `${host} ${port}` },
    ...(advertise && { advertise: `${advertise.host} ${advertise.port}` }),
  }));
}

describe("the addresses to listen on", () => {
  test("are those of --listen instead of --host and --port, unless one of these is given", () => {
    const listen = ["plain://0.0.0.0:1", "tls://[::]:2", "tls://localhost:0"];
    const others = [
      { isTls: false, at: "0.0.0.0 1" },
      { isTls: true, at: ":: 2" },
      { isTls: true, at: "localhost 0" },
    ];
    expect(endpoints({ listen, ...FILES })).toEqual(others);
    const own = { isTls: false, at: "127.0.0.1 3" };
    expect(endpoints({ listen, port: 3, ...FILES })).toEqual([own, ...others]);
    expect(endpoints({ host: "::1", listen: [] })).toEqual([{ isTls: false, at: "::1 9092" }]);
  });

  for (const [options, reason] of [
    [{ listen: ["localhost:9093"] }, "expected plain://HOST:PORT or tls://HOST:PORT"],
    [{ listen: ["tls://localhost:65536"] }, "is not an address to listen on"],
    [{ listen: ["tls://:1"] }, "is not an address to listen on"],
    [{ listen: ["plain://h:1", "plain://h:1"] }, "h:1 is named twice"],
    [{ listen: ["tls://h:1"] }, "a port with TLS needs --tls-cert"],
    [{ listen: ["tls://h:1"], tlsCert: "c" }, "a port with TLS needs --tls-key"],
    [{ tlsKey: "k" }, "TLS needs --tls-cert too"],
    [{ tlsClientCa: "a" }, "--tls-client-ca needs --tls-cert and --tls-key"],
    [{ advertise: "tls://h:1" }, "there is no port with TLS"],
    [{ advertise: ["h:1", "plain://g:1"] }, "there is another address for these ports"],
    [
      { port: 1, listen: ["tls://h:1"], ...FILES, advertise: "b:1" },
      "there are ports with and without TLS; write plain://b:1 or tls://b:1",
    ],
  ] satisfies [Partial<BrokerOptions>, string][]) {
    test(`are not ${JSON.stringify(options)}`, () => {
      expect(() => endpoints(options)).toThrow(reason);
    });
  }

  test("are told to the clients of their kind", () => {
    const tls = { listen: ["tls://h:1"], ...FILES };
    expect(endpoints({ ...tls, advertise: "b:9" })).toMatchObject([{ advertise: "b 9" }]);
    const both = { ...tls, port: 2, advertise: ["plain://a:8", "tls://b:9"] };
    expect(endpoints(both)).toMatchObject([{ advertise: "a 8" }, { advertise: "b 9" }]);
    const one = endpoints({ ...both, advertise: "tls://b:9" });
    expect(one.map(({ advertise }) => advertise)).toEqual([undefined, "b 9"]);
  });
});

test("a broker that can't listen on one address listens on none", async () => {
  await using other = await startBroker({ listen: ["plain://127.0.0.1:0"] });
  const [first = "", taken = ""] = other.broker.addresses;
  await other.broker.stop();
  await using holder = await startBroker({ listen: [`plain://${taken}`] });
  const start = startBroker({
    host: "127.0.0.1",
    listen: [`plain://${first}`, `plain://${taken}`],
  });
  await expect(start).rejects.toThrow(`${taken} is in use`);
  await using next = await startBroker({ listen: [`plain://${first}`] });
  expect(next.broker.addresses).toContain(first);
  expect(holder.broker.addresses).toContain(taken);
});

test("files that are no certificates are named with their flag, and no broker starts", async () => {
  const listen = ["tls://127.0.0.1:0"];
  const missing = startBroker({ listen, tlsCert: "/nonexistent/c", tlsKey: "/nonexistent/k" });
  await expect(missing).rejects.toThrow("--tls-cert /nonexistent/c can't be read");
  const here = import.meta.path;
  const wrong = startBroker({ listen, tlsCert: here, tlsKey: here });
  await expect(wrong).rejects.toThrow(`--tls-cert ${here} is not a PEM file`);
});
