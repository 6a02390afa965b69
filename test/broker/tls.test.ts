// TLS ports of a broker: both protocols over them, certificates of both sides, and clients of the wrong kind.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BrokerOptions } from "../../src/broker/options.js";
import { type Client, connect } from "../../src/client/client.js";
import type { TlsOptions } from "../../src/client/tls.js";
import { Metadata } from "../../src/protocol/kafka/metadata.js";
import { DescribeConfigs } from "../../src/protocol/kafka/configs.js";
import type { Acl } from "../../src/security/acl.js";
import { batchOf, pingFrame, Session, startBroker, type TestBroker } from "../support/broker.js";
import { Authority, HAS_OPENSSL, pemOf } from "../support/certificates.js";
import { KafkaClient } from "../support/kafka-client.js";
import { RawClient } from "../support/raw-client.js";
import { tempDir } from "../support/tmp.js";
import { until } from "../support/until.js";
import { createCredential } from "../support/credentials.js";

const LONG_AGO = ["20200101000000Z", "20200102000000Z"] as const;

const METADATA = {
  ...{ topics: null, allowAutoTopicCreation: false },
  ...{ includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false },
};

let authority: Authority;
let stranger: Authority;
let ann: { cert: string; key: string };

beforeAll(() => {
  if (!HAS_OPENSSL) return;
  authority = new Authority();
  stranger = new Authority();
  ann = pemOf(authority.sign({ subject: "/O=acme/CN=ann" }));
});

afterAll(() => {
  if (!HAS_OPENSSL) return;
  authority[Symbol.dispose]();
  stranger[Symbol.dispose]();
});

function startTls(options: Partial<BrokerOptions> = {}): Promise<TestBroker> {
  const { cert, key } = authority.broker();
  return startBroker({ listen: ["tls://127.0.0.1:0"], tlsCert: cert, tlsKey: key, ...options });
}

function tlsPort({ broker }: TestBroker): number {
  return broker.tlsPorts[0]!;
}

function connectTls(running: TestBroker, tls: TlsOptions = {}): Promise<Client> {
  return connect({
    broker: `localhost:${tlsPort(running)}`,
    tls: { ca: authority.caPem, ...tls },
    retries: 0,
  });
}

async function values(client: Client, topic: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { value } of client.consumer({ topic, follow: false })) {
    found.push(new TextDecoder().decode(value ?? new Uint8Array()));
  }
  return found;
}

async function openssl(port: number, ...args: string[]): Promise<string> {
  const command = ["openssl", "s_client", "-connect", `127.0.0.1:${port}`, ...args];
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const texts = [child.stdout, child.stderr].map((stream) => new Response(stream).text());
  return (await Promise.all(texts)).join("");
}

describe.skipIf(!HAS_OPENSSL)("a port with TLS", () => {
  test("serves both protocols, beside a port without", async () => {
    await using running = await startTls();
    await using client = await connectTls(running);
    await using producer = client.producer();
    const value = "x".repeat(300_000);
    await producer.send("t", { value });
    await using plain = await connect({ broker: `localhost:${running.broker.port}` });
    for (const each of [client, plain]) expect(await values(each, "t")).toEqual([value]);
    using kafka = await KafkaClient.connect(tlsPort(running), "localhost", {
      ca: authority.caPem,
    });
    expect(await kafka.call(Metadata, 9, METADATA)).toMatchObject({ topics: [{ name: "t" }] });
  });

  test("tells Kafka clients its own address, by the name that they have used", async () => {
    await using running = await startTls();
    const ca = authority.caPem;
    const port = tlsPort(running);
    for (const host of ["localhost", "127.0.0.1"]) {
      using client = await KafkaClient.connect(port, host, { ca });
      expect((await client.call(Metadata, 9, METADATA)).brokers).toMatchObject([{ host, port }]);
    }
    using client = await KafkaClient.connect(port, "localhost", { ca });
    const resource = { resourceType: 4, resourceName: "1", configurationKeys: null };
    const asked = { resources: [resource], includeSynonyms: false, includeDocumentation: false };
    const [described] = (await client.call(DescribeConfigs, 4, asked)).results;
    const config = (name: string) => described?.configs.find((each) => each.name === name)?.value;
    expect(config("advertised.listeners")).toBe(`SSL://localhost:${port}`);
    expect(config("listeners")).toBe(
      `PLAINTEXT://127.0.0.1:${running.broker.port},SSL://127.0.0.1:${port}`,
    );
  });

  test("knows the name that a client has used if that has no dot: Java asks for none then", async () => {
    const { cert, key } = authority.broker(
      "DNS:broker.example,DNS:broker,DNS:localhost,IP:10.0.0.2",
    );
    await using running = await startTls({ tlsCert: cert, tlsKey: key });
    const names = ["127.0.0.1", "::1", "10.0.0.1", "10.0.0.2"].map((address) =>
      running.broker.tls?.nameFor(address),
    );
    expect(names).toEqual(["localhost", "localhost", "broker", undefined]);
  });

  test("tells them what --advertise names for its kind", async () => {
    const advertise = ["plain://inside:1", "tls://outside:2"];
    await using running = await startTls({ advertise });
    const ca = authority.caPem;
    using secured = await KafkaClient.connect(tlsPort(running), "localhost", { ca });
    using plain = await KafkaClient.connect(running.broker.port);
    for (const [client, host, port] of [
      [secured, "outside", 2],
      [plain, "inside", 1],
    ] as const) {
      expect((await client.call(Metadata, 9, METADATA)).brokers).toMatchObject([{ host, port }]);
    }
  });

  test("speaks TLS 1.2 and 1.3 with ciphers that have forward secrecy, and nothing else", async () => {
    await using running = await startTls();
    const port = tlsPort(running);
    const any = ["-cipher", "ALL:@SECLEVEL=0"];
    expect(await openssl(port, "-tls1_3")).toContain("New, TLSv1.3");
    expect(await openssl(port, "-tls1_2", ...any)).toContain("New, TLSv1.2, Cipher is ECDHE-");
    for (const version of ["-tls1_1", "-tls1"]) {
      expect(await openssl(port, version, ...any)).toContain("alert protocol version");
    }
    for (const cipher of ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA"]) {
      const refused = await openssl(port, "-tls1_2", "-cipher", `${cipher}:@SECLEVEL=0`);
      expect(refused).toContain("alert handshake failure");
    }
  });

  test("answers what was sent before a client's FIN, and closes its connections when it stops", async () => {
    await using running = await startTls();
    const options = { hostname: "localhost", tls: { ca: authority.caPem } };
    const connectRaw = () => RawClient.connect(tlsPort(running), options);
    using leaving = await RawClient.connect(tlsPort(running), { ...options, allowHalfOpen: true });
    leaving.send(pingFrame(1));
    await leaving.response(1);
    leaving.send(pingFrame(2));
    leaving.shutdown();
    await leaving.response(2);
    await leaving.closed;
    using staying = await connectRaw();
    staying.send(pingFrame(1));
    await staying.response(1);
    using silent = await RawClient.connect(tlsPort(running));
    await until(() => running.broker.connections === 2);
    await running.broker.stop();
    await Promise.all([staying.closed, silent.closed]);
    expect(running.lines.filter((line) => line.includes("handshake"))).toEqual([]);
  });

  test("takes a client that reads slowly, and sends it everything in the end", async () => {
    await using running = await startTls();
    const value = Buffer.alloc(1_000_000);
    for (let i = 0; i < value.length; i++) value[i] = (i * 31) % 251;
    using writer = await running.session();
    for (let i = 0; i < 16; i++) await writer.produce("t", 0, batchOf(value));
    using slow = new Session(
      await RawClient.connect(tlsPort(running), {
        ...{ hostname: "localhost", tls: { ca: authority.caPem } },
      }),
    );
    await slow.ping();
    slow.client.pause();
    const answers = [0, 4, 8, 12].map((offset) =>
      slow.fetch({ topic: "t", offset, maxBytes: 8_000_000 }),
    );
    // The log waits on disk, not in memory.
    await until(
      () => running.broker.inflight.waits === 0 && [...running.broker.clients].length === 2,
    );
    await writer.ping();
    expect(running.broker.inflight.keptBytes).toBeLessThan(1_000_000);
    slow.client.resume();
    for (const [i, { batches }] of (await Promise.all(answers)).entries()) {
      const begin = Buffer.from(batches).indexOf(value);
      expect([i, begin > 0]).toEqual([i, true]);
      expect(batches.length).toBeGreaterThan(4_000_000);
    }
  });
});

describe.skipIf(!HAS_OPENSSL)("the certificate of a broker", () => {
  test("has to be signed by an authority of the client", async () => {
    await using running = await startTls();
    const ca = stranger.caPem;
    await expect(connectTls(running, { ca })).rejects.toThrow("no TLS with localhost:");
    await using client = await connectTls(running, { ca, insecure: true });
    await client.ping();
  });

  test("has to name the host that the client has asked for", async () => {
    await using running = await startTls();
    const other = { serverName: "other.example" };
    await expect(connectTls(running, other)).rejects.toThrow("does not match certificate");
  });

  test("may not have expired, and the broker says so when it starts", async () => {
    const { cert, key } = authority.sign({
      ...{ subject: "/CN=localhost", names: "DNS:localhost", validity: LONG_AGO },
    });
    await using running = await startTls({ tlsCert: cert, tlsKey: key });
    expect(running.lines).toContain("TLS certificate: CN=localhost, which EXPIRED on 2020-01-02");
    await expect(connectTls(running)).rejects.toThrow("certificate has expired");
  });

  test("is read again when its files have changed, and stays if they are unusable", async () => {
    using directory = tempDir();
    const [tlsCert, tlsKey] = [join(directory.path, "cert"), join(directory.path, "key")];
    const use = (names: string): void => {
      const { cert, key } = authority.broker(names);
      copyFileSync(cert, tlsCert);
      copyFileSync(key, tlsKey);
    };
    use("DNS:localhost");
    await using running = await startTls({ tlsCert, tlsKey });
    const { tls } = running.broker;
    await using before = await connectTls(running);
    use("DNS:renewed.example");
    tls?.look();
    await before.ping();
    await using still = await connectTls(running);
    tls?.look(); // unchanged since the look before
    await expect(connectTls(running)).rejects.toThrow("renewed.example");
    await using renewed = await connectTls(running, { serverName: "renewed.example" });
    writeFileSync(tlsKey, "no key");
    tls?.reload();
    expect(running.lines.at(-1)).toBe(
      `the TLS certificate stays ${tls?.summary}: --tls-key ${tlsKey} is not a PEM file`,
    );
    expect(running.broker.context.vitals.certificate).toMatchObject({
      endsMs: expect.any(Number),
      fault: `--tls-key ${tlsKey} is not a PEM file`,
    });
    await using last = await connectTls(running, { serverName: "renewed.example" });
    for (const client of [before, still, renewed, last]) await client.ping();
  });
});

describe.skipIf(!HAS_OPENSSL)("the certificate of a client", () => {
  const rule = (principal: Acl["principal"]): Acl => ({
    ...{ resourceType: "TOPIC", resourceName: "mine", patternType: "LITERAL" },
    ...{ principal, host: "*", operation: "ALL", permissionType: "ALLOW" },
  });

  test("says which user it is, as in Kafka, and rules apply to it", async () => {
    await using running = await startTls({ tlsClientCa: authority.ca });
    await running.broker.context.security.change(() => ({
      aclsAdded: [rule("User:CN=ann,O=acme")],
    }));
    await using client = await connectTls(running, ann);
    await using producer = client.producer();
    await producer.send("mine", { value: "1" });
    await expect(producer.send("other", { value: "1" })).rejects.toThrow(
      "User:CN=ann,O=acme has no permission",
    );
    expect(running.broker.audit.counters.logins.get("certificate")).toBe(1);
    // The port without TLS is closed to everybody who has not logged in, and there is no user.
    await using plain = await connect({ broker: running.broker.address });
    await expect(plain.admin().listTopics()).rejects.toThrow("requires a login");
  });

  test("is required, and has to be valid and signed by the authority", async () => {
    await using running = await startTls({ tlsClientCa: authority.ca });
    await expect(connectTls(running)).rejects.toThrow("certificate required");
    const expired = authority.sign({ subject: "/CN=old", validity: LONG_AGO });
    const foreign = stranger.sign({ subject: "/CN=ann" });
    for (const [files, reason] of [
      [expired, "its certificate is refused: certificate has expired"],
      [foreign, "its certificate is refused: certificate signature failure"],
    ] as const) {
      await expect(connectTls(running, pemOf(files))).rejects.toThrow("closed the connection");
      expect(running.lines.at(-1)).toContain(reason);
    }
  });

  test("may be replaced by a login if it is only requested, but not by a wrong one", async () => {
    await using running = await startTls({
      ...{ tlsClientCa: authority.ca, tlsClientAuth: "requested" },
    });
    const mechanism = "SCRAM-SHA-256";
    const credentials = { [mechanism]: await createCredential(mechanism, "s3cret") };
    await running.broker.context.security.change(() => ({
      usersSet: [{ name: "bob", credentials }],
      aclsAdded: [rule("User:bob")],
    }));
    const tls = { ca: authority.caPem };
    const broker = `localhost:${tlsPort(running)}`;
    const sasl = { username: "bob", password: "s3cret" };
    await using client = await connect({ broker, tls, sasl });
    await using producer = client.producer();
    await producer.send("mine", { value: "1" });
    await using nobody = await connect({ broker, tls });
    await expect(nobody.admin().listTopics()).rejects.toThrow("requires a login");
    const foreign = pemOf(stranger.sign({ subject: "/CN=bob" }));
    await expect(connectTls(running, foreign)).rejects.toThrow();
    // A client with both is the user of the login, as in Kafka.
    await using both = await connect({ broker, tls: { ...tls, ...ann }, sasl });
    expect(await both.admin().listTopics()).toMatchObject([{ name: "mine" }]);
  });
});

describe.skipIf(!HAS_OPENSSL)("a client of the wrong kind", () => {
  test("without TLS is disconnected at once, and the log names the right port", async () => {
    await using running = await startTls();
    for (const first of [[0, 0, 0, 8, 18], [0]]) {
      using client = await RawClient.connect(tlsPort(running));
      client.send(new Uint8Array(first));
      await client.closed;
      expect(client.bytesReceived).toBe(0);
    }
    expect(running.lines.at(-1)).toEndWith(
      `it is from a client without TLS on port ${tlsPort(running)}, which uses TLS; clients without TLS use port ${running.broker.port}`,
    );
    const wrong = connect({ broker: `localhost:${tlsPort(running)}`, retries: 0 });
    await expect(wrong).rejects.toThrow("lost");
  });

  test("with TLS is disconnected at once, and the log names the right port", async () => {
    await using running = await startTls();
    const tls = { ca: authority.caPem };
    const wrong = connect({ broker: running.broker.address, tls, retries: 0 });
    await expect(wrong).rejects.toThrow("no TLS with");
    await until(() => running.lines.some((line) => line.includes("this port does not use TLS")));
    expect(running.lines.at(-1)).toEndWith(`; clients with TLS use port ${tlsPort(running)}`);
  });

  test("that sends no end of a handshake is disconnected", async () => {
    await using running = await startTls();
    using client = await RawClient.connect(tlsPort(running));
    // Handshake records whose message claims to be as long as can be.
    const record = new Uint8Array(5 + 16_384);
    record.set([0x16, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff]);
    for (let i = 0; i < 8; i++) client.send(record);
    await client.closed;
    await until(() => running.broker.connections === 0);
    expect(running.lines.at(-1)).toContain("before its TLS handshake was done");
  });
});
