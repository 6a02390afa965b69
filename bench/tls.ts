// `bun run bench:tls`: the compiled broker over TLS 1.3, beside a bare `Bun.listen` with TLS that moves the same bytes.
// Leaves to others: everything without TLS (e2e.ts).
//
//   --rounds N, --seconds N   counted pairs of runs (5), and the time of a run (1)
//   --dir DIR                 directory for the data, on a real disk
//   --json, --markdown, --tiny   as for bench:e2e
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { connect } from "../src/client/client.js";
import { encodeProduceRequestHead } from "../src/protocol/native/produce.js";
import { Authority } from "../test/support/certificates.js";
import { RawClient } from "../test/support/raw-client.js";
import { fetchFrame, makeBatch } from "./e2e/load.js";
import { Bench, inPairs, SCALES } from "./e2e/setup.js";
import { barRow, barSection } from "./report.js";

const KiB = 1024;
const TOPIC = "bench";

/** So that no segment is sealed, and flushed, during a run. */
const ONE_SEGMENT = ["--segment-bytes", "2047MiB"];

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "1" },
    dir: { type: "string" },
    json: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
    tiny: { type: "boolean", default: false },
    probe: { type: "string" },
  },
});

/** What a bare server does: it answers each `request` bytes with `response` bytes. */
interface Probe {
  readonly cert: string;
  readonly key: string;
  readonly request: number;
  readonly response: number;
}

/** Serves until the process is killed, and prints the port. */
function serveProbe({ cert, key, request, response }: Probe): void {
  const answer = new Uint8Array(response);
  const send = (socket: Bun.Socket<{ owed: number }>): void => {
    const { data } = socket;
    while (data.owed > 0) {
      const rest = data.owed % response;
      const taken = socket.write(rest === 0 ? answer : answer.subarray(response - rest));
      if (taken <= 0) return;
      data.owed -= taken;
      if (taken < (rest === 0 ? response : rest)) return;
    }
  };
  let received = 0;
  const { port } = Bun.listen<{ owed: number }>({
    ...{ hostname: "127.0.0.1", port: 0 },
    tls: { cert: readFileSync(cert), key: readFileSync(key) },
    socket: {
      open: (socket) => {
        received = 0;
        socket.data = { owed: 0 };
      },
      data: (socket, chunk) => {
        const before = Math.floor(received / request);
        received += chunk.length;
        socket.data.owed += (Math.floor(received / request) - before) * response;
        send(socket);
      },
      drain: send,
    },
  });
  console.log(port);
}

interface Load {
  readonly port: number;
  readonly ca: string;
  readonly frame: Uint8Array;
  readonly inFlight: number;
  /** Bytes of each answer. */
  readonly response: number;
  readonly seconds: number;
}

/** Sends a frame over and over, with so many unanswered. Resolves with answered requests per second. */
async function requestsASecond({ port, ca, frame, inFlight, response, seconds }: Load) {
  const done = Promise.withResolvers<void>();
  let [received, owed, offset] = [0, inFlight, 0];
  let [beganMs, endMs] = [0, 0];
  const send = (socket: Bun.Socket): void => {
    while (owed > 0) {
      const taken = socket.write(offset === 0 ? frame : frame.subarray(offset));
      if (taken <= 0) return;
      offset += taken;
      if (offset < frame.length) return;
      offset = 0;
      owed--;
    }
  };
  const socket = await Bun.connect({
    ...{ hostname: "localhost", port, tls: { ca, rejectUnauthorized: true } },
    socket: {
      handshake: (opened) => {
        beganMs = performance.now();
        send(opened);
      },
      data: (opened, chunk) => {
        const before = Math.floor(received / response);
        received += chunk.length;
        endMs = performance.now();
        if (endMs - beganMs >= seconds * 1_000) return done.resolve();
        owed += Math.floor(received / response) - before;
        send(opened);
      },
      drain: send,
      close: () => done.reject(new Error("the server closed the connection")),
    },
  });
  await done.promise;
  socket.terminate();
  return received / response / ((endMs - beganMs) / 1_000);
}

/** Bytes of the answer to a request. */
async function answerBytes(port: number, frame: Uint8Array): Promise<number> {
  using client = await RawClient.connect(port);
  client.send(frame);
  await client.response(1);
  return client.bytesReceived;
}

async function measure(): Promise<void> {
  using bench = new Bench(SCALES.tiny, values.dir);
  using authority = new Authority();
  const files = authority.broker();
  const tls = ["--listen", "tls://127.0.0.1:0", "--tls-cert", files.cert, "--tls-key", files.key];
  await using broker = await bench.broker("--flush", "never", ...ONE_SEGMENT, ...tls);
  await using client = await connect({ broker: broker.address });
  await client.admin().createTopic(TOPIC);
  const port = Number(/ on tls:\/\/\S+:(\d+)/.exec(broker.lines.join("\n"))?.[1]);
  const { batch } = makeBatch(KiB, 64 * KiB);
  const produced = Buffer.concat([encodeProduceRequestHead(1, TOPIC, 0, batch.length), batch]);
  const fetched = fetchFrame(1, TOPIC, 0, 0, 16 * batch.length);
  for (let i = 0; i < 16; i++) await answerBytes(broker.port, produced);
  const loads = [
    { what: "produce 64 KiB", frame: produced, inFlight: 16, bytes: () => batch.length },
    {
      what: "fetch 16 × 64 KiB",
      frame: fetched,
      inFlight: 2,
      bytes: (response: number) => response,
    },
  ];
  const rows = [];
  for (const { what, frame, inFlight, bytes } of loads) {
    const response = await answerBytes(broker.port, frame);
    const rounds = values.tiny ? 1 : Number(values.rounds);
    const seconds = values.tiny ? 0.05 : Number(values.seconds);
    const load = { ca: authority.caPem, frame, inFlight, response, seconds };
    const megabytes = (rates: readonly number[]): number[] =>
      rates.map((rate) => (rate * bytes(response)) / 1e6);
    // An echo of the records, and a server that moves only what the broker moves.
    const echoed = { request: bytes(response), response: bytes(response) };
    const echo = {
      ...load,
      ...{ frame: new Uint8Array(echoed.request), response: echoed.response },
    };
    for (const [beside, probe, probeLoad, bar] of [
      ["beside an echo", echoed, echo, 0.8],
      ["beside the same bytes", { request: frame.length, response }, load, 0],
    ] as const) {
      const command = [process.execPath, import.meta.path, "--probe"];
      const child = Bun.spawn([...command, JSON.stringify({ ...files, ...probe })], {
        stdout: "pipe",
      });
      const { value } = await child.stdout.getReader().read();
      const probePort = Number(new TextDecoder().decode(value));
      const { first, second } = await inPairs(
        rounds,
        () => requestsASecond({ ...load, port }),
        () => requestsASecond({ ...probeLoad, port: probePort }),
      );
      child.kill();
      rows.push(
        barRow(`${what}, ${beside}`, "MB/s", "≥", bar, megabytes(first), megabytes(second)),
      );
    }
  }
  const section = barSection("TLS 1.3: one connection", rows);
  if (values.json) console.log(JSON.stringify([{ title: section.title, rows }], null, 2));
  else process.stdout.write(values.markdown ? section.markdown : section.text);
}

if (values.probe === undefined) await measure();
else serveProbe(JSON.parse(values.probe) as Probe);
