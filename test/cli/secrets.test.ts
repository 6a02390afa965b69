// No secret appears anywhere: passwords, keys and tokens are used in every way that there is, and everything that comes out
// is searched for them.
// Leaves to others: whether logins work (test/broker/), and what is in security.json (test/security/users.test.ts).
import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openHttpPorts } from "../../src/cli/http-ports.js";
import { connect } from "../../src/client/client.js";
import { KAFKA_APIS } from "../../src/protocol/kafka/apis.js";
import { Authenticate } from "../../src/protocol/native/authenticate.js";
import { createSalted } from "../../src/security/scram.js";
import { type Session, startBroker } from "../support/broker.js";
import { KafkaClient } from "../support/kafka-client.js";
import { tempDir } from "../support/tmp.js";
import { bearerMessage, tokenIssuer } from "../support/tokens.js";
import { run, spawn } from "./rustlog.js";

const SECRETS = {
  bootstrap: "b00tstrap-Qx7",
  ann: "ann-Secret-Kd93",
  changed: "changed-Zw4m",
  wrong: "wr0ng-Guess-Pp1",
  typedAsName: "typed-As-Name-Lr8",
  metrics: "metrics-Token-Vb62-long",
};

/** A broker, a directory for files, and all texts that came out so far, by where. */
class Leaks {
  readonly texts = new Map<string, string>();

  add(where: string, text: string): void {
    this.texts.set(where, `${this.texts.get(where) ?? ""}\n${text}`);
  }

  /** Where a secret is found, in any usual form. */
  find(secrets: Readonly<Record<string, string | Uint8Array>>): string[] {
    return [...this.texts].flatMap(([where, text]) =>
      Object.entries(secrets)
        .filter(([, secret]) => forms(secret).some((form) => text.includes(form)))
        .map(([name]) => `${name} in ${where}`),
    );
  }
}

function forms(secret: string | Uint8Array): string[] {
  const bytes = Buffer.from(secret);
  const base64 = bytes.toString("base64").replace(/=+$/, "");
  const hex = bytes.toString("hex");
  const plain = typeof secret === "string" ? [secret] : [];
  return [...plain, base64, bytes.toString("base64url"), hex, hex.toUpperCase()];
}

async function kafkaLogin(port: number, mechanism: string, message: Uint8Array): Promise<unknown> {
  using client = await KafkaClient.connect(port);
  const begun = await client.call(KAFKA_APIS.SaslHandshake, 1, { mechanism });
  const done = client.call(KAFKA_APIS.SaslAuthenticate, 2, { authBytes: message });
  return [begun, await done.catch(String)];
}

function nativeLogin(session: Session, mechanism: string, message: Uint8Array): Promise<unknown> {
  return session
    .call(
      (id) => Authenticate.encodeRequest(id, { mechanism, message }),
      Authenticate.decodeResponse,
    )
    .catch((error: Error) => `${error} ${error.stack} ${String(error.cause)}`);
}

const plain = (user: string, password: string): Buffer => Buffer.from(`\0${user}\0${password}`);

test("no secret appears in logs, answers, errors, metrics, the page, processes or files", async () => {
  using directory = tempDir();
  const file = (name: string, text: string): string => {
    const path = join(directory.path, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const leaks = new Leaks();
  const issuer = await tokenIssuer();
  const token = await issuer.token();
  const expired = await issuer.token({ exp: 1_000 });
  const forged = `${token.slice(0, -8)}AAAAAAAA`;
  const dataDir = join(directory.path, "data");
  const bootstrapAdminFile = file("admin", `root:${SECRETS.bootstrap}\n`);
  const rootFile = file("root.txt", `${SECRETS.bootstrap}\n`);
  const wrongFile = file("wrong.txt", `${SECRETS.wrong}\n`);
  const metricsTokenFile = file("tokens", `${SECRETS.metrics}\n`);
  const auditLog = join(directory.path, "audit.log");
  const oauth = { jwks: file("keys.json", issuer.jwks), issuer: "https://issuer" };
  const running = await startBroker({ dataDir, bootstrapAdminFile, auditLog, oauth });
  const { address, port, context } = running.broker;
  // Guessing is slow, which is not what is tested here.
  context.security.failedLogins.delayMs = () => 0;
  const flags = { host: "127.0.0.1", allowedHosts: [], metricsPort: 0, uiPort: 0 };
  const access = { allowAnonymous: false, isTls: false, uiReadOnly: false, metricsTokenFile };
  const http = await openHttpPorts(
    running.broker,
    { ...flags, ...access },
    { kind: "always" },
    (line) => leaks.add("log of HTTP", line),
  );
  leaks.add("banner", http.lines.join("\n"));

  // The command line, with stack traces, and what other users of the machine see of it.
  const debug = { RUSTLOG_DEBUG: "1" };
  const asRoot = { RUSTLOG_BROKER: address, RUSTLOG_USER: "root", ...debug };
  const env = { ...asRoot, RUSTLOG_PASSWORD_FILE: rootFile };
  const adding = spawn(["users", "add", "ann"], { env });
  for (const name of ["cmdline", "environ", "comm"]) {
    leaks.add(`/proc/PID/${name}`, await Bun.file(`/proc/${adding.pid}/${name}`).text());
  }
  adding.stdin.write(`${SECRETS.ann}\n`);
  await adding.stdin.end();
  leaks.add("users add", await new Response(adding.stdout).text());
  leaks.add("users add", await new Response(adding.stderr).text());
  expect(await adding.exited).toBe(0);
  const commands: readonly [readonly string[], string, Record<string, string>][] = [
    [["users", "password", "ann"], `${SECRETS.changed}\n`, env],
    [["users", "list", "--json"], "", env],
    [["users", "add", "ann"], `${SECRETS.wrong}\n`, env],
    [["topics", "list"], "", { ...asRoot, RUSTLOG_PASSWORD_FILE: wrongFile }],
    [["topics", "list", "--user", SECRETS.typedAsName], `${SECRETS.wrong}\n`, asRoot],
    [
      ["topics", "list", "--token-file", file("t", forged)],
      "",
      { RUSTLOG_BROKER: address, ...debug },
    ],
    [["verify", dataDir], "", debug],
    [["inspect", join(dataDir, "security.json")], "", debug],
  ];
  for (const [args, stdin, variables] of commands) {
    const { stdout, stderr } = await run(args, { env: variables, stdin });
    // What a person typed as the name is their own terminal's.
    const said = `${stdout}${stderr}`.replaceAll(SECRETS.typedAsName, "");
    leaks.add(`rustlog ${args[0]} ${args[1]}`, said);
  }

  // Every mechanism in both protocols, right and wrong.
  const messages: readonly [string, Uint8Array][] = [
    ["PLAIN", plain("ann", SECRETS.changed)],
    ["PLAIN", plain("ann", SECRETS.wrong)],
    ["PLAIN", plain(SECRETS.typedAsName, SECRETS.wrong)],
    ["PLAIN", Buffer.from(`${SECRETS.wrong}\0\0\0${SECRETS.changed}`)],
    ["SCRAM-SHA-256", Buffer.from(`n,,n=${SECRETS.typedAsName},r=${SECRETS.wrong}`)],
    ["SCRAM-SHA-512", plain("ann", SECRETS.changed)],
    ["OAUTHBEARER", bearerMessage(token)],
    ["OAUTHBEARER", bearerMessage(expired)],
    ["OAUTHBEARER", bearerMessage(forged)],
    ["OAUTHBEARER", Buffer.from(forged)],
    [SECRETS.wrong, plain("ann", SECRETS.changed)],
  ];
  const logins = messages.map(async ([mechanism, message]) => {
    leaks.add("logins with Kafka's protocol", show(await kafkaLogin(port, mechanism, message)));
    // The answer repeats the name of a mechanism that there is not, to who has sent it.
    if (mechanism === SECRETS.wrong) return;
    using session = await running.session();
    leaks.add("native logins", show(await nativeLogin(session, mechanism, message)));
  });
  const wrong = { username: "ann", password: SECRETS.wrong };
  const client = connect({ broker: address, sasl: wrong });
  leaks.add("error of the library", await client.then(String, (error: Error) => show(error)));
  await Promise.all(logins);

  // What an administrator is told.
  using admin = await KafkaClient.connect(port);
  await admin.call(KAFKA_APIS.SaslHandshake, 1, { mechanism: "PLAIN" });
  const authBytes = plain("root", SECRETS.bootstrap);
  expect((await admin.call(KAFKA_APIS.SaslAuthenticate, 2, { authBytes })).errorCode).toBe(0);
  const salted = await createSalted("SCRAM-SHA-256", SECRETS.changed);
  const { iterations, salt, saltedPassword } = salted;
  const upsertions = [
    { name: "zoe", mechanism: 1, iterations, salt, saltedPassword },
    { name: "zoe", mechanism: 2, iterations, salt, saltedPassword },
  ];
  const altered = { deletions: [], upsertions };
  const resources = [{ resourceType: 4, resourceName: "1", configurationKeys: null }];
  const configs = { resources, includeSynonyms: true, includeDocumentation: true };
  leaks.add("answers", show(await admin.call(KAFKA_APIS.AlterUserScramCredentials, 0, altered)));
  const users = await admin.call(KAFKA_APIS.DescribeUserScramCredentials, 0, { users: null });
  leaks.add("DescribeUserScramCredentials", show(users));
  expect(users.results.map(({ user }) => user)).toContain("zoe");
  leaks.add("DescribeConfigs", show(await admin.call(KAFKA_APIS.DescribeConfigs, 4, configs)));

  // HTTP.
  const [page = "", metrics = ""] = http.lines.map((line) => /http:\S+/.exec(line)?.[0] ?? "");
  const logIn = (password: string): Promise<Response> =>
    fetch(`${page}login`, {
      method: "POST",
      body: new URLSearchParams({ user: "root", password }),
      redirect: "manual",
    });
  const entered = await logIn(SECRETS.bootstrap);
  const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
  expect(cookie).not.toBe("");
  for (const response of [
    entered,
    await logIn(SECRETS.wrong),
    await fetch(metrics, { headers: { authorization: `Bearer ${SECRETS.metrics}` } }),
    await fetch(metrics, { headers: { authorization: `Bearer ${SECRETS.wrong}` } }),
    await fetch(`${page}health`, { headers: { cookie } }),
    ...(await Promise.all(
      ["", "api/session", "api/connections", "api/groups"].map((path) =>
        fetch(`${page}${path}`, { headers: { cookie } }),
      ),
    )),
  ]) {
    leaks.add(`HTTP ${response.url}`, `${show([...response.headers])} ${await response.text()}`);
  }
  expect(leaks.texts.get(`HTTP ${metrics}`)).toContain("rustlog_failed_logins_total");

  const stored = JSON.parse(readFileSync(join(dataDir, "security.json"), "utf8")) as unknown;
  const keys = new Map(keysIn(stored));
  expect(keys.size).toBeGreaterThan(5);
  await http.stop();
  await running.broker.stop();
  leaks.add("log", running.lines.join("\n"));
  leaks.add("audit log", readFileSync(auditLog, "utf8"));
  expect(leaks.texts.get("audit log")).toContain('"login-failed"');
  for (const path of readdirSync(dataDir, { recursive: true, encoding: "utf8" })) {
    const whole = join(dataDir, path);
    if (!statSync(whole).isFile()) continue;
    const text = readFileSync(whole, "latin1");
    // Where the keys belong; but not the passwords.
    if (path !== "security.json") leaks.add(`file ${path}`, text);
    else expect(Object.values(SECRETS).filter((secret) => text.includes(secret))).toEqual([]);
  }
  const [, claims = "", signature = ""] = token.split(".");
  expect(leaks.find({ ...SECRETS, claims, signature, saltedPassword })).toEqual([]);
  expect(leaks.find(Object.fromEntries(keys))).toEqual([]);
});

/** All of a value, with the parts of an error that it does not show by itself. */
function show(value: unknown): string {
  if (value instanceof Error) return `${value.stack} ${show(value.cause)}`;
  return Bun.inspect(value, { depth: 20 });
}

/** The keys of users in security.json, without the salts, which a client is told. */
function* keysIn(value: unknown, path = ""): Generator<[string, string]> {
  if (typeof value === "string") {
    if (/key/i.test(path) && /^[A-Za-z0-9+/]{40,}=*$/.test(value)) yield [path, value];
  } else if (typeof value === "object" && value !== null) {
    for (const [name, each] of Object.entries(value)) yield* keysIn(each, `${path}.${name}`);
  }
}
