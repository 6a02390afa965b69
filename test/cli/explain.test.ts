// `rustlog explain` as a process: its output, its failures, and running beside a busy broker.
// Leaves to others: the steps themselves (test/inspection/explain-lookup.test.ts).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { Broker } from "../../src/broker/broker.js";
import { connect } from "../../src/client/client.js";
import type { LookupExplanation } from "../../src/inspection/lookup-explanation.js";
import {
  BATCH_HEADER_BYTES,
  batchBytes,
  FIELD,
  NO_PRODUCER,
  stampProducer,
} from "../../src/record/batch.js";
import { DICTIONARY_NEEDED, LZ4_WITH_DICTIONARY } from "../record/batches.js";
import { edit, fileOf, makeSample } from "../inspection/sample.js";
import { tempDir } from "../support/tmp.js";
import { run } from "./rustlog.js";

let sample: ReturnType<typeof tempDir>;
beforeAll(async () => {
  sample = tempDir();
  await makeSample(sample.path);
});
afterAll(() => sample[Symbol.dispose]());

const LOOKUP = `Lookup of offset 6 in orders, partition 0
   files: DATA/topics/orders/0

1. The log: 3 segments, 10690 bytes, offsets 0 to 12
   #0    00000000000000000000.log         190 bytes  sealed
   #1    00000000000000000004.log       10338 bytes  sealed
   #2    00000000000000000010.log         162 bytes  active

2. Which segment: the last that starts at or below offset 6; 2 comparisons
   #2 starts at 10: after it
   #1 starts at 4: not after it
 → #1 00000000000000000004.log, sealed

3. The offset index: 2 entries of 8 bytes; 2 comparisons
   read from its file
   sparse: a batch gets an entry if it starts more than 4096 bytes after the last batch that has one
   before: none, the target is below the first entry
   after:  entry 0: batch at position 5078, which ends with offset 7
 → scan from position 0, the start of the segment

4. Scan: from position 0 to 5078, 5078 bytes
   position 0: 5078 bytes, ends with offset 4: passed

5. Read: 105 bytes at position 5078, by mmap: a view of the sealed file, without a copy

6. The batch: offsets 5 to 7, 3 records, codec zstd
   CRC-32C CRC: ok
   It starts before offset 6: the broker never opens a batch, it sends it
   whole, and the consumer skips the first record.

7. The record: offset 6
   timestamp  1700000000031 (2023-11-14T22:13:20.031Z)
   key        null
   value      "f" (1 byte)

What it cost to find the batch
   with the index:     4 comparisons, 2 batch headers over 5078 bytes
   without the index:  2 batch headers over 5078 bytes, from the segment's start
   one file, no index: 5268 bytes, from the start of the log
`;

/** Runs `explain` on the sample. */
const explain = (...args: readonly string[]) =>
  run(["explain", ...args], { env: { RUSTLOG_DATA_DIR: sample.path } });

test("a lookup, step by step", async () => {
  const { stdout, stderr, exitCode } = await explain("orders", "0", "6");
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  expect(stdout.replace(/0x[0-9a-f]{8}/, "CRC").replace(sample.path, "DATA")).toBe(LOOKUP);
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
});

test("--timestamp, and @TIME", async () => {
  const iso = await explain("orders", "0", "--timestamp", "2023-11-14T22:13:20.032Z");
  const ms = await explain("orders", "0", "@1700000000032");
  expect(iso.stdout).toBe(ms.stdout);
  expect(iso.stdout).toContain("The time index: 2 entries of 12 bytes; 2 comparisons\n");
  expect(iso.stdout).toContain(" → offset 7, which is looked up like any other\n");
  expect(iso.stdout).toContain('value      "g" (1 byte)\n');
});

test("--json is the explanation", async () => {
  const { stdout } = await explain("orders", "0", "earliest", "--json");
  const explanation = JSON.parse(stdout) as LookupExplanation;
  expect(explanation.outcome).toBe("found");
  expect(explanation.record?.key).toEqual({ bytes: 3, text: "key" });
});

test("an offset from the end, and an index without entries", async () => {
  const { stdout } = await explain("orders", "0", "-13");
  expect(stdout).toStartWith("Lookup of offset 0 in orders, partition 0\n");
  expect(stdout).toContain(`3. The offset index: 0 entries of 8 bytes; no search
   empty
   sparse: a batch gets an entry if it starts more than 4096 bytes after the last batch that has one
   no batch starts more than 4096 bytes after the start of the segment
 → scan from position 0, the start of the segment
`);
});

test("`explain lookup` finds a topic named like a subcommand", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  const topics = join(directory.path, "topics");
  renameSync(join(topics, "orders"), join(topics, "produce"));
  edit(join(topics, "produce/topic.json"), (bytes) =>
    // Without its checksum, as after editing by hand.
    Buffer.from(
      bytes
        .toString()
        .replace("orders", "produce")
        .replace(/,\s*"crc32c": "\w+"/, ""),
    ),
  );
  const { stdout, exitCode } = await run([
    ...["explain", "lookup", "produce", "0", "6", "--json"],
    ...["--data-dir", directory.path],
  ]);
  const { outcome, record } = JSON.parse(stdout) as LookupExplanation;
  expect([outcome, record?.offset, exitCode]).toEqual(["found", 6, 0]);
});

test("a batch that can't be decompressed is found, but its record is not shown", async () => {
  using directory = tempDir();
  await makeSample(directory.path, false);
  edit(join(directory.path, fileOf(10)), (bytes) => {
    const batch = new Uint8Array(bytes.buffer, bytes.byteOffset, batchBytes(bytes, 0));
    batch[FIELD.attributes + 1] = 3; // lz4
    batch.set(LZ4_WITH_DICTIONARY, BATCH_HEADER_BYTES);
    stampProducer(batch, NO_PRODUCER);
  });
  const { stdout, stderr, exitCode } = await run([
    ...["explain", "orders", "0", "11", "-d", directory.path],
  ]);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  expect(stdout).toContain("4. Scan: not needed, the batch at position 0 is the one\n");
  expect(stdout).toContain("The batch: offsets 10 to 11, 2 records, codec lz4\n");
  expect(stdout).toContain(`   not shown: ${DICTIONARY_NEEDED}\n`);
  expect(stdout).toContain("   with the index:     1 comparison, 1 batch header over 0 bytes\n");
});

test("the end of the log", async () => {
  const late = await explain("orders", "0", "--timestamp", "2100-01-01T00:00:00Z");
  expect(late.stdout).toContain("   There is no record at or after that time.\n");
  const lines = late.stdout.split("\n").slice(3);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
  const { stdout, exitCode } = await explain("orders", "0", "latest");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("A consumer at this offset waits for the next record.\n");
});

test.each([
  [["orders", "0", "14"], "OFFSET_OUT_OF_RANGE: orders-0: offset 14 is past the end of the log"],
  [["orders", "1", "0"], "topic 'orders' has no partition 1; its partitions are 0 to 0"],
  [["nothing", "0", "0"], "topic 'nothing' does not exist"],
  [["../x", "0", "0"], "can't be a topic name"],
  [
    ["orders", "0", "0", "--data-dir", "/nowhere"],
    "/nowhere is not a data directory: it has no meta.json",
  ],
])("%j fails", async (args, message) => {
  const { stderr, exitCode } = await explain(...args);
  expect(stderr).toStartWith("rustlog: ");
  expect(stderr).toContain(message);
  expect(stderr.trimEnd()).not.toContain("\n");
  expect(exitCode).toBe(1);
});

test("damage: the steps up to it, and exit code 1", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  edit(join(directory.path, fileOf(0)), (bytes) => (bytes[80]! ^= 1));
  const { stdout, stderr, exitCode } = await run([
    "explain",
    "orders",
    "0",
    "1",
    "-d",
    directory.path,
  ]);
  expect(stdout).toContain(" → #0 00000000000000000000.log, sealed\n");
  expect(stdout).toContain("Scan: from position 0 to 0, where it failed\n");
  expect(stderr).toContain(
    "CORRUPT_MESSAGE: orders-0: segment 00000000000000000000.log, position 0: ",
  );
  expect(exitCode).toBe(1);
});

describe.each([
  [["orders", "0"], "pass either an offset or --timestamp"],
  [["orders", "0", "1", "--timestamp", "5"], "pass either an offset or --timestamp"],
  [["orders", "x", "1"], "Expected a whole number"],
  [["orders", "0", "soon"], "Expected an offset"],
  [["orders", "0", "--timestamp", "soon"], "ISO 8601"],
])("%j", (args, message) => {
  test("is a usage error", async () => {
    const { stderr, exitCode } = await explain(...args);
    expect(stderr).toContain(message);
    expect(stderr).toContain("Usage: rustlog explain");
    expect(exitCode).toBe(2);
  });
});

test("explain works beside a running broker that is being written to", async () => {
  using directory = tempDir();
  const broker = await Broker.start({
    dataDir: directory.path,
    port: 0,
    segmentBytes: 64 * 1024,
    flush: { kind: "never" },
    log: () => {},
  });
  const client = await connect({ broker: broker.address });
  const producer = client.producer({ batchBytes: 1024 });
  let isDone = false;
  const writing = (async () => {
    for (let i = 0; !isDone; i++) {
      await producer.enqueue("live", { value: `record ${i} ${"x".repeat(i % 90)}`, partition: 0 });
      if (i % 200 === 199) await producer.flush();
    }
    await producer.flush();
  })();
  const reached = async (offset: number): Promise<void> => {
    while (
      (await client
        .admin()
        .offsetFor("live", 0, "latest")
        .catch(() => 0)) < offset
    )
      await 0;
  };
  await reached(3000);
  for (const offset of ["0", "1234", "2999"]) {
    const { stdout, stderr, exitCode } = await run([
      "explain",
      "live",
      "0",
      offset,
      "--data-dir",
      directory.path,
      "--json",
    ]);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    const { record, segments } = JSON.parse(stdout) as LookupExplanation;
    expect(record?.offset).toBe(Number(offset));
    expect(JSON.stringify(record?.value)).toContain(`record ${offset} `);
    expect(segments.length).toBeGreaterThan(2);
  }
  isDone = true;
  await writing;
  await client.close();
  await broker.stop();
});
