// The HTTP port: what it serves, and which requests it rejects. Leaves to others: the responses (monitoring.test.ts).
import { expect, test } from "bun:test";
import { type HttpOptions, HttpServer } from "../../src/http/http-server.js";
import { HAS_IPV6 } from "../support/ipv6.js";

const lines: string[] = [];

function start(options: Partial<HttpOptions> = {}): HttpServer & AsyncDisposable {
  const server = new HttpServer({
    host: "127.0.0.1",
    port: 0,
    flags: { host: "--http-host", port: "--metrics-port" },
    routes: {
      "/hello": { GET: ({ method }) => new Response(method) },
      "/echo/:word": {
        GET: ({ params }) => Response.json(params),
        POST: (request) => new Response(request.body),
      },
      "/bug": {
        GET: () => {
          throw new Error("of ours");
        },
      },
    },
    log: (line) => lines.push(line),
    ...options,
  });
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.stop() });
}

async function ask(server: HttpServer, path: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
  return `${response.status} ${await response.text()}`;
}

test("answers routes by path and method, and rejects everything else with a reason", async () => {
  await using server = start();
  expect(await ask(server, "/hello?x=1")).toBe("200 GET");
  expect(await ask(server, "/echo/a")).toBe('200 {"word":"a"}');
  expect(await ask(server, "/echo/a", { method: "POST", body: "b" })).toBe("200 b");
  expect(await ask(server, "/nothing")).toBe("404 not found\n");
  const refused = await fetch(`${server.url}/hello`, { method: "DELETE" });
  expect(refused.status).toBe(405);
  expect(refused.headers.get("allow")).toBe("GET, HEAD");
  expect(await refused.text()).toBe("method DELETE is not allowed; use GET, HEAD\n");
});

test("answers HEAD like GET, without the body", async () => {
  await using server = start();
  const response = await fetch(`${server.url}/hello`, { method: "HEAD" });
  expect(response.status).toBe(200);
  expect(await response.text()).toBe("");
});

test("rejects a body of more than 1 MiB", async () => {
  await using server = start();
  const post = (bytes: number) =>
    fetch(`${server.url}/echo/a`, { method: "POST", body: new Uint8Array(bytes) });
  expect((await (await post(1024 * 1024)).bytes()).length).toBe(1024 * 1024);
  expect((await post(1024 * 1024 + 1)).status).toBe(413);
});

test("hides the cause of an internal error, and logs it", async () => {
  await using server = start();
  lines.length = 0;
  const answer = await ask(server, "/bug");
  expect(answer).toBe("500 internal error; see the broker's log\n");
  expect(lines.join("\n")).toContain("of ours");
});

test.skipIf(!HAS_IPV6)("on loopback it serves ::1 as well as 127.0.0.1", async () => {
  await using server = start();
  const response = await fetch(`http://[::1]:${server.port}/hello`);
  expect(await response.text()).toBe("GET");
  expect(await ask(server, "/hello")).toBe("200 GET");
});

test.each(["localhost", "127.0.0.1:80", "[::1]:9644", "LOCALHOST:1"])(
  "is called %j on loopback",
  async (host) => {
    await using server = start();
    expect(await ask(server, "/hello", { headers: { host } })).toBe("200 GET");
  },
);

test.each(["evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "10.0.0.1"])(
  "is not called %j on loopback: a page whose name was given our address gets nothing",
  async (host) => {
    await using server = start();
    const name = host.replace(":80", "");
    const refusal = `403 '${name}' is not a name of this machine; allow it with --http-allowed-host ${name}\n`;
    expect(await ask(server, "/hello", { headers: { host } })).toBe(refusal);
    expect(await ask(server, "/nothing", { headers: { host } })).toBe(refusal);
  },
);

test("warns on a public address that there is no authentication", async () => {
  lines.length = 0;
  await using server = start({ host: "0.0.0.0" });
  expect(lines).toEqual([
    `listening on http://0.0.0.0:${server.port}, reachable from other machines: there is no authentication`,
  ]);
});

test("warns on a public address that passwords are not protected by TLS", async () => {
  lines.length = 0;
  await using server = start({ host: "0.0.0.0", isOpen: false });
  expect(lines).toEqual([
    `listening on http://0.0.0.0:${server.port}, reachable from other machines without TLS: ` +
      "passwords, cookies and tokens can be read on the way; use --http-tls",
  ]);
});

test.each(["GET", "POST", "HEAD"])(
  "beyond loopback a %s under a name that is not allowed is refused, whatever its path",
  async (method) => {
    await using server = start({ host: "0.0.0.0", allowedHosts: ["broker.example"] });
    for (const host of ["evil.example", "evil.example:9093", "broker.example.evil.example"]) {
      const headers = { host, origin: `http://${host}` };
      for (const path of ["/hello", "/echo/a", "/nothing"]) {
        expect(await ask(server, path, { method, headers })).toStartWith("403 ");
      }
    }
  },
);

test.each(["broker.example", "Broker.Example.:9093", "127.0.0.1", "localhost:1", "10.1.2.3:80"])(
  "beyond loopback it answers to %j: an allowed name, an address, or this machine",
  async (host) => {
    await using server = start({ host: "0.0.0.0", allowedHosts: ["broker.example"] });
    expect(await ask(server, "/hello", { headers: { host } })).toBe("200 GET");
  },
);

test("a name can be allowed on loopback too", async () => {
  await using server = start({ allowedHosts: ["rustlog.test"] });
  expect(await ask(server, "/hello", { headers: { host: "rustlog.test:80" } })).toBe("200 GET");
});

test.each([
  "GET /hello HTTP/1.0\r\n\r\n",
  "GET /hello HTTP/1.0\r\nHost:\r\n\r\n",
  "GET /hello HTTP/1.1\r\nHost: local host\r\n\r\n",
  "GET /hello HTTP/1.1\r\nHost: localhost:99999\r\n\r\n",
  "GET /hello HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
  "GET /hello HTTP/1.1\r\nHost: user@localhost\r\n\r\n",
  "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "GET hello HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "\u0001\u0002\r\n\r\n",
])("%j is answered with 400, and nothing is logged", async (text) => {
  lines.length = 0;
  await using server = start();
  const answer = await exchange(server.port, text);
  expect(answer).toStartWith("HTTP/1.1 400 ");
  expect(lines).toEqual([]);
});

/** Sends bytes on a new connection; resolves with the first that come back. */
async function exchange(port: number, text: string): Promise<string> {
  const answer = Promise.withResolvers<string>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_, bytes) => answer.resolve(new TextDecoder().decode(bytes)),
      close: () => answer.resolve(""),
    },
  });
  socket.write(text);
  const received = await answer.promise;
  socket.end();
  return received;
}

test("a page of another origin gets nothing, the own page does", async () => {
  await using server = start();
  for (const origin of ["http://evil.example", "http://127.0.0.1:1", "null"]) {
    const answer = await ask(server, "/echo/a", { method: "POST", body: "b", headers: { origin } });
    expect(answer).toBe(`403 pages from ${origin} may not use this broker\n`);
  }
  const headers = { origin: server.url };
  expect(await ask(server, "/echo/a", { method: "POST", body: "b", headers })).toBe("200 b");
});

test("requests embedded in another origin's page are rejected, a link is followed", async () => {
  await using server = start();
  const askFrom = (site: string, mode: string) =>
    ask(server, "/hello", { headers: { "sec-fetch-site": site, "sec-fetch-mode": mode } });
  for (const site of ["cross-site", "same-site"]) {
    const refusal = "403 pages from another origin may not use this broker\n";
    expect(await askFrom(site, "no-cors")).toBe(refusal);
    expect(await askFrom(site, "navigate")).toBe("200 GET");
  }
  expect(await askFrom("same-origin", "cors")).toBe("200 GET");
  expect(await askFrom("none", "navigate")).toBe("200 GET");
});

test("a port in use is reported with the flag that changes it", async () => {
  await using other = start();
  const again = () => start({ port: other.port });
  expect(again).toThrow(`127.0.0.1:${other.port} is in use: `);
  expect(again).toThrow("choose another --metrics-port");
});

test("more than 192 concurrent requests are rejected until one is answered", async () => {
  const held = Promise.withResolvers<void>();
  await using server = start({
    routes: {
      "/held": { GET: () => held.promise.then(() => new Response("at last")) },
      "/hello": { GET: () => new Response("hello") },
    },
  });
  const waiting = Array.from({ length: 192 }, () => ask(server, "/held"));
  let answer = "";
  // They have their own connections, and this one may arrive before the last of them.
  while (!answer.startsWith("503")) answer = await ask(server, "/hello");
  expect(answer).toBe("503 too many concurrent requests (192)\n");
  held.resolve();
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(["200 at last"]));
  expect(await ask(server, "/hello")).toBe("200 hello");
});

test("a stop ends streaming responses", async () => {
  const cancelled = Promise.withResolvers<void>();
  const endless = () =>
    new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("first")),
      cancel: () => cancelled.resolve(),
    });
  await using server = start({ routes: { "/stream": { GET: () => new Response(endless()) } } });
  const reader = (await fetch(`${server.url}/stream`)).body!.getReader();
  await reader.read();
  await server.stop();
  await cancelled.promise;
});
