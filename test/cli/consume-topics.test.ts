// `consume` of several topics and of patterns, its filters, and where it continues when a position is out of range.
import { afterAll, expect, test } from "bun:test";
import { connect } from "../../src/index.js";
import { startBroker } from "../support/broker.js";
import { until } from "../support/until.js";
import { run, spawn } from "./rustlog.js";

const running = await startBroker({ flush: { kind: "never" } });
const { address: broker } = running.broker;
const client = await connect({ broker });
const admin = client.admin();
const producer = client.producer();

afterAll(async () => {
  await client.close();
  await running[Symbol.asyncDispose]();
});

const headers = { source: "web" };
for (const [topic, key, value, more] of [
  ["orders", "anna", "3 books", { headers }],
  ["orders", "bob", "ERROR: none left", {}],
  ["orders", "anna", "1 book", { headers: { ...headers, test: "" } }],
  ["log-1", "k", "an error", {}],
  ["log-2", null, null, { headers }],
] as const) {
  await producer.send(topic, { key, value, partition: 0, ...more });
}

const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");

/** Runs `consume ARGS`, and returns what it has printed, sorted. */
async function consume(...args: string[]) {
  const { stdout, stderr, exitCode } = await run(["consume", "-f", "%t %o\\n", ...args], {
    broker,
  });
  return { records: lines(stdout).sort(), stderr, exitCode };
}

const all = ["log-1 0", "log-2 0", "orders 0", "orders 1", "orders 2"];

test("several topics, by name and by regular expression", async () => {
  expect((await consume("orders", "log-2")).records).toEqual(all.slice(1));
  expect((await consume("orders", "--topic-regex", "(?i)^LOG-", "-p", "0")).records).toEqual(all);
  expect((await consume("--topic-regex", "g-")).records).toEqual(all.slice(0, 2));
  expect(await consume("--topic-regex", "^nothing")).toMatchObject({
    ...{ records: [], exitCode: 1 },
    stderr: "rustlog: no topic matches /^nothing/. `rustlog topics list` lists the topics.\n",
  });
  const missing = await consume("orders", "nothing");
  expect(missing).toMatchObject({ records: [], exitCode: 1 });
  expect(missing.stderr).toStartWith("rustlog: UNKNOWN_TOPIC_OR_PARTITION: ");
});

test.each([
  [
    ["--grep", "(?i)error"],
    ["log-1 0", "orders 1"],
  ],
  [["--grep", "error"], ["log-1 0"]],
  [
    ["--grep-key", "^ann"],
    ["orders 0", "orders 2"],
  ],
  [["--grep-key", "^ann", "--grep", "books"], ["orders 0"]],
  [
    ["--where-header", "source=web"],
    ["log-2 0", "orders 0", "orders 2"],
  ],
  [["--where-header", "source=web", "--where-header", "test="], ["orders 2"]],
  [["--where-header", "source=w"], []],
  [
    ["--grep", ""],
    ["log-1 0", "orders 0", "orders 1", "orders 2"],
  ],
])("the filter %j", async (filter, expected) => {
  expect((await consume("orders", "--topic-regex", "^log", ...filter)).records).toEqual(expected);
});

test("what a filter leaves out is committed, and -n counts matches", async () => {
  const grep = async (...more: string[]) =>
    (await consume("orders", "-g", "filters", "--grep-key", "anna", ...more)).records;
  const committed = async () =>
    (await admin.fetchOffsets("filters", [{ topic: "orders", partition: 0 }]))[0]?.offset;
  expect(await grep("-n", "1")).toEqual(["orders 0"]);
  expect(await committed()).toBe(1);
  expect(await grep("--grep", "nothing")).toEqual([]);
  expect(await committed()).toBe(3);
});

test("--follow notices topics that match, and partitions", async () => {
  const child = spawn(["consume", "--topic-regex", "^new-", "-F", "-n", "3", "-f", "%t %p\\n"], {
    broker,
  });
  let stderr = "";
  const read = (async () => {
    for await (const chunk of child.stderr) stderr += Buffer.from(chunk).toString();
  })();
  await until(() => stderr.includes("waiting for one"));
  await producer.send("new-1", { value: "v", partition: 0 });
  await until(() => stderr.includes("reads also: new-1:0"));
  await admin.alterTopic("new-1", { partitions: 2 });
  await producer.send("new-1", { value: "v", partition: 1 });
  await producer.send("new-2", { value: "v", partition: 0 });
  const stdout = await new Response(child.stdout).text();
  expect(lines(stdout).sort()).toEqual(["new-1 0", "new-1 1", "new-2 0"]);
  expect(await child.exited).toBe(0);
  await read;
});

test("--on-out-of-range says where to continue", async () => {
  const at = (where: string) => consume("orders", "-o", "99", "--on-out-of-range", where);
  expect((await at("earliest")).records).toEqual(all.slice(2));
  expect((await at("latest")).records).toEqual([]);
  for (const name of ["fail", "error"]) {
    const { records, stderr, exitCode } = await at(name);
    expect({ records, exitCode }).toEqual({ records: [], exitCode: 1 });
    expect(stderr).toStartWith("rustlog: OFFSET_OUT_OF_RANGE: ");
  }
});

test("--balance --no-commit reads the same records again", async () => {
  const args = ["orders", "-g", "look", "--balance", "--no-commit", "-n", "3"];
  for (let i = 0; i < 2; i++) expect((await consume(...args)).records).toEqual(all.slice(2));
  expect(await admin.fetchOffsets("look", [{ topic: "orders", partition: 0 }])).toMatchObject([
    { offset: undefined },
  ]);
});

test("--balance --instance-id keeps its partitions for a restart", async () => {
  const args = ["orders", "-g", "static", "--balance", "--instance-id", "one"];
  const first = await consume(...args, "-n", "2");
  expect(first.records).toEqual(["orders 0", "orders 1"]);
  expect(first.stderr).toBe(
    "rustlog: assigned: orders:0\nrustlog: kept for a while for instance 'one': orders:0\n",
  );
  const { members } = await admin.describeMembers("static");
  expect(members).toMatchObject([{ instanceId: "one" }]);
  expect((await consume(...args, "-n", "1")).records).toEqual(["orders 2"]);
});
