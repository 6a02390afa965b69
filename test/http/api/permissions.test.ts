// Every HTTP route, by who asks: a route without a row fails. Also what is refused to everyone: changes on a page that is
// read-only, and without the token of the session.
// Leaves to others: sessions and attacks (access.test.ts), and the answers (routes.test.ts, monitoring.test.ts).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { monitoringRoutes } from "../../../src/http/monitoring.js";
import { QUESTIONS } from "../../../src/http/api/partition-questions.js";
import { pageRoutes } from "../../../src/http/api/routes.js";
import type { ShownRecord } from "../../../src/http/page/records/record-wire.js";
import type { TopicDetail } from "../../../src/http/page/topics/topic-wire.js";
import type { SessionState } from "../../../src/http/page/wire.js";
import { type PageSample, startPage } from "../../support/page-sample.js";
import { addUsers, logInOnPage, type PageUser, type Right } from "../../support/page-users.js";

/** Users and what they may do; `nobody` has not logged in. */
const USERS = {
  none: [],
  describer: ["DESCRIBE TOPIC orders", "DESCRIBE GROUP billing"],
  reader: ["READ TOPIC orders"],
  writer: ["WRITE TOPIC orders"],
  owner: ["CREATE TOPIC orders", "ALTER TOPIC orders", "ALTER_CONFIGS TOPIC orders"],
  deleter: ["DELETE TOPIC orders"],
  keeper: [
    "READ TOPIC orders",
    "READ TOPIC none",
    "READ GROUP billing",
    "DELETE GROUP billing",
    "DELETE GROUP gone",
  ],
  monitor: ["DESCRIBE CLUSTER kafka-cluster"],
  admin: "everything",
} as const satisfies Record<string, readonly Right[] | "everything">;

type Name = keyof typeof USERS | "nobody";

const NAMES: readonly Name[] = [
  "nobody",
  "none",
  "describer",
  "reader",
  "writer",
  "owner",
  "deleter",
  "keeper",
  "monitor",
  "admin",
];

interface Row {
  /** Method and path as they are declared. */
  readonly route: string;
  /** What is requested of it. */
  readonly path: string;
  /** Status of the answer for those who may use the route. */
  readonly ok: number;
  readonly allowed: readonly Name[];
  /** The body of a POST; ORDER if it is not here. */
  readonly body?: string;
  /** Status for nobody; 401 if it is not here. */
  readonly nobody?: number;
}

const LOGGED_IN = NAMES.filter((name) => name !== "nobody");
const ORDER = JSON.stringify({ topic: "orders", partition: 0, key: null, value: "x" });

const question = (name: string, query: string, allowed: readonly Name[]): Row => ({
  route: "GET /api/topics/:topic/:partition/:question",
  path: `/api/topics/orders/0/${name}?${query}`,
  ...{ ok: 200, allowed },
});

const DESCRIBERS: readonly Name[] = [
  ...(["describer", "reader", "writer", "owner", "deleter", "keeper", "admin"] as const),
];

/** A route about a topic, whose id replaces `TOPIC_ID`. */
const ofTopic = (
  method: string,
  path: string,
  allowed: readonly Name[],
  { ok = 200, query = "", body = {} } = {},
): Row => ({
  route: `${method} /api/topics/:topic${path}`,
  path: `/api/topics/orders${path}?${query}`,
  ...{ ok, allowed, body: JSON.stringify({ id: "TOPIC_ID", ...body }) },
});

const MOVE = { topic: "orders", topicId: "other", partition: 0, from: 0, to: 0 };

/** A route about the group `billing`. */
const ofGroup = (
  method: string,
  name: string,
  allowed: readonly Name[],
  { ok = 200, query = "", body = {} } = {},
): Row => ({
  route: `${method} /api/groups/${name}`,
  path: `/api/groups/${name}?group=billing${query}`,
  ...{ ok, allowed, body: JSON.stringify({ group: "billing", ...body }) },
});

/** A route about the records of the topic `orders`. */
const ofRecords = (route: string, path: string): Row => ({
  route: `GET /api/records/:topic${route}`,
  path: `/api/records/orders${path}`,
  ...{ ok: 200, allowed: ["reader", "keeper", "admin"] },
});

const ROWS: readonly Row[] = [
  { route: "GET /", path: "/", ok: 200, allowed: NAMES },
  { route: "GET /:file", path: "/SCRIPT", ok: 200, allowed: LOGGED_IN, nobody: 404 },
  { route: "POST /login", path: "/login", ok: 400, allowed: NAMES },
  { route: "GET /api/session", path: "/api/session", ok: 200, allowed: LOGGED_IN },
  { route: "GET /api/events", path: "/api/events", ok: 200, allowed: LOGGED_IN },
  { route: "POST /api/events/:page", path: "/api/events/unknown", ok: 404, allowed: LOGGED_IN },
  {
    route: "GET /api/connections",
    path: "/api/connections",
    ok: 200,
    allowed: ["monitor", "admin"],
  },
  {
    route: "POST /api/connections/close",
    path: "/api/connections/close",
    body: JSON.stringify({ serial: 0, address: "10.0.0.7:1" }),
    // Who may close connections learns that there is no such connection.
    ...{ ok: 400, allowed: ["admin"] },
  },
  { route: "GET /api/groups", path: "/api/groups", ok: 200, allowed: LOGGED_IN },
  ofGroup("GET", "state", ["describer", "keeper", "admin"]),
  ofGroup("GET", "history", ["describer", "keeper", "admin"]),
  ofGroup("GET", "reset", ["keeper", "admin"], { query: "&to=earliest" }),
  // Another topic has this id; there is nothing to delete.
  ofGroup("POST", "reset", ["keeper", "admin"], { ok: 400, body: { moves: [MOVE] } }),
  ofGroup("POST", "delete-offsets", ["keeper", "admin"], { ok: 400, body: { topic: "none" } }),
  ofGroup("POST", "delete", ["keeper", "admin"], { ok: 404, body: { group: "gone" } }),
  { route: "GET /api/problems", path: "/api/problems", ok: 200, allowed: LOGGED_IN },
  { route: "POST /api/produce", path: "/api/produce", ok: 200, allowed: ["writer", "admin"] },
  question("segments", "", DESCRIBERS),
  question("index", "bases=0", DESCRIBERS),
  question("lookup", "offset=0", ["reader", "keeper", "admin"]),
  question("batches", "segment=0", ["reader", "keeper", "admin"]),
  question("batch", "segment=0&position=0", ["reader", "keeper", "admin"]),
  {
    ...{ route: "GET /api/topic-settings", path: "/api/topic-settings", ok: 200 },
    allowed: ["owner", "admin"],
  },
  {
    // It exists.
    ...{ route: "POST /api/topics", path: "/api/topics", ok: 400, allowed: ["owner", "admin"] },
    body: JSON.stringify({ name: "orders", partitions: 1 }),
  },
  ofTopic("GET", "", DESCRIBERS),
  ofTopic("GET", "/partitions", DESCRIBERS),
  ofTopic("GET", "/groups", DESCRIBERS),
  ofTopic("GET", "/alter", ["owner", "admin"], { query: "id=TOPIC_ID&set=retention.ms=-1" }),
  ofTopic("POST", "/alter", ["owner", "admin"], { body: { set: { "retention.ms": "-1" } } }),
  ofTopic("GET", "/trim", ["deleter", "admin"], { query: "before=earliest" }),
  ofTopic("POST", "/trim", ["deleter", "admin"], {
    body: { offsets: [{ partition: 0, offset: 0 }] },
  }),
  // It is not compacted.
  ofTopic("POST", "/compact", ["owner", "admin"], { ok: 400, body: { run: "12345678" } }),
  // Another topic has this id.
  ofTopic("DELETE", "", ["deleter", "admin"], { ok: 404, query: "id=other" }),
  ofRecords("", ""),
  ofRecords("/lines", "/lines"),
  ofRecords("/times", "/times"),
  ofRecords("/:partition/:offset", "/0/0"),
  ofRecords("/:partition/:offset/:part", "/0/0/value"),
  { route: "GET /metrics", path: "/metrics", ok: 200, allowed: ["monitor", "admin"] },
  { route: "GET /health", path: "/health", ok: 200, allowed: NAMES },
  // The last one, because it ends the session.
  { route: "POST /logout", path: "/logout", ok: 204, allowed: LOGGED_IN },
];

/** Paths of which a POST changes nothing that the broker stores. */
const HARMLESS = ["/login", "/api/events/:page", "/logout"];

let sample: PageSample;
let script: string;
let topicId: string;

beforeAll(async () => {
  sample = await startPage();
  const html = await (await fetch(sample.url)).text();
  script = /src="\/([^"]+)"/.exec(html)?.[1] ?? "";
  const { registry, offsets } = sample.broker.context;
  ({ id: topicId } = await registry.create("orders", 1, {}));
  await fetch(`${sample.url}api/produce`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: ORDER,
  });
  await offsets.commit("billing", [{ topic: "orders", partition: 0, offset: 0 }]);
  await addUsers(sample.broker.context, USERS);
});
afterAll(() => sample[Symbol.asyncDispose]());

async function ask(
  { route, path, body: own = ORDER }: Row,
  send: PageUser["fetch"],
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const method = route.split(" ")[0]!;
  const type = { "content-type": "application/json" };
  const body = method === "POST" ? own.replace("TOPIC_ID", topicId) : null;
  const init = { method, body, headers: { ...type, ...headers } };
  const response = await send(path.replace("SCRIPT", script).replace("TOPIC_ID", topicId), init);
  // An event stream has no end.
  if (path === "/api/events") await response.body?.cancel();
  return response;
}

test("every route, and every question about a partition, has a row", () => {
  const { broker, access } = sample;
  const routes = { ...monitoringRoutes(broker), ...pageRoutes(broker, "always", access) };
  const declared = Object.entries(routes).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect([...new Set(ROWS.map(({ route }) => route))].sort()).toEqual(declared.sort());
  const asked = ROWS.flatMap(
    ({ path }) => /^\/api\/topics\/orders\/0\/(\w+)\?/.exec(path)?.[1] ?? [],
  );
  expect(asked.sort()).toEqual(Object.keys(QUESTIONS).sort());
});

describe.each(NAMES)("%s", (name) => {
  test("gets what the table says", async () => {
    const user = name === "nobody" ? undefined : await logInOnPage(sample.url, name);
    const send =
      user?.fetch ??
      ((path, init) => fetch(new URL(path, sample.url), { ...init, redirect: "manual" }));
    const found: Record<string, number> = {};
    const expected: Record<string, number> = {};
    for (const row of ROWS) {
      const key = `${row.route} ${row.path}`;
      found[key] = (await ask(row, send)).status;
      const refusal = name === "nobody" ? (row.nobody ?? 401) : 403;
      expected[key] = row.allowed.includes(name) ? row.ok : refusal;
    }
    expect(found).toEqual(expected);
  });
});

test("a refusal says which permission is missing", async () => {
  const { fetch: send } = await logInOnPage(sample.url, "describer");
  const messages: string[] = [];
  for (const row of ROWS) {
    const response = await ask(row, send);
    if (response.status === 403) messages.push(await response.text());
  }
  const texts = messages.map(
    (text) => /User:describer has no permission \w+ on [^"\n]+/.exec(text)?.[0],
  );
  const said = (operation: string, what: string) =>
    `User:describer has no permission ${operation} on ${what}`;
  const read = said("READ", "topic 'orders'");
  expect(texts).toEqual([
    said("DESCRIBE", "the cluster"),
    said("ALTER", "the cluster"),
    said("READ", "group 'billing'"),
    said("READ", "group 'billing'"),
    said("DELETE", "group 'billing'"),
    said("DELETE", "group 'gone'"),
    said("WRITE", "topic 'orders'"),
    ...[read, read, read],
    said("CREATE", "the cluster"),
    ...["CREATE", "ALTER_CONFIGS", "ALTER_CONFIGS", "DELETE", "DELETE", "ALTER", "DELETE"].map(
      (operation) => said(operation, "topic 'orders'"),
    ),
    ...[read, read, read, read, read],
    said("DESCRIBE", "the cluster"),
  ]);
});

test("the page is told what a visitor may do to a topic, and nothing but to read it if it is read-only", async () => {
  const mayOf = async (name: Name): Promise<unknown> => {
    const { fetch: send } = await logInOnPage(sample.url, name);
    return ((await (await send("api/topics/orders")).json()) as TopicDetail).may;
  };
  expect(await mayOf("describer")).toEqual([]);
  expect(await mayOf("reader")).toEqual(["READ"]);
  expect(await mayOf("owner")).toEqual(["ALTER", "ALTER_CONFIGS"]);
  expect(await mayOf("deleter")).toEqual(["DELETE"]);
  await using page = await startPage({}, undefined, { isReadOnly: true });
  await page.broker.context.registry.create("orders", 1, {});
  const topic = (await (await fetch(`${page.url}api/topics/orders`)).json()) as TopicDetail;
  expect(topic.may).toEqual(["READ"]);
  const session = (await (await fetch(`${page.url}api/session`)).json()) as SessionState;
  expect(session).toMatchObject({
    ...{ isReadOnly: true, mayRead: true, mayProduce: false, mayCreateTopics: false },
    newTopicPartitions: null,
    ...{ seesCluster: true, mayCloseConnections: false },
  });
});

test("the page is told whether a visitor may write another record beside one that it reads", async () => {
  const mayWrite = async (name: Name): Promise<unknown> => {
    const { fetch: send } = await logInOnPage(sample.url, name);
    return ((await (await send("api/records/orders/0/0")).json()) as ShownRecord).mayWrite;
  };
  expect([await mayWrite("reader"), await mayWrite("admin")]).toEqual([false, true]);
});

test("metrics tell a user only of topics and groups that it may see", async () => {
  const { context } = sample.broker;
  const rights: Right[] = ["DESCRIBE CLUSTER kafka-cluster", "DESCRIBE TOPIC orders"];
  await addUsers(context, { watcher: rights });
  const metricsOf = async (name: string) =>
    (await (await logInOnPage(sample.url, name)).fetch("metrics")).text();
  const ofMonitor = await metricsOf("monitor");
  expect(ofMonitor).toContain("rustlog_build_info");
  expect(ofMonitor).not.toMatch(/orders|billing/);
  const ofWatcher = await metricsOf("watcher");
  expect(ofWatcher).toContain('topic="orders"');
  expect(ofWatcher).not.toContain("billing");
  expect(await metricsOf("admin")).toMatch(/group="billing",topic="orders"/);
});

test("changes need the token of the session, whoever asks", async () => {
  const admin = await logInOnPage(sample.url, "admin");
  const other = await logInOnPage(sample.url, "admin");
  const partition = sample.broker.context.registry.partition("orders", 0);
  const before = partition.logEndOffset;
  const posts = ROWS.filter(({ route }) => !route.startsWith("GET ") && route !== "POST /login");
  expect(posts.length).toBeGreaterThan(2);
  for (const row of posts) {
    for (const token of ["", "x", other.csrfToken, `${admin.csrfToken}x`]) {
      const response = await ask(row, admin.fetch, { "x-csrf-token": token });
      expect(`${row.route} ${response.status}`).toBe(`${row.route} 403`);
      expect(await response.text()).toContain("is not the token of the session");
    }
  }
  expect(partition.logEndOffset).toBe(before);
});

test("a read-only page refuses all changes, also those of an administrator, and while there are no users", async () => {
  await using page = await startPage({}, undefined, { isReadOnly: true });
  const posts = ROWS.filter(({ route }) => !route.startsWith("GET "));
  for (const isSecured of [false, true]) {
    if (isSecured) await addUsers(page.broker.context, { admin: "everything" });
    const send = isSecured
      ? (await logInOnPage(page.url, "admin")).fetch
      : (path: string, init?: RequestInit) =>
          fetch(new URL(path, page.url), { ...init, redirect: "manual" });
    for (const row of posts) {
      const response = await ask(row, send);
      if (HARMLESS.some((path) => row.route === `POST ${path}`)) {
        expect(await response.text()).not.toContain("read-only");
      } else {
        expect(`${row.route} ${response.status}`).toBe(`${row.route} 403`);
        expect(await response.text()).toContain("read-only");
      }
    }
  }
  expect(page.broker.context.registry.find("orders")).toBeUndefined();
});
