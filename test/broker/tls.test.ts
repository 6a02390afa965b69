// TLS ports of a broker: both protocols over them, certificates of clients, and clients of the wrong kind.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { BrokerOptions } from "../../src/broker/options.js";
import { connect } from "../../src/client/client.js";
import { Authority, HAS_OPENSSL, pemOf } from "../support/certificates.js";
import { startBroker, type TestBroker } from "../support/broker.js";

let authority: Authority;

beforeAll(() => {
  if (HAS_OPENSSL) authority = new Authority();
});

afterAll(() => {
  if (HAS_OPENSSL) authority[Symbol.dispose]();
});

function startTls(options: Partial<BrokerOptions> = {}): Promise<TestBroker> {
  const { cert, key } = authority.broker();
  return startBroker({ listen: ["tls://127.0.0.1:0"], tlsCert: cert, tlsKey: key, ...options });
}

describe.skipIf(!HAS_OPENSSL)("a port with TLS", () => {
  test("serves the native protocol beside a plain port", async () => {
    await using broker = await startTls();
    const [port] = broker.broker.tlsPorts;
    await using client = await connect({
      broker: `localhost:${port}`,
      tls: { ca: authority.caPem },
    });
    await using producer = client.producer();
    const value = "x".repeat(300_000);
    await producer.send("t", { value });
    await using plain = await connect({ broker: `localhost:${broker.broker.port}` });
    for (const each of [client, plain]) {
      await using consumer = each.consumer({ topic: "t" });
      for await (const { value: found } of consumer) {
        expect(found?.length).toBe(value.length);
        break;
      }
    }
  });
});
void pemOf;
