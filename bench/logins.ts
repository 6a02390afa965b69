// `bun run bench:logins`: what logins cost the broker, and what a flood of them costs others.
// Leaves to others: everything after a login.
//
//   --seconds N            time of each measurement (3)
//   --dir DIR              directory for the data, on a real disk
//   --json, --markdown, --tiny   as for bench:e2e
import { parseArgs } from "node:util";
import { connect } from "../src/client/client.js";
import type { SaslOptions } from "../src/client/login.js";
import { Authenticate } from "../src/protocol/native/authenticate.js";
import { ScramClient, type ScramMechanism } from "../src/security/scram.js";
import type { BrokerProcess } from "../test/support/binary.js";
import { RawClient } from "../test/support/raw-client.js";
import { Bench, cpuSeconds, SCALES } from "./e2e/setup.js";
import { percentile, threeDigits } from "./numbers.js";
import { Section } from "./report.js";

const USER = { username: "root", password: "s3cret" };

/** Logins at the same time: enough that the broker never waits for one. */
const AT_ONCE = 16;

/** Connections of a flood. */
const FLOOD = 64;

/** The bar, and the steady rate beside which pings are measured. */
const LOGINS_A_SECOND = 200;

const { values } = parseArgs({
  options: {
    seconds: { type: "string" },
    dir: { type: "string" },
    tiny: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
  },
});
const runMs = Number(values.seconds ?? (values.tiny ? 0.1 : 3)) * 1_000;
if (!(runMs > 0)) {
  console.error("--seconds is a number above 0");
  process.exit(2);
}

interface Row {
  readonly what: string;
  readonly unit: string;
  readonly measured: number;
  readonly bar: string;
}

type Mechanism = ScramMechanism | "PLAIN";

async function logIn(port: number, mechanism: Mechanism): Promise<void> {
  using client = await RawClient.connect(port);
  const send = async (id: number, message: Uint8Array) => {
    const request = { mechanism: id === 1 ? mechanism : "", message };
    client.send(Authenticate.encodeRequest(id, request));
    return Authenticate.decodeResponse(await client.response(id));
  };
  const { username, password } = USER;
  if (mechanism === "PLAIN") {
    await send(1, Buffer.from(`\0${username}\0${password}`));
    return;
  }
  const scram = new ScramClient(mechanism, username, password);
  const challenge = await send(1, scram.first());
  scram.check((await send(2, await scram.answer(challenge.message))).message);
}

/** Runs `work` on several connections until the time is over. Resolves with how often it ran. */
async function repeated(atOnce: number, work: () => Promise<void>): Promise<number> {
  const endMs = performance.now() + runMs;
  let count = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < endMs) {
      await work();
      count++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return count;
}

/** Durations of `work` in milliseconds, sorted, one after the other until the time is over. */
async function durations(work: () => Promise<void>): Promise<Float64Array> {
  const taken: number[] = [];
  await repeated(1, async () => {
    const beganMs = performance.now();
    await work();
    taken.push(performance.now() - beganMs);
    await Bun.sleep(1);
  });
  return Float64Array.from(taken).sort();
}

async function loginsPerCore({ port, pid }: BrokerProcess, mechanism: Mechanism): Promise<Row> {
  await logIn(port, mechanism);
  const before = cpuSeconds(pid);
  const count = await repeated(AT_ONCE, () => logIn(port, mechanism));
  // A short run may be below the resolution of the kernel's clock.
  const seconds = Math.max(0.01, cpuSeconds(pid) - before);
  return {
    ...{ what: `logins with ${mechanism}, 4,096 iterations`, unit: "/s and core" },
    ...{ measured: count / seconds, bar: `≥ ${LOGINS_A_SECOND}` },
  };
}

/** How long a ping takes while others log in at a steady rate: as long as a login holds the loop. */
async function pings({ port, address }: BrokerProcess, sasl: SaslOptions): Promise<Row[]> {
  await using client = await connect({ broker: address, sasl });
  const ping = () => client.ping();
  const alone = await durations(ping);
  const logins: Promise<void>[] = [];
  const timer = setInterval(
    () => logins.push(logIn(port, "SCRAM-SHA-256")),
    1_000 / LOGINS_A_SECOND,
  );
  const beside = await durations(ping);
  clearInterval(timer);
  await Promise.all(logins);
  const row = (what: string, measured: number, bar = "") => ({ what, unit: "ms", measured, bar });
  return [
    row("ping, p99, alone", percentile(alone, 0.99)),
    row(`ping, p99, beside ${LOGINS_A_SECOND} logins/s`, percentile(beside, 0.99), "≤ 10"),
  ];
}

/** How long an acknowledged, flushed record takes while many log in with PLAIN, each of which is a check of a password. */
async function flushes({ port, address }: BrokerProcess, sasl: SaslOptions): Promise<Row[]> {
  await using client = await connect({ broker: address, sasl });
  const producer = client.producer({ lingerMs: 0 });
  const send = async (): Promise<void> => {
    await producer.send("bench", { value: "x".repeat(970) });
  };
  await send();
  const alone = await durations(send);
  const flood = repeated(FLOOD, () => logIn(port, "PLAIN"));
  const beside = await durations(send);
  const logins = (await flood) / (runMs / 1_000);
  const row = (what: string, measured: number, unit = "ms") => ({ what, unit, measured, bar: "" });
  return [
    row("produce with --flush always, p50, alone", percentile(alone, 0.5)),
    row("the same, p99", percentile(alone, 0.99)),
    row(`produce, p50, beside ${FLOOD} clients that log in with PLAIN`, percentile(beside, 0.5)),
    row("the same, p99", percentile(beside, 0.99)),
    row("logins of the flood", logins, "/s"),
  ];
}

using bench = new Bench(values.tiny ? SCALES.tiny : SCALES.whole, values.dir);
const admin = bench.path();
await Bun.write(admin, `${USER.username}:${USER.password}\n`);
await using broker = await bench.broker("--bootstrap-admin-file", admin);
const rows = [
  await loginsPerCore(broker, "SCRAM-SHA-256"),
  await loginsPerCore(broker, "SCRAM-SHA-512"),
  await loginsPerCore(broker, "PLAIN"),
  ...(await pings(broker, USER)),
  ...(await flushes(broker, USER)),
];
const section = Section.of("Logins", rows, [
  { title: "what", cell: ({ what }) => what },
  { title: "measured", cell: ({ measured, unit }) => `${threeDigits(measured)} ${unit}` },
  { title: "bar", cell: ({ bar }) => bar },
]);
if (values.json) console.log(JSON.stringify(section.rows, null, 2));
else process.stdout.write(values.markdown ? section.markdown : section.text);
await broker.end("SIGKILL");
process.exit(0);
