// `rustlog verify` as a process: exit codes, lines, JSON, repair, and a directory that is in use.
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ProgressBar } from "../../src/cli/progress-bar.ts";
import { Broker } from "../../src/broker/broker.ts";
import { edit, fileOf, makeSample } from "../inspection/sample.ts";
import { tempDir } from "../support/tmp.ts";
import { run, runOnTerminal } from "./rustlog.ts";

test("a sound directory: a summary, nothing on stderr, 0", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  const { stdout, stderr, exitCode } = await run(["verify", directory.path]);
  expect(stdout).toMatch(
    /^Checked 2 topics, 2 partitions, 4 segments, 10 batches, 15 records, 10\.9 kB in \d+\.\d\d s: no damage\n$/,
  );
  expect(stderr).toBe("");
  expect(exitCode).toBe(0);
});

test("damage: a line each and 1; with --repair it is put right, and the next run ends with 0", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  writeFileSync(join(directory.path, fileOf(4, "index")), "");
  writeFileSync(join(directory.path, "notes.txt"), "");
  const env = { RUSTLOG_DATA_DIR: directory.path };
  const found = await run(["verify"], { env });
  const [note, damage, summary, hint] = found.stdout.split("\n");
  expect(note).toBe("note: notes.txt: nothing of ours; left alone");
  expect(damage).toStartWith(`damage: ${fileOf(4, "index")}: 2 entries are missing`);
  expect(summary).toEndWith(": 1 damaged, 1 note");
  expect(hint).toBe("--repair can put right 1 of these");
  expect(found.exitCode).toBe(1);
  const repaired = await run(["verify", "--repair"], { env });
  expect(repaired.stdout).toContain("; repaired: rebuilt from the log, 16 bytes\n");
  expect(repaired.stdout).toEndWith(": no damage, 1 note, 1 repaired\n");
  expect(repaired.exitCode).toBe(0);
  expect((await run(["verify"], { env })).exitCode).toBe(0);
});

test("--json has all that the lines have, as fields", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  edit(join(directory.path, fileOf(4)), (bytes) => {
    bytes[1000]! ^= 1;
  });
  const { stdout, exitCode } = await run(["verify", directory.path, "--json"]);
  expect(JSON.parse(stdout)).toEqual({
    directory: directory.path,
    findings: [
      {
        severity: "damage",
        file: fileOf(4),
        topic: "orders",
        partition: 0,
        position: 0,
        bytes: 5078,
        offset: 4,
        lastOffset: 4,
        reason: expect.stringContaining("CRC-32C"),
      },
    ],
    counts: { topics: 2, partitions: 2, segments: 4, batches: 9, records: 14, bytes: 10_920 },
    damage: 1,
    repaired: 0,
  });
  expect(exitCode).toBe(1);
});

test("a running broker: 1, and which process", async () => {
  using directory = tempDir();
  await using _broker = await Broker.start({ dataDir: directory.path, port: 0, log: () => {} });
  const { stdout, stderr, exitCode } = await run(["verify", directory.path, "--repair"]);
  expect(stderr).toContain(`is held by process ${process.pid}`);
  expect(stdout).toBe("");
  expect(exitCode).toBe(1);
});

test("a directory that is none of ours is left as it is", async () => {
  using directory = tempDir();
  const { stderr, exitCode } = await run(["verify", directory.path]);
  expect(stderr).toContain("is no data directory");
  expect(exitCode).toBe(1);
  expect([...new Bun.Glob("**").scanSync({ cwd: directory.path, onlyFiles: false })]).toEqual([]);
});

test("on a terminal each finding has a line of its own, without the bar", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  for (const base of [0, 4]) {
    edit(join(directory.path, fileOf(base)), (bytes) => (bytes[80]! ^= 1));
  }
  const text = await runOnTerminal(["verify", directory.path]);
  expect(text).toContain("% [");
  const lines = text.split("\r\n").map((line) => line.split("\u001b[K").at(-1));
  expect(lines.map((line) => line?.split(/[: ]/, 1)[0])).toEqual([
    "damage",
    "damage",
    "Checked",
    "",
  ]);
});

test("the progress bar: on a terminal, not too often, and gone at the end", () => {
  let nowMs = 0;
  const written: string[] = [];
  const bar = new ProgressBar(
    true,
    () => nowMs,
    (text) => written.push(text),
  );
  nowMs = 1000;
  bar.update(500_000, 1_000_000, "a.log");
  bar.update(600_000, 1_000_000, "a.log");
  nowMs = 2000;
  bar.update(1_000_000, 1_000_000, "b.log");
  bar.clear();
  bar.clear();
  expect(written.map((text) => text.replace("\r\u001b[K", ""))).toEqual([
    " 50 % [############------------] 500 kB of 1.00 MB, 500 kB/s, a.log",
    "100 % [########################] 1.00 MB of 1.00 MB, 500 kB/s, b.log",
    "",
  ]);
  const silent = new ProgressBar(
    false,
    () => nowMs,
    () => expect.unreachable(),
  );
  silent.update(1, 2, "a.log");
  silent.clear();
});
