// The examples, run as a reader runs them: as processes, against a broker; their output to the letter.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { connect } from "../../src/index.js";
import { startBroker } from "../support/broker.js";

const ROOT = join(import.meta.dir, "../..");

function run(broker: string, script: string, ...args: string[]): Promise<string> {
  return execute(broker, process.execPath, "run", `examples/${script}.ts`, ...args);
}

async function execute(broker: string, ...command: string[]): Promise<string> {
  const child = Bun.spawn(command, {
    cwd: ROOT,
    env: { ...process.env, RUSTLOG_BROKER: broker },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect(stderr).toBe("");
  expect(await child.exited).toBe(0);
  return stdout;
}

const produced = (broker: string, base: number): string => `RustLog Producer Demo
=====================

Connecting to broker at ${broker}...
Connected

Producing 3 messages to topic 'demo', partition 0...

Production successful!
Base offset: ${base}
Records written: 3

  Offset ${base}: hello
  Offset ${base + 1}: from
  Offset ${base + 2}: rustlog

Done
`;

const opening = (broker: string): string => `RustLog Consumer Demo
=====================

Connecting to broker at ${broker}...
Connected

`;

const THREE_RECORDS = `Fetching from topic 'demo', partition 0...

Fetch successful!
Records fetched: 3
Next offset: 3

Records:
  Offset 0: hello
  Offset 1: from
  Offset 2: rustlog

`;

test("the producer and the consumer, without a group and with one", async () => {
  await using t = await startBroker();
  const broker = t.broker.address;
  expect(await run(broker, "producer")).toBe(produced(broker, 0));

  const withoutGroup = `Offset-based consumer (no group)
Starting offset: 0

${THREE_RECORDS}Done
`;
  expect(await run(broker, "consumer")).toBe(opening(broker) + withoutGroup);

  const firstOfGroup = `Consumer group: analytics
No committed offset found, starting from 0
Starting offset: 0

${THREE_RECORDS}Committing offset 3 for group 'analytics'...
Committed

Done
`;
  expect(await run(broker, "consumer", "--group", "analytics")).toBe(
    opening(broker) + firstOfGroup,
  );

  const secondOfGroup = `Consumer group: analytics
Found committed offset: 3
Starting offset: 3

Fetching from topic 'demo', partition 0...

Fetch successful!
Records fetched: 0
Next offset: 3

No records available at offset 3
`;
  expect(await run(broker, "consumer", "--group", "analytics")).toBe(
    opening(broker) + secondOfGroup,
  );

  expect(await run(broker, "producer")).toBe(produced(broker, 3));
});

test("the balanced consumer hands its partitions over when it is interrupted", async () => {
  await using t = await startBroker();
  await run(t.broker.address, "producer");
  const child = Bun.spawn([process.execPath, "run", "examples/balanced.ts"], {
    cwd: ROOT,
    env: { ...process.env, RUSTLOG_BROKER: t.broker.address },
    stdout: "pipe",
  });
  let stdout = "";
  for await (const chunk of child.stdout) {
    const before = stdout;
    stdout += Buffer.from(chunk).toString();
    if (stdout.includes("rustlog") && !before.includes("rustlog")) child.kill("SIGINT");
  }
  expect(await child.exited).toBe(0);
  expect(stdout).toBe(
    "Assigned: demo-0\ndemo-0 0: hello\ndemo-0 1: from\ndemo-0 2: rustlog\nRevoked (handover): demo-0\n",
  );
  expect(t.broker.context.offsets.fetch("balanced-demo", "demo", 0)?.offset).toBe(3);
});

// Its consumer joins a group, so it takes a moment longer.
test.skipIf(Bun.which("node") === null)(
  "a program for Node writes and reads with a Kafka client, and its group goes on where it was",
  async () => {
    await using t = await startBroker();
    const broker = t.broker.address;
    const expected = (base: number): string =>
      [
        `Written to partition 0, offset ${base}`,
        ...["hello", "from", "node"].map((value, i) => `Offset ${base + i}: demo ${value}`),
        "",
      ].join("\n");
    expect(await execute(broker, "node", "examples/node.mjs")).toBe(expected(0));
    expect(await execute(broker, "node", "examples/node.mjs")).toBe(expected(3));
    await using client = await connect({ broker });
    const records = await Array.fromAsync(client.consumer({ topic: "demo", follow: false }));
    expect(records.map(({ value }) => `${Buffer.from(value!)}`)).toEqual([
      ...["hello", "from", "node", "hello", "from", "node"],
    ]);
  },
);
