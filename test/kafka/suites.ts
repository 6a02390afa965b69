// The test suites of Kafka client projects, run against a broker: franz-go's kgo, librdkafka's, and kafkajs'.
// Tests that can't pass on this broker are listed with the reason; everything else must pass.
import { join } from "node:path";
import { type Install, install, NotInstalled } from "./install.js";

/** A whole suite has to end by itself. */
const SUITE_MS = 15 * 60_000;

/** How long one of librdkafka's tests may take. */
const LIBRDKAFKA_TEST_MS = 120_000;

const TRANSACTIONS = "needs transactions";
const THEIR_SCRIPTS = "starts or calls a Kafka distribution";

/** Names of tests, separated by spaces, by the reason why they can't pass. */
type NotApplicable = Readonly<Record<string, string>>;

/** The outcome of a suite. */
export interface SuiteResult {
  readonly version: string;
  readonly passed: number;
  readonly problems: readonly string[];
  readonly notApplicable: NotApplicable;
}

export type Suite = (broker: string) => Promise<SuiteResult>;

/** All suites, by the name that `--suites` takes. */
export const SUITES: Readonly<Record<string, Suite>> = { kgo, librdkafka, kafkajs };

// --- franz-go's kgo ---

const KGO_VERSION = "1.22.3";

/** kgo's tests that do not apply, by reason; each is the beginning of a name. */
const KGO_SKIPPED: NotApplicable = {
  [TRANSACTIONS]: "TestTxnEtl",
  "needs share groups": "TestShareGroup TestConsumeRegexShare",
  "subscribes to __consumer_offsets by a pattern": "Test848RegexBrokerResolves",
  "sets max.message.bytes to 10 MiB; 8 MiB is the most":
    "TestIssueFetchLargerThanBrokerMaxReadBytes",
};

async function kgo(broker: string): Promise<SuiteResult> {
  const module = "github.com/twmb/franz-go";
  const go = { GOTOOLCHAIN: "local", GOFLAGS: "-mod=mod -buildvcs=false" };
  const dir = await install({
    name: "kgo-tests",
    from: [],
    version: KGO_VERSION,
    needs: ["go"],
    steps: (cwd) => [
      { command: ["go", "mod", "init", "kgo-tests"], cwd, env: go },
      { command: ["go", "get", "-t", `${module}/pkg/kgo@v${KGO_VERSION}`], cwd, env: go },
      { command: ["go", "test", "-c", "-o", "kgo.test", `${module}/pkg/kgo`], cwd, env: go },
    ],
  });
  // One test reads its own source.
  const source = await capture(["go", "list", "-m", "-f", "{{.Dir}}", module], {
    cwd: dir,
    env: go,
  });
  const { output } = await capture(
    [
      ...[join(dir, "kgo.test"), "-test.v", "-test.timeout", "10m"],
      ...["-test.skip", `^(?:${Object.values(KGO_SKIPPED).join(" ").replaceAll(" ", "|")})`],
    ],
    {
      cwd: join(source.output.trim(), "pkg/kgo"),
      env: {
        ...{ KGO_SEEDS: broker, KGO_TEST_RF: "1", KGO_TEST_RECORDS: "20000" },
        KGO_LOG_LEVEL: "none",
      },
    },
  );
  const failures = [...output.matchAll(/^--- FAIL: (\S+)/gm)].map(([, name]) => `${name} failed`);
  if (!/^(?:PASS|FAIL)$/m.test(output)) failures.push(`it did not end: ${output.slice(-500)}`);
  const passed = output.match(/^--- PASS/gm)?.length ?? 0;
  return { version: KGO_VERSION, passed, problems: failures, notApplicable: KGO_SKIPPED };
}

// --- librdkafka ---

/** The npm package that carries librdkafka's source with its tests. */
const LIBRDKAFKA_PACKAGE = "@confluentinc/kafka-javascript@1.10.1";

/** librdkafka's tests that must pass: those that use the broker. */
const LIBRDKAFKA_TESTS = (
  "0002 0003 0005 0007 0008 0012 0013 0014 0015 0016 0017 0020 0021 0022 0026 0029 0030 0031 0034 0036 " +
  "0038 0040 0041 0042 0044 0048 0051 0053 0054 0055 0056 0057 0059 0060 0061 0063 0064 0065 0067 0069 " +
  "0070 0073 0083 0085 0090 0099 0106 0112 0114 0118 0125 0127 0130 0137"
).split(" ");

/** Those that do not apply, by reason. All others are run without a broker, or with a mock of one. */
const LIBRDKAFKA_SKIPPED: NotApplicable = {
  [TRANSACTIONS]: "0098 0103 0129",
  "sets compression.type, which the broker does not support": "0081",
  [THEIR_SCRIPTS]: "0052 0077 0109 0115 0119",
  "does nothing in quick mode": "0018 0019 0028 0045 0050 0089 0102 0116 0132",
  "runs for half a minute or more": "0033 0084 0086 0091 0093 0113 0123 0139",
};

const LIBRDKAFKA: Install = {
  name: "librdkafka-tests",
  from: [],
  version: LIBRDKAFKA_PACKAGE,
  needs: ["npm", "tar", "make", "gcc", "g++"],
  steps: (cwd) => [
    { command: ["npm", "pack", "--silent", LIBRDKAFKA_PACKAGE], cwd },
    {
      command: [
        "sh",
        "-c",
        "tar xzf *.tgz --strip-components=3 package/deps/librdkafka && rm *.tgz",
      ],
      cwd,
    },
    { command: ["./configure"], cwd },
    { command: ["make", "-j2", "libs"], cwd },
    { command: ["make", "-C", "tests", "-j2", "build"], cwd },
  ],
};

async function librdkafka(broker: string): Promise<SuiteResult> {
  const dir = await install(LIBRDKAFKA);
  const tests = join(dir, "tests");
  const conf = join(tests, `test-${process.pid}.conf`);
  await Bun.write(conf, `bootstrap.servers=${broker}\n`);
  const problems: string[] = [];
  const queue = [...LIBRDKAFKA_TESTS];
  const worker = async (): Promise<void> => {
    for (let test = queue.shift(); test !== undefined; test = queue.shift()) {
      const { output, exitCode } = await capture(["./test-runner", "-p1", "-Q", "-E"], {
        cwd: tests,
        env: {
          ...{ LD_LIBRARY_PATH: "../src:../src-cpp", RDKAFKA_TEST_CONF: conf },
          ...{ TESTS: test, TEST_KAFKA_VERSION: "4.4.0" },
        },
        ms: LIBRDKAFKA_TEST_MS,
      });
      const passed = new RegExp(`${test}_\\S+ +\\| +PASSED`).test(output);
      if (exitCode === 0 && passed) continue;
      const failure = /### Test "[^"]*" failed at .*/.exec(output)?.[0] ?? output.slice(-300);
      problems.push(`${test}: ${failure}`);
    }
  };
  await Promise.all([worker(), worker()]);
  await Bun.file(conf).delete();
  const header = await Bun.file(join(dir, "src/rdkafka.h")).text();
  const [, hex = "0"] = /#define RD_KAFKA_VERSION +0x(\w{6})ff/.exec(header) ?? [];
  const version =
    hex
      .match(/../g)
      ?.map((pair) => Number.parseInt(pair, 16))
      .join(".") ?? "";
  const passed = LIBRDKAFKA_TESTS.length - problems.length;
  return { version, passed, problems, notApplicable: LIBRDKAFKA_SKIPPED };
}

// --- kafkajs ---

/** Where its tests look for a broker. */
const KAFKAJS_BROKER = "localhost:9092";

const THREE_BROKERS = "expects three brokers";

/** Its tests that do not apply, by reason: folders, files and beginnings or ends of names, as regular expressions. */
const KAFKAJS_SKIPPED: NotApplicable = {
  [TRANSACTIONS]: "[tT]ransaction control.batches reading.empty",
  [THREE_BROKERS]:
    "case.of.retriable.error least.1.broker all.broker.errors broker.configs not.the.partition.leader has.multiple.partitions " +
    "manual.replica use.the.default.replication Metadata.request$ for.all.brokers",
  "asks for what Kafka 4 removed, or for the defaults of Kafka 2":
    "ListOffsets.v0 max.timestamp.difference describeConfigs.request",
  "expects num.partitions=1; librdkafka's tests expect 4":
    "assign.invalid.broker$ create.new.partition$",
  "starts or expects a container": "partitions.change.after FindGroupCoordinator.request",
  "races with a rebalance timeout or a request timeout of 0 ms":
    "Heartbeat.request OffsetCommit.request request.timeout.events",
  "needs SSL or SASL": "SSL SASL authenticat mechanism",
};

/** Files of which no test applies: transactions, ACLs, SASL, three brokers. */
const KAFKAJS_FILES_SKIPPED =
  "xn|Txn|Transaction|Acls|eauthenticate|PartitionReassignments|idempotentProduceMessages";

async function kafkajs(broker: string): Promise<SuiteResult> {
  const { RUSTLOG_KAFKAJS_SOURCE: source } = process.env;
  if (source === undefined) {
    throw new NotInstalled(
      "the npm package has no tests: set RUSTLOG_KAFKAJS_SOURCE to a checkout of its repository",
    );
  }
  if (Number(broker.split(":").at(-1)) !== Number(KAFKAJS_BROKER.split(":").at(-1))) {
    throw new NotInstalled(`its tests want a broker at ${KAFKAJS_BROKER}: use --port 9092`);
  }
  const { version } = await Bun.file(join(source, "package.json")).json();
  const dir = await install({
    name: "kafkajs-tests",
    from: [],
    version,
    needs: ["npm", "node"],
    steps: (target) => [
      { command: ["cp", "-r", `${source}/.`, target] },
      { command: ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"], cwd: target },
    ],
  });
  const names = Object.values(KAFKAJS_SKIPPED).join(" ").replaceAll(" ", "|");
  const { output } = await capture(
    [
      ...["npx", "jest", "--ci", "--no-watchman", "--forceExit", "--maxWorkers", "2", "--json"],
      ...["--testPathPattern", "src/(?:producer|admin|broker|consumer)/"],
      ...["--testPathIgnorePatterns", "node_modules", KAFKAJS_FILES_SKIPPED],
      ...["--testNamePattern", `^(?!.*(?:${names})).*$`],
    ],
    { cwd: dir, env: { KAFKA_VERSION: "2.4", NODE_ENV: "test" } },
  );
  const start = output.indexOf('{"numFailedTestSuites"');
  const end = output.lastIndexOf("}", output.indexOf('"wasInterrupted"') + 40);
  if (start < 0) throw new Error(`jest did not end: ${output.slice(-500)}`);
  const results: JestResults = JSON.parse(output.slice(start, end + 1));
  const failed = results.testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === "failed"),
  );
  return {
    version,
    passed: results.numPassedTests,
    problems: failed.map(
      ({ fullName, failureMessages: [message = ""] }) =>
        `${fullName}: ${message.split("\n    at ", 1)[0]?.replaceAll(/\s+/g, " ")}`,
    ),
    notApplicable: KAFKAJS_SKIPPED,
  };
}

interface JestResults {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

async function capture(
  command: readonly string[],
  options: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    readonly ms?: number;
  },
): Promise<{ readonly output: string; readonly exitCode: number }> {
  const child = Bun.spawn([...command], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: options.ms ?? SUITE_MS,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { output: `${stdout}${stderr}`, exitCode: await child.exited };
}
