// The Kafka clients that are tested, with how to get each and what each can't do.
// Leaves to others: what they must do (scenario.ts, samples.ts).
import { join } from "node:path";
import type { TestedClient } from "./client.js";
import { CLIENTS_DIR, type Install, install } from "./install.js";
import { connectKafkajs } from "./kafkajs.js";
import { kcatClient } from "./kcat.js";
import { startLineClient } from "./line-client.js";
import { type Login, librdkafkaSettings, lineEnvironment, type Mechanism } from "./login.js";
import { connectPlatformatic } from "./platformatic.js";
import type { Quirks } from "./samples.js";

export interface ClientEntry {
  readonly quirks: Quirks;
  /** Checks of the scenario for which the client has no function. */
  readonly lacks: readonly string[];
  /** Its idempotent producer goes on when the broker is killed and started again. */
  readonly outlivesKills?: true;
  /** Fetches the client if need be, and connects it; throws `NotInstalled` where that can't be. */
  readonly connect: (broker: string, secure?: SecureConnection) => Promise<TestedClient>;
  /** It takes the answer to a wrong token for a login, and then finds the connection closed. */
  readonly tellsNoRefusedToken?: true;
  /**
   * It drops the answer to a wrong login if it finds the connection closed when it reads that, and then says only that there
   * is no connection.
   */
  readonly missesRefusals?: true;
  /** It asks for all topics first, and for it those that it may not see do not exist. */
  readonly asksForAllTopics?: true;
  /** Its consumer of given partitions waits for ever for those of a topic that it may not read. */
  readonly waitsForForbidden?: true;
  /** Mechanisms that it does not have. */
  readonly lacksMechanisms?: readonly Mechanism[];
}

/** A login, and a directory for files that the client needs for it. */
interface SecureConnection {
  readonly login: Login;
  readonly dir: string;
}

function environmentOf(secure: SecureConnection | undefined): Readonly<Record<string, string>> {
  return secure === undefined ? {} : lineEnvironment(secure.login, secure.dir);
}

/** Kafka's client and tools of a version, in the folder `lib`, and our program in the folder `classes`. */
function javaInstall(version: string): Install {
  return {
    name: "java",
    from: ["java/pom.xml", "java/Client.java", "java/Member.java"],
    version,
    needs: ["mvn", "javac", "java"],
    steps: (dir) => [
      {
        command: [
          ...["mvn", "-q", "-B", "-f", "java/pom.xml", `-Dkafka.version=${version}`],
          ...["dependency:copy-dependencies", "-DincludeScope=runtime"],
          `-DoutputDirectory=${dir}/lib`,
        ],
      },
      {
        command: [
          ...["javac", "-d", `${dir}/classes`, "-cp", `${dir}/lib/*`],
          ...["java/Client.java", "java/Member.java"],
        ],
        isOurs: true,
      },
    ],
  };
}

/** The newest version. */
export const JAVA = javaInstall("4.4.0");

/** A JVM that starts quickly and prints no warnings. */
export const JVM = [
  ...["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
  "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
];

/** The command that runs a class of ours. */
export async function javaCommand(installed: Install, main: string): Promise<string[]> {
  const dir = await install(installed);
  return [...JVM, "-cp", `${dir}/classes:${dir}/lib/*`, main];
}

/** The command that runs a program of ours in Python, with the packages of a requirements file. */
export async function pythonCommand(requirements: string, program: string): Promise<string[]> {
  const from = `python/${requirements}.txt`;
  const pip = ["python3", "-m", "pip", "install", "-q", "--only-binary", ":all:"];
  const dir = await install({
    name: requirements,
    from: [from],
    needs: ["python3"],
    steps: (target) => [{ command: [...pip, "-r", from, "--target", target] }],
  });
  const script = join(CLIENTS_DIR, "python", `${program}.py`);
  return ["env", `PYTHONPATH=${dir}`, "PYTHONDONTWRITEBYTECODE=1", "python3", script];
}

/** What the programs in Go share. */
export const GO_SHARED = ["go/line/line.go", "go/line/login.go", "go/franz/security.go"] as const;

/** The command that runs a program of ours in Go, which is made of its own file and `others`. */
export async function goCommand(program: string, ...others: string[]): Promise<string[]> {
  const inModule = {
    cwd: join(CLIENTS_DIR, "go"),
    env: { GOTOOLCHAIN: "local", GOFLAGS: "-buildvcs=false" },
  };
  const dir = await install({
    name: program,
    from: ["go/go.mod", "go/go.sum", ...others, `go/${program}/main.go`],
    needs: ["go"],
    steps: (target) => [
      { command: ["go", "mod", "download"], ...inModule },
      {
        command: ["go", "build", "-o", join(target, program), `./${program}`],
        ...inModule,
        isOurs: true,
      },
    ],
  });
  return [join(dir, program)];
}

function java(installed: Install): ClientEntry["connect"] {
  return async (broker, secure) =>
    startLineClient(await javaCommand(installed, "Client"), broker, environmentOf(secure));
}

function python(program: string): ClientEntry["connect"] {
  return async (broker, secure) =>
    startLineClient(await pythonCommand(program, program), broker, environmentOf(secure));
}

function go(program: string, ...args: string[]): ClientEntry["connect"] {
  return async (broker, secure) => {
    const command = await goCommand(program, ...GO_SHARED);
    return startLineClient([...command, ...args], broker, environmentOf(secure));
  };
}

/** kcat with its libraries: Debian's packages, unpacked. Nothing is installed. */
export async function kcatProgram(): Promise<{
  readonly executable: string;
  readonly env: Readonly<Record<string, string>>;
}> {
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
  return { executable: join(dir, "usr/bin/kcat"), env: { LD_LIBRARY_PATH: dir } };
}

const NO_MAX_TIMESTAMP = "finds the largest timestamp";

/** All clients, by the name that `--clients` takes. */
export const CLIENTS: Readonly<Record<string, ClientEntry>> = {
  java: { quirks: {}, lacks: [], outlivesKills: true, connect: java(JAVA) },
  "java-3.9": { quirks: {}, lacks: [], outlivesKills: true, connect: java(javaInstall("3.9.2")) },
  "franz-go": { quirks: {}, lacks: [], outlivesKills: true, connect: go("franz-go") },
  sarama: { quirks: {}, lacks: [NO_MAX_TIMESTAMP], connect: go("sarama") },
  // What programs use that were written for the oldest Kafka that Kafka 4 still serves.
  "sarama-2.1": { quirks: {}, lacks: [NO_MAX_TIMESTAMP], connect: go("sarama", "2.1.0") },
  "kafka-go": {
    quirks: { readsEmptyAsNull: true },
    lacks: [NO_MAX_TIMESTAMP, "produces idempotently", "deletes records"],
    lacksMechanisms: ["OAUTHBEARER"],
    asksForAllTopics: true,
    connect: go("kafka-go"),
  },
  "confluent-python": {
    quirks: {},
    lacks: [],
    outlivesKills: true,
    waitsForForbidden: true,
    connect: python("confluent"),
  },
  "kafka-python": {
    quirks: { noNullHeaders: true },
    lacks: [],
    outlivesKills: true,
    waitsForForbidden: true,
    missesRefusals: true,
    connect: python("kafka_python"),
  },
  aiokafka: {
    quirks: {},
    lacks: [NO_MAX_TIMESTAMP],
    outlivesKills: true,
    waitsForForbidden: true,
    tellsNoRefusedToken: true,
    connect: python("aio"),
  },
  kafkajs: {
    quirks: { noNullHeaders: true },
    lacks: [NO_MAX_TIMESTAMP],
    tellsNoRefusedToken: true,
    connect: (broker, secure) => connectKafkajs(broker, secure?.login),
  },
  platformatic: {
    tellsNoRefusedToken: true,
    quirks: {},
    lacks: [],
    connect: (broker, secure) => connectPlatformatic(broker, secure?.login),
  },
  kcat: {
    quirks: { noTimestamps: true, noEmptyBytes: true, onlyTextHeaders: true },
    lacks: [
      NO_MAX_TIMESTAMP,
      ...["creates a topic", "is refused a bad name", "describes configs", "alters configs"],
      ...["adds partitions", "deletes records", "deletes a topic"],
    ],
    // A token would have to come from a server, or be unsigned.
    lacksMechanisms: ["OAUTHBEARER"],
    connect: async (broker, secure) => {
      const { executable, env } = await kcatProgram();
      const settings = secure === undefined ? {} : librdkafkaSettings(secure.login);
      return kcatClient(executable, env, broker, settings);
    },
  },
};
