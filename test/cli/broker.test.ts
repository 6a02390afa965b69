// `rustlog broker` as a process: what it prints, how it stops, what it refuses.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { banner } from "../../src/cli/broker.ts";
import { tempDir } from "../support/tmp.ts";
import { readRest, readUntil, run, spawn, startBroker } from "./rustlog.ts";

let directory: ReturnType<typeof tempDir>;
beforeAll(() => {
  directory = tempDir();
});
afterAll(() => directory[Symbol.dispose]());

const STARTED = /Broker started on (\S+)\n/;
/** The last line before the broker waits for work. */
const READY = /Data directory: .+\n/;

/** A broker process that accepts connections; `output` is what it has printed so far. */
async function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const broker = spawn(["broker", ...args], { env });
  const output = await readUntil(broker.stdout, (text) => READY.test(text));
  return { broker, output, address: STARTED.exec(output)![1]! };
}

describe("rustlog broker", () => {
  test("prints the banner, serves, stops on SIGTERM with 0, and has everything after a restart", async () => {
    const dataDir = join(directory.path, "restart");
    const args = ["--port", "0", "--data-dir", dataDir];
    const first = await start(args);
    expect(first.output).toStartWith(`${banner()}\n`);
    expect(first.output).toContain(`Data directory: ${dataDir}\n`);
    expect(first.output).not.toContain("no authentication");
    await run(["produce", "t", "kept"], { broker: first.address });
    first.broker.kill("SIGTERM");
    expect(await readRest(first.broker.stdout)).toEndWith("Broker stopped\n");
    expect(await new Response(first.broker.stderr).text()).toBe("");
    expect(await first.broker.exited).toBe(0);

    const second = await start(args);
    const { stdout } = await run(["consume", "t"], { broker: second.address });
    expect(stdout).toBe("kept\n");
    second.broker.kill("SIGINT");
    expect(await second.broker.exited).toBe(0);
  });

  test("refuses a data directory that another broker holds, and says which process that is", async () => {
    const dataDir = join(directory.path, "held");
    const { broker } = await start(["--port", "0", "--data-dir", dataDir]);
    const { stderr, exitCode } = await run(["broker", "--port", "0", "--data-dir", dataDir]);
    expect(stderr).toContain(`${broker.pid}`);
    expect(stderr).toContain("--data-dir");
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(exitCode).toBe(1);
    broker.kill("SIGKILL");
    await broker.exited;
  });

  test("refuses a port that is in use", async () => {
    await using other = await startBroker();
    const port = other.address.split(":")[1]!;
    const dataDir = join(directory.path, "port");
    const { stderr, exitCode } = await run(["broker", "--port", port, "--data-dir", dataDir]);
    expect(stderr).toStartWith(`rustlog: ${other.address} is in use: `);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(exitCode).toBe(1);
  });

  test("takes every setting from the environment, and says that there is no authentication", async () => {
    const { broker, output, address } = await start([], {
      RUSTLOG_HOST: "0.0.0.0",
      RUSTLOG_PORT: "0",
      RUSTLOG_DATA_DIR: join(directory.path, "environment"),
      RUSTLOG_FLUSH: "interval:20ms",
      RUSTLOG_OFFSETS: "memory",
      RUSTLOG_DEFAULT_PARTITIONS: "4",
      RUSTLOG_NO_AUTO_CREATE_TOPICS: "yes",
    });
    expect(output).toContain("no authentication");
    const reachable = { broker: address.replace("0.0.0.0", "127.0.0.1") };
    const refused = await run(["produce", "t", "v"], reachable);
    expect(refused.stderr).toContain("rustlog: UNKNOWN_TOPIC_OR_PARTITION: ");
    expect(refused.exitCode).toBe(1);
    const created = await run(["topics", "create", "t"], reachable);
    expect(created.stdout).toBe("Created topic 't' with 4 partitions\n");
    broker.kill("SIGINT");
    expect(await broker.exited).toBe(0);
  });
});
