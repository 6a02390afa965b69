// `rustlog broker` as a process: its output, how it stops, what it rejects.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, constants, existsSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { banner } from "../../src/cli/broker.js";
import { KAFKA_APIS } from "../../src/protocol/kafka/apis.js";
import { quietPort } from "../support/binary.js";
import { batchOf, Session } from "../support/broker.js";
import { KafkaClient } from "../support/kafka-client.js";
import { tempDir } from "../support/tmp.js";
import { RUSTLOG, readRest, readUntil, run, spawn, startBroker } from "./rustlog.js";

let directory: ReturnType<typeof tempDir>;
beforeAll(() => {
  directory = tempDir();
});
afterAll(() => directory[Symbol.dispose]());

const STARTED = /Broker started on (\S+)\n/;
/** The last line before the broker waits for requests. */
const READY = /Data directory: .+\n/;

/** A broker process that accepts connections; `output` is what it has printed so far. */
async function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const broker = spawn(["broker", ...args], { env });
  const output = await readUntil(broker.stdout, (text) => READY.test(text));
  return { broker, output, address: STARTED.exec(output)![1]! };
}

describe("rustlog broker", () => {
  test("prints the banner, serves, stops with 0 on SIGTERM, and keeps its data over a restart", async () => {
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

  test("refuses a data directory that another broker holds, and names its process", async () => {
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

  test("takes every setting from the environment, and warns that there is no authentication", async () => {
    const { broker, output, address } = await start([], {
      RUSTLOG_HOST: "0.0.0.0",
      RUSTLOG_ALLOW_ANONYMOUS: "1",
      RUSTLOG_PORT: "0",
      RUSTLOG_DATA_DIR: join(directory.path, "environment"),
      RUSTLOG_FLUSH: "interval:20ms",
      RUSTLOG_OFFSETS: "memory",
      RUSTLOG_DEFAULT_PARTITIONS: "4",
      RUSTLOG_NO_AUTO_CREATE_TOPICS: "yes",
      RUSTLOG_STRICT_REPLICATION_FACTOR: "yes",
    });
    expect(output).toContain("no authentication");
    const reachable = { broker: address.replace("0.0.0.0", "127.0.0.1") };
    const refused = await run(["produce", "t", "v"], reachable);
    expect(refused.stderr).toContain("rustlog: UNKNOWN_TOPIC_OR_PARTITION: ");
    expect(refused.exitCode).toBe(1);
    const created = await run(["topics", "create", "t"], reachable);
    expect(created.stdout).toBe("Created topic 't' with 4 partitions\n");
    using client = await KafkaClient.connect(Number(address.split(":")[1]));
    const topic = {
      name: "rf",
      numPartitions: 1,
      replicationFactor: 2,
      assignments: [],
      configs: [],
    };
    const request = { topics: [topic], timeoutMs: 1_000, validateOnly: true };
    const answer = await client.call(KAFKA_APIS.CreateTopics, 7, request);
    expect(answer.topics.map(({ errorCode }) => errorCode)).toEqual([38]);
    broker.kill("SIGINT");
    expect(await broker.exited).toBe(0);
  });

  test("serves metrics and health on their own port, and prints the address", async () => {
    const dataDir = join(directory.path, "metrics");
    const args = ["--port", "0", "--data-dir", dataDir];
    const { broker, output, address } = await start([...args, "--metrics-port", "0"]);
    const url = /^Metrics on (http:\/\/127\.0\.0\.1:\d+)\/metrics$/m.exec(output)?.[1];
    await run(["produce", "t", "a"], { broker: address });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain(
      '\nrustlog_requests_total{protocol="native",api="Produce",error="none"} 1\n',
    );
    const health = await fetch(`${url}/health`);
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({ status: "ok", address });
    broker.kill("SIGTERM");
    expect(await broker.exited).toBe(0);
  });

  test("serves the live page on its own port or on the metrics port, and prints the address", async () => {
    const dataDir = join(directory.path, "page");
    const args = ["--port", "0", "--data-dir", dataDir];
    const both = await start([...args, "--ui", "0", "--metrics-port", "0"]);
    const page = /^Page on (http:\S+\/)$/m.exec(both.output)?.[1] ?? "";
    const metrics = /^Metrics on (http:\S+\/)metrics$/m.exec(both.output)?.[1] ?? "";
    expect(metrics).not.toBe(page);
    expect(await (await fetch(page)).text()).toContain("<title>RustLog</title>");
    expect((await fetch(metrics)).status).toBe(404);
    both.broker.kill("SIGTERM");
    expect(await both.broker.exited).toBe(0);
    const port = new URL(page).port;
    const one = await start([...args, "--ui", port, "--metrics-port", port]);
    expect(one.output).toContain(`Page on ${page}\nMetrics on ${page}metrics\n`);
    expect((await fetch(`${page}metrics`)).status).toBe(200);
    one.broker.kill("SIGTERM");
    expect(await one.broker.exited).toBe(0);
  });

  test("serves no HTTP to other machines without a login, unless that is allowed", async () => {
    const dataDir = join(directory.path, "http-anonymous");
    const args = ["broker", "--port", "0", "--data-dir", dataDir, "--http-host", "0.0.0.0"];
    const { stderr, exitCode } = await run([...args, "--metrics-port", "0"]);
    expect(stderr).toContain("--http-host 0.0.0.0: other machines could connect");
    expect(stderr).toContain("--allow-anonymous");
    expect(exitCode).toBe(2);
  });

  test("takes the HTTP address and host names from the environment, and warns that there is no authentication", async () => {
    const { broker, output } = await start(["--port", "0"], {
      RUSTLOG_DATA_DIR: join(directory.path, "http-environment"),
      RUSTLOG_METRICS_PORT: "0",
      RUSTLOG_HTTP_HOST: "0.0.0.0",
      RUSTLOG_ALLOW_ANONYMOUS: "1",
      RUSTLOG_HTTP_ALLOWED_HOST: "broker.example,other.example",
    });
    const port = /listening on http:\/\/0\.0\.0\.0:(\d+), .+ no authentication/.exec(output)?.[1];
    const statusFor = async (host: string): Promise<number> =>
      (await fetch(`http://127.0.0.1:${port}/health`, { headers: { host } })).status;
    expect(await statusFor("broker.example")).toBe(200);
    expect(await statusFor("other.example:9644")).toBe(200);
    expect(await statusFor("evil.example")).toBe(403);
    broker.kill("SIGINT");
    expect(await broker.exited).toBe(0);
  });

  test("refuses a metrics port that is in use, and leaves the data directory cleanly stopped", async () => {
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const dataDir = join(directory.path, "metrics-port");
    const args = ["--port", "0", "--data-dir", dataDir, "--metrics-port", String(taken.port)];
    const { stderr, exitCode } = await run(["broker", ...args]);
    expect(stderr).toBe(
      `rustlog: 127.0.0.1:${taken.port} is in use: stop the program that has it, or choose another --metrics-port\n`,
    );
    expect(exitCode).toBe(1);
    expect(existsSync(join(dataDir, "clean-shutdown.json"))).toBe(true);
  });

  test("reports on /health that it is stopping, until it has stopped", async () => {
    const dataDir = join(directory.path, "watched");
    const ports = ["--port", "0", "--metrics-port", "0"];
    const { broker, output, address } = await start([...ports, "--data-dir", dataDir]);
    const url = /^Metrics on (\S+)\/metrics$/m.exec(output)?.[1];
    using session = await Session.connect(Number(address.split(":")[1]));
    for (let i = 0; i < 8; i++) await session.produce("t", 0, batchOf("x".repeat(2_000_000)));
    // A client that does not read its responses delays the stop.
    using stuck = await Session.connect(Number(address.split(":")[1]));
    stuck.client.pause();
    const fetched = [1, 2, 3].map(() => stuck.fetch({ topic: "t", maxBytes: 9_000_000 }));
    const settled = Promise.allSettled(fetched);
    await session.ping();
    broker.kill("SIGTERM");
    await readUntil(broker.stdout, (text) => text.includes("Stopping"));
    const health = await fetch(`${url}/health`);
    expect([health.status, await health.json()]).toMatchObject([503, { status: "stopping" }]);
    stuck.client.terminate();
    await settled;
    expect(await readRest(broker.stdout)).toEndWith("Broker stopped\n");
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    expect(await broker.exited).toBe(0);
  });

  test("serves while nobody reads its output, and delivers the lines later", async () => {
    const path = join(directory.path, "unread");
    expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
    const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    // Fill the pipe, so that no line of the start can be written.
    expect(() => {
      for (;;) writeSync(pipe, new Uint8Array(4096).fill(10));
    }).toThrow("EAGAIN");
    const port = quietPort();
    const args = ["--port", String(port), "--data-dir", join(directory.path, "unread-data")];
    const output = openSync(path, constants.O_WRONLY);
    const broker = Bun.spawn([RUSTLOG, "broker", ...args], {
      stdin: "ignore",
      stdout: output,
      stderr: output,
    });
    closeSync(output);
    await serves(port);
    const text = await readPipeUntil(pipe, "Data directory:");
    expect(text.trimStart()).toStartWith(banner());
    expect(text).toContain(`Broker started on 127.0.0.1:${port}\n`);
    broker.kill("SIGTERM");
    expect(await readPipeUntil(pipe, "Broker stopped")).toContain("Stopping:");
    expect(await broker.exited).toBe(0);
    closeSync(pipe);
  });
});

/** Resolves once a ping is answered. */
async function serves(port: number): Promise<void> {
  for (;;) {
    try {
      using session = await Session.connect(port);
      await session.ping();
      return;
    } catch {
      await Bun.sleep(10); // it does not listen yet
    }
  }
}

/** Reads a pipe that was opened without blocking, until `end` was read. */
async function readPipeUntil(pipe: number, end: string): Promise<string> {
  const buffer = Buffer.alloc(64 * 1024);
  let text = "";
  while (!text.includes(end)) {
    try {
      text += buffer.toString("utf8", 0, readSync(pipe, buffer));
    } catch {
      await Bun.sleep(5); // it is empty
    }
  }
  return text;
}
