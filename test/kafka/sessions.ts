// Logins that end while clients work: with tokens that expire, with --connections-max-reauth, and because the user is deleted.
// A client that renews its login goes on, as a producer and as a member of a group, and loses no record; one that does not
// is disconnected within a second, and says why. All clients run side by side, each with a user and a topic of its own.
// Leaves to others: the programs (clients/README.md, "Members of groups"), and each mechanism by itself (security.ts).
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Acl, connect, type Client } from "../../src/index.js";
import { BrokerProcess } from "../support/binary.js";
import { Authority, HAS_OPENSSL } from "../support/certificates.js";
import { tempDir } from "../support/tmp.js";
import { tokenIssuer } from "../support/tokens.js";
import { until } from "../support/until.js";
import { WatchingProxy } from "../support/watching-proxy.js";
import { HEARTBEAT_MS, MAX_POLL_MS, MEMBERS, SESSION_MS } from "./group-member.js";
import { NotInstalled } from "./install.js";
import { type Login, lineEnvironment } from "./login.js";
import { kcatProgram } from "./table.js";

const ADMIN = { username: "admin", password: "admin-s3cret" } as const;
const PASSWORD = "s3cret";

/** How long a token or a login holds, and how long a client is watched: several of these. */
const LIFETIME_MS = 6_000;
const WATCHED_MS = 27_000;

/** Renewed so often that a client always finds one that holds for a while. */
const RENEWED_EVERY_MS = 500;

/** The broker accepts a token until its issuer's clock may have reached the end. */
const CLOCK_SKEW_MS = 30_000;

/** From the acknowledged deletion of a user, or the end of a login, to the end of its connections. */
const CLOSED_WITHIN_MS = 1_000;

/** Connections of this age have logged in: younger ones may be clients that try again, and wait for their refusal. */
const LOGGED_IN_MS = 500;

/** Until a client has joined its group, and until it has told of a refusal. */
const JOINED_WITHIN_MS = 30_000;
const TOLD_WITHIN_MS = 40_000;

/** Records that a member may leave unread, or without a commit, when it ends. */
const UNREAD_MAX = 20;

const FAILED_LOGIN = /authenticat|SASL|credentials|not accepted the token/i;
const CLOSED = /connection.{0,3}closed|closed.{0,3}connection/i;
const GROUP_REFUSED = /group.{0,3}authori[sz]ation|not authorized to access group|no permission/i;

/** What clients say that do not pass on the broker's reason, by client and by how the login ended. */
const OTHER_WORDS: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  kafkajs: { "expired-token": CLOSED, "denied-group": /GroupCoordinatorNotFound/ },
  platformatic: { "expired-token": CLOSED, "deleted-user": CLOSED },
};

/** The clients: those of MEMBERS with these names, and kcat. */
const CLIENTS = [
  ...["java", "java-consumer", "franz-go", "franz-go-consumer", "confluent", "confluent-consumer"],
  ...["kafkajs", "platformatic", "native", "kcat"],
];

interface Command {
  readonly name: string;
  readonly command: readonly string[];
  readonly protocol: "classic" | "consumer";
  readonly env: Readonly<Record<string, string>>;
}

/** The outcome for one client. */
export interface SessionResult {
  readonly name: string;
  checks: number;
  readonly problems: string[];
  readonly notes: string[];
}

interface Tested {
  readonly command: Command;
  readonly result: SessionResult;
}

/** A program as a producer and as a member of a group. */
class Worker {
  readonly sent: string[] = [];
  readonly got = new Set<string>();
  readonly problems: string[] = [];
  /** Everything that it says about trouble, also what its library mends by itself. */
  readonly troubles: string[] = [];
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #read: Promise<unknown>;

  constructor(
    { command, env, protocol, name }: Command,
    args: readonly string[],
    login: Login,
    dir: string,
    produces = true,
  ) {
    const times = [SESSION_MS, MAX_POLL_MS, HEARTBEAT_MS].map(String);
    this.#child = Bun.spawn([...command, ...args, protocol, ...times, name], {
      ...{ stdin: "pipe", stdout: "pipe", stderr: "pipe" },
      env: {
        ...process.env,
        ...lineEnvironment(login, dir),
        ...env,
        ...(produces ? { MEMBER_PRODUCES: `${args[1]}-` } : {}),
      },
    });
    const errors = new Response(this.#child.stderr).text();
    this.#read = this.#readLines().then(async () => {
      const text = (await errors).trim();
      await this.#child.exited;
      if (this.#child.exitCode !== 0 && text !== "") this.#fail(text.slice(-600));
    });
  }

  async #readLines(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line.split("\t"));
    }
  }

  #take([, kind = "", ...words]: readonly string[]): void {
    if (kind === "sent") this.sent.push(words[0] ?? "");
    else if (kind === "got") this.got.add(words[2] ?? "");
    else if (kind === "trouble") this.troubles.push(words.join(" "));
    else if (["unsent", "error", "refused", "lost"].includes(kind))
      this.#fail(`${kind} ${words.join(" ")}`);
  }

  #fail(text: string): void {
    this.problems.push(text);
    this.troubles.push(text);
  }

  /** Sends and reads. */
  get works(): boolean {
    return this.sent.length > 5 && this.got.size > 5;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null;
  }

  says(what: RegExp): boolean {
    return this.troubles.some((text) => what.test(text));
  }

  /** Ends it, in order. */
  async end(): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 15_000);
    await this.#child.exited;
    clearTimeout(timer);
    await this.#read;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    await this.#read;
  }
}

/** A broker whose clients are watched on their way, one proxy each. */
class WatchedBroker implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly dir: string;
  #broker: BrokerProcess | undefined;
  /** Without TLS and with it. */
  readonly plain = new WatchingProxy();
  readonly tls = new WatchingProxy();
  readonly ca: string;
  readonly #token: (claims: Readonly<Record<string, unknown>>) => Promise<string>;

  private constructor(dir: string, ca: string, token: WatchedBroker["tokenOf"]) {
    this.dir = dir;
    this.ca = ca;
    this.#token = token;
  }

  static async start(...args: string[]): Promise<WatchedBroker> {
    if (!HAS_OPENSSL) throw new NotInstalled("openssl not found");
    const directory = tempDir();
    const authority = new Authority();
    const issuer = await tokenIssuer("k1", "RS256");
    const it = new WatchedBroker(directory.path, authority.ca, issuer.token);
    const file = (name: string, content: string): string => {
      writeFileSync(join(directory.path, name), content);
      return join(directory.path, name);
    };
    const { cert, key } = authority.broker();
    const broker = await BrokerProcess.start(
      join(directory.path, "data"),
      ...["--listen", "tls://127.0.0.1:0", "--tls-cert", cert, "--tls-key", key],
      ...["--advertise", `plain://${it.plain.address}`, "--advertise", `tls://${it.tls.address}`],
      ...["--oauth-jwks", file("jwks.json", issuer.jwks), "--oauth-audience", "rustlog"],
      ...["--bootstrap-admin-file", file("admin", `${ADMIN.username}:${ADMIN.password}\n`)],
      ...args,
    );
    await until(() => broker.lines.some((line) => line.startsWith("Data directory: ")));
    it.plain.target = broker.port;
    const tls = /^Broker started on tls:\/\/.*:(\d+)$/;
    it.tls.target = Number(broker.lines.map((line) => tls.exec(line)?.[1]).find(Boolean));
    it.#broker = broker;
    for (const proxy of [it.plain, it.tls]) it.#stack.use(proxy);
    it.#stack.use(directory);
    it.#stack.use(authority);
    it.#stack.use(broker);
    return it;
  }

  /** The address for a login. */
  addressFor({ ca }: Login): string {
    return (ca === undefined ? this.plain : this.tls).address;
  }

  tokenOf(claims: Readonly<Record<string, unknown>>): Promise<string> {
    return this.#token(claims);
  }

  async asAdmin<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = await connect({ broker: this.#broker!.address, sasl: ADMIN });
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  }

  /** A user for each name, who may use topics and groups that begin with it, and a topic. */
  async prepare(names: readonly string[]): Promise<void> {
    await this.asAdmin(async (client) => {
      const admin = client.admin();
      for (const name of names) {
        await admin.setPassword(name, PASSWORD);
        await admin.createTopic(`${name}.topic`, { partitions: 2 });
        await admin.alterAcls({ add: [rule(name, "TOPIC"), rule(name, "GROUP")] });
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function rule(user: string, resourceType: Acl["resourceType"]): Acl {
  return {
    ...{ resourceType, resourceName: `${user}.`, patternType: "PREFIXED" },
    ...{ principal: `User:${user}`, host: "*", operation: "ALL", permissionType: "ALLOW" },
  };
}

/** Takes all clients of these names through all checks, side by side. */
export async function checkSessions(
  wanted: readonly string[],
  report: (result: SessionResult) => void,
): Promise<void> {
  const commands: Command[] = [];
  for (const name of CLIENTS.filter((each) =>
    wanted.some((one) => each.startsWith(one.replace("-python", ""))),
  )) {
    try {
      commands.push(await commandOf(name));
    } catch (error) {
      if (!(error instanceof NotInstalled)) throw error;
      console.log(`skip   ${name}: ${error.message}`);
    }
  }
  const tested = commands.map((command): Tested => {
    const result = { name: command.name, checks: 0, problems: [], notes: [] };
    return { command, result };
  });
  const all = async (broker: WatchedBroker, each: Check): Promise<void> => {
    await Promise.all(
      tested.map(async ({ command, result }) => {
        try {
          await each(broker, command, result);
        } catch (error) {
          result.problems.push(`${each.name}: ${error}`);
        }
      }),
    );
  };
  const names = commands.map(({ name }) => name);
  {
    await using broker = await WatchedBroker.start();
    await broker.prepare(names);
    await all(broker, renewsTokens);
    await keepAnExpiredToken(broker, tested);
    await areDeleted(broker, tested);
  }
  {
    await using broker = await WatchedBroker.start("--connections-max-reauth", `${LIFETIME_MS}ms`);
    await broker.prepare(names);
    await all(broker, renewsItsLogin);
    await all(broker, isKeptOutOfAGroup);
  }
  for (const { result } of tested) report(result);
}

type Check = (broker: WatchedBroker, command: Command, result: SessionResult) => Promise<void>;

async function commandOf(name: string): Promise<Command> {
  if (name === "kcat") {
    const { executable, env } = await kcatProgram();
    const command = [process.execPath, join(import.meta.dir, "member.ts"), "kcat"];
    return { name, command, protocol: "classic", env: { ...env, MEMBER_KCAT: executable } };
  }
  const { command, protocol } = MEMBERS[name]!;
  return { name, command: await command(), protocol, env: {} };
}

/** Over several lifetimes of its token it goes on. */
async function renewsTokens(
  broker: WatchedBroker,
  command: Command,
  result: SessionResult,
): Promise<void> {
  if (command.name === "kcat") return; // it takes no token
  const tokenFile = join(broker.dir, `${command.name}.token`);
  const renew = async (): Promise<void> => {
    const exp = (Date.now() + LIFETIME_MS) / 1_000;
    const token = await broker.tokenOf({ sub: command.name, scope: "kafka", exp });
    writeFileSync(`${tokenFile}.new`, token);
    renameSync(`${tokenFile}.new`, tokenFile);
  };
  await renew();
  const renewing = setInterval(() => void renew(), RENEWED_EVERY_MS);
  const login: Login = { mechanism: "OAUTHBEARER", tokenFile, ca: broker.ca };
  await goesOn(broker, command, login, result, "tokens").finally(() => clearInterval(renewing));
}

/** With --connections-max-reauth, and a password. */
async function renewsItsLogin(
  broker: WatchedBroker,
  command: Command,
  result: SessionResult,
): Promise<void> {
  // Its librdkafka does not log in again, and its consumer ends when it is disconnected.
  if (command.name === "kcat") return;
  const login: Login = { mechanism: "SCRAM-SHA-512", user: command.name, password: PASSWORD };
  await goesOn(broker, command, login, result, "max-reauth");
}

async function goesOn(
  broker: WatchedBroker,
  command: Command,
  login: Login,
  result: SessionResult,
  what: string,
): Promise<void> {
  const topic = `${command.name}.topic`;
  const group = `${command.name}.${what}`;
  const worker = new Worker(command, [broker.addressFor(login), group, topic], login, broker.dir);
  try {
    await within(JOINED_WITHIN_MS, "work", () => worker.works || worker.hasEnded);
    await Bun.sleep(WATCHED_MS);
    await worker.end();
  } finally {
    await worker.kill();
  }
  // What it has sent last, it may not have read before it left.
  const lost = worker.sent.slice(0, -UNREAD_MAX).filter((value) => !worker.got.has(value));
  const offsets = await broker.asAdmin((client) => client.admin().describeGroup(group));
  const uncommitted = offsets.reduce(
    (sum, { committedOffset, highWatermark }) => sum + highWatermark - committedOffset,
    0,
  );
  const problems = [
    ...worker.problems,
    ...(lost.length > 0
      ? [`${lost.length} records of ${worker.sent.length} were not read: ${lost.slice(0, 3)}`]
      : []),
    ...(uncommitted > UNREAD_MAX ? [`${uncommitted} are not committed`] : []),
  ];
  result.notes.push(
    `${what}: ${worker.sent.length} sent, ${worker.got.size} read, ${uncommitted} not committed`,
  );
  done(result, what, problems);
}

/** A token that is not renewed holds until it has expired by any clock. */
async function keepAnExpiredToken(broker: WatchedBroker, all: readonly Tested[]): Promise<void> {
  const endsAtMs = Date.now() + LIFETIME_MS + CLOCK_SKEW_MS;
  const exp = (endsAtMs - CLOCK_SKEW_MS) / 1_000;
  const login = async ({ name }: Command): Promise<Login | undefined> => {
    if (name === "kcat") return undefined; // it takes no token
    const tokenFile = join(broker.dir, `${name}.expired`);
    writeFileSync(tokenFile, await broker.tokenOf({ sub: name, scope: "kafka", exp }));
    return { mechanism: "OAUTHBEARER", tokenFile, ca: broker.ca };
  };
  await areTold(broker, all, "expired-token", login, async () => {
    await Bun.sleep(Math.max(0, endsAtMs - Date.now()));
    return endsAtMs;
  });
}

/** Their users are deleted while they work. */
async function areDeleted(broker: WatchedBroker, all: readonly Tested[]): Promise<void> {
  const login = async ({ name }: Command): Promise<Login> => ({
    ...{ mechanism: "SCRAM-SHA-256", user: name, password: PASSWORD },
    // Half of them with TLS.
    ...(all.findIndex(({ command }) => command.name === name) % 2 === 0 ? {} : { ca: broker.ca }),
  });
  await areTold(broker, all, "deleted-user", login, async () => {
    return await broker.asAdmin(async (client) => {
      const beganAtMs = Date.now();
      await Promise.all(all.map(({ command }) => client.admin().deleteUser(command.name)));
      return beganAtMs;
    });
  });
}

/** What `ends` does ends the logins of all clients at once. It resolves with the time from which they have to be closed. */
async function areTold(
  broker: WatchedBroker,
  all: readonly Tested[],
  what: string,
  loginOf: (command: Command) => Promise<Login | undefined>,
  ends: () => Promise<number>,
): Promise<void> {
  const running: { readonly worker: Worker; readonly result: SessionResult }[] = [];
  for (const { command, result } of all) {
    const login = await loginOf(command);
    if (login === undefined) continue;
    const args = [broker.addressFor(login), `${command.name}.${what}`, `${command.name}.topic`];
    running.push({ worker: new Worker(command, args, login, broker.dir), result });
  }
  await Promise.all(
    running.map(({ worker, result }) =>
      within(JOINED_WITHIN_MS, "work", () => worker.works || worker.hasEnded).catch(
        (error: unknown) => done(result, what, [`${error}: ${worker.troubles.slice(0, 2)}`]),
      ),
    ),
  );
  const beganAtMs = Date.now();
  const endedAtMs = await ends();
  await Bun.sleep(2 * CLOSED_WITHIN_MS);
  const after = [broker.plain, broker.tls]
    .flatMap((proxy) => proxy.connections)
    .filter(({ openedAtMs }) => openedAtMs < Math.min(beganAtMs, endedAtMs - LOGGED_IN_MS))
    .map(({ closedAtMs = Number.POSITIVE_INFINITY }) => closedAtMs - endedAtMs)
    .filter((ms) => ms > 0);
  console.log(
    `       ${what}: ${after.length} connections were open, and closed within ${Math.max(...after)} ms`,
  );
  const late = after.filter((ms) => !(ms <= CLOSED_WITHIN_MS));
  await Promise.all(
    running.map(async ({ worker, result }) => {
      const { name } = result;
      const problems = late.length === 0 ? [] : [`${late.length} connections stay open`];
      await within(TOLD_WITHIN_MS, "tell", () =>
        worker.says(wordsOf(name, what, FAILED_LOGIN)),
      ).catch((error: unknown) => problems.push(`${error}; it says: ${worker.troubles.slice(-3)}`));
      done(result, what, problems);
      await worker.kill();
    }),
  );
}

/** A group that its rules do not name. */
async function isKeptOutOfAGroup(
  broker: WatchedBroker,
  command: Command,
  result: SessionResult,
): Promise<void> {
  const login: Login = { mechanism: "SCRAM-SHA-256", user: command.name, password: PASSWORD };
  const args = [broker.addressFor(login), "other", `${command.name}.topic`];
  const worker = new Worker(command, args, login, broker.dir, false);
  try {
    await within(TOLD_WITHIN_MS, "tell", () =>
      worker.says(wordsOf(command.name, "denied-group", GROUP_REFUSED)),
    );
    done(result, "denied-group", []);
  } catch (error) {
    throw new Error(`${error}; it says: ${worker.troubles.slice(0, 3)}`, { cause: error });
  } finally {
    await worker.kill();
  }
}

function wordsOf(client: string, what: string, usual: RegExp): RegExp {
  return OTHER_WORDS[client]?.[what] ?? usual;
}

async function within(ms: number, what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`it did not ${what} within ${ms} ms`);
    await Bun.sleep(20);
  }
}

function done(result: SessionResult, what: string, problems: readonly string[]): void {
  if (problems.length === 0) result.checks++;
  for (const problem of problems.slice(0, 5)) result.problems.push(`${what}: ${problem}`);
}
