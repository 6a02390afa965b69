// The broker's log when its reader does not keep up: a full pipe, a closed one, a full disk.
import { describe, expect, test } from "bun:test";
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { LOG_BUFFER_BYTES_MAX, LogOutput, unblockedSink } from "../../src/cli/log-output.js";
import { smallDisk } from "../support/small-disk.js";
import { tempDir } from "../support/tmp.js";

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** A sink that takes bytes while it has room; the test triggers later attempts. */
class Sink {
  text = "";
  room = Number.POSITIVE_INFINITY;
  error = failure("EAGAIN");
  later: (() => void)[] = [];
  readonly output = new LogOutput({ write: (bytes) => this.#take(bytes) }, (call) => {
    this.later.push(call);
  });

  retry(): void {
    for (const call of this.later.splice(0)) call();
  }

  #take(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.room);
    if (taken === 0) throw this.error;
    this.room -= taken;
    this.text += new TextDecoder().decode(bytes.subarray(0, taken));
    return taken;
  }
}

describe("lines", () => {
  test("are written immediately while the reader keeps up", () => {
    const sink = new Sink();
    sink.output.line("one");
    sink.output.line("two");
    expect(sink.text).toBe("one\ntwo\n");
    expect(sink.output.pendingBytes).toBe(0);
  });

  test("wait for a full pipe and arrive complete and in order", () => {
    const sink = new Sink();
    sink.room = 2;
    sink.output.line("one");
    sink.output.line("two");
    expect(sink.text).toBe("on");
    sink.retry();
    expect(sink.text).toBe("on");
    sink.room = Number.POSITIVE_INFINITY;
    sink.retry();
    expect(sink.text).toBe("one\ntwo\n");
  });

  test("beyond the buffer's limit are dropped, counted, and reported in their place", () => {
    const sink = new Sink();
    sink.room = 0;
    const line = "x".repeat(1023);
    const kept = LOG_BUFFER_BYTES_MAX / 1024;
    for (let i = 0; i < kept + 7; i++) sink.output.line(line);
    sink.output.line("last words", { isKept: true });
    expect(sink.output.pendingBytes).toBeLessThan(LOG_BUFFER_BYTES_MAX + 200);
    sink.room = Number.POSITIVE_INFINITY;
    sink.retry();
    const lines = sink.text.trimEnd().split("\n");
    expect(lines.filter((text) => text === line)).toHaveLength(kept);
    expect(lines.slice(kept)).toEqual([
      "7 lines of this log were dropped: nobody read them",
      "last words",
    ]);
  });

  test("that nobody can read any more are discarded", async () => {
    const sink = new Sink();
    sink.room = 0;
    sink.error = failure("EPIPE");
    sink.output.line("lost");
    expect(sink.output.pendingBytes).toBe(0);
    await sink.output.drain();
    sink.room = 100;
    sink.output.line("somebody reads again");
    expect(sink.text).toBe("somebody reads again\n");
  });

  test("for a full disk are written once there is space, and do not delay a stop", async () => {
    const sink = new Sink();
    sink.room = 0;
    sink.error = failure("ENOSPC");
    sink.output.line("later");
    await sink.output.drain();
    sink.room = 100;
    sink.retry();
    expect(sink.text).toBe("later\n");
  });

  test("that wait are awaited at the end, but not forever", async () => {
    const sink = new Sink();
    sink.room = 0;
    sink.output.line("late");
    const read = sink.output.drain();
    sink.room = 100;
    sink.retry();
    await read;
    expect(sink.text).toBe("late\n");
    sink.room = 0;
    sink.output.line("never read");
    const unread = sink.output.drain();
    sink.retry();
    await unread;
    expect(sink.text).toBe("late\n");
  });
});

describe("a pipe that nobody reads", () => {
  test("does not block, and has all lines once somebody reads it", async () => {
    using directory = tempDir();
    const path = join(directory.path, "pipe");
    expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(path, constants.O_WRONLY);
    const output = new LogOutput(unblockedSink(writer));
    const line = "x".repeat(1023);
    // Ten times the capacity of a pipe: a blocking write would never return.
    for (let i = 0; i < 640; i++) output.line(line);
    expect(output.pendingBytes).toBeGreaterThan(0);
    expect(output.dropped).toBe(0);
    const buffer = Buffer.alloc(64 * 1024);
    let bytes = 0;
    while (bytes < 640 * 1024) {
      try {
        bytes += readSync(reader, buffer);
      } catch {
        await Bun.sleep(5); // the pipe is empty
      }
    }
    await output.drain();
    expect(bytes).toBe(640 * 1024);
    closeSync(reader);
    closeSync(writer);
  });

  test("lines are appended to an existing file", () => {
    using directory = tempDir();
    const path = join(directory.path, "log");
    const file = openSync(path, "a");
    new LogOutput(unblockedSink(file)).line("one");
    new LogOutput(unblockedSink(file)).line("two");
    closeSync(file);
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
  });
});

test("lines that waited for a full disk are written once there is space", async () => {
  using disk = smallDisk(1);
  if (disk === undefined) return;
  const path = join(disk.path, "log");
  const file = openSync(path, "a");
  const again: (() => void)[] = [];
  const output = new LogOutput(unblockedSink(file), (call) => again.push(call));
  output.line("before");
  disk.fill(0);
  for (let i = 0; i < 10; i++) output.line(`${i} ${"x".repeat(1021)}`);
  expect(output.pendingBytes).toBeGreaterThan(0);
  disk.makeSpace();
  for (const call of again.splice(0)) call();
  closeSync(file);
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => line[0]).join("")).toBe("b0123456789");
});
