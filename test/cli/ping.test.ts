// `rustlog ping`: round trips, exit codes, and a broker that does not answer.
import { afterAll, expect, test } from "bun:test";
import { readUntil, run, spawn, startBroker } from "./rustlog.js";

const broker = await startBroker();

afterAll(() => broker[Symbol.asyncDispose]());

test("prints each round trip and a summary; quiet, the summary only", async () => {
  const { stdout, stderr, exitCode } = await run(["ping", "-n", "3", "-b", broker.address]);
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(5);
  expect(lines[0]).toStartWith(`${broker.address} (version `);
  expect(lines[3]).toMatch(/^round trip 3: \d+\.\d\d ms$/);
  expect(lines[4]).toMatch(/^3 round trips: min .* ms, mean .* ms, max .* ms$/);
  expect([stderr, exitCode]).toEqual(["", 0]);
  const quiet = await run(["rtt", "-q", "-c", "1"], { broker: broker.address });
  expect(quiet.stdout).toMatch(/^1 round trip: min [^\n]*\n$/);
});

test("exits with 1, without a retry, if nobody listens or nobody answers", async () => {
  const nobody = await run(["ping", "-b", "127.0.0.1:9"]);
  expect(nobody.stderr).toStartWith("rustlog: CONNECTION_LOST: ");
  expect([nobody.stdout, nobody.exitCode]).toEqual(["", 1]);
  using silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const late = await run(["ping", "--timeout", "1ms", "-b", `127.0.0.1:${silent.port}`]);
  expect(late.stderr).toMatch(/^rustlog: (TIMED_OUT|CONNECTION_LOST): /);
  expect(late.exitCode).toBe(1);
});

test("prints the summary so far when it is interrupted", async () => {
  const child = spawn(["ping", "-n", "9", "--interval", "1h", "-b", broker.address]);
  await readUntil(child.stdout, (text) => text.includes("round trip 1"));
  child.kill("SIGINT");
  expect(await readUntil(child.stdout, (text) => text.includes("max"))).toContain("1 round trip:");
  expect(await child.exited).toBe(130);
});
