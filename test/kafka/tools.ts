// Kafka's own command-line tools, unmodified, used as their documentation says.
// Leaves to others: fetching them (table.ts).
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/tmp.js";
import { install } from "./install.js";
import { JAVA, JVM } from "./table.js";

/** How long a tool may take. */
const TOOL_MS = 60_000;

/** Java classes behind the scripts of a Kafka distribution. */
const TOOLS = {
  "kafka-topics": "TopicCommand",
  "kafka-configs": "ConfigCommand",
  "kafka-console-producer": "ConsoleProducer",
  "kafka-console-consumer": "consumer.ConsoleConsumer",
  "kafka-producer-perf-test": "ProducerPerformance",
  "kafka-get-offsets": "GetOffsetShell",
  "kafka-delete-records": "DeleteRecordsCommand",
  "kafka-log-dirs": "LogDirsCommand",
  "kafka-consumer-groups": "consumer.group.ConsumerGroupCommand",
  "kafka-verifiable-producer": "VerifiableProducer",
  "kafka-verifiable-consumer": "VerifiableConsumer",
  "kafka-consumer-perf-test": "ConsumerPerformance",
  "kafka-broker-api-versions": "BrokerApiVersionsCommand",
  "kafka-cluster": "ClusterTool",
  "kafka-features": "FeatureCommand",
  "kafka-leader-election": "LeaderElectionCommand",
  "kafka-reassign-partitions": "reassign.ReassignPartitionsCommand",
  "kafka-acls": "AclCommand",
  "kafka-client-compatibility-test": "ClientCompatibilityTest",
  "kafka-dump-log": "DumpLogSegments",
} as const;

type Tool = keyof typeof TOOLS;

interface Step {
  readonly tool: Tool;
  /** Words, without --bootstrap-server; `kafka-dump-log` has no broker. */
  readonly args: string;
  readonly input?: string;
  /** What the output must hold. */
  readonly prints?: readonly (string | RegExp)[];
  /** Fails with this text. */
  readonly fails?: string;
}

/** The outcome of programs. */
export interface ToolsResult {
  readonly version: string;
  readonly checks: number;
  readonly problems: readonly string[];
}

/** Runs the tools on a broker; on its files too, if its data directory is given. Throws `NotInstalled`. */
export async function runTools(
  broker: string,
  prefix: string,
  dataDir?: string,
): Promise<ToolsResult> {
  const dir = await install(JAVA);
  using scratch = tempDir();
  const jar = readdirSync(`${dir}/lib`).find((name) => /^kafka-tools-\d/.test(name)) ?? "";
  const problems: string[] = [];
  let checks = 0;
  const perform = async (steps: readonly Step[]): Promise<void> => {
    for (const step of steps) {
      const problem = await runStep(dir, broker, step);
      if (problem === undefined) checks++;
      else problems.push(`${step.tool} ${step.args}: ${problem}`);
    }
  };
  await Promise.all([
    perform(await topicSteps(broker, prefix, scratch.path)),
    perform(clusterSteps(`${prefix}-new`)),
  ]);
  const group = `${prefix}-group`;
  await Promise.all([
    perform(groupSteps(prefix, group)),
    perform(memberSteps(prefix, `${group}-classic`, "classic")),
    perform(memberSteps(prefix, `${group}-consumer`, "consumer")),
    perform(readSteps(prefix, `${group}-perf`)),
  ]);
  if (dataDir !== undefined) {
    const topics = join(dataDir, "topics");
    await perform([...fileSteps(join(topics, prefix)), offsetsStep(topics, prefix, group)]);
  }
  await perform([
    { tool: "kafka-topics", args: `--delete --topic ${prefix}` },
    {
      tool: "kafka-topics",
      args: `--describe --topic ${prefix}`,
      fails: "does not exist as expected",
    },
  ]);
  return { version: /kafka-tools-(.*)\.jar/.exec(jar)?.[1] ?? "", checks, problems };
}

/** What is done to one topic, in order. */
async function topicSteps(broker: string, topic: string, scratch: string): Promise<Step[]> {
  const of = `--topic ${topic}`;
  const deletion = join(scratch, "delete.json");
  const partitions = [{ topic, partition: 0, offset: 2 }];
  await Bun.write(deletion, JSON.stringify({ partitions, version: 1 }));
  const moved = join(scratch, "move.json");
  await Bun.write(moved, JSON.stringify({ topics: [{ topic }], version: 1 }));
  const print = "--formatter-property print.key=true --formatter-property print.offset=true";
  const consume = `${of} --partition 0 ${print} --formatter-property print.headers=true`;
  return [
    {
      tool: "kafka-topics",
      args: `--create ${of} --partitions 1 --replication-factor 1 --config segment.bytes=1048576`,
      prints: [`Created topic ${topic}.`],
    },
    {
      tool: "kafka-topics",
      args: `--create ${of} --partitions 1`,
      fails: `Topic '${topic}' already exists`,
    },
    {
      tool: "kafka-topics",
      args: `--create ${of} --partitions 1 --if-not-exists`,
    },
    { tool: "kafka-topics", args: "--list", prints: [new RegExp(`^${topic}$`, "m")] },
    {
      tool: "kafka-topics",
      args: `--describe ${of}`,
      prints: [
        /PartitionCount: 1\s+ReplicationFactor: 1\s+Configs: .*segment.bytes=1048576/,
        /Partition: 0\s+Leader: 1\s+Replicas: 1\s+Isr: 1/,
      ],
    },
    {
      tool: "kafka-console-producer",
      args: `${of} --compression-codec lz4 --reader-property parse.key=true --reader-property parse.headers=true`,
      input: "h:1\tk1\tone\nh:2\tk2\ttwo\nh:3,i:4\tk3\tthree\n",
    },
    {
      tool: "kafka-console-producer",
      args: `${of} --compression-codec zstd --producer-property acks=1`,
      input: "four\n",
    },
    {
      tool: "kafka-console-consumer",
      args: `${consume} --offset earliest --max-messages 4`,
      prints: [
        "Offset:0\th:1\tk1\tone\nOffset:1\th:2\tk2\ttwo\nOffset:2\th:3,i:4\tk3\tthree\n",
        "Offset:3\tNO_HEADERS\tnull\tfour\n",
        "Processed a total of 4 messages",
      ],
    },
    {
      tool: "kafka-console-consumer",
      args: `${consume} --offset 2 --max-messages 1`,
      prints: ["Offset:2\th:3,i:4\tk3\tthree\n"],
    },
    { tool: "kafka-get-offsets", args: of, prints: [`${topic}:0:4`] },
    { tool: "kafka-get-offsets", args: `${of} --time earliest`, prints: [`${topic}:0:0`] },
    { tool: "kafka-get-offsets", args: `${of} --time max-timestamp`, prints: [`${topic}:0:3`] },
    { tool: "kafka-get-offsets", args: `${of} --time 0`, prints: [`${topic}:0:0`] },
    {
      tool: "kafka-delete-records",
      args: `--offset-json-file ${deletion}`,
      prints: [`partition: ${topic}-0\tlow_watermark: 2`],
    },
    { tool: "kafka-get-offsets", args: `${of} --time earliest`, prints: [`${topic}:0:2`] },
    {
      tool: "kafka-configs",
      args: `--alter --entity-type topics --entity-name ${topic} --add-config retention.ms=7200000`,
      prints: [`Completed updating config for topic ${topic}.`],
    },
    {
      tool: "kafka-configs",
      args: `--describe --entity-type topics --entity-name ${topic}`,
      prints: [/^ {2}retention.ms=7200000 .*DYNAMIC_TOPIC_CONFIG:retention.ms=7200000/m],
    },
    {
      tool: "kafka-configs",
      args: `--alter --entity-type topics --entity-name ${topic} --delete-config retention.ms`,
      prints: [`Completed updating config for topic ${topic}.`],
    },
    {
      tool: "kafka-configs",
      args: `--alter --entity-type topics --entity-name ${topic} --add-config retention.years=7`,
      fails: "Unknown topic config name: retention.years",
    },
    {
      tool: "kafka-verifiable-producer",
      args: `${of} --max-messages 100`,
      prints: [/"name":"producer_send_success".*"offset":103,/, /"sent":100,"acked":100,/],
    },
    {
      tool: "kafka-producer-perf-test",
      args: `${of} --num-records 30000 --record-size 100 --throughput -1 --command-property bootstrap.servers=${broker}`,
      prints: [/30000 records sent, .* records\/sec/],
    },
    { tool: "kafka-get-offsets", args: of, prints: [`${topic}:0:30104`] },
    {
      tool: "kafka-log-dirs",
      args: `--describe --topic-list ${topic}`,
      prints: [`"partition":"${topic}-0","size":`],
    },
    {
      tool: "kafka-reassign-partitions",
      args: `--generate --topics-to-move-json-file ${moved} --broker-list 1`,
      prints: [`"topic":"${topic}","partition":0,"replicas":[1]`],
    },
    {
      tool: "kafka-topics",
      args: `--alter ${of} --partitions 3`,
    },
    { tool: "kafka-topics", args: `--describe ${of}`, prints: ["PartitionCount: 3"] },
  ];
}

/** A group that reads the topic, and is moved and deleted. */
function groupSteps(topic: string, group: string): Step[] {
  const of = `--group ${group} --topic ${topic}`;
  return [
    {
      tool: "kafka-consumer-groups",
      args: `${of}:0 --reset-offsets --to-offset 10 --execute`,
      prints: [new RegExp(`^${group} +${topic} +0 +10 *$`, "m")],
    },
    {
      tool: "kafka-consumer-groups",
      args: `--describe --group ${group}`,
      prints: [new RegExp(`^${group} +${topic} +0 +10 +30104 +30094 `, "m"), "no active members"],
    },
    {
      tool: "kafka-console-consumer",
      args: `${of} --max-messages 5`,
      prints: ["Processed a total of 5 messages"],
    },
    {
      tool: "kafka-consumer-groups",
      args: `--describe --group ${group}`,
      prints: [new RegExp(`^${group} +${topic} +0 +15 +30104 +30089 `, "m")],
    },
    {
      tool: "kafka-consumer-groups",
      args: `--list --state empty`,
      prints: [new RegExp(`^${group} +Empty *$`, "m")],
    },
    {
      tool: "kafka-consumer-groups",
      args: `${of}:0 --reset-offsets --shift-by -3 --dry-run`,
      prints: [new RegExp(`^${group} +${topic} +0 +12 *$`, "m")],
    },
    {
      tool: "kafka-consumer-groups",
      args: `${of}:1 --delete-offsets`,
      prints: [new RegExp(`^${topic} +1 +Successful`, "m")],
    },
    {
      tool: "kafka-consumer-groups",
      args: `--group ${group} --topic none --delete-offsets`,
      prints: [/^none .*UnknownTopicOrPartitionException/m],
    },
    {
      tool: "kafka-consumer-groups",
      args: `--delete --group ${group}`,
      prints: [`Deletion of requested consumer groups ('${group}') was successful.`],
    },
    {
      tool: "kafka-consumer-groups",
      args: `--describe --group ${group}`,
      fails: "GroupIdNotFoundException",
    },
  ];
}

/** A group with a member of either protocol, which reads the topic. */
function memberSteps(topic: string, group: string, protocol: "classic" | "consumer"): Step[] {
  return [
    {
      tool: "kafka-verifiable-consumer",
      args: `--topic ${topic} --group-id ${group} --group-protocol ${protocol} --max-messages 500 --reset-policy earliest`,
      prints: [
        /"name":"partitions_assigned".*"partition":2/,
        /"name":"offsets_committed".*"success":true/,
        '"name":"shutdown_complete"',
      ],
    },
    {
      tool: "kafka-consumer-groups",
      args: `--describe --state --group ${group}`,
      prints: [new RegExp(`^${group} .* Empty +0 *$`, "m")],
    },
    {
      tool: "kafka-consumer-groups",
      args: `--describe --members --verbose --group ${group}`,
      prints: ["no active members"],
    },
    {
      tool: "kafka-consumer-groups",
      args: `--list --type ${protocol}`,
      prints: [new RegExp(`^${group} +${protocol} *$`, "im")],
    },
  ];
}

/** A group that reads the topic as fast as it can, and is moved back. */
function readSteps(topic: string, group: string): Step[] {
  return [
    {
      tool: "kafka-consumer-perf-test",
      args: `--topic ${topic} --group ${group} --num-records 30000 --reporting-interval 1000`,
      prints: [/^\d{4}-.*, 30\d{3}, /m],
    },
    {
      tool: "kafka-consumer-groups",
      args: `--group ${group} --all-topics --reset-offsets --to-earliest --execute`,
      prints: [new RegExp(`^${group} +${topic} +0 +2 *$`, "m")],
    },
    {
      tool: "kafka-consumer-groups",
      args: `--delete --group ${group} --group ${group}-none`,
      prints: [`${group}-none`, "GroupIdNotFoundException"],
    },
  ];
}

/** The commits of that group, in the log of commits. */
function offsetsStep(topics: string, topic: string, group: string): Step {
  const dir = join(topics, "__consumer_offsets", "0");
  const [first = ""] = readdirSync(dir)
    .filter((name) => name.endsWith(".log"))
    .sort();
  const key = `key: {"type":"1","data":{"group":"${group}","topic":"${topic}","partition":0}}`;
  return {
    tool: "kafka-dump-log",
    args: `--offsets-decoder --files ${join(dir, first)}`,
    prints: [
      `${key} payload: {"version":"4","data":{"offset":10,`,
      `${key} payload: {"version":"4","data":{"offset":15,`,
      `${key} payload: <DELETE>`,
      `key: {"type":"2","data":{"group":"${group}"}}`,
    ],
  };
}

/** What does not touch that topic. */
function clusterSteps(newTopic: string): Step[] {
  return [
    { tool: "kafka-topics", args: "--describe --under-replicated-partitions" },
    { tool: "kafka-topics", args: "--describe --unavailable-partitions" },
    {
      tool: "kafka-configs",
      args: "--describe --all --entity-type brokers --entity-name 1",
      prints: [/advertised.listeners=PLAINTEXT/, /^ {2}num.partitions=/m],
    },
    {
      tool: "kafka-broker-api-versions",
      args: "",
      prints: [/Produce\(0\): 0 to 13 \[usable: 13\]/],
    },
    { tool: "kafka-cluster", args: "cluster-id", prints: [/^Cluster ID: [\w-]{22}$/m] },
    { tool: "kafka-cluster", args: "list-endpoints", prints: [/^1 +\S+ +\d+ .*unfenced +broker/m] },
    { tool: "kafka-features", args: "describe", prints: ["metadata.version"] },
    { tool: "kafka-leader-election", args: "--election-type preferred --all-topic-partitions" },
    {
      tool: "kafka-reassign-partitions",
      args: "--list",
      prints: ["No partition reassignments found."],
    },
    { tool: "kafka-acls", args: "--list", fails: "No Authorizer is configured on the broker" },
    { tool: "kafka-topics", args: `--create --topic ${newTopic} --partitions 1` },
    {
      tool: "kafka-client-compatibility-test",
      args:
        `--topic ${newTopic} --num-cluster-nodes 1 --expect-record-too-large-exception false ` +
        ["offsets-for-times", "cluster-id", "idempotent-producer", "describe-configs"]
          .concat("create-topics", "describe-acls")
          .map((feature) => `--${feature}-supported true`)
          .join(" "),
      prints: ["SUCCESS"],
    },
  ];
}

/** kafka-dump-log on the segments of partition 0: the files have Kafka's format. */
function fileSteps(topicDir: string): Step[] {
  const dir = join(topicDir, "0");
  const [sealed = ""] = readdirSync(dir)
    .filter((name) => name.endsWith(".index"))
    .sort();
  const base = join(dir, sealed.replace(/\.index$/, ""));
  return [
    {
      tool: "kafka-dump-log",
      args: `--files ${base}.log --print-data-log`,
      prints: [
        /^baseOffset: 3 lastOffset: 3 count: 1 .* compresscodec: zstd .* isvalid: true$/m,
        /payload: four/,
      ],
    },
    {
      tool: "kafka-dump-log",
      args: `--files ${base}.index --verify-index-only`,
      prints: ["Dumping"],
    },
    {
      tool: "kafka-dump-log",
      args: `--files ${base}.index,${base}.timeindex --index-sanity-check`,
      prints: [`${base}.index passed sanity check`, `${base}.timeindex passed sanity check`],
    },
  ];
}

/** Properties files of an administrator and of a user, who may use topics and groups that begin with `prefix`. */
export interface ToolUsers {
  readonly admin: string;
  readonly user: string;
  readonly prefix: string;
}

/** Runs the tools that change users and rules, and others as a user. Throws `NotInstalled`. */
export async function runSecureTools(
  broker: string,
  { admin, user, prefix }: ToolUsers,
): Promise<Omit<ToolsResult, "version">> {
  const dir = await install(JAVA);
  const [topic, group, other] = [`${prefix}tools`, `${prefix}group`, "tools-other"];
  const as = (config: string, ...steps: Step[]): Step[] =>
    steps.map((step) => ({ ...step, args: `${step.args} --command-config ${config}` }));
  const rule = `--allow-principal User:bob --operation Read --topic ${other}`;
  const bob = "--entity-type users --entity-name bob";
  const steps = [
    ...as(
      admin,
      { tool: "kafka-topics", args: `--create --topic ${other} --partitions 1` },
      { tool: "kafka-acls", args: `--add ${rule}`, prints: ["operation=READ"] },
      { tool: "kafka-acls", args: `--list --topic ${other}`, prints: ["principal=User:bob"] },
      { tool: "kafka-acls", args: `--remove --force ${rule}` },
      {
        tool: "kafka-configs",
        args: `--alter ${bob} --add-config SCRAM-SHA-256=[iterations=8192,password=x]`,
        prints: ["Completed updating config for user bob."],
      },
      {
        tool: "kafka-configs",
        args: `--describe ${bob}`,
        prints: ["SCRAM-SHA-256=iterations=8192"],
      },
      { tool: "kafka-configs", args: `--alter ${bob} --delete-config SCRAM-SHA-256` },
    ),
    ...as(
      user,
      { tool: "kafka-topics", args: `--create --topic ${topic} --partitions 1` },
      { tool: "kafka-topics", args: `--list`, prints: [topic] },
      {
        tool: "kafka-topics",
        args: `--create --topic ${other}2`,
        fails: "TopicAuthorizationException",
      },
      { tool: "kafka-console-producer", args: `--topic ${topic}`, input: "one\ntwo\n" },
      {
        tool: "kafka-console-producer",
        args: `--topic ${other}`,
        input: "one\n",
        fails: "TopicAuthorizationException",
      },
      {
        tool: "kafka-console-consumer",
        args: `--topic ${topic} --group ${group} --from-beginning --max-messages 2`,
        prints: ["one\ntwo"],
      },
      {
        tool: "kafka-console-consumer",
        args: `--topic ${topic} --group tools-group --from-beginning --max-messages 2`,
        fails: "GroupAuthorizationException",
      },
      { tool: "kafka-consumer-groups", args: `--describe --group ${group}`, prints: [topic] },
      {
        tool: "kafka-consumer-groups",
        args: `--describe --group tools-group`,
        fails: "GroupAuthorizationException",
      },
      { tool: "kafka-acls", args: `--list`, fails: "ClusterAuthorizationException" },
    ),
  ] satisfies Step[];
  const problems: string[] = [];
  for (const step of steps) {
    const problem = await runStep(dir, broker, step);
    if (problem !== undefined) problems.push(`${step.tool} ${step.args}: ${problem}`);
  }
  return { checks: steps.length - problems.length, problems };
}

/** Runs one tool. Resolves with what is wrong. */
async function runStep(dir: string, broker: string, step: Step): Promise<string | undefined> {
  const { tool, args, input = "", prints = [], fails } = step;
  const command = [...JVM, "-cp", `${dir}/lib/*`, `org.apache.kafka.tools.${TOOLS[tool]}`];
  const words = args.split(" ").filter(Boolean);
  const server = ["--bootstrap-server", broker];
  // The first word of some is a command.
  if (/^[a-z]/.test(words[0] ?? "") && tool !== "kafka-features") words.splice(1, 0, ...server);
  else if (tool === "kafka-features") words.unshift(...server);
  else if (tool !== "kafka-dump-log" && tool !== "kafka-producer-perf-test") words.push(...server);
  const child = Bun.spawn([...command, ...words], {
    stdin: Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
    timeout: TOOL_MS,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const exitCode = await child.exited;
  const output = `${stdout}\n${stderr}`;
  if (fails !== undefined) {
    if (output.includes(fails)) return undefined;
    return `expected to fail with ${fails}: ${output.slice(0, 500)}`;
  }
  if (exitCode !== 0) return `exit code ${exitCode}: ${output.trim().slice(0, 500)}`;
  const missing = prints.filter((text) =>
    typeof text === "string" ? !output.includes(text) : !text.test(output),
  );
  if (missing.length === 0) return undefined;
  return `does not print ${missing.join(", ")}: ${output.trim().slice(0, 500)}`;
}
