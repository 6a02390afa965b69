import { expect, test } from "bun:test";
import { mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Metadata } from "../../src/protocol/kafka/metadata.js";
import { SaslAuthenticate, SaslHandshake } from "../../src/protocol/kafka/sasl.js";
import { Authenticate } from "../../src/protocol/native/authenticate.js";
import { pageAfter } from "../../src/protocol/native/page.js";
import { ListTopics } from "../../src/protocol/native/topics.js";
import type { Acl } from "../../src/security/acl.js";
import { ScramClient } from "../../src/security/scram.js";
import { batchOf, type Session, startBroker, type TestBroker } from "../support/broker.js";
import { KafkaClient } from "../support/kafka-client.js";
import { until } from "../support/until.js";
import { createCredential } from "../support/credentials.js";

const MECHANISM = "SCRAM-SHA-256";

const WRITE_MINE: Acl = {
  ...{ resourceType: "TOPIC", resourceName: "mine", patternType: "LITERAL" },
  ...{ principal: "User:ann", host: "*", operation: "ALL", permissionType: "ALLOW" },
};

async function addAnn(running: TestBroker, password = "s3cret"): Promise<void> {
  const credentials = { [MECHANISM]: await createCredential(MECHANISM, password) };
  await running.broker.context.security.change(() => ({
    usersSet: [{ name: "ann", credentials }],
    aclsAdded: [WRITE_MINE],
  }));
}

async function logIn(session: Session, password = "s3cret"): Promise<void> {
  const client = new ScramClient(MECHANISM, "ann", password);
  const send = (mechanism: string, message: Uint8Array) =>
    session.call(
      (id) => Authenticate.encodeRequest(id, { mechanism, message }),
      Authenticate.decodeResponse,
    );
  const challenge = await send(MECHANISM, client.first());
  expect(challenge.isComplete).toBe(false);
  const last = await send("", await client.answer(challenge.message));
  client.check(last.message);
  expect(last).toMatchObject({ isComplete: true, sessionLifetimeMs: 0 });
}

function listTopics(session: Session): Promise<unknown> {
  return session.call(
    (id) => ListTopics.encodeRequest(id, pageAfter()),
    (payload) => ListTopics.decodeResponse(payload),
  );
}

test("a user may do what the rules permit, after a login", async () => {
  await using running = await startBroker();
  await addAnn(running);
  using session = await running.session();
  expect(session.produce("mine", 0, batchOf("x"))).rejects.toThrow("requires a login");
  await logIn(session);
  expect(await session.produce("mine", 0, batchOf("x"))).toBe(0);
  expect(session.produce("other", 0, batchOf("x"))).rejects.toThrow(
    "User:ann has no permission WRITE on topic 'other'",
  );
});

test("a login survives no change of the password, and ends its connection within a second", async () => {
  await using running = await startBroker();
  await addAnn(running);
  using session = await running.session();
  await logIn(session);
  using idle = await running.session();
  await logIn(idle);
  await addAnn(running, "another");
  expect(listTopics(session)).rejects.toThrow();
  await idle.client.closed;
  using next = await running.session();
  await logIn(next, "another");
});

test("with --connections-max-reauth a login ends, unless the client has logged in again", async () => {
  // A client on a busy machine may be too late; then once more, with more time.
  let isKept = false;
  for (let ms = 500; ms < 10_000 && !isKept; ms *= 4) isKept = await isKeptByLoggingIn(ms);
  expect(isKept).toBe(true);
});

/** Whether a login of so many milliseconds lasts for as long as its client logs in again. Another one must end. */
async function isKeptByLoggingIn(connectionsMaxReauthMs: number): Promise<boolean> {
  await using running = await startBroker({ connectionsMaxReauthMs });
  await addAnn(running);
  const logInTo = async (client: KafkaClient): Promise<number> => {
    await client.call(SaslHandshake, 1, { mechanism: "PLAIN" });
    const authBytes = Buffer.from("\0ann\0s3cret");
    return (await client.call(SaslAuthenticate, 2, { authBytes })).sessionLifetimeMs;
  };
  using idle = await KafkaClient.connect(running.broker.port);
  expect(await logInTo(idle)).toBeWithin(1, connectionsMaxReauthMs + 1);
  using renewing = await KafkaClient.connect(running.broker.port);
  const closed = idle.raw.closed.then(() => true);
  try {
    do await logInTo(renewing);
    while (!(await Promise.race([closed, Bun.sleep(connectionsMaxReauthMs / 10)])));
    const request = {
      ...{ topics: null, allowAutoTopicCreation: false },
      ...{ includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false },
    };
    await renewing.call(Metadata, 9, request);
    return true;
  } catch {
    await closed;
    return false;
  }
}

test("with the first user, everyone else is disconnected", async () => {
  await using running = await startBroker();
  using session = await running.session();
  await listTopics(session);
  await addAnn(running);
  await session.client.closed;
});

test("a wrong password ends the connection, and says no more than an unknown user does", async () => {
  await using running = await startBroker();
  await addAnn(running);
  const failures: string[] = [];
  for (const user of ["ann", "nobody"]) {
    using session = await running.session();
    const client = new ScramClient(MECHANISM, user, "wrong");
    const first = await session.call(
      (id) => Authenticate.encodeRequest(id, { mechanism: MECHANISM, message: client.first() }),
      Authenticate.decodeResponse,
    );
    const message = await client.answer(first.message);
    const login = session.call(
      (id) => Authenticate.encodeRequest(id, { mechanism: "", message }),
      Authenticate.decodeResponse,
    );
    failures.push(await login.then(String, String));
    await session.client.closed;
  }
  expect(failures[0]).toContain("Authentication failed");
  expect(failures[1]).toBe(failures[0]!);
});

test("a Kafka client logs in with PLAIN, in both versions of the handshake", async () => {
  await using running = await startBroker();
  await addAnn(running);
  const message = Buffer.from("\0ann\0s3cret");
  for (const version of [0, 1]) {
    using client = await KafkaClient.connect(running.broker.port);
    const { mechanisms } = await client.call(SaslHandshake, version, { mechanism: "PLAIN" });
    expect(mechanisms).toEqual(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]);
    if (version === 0) {
      const frame = Buffer.alloc(4 + message.length);
      frame.writeUInt32BE(message.length);
      message.copy(frame, 4);
      const before = client.raw.bytesReceived;
      client.raw.send(frame);
      await until(() => client.raw.bytesReceived === before + 4);
    } else {
      const done = await client.call(SaslAuthenticate, 2, { authBytes: message });
      expect(done).toMatchObject({ errorCode: 0, sessionLifetimeMs: 0 });
    }
    const request = {
      ...{ topics: null, allowAutoTopicCreation: false },
      ...{ includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false },
    };
    expect((await client.call(Metadata, 9, request)).topics).toEqual([]);
  }
  using client = await KafkaClient.connect(running.broker.port);
  const unknown = await client.call(SaslHandshake, 1, { mechanism: "GSSAPI" });
  expect(unknown.errorCode).toBe(33);
  await client.call(SaslHandshake, 1, { mechanism: "PLAIN" });
  const wrong = Buffer.from("\0ann\0wrong");
  const refused = await client.call(SaslAuthenticate, 2, { authBytes: wrong });
  expect(refused.errorCode).toBe(58);
  await client.raw.closed;
});

test("users and rules are there after a restart, readable only by the owner", async () => {
  await using first = await startBroker();
  await addAnn(first);
  await first.broker.stop();
  const file = join(first.dataDir, "security.json");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await Bun.file(file).text()).not.toContain("s3cret");
  {
    await using second = await startBroker({ dataDir: first.dataDir });
    using session = await second.session();
    await logIn(session);
    expect(await session.produce("mine", 0, batchOf("x"))).toBe(0);
  }
  await Bun.write(file, (await Bun.file(file).text()).replace('"ALL"', '"READ"'));
  const restart = () => startBroker({ dataDir: first.dataDir });
  await expect(restart()).rejects.toThrow("security.json can't be used");
  // Nor does a file that is lost let everybody in.
  rmSync(file);
  await expect(restart()).rejects.toThrow("it is missing, and there were users");
  mkdirSync(file);
  await expect(restart()).rejects.toThrow("it is missing, and there were users");
  rmSync(file, { recursive: true });
  rmSync(join(first.dataDir, "security.required"));
  await using open = await restart();
  using session = await open.session();
  expect(await session.produce("mine", 0, batchOf("x"))).toBe(1);
});
