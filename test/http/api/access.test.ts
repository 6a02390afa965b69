// Who may use the page: logging in and out, and attacks on that. Leaves to others: permissions (page-permissions.test.ts),
// and how long sessions last (sessions.test.ts).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { GroupRows } from "../../../src/http/page/groups/group-wire.js";
import type { GroupsState, Overview, SessionState, Tick } from "../../../src/http/page/wire.js";
import { pageRoutes } from "../../../src/http/api/routes.js";
import { monitoringRoutes } from "../../../src/http/monitoring.js";
import { batchOf } from "../../support/broker.js";
import { Authority, HAS_OPENSSL } from "../../support/certificates.js";
import { type PageSample, startPage } from "../../support/page-sample.js";
import { addUsers, logInOnPage, ruleOf, sendLogin } from "../../support/page-users.js";
import { eventsOf } from "../../support/page-events.js";
import { until } from "../../support/until.js";

let sample: PageSample;

beforeAll(async () => {
  sample = await startPage();
  const { context } = sample.broker;
  const { registry, offsets } = context;
  for (const name of ["mine", "hidden"]) {
    await registry.create(name, 1, {});
    await registry.partition(name, 0).append(batchOf("a", "b"));
    await offsets.commit("shared", [{ topic: name, partition: 0, offset: 0 }]);
  }
  await offsets.commit("hidden-group", [{ topic: "mine", partition: 0, offset: 0 }]);
  await addUsers(context, {
    root: "everything",
    ann: ["READ TOPIC mine", "WRITE TOPIC mine", "DESCRIBE GROUP shared"],
  });
});
afterAll(() => sample[Symbol.asyncDispose]());

function session(cookie: string): Promise<Response> {
  return fetch(`${sample.url}api/session`, { headers: { cookie } });
}

const cookieIn = (response: Response): string =>
  (response.headers.get("set-cookie") ?? "").split(";")[0]!;

describe("a login", () => {
  test("opens a session that lasts until the logout", async () => {
    const response = await sendLogin(sample.url, "ann");
    expect(response.status).toBe(303);
    expect(response.headers.get("location")).toBe("/");
    const set = response.headers.get("set-cookie");
    expect(set).toMatch(/^rustlog-[\da-f]{8}=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    const ann = await logInOnPage(sample.url, "ann");
    expect(await (await ann.fetch("api/session")).json()).toEqual({
      ...{ user: "ann", csrfToken: ann.csrfToken, isReadOnly: false },
      ...{ mayRead: true, mayProduce: true, mayCreateTopics: false },
      ...{ seesCluster: false, mayCloseConnections: false, newTopicPartitions: null },
    });
    expect(await (await ann.fetch("/")).text()).toContain('id="views"');
    const left = await ann.fetch("logout", { method: "POST" });
    expect(left.status).toBe(204);
    expect(left.headers.get("set-cookie")).toContain("Max-Age=0");
    // A copy of the cookie is worth nothing any more.
    expect((await ann.fetch("api/session")).status).toBe(401);
    expect(await (await ann.fetch("/")).text()).not.toContain('id="views"');
  });

  test.skipIf(!HAS_OPENSSL)(
    "sends its cookie through TLS only, if it came through TLS",
    async () => {
      using authority = new Authority();
      const { cert, key } = authority.broker();
      const files = { tlsCert: cert, tlsKey: key };
      await using page = await startPage(files, undefined, { isTls: true });
      const onlyHere = { ...ruleOf("ann", "DESCRIBE CLUSTER kafka-cluster"), host: "127.0.0.1" };
      await addUsers(page.broker.context, { root: "everything", ann: [] });
      await page.broker.context.security.change(() => ({ aclsAdded: [onlyHere] }));
      const tls = { ca: authority.caPem };
      const body = new URLSearchParams({ user: "ann", password: "ann" });
      const init = { method: "POST", body, redirect: "manual", tls } as const;
      const response = await fetch(`${page.url}login`, init);
      const set = response.headers.get("set-cookie");
      expect(set).toMatch(
        /^__Host-rustlog-\w+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
      );
      const headers = { cookie: cookieIn(response) };
      const state = await fetch(`${page.url}api/session`, { headers, tls });
      // The address of the client is known behind TLS, too.
      expect(await state.json()).toMatchObject({ user: "ann", seesCluster: true });
      // Set by another program of the host, without TLS.
      const weaker = { cookie: cookieIn(response).replace("__Host-", "") };
      expect((await fetch(`${page.url}api/session`, { headers: weaker, tls })).status).toBe(401);
    },
  );

  test("fails in the same way for a wrong password, an unknown user, and a name that ends too early", async () => {
    const failed = await Promise.all([
      sendLogin(sample.url, "ann", "no"),
      sendLogin(sample.url, `"><b>&'$&`, "no"),
      sendLogin(sample.url, "root\0ann", "ann"),
      sendLogin(sample.url, "x".repeat(250), "no"),
    ]);
    const texts = await Promise.all(failed.map((response) => response.text()));
    for (const { status, headers } of failed) {
      expect(status).toBe(401);
      expect(headers.get("set-cookie")).toBeNull();
    }
    expect(texts[0]).toContain("The user or the password is wrong.");
    // Only the name that was sent is there again, as text, if a user may have it.
    const NAME = /(?<=<input\s+name="user") value="([^"]*)"/;
    expect(texts.map((text) => NAME.exec(text)?.[1])).toEqual([
      ...["ann", "&quot;&gt;&lt;b&gt;&amp;&#x27;$&amp;", "", ""],
    ]);
    const others = texts.map((text) => text.replace(NAME, ""));
    expect(others[0]).not.toContain("ann");
    expect(new Set(others).size).toBe(1);
  });

  test.each([
    ["no form", { method: "POST", body: "{}", headers: { "content-type": "application/json" } }],
    ["no user", { method: "POST", body: new URLSearchParams({ password: "ann" }) }],
    ["no password", { method: "POST", body: new URLSearchParams({ user: "ann" }) }],
    [
      "a long form",
      { method: "POST", body: new URLSearchParams({ user: "ann", password: "x".repeat(5_000) }) },
    ],
  ] as const)("with %s is refused", async (_, init) => {
    const response = await fetch(`${sample.url}login`, { ...init, redirect: "manual" });
    expect(response.status).toBe(400);
    expect(response.headers.get("set-cookie")).toBeNull();
  });

  test("is not possible from a page of another origin", async () => {
    const response = await sendLogin(sample.url, "ann", "ann", { origin: "http://evil.example" });
    expect(response.status).toBe(403);
    expect(response.headers.get("set-cookie")).toBeNull();
  });

  test("gives the session an id of its own, and ends the one before", async () => {
    const [name] = (await logInOnPage(sample.url, "ann")).cookie.split("=");
    const planted = `${name}=${"A".repeat(43)}`;
    expect((await session(planted)).status).toBe(401);
    const first = cookieIn(await sendLogin(sample.url, "ann", "ann", { cookie: planted }));
    expect(first).not.toBe(planted);
    expect((await session(planted)).status).toBe(401);
    const second = cookieIn(await sendLogin(sample.url, "root", "root", { cookie: first }));
    expect((await session(first)).status).toBe(401);
    expect(await (await session(second)).json()).toMatchObject({ user: "root" });
  });

  test("comes through a flood of wrong ones, of which few are under way", async () => {
    await using page = await startPage();
    await addUsers(page.broker.context, { root: "everything" });
    const count = { refused: 0, failed: 0 };
    for (let i = 0; i < 40; i++) {
      sendLogin(page.url, "root", "guess")
        .then(({ status }) => {
          if (status === 429) count.refused++;
          if (status === 401) count.failed++;
        })
        // Cut off at the end.
        .catch(() => {});
    }
    // Those that are under way wait for their answer, the first one for the shortest time.
    await until(() => count.refused >= 30 && count.failed > 0);
    expect((await sendLogin(page.url, "root")).status).toBe(303);
    expect(page.access.sessions.size).toBe(1);
  });
});

test("rules are asked with the address of each request, not with that of the login", async () => {
  const { context } = sample.broker;
  const here = { ...ruleOf("max", "READ TOPIC hidden"), host: "127.0.0.1" };
  await addUsers(context, { max: ["READ TOPIC mine"] });
  await context.security.change(() => ({ aclsAdded: [here] }));
  const { cookie } = await logInOnPage(sample.url, "max");
  const request = new Request(sample.url, { headers: { cookie } });
  const readable = (address: string) => {
    const visitor = sample.access.visitorOf(request, { address, isSecure: false });
    return ["mine", "hidden"].filter((name) => visitor?.context.caller.may("READ", "TOPIC", name));
  };
  expect(readable("127.0.0.1")).toEqual(["mine", "hidden"]);
  for (let i = 1; i < 7; i++) expect(readable(`10.0.0.${i}`)).toEqual(["mine"]);
  expect(readable("127.0.0.1")).toEqual(["mine", "hidden"]);
  await context.security.change(() => ({ usersDeleted: ["max"] }));
  expect(
    sample.access.visitorOf(request, { address: "10.0.0.6", isSecure: false }),
  ).toBeUndefined();
});

test("a page of another origin can't use a session", async () => {
  const { fetch: send } = await logInOnPage(sample.url, "ann");
  const { registry } = sample.broker.context;
  const before = registry.partition("mine", 0).logEndOffset;
  const body = JSON.stringify({ topic: "mine", partition: 0, key: null, value: "x" });
  const init = { method: "POST", body };
  const type = { "content-type": "application/json" };
  for (const foreign of [
    { origin: "http://evil.example" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
    { host: "evil.example" },
  ] as Record<string, string>[]) {
    const headers = { ...type, ...foreign };
    expect((await send("api/produce", { ...init, headers })).status).toBe(403);
    expect((await send("api/session", { headers: foreign })).status).toBe(403);
  }
  expect(registry.partition("mine", 0).logEndOffset).toBe(before);
  expect((await send("api/produce", { ...init, headers: type })).status).toBe(200);
});

test("nobody learns anything without a login, whatever they ask for", async () => {
  const { broker, access } = sample;
  const routes = { ...monitoringRoutes(broker), ...pageRoutes(broker, "always", access) };
  const secrets = [/hidden/, /mine/, /shared/, /ann/, /root/, /127\.0\.0\.1:/, /rustlog_/];
  for (const [path, methods] of Object.entries(routes)) {
    for (const method of [...Object.keys(methods), "DELETE"]) {
      for (const cookie of ["", "rustlog=x", `${"a=b; ".repeat(200)}x=y`]) {
        const named = path
          .replace(":topic/:partition/:question", "hidden/0/lookup?offset=0")
          .replace(":page", "x");
        const url = new URL(named.replace(":file", "unknown.js"), sample.url);
        const body = method === "POST" ? "{}" : null;
        const response = await fetch(url, { method, body, headers: { cookie } });
        const text = `${await response.text()} ${JSON.stringify([...response.headers])}`;
        for (const secret of secrets) expect(`${method} ${path}: ${text}`).not.toMatch(secret);
      }
    }
  }
});

describe("on one connection", () => {
  const HOST = "Host: 127.0.0.1\r\n";
  const ofAnn = async () => {
    const { cookie } = await logInOnPage(sample.url, "ann");
    return `GET /api/session HTTP/1.1\r\n${HOST}Cookie: ${cookie}\r\n\r\n`;
  };

  test("each request needs a cookie of its own", async () => {
    const without = `GET /api/session HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
    expect(await statusesOf(`${await ofAnn()}${without}`)).toEqual(["200", "401"]);
  });

  test.each([
    ["two lengths", "Content-Length: 0\r\nContent-Length: 5"],
    ["a length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked"],
    ["an unknown encoding", "Transfer-Encoding: xchunked"],
    ["a length with a sign", "Content-Length: +0"],
    ["a space before the colon", "Content-Length : 5"],
    ["a folded header", "X: a\r\n Cookie: b"],
  ])(
    "nothing follows a request with %s, of which two readers could see different ends",
    async (_, headers) => {
      const first = `POST /login HTTP/1.1\r\n${HOST}${headers}\r\n\r\n0\r\n\r\n`;
      expect(await statusesOf(`${first}${await ofAnn()}`)).toEqual(["400"]);
    },
  );

  test("a body is not taken for a request", async () => {
    const inside = await ofAnn();
    const close = `Connection: close\r\nContent-Length: ${inside.length}`;
    expect(await statusesOf(`GET /health HTTP/1.1\r\n${HOST}${close}\r\n\r\n${inside}`)).toEqual([
      "200",
    ]);
  });
});

/** Sends bytes to the page; resolves with the statuses of all answers once the broker has closed the connection. */
async function statusesOf(text: string): Promise<string[]> {
  const closed = Promise.withResolvers<void>();
  let received = "";
  const socket = await Bun.connect({
    ...{ hostname: "127.0.0.1", port: Number(new URL(sample.url).port) },
    socket: {
      data: (_, bytes) => {
        received += new TextDecoder().decode(bytes);
      },
      close: () => closed.resolve(),
    },
  });
  socket.write(text);
  await closed.promise;
  return [...received.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status = ""]) => status);
}

test("the script of the worker is for those who have logged in, and may only do what the page may", async () => {
  const { fetch: send } = await logInOnPage(sample.url, "root");
  const html = await (await send("/")).text();
  const script = /name="events-worker" content="(\/[^"]+)"/.exec(html)?.[1] ?? "";
  const { status, headers } = await send(script);
  expect(status).toBe(200);
  expect(headers.get("content-type")).toContain("javascript");
  const policy = headers.get("content-security-policy");
  expect(policy).toStartWith("default-src 'none'; script-src 'self'");
  expect(policy).toContain("connect-src 'self'");
  expect((await fetch(new URL(script, sample.url))).status).toBe(404);
});

test("what is sent is not kept by a browser, and not shown in a frame", async () => {
  const { fetch: send } = await logInOnPage(sample.url, "root");
  for (const path of ["/", "api/session", "api/groups", "metrics", "health", "nothing", "a/b/c"]) {
    for (const response of [await send(path), await fetch(new URL(path, sample.url))]) {
      const { headers } = response;
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(headers.get("content-security-policy")).not.toContain("unsafe");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("same-origin");
    }
  }
});

describe("a visitor", () => {
  test("is told only of topics and groups that it may see, and of more when it may", async () => {
    const { context } = sample.broker;
    await addUsers(context, { eve: ["DESCRIBE TOPIC mine", "DESCRIBE GROUP shared"] });
    const { fetch: send } = await logInOnPage(sample.url, "eve");
    const events = eventsOf((await send("api/events")).body!);
    const overview = (await events.next()).value!.data as Overview;
    expect(overview.topics.map(({ name }) => name)).toEqual(["mine"]);
    expect(overview.topicCount).toBe(1);
    expect(overview.totals).toMatchObject({ receivedBytes: 0, sentBytes: 0, connections: 0 });
    let partitions: string[] = [];
    let groups: GroupsState | undefined;
    while (partitions.length === 0 || groups === undefined) {
      const tick = (await events.next()).value!.data as Tick;
      partitions = [...partitions, ...tick.partitions.map(({ topic }) => topic)];
      groups ??= tick.groups;
    }
    expect(partitions).toEqual(["mine"]);
    const lag = context.registry.partition("mine", 0).highWatermark;
    expect(groups).toMatchObject({
      count: 1,
      groups: [{ group: "shared", lag, partitions: 1 }],
      offsets: [{ group: "shared", topic: "mine" }],
    });
    const listed = (await (await send("api/groups")).json()) as GroupRows;
    expect(listed).toMatchObject({ rows: [{ group: "shared", lag, partitions: 1 }], matching: 1 });
    expect(await (await send("api/groups?filter=hidden")).json()).toMatchObject({ matching: 0 });
    await context.security.change(() => ({ aclsAdded: [ruleOf("eve", "READ TOPIC hidden")] }));
    for (;;) {
      const { name, data } = (await events.next()).value!;
      if (name === "overview" && (data as Overview).topicCount === 2) break;
    }
    for (let seen = false; !seen;) {
      const { name, data } = (await events.next()).value!;
      if (name === "tick") seen = (data as Tick).partitions.some(({ topic }) => topic === "hidden");
    }
    await events.return(undefined);
  });

  test.each([
    ["deleted", () => sample.broker.context.security.change(() => ({ usersDeleted: ["bob"] }))],
    ["given another password", () => addUsers(sample.broker.context, { bob: [] }, () => "other")],
  ])("that is %s is disconnected, and logged out", async (_, change) => {
    await addUsers(sample.broker.context, { bob: [] });
    const { fetch: send } = await logInOnPage(sample.url, "bob");
    const events = eventsOf((await send("api/events")).body!);
    await events.next();
    await change();
    expect((await send("api/session")).status).toBe(401);
    while ((await events.next()).done !== true);
  });

  test("that logs out in one window is disconnected in all of the session", async () => {
    const { fetch: send } = await logInOnPage(sample.url, "ann");
    const events = eventsOf((await send("api/events")).body!);
    await events.next();
    await send("logout", { method: "POST" });
    while ((await events.next()).done !== true);
  });

  test("from before there were users is disconnected, and has to log in", async () => {
    await using page = await startPage();
    const state = await fetch(`${page.url}api/session`);
    expect((await state.json()) as SessionState).toEqual({
      ...{ user: null, csrfToken: null, isReadOnly: false },
      ...{ mayRead: true, mayProduce: true, mayCreateTopics: true },
      ...{ seesCluster: true, mayCloseConnections: true, newTopicPartitions: 1 },
    });
    const events = eventsOf((await fetch(`${page.url}api/events`)).body!);
    await events.next();
    await addUsers(page.broker.context, { root: "everything" });
    while ((await events.next()).done !== true);
    expect((await fetch(`${page.url}api/session`)).status).toBe(401);
  });
});

test("a user has a limited number of open pages", async () => {
  const { fetch: send } = await logInOnPage(sample.url, "ann");
  const pages = await Promise.all(Array.from({ length: 32 }, () => send("api/events")));
  expect((await send("api/events")).status).toBe(503);
  const root = await logInOnPage(sample.url, "root");
  const other = await root.fetch("api/events");
  expect(other.status).toBe(200);
  for (const page of [...pages, other]) await page.body?.cancel();
});
