// Kafka Connect with its file connectors, standalone and distributed, and MirrorMaker 2 between two brokers.
// Leaves to others: Kafka's other tools (tools.ts).
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OffsetCommit, OffsetFetch } from "../../src/protocol/kafka/committed-offsets.js";
import { FindCoordinator } from "../../src/protocol/kafka/groups.js";
import { ZERO_UUID } from "../../src/record/bytes.js";
import { BrokerProcess, quietPort } from "../support/binary.js";
import { KafkaClient } from "../support/kafka-client.js";
import { tempDir } from "../support/tmp.js";
import { type ReadRecord, type TestedClient, textRecord } from "./client.js";
import { type Install, install } from "./install.js";
import { connectKafkajs } from "./kafkajs.js";
import { JVM } from "./table.js";
import type { ToolsResult } from "./tools.js";

const CONNECT: Install = {
  name: "connect",
  from: ["connect/pom.xml"],
  needs: ["mvn", "java"],
  steps: (dir) => [
    {
      command: [
        ...["mvn", "-q", "-B", "-f", "connect/pom.xml", "dependency:copy-dependencies"],
        ...["-DincludeScope=runtime", `-DoutputDirectory=${dir}/lib`],
      ],
    },
  ],
};

/** How long a worker may take to start, and to do what is expected. */
const STEP_MS = 60_000;

type Settings = Readonly<Record<string, string | number>>;
type Connector = Settings & { readonly name: string };

/** Lines of text pass without a schema. */
const CONVERTERS = {
  "key.converter": "org.apache.kafka.connect.storage.StringConverter",
  "value.converter": "org.apache.kafka.connect.storage.StringConverter",
  "offset.flush.interval.ms": 500,
  "plugin.discovery": "service_load",
};

/** A worker of Kafka Connect, or MirrorMaker, which is one too. */
class Worker implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  #output = "";

  constructor(dir: string, main: string, files: readonly string[]) {
    const command = [...JVM, "-cp", `${dir}/lib/*`, `org.apache.kafka.connect.${main}`, ...files];
    this.#child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    for (const stream of [this.#child.stdout, this.#child.stderr]) void this.#read(stream);
  }

  /** Resolves when it has ended, after it has stored its offsets; a kill gives it no time for that. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    this.#child.kill(signal);
    await this.#child.exited;
  }

  /** Resolves once `isDone` holds. Rejects with what the worker has said if that takes too long. */
  async until(what: string, isDone: () => boolean | Promise<boolean>): Promise<void> {
    for (const end = Date.now() + STEP_MS; Date.now() < end; await Bun.sleep(100)) {
      if (await isDone()) return;
      if (this.#child.exitCode !== null) break;
    }
    throw new Error(`${what}: does not happen; the worker says: ${this.#output.slice(-1_000)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const chunk of stream) this.#output += Buffer.from(chunk).toString();
  }
}

/** A connector that reads lines of a file into a topic, and one that writes them into another file. */
class FilePipe {
  readonly #source: string;
  readonly #sink: string;
  readonly #lines: string[] = [];

  constructor(
    folder: string,
    readonly topic: string,
  ) {
    this.#source = join(folder, `${topic}.in`);
    this.#sink = join(folder, `${topic}.out`);
  }

  get source(): Connector {
    const connector = "org.apache.kafka.connect.file.FileStreamSourceConnector";
    const [name, file] = [`${this.topic}-source`, this.#source];
    return { name, "connector.class": connector, "tasks.max": 1, file, topic: this.topic };
  }

  get sink(): Connector {
    const connector = "org.apache.kafka.connect.file.FileStreamSinkConnector";
    const [name, file] = [`${this.topic}-sink`, this.#sink];
    return { name, "connector.class": connector, "tasks.max": 1, file, topics: this.topic };
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The lines that have arrived. */
  get arrived(): readonly string[] {
    return existsSync(this.#sink) ? readFileSync(this.#sink, "utf8").split("\n").slice(0, -1) : [];
  }

  /** Appends lines to the first file. */
  append(count: number): void {
    const lines = Array.from({ length: count }, (_, i) => `line ${this.#lines.length + i}`);
    this.#lines.push(...lines);
    appendFileSync(this.#source, lines.map((line) => `${line}\n`).join(""));
  }

  /** Whether every line has arrived. */
  get isComplete(): boolean {
    const arrived = new Set(this.arrived);
    return this.#lines.every((line) => arrived.has(line));
  }
}

/** Runs Connect's file connectors on a broker. Throws `NotInstalled`. */
export async function runConnect(broker: string, prefix: string): Promise<ToolsResult> {
  const dir = await install(CONNECT);
  return await checked(dir, [
    ["standalone", () => standalone(dir, broker, `${prefix}-alone`)],
    ["distributed", () => distributed(dir, broker, `${prefix}-worker`)],
  ]);
}

/** Runs MirrorMaker 2 from a broker to one of its own. Throws `NotInstalled`. */
export async function runMirrorMaker(broker: string, prefix: string): Promise<ToolsResult> {
  const dir = await install(CONNECT);
  return await checked(dir, [["mirror", () => mirror(dir, broker, prefix)]]);
}

async function checked(
  dir: string,
  parts: readonly (readonly [name: string, run: () => Promise<number>])[],
): Promise<ToolsResult> {
  const problems: string[] = [];
  let checks = 0;
  for (const [name, run] of parts) {
    try {
      checks += await run();
    } catch (error) {
      problems.push(`${name}: ${error}`);
    }
  }
  const jar = readdirSync(`${dir}/lib`).find((name) => /^connect-runtime-\d/.test(name)) ?? "";
  return { version: /runtime-(.*)\.jar/.exec(jar)?.[1] ?? "", checks, problems };
}

function settingsFile(folder: string, name: string, settings: Settings): string {
  const file = join(folder, `${name}.properties`);
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(file, lines.join(""));
  return file;
}

/** One worker that keeps its offsets in a file. A clean stop loses no line, and repeats none. */
async function standalone(dir: string, broker: string, topic: string): Promise<number> {
  using folder = tempDir();
  const pipe = new FilePipe(folder.path, topic);
  const files = [
    settingsFile(folder.path, "worker", {
      ...CONVERTERS,
      "bootstrap.servers": broker,
      "offset.storage.file.filename": join(folder.path, "offsets"),
      listeners: `http://127.0.0.1:${quietPort()}`,
    }),
    settingsFile(folder.path, "source", pipe.source),
    settingsFile(folder.path, "sink", pipe.sink),
  ];
  for (let round = 1; round <= 2; round++) {
    pipe.append(1_000);
    await using worker = new Worker(dir, "cli.ConnectStandalone", files);
    await worker.until(`the lines of round ${round}`, () => pipe.isComplete);
    await worker.end("SIGTERM");
  }
  if (pipe.arrived.length !== pipe.lines.length) {
    throw new Error(`${pipe.arrived.length} lines arrived instead of ${pipe.lines.length}`);
  }
  return 3;
}

/**
 * A worker that keeps everything in topics of the broker, is killed, and finds its connectors and offsets there. Lines may
 * be repeated then, and none is lost.
 */
async function distributed(dir: string, broker: string, topic: string): Promise<number> {
  using folder = tempDir();
  const pipe = new FilePipe(folder.path, topic);
  const rest = `http://127.0.0.1:${quietPort()}`;
  const internal = ["config", "offset", "status"].map(
    (kind) => [kind, `${topic}-${kind}`] as const,
  );
  const settings = settingsFile(folder.path, "worker", {
    ...CONVERTERS,
    "bootstrap.servers": broker,
    "group.id": `${topic}-group`,
    ...Object.fromEntries(internal.map(([kind, name]) => [`${kind}.storage.topic`, name])),
    ...Object.fromEntries(internal.map(([kind]) => [`${kind}.storage.replication.factor`, 1])),
    "offset.storage.partitions": 3,
    "session.timeout.ms": 6_000,
    "heartbeat.interval.ms": 500,
    "scheduled.rebalance.max.delay.ms": 0,
    listeners: rest,
  });
  const start = () => new Worker(dir, "cli.ConnectDistributed", [settings]);
  const isRunning = (connector: Connector) => async (): Promise<boolean> => {
    const status = await get(`${rest}/connectors/${connector.name}/status`);
    return (status?.match(/"state":"RUNNING"/g)?.length ?? 0) === 2;
  };
  {
    await using worker = start();
    await worker.until("the REST server", async () => (await get(`${rest}/connectors`)) === "[]");
    for (const connector of [pipe.source, pipe.sink]) {
      await put(`${rest}/connectors/${connector.name}/config`, connector);
      await worker.until(`${connector.name} runs`, isRunning(connector));
    }
    pipe.append(1_000);
    await worker.until("the lines before the kill", () => pipe.isComplete);
    await worker.end("SIGKILL");
  }
  const client = await connectKafkajs(broker);
  try {
    for (const [kind, name] of internal) {
      const policy = (await client.configs(name)).get("cleanup.policy");
      if (policy !== "compact") throw new Error(`the ${kind} topic has cleanup.policy=${policy}`);
    }
  } finally {
    await client.close();
  }
  pipe.append(1_000);
  await using worker = start();
  await worker.until("the lines after the kill", () => pipe.isComplete);
  for (const connector of [pipe.source, pipe.sink]) {
    await worker.until(`${connector.name} runs again`, isRunning(connector));
  }
  const offsets = async () => await get(`${rest}/connectors/${pipe.sink.name}/offsets`);
  const end = `"kafka_offset":${await endOf(broker, topic)}`;
  await worker.until("the sink commits", async () => (await offsets())?.includes(end) === true);
  for (const { name } of [pipe.source, pipe.sink]) await remove(`${rest}/connectors/${name}`);
  await worker.until("the deletion", async () => (await get(`${rest}/connectors`)) === "[]");
  await worker.end("SIGTERM");
  return 9;
}

async function endOf(broker: string, topic: string): Promise<number> {
  const client = await connectKafkajs(broker);
  try {
    return await client.offset(topic, 0, "latest");
  } finally {
    await client.close();
  }
}

/** The body of a response; undefined for an error, or while nothing listens. */
async function get(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url);
    const body = await response.text();
    return response.ok ? body : undefined;
  } catch {
    return undefined;
  }
}

async function put(url: string, body: Settings): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "PUT", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`PUT ${url}: ${response.status} ${await response.text()}`);
}

async function remove(url: string): Promise<void> {
  const response = await fetch(url, { method: "DELETE" });
  if (!response.ok) throw new Error(`DELETE ${url}: ${response.status} ${await response.text()}`);
}

const MIRRORED_PARTITIONS = 2;
const MIRRORED_RECORDS = 500;

/** The end of a partition: MirrorMaker only translates offsets from the first one on that it has noted. */
const COMMITTED = MIRRORED_RECORDS / MIRRORED_PARTITIONS;

/** MirrorMaker's connectors for records and configs, for offsets of groups, and for heartbeats; it is killed in between. */
async function mirror(dir: string, broker: string, prefix: string): Promise<number> {
  using folder = tempDir();
  await using target = await BrokerProcess.start(join(folder.path, "data"));
  const topic = `${prefix}-mirrored`;
  const group = `${prefix}-readers`;
  const copy = `from.${topic}`;
  const [from, to] = await Promise.all([connectKafkajs(broker), connectKafkajs(target.address)]);
  const settings = settingsFile(folder.path, "mirror", {
    clusters: "from, to",
    "from.bootstrap.servers": broker,
    "to.bootstrap.servers": target.address,
    "from->to.enabled": "true",
    "to->from.enabled": "false",
    "from->to.topics": topic,
    "from->to.groups": group,
    "replication.factor": 1,
    ...Object.fromEntries(
      ["checkpoints", "heartbeats", "offset-syncs"].map((name) => {
        return [`${name}.topic.replication.factor`, 1];
      }),
    ),
    ...Object.fromEntries(
      ["config", "offset", "status"].map((name) => [`${name}.storage.replication.factor`, 1]),
    ),
    ...Object.fromEntries(
      ["refresh.topics", "refresh.groups", "sync.topic.configs", "sync.group.offsets"]
        .concat("emit.checkpoints", "emit.heartbeats", "sync.topic.acls")
        .map((what) => [`${what}.interval.seconds`, 1]),
    ),
    "sync.group.offsets.enabled": "true",
    "offset.lag.max": 0,
    "offset.flush.interval.ms": 500,
    "session.timeout.ms": 6_000,
    "heartbeat.interval.ms": 500,
    "scheduled.rebalance.max.delay.ms": 0,
    "plugin.discovery": "service_load",
  });
  const start = () => new Worker(dir, "mirror.MirrorMaker", [settings]);
  try {
    await from.create(topic, MIRRORED_PARTITIONS, { "retention.ms": "7200000" });
    await produce(from, topic, 0);
    await commit(broker, group, topic);
    {
      await using worker = start();
      await worker.until("the first records", async () => await isCopied(to, copy, 1));
      const retention = async () => (await to.configs(copy)).get("retention.ms");
      await worker.until("the configs", async () => (await retention()) === "7200000");
      await from.setConfig(topic, "retention.ms", "3600000");
      await worker.until("a changed config", async () => (await retention()) === "3600000");
      await worker.until("the offsets of the group", async () => {
        const offset = await committed(target.address, group, copy);
        return offset > 0 && offset <= COMMITTED;
      });
      await worker.until("heartbeats", async () => (await endOf(target.address, "heartbeats")) > 0);
      await worker.end("SIGKILL");
    }
    await produce(from, topic, 1);
    await using worker = start();
    await worker.until("the records after the kill", async () => await isCopied(to, copy, 2));
    await worker.end("SIGTERM");
    await compare(from, to, topic, copy);
    // Such as a request that it does not know.
    if (target.reports.length > 0) throw new Error(`the broker says: ${target.reports}`);
  } finally {
    await Promise.all([from.close(), to.close()]);
  }
  return 8;
}

async function produce(client: TestedClient, topic: string, round: number): Promise<void> {
  const records = Array.from({ length: MIRRORED_RECORDS }, (_, i) =>
    textRecord(`value ${round}-${i}`, {
      partition: i % MIRRORED_PARTITIONS,
      key: Buffer.from(`key ${i}`),
      headers: [{ name: "round", value: Buffer.from(`${round}`) }],
    }),
  );
  await client.produce(topic, records);
}

/** Whether the records of so many rounds are there. */
async function isCopied(client: TestedClient, topic: string, rounds: number): Promise<boolean> {
  const count = (rounds * MIRRORED_RECORDS) / MIRRORED_PARTITIONS;
  try {
    for (let partition = 0; partition < MIRRORED_PARTITIONS; partition++) {
      if ((await client.offset(topic, partition, "latest")) < count) return false;
    }
    return true;
  } catch {
    return false;
  }
}

/** Every record must be there, in order; some twice, because of the kill. */
async function compare(
  from: TestedClient,
  to: TestedClient,
  topic: string,
  copy: string,
): Promise<void> {
  for (let partition = 0; partition < MIRRORED_PARTITIONS; partition++) {
    const expected = await contents(from, topic, partition);
    const copied = await contents(to, copy, partition);
    const wrong = expected.findIndex((content, i) => content !== copied[i]);
    if (wrong < 0 && copied.length === expected.length) continue;
    throw new Error(`partition ${partition}: ${copied[wrong]} instead of ${expected[wrong]}`);
  }
}

/** What is in a partition, in order, without repetitions. */
async function contents(client: TestedClient, topic: string, partition: number): Promise<string[]> {
  const count = await client.offset(topic, partition, "latest");
  return [...new Set((await client.consume(topic, partition, 0, count)).map(contentOf))];
}

/** All of a record but its offset. */
function contentOf({ key, value, timestamp, headers }: ReadRecord): string {
  const named = headers.map(({ name, value: content }) => `${name}=${content}`);
  return `${timestamp} ${key} ${value} ${named}`;
}

/** Commits an offset in the first partition. The first question for a coordinator makes a Kafka create its offsets topic. */
async function commit(broker: string, group: string, topic: string): Promise<void> {
  using client = await KafkaClient.connect(Number(broker.split(":").at(-1)));
  const partitions = [{ partitionIndex: 0, committedOffset: COMMITTED, committedMetadata: "" }];
  const topics = [{ name: topic, topicId: ZERO_UUID, partitions }];
  let code: number | undefined;
  for (const end = Date.now() + STEP_MS; code !== 0 && Date.now() < end; await Bun.sleep(100)) {
    await client.call(FindCoordinator, 2, { key: group, coordinatorKeys: [] });
    const answer = await client.call(OffsetCommit, 8, { groupId: group, memberId: "", topics });
    code = answer.topics[0]?.partitions[0]?.errorCode;
  }
  if (code !== 0) throw new Error(`OffsetCommit: ${code}`);
}

/** The committed offset in the first partition; -1 for none. */
async function committed(broker: string, group: string, topic: string): Promise<number> {
  using client = await KafkaClient.connect(Number(broker.split(":").at(-1)));
  const { topics } = await client.call(OffsetFetch, 7, {
    ...{ groupId: group, groups: [], requireStable: false },
    topics: [{ name: topic, partitionIndexes: [0] }],
  });
  return topics[0]?.partitions[0]?.committedOffset ?? -1;
}
