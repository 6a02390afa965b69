// Changing a topic on the command line: settings with units, partitions, and the start of its logs.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "../../src/index.js";
import { run, startBroker } from "./rustlog.js";

let broker: Awaited<ReturnType<typeof startBroker>>;
beforeAll(async () => {
  broker = await startBroker({ retentionMs: 5_000_000_000 });
});
afterAll(() => broker[Symbol.asyncDispose]());

async function ok(...args: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await run(args, { broker: broker.address });
  expect([stderr, exitCode]).toEqual(["", 0]);
  return stdout;
}

async function refused(...args: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await run(args, { broker: broker.address });
  expect([stdout, exitCode]).toEqual(["", 1]);
  return stderr;
}

test("alter sets settings with units, deletes others, and adds partitions with a warning", async () => {
  await ok("topics", "create", "t", "--partitions", "1", "--config", "segment.bytes=1MiB");
  const config = ["--config", "retention.ms=7d", "--config", "retention.bytes=1GiB"];
  const change = [...config, "--delete-config", "segment.bytes", "--partitions", "3"];
  const result =
    "Partitions: 3, before 1\nSettings: retention.ms=604800000, retention.bytes=1073741824\n";
  const warning = (map: string, notice: string) =>
    `Warning: keys ${map} to other partitions; earlier records stay where they are\n` +
    `Clients ${notice} the new partitions when they refresh their metadata, within 5 minutes by default\n`;
  expect(await ok("topics", "alter", "t", ...change, "--dry-run")).toBe(
    `Would alter topic 't'\n${result}${warning("would map", "would notice")}Dry run: nothing was changed.\n`,
  );
  const description = () => ok("topics", "describe", "t");
  expect(await description()).toMatch(/\nretention\.ms +5000000000 +broker\n/);
  expect(await ok("topics", "alter", "t", ...change)).toBe(
    `Altered topic 't'\n${result}${warning("map", "notice")}`,
  );
  const described = await description();
  expect(described).toMatch(/\nretention\.ms +604800000 +topic\n/);
  expect(described).toMatch(/\nsegment\.bytes +\d+ +(?:broker|default)\n/);
  expect(described).toMatch(/\n +2 +0 +0 +0 +1 +0\n$/);
  const plain = ["--config", "retention.ms=1000", "--delete-config", "retention.bytes"];
  expect(await ok("topics", "alter", "t", ...plain)).toBe(
    "Altered topic 't'\nPartitions: 3\nSettings: retention.ms=1000\n",
  );
  expect(await refused("topics", "alter", "t", "--partitions", "2")).toContain(
    "topic 't' can't have 2 partitions, because it has 3",
  );
  expect(await refused("topics", "alter", "t", "--delete-config", "retention")).toContain(
    "Unknown topic config name: retention",
  );
  expect(await refused("topics", "alter", "none", "--partitions", "2")).toContain("'none'");
});

test("trim deletes before an offset, a time or all, in some partitions or in all", async () => {
  await ok("topics", "create", "logs", "--partitions", "2");
  await using client = await connect({ broker: broker.address });
  const producer = client.producer();
  const now = Date.now();
  for (const partition of [0, 1]) {
    for (const daysAgo of [3, 2, 1, 0]) {
      const timestamp = now - daysAgo * 86_400_000;
      await producer.send("logs", { value: "v", partition, timestamp });
    }
  }
  const header = "PARTITION  OLD-LOG-START  NEW-LOG-START\n";
  const table = (...rows: number[][]) =>
    header +
    rows
      .map(([p, from, to]) => `${p}`.padStart(9) + `${from}`.padStart(15) + `${to}`.padStart(15))
      .join("\n") +
    "\n";
  const trim = (...args: string[]) => ok("topics", "trim", "logs", "--before", ...args);
  expect(await trim("@-36h", "--dry-run")).toBe(
    `${table([0, 0, 2], [1, 0, 2])}\nDry run: nothing was deleted.\n`,
  );
  expect(await trim("1", "-p", "1")).toBe(table([1, 0, 1]));
  expect(await trim("@-36h")).toBe(table([0, 0, 2], [1, 1, 2]));
  expect(await ok("consume", "logs", "-p", "0", "-f", "%o ")).toBe("2 3 ");
  expect(await trim("-1", "-p", "0")).toBe(table([0, 2, 3]));
  expect(await trim("0")).toBe(table([0, 3, 3], [1, 2, 2]));
  expect(await refused("topics", "trim", "logs", "--before", "5")).toContain(
    "offset 5 is above the high watermark 4 of partition 0 of 'logs'; nothing was deleted",
  );
  expect(await refused("topics", "trim", "logs", "--before", "1", "-p", "2")).toContain(
    "has no partition 2",
  );
  expect(await trim("latest")).toBe(table([0, 3, 4], [1, 2, 4]));
});
