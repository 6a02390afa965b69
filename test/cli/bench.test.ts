// `rustlog bench`: what it writes and reads exists, and its report adds up. No time is asserted.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "../../src/client/client.js";
import { readRest, readUntil, run, spawn, startBroker } from "./rustlog.js";

let broker: Awaited<ReturnType<typeof startBroker>>;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => await broker[Symbol.asyncDispose]());

interface Summary {
  readonly records: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly recordsPerSecond: number;
  readonly latencyMs: Readonly<Record<"p50" | "p95" | "p99" | "p99.9" | "max" | "count", number>>;
  readonly histogram: readonly { fromMs: number; toMs: number; count: number }[];
}

async function bench(...args: string[]): Promise<Summary> {
  const result = await run(["bench", ...args, "--json"], { broker: broker.address });
  expect([result.exitCode, result.exitCode === 0 ? "" : result.stderr]).toEqual([0, ""]);
  const summary: Summary = JSON.parse(result.stdout);
  const { latencyMs, histogram } = summary;
  expect(histogram.reduce((sum, { count }) => sum + count, 0)).toBe(latencyMs.count);
  expect(latencyMs.p50).toBeLessThanOrEqual(latencyMs.p95);
  expect(latencyMs["p99.9"]).toBeLessThanOrEqual(latencyMs.max);
  expect(summary.recordsPerSecond).toBeCloseTo(summary.records / summary.seconds, 6);
  return summary;
}

/** Number of records in each partition of a topic. */
async function recordsIn(topic: string): Promise<readonly number[]> {
  await using client = await connect({ broker: broker.address });
  const { partitions } = await client.admin().describeTopic(topic);
  return partitions.map(({ highWatermark }) => highWatermark);
}

test("produce writes the given number of records, and consume reads them all", async () => {
  const produced = await bench("produce", "a", "--records", "20001", "--size", "50");
  expect([produced.records, produced.bytes]).toEqual([20_001, 20_001 * 50]);
  expect(produced.latencyMs.count).toBe(20_001);
  expect(await recordsIn("a")).toEqual([20_001]);
  const consumed = await bench("consume", "a");
  expect([consumed.records, consumed.bytes]).toEqual([20_001, 20_001 * 50]);
  const both = await bench("consume", "a", "--connections", "2", "--records", "100");
  expect([both.records, both.bytes]).toEqual([200, 200 * 50]);
});

test("connections share records and partitions, at a rate, compressed", async () => {
  const options = ["--connections", "3", "--partitions", "2", "--rate", "100000", "-z", "zstd"];
  const { records } = await bench("produce", "b", "-n", "5000", "-s", "1KiB", ...options);
  expect(records).toBe(5_000);
  const counts = await recordsIn("b");
  expect(counts.length).toBe(2);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(5_000);
  expect(Math.min(...counts)).toBeGreaterThan(0);
});

test("values are letters of the given size, including 0", async () => {
  await bench("produce", "c", "-n", "3", "-s", "7");
  const { stdout } = await run(["consume", "c"], { broker: broker.address });
  expect(stdout).toMatch(/^([A-Z]{7}\n){3}$/);
  await bench("produce", "empty", "-n", "3", "-s", "0");
  expect(await recordsIn("empty")).toEqual([3]);
});

test("the summary shows totals, percentiles and a histogram within 80 columns", async () => {
  const args = ["bench", "produce", "d", "--records", "5000"];
  const { stdout, exitCode } = await run(args, { broker: broker.address });
  expect(exitCode).toBe(0);
  const lines = stdout.split("\n");
  expect(lines[0]).toMatch(
    /^5,000 records of 100 B to 'd' in [\d.]+ s: [\d,]+ records\/s, .*B\/s$/,
  );
  expect(stdout).toMatch(/\n +p50 +p95 +p99 +p99\.9 +max +mean\n( +[\d.]+){6}\n/);
  const bars = lines.filter((line) => line.includes("█"));
  expect(bars.length).toBeGreaterThan(0);
  for (const line of lines.slice(3)) expect(line.length).toBeLessThanOrEqual(80);
  expect(Math.max(...bars.map((line) => line.split("█").length - 1))).toBe(40);
});

test("a signal prints the summary of what was done so far", async () => {
  const args = ["bench", "produce", "e", "--records", "100000000", "--rate", "1000"];
  const child = spawn(args, { broker: broker.address });
  await readUntil(child.stderr, (text) => text.includes(" records/s, "));
  child.kill("SIGINT");
  const [stdout, exitCode] = [await new Response(child.stdout).text(), await child.exited];
  expect(exitCode).toBe(130);
  const records = Number(/^([\d,]+) records /.exec(stdout)?.[1]?.replaceAll(",", ""));
  expect(records).toBeGreaterThan(0);
  expect(await recordsIn("e")).toEqual([records]);
});

test("a lost broker is reported together with what it had acknowledged", async () => {
  const leaving = await startBroker();
  const args = ["bench", "produce", "g", "-n", "100000000", "--rate", "1000", "-c", "2"];
  const child = spawn(args, { broker: leaving.address });
  await readUntil(child.stderr, (text) => text.includes(" records/s, "));
  await leaving[Symbol.asyncDispose]();
  const told = await readUntil(child.stderr, (text) => text.includes("; retrying\n"));
  expect(told).toContain(`rustlog: connection to ${leaving.address} lost: `);
  child.kill("SIGINT");
  const [stdout, exitCode] = [await new Response(child.stdout).text(), await child.exited];
  expect(exitCode).toBe(130);
  expect(stdout).toMatch(/^[1-9][\d,]* records of 100 B to 'g' /);
  // Once for both connections.
  expect(await readRest(child.stderr)).not.toContain("retrying");
}, 30_000);

test("a missing broker or topic is reported in one line, with exit code 1", async () => {
  const gone = await run(["bench", "produce", "x"], { broker: "127.0.0.1:1" });
  expect([gone.exitCode, gone.stdout]).toEqual([1, ""]);
  expect(gone.stderr).toMatch(/^rustlog: CONNECTION_LOST: .*\n$/);
  const missing = await run(["bench", "consume", "nope"], { broker: broker.address });
  expect(missing.exitCode).toBe(1);
  expect(missing.stderr).toMatch(/^rustlog: UNKNOWN_TOPIC_OR_PARTITION: .*\n$/);
  const tooLarge = await run(["bench", "produce", "f", "-n", "1", "-s", "100MiB"], {
    broker: broker.address,
  });
  expect(tooLarge.exitCode).toBe(1);
  expect(tooLarge.stderr).toMatch(/^rustlog: MESSAGE_TOO_LARGE: .*\n$/);
});
