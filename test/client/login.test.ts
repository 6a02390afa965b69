import { describe, expect, test } from "bun:test";
import type { Acl } from "../../src/client/admin-types.js";
import { connect, type ConnectOptions } from "../../src/client/client.js";
import { RustLogError } from "../../src/errors.js";
import { startBroker, type TestBroker } from "../support/broker.js";

const ROOT = { username: "root", password: "s3cret root" };
const ANN = { username: "ann", password: "ann's" };

function connectTo({ broker }: TestBroker, options: ConnectOptions = {}) {
  return connect({ broker: broker.address, retries: 0, ...options });
}

/** A broker with the administrator root, and ann without permissions. */
async function startSecured(): Promise<TestBroker> {
  const running = await startBroker();
  await using anyone = await connectTo(running);
  await anyone.admin().setPassword(ROOT.username, ROOT.password, { administrator: true });
  await using root = await connectTo(running, { sasl: ROOT });
  await root.admin().setPassword(ANN.username, ANN.password);
  return running;
}

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return "nothing";
  } catch (error) {
    return error instanceof RustLogError ? error.code : String(error);
  }
}

function rule(changes: Partial<Acl> = {}): Acl {
  return {
    ...{ resourceType: "TOPIC", resourceName: "orders", patternType: "LITERAL" },
    ...{ principal: "User:ann", host: "*", operation: "ALL", permissionType: "ALLOW" },
    ...changes,
  };
}

describe("a client", () => {
  test.each(["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] as const)(
    "logs in with %s, and does what it may",
    async (mechanism) => {
      await using running = await startSecured();
      await using root = await connectTo(running, { sasl: { ...ROOT, mechanism } });
      await root.admin().createTopic("orders");
      await using ann = await connectTo(running, { sasl: { ...ANN, mechanism } });
      const send = () => ann.producer().send("orders", { value: "x" });
      expect(await codeOf(send)).toBe("TOPIC_AUTHORIZATION_FAILED");
      await root.admin().alterAcls({ add: [rule()] });
      expect(await send()).toMatchObject({ offset: 0 });
      const wrong = { ...ANN, mechanism, password: "wrong" };
      const failure = () => connectTo(running, { sasl: wrong });
      expect(await codeOf(failure)).toBe("SASL_AUTHENTICATION_FAILED");
    },
  );

  test("without a login is told that it needs one", async () => {
    await using running = await startSecured();
    await using anyone = await connectTo(running);
    expect(await codeOf(() => anyone.admin().listTopics())).toBe("ILLEGAL_SASL_STATE");
  });

  test("logs in again after a lost connection", async () => {
    await using running = await startSecured();
    await using root = await connectTo(running, { sasl: ROOT, retries: 5 });
    await root.admin().setPassword(ROOT.username, ROOT.password);
    expect(await root.admin().listUsers()).toHaveLength(2);
  });

  test("is refused options that are no login", async () => {
    const broker = "127.0.0.1:1";
    for (const sasl of [{ username: 1, password: "x" }, "ann", { ...ANN, mechanism: "NTLM" }]) {
      const options = { broker, sasl } as unknown as ConnectOptions;
      expect(await codeOf(() => connect(options))).toBe("INVALID_CONFIG");
    }
  });
});

test("an admin changes users and rules", async () => {
  await using running = await startSecured();
  await using root = await connectTo(running, { sasl: ROOT });
  const admin = root.admin();
  expect(await admin.listUsers()).toEqual([
    { name: "ann", mechanisms: ["SCRAM-SHA-256", "SCRAM-SHA-512"] },
    { name: "root", mechanisms: ["SCRAM-SHA-256", "SCRAM-SHA-512"] },
  ]);
  const rules = [rule(), rule({ operation: "READ", resourceName: "*" })];
  expect(await admin.alterAcls({ add: [...rules, ...rules] })).toEqual({ added: 2, deleted: 0 });
  expect(await admin.listAcls({ principal: "User:ann" })).toHaveLength(2);
  expect(await admin.listAcls({ principal: "User:ann", operation: "READ" })).toEqual([rules[1]!]);
  expect(await admin.alterAcls({ delete: rules })).toEqual({ added: 0, deleted: 2 });
  expect(await codeOf(() => admin.alterAcls({ add: [rule({ host: "x" })] }))).toBe(
    "INVALID_REQUEST",
  );
  await admin.deleteUser("ann");
  expect(await codeOf(() => admin.deleteUser("ann"))).toBe("RESOURCE_NOT_FOUND");
  expect(await codeOf(() => admin.deleteUser("root"))).toBe("INVALID_REQUEST");
  expect(await codeOf(() => admin.setPassword("", "x"))).toBe("UNACCEPTABLE_CREDENTIAL");
  expect(await codeOf(() => admin.setPassword("bob", ""))).toBe("UNACCEPTABLE_CREDENTIAL");
});
