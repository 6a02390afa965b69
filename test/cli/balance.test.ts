// `consume --balance`: processes that share the partitions of a group, and a ledger of the records that they print.
import { expect, test } from "bun:test";
import { type Client, connect } from "../../src/index.js";
import { startBroker } from "../support/broker.js";
import { ManualClock } from "../support/manual-clock.js";
import { until } from "../support/until.js";
import { run, spawn } from "./rustlog.js";

async function setUp() {
  const clock = new ManualClock();
  const running = await startBroker({ flush: { kind: "never" } }, undefined, clock);
  const client = await connect({ broker: running.broker.address });
  return {
    ...{ clock, client, broker: running.broker.address },
    async [Symbol.asyncDispose]() {
      await client.close();
      await running[Symbol.asyncDispose]();
    },
  };
}

/** A process that consumes in group g, and what it has printed so far. */
class Terminal {
  readonly child: ReturnType<typeof spawn>;
  stdout = "";
  stderr = "";
  readonly #read: Promise<unknown>;

  constructor(broker: string, ...args: string[]) {
    const format = "%t/%p %o\\n";
    this.child = spawn(["consume", "-g", "g", "--balance", "-f", format, ...args], { broker });
    const read = async (stream: ReadableStream<Uint8Array>, note: (text: string) => void) => {
      for await (const chunk of stream) note(Buffer.from(chunk).toString());
    };
    this.#read = Promise.all([
      read(this.child.stdout, (text) => (this.stdout += text)),
      read(this.child.stderr, (text) => (this.stderr += text)),
    ]);
  }

  get lines(): string[] {
    return this.stdout.split("\n").slice(0, -1);
  }

  /** Ends it, and returns its exit code once all output is read. */
  async end(signal: "SIGINT" | "SIGKILL"): Promise<number | null> {
    this.child.kill(signal);
    await this.child.exited;
    await this.#read;
    return this.child.exitCode;
  }
}

/** Writes one record to each of the partitions. */
async function produce(client: Client, topic: string, partitions: number): Promise<void> {
  const producer = client.producer();
  for (let partition = 0; partition < partitions; partition++) {
    await producer.enqueue(topic, { value: "v", partition });
  }
  await producer.close();
}

test("two terminals share a topic: each record is printed once, also when they come and go", async () => {
  await using t = await setUp();
  await t.client.admin().createTopic("orders", { partitions: 4 });
  let produced = 0;
  const stopping = new AbortController();
  const producing = (async () => {
    for (; !stopping.signal.aborted; produced += 4) await produce(t.client, "orders", 4);
  })();
  const first = new Terminal(t.broker, "orders");
  await until(() => first.lines.length > 0);
  const second = new Terminal(t.broker, "--topic-regex", "^ord");
  await until(() => second.lines.length > 0);
  expect(first.stderr).toStartWith(
    "rustlog: assigned: orders:0,1,2,3\nrustlog: handed over: orders:",
  );
  // Ctrl-C: the other one goes on at once, although no time passes for the broker.
  expect(await first.end("SIGINT")).toBe(0);
  await until(() => (second.stderr.match(/[0-3]/g) ?? []).length === 4);
  stopping.abort();
  await producing;
  await until(() => first.lines.length + second.lines.length >= produced);
  expect(await second.end("SIGINT")).toBe(0);
  const lines = [...first.lines, ...second.lines];
  expect({ lines: lines.length, different: new Set(lines).size }).toEqual({
    lines: produced,
    different: produced,
  });
  const rows = await t.client.admin().describeGroup("g");
  expect(rows.map((row) => row.committedOffset)).toEqual(Array(4).fill(produced / 4));
});

test("after a kill the other terminal takes over once the session is over", async () => {
  await using t = await setUp();
  await t.client.admin().createTopic("orders", { partitions: 1 });
  await produce(t.client, "orders", 1);
  const first = new Terminal(t.broker, "orders", "--session-timeout", "6s");
  await until(() => first.lines.length === 1);
  const second = new Terminal(t.broker, "orders", "later", "--session-timeout", "30m");
  const admin = t.client.admin();
  await until(async () => (await admin.describeMembers("g")).members.length >= 2);
  await first.end("SIGKILL");
  await produce(t.client, "orders", 1);
  t.clock.advance(6_200);
  await until(() => second.lines.includes("orders/0 1"));
  expect(second.stderr).toBe(
    "rustlog: topic 'later' does not exist yet; waiting for it\nrustlog: assigned: orders:0\n",
  );
  await admin.createTopic("later", { partitions: 1 });
  await until(() => second.stderr.endsWith("rustlog: assigned: later:0\n"));
  expect(await second.end("SIGINT")).toBe(0);
});

test("--max-records ends and commits exactly what was printed", async () => {
  await using t = await setUp();
  await t.client.admin().createTopic("orders", { partitions: 1 });
  for (let i = 0; i < 3; i++) await produce(t.client, "orders", 1);
  const args = ["consume", "orders", "-g", "g", "--balance", "-f", "%o ", "-n"];
  expect(await run([...args, "2"], { broker: t.broker })).toMatchObject({
    stdout: "0 1 ",
    exitCode: 0,
  });
  expect(await run([...args, "1"], { broker: t.broker })).toMatchObject({ stdout: "2 " });
});
