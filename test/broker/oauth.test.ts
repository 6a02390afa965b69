// Logins with tokens, which expire, in both protocols.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { Metadata } from "../../src/protocol/kafka/metadata.js";
import { SaslAuthenticate, SaslHandshake } from "../../src/protocol/kafka/sasl.js";
import { Authenticate } from "../../src/protocol/native/authenticate.js";
import { batchOf, type Session, startBroker } from "../support/broker.js";
import { KafkaClient } from "../support/kafka-client.js";
import {
  bearerMessage,
  startTokenBroker,
  type TokenBroker,
  type TokenIssuer,
} from "../support/tokens.js";

const MECHANISM = "OAUTHBEARER";
let running: TokenBroker;
let issuer: TokenIssuer;

beforeAll(async () => {
  running = await startTokenBroker();
  ({ issuer } = running);
});

afterAll(() => running[Symbol.asyncDispose]());

/** A token that expires after so many milliseconds. */
const tokenFor = (ms: number): Promise<string> => issuer.token({ exp: (Date.now() + ms) / 1_000 });

async function nativeLogin(session: Session, token: string) {
  const request = { mechanism: MECHANISM, message: bearerMessage(token) };
  return session.call((id) => Authenticate.encodeRequest(id, request), Authenticate.decodeResponse);
}

async function kafkaLogin(client: KafkaClient, token: string) {
  const { mechanisms } = await client.call(SaslHandshake, 1, { mechanism: MECHANISM });
  expect(mechanisms).toContain(MECHANISM);
  return client.call(SaslAuthenticate, 2, { authBytes: bearerMessage(token) });
}

test("a broker that accepts tokens requires a login, without any user", async () => {
  using session = await running.session();
  expect(session.produce("t", 0, batchOf("x"))).rejects.toThrow("requires a login");
  const { isComplete, sessionLifetimeMs } = await nativeLogin(session, await tokenFor(60_000));
  expect(isComplete).toBe(true);
  expect(sessionLifetimeMs).toBeWithin(30_000, 60_001);
  expect(await session.produce("t", 0, batchOf("x"))).toBe(0);
  using kafka = await KafkaClient.connect(running.broker.port);
  const { errorCode, sessionLifetimeMs: lifetime } = await kafkaLogin(
    kafka,
    await tokenFor(60_000),
  );
  expect(errorCode).toBe(0);
  expect(lifetime).toBeWithin(30_000, 60_001);
});

test("a wrong token is answered with its status, then with a failure, as Kafka does", async () => {
  using kafka = await KafkaClient.connect(running.broker.port);
  const status = await kafkaLogin(kafka, await issuer.token({ aud: "shop" }));
  expect(status.errorCode).toBe(0);
  expect(Buffer.from(status.authBytes).toString()).toBe(`{"status":"invalid_token"}`);
  const failure = await kafka.call(SaslAuthenticate, 2, { authBytes: Buffer.from("\x01") });
  expect(failure).toMatchObject({ errorCode: 58, errorMessage: `{"status":"invalid_token"}` });
  await kafka.raw.closed;
  using session = await running.session();
  const step = await nativeLogin(session, "a.b.c");
  expect(step.isComplete).toBe(false);
  expect(session.produce("t", 0, batchOf("x"))).rejects.toThrow("requires a login");
});

test("connections end when their tokens have expired, unless the user has logged in again", async () => {
  using native = await running.session();
  using kafka = await KafkaClient.connect(running.broker.port);
  using renewed = await running.session();
  using renewedKafka = await KafkaClient.connect(running.broker.port);
  const short = await tokenFor(1_000);
  await nativeLogin(native, short);
  await kafkaLogin(kafka, short);
  await nativeLogin(renewed, short);
  await kafkaLogin(renewedKafka, short);
  const long = await tokenFor(60_000);
  await nativeLogin(renewed, long);
  expect((await kafkaLogin(renewedKafka, long)).errorCode).toBe(0);
  await Promise.all([native.client.closed, kafka.raw.closed]);
  await renewed.ping();
  const request = {
    ...{ topics: null, allowAutoTopicCreation: false },
    ...{ includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false },
  };
  await renewedKafka.call(Metadata, 9, request);
});

test("another user's token is refused on the connection of a user", async () => {
  using kafka = await KafkaClient.connect(running.broker.port);
  await kafkaLogin(kafka, await tokenFor(60_000));
  const refused = await kafkaLogin(kafka, await issuer.token({ sub: "bob" }));
  expect(refused.errorCode).toBe(34);
  await kafka.raw.closed;
});

test("keys that can't be used are reported at the start", () => {
  const jwks = join(running.directory, "missing.json");
  expect(startBroker({ oauth: { jwks } })).rejects.toThrow(`--oauth-jwks ${jwks}`);
});
