// Real clients log in, each with every mechanism that it has: bun run test:kafka --security --clients java,franz-go
// With the right credentials they write and read what their user may, and are told what it may not; with wrong ones they say
// that the login failed, and the broker goes on. Leaves to others: the clients (table.ts), and how each is configured (login.ts).
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Acl, connect } from "../../src/index.js";
import { BrokerProcess } from "../support/binary.js";
import { Authority, HAS_OPENSSL } from "../support/certificates.js";
import { tempDir } from "../support/tmp.js";
import { tokenIssuer } from "../support/tokens.js";
import { until } from "../support/until.js";
import { Absent, KafkaError, type TestedClient, textRecord } from "./client.js";
import { NotInstalled } from "./install.js";
import { type Login, type Mechanism, writeProperties } from "./login.js";
import type { ClientEntry } from "./table.js";
import { runSecureTools } from "./tools.js";

const ADMIN = { username: "admin", password: "admin-s3cret" } as const;
/** May use what begins with its name. */
const USER = { user: "ann", password: "ann-s3cret" } as const;

const MINE = "ann-topic";
const OTHER = "other-topic";

const UNKNOWN_TOPIC_OR_PARTITION = 3;
const TOPIC_AUTHORIZATION_FAILED = 29;
const SASL_AUTHENTICATION_FAILED = 58;

/** Time for a client to notice that its login has ended. How soon the broker disconnects it, sessions.ts measures. */
const NOTICED_MS = 5_000;

const MECHANISMS: readonly Mechanism[] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"];

/** A broker with a port for each kind of connection, and what is needed to log in there. */
export class SecureBroker implements AsyncDisposable {
  readonly #broker: BrokerProcess;
  readonly #authority: Authority;
  readonly #directory: ReturnType<typeof tempDir>;
  readonly #token: (claims?: Readonly<Record<string, unknown>>) => Promise<string>;
  /** `host:port` without TLS and with it. */
  readonly addresses: { readonly plain: string; readonly tls: string };
  readonly certificate: Pick<Login, "ca" | "cert" | "key">;

  private constructor(
    broker: BrokerProcess,
    authority: Authority,
    directory: ReturnType<typeof tempDir>,
    token: (claims?: Readonly<Record<string, unknown>>) => Promise<string>,
  ) {
    this.#broker = broker;
    this.#authority = authority;
    this.#directory = directory;
    this.#token = token;
    const find = (pattern: RegExp): string =>
      broker.lines.map((line) => pattern.exec(line)?.[1]).find(Boolean) ?? "";
    this.addresses = {
      plain: find(/^Broker started on ([\d.:]+)$/),
      tls: find(/^Broker started on tls:\/\/(\S+)$/),
    };
    const { cert, key } = authority.sign({ subject: `/CN=${USER.user}` });
    this.certificate = { ca: authority.ca, cert, key };
  }

  static async start(): Promise<SecureBroker> {
    if (!HAS_OPENSSL) throw new NotInstalled("openssl not found");
    const directory = tempDir();
    const authority = new Authority();
    const { cert, key } = authority.broker();
    const issuer = await tokenIssuer("k1", "RS256");
    const file = (name: string, content: string): string => {
      writeFileSync(join(directory.path, name), content);
      return join(directory.path, name);
    };
    const broker = await BrokerProcess.start(
      join(directory.path, "data"),
      ...["--listen", "tls://127.0.0.1:0", "--tls-cert", cert, "--tls-key", key],
      ...["--tls-client-ca", authority.ca, "--tls-client-auth", "requested"],
      ...["--oauth-jwks", file("jwks.json", issuer.jwks), "--oauth-audience", "rustlog"],
      ...["--bootstrap-admin-file", file("admin", `${ADMIN.username}:${ADMIN.password}\n`)],
    );
    // It prints each address on a line of its own, and this after them.
    await until(() => broker.lines.some((line) => line.startsWith("Data directory: ")));
    const secure = new SecureBroker(broker, authority, directory, issuer.token);
    await secure.#prepare();
    return secure;
  }

  get directory(): string {
    return this.#directory.path;
  }

  /** The right credentials. */
  async login(mechanism: Mechanism): Promise<Login> {
    if (mechanism !== "OAUTHBEARER") return { mechanism, ...USER };
    return { mechanism, token: await this.#token({ sub: USER.user, scope: "kafka" }) };
  }

  /** Wrong ones. */
  async wrongLogin(mechanism: Mechanism): Promise<Login> {
    if (mechanism !== "OAUTHBEARER") return { mechanism, ...USER, password: "wrong" };
    return { mechanism, token: await this.#token({ sub: USER.user, aud: "another" }) };
  }

  /** Ends what the user's password has opened. */
  async changePassword(password: string): Promise<void> {
    const client = await connect({ broker: this.addresses.plain, sasl: ADMIN });
    await client.admin().setPassword(USER.user, password);
    await client.close();
  }

  async #prepare(): Promise<void> {
    const client = await connect({ broker: this.addresses.plain, sasl: ADMIN });
    const admin = client.admin();
    await admin.setPassword(USER.user, USER.password);
    // With a certificate, the user is its subject.
    const rules = [USER.user, `CN=${USER.user}`].flatMap((user): Acl[] => [
      rule(user, "TOPIC", `${USER.user}-`),
      // librdkafka asks for the group of a consumer, also if that reads without it.
      rule(user, "GROUP", "unused"),
      rule(user, "GROUP", `${USER.user}-`),
    ]);
    await admin.alterAcls({ add: rules });
    for (const topic of [MINE, OTHER]) await admin.createTopic(topic, { partitions: 1 });
    await client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker[Symbol.asyncDispose]();
    this.#authority[Symbol.dispose]();
    this.#directory[Symbol.dispose]();
  }
}

/** Kafka's tools as an administrator and as a user. */
export async function checkTools(
  broker: SecureBroker,
): Promise<{ readonly checks: number; readonly problems: readonly string[] }> {
  const as = (user: string, password: string): string =>
    writeProperties({ mechanism: "SCRAM-SHA-512", user, password }, broker.directory).file;
  return await runSecureTools(broker.addresses.plain, {
    admin: as(ADMIN.username, ADMIN.password),
    user: as(USER.user, USER.password),
    prefix: `${USER.user}-`,
  });
}

function rule(user: string, resourceType: Acl["resourceType"], prefix: string): Acl {
  return {
    ...{ resourceType, resourceName: prefix, patternType: "PREFIXED" },
    ...{ principal: `User:${user}`, host: "*", operation: "ALL", permissionType: "ALLOW" },
  };
}

/** Takes a client through all checks. Returns how many there were, and what is wrong. */
export async function checkSecurity(
  name: string,
  entry: ClientEntry,
  broker: SecureBroker,
): Promise<{ readonly checks: number; readonly problems: readonly string[] }> {
  const problems: string[] = [];
  let checks = 0;
  const dir = broker.directory;
  const ca = broker.certificate.ca ?? "";
  const check = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
      checks++;
    } catch (error) {
      if (error instanceof NotInstalled) throw error;
      problems.push(`${what}: ${error}`);
    }
  };
  const open = (login: Login): Promise<TestedClient> => {
    const { plain, tls } = broker.addresses;
    return entry.connect(login.ca === undefined ? plain : tls, { login, dir });
  };
  const use = async (login: Login, work: (client: TestedClient) => Promise<void>) => {
    const client = await open(login);
    await work(client).finally(() => client.close());
  };
  const mechanisms = MECHANISMS.filter((each) => !entry.lacksMechanisms?.includes(each));
  for (const [i, mechanism] of mechanisms.entries()) {
    const right = await broker.login(mechanism);
    const wrong = await broker.wrongLogin(mechanism);
    // Each mechanism both ways, and each kind of check with and without TLS.
    await check(`${mechanism}`, () => use(right, (it) => usesItsTopic(it, name, entry)));
    await check(`${mechanism} with TLS`, () =>
      use({ ...right, ca }, (it) => usesItsTopic(it, name, entry)),
    );
    const security = i % 2 === 0 ? {} : { ca };
    const isMeant =
      entry.tellsNoRefusedToken && mechanism === "OAUTHBEARER" ? () => true : isRefusalOf(entry);
    await check(`${mechanism}, wrong`, () =>
      isRefused(() => open({ ...wrong, ...security }), isMeant),
    );
  }
  await check("a certificate", () =>
    use(broker.certificate, (it) => usesItsTopic(it, name, entry)),
  );
  await check("no login", () =>
    isRefused(
      () => open({}),
      () => true,
    ),
  );
  const [first = "PLAIN"] = mechanisms;
  const login = await broker.login(first);
  await check("revoked", () => use(login, (it) => isCutOff(it, broker, isRefusalOf(entry))));
  return { checks, problems };
}

/** Writes and reads where it may, and is told where it may not. */
async function usesItsTopic(client: TestedClient, name: string, entry: ClientEntry): Promise<void> {
  const end = await client.offset(MINE, 0, "latest").catch(orAbsent);
  await client.produce(MINE, [textRecord(name)]);
  if (end !== undefined) {
    const [found] = await client.consume(MINE, 0, end, 1);
    if (`${found?.value}` !== name) throw new Error(`read '${found?.value}' instead of '${name}'`);
  }
  await isForbidden(client.produce(OTHER, [textRecord(name)]), entry);
  if (!entry.waitsForForbidden) await isForbidden(client.consume(OTHER, 0, 0, 1), entry);
}

async function isForbidden(call: Promise<unknown>, entry: ClientEntry): Promise<void> {
  const error = await failureOf(call);
  if (error instanceof Absent) return;
  const expected = entry.asksForAllTopics
    ? [TOPIC_AUTHORIZATION_FAILED, UNKNOWN_TOPIC_OR_PARTITION]
    : [TOPIC_AUTHORIZATION_FAILED];
  const isSaid = error instanceof KafkaError && expected.includes(error.code);
  if (isSaid || /(?:topic.{0,20}authori[sz]ation.?failed|no permission)/i.test(`${error}`)) return;
  throw new Error(`expected that the topic is forbidden, but: ${error ?? "it succeeded"}`);
}

/** Connecting, or the first request, fails because of the login. */
async function isRefused(
  open: () => Promise<TestedClient>,
  isMeant: (error: unknown) => boolean,
): Promise<void> {
  const error = await failureOf(
    open().then(async (client) => {
      await ask(client).finally(() => client.close());
    }),
  );
  if (error !== undefined && isMeant(error)) return;
  throw new Error(`expected a failed login, but: ${error ?? "it succeeded"}`);
}

/** While it is connected its password changes: it is cut off, and says why. */
async function isCutOff(
  client: TestedClient,
  broker: SecureBroker,
  isMeant: (error: unknown) => boolean,
): Promise<void> {
  await ask(client);
  await broker.changePassword("another");
  try {
    const deadline = Date.now() + NOTICED_MS;
    for (;;) {
      const error = await failureOf(ask(client));
      if (error !== undefined && isMeant(error)) return;
      if (Date.now() > deadline) throw new Error(`it goes on: ${error ?? "no error"}`);
      await Bun.sleep(50);
    }
  } finally {
    await broker.changePassword(USER.password);
  }
}

/** Over a connection that the client keeps, if it keeps one. */
async function ask(client: TestedClient): Promise<void> {
  try {
    await client.partitions(MINE);
  } catch (error) {
    if (!(error instanceof Absent)) throw error;
    await client.produce(MINE, [textRecord("still here")]);
  }
}

/** What the client says when it is refused. */
function isRefusalOf(entry: ClientEntry): (error: unknown) => boolean {
  if (!entry.missesRefusals) return isFailedLogin;
  return (error) =>
    isFailedLogin(error) ||
    /Unable to bootstrap|socket disconnected|KafkaConnectionError|NodeNotReadyError/.test(
      `${error}`,
    );
}

function isFailedLogin(error: unknown): boolean {
  const isSaid = error instanceof KafkaError && error.code === SASL_AUTHENTICATION_FAILED;
  return isSaid || /authenticat|SASL/i.test(`${error}`);
}

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    () => undefined,
    (error: unknown) => error ?? new Error("an error without a value"),
  );
}

function orAbsent(error: unknown): undefined {
  if (error instanceof Absent) return undefined;
  throw error;
}
