// Real Kafka clients against the compiled broker: bun run test:kafka --clients java,franz-go,kafka-tools
// Each goes through the scenario; then each reads what all the others wrote, and so does our own client; some write
// through kills of a broker. `kafka-tools`, `kafka-connect` and `mirror-maker` are Kafka's own programs. --suites runs public
// test suites. --broker does all but the kills on another broker. --security
// logs the clients in, in all ways that they have, and does nothing else; --sessions ends logins while they work.
// Leaves to others: the clients (table.ts), the scenario (scenario.ts), the programs (tools.ts, connect.ts) and the suites
// (suites.ts).
import { parseArgs } from "node:util";
import { BrokerProcess, executable } from "../support/binary.js";
import { tempDir } from "../support/tmp.js";
import type { ReadRecord, TestedClient } from "./client.js";
import { NotInstalled } from "./install.js";
import { produceThroughKills } from "./kills.js";
import { runConnect, runMirrorMaker } from "./connect.js";
import { connectKafkajs } from "./kafkajs.js";
import { nativeEnvironment } from "./login.js";
import { nativeClient } from "./native.js";
import { connectPlatformatic } from "./platformatic.js";
import { compareSamples, SAMPLE_PARTITIONS, writeSamples } from "./samples.js";
import { runScenario } from "./scenario.js";
import { checkSecurity, checkTools, SecureBroker } from "./security.js";
import { checkSessions } from "./sessions.js";
import { SUITES } from "./suites.js";
import { CLIENTS, type ClientEntry } from "./table.js";
import { runTools, type ToolsResult } from "./tools.js";

/** Kafka's own programs, by the name that `--clients` takes. */
const PROGRAMS: Readonly<
  Record<string, (broker: string, prefix: string, dataDir?: string) => Promise<ToolsResult>>
> = {
  "kafka-tools": runTools,
  "kafka-connect": runConnect,
  "mirror-maker": runMirrorMaker,
};
const ALL = [...Object.keys(CLIENTS), ...Object.keys(PROGRAMS)];

const { values: options } = parseArgs({
  options: {
    clients: { type: "string" },
    suites: { type: "string", default: "" },
    broker: { type: "string" },
    port: { type: "string", default: "0" },
    security: { type: "boolean", default: false },
    sessions: { type: "boolean", default: false },
  },
});

/** What is known of a client, the tools or a suite in the end. */
interface Result {
  readonly name: string;
  version: string;
  checks: number;
  ms: number;
  readonly problems: string[];
  readonly notes: string[];
  skipped?: string;
}

/** A client in this run. */
interface Tested extends Result {
  readonly entry: ClientEntry;
  readonly client: TestedClient;
  /** What it wrote, by partition. */
  written?: ReadRecord[][];
}

const NATIVE: ClientEntry = {
  quirks: {},
  lacks: [],
  connect: async (broker, secure) =>
    nativeClient(await executable(), broker, secure && nativeEnvironment(secure.login, secure.dir)),
};

const suites = named("suite", options.suites, Object.keys(SUITES));
// Suites alone need no clients.
const clients = named("client", options.clients ?? (suites.length > 0 ? "" : ALL.join(",")), ALL);

const counts = { passed: 0, failed: 0, skipped: 0 };
if (options.security) await logClientsIn();
if (options.sessions) await endLogins();

using directory = tempDir();
const own =
  options.broker === undefined
    ? await BrokerProcess.start(directory.path, "--default-partitions", "4", "--port", options.port)
    : undefined;
const broker = options.broker ?? own?.address ?? "";
const run = `${process.pid}-${Date.now() % 1_000_000}`;
const [kafkajs, platformatic] = await Promise.all([
  connectKafkajs(broker),
  connectPlatformatic(broker),
]);

const tested: Tested[] = [];
for (const name of clients) {
  const entry = CLIENTS[name];
  if (entry !== undefined) await start(name, entry);
}
// Only our own broker speaks the native protocol.
if (own !== undefined && tested.length > 0) await start("native", NATIVE);
for (const one of tested) await timed(one, () => write(one));
for (const one of tested) {
  await timed(one, () => readAll(one));
  if (own !== undefined && one.entry.outlivesKills) {
    await timed(one, async () => {
      await produceThroughKills(one.entry.connect);
      one.checks++;
    });
  }
  report(one);
}
await Promise.all(
  [kafkajs, platformatic, ...tested.map(({ client }) => client)].map((client) => client.close()),
);

for (const name of clients) {
  const runProgram = PROGRAMS[name];
  if (runProgram === undefined) continue;
  const program = newResult(name);
  await timed(program, async () => {
    const found = await runProgram(broker, `${name}-${run}`, own && directory.path);
    program.version = found.version;
    program.checks = found.checks;
    program.problems.push(...found.problems);
  });
  report(program);
}
for (const name of suites) {
  const suite = newResult(name);
  await timed(suite, async () => {
    const found = await SUITES[name]!(broker);
    suite.version = found.version;
    suite.checks = found.passed;
    suite.problems.push(...found.problems);
    for (const [reason, tests] of Object.entries(found.notApplicable)) {
      suite.notes.push(`not run, ${reason}: ${tests}`);
    }
  });
  report(suite);
}
await own?.end("SIGTERM");
end();

function end(): never {
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  process.exit(counts.failed === 0 ? 0 : 1);
}

async function logClientsIn(): Promise<never> {
  {
    await using broker = await SecureBroker.start();
    for (const name of [...clients, "native"]) {
      const entry = name === "native" ? NATIVE : CLIENTS[name];
      if (entry === undefined && name !== "kafka-tools") continue;
      const result = newResult(name);
      await timed(result, async () => {
        const found =
          entry === undefined ? await checkTools(broker) : await checkSecurity(name, entry, broker);
        result.version = "logs in";
        result.checks = found.checks;
        result.problems.push(...found.problems);
      });
      report(result);
    }
  }
  end();
}

async function endLogins(): Promise<never> {
  await checkSessions([...clients, "native"], (found) => {
    report({ ...found, version: "while logins end", ms: 0 });
  });
  end();
}

/** The names of a list, which must all be known. */
function named(what: string, list: string, known: readonly string[]): string[] {
  const names = list.split(",").filter(Boolean);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return names;
  console.error(`no such ${what}: ${unknown.join(", ")} (there are ${known.join(", ")})`);
  process.exit(2);
}

function newResult(name: string): Result {
  return { name, version: "", checks: 0, ms: 0, problems: [], notes: [] };
}

async function start(name: string, entry: ClientEntry): Promise<void> {
  const result = newResult(name);
  await timed(result, async () => {
    const client = await entry.connect(broker);
    result.version = await client.version();
    tested.push(Object.assign(result, { entry, client }));
  });
  if (result.version === "") report(result);
}

async function timed(result: Result, work: () => Promise<void>): Promise<void> {
  const began = performance.now();
  try {
    await work();
  } catch (error) {
    if (error instanceof NotInstalled) result.skipped = error.message;
    else result.problems.push(`${error}`);
  }
  result.ms += performance.now() - began;
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

/** Reads what every client wrote, this one too. */
async function readAll(reader: Tested): Promise<void> {
  for (const writer of tested) {
    if (writer.written === undefined) continue;
    const quirks = { reader: reader.entry.quirks, writer: writer.entry.quirks };
    let difference: unknown;
    try {
      const topic = samplesOf(writer.name);
      difference = await compareSamples(reader.client, topic, writer.written, quirks);
    } catch (error) {
      difference = error;
    }
    if (difference === undefined) reader.checks++;
    else reader.problems.push(`what ${writer.name} wrote: ${difference}`);
  }
}

function samplesOf(name: string): string {
  return `samples-${name}-${run}`;
}

function report({ name, version, problems, notes, checks, ms, skipped }: Result): void {
  if (skipped !== undefined) {
    counts.skipped++;
    console.log(`skip   ${name}: ${skipped}`);
    return;
  }
  const ok = problems.length === 0;
  counts[ok ? "passed" : "failed"]++;
  const summary = `${name} ${version} (${(ms / 1000).toFixed(1)} s): ${checks} checks`;
  console.log(ok ? `ok     ${summary}` : `FAILED ${summary}, ${problems.length} problems`);
  for (const line of [...problems, ...notes]) console.log(`         ${line}`);
}
