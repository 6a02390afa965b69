// `rustlog explain produce` as a process: the record it sends, and how it explains its way in.
// Leaves to others: the place in the files (test/inspection/explain-append.test.ts).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Broker } from "../../src/broker/broker.js";
import { type Client, connect } from "../../src/client/client.js";
import { partitionForKey } from "../../src/record/key-partition.js";
import { tempDir } from "../support/tmp.js";
import { run } from "./rustlog.js";

let directory: ReturnType<typeof tempDir>;
let broker: Broker;
let client: Client;
beforeAll(async () => {
  directory = tempDir();
  const quiet = { flush: { kind: "never" }, log: () => {} } as const;
  broker = await Broker.start({ dataDir: directory.path, port: 0, ...quiet });
  client = await connect({ broker: broker.address });
});
afterAll(async () => {
  await client.close();
  await broker.stop();
  directory[Symbol.dispose]();
});

/** Runs `explain produce` against the broker. */
const explain = (...args: readonly string[]) =>
  run(["explain", "produce", ...args], { broker: broker.address });

test("the record is sent as given, and the bytes shown are those of the file", async () => {
  await client.admin().createTopic("keyed", { partitions: 5 });
  const args = ["keyed", "hello", "-k", "anna", "-H", "source=web", "-d", directory.path];
  const first = await explain(...args);
  expect({ stderr: first.stderr, exitCode: first.exitCode }).toEqual({ stderr: "", exitCode: 0 });
  const { stdout } = await explain(...args, "--json");
  const told = JSON.parse(stdout) as {
    partition: number;
    offset: number;
    choice: unknown;
    before: { logEndOffset: number };
    after: { highWatermark: number };
    batch: { position: number; bytes: number };
    fields: readonly { position?: number; hex?: string }[];
    place: { position: number; lookup: { record: unknown } };
  };
  const partition = partitionForKey("anna", 5);
  expect(told.choice).toMatchObject({ by: "key", partitions: 5 });
  expect([told.partition, told.offset]).toEqual([partition, 1]);
  expect([told.before.logEndOffset, told.after.highWatermark]).toEqual([1, 2]);
  const path = join(directory.path, `topics/keyed/${partition}`, "00000000000000000000.log");
  const { position, bytes } = told.batch;
  const file = readFileSync(path).subarray(position, position + bytes);
  expect(told.fields.map(({ hex }) => hex ?? "").join("")).toBe(file.toString("hex"));
  expect(told.place.position).toBe(position);
  expect(told.place.lookup.record).toMatchObject({
    key: { text: "anna" },
    value: { text: "hello" },
    headers: [{ name: "source", value: { text: "web" } }],
  });
});

test("the text fits 100 columns and omits what is unknown", async () => {
  const without = await explain("plain", "hello", "-k", "k");
  expect(without.stdout).toContain("   before: a new partition; now it is 1\n");
  expect(without.stdout).toContain("The partition: 0, the only one\n");
  expect(without.stdout).not.toContain("The file");
  expect(without.stdout).not.toContain("index entry");
  const large = await explain("plain", "x".repeat(5000), "-d", directory.path);
  expect(large.stdout).toContain(" → no index entry, because that is no more than 4096 bytes\n");
  const next = await explain("plain", "hello", "-p", "0", "-d", directory.path);
  expect(next.stdout).toContain("The partition: 0, as requested\n");
  expect(next.stdout).toContain("assigns offset 2\n");
  expect(next.stdout).toContain(" → an index entry, because that is more than 4096 bytes\n");
  expect(next.stdout).toContain(
    "The high watermark moved from 2 to 3: consumers can read everything below it.\n",
  );
  expect(next.stdout).toContain("without the index:  3 batch headers over ");
  for (const { stdout } of [without, large, next]) {
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  }
});

test("nothing is sent if the directory belongs to another broker", async () => {
  using other = tempDir();
  const { stdout, stderr, exitCode } = await explain("never", "hello", "-d", other.path);
  expect([stdout, exitCode]).toEqual(["", 1]);
  expect(stderr).toContain(`${other.path} is not the data directory of this broker`);
  expect((await client.admin().listTopics()).map(({ name }) => name)).not.toContain("never");
});

test("nothing is sent if the command could be a lookup in a topic named produce", async () => {
  const first = await explain("17", "5");
  expect(first.exitCode).toBe(0);
  await client.admin().createTopic("produce");
  const { stdout, stderr, exitCode } = await explain("18", "5");
  expect([stdout, exitCode]).toEqual(["", 1]);
  expect(stderr).toContain("Run `rustlog explain lookup produce 18 5`");
  const names = (await client.admin().listTopics()).map(({ name }) => name);
  expect(names).toContain("17");
  expect(names).not.toContain("18");
});

test("a partition that does not exist", async () => {
  const { stderr, exitCode } = await explain("plain", "hello", "-p", "9");
  expect(stderr).toContain("UNKNOWN_TOPIC_OR_PARTITION");
  expect(exitCode).toBe(1);
});
