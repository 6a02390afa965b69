// The Kafka clients that are tested, with how to get each and what each can't do.
// Leaves to others: what they must do (scenario.ts, samples.ts).
import { join } from "node:path";
import type { TestedClient } from "./client.js";
import { CLIENTS_DIR, type Install, install } from "./install.js";
import { connectKafkajs } from "./kafkajs.js";
import { kcatClient } from "./kcat.js";
import { startLineClient } from "./line-client.js";
import { connectPlatformatic } from "./platformatic.js";
import type { Quirks } from "./samples.js";

export interface ClientEntry {
  readonly quirks: Quirks;
  /** Checks of the scenario for which the client has no function. */
  readonly lacks: readonly string[];
  /** Fetches the client if need be, and connects it; throws `NotInstalled` where that can't be. */
  readonly connect: (broker: string) => Promise<TestedClient>;
}

/** Kafka's own client and tools, in the folder `lib`, and our program in the folder `classes`. */
export const JAVA: Install = {
  name: "java",
  from: ["java/pom.xml", "java/Client.java"],
  needs: ["mvn", "javac", "java"],
  steps: (dir) => [
    {
      command: [
        ...["mvn", "-q", "-B", "-f", "java/pom.xml", "dependency:copy-dependencies"],
        ...["-DincludeScope=runtime", `-DoutputDirectory=${dir}/lib`],
      ],
    },
    { command: ["javac", "-d", `${dir}/classes`, "-cp", `${dir}/lib/*`, "java/Client.java"] },
  ],
};

/** A JVM that starts quickly and prints no warnings. */
export const JVM = [
  ...["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
  "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
];

function python(program: string): ClientEntry["connect"] {
  const requirements = `python/${program}.txt`;
  return async (broker) => {
    const pip = ["python3", "-m", "pip", "install", "-q", "--only-binary", ":all:"];
    const dir = await install({
      name: program,
      from: [requirements],
      needs: ["python3"],
      steps: (target) => [{ command: [...pip, "-r", requirements, "--target", target] }],
    });
    const path = `PYTHONPATH=${dir}`;
    const script = join(CLIENTS_DIR, "python", `${program}.py`);
    return startLineClient(["env", path, "PYTHONDONTWRITEBYTECODE=1", "python3", script], broker);
  };
}

function go(program: string): ClientEntry["connect"] {
  return async (broker) => {
    const dir = await install({
      name: program,
      from: ["go/go.mod", "go/go.sum", "go/line/line.go", `go/${program}/main.go`],
      needs: ["go"],
      steps: (target) => [
        {
          command: ["go", "build", "-o", join(target, program), `./${program}`],
          cwd: join(CLIENTS_DIR, "go"),
          env: { GOTOOLCHAIN: "local", GOFLAGS: "-buildvcs=false" },
        },
      ],
    });
    return startLineClient([join(dir, program)], broker);
  };
}

const NO_MAX_TIMESTAMP = "finds the largest timestamp";

/** All clients, by the name that `--clients` takes. */
export const CLIENTS: Readonly<Record<string, ClientEntry>> = {
  java: {
    quirks: {},
    lacks: [],
    connect: async (broker) => {
      const dir = await install(JAVA);
      return startLineClient([...JVM, "-cp", `${dir}/classes:${dir}/lib/*`, "Client"], broker);
    },
  },
  "franz-go": { quirks: {}, lacks: [], connect: go("franz-go") },
  sarama: { quirks: {}, lacks: [NO_MAX_TIMESTAMP], connect: go("sarama") },
  "kafka-go": {
    quirks: { readsEmptyAsNull: true },
    lacks: [NO_MAX_TIMESTAMP, "produces idempotently", "deletes records"],
    connect: go("kafka-go"),
  },
  "confluent-python": { quirks: {}, lacks: [], connect: python("confluent") },
  "kafka-python": { quirks: { noNullHeaders: true }, lacks: [], connect: python("kafka_python") },
  aiokafka: { quirks: {}, lacks: [NO_MAX_TIMESTAMP], connect: python("aio") },
  kafkajs: {
    quirks: { noNullHeaders: true },
    lacks: [NO_MAX_TIMESTAMP],
    connect: connectKafkajs,
  },
  platformatic: { quirks: {}, lacks: [], connect: connectPlatformatic },
  kcat: {
    quirks: { noTimestamps: true, noEmptyBytes: true, onlyTextHeaders: true },
    lacks: [
      NO_MAX_TIMESTAMP,
      ...["creates a topic", "is refused a bad name", "describes configs", "alters configs"],
      ...["adds partitions", "deletes records", "deletes a topic"],
    ],
    connect: async (broker) => {
      // Debian's packages, unpacked: nothing is installed.
      const packages = ["kcat", "librdkafka1", "libyajl2"];
      const dir = await install({
        name: "kcat",
        from: [],
        needs: ["apt-get", "dpkg"],
        steps: (target) => [
          { command: ["apt-get", "download", ...packages], cwd: target },
          { command: ["sh", "-c", 'for f in *.deb; do dpkg -x "$f" .; done'], cwd: target },
          { command: ["sh", "-c", "cp usr/lib/*/*.so* ."], cwd: target },
        ],
      });
      return kcatClient(join(dir, "usr/bin/kcat"), { LD_LIBRARY_PATH: dir }, broker);
    },
  },
};
