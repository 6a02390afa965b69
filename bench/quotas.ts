// `bun run bench:quotas`: what counting for quotas costs that nobody reaches. One broker gets the same small batches again and
// again, with and without quotas in turns: two processes differ by more than what is to be measured.
// Leaves to others: what happens beyond a quota (test/quotas.ts).
//
//   --pairs N              loads with and without quotas (60)
//   --dir DIR              directory for the data, on a real disk
//   --json, --markdown, --tiny   as for bench:e2e
import { readdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { connect, type QuotaChange } from "../src/index.js";
import { Bench, SCALES } from "./e2e/setup.js";
import { percentile, threeDigits } from "./numbers.js";
import { Section } from "./report.js";

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
const pairs = Number(values.pairs ?? (values.tiny ? 2 : 60));
if (!(pairs > 1)) {
  console.error("--pairs is a number above 1");
  process.exit(2);
}
const RECORDS = values.tiny ? 1_000 : 250_000;

/** Far above what this load uses. */
const FAR = 1e15;
const NAMES = ["producer_byte_rate", "consumer_byte_rate", "request_percentage"] as const;

function quotas(value: number | undefined): QuotaChange {
  return {
    entity: { user: null },
    values: Object.fromEntries(NAMES.map((name) => [name, value ?? null])),
  };
}

/** Time that all threads of a process have run, in milliseconds: the kernel counts it in nanoseconds here. */
function runMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const ns = threads.map((thread) => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8");
    return Number(text.split(" ")[0]);
  });
  return ns.reduce((sum, each) => sum + each, 0) / 1e6;
}

using bench = new Bench(values.tiny ? SCALES.tiny : SCALES.whole, values.dir);
const broker = await bench.broker("--flush", "never", "--retention-bytes", "1MiB");
const client = await connect({ broker: broker.address });

/** Sends records in batches of about 1 KiB, each a request. Returns the broker's time for a record, in microseconds. */
async function load(): Promise<number> {
  await using producer = client.producer({ lingerMs: 0, batchBytes: 1_024 });
  const before = runMs(broker.pid);
  const value = "x".repeat(100);
  for (let i = 0; i < RECORDS; i++) {
    const sent = producer.enqueue(`t-${i % TOPICS}`, { value });
    if (sent instanceof Promise) await sent;
  }
  await producer.flush();
  return ((runMs(broker.pid) - before) * 1_000) / RECORDS;
}

async function loadWith(hasQuotas: boolean): Promise<number> {
  await client.admin().alterQuotas([quotas(hasQuotas ? FAR : undefined)]);
  return await load();
}

for (let i = 0; i < (values.tiny ? 1 : 6); i++) await loadWith(i % 2 === 0);
const ratios: number[] = [];
const times: number[] = [];
for (let i = 0; i < pairs; i++) {
  // Neither comes first more often.
  const isWithFirst = i % 2 === 0;
  const first = await loadWith(isWithFirst);
  const second = await loadWith(!isWithFirst);
  const [counted, plain] = isWithFirst ? [first, second] : [second, first];
  ratios.push(counted / plain);
  times.push(counted);
}
const sorted = Float64Array.from(ratios).sort();
// The ranks between which the median lies in 19 of 20 runs.
const spread = (1.96 * Math.sqrt(pairs)) / 2;
const rank = (at: number): number =>
  sorted[Math.min(pairs - 1, Math.max(0, Math.round(at)))] ?? Number.NaN;
const rows = [
  {
    what: "processor time of the broker per record, relative to no quotas",
    measured: percentile(sorted, 0.5),
    bar: "≤ 1.02",
  },
  { what: "the same, 95 % from", measured: rank(pairs / 2 - spread), bar: "" },
  { what: "the same, 95 % to", measured: rank(pairs / 2 + spread), bar: "" },
  {
    what: "processor time per record, µs",
    measured: percentile(Float64Array.from(times).sort(), 0.5),
    bar: "",
  },
];
const section = Section.of("Quotas that nobody reaches", rows, [
  { title: "what", cell: ({ what }) => what },
  { title: "measured", cell: ({ measured }) => threeDigits(measured) },
  { title: "bar", cell: ({ bar }) => bar },
]);
if (values.json) console.log(JSON.stringify(section.rows, null, 2));
else process.stdout.write(values.markdown ? section.markdown : section.text);
await client.close();
await broker.end("SIGKILL");
process.exit(0);
