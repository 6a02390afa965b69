// What a client gets that has not logged in.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { KAFKA_API_NAMES, KAFKA_APIS } from "../../src/protocol/kafka/apis.js";
import { SaslAuthenticate, SaslHandshake } from "../../src/protocol/kafka/sasl.js";
import { Authenticate } from "../../src/protocol/native/authenticate.js";
import { API, encodeRequest } from "../../src/protocol/native/messages.js";
import { joined } from "../../src/record/bytes.js";
import { batchOf, errorOf, pingFrame, startBroker, type TestBroker } from "../support/broker.js";
import { KafkaClient } from "../support/kafka-client.js";
import { RawClient } from "../support/raw-client.js";
import { encodeProduceRequest } from "../support/whole-frames.js";
import { createCredential } from "../support/credentials.js";

let running: TestBroker;

beforeAll(async () => {
  running = await startBroker({ maxConnections: 20 });
  const credential = await createCredential("SCRAM-SHA-256", "s3cret");
  await running.broker.context.security.change(() => ({
    usersSet: [{ name: "ann", credentials: { "SCRAM-SHA-256": credential } }],
    aclsAdded: [
      {
        ...{ resourceType: "TOPIC", resourceName: "*", patternType: "LITERAL" },
        ...{ principal: "User:ann", host: "*", operation: "ALL", permissionType: "ALLOW" },
      },
    ],
  }));
});

afterAll(() => running[Symbol.asyncDispose]());

function plain(id: number, password: string): Uint8Array {
  const message = Buffer.from(`\0ann\0${password}`);
  return Authenticate.encodeRequest(id, { mechanism: "PLAIN", message });
}

function lengthOnly(bytes: number, apiKey: number): Uint8Array {
  const frame = new Uint8Array(12);
  new DataView(frame.buffer).setUint32(0, bytes);
  frame[4] = apiKey;
  return frame;
}

describe("before a login", () => {
  test("a request above 32 KiB is refused by its length", async () => {
    using native = await RawClient.connect(running.broker.port);
    native.send(lengthOnly(32 * 1024 + 1, API.Authenticate));
    expect(errorOf(await native.response(0))).toContain("32768 before a login");
    await native.closed;
    using kafka = await RawClient.connect(running.broker.port);
    kafka.send(lengthOnly(32 * 1024 + 1, 0));
    await kafka.closed;
  });

  test("what is sent ahead of a request is not kept", async () => {
    using client = await RawClient.connect(running.broker.port);
    // The login waits for its delay; meanwhile more arrives than one request may have.
    const ahead = Array.from({ length: 9 }, (_, i) =>
      encodeRequest(API.Ping, 100 + i, (writer) => writer.raw(new Uint8Array(8_000))),
    );
    client.send(plain(1, "wrong"), ...ahead);
    await client.closed;
    expect(client.order.filter((id) => id >= 100)).toEqual([]);
  });

  test("requests run one at a time", async () => {
    using client = await RawClient.connect(running.broker.port);
    client.send(plain(1, "s3cret"), pingFrame(2));
    await client.response(2);
    expect(client.order).toEqual([1, 2]);
  });

  test("no API of ours but three is served, whatever is in the request", async () => {
    using session = await running.session();
    const refused: string[] = [];
    for (const [name, key] of Object.entries(API)) {
      if (name === "Authenticate") continue; // an empty one ends the connection
      const answer = await session.call((id) => encodeRequest(key, id, () => {}), errorOf);
      if (answer?.includes("requires a login")) refused.push(name);
    }
    const served = ["Ping", "ApiVersions", "Authenticate"];
    expect(refused).toEqual(Object.keys(API).filter((name) => !served.includes(name)));
  });

  test("no API of Kafka but three is served", async () => {
    const names = KAFKA_API_NAMES.filter(
      (name) => !["ApiVersions", "SaslHandshake", "SaslAuthenticate"].includes(name),
    );
    expect(names.length).toBeGreaterThan(35);
    for (const name of names) {
      const { key, min } = KAFKA_APIS[name];
      using client = await RawClient.connect(running.broker.port);
      const frame = new Uint8Array(4 + 10);
      new DataView(frame.buffer).setUint32(0, 10);
      frame.set([0, key, 0, min, 0, 0, 0, 7, 0xff, 0xff], 4);
      client.send(frame);
      await client.closed;
      expect([name, client.bytesReceived]).toEqual([name, 0]);
    }
  });

  test("afterwards large requests are served", async () => {
    using session = await running.session();
    await session.call((id) => plain(id, "s3cret"), Authenticate.decodeResponse);
    const batch = batchOf("x".repeat(1024 * 1024));
    const produced = session.call(
      (id) => encodeProduceRequest(id, { topic: "large", partition: 0, batch }),
      errorOf,
    );
    expect(await produced).toBeUndefined();
  });

  test("half of the connections are for those that log in", async () => {
    using known = await running.session();
    await known.call((id) => plain(id, "s3cret"), Authenticate.decodeResponse);
    const guests: RawClient[] = [];
    for (let i = 0; i < 11; i++) guests.push(await RawClient.connect(running.broker.port));
    await guests[0]!.closed;
    using late = await running.session();
    await late.call((id) => plain(id, "s3cret"), Authenticate.decodeResponse);
    await known.ping();
    for (const each of guests) each[Symbol.dispose]();
  });

  test("a connection checks one password at a time", async () => {
    using client = await RawClient.connect(running.broker.port);
    client.send(plain(1, "s3cret"));
    await client.response(1);
    // Known by now, so its requests may overlap. In one piece, so that the second comes before the first is checked.
    client.send(joined([plain(2, "s3cret"), plain(3, "s3cret")]));
    expect(errorOf(await client.response(3))).toContain("a login is under way");
  });
});

test("an unknown user and a wrong password have the same answer, in every mechanism of Kafka", async () => {
  for (const name of ["ann", "nobody"]) {
    using client = await KafkaClient.connect(running.broker.port);
    await client.call(SaslHandshake, 1, { mechanism: "PLAIN" });
    const authBytes = Buffer.from(`\0${name}\0wrong`);
    const refused = await client.call(SaslAuthenticate, 2, { authBytes });
    expect(refused.errorCode).toBe(58);
    expect(refused.errorMessage).toBe(
      "Authentication failed during authentication due to invalid credentials with SASL mechanism PLAIN",
    );
    await client.raw.closed;
  }
});
