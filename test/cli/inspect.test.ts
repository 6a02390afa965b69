// `rustlog inspect` as a process: valid logs, damaged logs, and a running broker's.
// Leaves to others: indexes and snapshots (inspect-entries.test.ts).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Broker } from "../../src/broker/broker.js";
import { connect } from "../../src/client/client.js";
import { BATCH_HEADER_BYTES, FIELD, NO_PRODUCER, stampProducer } from "../../src/record/batch.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { DICTIONARY_NEEDED, LZ4_WITH_DICTIONARY } from "../record/batches.js";
import { edit, fileOf, makeSample, sampleBatch, START_MS } from "../inspection/sample.js";
import { tempDir } from "../support/tmp.js";
import { run, runOnTerminal, spawn } from "./rustlog.js";

let sample: ReturnType<typeof tempDir>;
beforeAll(async () => {
  sample = tempDir();
  await makeSample(sample.path);
});
afterAll(() => sample[Symbol.dispose]());

/** The output of an inspect that must succeed. */
async function inspect(file: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await run(["inspect", file, ...args]);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return stdout;
}

const log = (baseOffset = 0): string => join(sample.path, fileOf(baseOffset));

test("a log prints one line per batch", async () => {
  expect(await inspect(log())).toBe(
    `  POSITION     BYTES  OFFSETS               COUNT  CRC  CODEC   TIMESTAMP                           PRODUCER
         0        85  0-1                        2  ok   none    2023-11-14T22:13:20.000Z +1 ms      77 epoch 0 seq 0
        85       105  2-3                        2  ok   gzip    2023-11-14T22:13:20.010Z +1 ms      77 epoch 0 seq 2
`,
  );
});

test("a file that recovery cut off a log is shown as a log", async () => {
  const kept = `${log()}.cut-85`;
  writeFileSync(kept, readFileSync(log()).subarray(85));
  expect(await inspect(kept)).toContain("         0       105  2-3 ");
  rmSync(kept);
});

test("--records, --from and --limit", async () => {
  const lines = (await inspect(log(), "--records", "--from", "1", "--limit", "2")).split("\n");
  expect(lines.slice(1).map((line) => line.trim().replace(/ +/g, " "))).toEqual([
    "0 85 0-1 2 ok none 2023-11-14T22:13:20.000Z +1 ms 77 epoch 0 seq 0",
    'offset 1 2023-11-14T22:13:20.001Z key null value "b"',
    "85 105 2-3 2 ok gzip 2023-11-14T22:13:20.010Z +1 ms 77 epoch 0 seq 2",
    'offset 2 2023-11-14T22:13:20.010Z key "key" value "c" "h"="\\u0001\\u0002"',
    "",
  ]);
});

test("--hex names every field", async () => {
  const crc = readFileSync(log()).subarray(17, 21);
  const [spaced, plain] = [crc.toString("hex").replace(/(..)(?=.)/g, "$1 "), crc.toString("hex")];
  expect(await inspect(log(), "--hex", "--limit", "1")).toBe(
    `batch at position 0: offsets 0 to 1, 85 bytes
00000000  00 00 00 00 00 00 00 00  baseOffset              0
00000008  00 00 00 49              batchLength             73 (batch of 85 bytes)
0000000c  00 00 00 00              partitionLeaderEpoch    0
00000010  02                       magic                   2
00000011  ${spaced}              crc                     0x${plain} ok
00000015  00 00                    attributes              codec none, CreateTime
00000017  00 00 00 01              lastOffsetDelta         1 (last offset 1)
0000001b  00 00 01 8b cf e5 68 00  baseTimestamp           1700000000000 2023-11-14T22:13:20.000Z
00000023  00 00 01 8b cf e5 68 01  maxTimestamp            1700000000001 2023-11-14T22:13:20.001Z
0000002b  00 00 00 00 00 00 00 4d  producerId              77
00000033  00 00                    producerEpoch           0
00000035  00 00 00 00              baseSequence            0
00000039  00 00 00 02              recordCount             2
  record 0
0000003d  1e                       length                  15 bytes follow
0000003e  00                       attributes              0
0000003f  00                       timestampDelta          0 (timestamp 1700000000000)
00000040  00                       offsetDelta             0 (offset 0)
00000041  06                       key length              3
00000042  6b 65 79                 key                     key
00000045  02                       value length            1
00000046  61                       value                   a
00000047  02                       headerCount             1
00000048  02                       header 0 name length    1
00000049  68                       header 0 name           h
0000004a  04                       header 0 value length   2
0000004b  01 02                    header 0 value          ..
  record 1
0000004d  0e                       length                  7 bytes follow
0000004e  00                       attributes              0
0000004f  02                       timestampDelta          1 (timestamp 1700000000001)
00000050  02                       offsetDelta             1 (offset 1)
00000051  01                       key length              -1 (null)
00000052  02                       value length            1
00000053  62                       value                   b
00000054  00                       headerCount             0
`,
  );
});

test("--json prints one object per line, with its records", async () => {
  const lines = (await inspect(log(), "--json", "--records")).trimEnd().split("\n");
  const [first, second] = lines.map((line) => JSON.parse(line));
  expect(first).toMatchObject({
    kind: "batch",
    position: 0,
    bytes: 85,
    baseOffset: 0,
    lastOffset: 1,
    count: 2,
    crcOk: true,
    codec: "none",
    producerId: 77,
    records: [
      { offset: 0, key: "key", value: "a", headers: [{ name: "h", value: "\u0001\u0002" }] },
      { offset: 1, key: null, value: "b", headers: [] },
    ],
  });
  expect(second).toMatchObject({ codec: "gzip", records: [{ value: "c" }, { value: "d" }] });
});

test("damage is shown with its position and cause, and the walk continues", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  const path = join(directory.path, fileOf(10));
  edit(path, (bytes) => {
    bytes[82]! ^= 1;
  });
  const text = await inspect(path);
  const lines = text.split("\n").slice(1, -1);
  expect(lines[0]).toMatch(/^ +0 +85 +10-11 +2 +BAD +none /);
  expect(lines[1]).toMatch(
    /^ +0 +85 +DAMAGED: its CRC-32C is 0x\w{8}, but its header says 0x\w{8}$/,
  );
  expect(lines[2]).toMatch(/^ +85 +77 +12-12 +1 +ok +none /);
  const [damaged] = (await inspect(path, "--json"))
    .split("\n")
    .map((line) => line && JSON.parse(line));
  expect(damaged).toMatchObject({
    kind: "damage",
    position: 0,
    bytes: 85,
    fault: "crc",
    header: { baseOffset: 10, count: 2 },
  });
  const hex = await inspect(path, "--hex", "--limit", "1");
  expect(hex).toStartWith("DAMAGED: 85 bytes at position 0: its CRC-32C is");
  expect(hex).toMatch(/\n00000011 .* crc +0x\w{8} WRONG: 0x\w{8}\n/);
  expect(hex).toMatch(/\n0000003d .* length +15 bytes follow\n/);
  edit(path, (bytes) => {
    bytes[82]! ^= 1;
  });
  truncateSync(path, 100);
  expect((await inspect(path)).split("\n").at(-2)).toMatch(
    /^ +85 +15 +DAMAGED: 15 bytes of a batch of 77: torn by a crash, or still being written$/,
  );
  truncateSync(path, 0);
  expect((await inspect(path)).split("\n")).toHaveLength(2);
});

test("output is coloured on a terminal unless NO_COLOR is set", async () => {
  const args = ["inspect", log(), "--hex"];
  const plain = (await inspect(log(), "--hex")).replaceAll("\n", "\r\n");
  const wanted = await runOnTerminal(args);
  expect(wanted).toContain("\u001b[36m00 00 00 00 00 00 00 00\u001b[0m");
  const withoutPadding = (text: string): string => Bun.stripANSI(text).replace(/ +(?=\r)/g, "");
  expect(withoutPadding(wanted)).toBe(withoutPadding(plain));
  expect(await runOnTerminal(args, { env: { NO_COLOR: "1" } })).toBe(plain);
  expect(await runOnTerminal(args, { env: { TERM: "dumb" } })).toBe(plain);
});

test("terminal control characters are escaped", async () => {
  using directory = tempDir();
  const path = join(directory.path, "00000000000000000000.log");
  writeFileSync(path, sampleBatch(["\u001b[31m\u009b31m\u007f\nü"], START_MS));
  expect(await inspect(path, "--records")).toContain('value "\\u001b[31m\\u009b31m\\u007f\\nü"');
});

test("records that can't be decompressed are not called damaged", async () => {
  using directory = tempDir();
  const path = join(directory.path, "00000000000000000000.log");
  const batch = sampleBatch(["a", "b"], START_MS);
  batch[FIELD.attributes + 1] = 3; // lz4
  batch.set(LZ4_WITH_DICTIONARY, BATCH_HEADER_BYTES);
  stampProducer(batch, NO_PRODUCER);
  writeFileSync(path, batch);
  const [, line, why] = (await inspect(path, "--records")).split("\n");
  expect(line).toContain("0-1                        2  ok   lz4 ");
  expect(why?.trim()).toBe(`not decompressed: ${DICTIONARY_NEEDED}`);
  expect(JSON.parse(await inspect(path, "--records", "--json"))).toMatchObject({
    kind: "batch",
    records: [{ kind: "unopened", reason: DICTIONARY_NEEDED }],
  });
  expect(await inspect(path, "--hex")).toEndWith(
    `  the records are not decompressed: ${DICTIONARY_NEEDED}\n`,
  );
});

test("a batch that decompresses to 400,000 records is printed while it is read", async () => {
  using directory = tempDir();
  const path = join(directory.path, "00000000000000000000.log");
  const encoder = new BatchEncoder({ codec: "zstd" });
  for (let i = 0; i < 400_000; i++) encoder.append(START_MS, null, "x");
  writeFileSync(path, encoder.finish());
  const { peakBytes, lines } = await measured("inspect", path, "--records");
  expect(lines).toBe(400_002);
  // The text has 32 MB; before it was written in pieces, several times that was in memory.
  expect(peakBytes).toBeLessThan(160e6);
  const json = await measured("inspect", path, "--records", "--json");
  expect(json.lines).toBe(1);
  expect(json.peakBytes).toBeLessThan(160e6);
}, 60_000);

/** The number of printed lines, and the maximum memory of the process. */
async function measured(...args: readonly string[]) {
  const child = spawn(args);
  let lines = 0;
  let peakBytes = 0;
  for await (const chunk of child.stdout) {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
    peakBytes = Math.max(peakBytes, residentBytes(child.pid));
  }
  expect(await child.exited).toBe(0);
  return { lines, peakBytes };
}

/** The maximum memory of a process; 0 once it has ended, or where the system does not report it. */
function residentBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

test("inspect reads a running broker's files without its lock", async () => {
  using directory = tempDir();
  await using broker = await Broker.start({ dataDir: directory.path, port: 0, log: () => {} });
  const client = await connect({ broker: broker.address });
  const producer = client.producer();
  await producer.send("live", { value: "now" });
  const text = await inspect(join(directory.path, fileOf(0, "log", "live")), "--records");
  expect(text).toContain('key null  value "now"');
  await producer.send("live", { value: "then" });
  await producer.close();
  await client.close();
});

test("a file that is missing or of another kind is refused", async () => {
  const wrong = await run(["inspect", "notes.txt"]);
  expect(wrong.stderr).toContain("'notes.txt' is not a .log, .index, .timeindex or .snapshot file");
  expect(wrong.exitCode).toBe(2);
  using directory = tempDir();
  mkdirSync(join(directory.path, "a.log"));
  symlinkSync("/dev/zero", join(directory.path, "b.index"));
  await Bun.$`mkfifo ${join(directory.path, "c.snapshot")}`;
  for (const name of ["a.log", "b.index", "c.snapshot"]) {
    const path = join(directory.path, name);
    const { stdout, stderr, exitCode } = await run(["inspect", path]);
    expect([stdout, stderr, exitCode]).toEqual([
      "",
      `rustlog: '${path}' is not a regular file\n`,
      1,
    ]);
  }
  for (const kind of ["log", "index", "timeindex", "snapshot"]) {
    const missing = await run(["inspect", join(sample.path, `missing.${kind}`)]);
    expect(missing.stderr).toMatch(/^rustlog: ENOENT: .*missing\./);
    expect(missing.exitCode).toBe(1);
  }
});
