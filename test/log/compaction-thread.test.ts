// Runs of compaction in a thread, and in slices of the event loop: the same files, and what happens when a thread ends.
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CompactionSlices, CompactionThread } from "../../src/log/compaction/compaction-thread.js";
import { FlushFailure } from "../../src/log/disk/disk.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import { segmentFileName } from "../../src/log/segment/segment-files.js";
import { batchOf as malformedBatch } from "../record/batches.js";
import { COMPACTED_DIRECTORY, jobOf, writeRandomLog } from "../support/compaction-log.js";
import { Random } from "../support/random.js";
import { SimulatedDisk } from "../support/simulated-disk.js";
import { tempDir } from "../support/tmp.js";

const temporary = tempDir();
afterAll(() => temporary[Symbol.dispose]());

const simulated = new SimulatedDisk(new Random(1));
const shape = { segments: 3, batches: 8, records: 20, keys: 10 };
const log = writeRandomLog(simulated, new Random(2), shape);

const never = (): boolean => false;

/** Clients that do nothing. */
const IDLE = { requestsAnswered: 0, receivedBytes: 0, sentBytes: 0 };

/** A directory with the files of the log, and the job to compact it. */
function freshJob(name: string) {
  const directory = join(temporary.path, name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  for (const file of simulated.list(COMPACTED_DIRECTORY)) {
    writeFileSync(
      join(directory, file),
      simulated.readFile(`${COMPACTED_DIRECTORY}/${file}`) ?? new Uint8Array(),
    );
  }
  return { ...jobOf(log, { mapBytes: 2 ** 16, segmentBytes: 2 ** 20 }), directory };
}

const cleanedFiles = (directory: string): [string, string][] =>
  readdirSync(directory)
    .filter((name) => name.endsWith(".cleaned"))
    .map((name) => [name, readFileSync(join(directory, name)).toHex()]);

/** A script in place of the thread's. */
function entry(name: string, script: string): string {
  const path = join(temporary.path, `${name}.js`);
  writeFileSync(path, script);
  return path;
}

test("a thread and slices of the event loop write the same files", async () => {
  const lines: string[] = [];
  const thread = new CompactionThread(new RealDisk(), (line) => lines.push(line), IDLE);
  const slices = new CompactionSlices(new RealDisk());
  const outcomes = [];
  for (const runner of [thread, slices, thread]) {
    const job = freshJob("same");
    const result = await runner.run(job, never);
    outcomes.push({ result, files: cleanedFiles(job.directory) });
    await runner.rest();
  }
  expect(outcomes[0]?.files.length).toBe(3);
  expect(outcomes[1]).toEqual(outcomes[0]!);
  expect(outcomes[2]).toEqual(outcomes[0]!);
  expect(lines).toEqual([]);
});

test("a run that fails or is stopped leaves nothing, and the thread goes on", async () => {
  const thread = new CompactionThread(new RealDisk(), () => {}, IDLE);
  // Only the second pass reads the records of the clean part, when the first segment is already rewritten.
  const last = log.segments.at(-1)!.baseOffset;
  const job = { ...freshJob("failing"), firstDirtyOffset: last };
  const path = join(job.directory, segmentFileName(log.segments[1]!.baseOffset, "log"));
  const bytes = readFileSync(path);
  // A CRC that matches, over records that don't: malformed from the start, not damaged.
  const malformed = malformedBatch(Uint8Array.of(8, 0, 0, 0, 1, 1, 1), 1);
  malformed.set(bytes.subarray(0, 8));
  writeFileSync(path, malformed);
  const failure = thread.run(job, never);
  expect(await failure.catch((error: unknown) => error)).toMatchObject({ code: "CORRUPT_MESSAGE" });
  expect(cleanedFiles(job.directory)).toEqual([]);
  writeFileSync(path, bytes);
  expect((await thread.run(job, never))?.groups.length).toBe(1);
  await thread.rest();

  const slices = new CompactionSlices(new RealDisk());
  const stopped = freshJob("stopped");
  expect(await slices.run(stopped, () => true)).toBeUndefined();
  expect(cleanedFiles(stopped.directory)).toEqual([]);
});

test("a thread that is told to stop does so", async () => {
  const script = `
    addEventListener("message", ({ data }) => {
      const flag = new Int32Array(data.signals, 0, 1);
      while (Atomics.load(flag, 0) === 0);
      postMessage({ kind: "done", result: undefined });
    });
    postMessage({ kind: "ready" });`;
  const thread = new CompactionThread(new RealDisk(), () => {}, IDLE, entry("stops", script));
  expect(await thread.run(freshJob("told"), () => true)).toBeUndefined();
  await thread.rest();
});

test("a thread is told how busy clients are, while it runs", async () => {
  const noted = join(temporary.path, "first load noted");
  const script = `
    addEventListener("message", ({ data }) => {
      const [flag, load] = [new Int32Array(data.signals, 0, 1), new Float64Array(data.signals, 16, 1)];
      const first = load[0];
      require("node:fs").writeFileSync(${JSON.stringify(noted)}, "");
      while (load[0] === first) Atomics.wait(flag, 0, 0, 1);
      postMessage({ kind: "failed", message: [first, load[0]].join(" then ") });
    });
    postMessage({ kind: "ready" });`;
  const traffic = { ...IDLE };
  const thread = new CompactionThread(new RealDisk(), () => {}, traffic, entry("load", script));
  const run = thread.run(freshJob("load"), () => {
    // Not before, or the thread would not see a change.
    if (existsSync(noted)) traffic.requestsAnswered += 1_000_000;
    return false;
  });
  expect(await run.catch(String)).toBe("Error: 0 then 1");
  await thread.rest();
});

test("a thread rests beside clients, and writes the same files", async () => {
  const busy = {
    ...IDLE,
    get requestsAnswered() {
      return performance.now() * 1_000;
    },
  };
  const outcomes = [];
  for (const traffic of [IDLE, busy]) {
    const thread = new CompactionThread(new RealDisk(), () => {}, traffic);
    const job = freshJob("busy");
    const result = await thread.run(job, never);
    outcomes.push({ result, files: cleanedFiles(job.directory) });
    await thread.rest();
  }
  expect(outcomes[1]).toEqual(outcomes[0]!);
});

test("a thread that ends in a run fails it, and the next run starts another", async () => {
  const script = `
    addEventListener("message", () => { throw new Error("out of luck"); });
    postMessage({ kind: "ready" });`;
  const thread = new CompactionThread(new RealDisk(), () => {}, IDLE, entry("crashes", script));
  for (let i = 0; i < 2; i++) {
    const run = thread.run(freshJob("crash"), never);
    expect(await run.catch(String)).toMatch(/out of luck|has ended/);
  }
  await thread.rest();
});

test("where no thread can be started, the event loop is shared", async () => {
  const lines: string[] = [];
  const missing = join(temporary.path, "missing.js");
  const thread = new CompactionThread(new RealDisk(), (line) => lines.push(line), IDLE, missing);
  for (let i = 0; i < 2; i++) {
    const result = await thread.run(freshJob("missing"), never);
    expect(result?.groups.length).toBe(1);
  }
  await thread.rest();
  expect(lines).toEqual([expect.stringContaining("can't be started")]);
});

test("a new segment that can't be flushed fails the run, not the broker", async () => {
  const disk = new SimulatedDisk(new Random(3));
  const job = jobOf(writeRandomLog(disk, new Random(2), shape), {});
  const broken = new Proxy(disk, {
    get: (target, name) => {
      if (name === "createAppend") {
        return (path: string) => {
          const file = target.createAppend(path);
          file.sync = () => Promise.reject(new Error("EIO"));
          return file;
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const error: unknown = await new CompactionSlices(broken).run(job, never).catch((it) => it);
  expect(error).toMatchObject({ code: "STORAGE_ERROR" });
  expect(error).not.toBeInstanceOf(FlushFailure);
});
