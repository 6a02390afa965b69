// `bun run bench:permissions`: what checking permissions costs. Two brokers get the same small batches in turns, one
// without security, the other from a user to whom 1,000 rules apply.
// Leaves to others: logins (logins.ts).
//
//   --pairs N              loads of each broker (9)
//   --dir DIR              directory for the data, on a real disk
//   --json, --markdown, --tiny   as for bench:e2e
import { parseArgs } from "node:util";
import { type Client, connect } from "../src/client/client.js";
import type { Acl } from "../src/index.js";
import type { BrokerProcess } from "../test/support/binary.js";
import { Bench, cpuSeconds, SCALES } from "./e2e/setup.js";
import { percentile, threeDigits } from "./numbers.js";
import { Section } from "./report.js";

const ROOT = { username: "root", password: "s3cret" };
const ANN = { username: "ann", password: "s3cret" };
const RULES = 1_000;
const TOPICS = 20;

const { values } = parseArgs({
  options: {
    pairs: { type: "string" },
    dir: { type: "string" },
    tiny: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
  },
});
const pairs = Number(values.pairs ?? (values.tiny ? 1 : 9));
if (!(pairs > 0)) {
  console.error("--pairs is a number above 0");
  process.exit(2);
}
const RECORDS = values.tiny ? 1_000 : 200_000;

interface Side {
  readonly broker: BrokerProcess;
  readonly client: Client;
}

interface Load {
  readonly recordsPerSecond: number;
  readonly cpuPerRecord: number;
}

/** The last one lets ann write; the others are about the same topics and other users, and about other topics. */
function rules(): Acl[] {
  return Array.from({ length: RULES }, (_, i) => ({
    ...{ resourceType: "TOPIC", resourceName: `t-${i % 100}`, patternType: "LITERAL" },
    ...(i === RULES - 1 ? { resourceName: "t-", patternType: "PREFIXED" } : {}),
    ...{ principal: i === RULES - 1 ? "User:ann" : `User:u${i}`, host: "*" },
    ...{ operation: "ALL", permissionType: "ALLOW" },
  }));
}

/** Sends records in batches of about 1 KiB to all topics: many requests, each of which is checked. */
async function load({ broker, client }: Side): Promise<Load> {
  await using producer = client.producer({ lingerMs: 0, batchBytes: 1_024 });
  const cpuBefore = cpuSeconds(broker.pid);
  const beganMs = performance.now();
  const value = "x".repeat(100);
  for (let i = 0; i < RECORDS; i++) {
    const sent = producer.enqueue(`t-${i % TOPICS}`, { value });
    if (sent instanceof Promise) await sent;
  }
  await producer.flush();
  const seconds = (performance.now() - beganMs) / 1_000;
  return {
    recordsPerSecond: RECORDS / seconds,
    cpuPerRecord: Math.max(1e-9, cpuSeconds(broker.pid) - cpuBefore) / RECORDS,
  };
}

/** The second side of a pair is the first one of the next, so that neither profits from its place. */
async function ratios(open: Side, checked: Side): Promise<Pair[]> {
  const found: Pair[] = [];
  for (let i = 0; i < pairs; i++) {
    const first = await load(i % 2 === 0 ? open : checked);
    const second = await load(i % 2 === 0 ? checked : open);
    const [without, with_] = i % 2 === 0 ? [first, second] : [second, first];
    found.push({
      throughput: with_.recordsPerSecond / without.recordsPerSecond,
      cpu: with_.cpuPerRecord / without.cpuPerRecord,
      recordsPerSecond: with_.recordsPerSecond,
    });
  }
  return found;
}

interface Pair {
  readonly throughput: number;
  readonly cpu: number;
  readonly recordsPerSecond: number;
}

async function secured(bench: Bench): Promise<Side> {
  const file = bench.path();
  await Bun.write(file, `${ROOT.username}:${ROOT.password}\n`);
  const broker = await bench.broker("--flush", "never", "--bootstrap-admin-file", file);
  await using root = await connect({ broker: broker.address, sasl: ROOT });
  await root.admin().setPassword(ANN.username, ANN.password);
  const all = rules();
  for (let from = 0; from < RULES; from += 100)
    await root.admin().alterAcls({ add: all.slice(from, from + 100) });
  return { broker, client: await connect({ broker: broker.address, sasl: ANN }) };
}

using bench = new Bench(values.tiny ? SCALES.tiny : SCALES.whole, values.dir);
const openBroker = await bench.broker("--flush", "never");
const open = { broker: openBroker, client: await connect({ broker: openBroker.address }) };
const checked = await secured(bench);
for (const side of [open, checked]) await load(side);
const measured = await ratios(open, checked);
const median = (of: (pair: Pair) => number): number =>
  percentile(Float64Array.from(measured.map(of)).sort(), 0.5);
const rows = [
  {
    what: "throughput, relative to no security",
    measured: median((it) => it.throughput),
    bar: "≥ 0.98",
  },
  {
    what: "processor time of the broker per record, relative",
    measured: median((it) => it.cpu),
    bar: "≤ 1.02",
  },
  { what: "records per second", measured: median((it) => it.recordsPerSecond), bar: "" },
];
const section = Section.of(`Permissions, ${RULES} rules`, rows, [
  { title: "what", cell: ({ what }) => what },
  { title: "measured", cell: (row) => threeDigits(row.measured) },
  { title: "bar", cell: ({ bar }) => bar },
]);
if (values.json) console.log(JSON.stringify(section.rows, null, 2));
else process.stdout.write(values.markdown ? section.markdown : section.text);
for (const { broker, client } of [open, checked]) {
  await client.close();
  await broker.end("SIGKILL");
}
process.exit(0);
