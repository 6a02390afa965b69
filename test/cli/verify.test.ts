// `rustlog verify` as a process: exit codes, lines, JSON, repair, and a directory in use.
import { expect, test } from "bun:test";
import { cpSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { formatBar } from "../../src/cli/progress-bar.js";
import { Broker } from "../../src/broker/broker.js";
import { edit, fileOf, makeSample } from "../inspection/sample.js";
import { tempDir } from "../support/tmp.js";
import { run, runOnTerminal } from "./rustlog.js";

const mayMount =
  Bun.spawnSync(["sh", "-c", "d=$(mktemp -d) && mount -t tmpfs tmpfs $d && umount $d && rmdir $d"])
    .exitCode === 0;

test("a sound directory gives a summary, an empty stderr and exit code 0", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  const { stdout, stderr, exitCode } = await run(["verify", directory.path]);
  expect(stdout).toMatch(
    /^Checked 2 topics, 2 partitions, 4 segments, 10 batches, 15 records, 11\.0 kB in \d+\.\d\d s: no damage\n$/,
  );
  expect(stderr).toBe("");
  expect(exitCode).toBe(0);
});

/** Runs `body` on a read-only file system with a copy of `source`. Only root may mount one. */
async function onReadOnlyCopy(source: string, body: (path: string) => Promise<void>) {
  using copy = tempDir();
  const mount = (...args: string[]) => Bun.spawnSync(["mount", ...args, copy.path]).exitCode;
  expect(mount("-t", "tmpfs", "tmpfs")).toBe(0);
  try {
    cpSync(source, join(copy.path, "data"), { recursive: true });
    expect(mount("-o", "remount,ro")).toBe(0);
    await body(join(copy.path, "data"));
  } finally {
    Bun.spawnSync(["umount", "--lazy", copy.path]);
  }
}

test.skipIf(!mayMount)("verify, inspect and explain work on a read-only copy", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  for (const lock of [true, false]) {
    if (!lock) rmSync(join(directory.path, "LOCK"));
    await onReadOnlyCopy(directory.path, async (path) => {
      const verified = await run(["verify", path]);
      expect(verified.stdout).toEndWith(": no damage\n");
      expect([verified.stderr, verified.exitCode]).toEqual(["", 0]);
      for (const kind of ["log", "index", "timeindex", "snapshot"] as const) {
        const offset = kind === "snapshot" ? 13 : 4;
        expect((await run(["inspect", join(path, fileOf(offset, kind))])).exitCode).toBe(0);
      }
      const explained = await run(["explain", "orders", "0", "4", "--data-dir", path]);
      expect([explained.stderr, explained.exitCode]).toEqual(["", 0]);
      expect((await run(["verify", path, "--repair"])).stderr).toContain("EROFS");
    });
  }
});

test("verify writes nothing, not even to the lock file", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  const lock = join(directory.path, "LOCK");
  writeFileSync(lock, "4711\n");
  expect((await run(["verify", directory.path])).exitCode).toBe(0);
  expect(readFileSync(lock, "utf8")).toBe("4711\n");
  rmSync(lock);
  expect((await run(["verify", directory.path])).exitCode).toBe(0);
  expect(existsSync(lock)).toBe(false);
});

test("a FIFO in place of a file is damage, and verify does not wait for it", async () => {
  for (const file of [fileOf(4), fileOf(4, "index"), fileOf(13, "snapshot"), "meta.json"]) {
    using directory = tempDir();
    await makeSample(directory.path);
    const path = join(directory.path, file);
    rmSync(path);
    Bun.spawnSync(["mkfifo", path]);
    const { stdout, exitCode } = await run(["verify", directory.path]);
    expect(stdout).toContain(`${path} is a FIFO, not a file`);
    expect(exitCode).toBe(1);
  }
});

test.each([
  ["a log", fileOf(4)],
  ["an index", fileOf(4, "index")],
  ["a partition", dirname(fileOf(4))],
  ["a topic", dirname(dirname(fileOf(4)))],
])("%s that can't be read is damage, and verify checks the rest", async (_, file) => {
  using directory = tempDir();
  await makeSample(directory.path);
  const path = join(directory.path, file);
  rmSync(path, { recursive: true });
  symlinkSync(path, path);
  const { stdout, stderr, exitCode } = await run(["verify", directory.path]);
  expect(stdout).toContain("ELOOP");
  expect(stdout).toContain("Checked ");
  expect([stderr, exitCode]).toEqual(["", 1]);
});

test("damage gives a line each and exit code 1; --repair fixes it and the next run exits with 0", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  writeFileSync(join(directory.path, fileOf(4, "index")), "");
  writeFileSync(join(directory.path, "notes.txt"), "");
  const env = { RUSTLOG_DATA_DIR: directory.path };
  const found = await run(["verify"], { env });
  const [note, damage, summary, hint] = found.stdout.split("\n");
  expect(note).toBe("note: notes.txt: not a RustLog file; ignored");
  expect(damage).toStartWith(`damage: ${fileOf(4, "index")}: 2 entries are missing`);
  expect(summary).toEndWith(": 1 damaged, 1 note");
  expect(hint).toBe("--repair can fix 1 of these");
  expect(found.exitCode).toBe(1);
  const repaired = await run(["verify", "--repair"], { env });
  expect(repaired.stdout).toContain("; repaired: rebuilt from the log, 16 bytes\n");
  expect(repaired.stdout).toEndWith(": no damage, 1 note, 1 repaired\n");
  expect(repaired.exitCode).toBe(0);
  expect((await run(["verify"], { env })).exitCode).toBe(0);
});

test("--json has everything that the lines have, as fields", async () => {
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
    counts: { topics: 2, partitions: 2, segments: 4, batches: 9, records: 14, bytes: 10_958 },
    damage: 1,
    repaired: 0,
  });
  expect(exitCode).toBe(1);
});

test("a running broker gives exit code 1 and its process id", async () => {
  using directory = tempDir();
  await using _broker = await Broker.start({ dataDir: directory.path, port: 0, log: () => {} });
  const { stdout, stderr, exitCode } = await run(["verify", directory.path, "--repair"]);
  expect(stderr).toContain(`is held by process ${process.pid}`);
  expect(stdout).toBe("");
  expect(exitCode).toBe(1);
});

test("a directory of something else is left unchanged", async () => {
  using directory = tempDir();
  const { stderr, exitCode } = await run(["verify", directory.path]);
  expect(stderr).toContain("is not a data directory");
  expect(exitCode).toBe(1);
  expect([...new Bun.Glob("**").scanSync({ cwd: directory.path, onlyFiles: false })]).toEqual([]);
});

test("on a terminal each finding has its own line, without the bar", async () => {
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

test("the progress bar shows the share, the bytes and the rate", () => {
  expect(formatBar(500_000, 1_000_000, 1, "a.log")).toBe(
    " 50 % [############------------] 500 kB of 1.00 MB, 500 kB/s, a.log",
  );
  expect(formatBar(1_000_000, 1_000_000, 2, "b.log")).toBe(
    "100 % [########################] 1.00 MB of 1.00 MB, 500 kB/s, b.log",
  );
  expect(formatBar(0, 0, 0, "empty.log")).toBe(
    "100 % [########################] 0 B of 0 B, 0 B/s, empty.log",
  );
});
