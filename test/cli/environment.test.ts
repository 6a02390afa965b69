// Variables named RUSTLOG_…: empty ones, those of a Kubernetes service, and wrong values.
import { describe, expect, test } from "bun:test";
import { brokerCommand } from "../../src/cli/broker.js";
import { dropForeignVariables } from "../../src/cli/environment.js";
import { run } from "./rustlog.js";

/** What Kubernetes sets in a pod for the services `rustlog` and `rustlog-metrics`. */
const SERVICES = {
  RUSTLOG_SERVICE_HOST: "10.96.0.7",
  RUSTLOG_SERVICE_PORT: "9092",
  RUSTLOG_PORT: "tcp://10.96.0.7:9092",
  RUSTLOG_PORT_9092_TCP: "tcp://10.96.0.7:9092",
  RUSTLOG_PORT_9092_TCP_PROTO: "tcp",
  RUSTLOG_PORT_9092_TCP_PORT: "9092",
  RUSTLOG_PORT_9092_TCP_ADDR: "10.96.0.7",
  RUSTLOG_METRICS_PORT: "udp://[fd00::7]:9644",
};

/** Variables of all broker flags, and those that other commands read. */
const VARIABLES = [
  ...brokerCommand().options.flatMap(({ envVar }) => (envVar === undefined ? [] : [envVar])),
  ...[
    "RUSTLOG_NO_AUTO_CREATE_TOPICS",
    "RUSTLOG_ALLOW_ANONYMOUS",
    "RUSTLOG_STRICT_REPLICATION_FACTOR",
    "RUSTLOG_BROKER",
    "RUSTLOG_DEBUG",
  ],
];
const EMPTY = Object.fromEntries(VARIABLES.map((name) => [name, ""]));

/** Passes its options, and fails before it opens a port: nothing can be created below a file. */
const BROKER = ["broker", "--data-dir", "/dev/null/data"];

describe("variables of the environment", () => {
  test("that hold a service address are ignored with a warning", async () => {
    const { stderr, exitCode } = await run(BROKER, { env: SERVICES });
    expect(stderr).toContain("rustlog: ignoring RUSTLOG_PORT=tcp://10.96.0.7:9092, ");
    expect(stderr).toContain("rustlog: ignoring RUSTLOG_METRICS_PORT=udp://[fd00::7]:9644, ");
    expect(stderr.trimEnd().split("\n").length).toBe(3);
    expect(exitCode).toBe(1);
    const client = await run(["topics", "list", "--broker", "127.0.0.1:9"], { env: SERVICES });
    expect(client.stderr).not.toContain("ignoring");
    expect(client.exitCode).toBe(1);
  });

  test("that are empty count as unset for every command", async () => {
    expect(VARIABLES.length).toBeGreaterThan(18);
    // Whether or not a broker runs on this machine, this topic does not exist.
    for (const args of [
      BROKER,
      ["consume", "no-such-topic-here"],
      ["explain", "no-such", "0", "0"],
    ]) {
      const { stderr, exitCode } = await run(args, { env: EMPTY });
      expect([exitCode, stderr]).toEqual([1, expect.not.stringContaining("RUSTLOG_")]);
    }
  });

  test("that are invalid exit with 2 and are named", async () => {
    const runs: readonly (readonly [readonly string[], string, string])[] = [
      [BROKER, "RUSTLOG_PORT", "tcp://10.96.0.7"],
      [BROKER, "RUSTLOG_FLUSH", "sometimes"],
      [BROKER, "RUSTLOG_NO_AUTO_CREATE_TOPICS", "perhaps"],
      [["topics", "list"], "RUSTLOG_BROKER", "tcp://10.96.0.7:9092"],
    ];
    for (const [args, name, value] of runs) {
      const { stderr, exitCode } = await run(args, { env: { [name]: value } });
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining(name)]);
    }
  });

  test("that are settings, or belong to other programs, are kept", () => {
    const environment: Record<string, string | undefined> = {
      RUSTLOG_PORT: "9092",
      RUSTLOG_BROKER: "tcp://10.96.0.7:9092",
      OTHER_PORT: "tcp://10.96.0.7:9092",
      OTHER: "",
    };
    const before = { ...environment };
    expect(dropForeignVariables(environment)).toEqual([]);
    expect(environment).toEqual(before);
  });
});
