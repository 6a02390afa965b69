// Attacks on the ports with TLS, by clients that have not logged in, while others work: bun run test:tls --connections 1000 --only 'page: nothing'
// On the port of the broker and on that of the page. Every attacker is to be disconnected in bounded time, at a bounded cost in
// memory, and clients of good will are served meanwhile.
// Leaves to others: what is sent after a login (fuzz.ts), and clients that are stuck or slow (clients.ts).
import net from "node:net";
import { Duplex } from "node:stream";
import tls from "node:tls";
import { parseArgs } from "node:util";
import { connect } from "../src/index.js";
import { BrokerProcess } from "./support/binary.js";
import { Authority } from "./support/certificates.js";
import { tempDir } from "./support/tmp.js";
import { until } from "./support/until.js";

const { values: options } = parseArgs({
  options: {
    connections: { type: "string", default: "1000" },
    only: { type: "string", default: "" },
  },
});
const COUNT = Number(options.connections);
/** Runs the attacks whose line begins with a match. */
const ONLY = new RegExp(`^(?:${options.only})`);

/** A handshake has ten seconds, and one on the page's port five more to close. Some slack for a busy machine. */
const DISCONNECTED_WITHIN_MS = { broker: 12_000, page: 17_000 } as const;
const BYTES_PER_ATTACKER_MAX = 64 * 1024;
/** A good client waits no longer than this. */
const WAIT_MS_MAX = 1_000;

type Kind = "broker" | "page";

/** Sends what it likes on a connection that was just opened. May go on until that is closed. */
type Attack = (socket: net.Socket, port: number) => void | Promise<void>;

const HELLO = await clientHello();

/** Each by itself; `many` of them at a time. */
const ATTACKS: readonly { readonly name: string; readonly many?: true; readonly run: Attack }[] = [
  { name: "plain HTTP", run: (it) => void it.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n") },
  { name: "garbage", run: (it) => void it.write(noise(1_000)) },
  { name: "garbage in a record", run: (it) => void it.write(record(0x16, noise(1_000))) },
  { name: "an alert at once", run: (it) => void it.write(record(0x15, Buffer.from([2, 40]))) },
  {
    name: "a record that is too long",
    run: (it) =>
      void it.write(Buffer.concat([Buffer.from([0x16, 3, 1, 0xff, 0xff]), noise(65_535)])),
  },
  { name: "an endless message", run: endlessMessage },
  { name: "empty records", run: emptyRecords },
  { name: "SSL 2", run: (it) => void it.write(Buffer.from("802e010002001500000010010080", "hex")) },
  { name: "ClientHello with damage", run: (it) => void it.write(damaged(HELLO)) },
  {
    name: "ClientHello, then garbage",
    run: (it) => void it.write(Buffer.concat([HELLO, noise(2_000)])),
  },
  { name: "ClientHello, twice", run: (it) => void it.write(Buffer.concat([HELLO, HELLO])) },
  {
    name: "garbage after the handshake",
    run: (it, port) => afterHandshake(it, port, noise(5_000)),
  },
  {
    name: "a damaged record after the handshake",
    run: (it, port) => afterHandshake(it, port, record(0x17, noise(200))),
  },
  {
    name: "plain HTTP after the handshake",
    run: (it, port) => afterHandshake(it, port, Buffer.from("GET / HTTP/1.1\r\n\r\n")),
  },
  { name: "nothing", many: true, run: () => {} },
  { name: "half a handshake", many: true, run: (it) => void it.write(HELLO) },
  { name: "a byte of a ClientHello a second", many: true, run: slowly },
  {
    name: "a handshake, and then nothing",
    many: true,
    run: (it, port) => afterHandshake(it, port, Buffer.alloc(0)),
  },
];

function noise(length: number): Buffer {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(length)));
}

function record(type: number, content: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from([type, 3, 3, content.length >> 8, content.length & 255]),
    content,
  ]);
}

/** The first bytes of a client. */
async function clientHello(): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (chunk) => {
      resolve(Buffer.from(chunk));
      socket.destroy();
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as net.AddressInfo;
  const client = tls.connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  client.on("error", () => {});
  const hello = await promise;
  client.destroy();
  server.close();
  return hello;
}

function damaged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let i = 0; i < 20; i++) copy[9 + Math.floor(Math.random() * (copy.length - 9))]! ^= 0xff;
  return copy;
}

/** Says that its message has 16 MiB, and sends it. */
async function endlessMessage(socket: net.Socket): Promise<void> {
  const first = Buffer.alloc(16_384);
  first.set([1, 0xff, 0xff, 0xff]);
  for (let i = 0; i < 1_000 && !socket.destroyed; i++) {
    socket.write(record(0x16, i === 0 ? first : Buffer.alloc(16_384)));
    await Bun.sleep(1);
  }
}

async function emptyRecords(socket: net.Socket): Promise<void> {
  const empty = record(0x16, Buffer.alloc(0));
  for (let i = 0; i < 100_000 && !socket.destroyed; i += 100) {
    socket.write(Buffer.concat(Array.from({ length: 100 }, () => empty)));
    await Bun.sleep(1);
  }
}

async function slowly(socket: net.Socket): Promise<void> {
  for (const byte of HELLO) {
    if (socket.destroyed) return;
    socket.write(Buffer.from([byte]));
    await Bun.sleep(1_000);
  }
}

/** Makes a whole handshake, and then sends bytes below TLS. */
async function afterHandshake(socket: net.Socket, _port: number, bytes: Buffer): Promise<void> {
  const below = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, () => done()),
  });
  socket.on("data", (chunk) => below.push(chunk));
  socket.on("close", () => below.push(null));
  const client = tls.connect({ socket: below, rejectUnauthorized: false });
  client.on("error", () => {});
  await new Promise((resolve) => {
    client.once("secureConnect", resolve);
    socket.once("close", resolve);
  });
  if (bytes.length > 0) socket.write(bytes);
}

/** What TLS itself lets a client ask for again and again, sent by openssl: a command a line. */
async function commands(
  port: number,
  command: "R" | "K",
  version: "-tls1_2" | "-tls1_3",
): Promise<{ ms: number; said: string }> {
  const beganMs = performance.now();
  const child = Bun.spawn(["openssl", "s_client", "-connect", `127.0.0.1:${port}`, version], {
    ...{ stdin: "pipe", stdout: "pipe", stderr: "pipe" },
  });
  const texts = Promise.all(
    [child.stdout, child.stderr].map((stream) => new Response(stream).text()),
  );
  await Bun.sleep(200);
  for (let i = 0; i < 2_000 && child.exitCode === null; i++) {
    child.stdin.write(`${command}\n`);
    child.stdin.flush();
    await Bun.sleep(1);
  }
  child.stdin.end();
  const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await child.exited;
  clearTimeout(timer);
  const said =
    /alert (?:unexpected message|no renegotiation)/.exec((await texts).join(""))?.[0] ?? "nothing";
  return { ms: performance.now() - beganMs, said };
}

/** Opens connections and runs an attack on each. Resolves with how long the last one was open, in milliseconds. */
async function attack(
  port: number,
  count: number,
  run: Attack,
  opened: () => void,
): Promise<number> {
  const closed: Promise<number>[] = [];
  let connected = 0;
  for (let i = 0; i < count; i++) {
    const socket = net.connect(port, "127.0.0.1");
    const beganMs = performance.now();
    socket.on("error", () => {});
    socket.on("data", () => {});
    socket.once("connect", () => {
      if (++connected === count) setTimeout(opened, 2_000);
      void run(socket, port);
    });
    closed.push(
      new Promise((resolve) => socket.once("close", () => resolve(performance.now() - beganMs))),
    );
    if (i % 50 === 49) await Bun.sleep(5);
  }
  return Math.max(...(await Promise.all(closed)));
}

/** Measures how long a good client waits at most, until it is stopped. */
function watch(
  work: () => Promise<unknown>,
): () => Promise<{ longestMs: number; count: number; failures: string[] }> {
  let stops = false;
  let longestMs = 0;
  let count = 0;
  const failures: string[] = [];
  const running = (async () => {
    while (!stops) {
      const beganMs = performance.now();
      await work().catch((error: unknown) => failures.push(String(error)));
      longestMs = Math.max(longestMs, performance.now() - beganMs);
      count++;
      await Bun.sleep(20);
    }
  })();
  return async () => {
    stops = true;
    await running;
    return { longestMs, count, failures };
  };
}

using directory = tempDir();
using authority = new Authority();
const { cert, key } = authority.broker();
await Bun.write(`${directory.path}/admin`, "root:s3cret\n");
await using broker = await BrokerProcess.start(
  `${directory.path}/data`,
  ...["--listen", "tls://127.0.0.1:0", "--tls-cert", cert, "--tls-key", key],
  ...["--ui", "0", "--http-tls", "--bootstrap-admin-file", `${directory.path}/admin`],
);
await until(() => broker.lines.some((line) => line.startsWith("Data directory: ")));
const portOf = (pattern: RegExp): number =>
  Number(broker.lines.map((line) => pattern.exec(line)?.[1]).find(Boolean));
const ports = {
  broker: portOf(/^Broker started on tls:\/\/.*:(\d+)$/),
  page: portOf(/^Page on https:\/\/.*:(\d+)\/$/),
};
const good = { ca: authority.caPem };
const client = await connect({
  ...{ broker: `localhost:${ports.broker}`, tls: good },
  sasl: { username: "root", password: "s3cret" },
});
const producer = client.producer({ lingerMs: 0 });
await producer.send("t", { value: "first" });
let failed = 0;

async function check(
  kind: Kind,
  name: string,
  count: number,
  work: (opened: () => void) => Promise<string>,
  withinMs: number,
): Promise<void> {
  if (!ONLY.test(`${kind}: ${name}`)) return;
  const before = broker.rssAnonMiB;
  let during = before;
  const stops = [
    watch(() => producer.send("t", { value: "x".repeat(100) })),
    watch(async () => {
      // A connection of its own each time.
      const opened = await connect({
        broker: `localhost:${ports.broker}`,
        tls: good,
        sasl: { username: "root", password: "s3cret" },
        retries: 0,
      });
      await opened.close();
    }),
    watch(async () => {
      const answer = await fetch(`https://localhost:${ports.page}/`, {
        tls: good,
        keepalive: false,
      });
      if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      await answer.text();
    }),
  ];
  const beganMs = performance.now();
  const said = await work(() => {
    during = broker.rssAnonMiB;
  });
  const ms = performance.now() - beganMs;
  const [produced, connected, page] = await Promise.all(stops.map((stop) => stop()));
  const bytes = ((during - before) * 1024 * 1024) / count;
  const faults = [
    ...(ms > withinMs ? [`it took ${Math.round(ms)} ms`] : []),
    ...(count > 100 && bytes > BYTES_PER_ATTACKER_MAX ? [`${Math.round(bytes)} bytes each`] : []),
    ...[produced, connected, page].flatMap((it) => [
      ...(it!.longestMs > WAIT_MS_MAX
        ? [`a good client waits for ${Math.round(it!.longestMs)} ms`]
        : []),
      ...it!.failures.slice(0, 1),
    ]),
    ...broker.lines.filter((line) => /\bbug\b|fatal/i.test(line)).slice(0, 1),
  ];
  if (faults.length > 0) failed++;
  const waits = [produced, connected, page].map((it) => `${Math.round(it!.longestMs)}`).join("/");
  const memory = count > 100 ? `, ${(bytes / 1024).toFixed(1)} KiB each` : "";
  console.log(
    `${faults.length === 0 ? "ok    " : "FAILED"} ${kind}: ${count} x ${name}: over in ${(ms / 1000).toFixed(1)} s${memory}${said}; ` +
      `longest produce/login/page ${waits} ms${faults.length === 0 ? "" : `: ${faults.join("; ")}`}`,
  );
}

for (const kind of ["broker", "page"] as const) {
  const port = ports[kind];
  for (const { name, many, run } of ATTACKS) {
    const count = many ? COUNT : 20;
    // A guest has thirty seconds to log in, a browser ten for a request.
    const isQuiet = /^a handshake, and/.test(name) && kind === "broker";
    const withinMs = isQuiet ? 32_000 : DISCONNECTED_WITHIN_MS[kind];
    await check(
      kind,
      name,
      count,
      async (opened) => {
        await attack(port, count, run, opened);
        return "";
      },
      withinMs,
    );
  }
  for (const [command, version, name] of [
    ["R", "-tls1_2", "renegotiation"],
    ["K", "-tls1_3", "new keys"],
  ] as const) {
    await check(
      kind,
      name,
      1,
      async () => {
        const { said } = await commands(port, command, version);
        return ` (${said})`;
      },
      20_000,
    );
  }
}
await client.close();
await broker.end("SIGTERM");
console.log(failed === 0 ? "ok" : `${failed} FAILED`);
process.exit(failed === 0 ? 0 : 1);
