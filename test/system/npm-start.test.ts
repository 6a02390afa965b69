// `npm start`, as in the README: a signal to npm reaches the broker. Skipped without npm.
import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { environment } from "../support/binary.js";
import { tempDir } from "../support/tmp.js";
import { readRest, readUntil } from "../cli/rustlog.js";

const ROOT = join(import.meta.dir, "../..");
const npm = Bun.which("npm");
const started: number[] = [];

afterAll(() => {
  for (const pid of started) if (isBroker(pid)) process.kill(pid, "SIGKILL");
});

/** Whether a broker of this test still runs as `pid`. */
function isBroker(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("src/main.ts");
  } catch {
    return false;
  }
}

/** The major version of npm: 9 forwards no signals. */
function npmMajor(): number {
  if (npm === null) return 0;
  const { stdout } = Bun.spawnSync([npm, "--version"], { cwd: "/" });
  return Number.parseInt(stdout.toString(), 10);
}

const signals = npmMajor() >= 10 ? (["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL"] as const) : [];

test.if(signals.length > 0).each(signals)(
  "%s to npm stops the broker cleanly",
  async (signal) => {
    using directory = tempDir();
    const child = Bun.spawn([npm ?? "npm", "start"], {
      cwd: ROOT,
      env: environment({ RUSTLOG_PORT: "0", RUSTLOG_DATA_DIR: directory.path }),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    await readUntil(child.stdout, (text) => text.includes("Data directory: "));
    started.push(Number(readFileSync(join(directory.path, "LOCK"), "utf8")));
    child.kill(signal);
    // The pipe ends when the last process that has it open has ended.
    expect(await readRest(child.stdout)).toEndWith("Broker stopped\n");
    await child.exited;
  },
  30_000,
);
