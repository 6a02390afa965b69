// Real Kafka clients against the compiled broker: bun run test:kafka --clients java,franz-go
// Each goes through the scenario; then each reads what all the others wrote, and so does our own client. Also Kafka's own
// tools, as the client `kafka-tools`, and the public suites that --suites names.
// Leaves to others: the clients (table.ts), the scenario (scenario.ts), the tools (tools.ts) and the suites (suites.ts).
import { parseArgs } from "node:util";
import { BrokerProcess, executable } from "../support/binary.js";
import { tempDir } from "../support/tmp.js";
import type { TestedClient, ReadRecord } from "./client.js";
import { connectKafkajs } from "./kafkajs.js";
import { connectPlatformatic } from "./platformatic.js";
import { NotInstalled } from "./install.js";
import { nativeClient } from "./native.js";
import { compareSamples, type Quirks, SAMPLE_PARTITIONS, writeSamples } from "./samples.js";
import { runScenario } from "./scenario.js";
import { CLIENTS, type ClientEntry } from "./table.js";

const { values: options } = parseArgs({
  options: {
    clients: { type: "string", default: [...Object.keys(CLIENTS)].join(",") },
    broker: { type: "string" },
  },
});

/** A client in this run. */
interface Tested {
  readonly name: string;
  readonly entry: ClientEntry;
  readonly client: TestedClient;
  readonly version: string;
  readonly problems: string[];
  /** What it wrote, by partition. */
  written?: ReadRecord[][];
  checks: number;
  ms: number;
}

const NATIVE: ClientEntry = {
  quirks: {},
  lacks: [],
  connect: async (broker) => nativeClient(await executable(), broker),
};

const names = options.clients.split(",").filter(Boolean);
const unknown = names.filter((name) => CLIENTS[name] === undefined);
if (unknown.length > 0) {
  console.error(
    `no such client: ${unknown.join(", ")} (there are ${Object.keys(CLIENTS).join(", ")})`,
  );
  process.exit(2);
}

using directory = tempDir();
const own = options.broker === undefined ? await BrokerProcess.start(directory.path) : undefined;
const broker = options.broker ?? own?.address ?? "";
const run = `${process.pid}-${Date.now() % 1_000_000}`;
const [kafkajs, platformatic] = await Promise.all([
  connectKafkajs(broker),
  connectPlatformatic(broker),
]);
let failed = 0;
let skipped = 0;

const tested: Tested[] = [];
for (const name of names) await start(name, CLIENTS[name]!);
// Only our own broker speaks the native protocol.
if (own !== undefined) await start("native", NATIVE);
for (const one of tested) await timed(one, () => write(one));
for (const one of tested) await timed(one, () => readAll(one));
for (const one of tested) report(one);

await Promise.all([
  ...tested.map(({ client }) => client.close()),
  kafkajs.close(),
  platformatic.close(),
]);
await own?.end("SIGTERM");
console.log(`${tested.length - failed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 ? 0 : 1);

async function start(name: string, entry: ClientEntry): Promise<void> {
  const began = performance.now();
  try {
    const client = await entry.connect(broker);
    const version = await client.version();
    const ms = performance.now() - began;
    tested.push({ name, entry, client, version, problems: [], checks: 0, ms });
  } catch (error) {
    if (error instanceof NotInstalled) skipped++;
    else failed++;
    console.log(`${error instanceof NotInstalled ? "skip  " : "FAILED"} ${name}: ${error}`);
  }
}

async function timed(one: Tested, work: () => Promise<void>): Promise<void> {
  const began = performance.now();
  try {
    await work();
  } catch (error) {
    one.problems.push(`${error}`);
  }
  one.ms += performance.now() - began;
}

/** The scenario, and the samples. */
async function write(one: Tested): Promise<void> {
  const { name, client, entry } = one;
  const other = name === "kafkajs" ? platformatic : kafkajs;
  if (entry !== NATIVE) {
    for (const result of await runScenario(client, other, broker, `${name}-${run}`)) {
      const expected = entry.lacks.includes(result.name) ? "absent" : "ok";
      if (result.outcome === "ok") one.checks++;
      if (result.outcome !== expected) {
        one.problems.push(`${result.name}: ${result.problem || "it has the function after all"}`);
      }
    }
  }
  await other.create(samplesOf(name), SAMPLE_PARTITIONS);
  one.written = await writeSamples(client, samplesOf(name), entry.quirks);
}

/** What every client wrote, this one too. */
async function readAll({ client, entry, problems }: Tested): Promise<void> {
  for (const writer of tested) {
    if (writer.written === undefined) continue;
    const quirks: { reader: Quirks; writer: Quirks } = {
      reader: entry.quirks,
      writer: writer.entry.quirks,
    };
    try {
      const topic = samplesOf(writer.name);
      const difference = await compareSamples(client, topic, writer.written, quirks);
      if (difference !== undefined) problems.push(`what ${writer.name} wrote: ${difference}`);
    } catch (error) {
      problems.push(`what ${writer.name} wrote: ${error}`);
    }
  }
}

function samplesOf(name: string): string {
  return `samples-${name}-${run}`;
}

function report({ name, version, problems, checks, ms }: Tested): void {
  const summary = `${name} ${version} (${(ms / 1000).toFixed(1)} s): ${checks} checks`;
  if (problems.length === 0) {
    console.log(`ok     ${summary}`);
    return;
  }
  failed++;
  console.log(`FAILED ${summary}, ${problems.length} problems`);
  for (const problem of problems) console.log(`         ${problem}`);
}
