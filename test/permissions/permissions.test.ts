// Every API of both protocols, with every permission that it needs, without one of them, and without any. Several
// requests belong to an API if different permissions lead there.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ErrorName, ERRORS, RustLogError } from "../../src/errors.js";
import { KAFKA_API_NAMES, KAFKA_APIS, type KafkaApiName } from "../../src/protocol/kafka/apis.js";
import { CODE } from "../../src/protocol/kafka/error-codes.js";
import type { Api, Fields, WriteOf } from "../../src/protocol/kafka/schema.js";
import { API_NAMES, APIS } from "../../src/protocol/native/api-versions.js";
import type { ApiName } from "../../src/protocol/native/messages.js";
import type { Acl } from "../../src/security/acl.js";
import { administratorAcls } from "../../src/security/user-changes.js";
import { type Session, startBroker, type TestBroker } from "../support/broker.js";
import { KafkaClient } from "../support/kafka-client.js";
import { Random } from "../support/random.js";
import { SimulatedDisk } from "../support/simulated-disk.js";
import { tempDir } from "../support/tmp.js";
import { KAFKA_ROWS, type KafkaRow } from "./kafka-rows.js";
import { NATIVE_ROWS } from "./native-rows.js";
import { aclOf, type Names, type Permission, refusalOf, type Row } from "./row.js";
import { createCredential } from "../support/credentials.js";

let running: TestBroker;
let directory: ReturnType<typeof tempDir>;
let lastNumber = 0;

beforeAll(async () => {
  directory = tempDir();
  running = await startBroker({ dataDir: directory.path }, new SimulatedDisk(new Random(1)));
  const { security } = running.broker.context;
  const credentials = { "SCRAM-SHA-256": await createCredential("SCRAM-SHA-256", "s3cret") };
  // There always is somebody who may do everything, which helps nobody else.
  await security.change(() => ({
    usersSet: [
      { name: "ann", credentials },
      { name: "bob", credentials },
    ],
    aclsAdded: administratorAcls("bob"),
  }));
});

afterAll(async () => {
  await running[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

/** Names of things that exist, and of things that do not, of the same length. */
async function names(): Promise<{ readonly existing: Names; readonly missing: Names }> {
  const number = ++lastNumber;
  const named = (kind: string): Names => ({
    ...{ topic: `topic-${kind}-${number}`, group: `group-${kind}-${number}` },
    ...{ topicId: crypto.randomUUID(), newTopic: `new-${number}`, user: `user-${kind}-${number}` },
  });
  const existing = named("real");
  const { context } = running.broker;
  const { id } = await context.registry.create(existing.topic, 1, {});
  const commits = [{ topic: existing.topic, partition: 0, offset: 0 }];
  await context.offsets.commit(existing.group, commits, () => {});
  const user = {
    name: existing.user,
    credentials: context.security.users.find("bob")!.credentials,
  };
  context.security.users.set(user);
  return { existing: { ...existing, topicId: id }, missing: named("fake") };
}

/** Replaces the rules for ann. In memory only, because there are hundreds of changes. */
function permit(acls: readonly Acl[]): void {
  const { authorizer } = running.broker.context.security;
  const before = [...authorizer.rules].filter(({ principal }) => principal === "User:ann");
  authorizer.change(acls, before);
}

/** Names of the errors in an answer, and the answer itself. */
interface Outcome {
  readonly errors: readonly string[];
  readonly answer: unknown;
}

type Ask<Request> = (request: Request) => Promise<Outcome>;

async function checkRow<Request>(row: Row<Request>, ask: Ask<Request>): Promise<void> {
  const { needs, request, refusal, shows, failsWith } = row;
  const { existing, missing } = await names();
  const outcomeOf = async (
    permissions: readonly Permission[],
    of: Names,
    denied: readonly Permission[] = [],
  ): Promise<Outcome> => {
    permit([
      ...permissions.map((permission) => aclOf(permission, of)),
      ...denied.map((permission) => aclOf(permission, of, "DENY")),
    ]);
    return await ask(request(of));
  };
  const isRefused = ({ errors, answer }: Outcome, lacking: readonly Permission[]): boolean => {
    if (lacking.some((permission) => errors.includes(refusal ?? refusalOf(permission, existing))))
      return true;
    return shows !== undefined && errors.length === 0 && !textOf(answer).includes(existing[shows]);
  };
  if (needs.length > 0) {
    const without = await outcomeOf([], existing);
    expect(without).toSatisfy((outcome: Outcome) => isRefused(outcome, needs));
    const ofMissing = await outcomeOf([], missing);
    expect(anonymous(without, existing)).toBe(anonymous(ofMissing, missing));
  }
  for (const lacking of needs) {
    const others = needs.filter((permission) => permission !== lacking);
    for (const outcome of [
      await outcomeOf(others, existing),
      await outcomeOf(needs, existing, [lacking]),
    ]) {
      expect(outcome).toSatisfy((it: Outcome) => isRefused(it, [lacking]));
    }
  }
  const permitted = await outcomeOf(needs, existing);
  expect(permitted.errors).toEqual(failsWith === undefined ? [] : [failsWith]);
  if (shows !== undefined) expect(textOf(permitted.answer)).toContain(existing[shows]);
  permit([]);
}

function textOf(answer: unknown): string {
  return JSON.stringify(answer, (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
}

/** An outcome without the names, which the caller knows. */
function anonymous(outcome: Outcome, { topic, topicId, group, user }: Names): string {
  let text = textOf(outcome);
  for (const [i, name] of [topic, topicId, group, user].entries())
    text = text.replaceAll(name, `name ${i}`);
  return text;
}

describe("native", () => {
  for (const name of API_NAMES) {
    for (const [i, row] of (NATIVE_ROWS[name] as readonly Row<unknown>[]).entries()) {
      test(`${name}, request ${i + 1}, needs ${row.needs.join(" and ") || "nothing"}`, async () => {
        using session = await running.session();
        await logIn(session);
        await checkRow(row, (request) => askNative(session, name, request));
      });
    }
  }

  test("without a login, everything but a login is refused", async () => {
    const { existing } = await names();
    const served: ApiName[] = [];
    for (const name of API_NAMES) {
      using session = await running.session();
      const [row] = NATIVE_ROWS[name] as readonly Row<unknown>[];
      const { errors } = await askNative(session, name, row!.request(existing));
      if (!errors.includes("ILLEGAL_SASL_STATE")) served.push(name);
    }
    expect(served.sort()).toEqual(["ApiVersions", "Authenticate", "Ping"]);
  });
});

type NativeCodec = {
  encodeRequest(id: number, request: unknown, version: number): Uint8Array;
  decodeResponse(payload: Uint8Array, version: number): unknown;
};

async function askNative(session: Session, name: ApiName, request: unknown): Promise<Outcome> {
  const codec = APIS[name] as unknown as NativeCodec;
  const version = APIS[name].versions.max;
  try {
    const answer = await session.call(
      (id) => codec.encodeRequest(id, request, version),
      (payload) => codec.decodeResponse(payload, version),
    );
    return { errors: [], answer };
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    return { errors: [error.code], answer: error.message };
  }
}

async function logIn(session: Session): Promise<void> {
  const [login] = NATIVE_ROWS.Authenticate;
  const { errors } = await askNative(session, "Authenticate", login.request({} as Names));
  expect(errors).toEqual([]);
}

const NAME_BY_CODE = new Map<number, string>([
  ...Object.entries(CODE).map(([name, code]) => [code, name] as const),
  ...(Object.keys(ERRORS) as ErrorName[]).map((name) => [ERRORS[name].wire, name] as const),
]);

describe("kafka", () => {
  for (const name of KAFKA_API_NAMES) {
    for (const [i, row] of (KAFKA_ROWS[name] as readonly KafkaRow<unknown>[]).entries()) {
      test(`${name}, request ${i + 1}, needs ${row.needs.join(" and ") || "nothing"}`, async () => {
        using client = await KafkaClient.connect(running.broker.port);
        await client.call(KAFKA_APIS.SaslHandshake, 1, { mechanism: "PLAIN" });
        const [login] = KAFKA_ROWS.SaslAuthenticate;
        const done = await client.call(KAFKA_APIS.SaslAuthenticate, 2, login.request({} as Names));
        expect(done.errorCode).toBe(0);
        await checkRow(row, (request) => askKafka(client, name, row, request));
      });
    }
  }

  test("without a login, everything but a login ends the connection", async () => {
    const { existing } = await names();
    const served: KafkaApiName[] = [];
    for (const name of KAFKA_API_NAMES) {
      using client = await KafkaClient.connect(running.broker.port);
      const [row] = KAFKA_ROWS[name] as readonly KafkaRow<unknown>[];
      const answered = askKafka(client, name, row!, row!.request(existing));
      if (
        await answered.then(
          () => true,
          () => false,
        )
      )
        served.push(name);
    }
    expect(served.sort()).toEqual(["ApiVersions", "SaslAuthenticate", "SaslHandshake"]);
  });
});

async function askKafka(
  client: KafkaClient,
  name: KafkaApiName,
  { version }: KafkaRow<unknown>,
  request: unknown,
): Promise<Outcome> {
  const api = KAFKA_APIS[name] as unknown as Api<Fields, Fields>;
  const answer = await client.call(api, version ?? api.max, request as WriteOf<Fields>);
  const codes = new Set<number>();
  collectCodes(answer, codes);
  return { errors: [...codes].map((code) => NAME_BY_CODE.get(code) ?? String(code)), answer };
}

/** The error codes anywhere in an answer. */
function collectCodes(value: unknown, codes: Set<number>): void {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
  for (const [field, each] of Object.entries(value)) {
    if (field === "errorCode" && typeof each === "number" && each !== 0) codes.add(each);
    else collectCodes(each, codes);
  }
}
